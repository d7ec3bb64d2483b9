package scan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/section"
)

const (
	// maxReport bounds a saved report: one of an image with 10,000 findings has
	// 100 MB.
	maxReport = 1 << 30
	// maxSniff is how much of a file is needed to recognise its format.
	maxSniff = 512
)

// ReadReport reads a saved report: assay's own (JSON) or Trivy's. "-" is
// standard input. Any other file is assay.ErrUnsupported.
func ReadReport(name string, pipe io.Reader) (*assay.Report, error) {
	in := io.NopCloser(pipe)
	if name != "-" {
		var err error
		if in, err = os.Open(name); err != nil {
			return nil, err
		}
		defer in.Close()
	}
	b, err := limit.ReadAll(in, maxReport)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r, err := report.Read(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, decodeSections(name, r)
}

// decodeSections makes the sections of a saved report usable.
func decodeSections(name string, r *assay.Report) error {
	if err := r.Sections.Decode(section.All()); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// A Subject is a saved report, an SBOM, or else an image.
type Subject struct {
	Report *assay.Report // nil if it is not a report
	SBOM   bool
	Pipe   io.Reader // standard input from its start, for OpenSBOM
}

// Recognize recognises a report or an SBOM by the content of a file. "-" is
// standard input, which is never an image.
func Recognize(name string, pipe io.Reader) (Subject, error) {
	if name == "-" {
		return readStdin(pipe)
	}
	info, err := os.Stat(name)
	if name == "" || err != nil || !info.Mode().IsRegular() {
		return Subject{}, nil
	}
	head, err := sniff(name)
	switch {
	case err != nil:
		return Subject{}, err
	case bytes.HasPrefix(head, []byte("<")), bytes.HasPrefix(head, []byte("SPDXVersion:")), bytes.HasPrefix(head, []byte("pkg:")), bytes.HasPrefix(head, []byte("cpe:")):
		return Subject{SBOM: true}, nil
	case !bytes.HasPrefix(head, []byte("{")):
		return Subject{}, nil
	}
	r, err := ReadReport(name, nil)
	if errors.Is(err, assay.ErrUnsupported) {
		return Subject{SBOM: true}, nil
	}
	return Subject{Report: r}, err
}

// sniff reads the start of a file, without byte order marks and spaces.
func sniff(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, maxSniff)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return bytes.TrimLeft(bytes.TrimPrefix(head[:n], []byte("\xef\xbb\xbf")), " \t\r\n"), nil
}

// readStdin reads standard input: a report, or else an SBOM.
func readStdin(pipe io.Reader) (Subject, error) {
	b, err := limit.ReadAll(pipe, maxReport)
	if err != nil {
		return Subject{}, fmt.Errorf("-: %w", err)
	}
	r, err := report.Read(b)
	if err == nil {
		return Subject{Report: r}, decodeSections("-", r)
	}
	if errors.Is(err, assay.ErrUnsupported) || !bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) {
		return Subject{SBOM: true, Pipe: bytes.NewReader(b)}, nil
	}
	return Subject{}, fmt.Errorf("-: %w", err)
}

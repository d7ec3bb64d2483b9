package scan

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/source"
)

// A Subject is what Recognize recognised: a saved report or a target.
type Subject struct {
	Report *assay.Report    // nil if it is not a saved report
	Kind   assay.TargetKind // of the target
	Ref    string           // of the target, without the prefix of its kind
	Scopes assay.Scope      // to look for; 0 means those of the kind
	Pipe   io.Reader        // standard input from its start, for OpenSBOM
}

// prefixes are the prefixes that choose a kind of target. Those that choose a source of
// images belong to OpenImage.
var prefixes = map[string]Subject{
	"dir":    {Kind: assay.KindFilesystem},
	"fs":     {Kind: assay.KindFilesystem},
	"rootfs": {Kind: assay.KindFilesystem, Scopes: Scopes(assay.KindImage)},
	"repo":   {Kind: assay.KindRepository},
	"sbom":   {Kind: assay.KindSBOM},
	"vm":     {Kind: assay.KindVM},
}

// Recognize recognises what a name stands for:
//
//   - with a prefix (dir: fs: rootfs: repo: sbom: vm:), that kind of target;
//   - an address with a scheme, or USER@HOST:PATH: a repository;
//   - a path that cannot be the name of an image (".", "/srv/app", "./app", "app/") and
//     is a directory without an image: that directory;
//   - a file: a report, an SBOM or a disk image by its content, a lock file or a manifest
//     by its name;
//   - "-": a report or an SBOM from standard input;
//   - anything else: an image.
func Recognize(name string, pipe io.Reader) (Subject, error) {
	if name == "-" {
		return readStdin(pipe)
	}
	prefix, rest, _ := strings.Cut(name, ":")
	if s, ok := prefixes[prefix]; ok && rest != "" && !isTag(rest) {
		s.Ref, s.Pipe = rest, pipe
		return s, nil
	}
	if source.IsRepositoryAddress(name) && !isDigest(name) {
		return Subject{Kind: assay.KindRepository, Ref: name}, nil
	}
	image := Subject{Kind: assay.KindImage, Ref: name}
	info, err := os.Stat(name)
	switch {
	case name == "" || err != nil:
		return image, nil
	case info.IsDir() && source.IsPath(name) && !source.ContainsImage(name):
		return Subject{Kind: assay.KindFilesystem, Ref: name}, nil
	case !info.Mode().IsRegular():
		return image, nil
	}
	return recognizeFile(name, image)
}

// isTag reports whether what follows a name and a colon is a tag, such as 24-dind, and
// no file.
func isTag(rest string) bool {
	if rest[0] < '0' || rest[0] > '9' || strings.ContainsAny(rest, "/:@") {
		return false
	}
	_, err := os.Stat(rest)
	return err != nil
}

// isDigest reports whether ref is an image's name with a digest, which has the form of
// USER@HOST:PATH.
func isDigest(ref string) bool {
	_, after, _ := strings.Cut(ref, "@")
	return strings.HasPrefix(after, "sha256:") || strings.HasPrefix(after, "sha512:")
}

// recognizeFile recognises a regular file; otherwise is the answer for a file of another
// kind.
func recognizeFile(name string, otherwise Subject) (Subject, error) {
	head, err := sniff(name)
	if err != nil {
		return Subject{}, err
	}
	if source.IsDisk(name, head) {
		return Subject{Kind: assay.KindVM, Ref: name}, nil
	}
	bom := Subject{Kind: assay.KindSBOM, Ref: name}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case isDeclaration(name):
		return Subject{Kind: assay.KindFilesystem, Ref: name}, nil
	case bytes.HasPrefix(text, []byte("<")), bytes.HasPrefix(text, []byte("SPDXVersion:")), bytes.HasPrefix(text, []byte("pkg:")), bytes.HasPrefix(text, []byte("cpe:")):
		return bom, nil
	case !bytes.HasPrefix(text, []byte("{")):
		return otherwise, nil
	}
	r, err := ReadReport(name, nil)
	if errors.Is(err, assay.ErrUnsupported) {
		return bom, nil
	}
	return Subject{Report: r}, err
}

// isDeclaration reports whether a file has the name of a lock file or a manifest.
func isDeclaration(name string) bool {
	base := filepath.Base(name)
	for _, r := range reader.All() {
		for _, p := range r.Wants() {
			if ok, _ := path.Match(path.Base(p.Glob), base); ok && p.Scope&assay.ScopeDeclared != 0 && path.Base(p.Glob) != "*" {
				return true
			}
		}
	}
	return false
}

// maxSniff is how much of a file is needed to recognise its format.
const maxSniff = 512

// sniff reads the start of a file.
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
	return head[:n], nil
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
		return Subject{Kind: assay.KindSBOM, Ref: "-", Pipe: bytes.NewReader(b)}, nil
	}
	return Subject{}, fmt.Errorf("-: %w", err)
}

package updateinfo

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/xmlstream"
	"github.com/assaysec/assay/internal/record/document"
)

const (
	maxIndex  = 16 << 20 // bytes of repomd.xml; the largest has 20 kB
	maxPacked = 1 << 30  // bytes of updateinfo.xml as published; Fedora's has 10 MB
)

// Index is the path of a repository's index below its URL, which ends in a
// slash.
const Index = "repodata/repomd.xml"

// Fetch calls visit for each update of the repository at base, which ends in a
// slash. A document that differs from the repository's index is ErrMalformed,
// after its updates were visited. A repository may have no updates; a missing
// repository is ErrNotFound.
func Fetch(ctx context.Context, g assay.Getter, base string, visit func(*Update) error) error {
	var d *data
	err := document.Read(ctx, g, base+Index, func(index io.Reader) (err error) {
		d, err = find(ctx, index)
		return err
	})
	if err != nil || d == nil {
		return err
	}
	return document.Read(ctx, g, base+d.Location.Href, func(body io.Reader) error { return d.read(ctx, body, visit) })
}

// data is a document of a repository.
type data struct {
	Type     string `xml:"type,attr"`
	Checksum struct {
		Type string `xml:"type,attr"`
		Text string `xml:",chardata"`
	} `xml:"checksum"`
	Location struct {
		Href string `xml:"href,attr"`
	} `xml:"location"`
}

// find reads the index; nil if it lists no updates.
func find(ctx context.Context, index io.Reader) (found *data, err error) {
	empty := true
	err = xmlstream.Walk(ctx, limit.Reader(index, maxIndex), bounds, "repomd", 1, func(d *xml.Decoder, _ []string, e xml.StartElement) error {
		if e.Name.Local != "data" {
			return d.Skip()
		}
		var one data
		if err := d.DecodeElement(&one, &e); err != nil {
			return err
		}
		empty = false
		if one.Type == "updateinfo" {
			found = &one
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case empty:
		return nil, fmt.Errorf("contains no documents: %w", assay.ErrMalformed)
	case found == nil, path.Ext(found.Location.Href) == ".zck": // a format for partial downloads, never alone
		return nil, nil
	}
	if h := found.Location.Href; path.IsAbs(h) || path.Clean(h) != h || strings.HasPrefix(h, "..") || strings.Contains(h, ":") {
		return nil, fmt.Errorf("invalid path of the updates %.80q: %w", h, assay.ErrMalformed)
	}
	return found, nil
}

// read reads the document and compares its checksum.
func (d *data) read(ctx context.Context, body io.Reader, visit func(*Update) error) error {
	var sum hash.Hash
	switch d.Checksum.Type {
	case "sha256":
		sum = sha256.New()
	case "sha512":
		sum = sha512.New()
	case "sha", "sha1":
		sum = sha1.New()
	default:
		return fmt.Errorf("checksum of type %q: %w", d.Checksum.Type, assay.ErrUnsupported)
	}
	packed := limit.Reader(io.TeeReader(body, sum), maxPacked)
	err := Read(ctx, packed, visit)
	if err != nil && !errors.Is(err, assay.ErrMalformed) {
		return err
	}
	if _, err := io.Copy(io.Discard, packed); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.EqualFold(got, strings.TrimSpace(d.Checksum.Text)) {
		return errors.Join(fmt.Errorf("%s is %s, want %s as in the index: %w", d.Checksum.Type, got, strings.TrimSpace(d.Checksum.Text), assay.ErrMalformed), err)
	}
	return err
}

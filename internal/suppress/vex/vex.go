// Package vex reads documents that state whether vulnerabilities affect products
// (Vulnerability Exploitability eXchange), in three formats. The format is
// recognised by content:
//
//   - OpenVEX v0.0.1 to v0.2.0, and drafts before them: https://github.com/openvex/spec
//   - CSAF 2.0, of the VEX profile or any other with a product status:
//     https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html
//   - CycloneDX 1.4 and later, in JSON: https://cyclonedx.org/capabilities/vex
//
// Statements are matched by package URL, see Matches; all other data are as the
// author wrote them. CycloneDX in XML, OpenVEX in YAML, and attestations around
// documents are not read. OpenVEX and CycloneDX are also written.
package vex

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// Bounds of a document.
const (
	MaxDocument = 256 << 20 // Rancher's report of all its products has 122 MB (2026)
	maxObjects  = 2_000_000 // JSON objects in it, because each takes memory; that report has 800,000
	maxValue    = 8 << 20   // one statement, or component; a statement on 10,000 versions has 1 MB
	maxParts    = 4_000_000 // products and subcomponents that are kept; that report has 500,000
	maxFaults   = 10_000    // after this many errors it is another format
)

// A Document is a VEX document of one author.
type Document struct {
	Format     string // "openvex", "csaf", "cyclonedx"
	ID         string // the author's identifier; ""
	Author     string // ""
	Timestamp  time.Time
	Statements []Statement // in the document's order
}

// A Statement is about products and a vulnerability. Of several statements about
// the same products and vulnerability the latest counts, and of the same time
// the last.
type Statement struct {
	Vulnerability   string       // "CVE-2024-1"
	Aliases         []string     // aliases
	Products        []Product    // empty: the products of the envelope, or none
	Status          assay.Status // not affected, affected, fixed, under investigation, or unknown if the author does not know
	Justification   string       // why it is not affected, a term of the format
	Impact          string       // why it is not affected, in prose
	ActionStatement string       // what to do, in prose
	Notes           string       // how the status was found, in prose; written but not read
	Timestamp       time.Time    // its own, or the document's
}

// A Product is the subject of a statement: an object with any of these
// identifiers, which are known outside the document. It may have none.
type Product struct {
	PURL  string // package URL that matches its versions and variants; ""
	CPE   string // 2.2 or 2.3; ""
	ID    string // another identifier: an IRI, "sha-256:…" of a file, a BOM-Link, see BOMLink; ""
	Local string // the document's own name of it, which has no meaning elsewhere; ""
	Ref   string // the reference in an SBOM, for an object that is not in the document; ""
	Range string // range of its version, as in the document, see PURL.In; ""

	// Subcomponents are the parts of the product that the statement is about, by
	// package URL; any of them. Empty means the product and everything in it. A
	// part without package URL has an ID, or "#" and the document's own name,
	// which match nothing.
	Subcomponents []string
}

// A ParseError is an invalid part of a document; the other parts are still read.
// It is ErrMalformed.
type ParseError struct {
	Where  string // "statements[3].products[0]"
	Why    string // one of a few constant phrases
	Detail string // ""
}

func (f *ParseError) Error() string {
	if f.Detail == "" {
		return f.Where + ": " + f.Why
	}
	return f.Where + ": " + f.Why + ": " + f.Detail
}

// Unwrap is ErrMalformed.
func (f *ParseError) Unwrap() error { return assay.ErrMalformed }

// Read reads a user's document, all of which must be valid. The error is the
// first ParseError, with line and column.
func Read(r io.Reader) (*Document, error) {
	b, err := limit.ReadAll(r, MaxDocument)
	if err != nil {
		return nil, err
	}
	d, faults, err := Parse(b)
	switch {
	case err != nil:
		return nil, InLine(b, err)
	case len(faults) > 0:
		return nil, InLine(b, &faults[0])
	}
	return d, nil
}

// Parse reads a publisher's document and returns its valid statements and its
// invalid parts. Malformed documents are ErrMalformed, unknown formats
// ErrUnsupported.
func Parse(b []byte) (*Document, []ParseError, error) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if len(b) > MaxDocument {
		return nil, nil, fmt.Errorf("over %d bytes: %w", MaxDocument, assay.ErrTooLarge)
	}
	if n := bytes.Count(b, []byte{'{'}); n > maxObjects {
		return nil, nil, fmt.Errorf("over %d objects: %w", maxObjects, assay.ErrTooLarge)
	}
	format, err := detect(b)
	if err != nil {
		return nil, nil, err
	}
	r := &reader{doc: &Document{Format: format}}
	switch format {
	case "openvex":
		err = r.openvex(b)
	case "csaf":
		err = r.csaf(b)
	default:
		err = r.cyclonedx(b)
	}
	if err != nil {
		return nil, nil, err
	}
	for i := range r.doc.Statements {
		if s := &r.doc.Statements[i]; s.Timestamp.IsZero() {
			s.Timestamp = r.doc.Timestamp
		}
	}
	return r.doc, r.faults, nil
}

var errFound = errors.New("found")

// detect recognises the format by members that only one format has.
func detect(b []byte) (format string, _ error) {
	d := decoder(b)
	err := d.Object(func(key string) error {
		var v json.RawMessage
		if key != "document" && key != "statements" {
			if _, err := d.Value(&v); err != nil {
				return err
			}
		}
		switch {
		case key == "document":
			format = "csaf"
		case key == "statements", key == "@context" && bytes.Contains(v, []byte("openvex.dev/ns")):
			format = "openvex"
		case key == "bomFormat" && string(v) == `"CycloneDX"`:
			format = "cyclonedx"
		case key == "predicateType", key == "payloadType":
			return fmt.Errorf("an attestation, want the document in it: %w", assay.ErrUnsupported)
		default:
			return nil
		}
		return errFound
	})
	switch {
	case errors.Is(err, errFound):
		return format, nil
	case err == nil:
		err = fmt.Errorf("neither OpenVEX nor CSAF nor CycloneDX: %w", assay.ErrUnsupported)
	}
	return "", err
}

// decoder decodes b, whose values may be as large as b.
func decoder(b []byte) *jsonstream.Decoder {
	return jsonstream.NewDecoder(context.Background(), bytes.NewReader(b), int64(len(b))+1)
}

// A reader builds a document.
type reader struct {
	doc    *Document
	faults []ParseError
	parts  int
}

func (r *reader) addParseError(where, why, detail string) {
	r.faults = append(r.faults, ParseError{where, why, detail})
}

// add adds a statement without the products with invalid package URLs. If all
// its products are invalid, it adds nothing.
func (r *reader) add(where string, s Statement) error {
	named := len(s.Products)
	kept := s.Products[:0]
	for i, p := range s.Products {
		if bad := p.malformed(); bad != "" {
			r.addParseError(fmt.Sprintf("%s: product %d", where, i+1), "malformed package URL", fmt.Sprintf("%.200q", bad))
			continue
		}
		r.parts += 1 + len(p.Subcomponents)
		kept = append(kept, p)
	}
	if s.Products = kept; len(kept) > 0 || named == 0 {
		r.doc.Statements = append(r.doc.Statements, s)
	}
	switch {
	case r.parts > maxParts:
		return fmt.Errorf("over %d products: %w", maxParts, assay.ErrTooLarge)
	case len(r.faults) > maxFaults:
		return fmt.Errorf("over %d errors, the first: %w", maxFaults, &r.faults[0])
	}
	return nil
}

// malformed returns an invalid package URL of the product.
func (p *Product) malformed() string {
	for _, s := range append([]string{p.PURL}, p.Subcomponents...) {
		if isPURL(s) {
			if _, err := ParsePURL(s); err != nil {
				return s
			}
		}
	}
	return ""
}

func isPURL(s string) bool { return strings.HasPrefix(s, "pkg:") }

// element decodes the next value of an array into v; a value of another type is
// a ParseError.
func (r *reader) element(d *jsonstream.Decoder, where string, v any) (bool, error) {
	var raw json.RawMessage
	if _, err := d.Value(&raw); err != nil {
		return false, err
	}
	if len(raw) > maxValue {
		return false, fmt.Errorf("%s: over %d bytes: %w", where, maxValue, assay.ErrTooLarge)
	}
	err := json.Unmarshal(raw, v)
	if err == nil {
		return true, nil
	}
	var shape *json.UnmarshalTypeError
	if errors.As(err, &shape) {
		if shape.Field != "" {
			where += "." + shape.Field
		}
		r.addParseError(where, "unexpected value", shape.Value)
	} else {
		r.addParseError(where, "unexpected value", err.Error())
	}
	if len(r.faults) > maxFaults {
		return false, fmt.Errorf("over %d errors, the first: %w", maxFaults, &r.faults[0])
	}
	return false, nil
}

// text reads the next value, a string of the document.
func text(d *jsonstream.Decoder, key string, to *string) error {
	ok, err := d.Value(to)
	if err == nil && !ok {
		err = &ParseError{key, "not a string", ""}
	}
	return err
}

// instant parses a time in a document; "" is the zero time.
func instant(s string) (t time.Time, ok bool) {
	t = cve.Time(s)
	return t, s == "" || !t.IsZero()
}

// documentTime reads the next value, the time of the document.
func (r *reader) documentTime(d *jsonstream.Decoder, key string) error {
	var s string
	if err := text(d, key, &s); err != nil {
		return err
	}
	t, ok := instant(s)
	if !ok {
		return &ParseError{key, "malformed time", fmt.Sprintf("%.80q", s)}
	}
	r.doc.Timestamp = t
	return nil
}

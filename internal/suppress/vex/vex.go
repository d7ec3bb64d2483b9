// Package vex reads documents that tell whether products are affected by
// vulnerabilities of what they contain (Vulnerability Exploitability eXchange),
// in three formats, into one form. The content tells the format:
//
//   - OpenVEX v0.0.1 to v0.2.0, and drafts before them: https://github.com/openvex/spec
//   - CSAF 2.0, of the VEX profile or any other with a product status:
//     https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html
//   - CycloneDX 1.4 and later, in JSON: https://cyclonedx.org/capabilities/vex
//
// What matches what is decided by package URL, see Matches; the rest of the
// form is as its author wrote it. Not read: CycloneDX in XML, OpenVEX in YAML,
// and attestations around documents. OpenVEX and CycloneDX are written, too.
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
	maxObjects  = 2_000_000 // JSON objects in it: each takes memory, however short it is; that report has 800,000
	maxValue    = 8 << 20   // one statement, or component; a statement on 10,000 versions has 1 MB
	maxParts    = 4_000_000 // products and subcomponents that are kept; that report has 500,000
	maxFaults   = 10_000    // after so many it is another format
)

// A Document is what one author says.
type Document struct {
	Format     string // "openvex", "csaf", "cyclonedx"
	ID         string // as its author names it; ""
	Author     string // ""
	Timestamp  time.Time
	Statements []Statement // in the document's order
}

// A Statement is what holds of products and a vulnerability. Of statements on
// the same the one with the latest time counts, and of those the last.
type Statement struct {
	Vulnerability   string       // "CVE-2024-1"
	Aliases         []string     // other names of it
	Products        []Product    // none: those that the envelope names, or nobody's
	Status          assay.Status // not affected, affected, fixed, under investigation, or unknown where the author has not told
	Justification   string       // why it is not affected, a word of the format
	Impact          string       // why it is not affected, in prose
	ActionStatement string       // what to do, in prose
	Notes           string       // how the status was found, in prose; only written, not read
	Timestamp       time.Time    // its own, or the document's
}

// A Product is what a statement is about: a thing that has any of the
// identifiers that are known outside the document. It may have none.
type Product struct {
	PURL  string // package URL that matches its versions and variants; ""
	CPE   string // 2.2 or 2.3; ""
	ID    string // anything else that is known to others: an IRI, "sha-256:…" of a file, a BOM-Link, see BOMLink; ""
	Local string // the document's own name of it, which elsewhere is anybody's; ""
	Ref   string // what a bill of materials calls it, of which the document does not have it; ""
	Range string // that its version must be in, as the document has it, see PURL.In; ""

	// Subcomponents are what in the product the statement is about, by package
	// URL; any of them. None means the product itself and all in it. What has no
	// package URL is here by an ID, or by "#" and the document's own name, which
	// nothing matches.
	Subcomponents []string
}

// A ParseError is a part of a document that tells nothing, for it is not as the
// format says; the others are read all the same. It is ErrMalformed.
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

// Read reads a document all of which must be right: a user's. The first ParseError
// is its error, with line and column.
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

// Parse reads a document of a publisher and returns what there is of use in
// it, and the parts that are not. What is no document is ErrMalformed, one of
// an unknown format ErrUnsupported.
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

// detect tells the format by the members that only one has.
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

// decoder walks b, whose values may be as large as b is.
func decoder(b []byte) *jsonstream.Decoder {
	return jsonstream.NewDecoder(context.Background(), bytes.NewReader(b), int64(len(b))+1)
}

// A reader makes a document.
type reader struct {
	doc    *Document
	faults []ParseError
	parts  int
}

func (r *reader) addParseError(where, why, detail string) {
	r.faults = append(r.faults, ParseError{where, why, detail})
}

// add adds a statement, without the products whose package URLs are none. A
// statement all of whose products are such is not added.
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

// malformed returns a package URL of the product that is none.
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

// element reads the next value of an array into v; what has another shape is a
// fault.
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

// instant is a time as the formats write it; "" is the zero one.
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

package oval

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/xmlstream"
	"github.com/assaysec/assay/internal/record/document"
)

// Bounds of a document.
const (
	maxPacked   = 1 << 30   // as published; Oracle's, compressed, has some 50 MB (2026)
	maxDocument = 8 << 30   // uncompressed; Oracle's has under 1 GB
	maxElement  = 16 << 20  // one definition, test, object, state or variable; a kernel's definition has 3 MB
	maxElements = 8_000_000 // tests, objects, states and variables, which are all kept in memory; Oracle's has under 2 million
	maxDepth    = 100       // of criteria; 10 is much
)

// Fetch gets the document at url and calls visit for each definition. A document
// without definitions is ErrMalformed.
func Fetch(ctx context.Context, g assay.Getter, url string, visit func(*Definition) error) error {
	return document.Records(ctx, g, url, func(body io.Reader) (found bool, err error) {
		err = Read(ctx, body, func(d *Definition) error {
			found = true
			return visit(d)
		})
		return found, err
	})
}

// Read calls visit for each definition of the document r in order. R may be
// compressed. Definitions come before the tests that they name, so the document
// is read twice: in place if it is an io.Seeker, like files, else from a copy in
// a temporary file.
//
// Other and truncated documents are ErrMalformed. Definitions before the error
// may have been visited only if visit returned an error.
func Read(ctx context.Context, r io.Reader, visit func(*Definition) error) error {
	f, done, err := seekable(r)
	if err != nil {
		return err
	}
	defer done()
	s := system{tests: map[string]test{}, objects: map[string]object{}, states: map[string][]Field{}, constants: map[string][]string{}}
	if err := walk(ctx, f, s.load); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return walk(ctx, f, func(d *xml.Decoder, section string, e xml.StartElement) error {
		if section != "definitions" || e.Name.Local != "definition" {
			return d.Skip()
		}
		var def Definition
		if err := d.DecodeElement(&def, &e); err != nil {
			return err
		}
		if err := s.resolve(&def.Criteria, maxDepth); err != nil {
			return fmt.Errorf("%s: %w", def.ID, err)
		}
		def.Metadata.trim()
		return xmlstream.Stop(visit(&def))
	})
}

func seekable(r io.Reader) (io.ReadSeeker, func(), error) {
	if f, ok := r.(io.ReadSeeker); ok {
		return f, func() {}, nil
	}
	f, err := os.CreateTemp("", "assay-*.oval")
	if err != nil {
		return nil, nil, err
	}
	done := func() { f.Close(); os.Remove(f.Name()) }
	if _, err = io.Copy(f, limit.Reader(r, maxPacked)); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		done()
		return nil, nil, err
	}
	return f, done, nil
}

// walk calls visit for each element of each section of the document; visit
// reads it to its end.
func walk(ctx context.Context, r io.Reader, visit func(d *xml.Decoder, section string, e xml.StartElement) error) error {
	return xmlstream.Walk(ctx, r, xmlstream.Bounds{Document: maxDocument, Element: maxElement}, "oval_definitions", 2,
		func(d *xml.Decoder, path []string, e xml.StartElement) error { return visit(d, path[1], e) })
}

// A system has the objects that definitions refer to.
type system struct {
	tests     map[string]test
	objects   map[string]object
	states    map[string][]Field
	constants map[string][]string
}

type test struct {
	kind, existence, comment, object string
	states                           []string
}

type object struct{ name, variable string }

// load reads everything outside the definitions.
func (s *system) load(d *xml.Decoder, section string, e xml.StartElement) error {
	if len(s.tests)+len(s.objects)+len(s.states)+len(s.constants) >= maxElements {
		return fmt.Errorf("over %d tests, objects, states and variables: %w", maxElements, assay.ErrTooLarge)
	}
	switch {
	case section == "tests":
		return s.loadTest(d, e)
	case section == "objects":
		return s.loadObject(d, e)
	case section == "states":
		return s.loadState(d, e)
	case e.Name.Local == "constant_variable":
		var x struct {
			ID     string   `xml:"id,attr"`
			Values []string `xml:"value"`
		}
		err := d.DecodeElement(&x, &e)
		s.constants[x.ID] = x.Values
		return err
	}
	return d.Skip()
}

func (s *system) loadTest(d *xml.Decoder, e xml.StartElement) error {
	var x struct {
		ID        string `xml:"id,attr"`
		Existence string `xml:"check_existence,attr"`
		Comment   string `xml:"comment,attr"`
		Object    struct {
			Ref string `xml:"object_ref,attr"`
		} `xml:"object"`
		States []struct {
			Ref string `xml:"state_ref,attr"`
		} `xml:"state"`
	}
	err := d.DecodeElement(&x, &e)
	t := test{kind: strings.TrimSuffix(e.Name.Local, "_test"), existence: x.Existence, comment: x.Comment, object: x.Object.Ref}
	for _, st := range x.States {
		t.states = append(t.states, st.Ref)
	}
	s.tests[x.ID] = t
	return err
}

func (s *system) loadObject(d *xml.Decoder, e xml.StartElement) error {
	type word struct {
		Text     string `xml:",chardata"`
		Variable string `xml:"var_ref,attr"`
	}
	var x struct {
		ID      string `xml:"id,attr"`
		Name    word   `xml:"name"`
		Pattern word   `xml:"pattern"`
	}
	err := d.DecodeElement(&x, &e)
	if x.Name == (word{}) {
		x.Name = x.Pattern
	}
	s.objects[x.ID] = object{strings.TrimSpace(x.Name.Text), x.Name.Variable}
	return err
}

func (s *system) loadState(d *xml.Decoder, e xml.StartElement) error {
	var x struct {
		ID     string `xml:"id,attr"`
		Fields []struct {
			XMLName   xml.Name
			Datatype  string `xml:"datatype,attr"`
			Operation string `xml:"operation,attr"`
			Value     string `xml:",chardata"`
		} `xml:",any"`
	}
	err := d.DecodeElement(&x, &e)
	fields := []Field{}
	for _, f := range x.Fields {
		if strings.HasSuffix(f.Datatype, "evr_string") {
			f.XMLName.Local = "evr" // Ubuntu's tests of an image's manifest call it subexpression
		}
		if f.Operation == "" {
			f.Operation = "equals"
		}
		fields = append(fields, Field{f.XMLName.Local, f.Operation, strings.TrimSpace(f.Value)})
	}
	s.states[x.ID] = fields
	return err
}

// resolve assigns tests to the criteria.
func (s *system) resolve(c *Criteria, depth int) error {
	if depth == 0 {
		return fmt.Errorf("criteria nested more than %d levels deep: %w", maxDepth, assay.ErrTooLarge)
	}
	for i := range c.Criterion {
		cr := &c.Criterion[i]
		t, ok := s.tests[cr.Ref]
		if !ok {
			continue
		}
		if cr.Comment == "" {
			cr.Comment = t.comment
		}
		cr.Test = s.test(&t)
	}
	for i := range c.Criteria {
		if err := s.resolve(&c.Criteria[i], depth-1); err != nil {
			return err
		}
	}
	return nil
}

// test builds a test; nil if a part of it is missing, because the remaining
// parts would mean something else.
func (s *system) test(t *test) *Test {
	out := &Test{Kind: t.kind, Existence: t.existence}
	if o := s.objects[t.object]; o.variable != "" {
		out.Names = s.constants[o.variable]
	} else if o.name != "" {
		out.Names = []string{o.name}
	}
	if len(out.Names) == 0 && packaged(t.kind) {
		return nil
	}
	for _, id := range t.states {
		fields, ok := s.states[id]
		if !ok {
			return nil
		}
		out.Fields = append(out.Fields, fields...)
	}
	return out
}

func (m *Metadata) trim() {
	for _, s := range []*string{&m.Title, &m.Description, &m.Patchable, &m.AdvisoryDate, &m.AdvisoryID, &m.Severity, &m.DSA, &m.Date, &m.Advisory.Severity, &m.Advisory.PublicDate} {
		*s = strings.TrimSpace(*s)
	}
	for _, list := range [][]string{m.Platforms, m.Products, m.Advisory.CPEs} {
		for i := range list {
			list[i] = strings.TrimSpace(list[i])
		}
	}
	for i := range m.Advisory.CVEs {
		c := &m.Advisory.CVEs[i]
		c.ID = strings.TrimSpace(c.ID)
	}
}

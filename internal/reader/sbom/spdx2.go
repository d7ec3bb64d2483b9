package sbom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/record/bom"
)

// document is what is read of SPDX 2, in either form. Publishers leave out
// what the specification demands, so nothing is.
type document struct {
	Packages      []spdxPackage  `json:"packages"`
	Relationships []relationship `json:"relationships"`
	Annotations   []annotation   `json:"annotations"`
	Describes     []string       `json:"documentDescribes"`
}

type spdxPackage struct {
	ID          string       `json:"SPDXID"`
	Name        string       `json:"name"`
	Version     string       `json:"versionInfo"`
	Declared    string       `json:"licenseDeclared"`
	Concluded   string       `json:"licenseConcluded"`
	Purpose     string       `json:"primaryPackagePurpose"`
	SourceInfo  string       `json:"sourceInfo"`
	Attribution []string     `json:"attributionTexts"`
	Refs        []reference  `json:"externalRefs"`
	Annotations []annotation `json:"annotations"`
}

type reference struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	From string `json:"spdxElementId"`
	Kind string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

type annotation struct {
	Comment string `json:"comment"`
	of      string // the element, in tag-value form
}

func spdx2(b []byte) (assay.Facts, error) {
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		return assay.Facts{}, malformed(err)
	}
	return d.facts()
}

func (d *document) facts() (assay.Facts, error) {
	c := newCollector("spdx")
	for _, a := range d.Annotations {
		if q, ok := property(a.Comment); ok {
			if err := c.head.Read(q); err != nil {
				c.errs.Add(err)
			}
		}
	}
	subject := d.subject()
	for i := range d.Packages {
		p := &d.Packages[i]
		if p.Purpose == "OPERATING-SYSTEM" || p.Purpose == "OPERATING_SYSTEM" {
			if c.head.Release == nil {
				r := distro.Named(p.Name, p.Version)
				c.head.Release = &r
			}
			continue
		}
		e := p.entry()
		if strings.HasPrefix(e.purl, "pkg:oci/") {
			continue
		}
		e.software = p.Purpose == "LIBRARY" || p.Purpose == "" && !subject[p.ID]
		c.add(e)
		if len(c.packages) > stanza.MaxPackages {
			break
		}
	}
	for _, r := range d.Relationships {
		switch r.Kind {
		case "DEPENDS_ON":
			c.depend(r.From, r.To)
		case "DEPENDENCY_OF", "DEV_DEPENDENCY_OF", "RUNTIME_DEPENDENCY_OF", "BUILD_DEPENDENCY_OF", "OPTIONAL_DEPENDENCY_OF", "PROVIDED_DEPENDENCY_OF", "TEST_DEPENDENCY_OF":
			c.depend(r.To, r.From)
		}
	}
	return c.facts()
}

// subject tells which packages are what the SBOM is of.
func (d *document) subject() map[string]bool {
	out := map[string]bool{}
	for _, id := range d.Describes {
		out[id] = true
	}
	for _, r := range d.Relationships {
		switch r.Kind {
		case "DESCRIBES":
			out[r.To] = true
		case "DESCRIBED_BY":
			out[r.From] = true
		}
	}
	return out
}

func (p *spdxPackage) entry() *entry {
	e := &entry{ref: p.ID, name: p.Name, version: p.Version}
	for _, r := range p.Refs {
		switch r.Type {
		case "purl", "http://spdx.org/rdf/references/purl":
			if e.purl == "" {
				e.purl = r.Locator
			}
		case "cpe23Type", "http://spdx.org/rdf/references/cpe23Type", "cpe22Type", "http://spdx.org/rdf/references/cpe22Type":
			e.cpes = append(e.cpes, r.Locator)
		}
	}
	for _, a := range p.Annotations {
		if q, ok := property(a.Comment); ok {
			e.properties = append(e.properties, q)
		}
	}
	for _, t := range p.Attribution { // Trivy's before 0.60
		if name, value, ok := strings.Cut(t, ": "); ok {
			e.properties = append(e.properties, bom.Property{Name: "aquasecurity:trivy:" + name, Value: value})
		}
	}
	if m := builtFrom.FindStringSubmatch(p.SourceInfo); m != nil {
		e.properties = append(e.properties, bom.Property{Name: "aquasecurity:trivy:SrcName", Value: m[1]}, bom.Property{Name: "aquasecurity:trivy:SrcVersion", Value: m[2]})
	}
	for _, q := range e.properties {
		if q.Name == bom.Licence { // the expression is made of these
			return e
		}
	}
	for _, l := range []string{p.Declared, p.Concluded} {
		if l != "" && l != "NOASSERTION" && l != "NONE" {
			e.licences = []string{l}
			break
		}
	}
	return e
}

// builtFrom is how Trivy writes the source package.
var builtFrom = regexp.MustCompile(`^built package from: (\S+) (\S+)$`)

// property reads an annotation that tells one: ours, or Trivy's.
func property(comment string) (bom.Property, bool) {
	name, value, ok := strings.Cut(comment, ": ")
	if !ok || strings.ContainsAny(name, " \n") {
		return bom.Property{}, false
	}
	if !strings.HasPrefix(name, bom.Prefix) {
		name = "aquasecurity:trivy:" + name
	}
	return bom.Property{Name: name, Value: value}, true
}

// maxText bounds a value of several lines in tag-value form.
const maxText = 16 << 20

// tagValue reads the form of SPDX 2 that has a tag and a value a line.
// https://spdx.github.io/spdx-spec/v2.3/conformance/#44-standard-data-format-requirements
func tagValue(b []byte) (assay.Facts, error) {
	var d document
	var errs stanza.Errors
	for tag, err := range tags(b) {
		if err != nil {
			errs.Add(err)
			continue
		}
		d.tag(tag.name, tag.value)
		if len(d.Packages) > stanza.MaxPackages+1 {
			break
		}
	}
	at := map[string]*spdxPackage{}
	for i := range d.Packages {
		at[d.Packages[i].ID] = &d.Packages[i]
	}
	var whole []annotation
	for _, a := range d.Annotations {
		if p := at[a.of]; p != nil {
			p.Annotations = append(p.Annotations, a)
		} else {
			whole = append(whole, a)
		}
	}
	d.Annotations = whole
	f, err := d.facts()
	if err != nil {
		errs.Add(err)
	}
	return f, errs.Err()
}

type tagged struct{ name, value string }

// tags yields the tags of a document; values in <text> may have many lines.
func tags(b []byte) func(yield func(tagged, error) bool) {
	return func(yield func(tagged, error) bool) {
		var open *tagged
		var text strings.Builder
		for l, err := range stanza.Lines(bytes.NewReader(b)) {
			if err != nil {
				if !yield(tagged{}, err) {
					return
				}
				continue
			}
			line := l.Text
			if open == nil {
				name, value, ok := strings.Cut(line, ":")
				if name = strings.TrimSpace(name); name == "" || name[0] == '#' {
					continue
				}
				if !ok {
					if !yield(tagged{}, fmt.Errorf("line %d has no colon: %w", l.N, assay.ErrMalformed)) {
						return
					}
					continue
				}
				value = strings.TrimSpace(value)
				rest, multi := strings.CutPrefix(value, "<text>")
				if !multi {
					if !yield(tagged{name, value}, nil) {
						return
					}
					continue
				}
				open, line = &tagged{name: name}, rest
				text.Reset()
			}
			inner, end := strings.CutSuffix(strings.TrimRight(line, " \t"), "</text>")
			if text.Len()+len(inner) < maxText {
				if text.Len() > 0 {
					text.WriteByte('\n')
				}
				text.WriteString(inner)
			}
			if end {
				open.value = text.String()
				if !yield(*open, nil) {
					return
				}
				open = nil
			}
		}
		if open != nil {
			yield(tagged{}, fmt.Errorf("unterminated text of %s: %w", open.name, assay.ErrMalformed))
		}
	}
}

// tag takes one tag; those of a package follow its name.
func (d *document) tag(name, value string) {
	switch name {
	case "PackageName":
		d.Packages = append(d.Packages, spdxPackage{Name: value})
		return
	case "Relationship":
		if f := strings.Fields(value); len(f) >= 3 {
			d.Relationships = append(d.Relationships, relationship{f[0], f[1], f[2]})
		}
		return
	case "SPDXREF":
		if n := len(d.Annotations); n > 0 {
			d.Annotations[n-1].of = value
		}
		return
	case "Annotator":
		d.Annotations = append(d.Annotations, annotation{})
		return
	case "AnnotationComment":
		if n := len(d.Annotations); n > 0 {
			d.Annotations[n-1].Comment = value
		}
		return
	}
	if n := len(d.Packages); n > 0 {
		d.Packages[n-1].tag(name, value)
	}
}

// tag takes a tag that follows a package's name.
func (p *spdxPackage) tag(name, value string) {
	switch name {
	case "SPDXID":
		if p.ID == "" { // those of files follow
			p.ID = value
		}
	case "PackageVersion":
		p.Version = value
	case "PackageLicenseDeclared":
		p.Declared = value
	case "PackageLicenseConcluded":
		p.Concluded = value
	case "PrimaryPackagePurpose":
		p.Purpose = value
	case "PackageSourceInfo":
		p.SourceInfo = value
	case "PackageAttributionText":
		p.Attribution = append(p.Attribution, value)
	case "ExternalRef":
		if f := strings.Fields(value); len(f) == 3 {
			p.Refs = append(p.Refs, reference{f[0], f[1], f[2]})
		}
	}
}

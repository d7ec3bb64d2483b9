package vex

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
)

// A SBOM is what a bill of materials calls itself and its parts, so that
// statements about them can be told from those on others.
type SBOM struct {
	Serial    string            // "urn:uuid:…"; ""
	Version   string            // of the bill; ""
	Root      string            // reference of what the bill is of; ""
	PURLs     map[string]string // package URLs by reference
	Documents []string          // addresses of VEX documents that it names
}

// exploitability is the type of references to VEX documents.
// https://cyclonedx.org/docs/1.6/json/#externalReferences_items_type
const exploitability = "exploitability-statement"

// maxReferences bounds the documents that a bill may name: one is usual.
const maxReferences = 100

type cdxReference struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

// ParseSBOM reads a bill of materials of CycloneDX in JSON, of at most the size
// of a document. One of another format is ErrUnsupported.
func ParseSBOM(b []byte) (*SBOM, error) {
	if len(b) > MaxDocument {
		return nil, fmt.Errorf("over %d bytes: %w", MaxDocument, assay.ErrTooLarge)
	}
	format, err := detect(b)
	if err != nil || format != "cyclonedx" {
		return nil, errors.Join(fmt.Errorf("not CycloneDX JSON: %w", assay.ErrUnsupported), err)
	}
	out, d := &SBOM{PURLs: map[string]string{}}, decoder(b)
	r := &reader{doc: &Document{}} // what has another shape is the business of whoever reads the packages
	err = d.Object(func(key string) error {
		switch key {
		case "serialNumber":
			return text(d, key, &out.Serial)
		case "version":
			var n json.Number
			_, err := d.Value(&n)
			out.Version = n.String()
			return err
		case "metadata":
			var m struct {
				Component struct {
					cdxComponent
					References []cdxReference `json:"externalReferences"`
				} `json:"component"`
			}
			ok, err := r.element(d, key, &m)
			if ok {
				out.Root = m.Component.Ref
				out.add(&m.Component.cdxComponent)
				out.refer(m.Component.References)
			}
			return err
		case "externalReferences":
			return d.Array(func() error {
				var ref cdxReference
				ok, err := r.element(d, key, &ref)
				if ok {
					out.refer([]cdxReference{ref})
				}
				return err
			})
		case "components":
			return d.Array(func() error {
				var c cdxComponent
				ok, err := r.element(d, key, &c)
				if ok {
					out.add(&c)
				}
				return err
			})
		}
		return d.Skip()
	})
	return out, err
}

func (b *SBOM) add(c *cdxComponent) {
	if c.Ref != "" && c.PURL != "" {
		b.PURLs[c.Ref] = c.PURL
	}
	for i := range c.Components {
		b.add(&c.Components[i])
	}
}

func (b *SBOM) refer(all []cdxReference) {
	for _, r := range all {
		if r.Type == exploitability && r.URL != "" && len(b.Documents) < maxReferences {
			b.Documents = append(b.Documents, r.URL)
		}
	}
}

// Find returns what an identifier of a product means in the bill: the package
// URL of a part, or that it is all of the bill. What is neither the bill's
// serial number nor a BOM-Link to it means nothing here.
func (b *SBOM) Find(id string) (purl string, whole bool) {
	if b == nil || b.Serial == "" {
		return "", false
	}
	serial, version, ref, ok := BOMLink(id)
	switch {
	case !ok:
		return "", id == b.Serial
	case "urn:uuid:"+serial != b.Serial || fmt.Sprint(version) != cmp.Or(b.Version, "1"):
		return "", false
	case ref == "":
		return "", true
	}
	if purl, whole = b.Part(ref); purl == "" && !whole && isPURL(ref) {
		purl = ref
	}
	return purl, whole
}

// Part returns what a reference means in the bill, as Find. It is of use only to
// whoever speaks of this bill, for others call other things so.
func (b *SBOM) Part(ref string) (purl string, whole bool) {
	if b == nil || ref == "" {
		return "", false
	}
	return b.PURLs[ref], ref == b.Root
}

// Is reports whether a document is the bill itself, or its author speaks under
// its name.
func (b *SBOM) Is(d *Document) bool {
	if b == nil || b.Serial == "" || d.Format != "cyclonedx" {
		return false
	}
	serial, version, _ := strings.Cut(d.ID, "/")
	return serial == b.Serial && cmp.Or(version, "1") == cmp.Or(b.Version, "1")
}

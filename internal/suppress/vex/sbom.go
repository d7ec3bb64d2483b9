package vex

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
)

// A SBOM has an SBOM's identifiers of itself and its parts, so that statements
// about them are recognised.
type SBOM struct {
	Serial    string            // "urn:uuid:…"; ""
	Version   string            // of the SBOM; ""
	Root      string            // reference of the SBOM's subject; ""
	PURLs     map[string]string // package URLs by reference
	Documents []string          // URLs of the VEX documents in its references
}

// exploitability is the type of references to VEX documents.
// https://cyclonedx.org/docs/1.6/json/#externalReferences_items_type
const exploitability = "exploitability-statement"

// maxReferences bounds the VEX documents of an SBOM: one is usual.
const maxReferences = 100

type cdxReference struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

// ParseSBOM parses a CycloneDX SBOM in JSON, of at most the size of a document.
// Another format is ErrUnsupported.
func ParseSBOM(b []byte) (*SBOM, error) {
	if len(b) > MaxDocument {
		return nil, fmt.Errorf("over %d bytes: %w", MaxDocument, assay.ErrTooLarge)
	}
	format, err := detect(b)
	if err != nil || format != "cyclonedx" {
		return nil, errors.Join(fmt.Errorf("not CycloneDX JSON: %w", assay.ErrUnsupported), err)
	}
	out, d := &SBOM{PURLs: map[string]string{}}, decoder(b)
	r := &reader{doc: &Document{}} // other structures matter only to the reader of the packages
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

// Find resolves an identifier of a product in the SBOM: the package URL of a
// part, or the whole SBOM. Only the SBOM's serial number and BOM-Links to it
// have a meaning here.
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

// Part resolves a reference in the SBOM, like Find. Use it only for documents
// about this SBOM, because others use the same references for other parts.
func (b *SBOM) Part(ref string) (purl string, whole bool) {
	if b == nil || ref == "" {
		return "", false
	}
	return b.PURLs[ref], ref == b.Root
}

// Is reports whether a document is the SBOM itself, or has its serial number.
func (b *SBOM) Is(d *Document) bool {
	if b == nil || b.Serial == "" || d.Format != "cyclonedx" {
		return false
	}
	serial, version, _ := strings.Cut(d.ID, "/")
	return serial == b.Serial && cmp.Or(version, "1") == cmp.Or(b.Version, "1")
}

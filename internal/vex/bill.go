package vex

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/assaysec/assay"
)

// A Bill is what a bill of materials calls itself and its parts, so that
// statements about them can be told from those on others.
type Bill struct {
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

// ParseBill reads a bill of materials of CycloneDX in JSON, of at most the size
// of a document. One of another format is ErrUnsupported.
func ParseBill(b []byte) (*Bill, error) {
	if len(b) > maxDocument {
		return nil, fmt.Errorf("over %d bytes: %w", maxDocument, assay.ErrTooLarge)
	}
	format, err := detect(b)
	if err != nil || format != "cyclonedx" {
		return nil, errors.Join(fmt.Errorf("no CycloneDX in JSON: %w", assay.ErrUnsupported), err)
	}
	out, d := &Bill{PURLs: map[string]string{}}, decoder(b)
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

func (b *Bill) add(c *cdxComponent) {
	if c.Ref != "" && c.PURL != "" {
		b.PURLs[c.Ref] = c.PURL
	}
	for i := range c.Components {
		b.add(&c.Components[i])
	}
}

func (b *Bill) refer(all []cdxReference) {
	for _, r := range all {
		if r.Type == exploitability && r.URL != "" && len(b.Documents) < maxReferences {
			b.Documents = append(b.Documents, r.URL)
		}
	}
}

// Find returns what an identifier of a product means in the bill: the package
// URL of a part, or that it is all of the bill. A BOM-Link to another bill
// means nothing here.
func (b *Bill) Find(id string) (purl string, whole bool) {
	if b == nil {
		return "", false
	}
	if serial, version, ref, ok := BOMLink(id); ok {
		if "urn:uuid:"+serial != b.Serial || b.Version != "" && fmt.Sprint(version) != b.Version {
			return "", false
		}
		id = ref
		if id == "" {
			return "", true
		}
	}
	return b.PURLs[id], id == b.Root && id != "" || id == b.Serial && id != ""
}

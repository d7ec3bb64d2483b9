package sbom

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/bom"
	"github.com/assaysec/assay/internal/stanza"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// maxNesting bounds components inside components.
const maxNesting = 64

// cycloneDX reads a bill of CycloneDX 1.0 to 1.7.
func cycloneDX(b []byte, xml bool) (assay.Facts, error) {
	form := cdx.BOMFileFormatJSON
	if xml {
		form = cdx.BOMFileFormatXML
		if !bytes.Contains(b[:min(len(b), 4096)], []byte("http://cyclonedx.org/schema/bom/")) {
			return assay.Facts{}, errNone
		}
	}
	var doc cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(b), form).Decode(&doc); err != nil {
		return assay.Facts{}, malformed(err)
	}
	c := newCollector("cyclonedx")
	if m := doc.Metadata; m != nil {
		c.top(m.Properties)
		if m.Component != nil {
			c.top(m.Component.Properties)
			if m.Component.PackageURL != "" && m.Component.Type != cdx.ComponentTypeContainer && !strings.HasPrefix(m.Component.PackageURL, "pkg:oci/") {
				c.component(m.Component, true, 0)
			} else {
				c.components(m.Component.Components, 0)
			}
		}
	}
	c.top(doc.Properties)
	c.components(doc.Components, 0)
	if doc.Dependencies != nil {
		for _, d := range *doc.Dependencies {
			if d.Dependencies != nil {
				for _, on := range *d.Dependencies {
					c.depend(d.Ref, on)
				}
			}
		}
	}
	return c.facts()
}

// top reads the properties of the whole bill.
func (c *collector) top(ps *[]cdx.Property) {
	for _, q := range properties(ps) {
		if err := c.head.Read(q); err != nil {
			c.errs.Add(err)
		}
	}
}

func properties(ps *[]cdx.Property) (out []bom.Property) {
	if ps == nil {
		return nil
	}
	for _, p := range *ps {
		out = append(out, bom.Property{Name: p.Name, Value: p.Value})
	}
	return out
}

func (c *collector) components(all *[]cdx.Component, depth int) {
	if all == nil {
		return
	}
	if depth > maxNesting {
		c.errs.Add(fmt.Errorf("components more than %d deep inside each other; those are not read: %w", maxNesting, assay.ErrTooLarge))
		return
	}
	for i := range *all {
		if len(c.packages) > stanza.MaxPackages {
			return
		}
		c.component(&(*all)[i], false, depth)
	}
}

func (c *collector) component(m *cdx.Component, root bool, depth int) {
	switch m.Type {
	case cdx.ComponentTypeOS:
		if c.head.Release == nil && m.Name != "none" && m.Name != "" {
			c.head.Release = &assay.Release{ID: release(m.Name), Version: m.Version}
		}
	case cdx.ComponentTypeFile, cdx.ComponentTypeCryptographicAsset, cdx.ComponentTypeData, cdx.ComponentTypeDevice, cdx.ComponentTypeContainer:
		if m.PackageURL != "" && m.Type == cdx.ComponentTypeFile {
			c.add(c.entry(m))
		}
	default:
		e := c.entry(m)
		if e.software = m.Type == cdx.ComponentTypeLibrary || m.Type == cdx.ComponentTypeFramework; root {
			e.properties = append(e.properties, bom.Property{Name: bom.Prefix + "relation", Value: string(assay.RelationRoot)})
		}
		c.add(e)
	}
	c.components(m.Components, depth+1)
}

func (c *collector) entry(m *cdx.Component) *entry {
	e := &entry{ref: m.BOMRef, name: m.Name, version: m.Version, purl: m.PackageURL, properties: properties(m.Properties), licences: licences(m.Licenses)}
	if m.Group != "" {
		e.name = m.Group + "/" + m.Name
	}
	if m.CPE != "" {
		e.cpes = append(e.cpes, m.CPE)
	}
	return e
}

func licences(all *cdx.Licenses) (out []string) {
	if all == nil {
		return nil
	}
	for _, l := range *all {
		switch {
		case l.Expression != "":
			out = append(out, l.Expression)
		case l.License != nil && l.License.ID != "":
			out = append(out, l.License.ID)
		case l.License != nil && l.License.Name != "":
			out = append(out, l.License.Name)
		}
	}
	return out
}

// release gives distributions os-release's names where Trivy has others.
func release(name string) string {
	name = strings.ToLower(name)
	switch name {
	case "alma":
		return "almalinux"
	case "redhat":
		return "rhel"
	case "oracle":
		return "ol"
	case "amazon":
		return "amzn"
	case "cbl-mariner":
		return "mariner"
	case "opensuse.leap", "opensuse-leap":
		return "opensuse-leap"
	case "suse linux enterprise server":
		return "sles"
	}
	return name
}

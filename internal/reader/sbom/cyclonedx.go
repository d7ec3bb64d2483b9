package sbom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/record/bom"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

const (
	// maxNesting bounds components inside components.
	maxNesting = 64
	// maxXML: large SBOMs are written in JSON; reading XML takes five times as
	// long.
	maxXML = 64 << 20
)

// fromXML reads an SBOM of CycloneDX 1.0 to 1.7 in XML.
func fromXML(b []byte) (assay.Facts, error) {
	if !bytes.Contains(b[:min(len(b), 4096)], []byte("http://cyclonedx.org/schema/bom/")) {
		return assay.Facts{}, errNone
	}
	if len(b) > maxXML {
		return assay.Facts{}, fmt.Errorf("more than %d bytes of XML: %w", maxXML, assay.ErrTooLarge)
	}
	var doc cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(b), cdx.BOMFileFormatXML).Decode(&doc); err != nil {
		return assay.Facts{}, malformed(err)
	}
	c := newCollector("cyclonedx")
	c.about(doc.Metadata, doc.Properties)
	c.components(doc.Components, 0)
	if doc.Dependencies != nil {
		for i := range *doc.Dependencies {
			c.dependency(&(*doc.Dependencies)[i])
		}
	}
	return c.facts()
}

// cycloneParts are the members of an SBOM of CycloneDX in JSON that are read.
// Components and dependencies are decoded one by one, up to the limit.
type cycloneParts struct {
	Metadata     json.RawMessage `json:"metadata"`
	Properties   json.RawMessage `json:"properties"`
	Components   json.RawMessage `json:"components"`
	Dependencies json.RawMessage `json:"dependencies"`
}

// fromJSON reads such an SBOM in JSON.
func fromJSON(parts cycloneParts) (assay.Facts, error) {
	var about cdx.Metadata
	var properties []cdx.Property
	for _, p := range []struct {
		raw  json.RawMessage
		into any
	}{{parts.Metadata, &about}, {parts.Properties, &properties}} {
		if p.raw == nil {
			continue
		}
		if err := json.Unmarshal(p.raw, p.into); err != nil {
			return assay.Facts{}, malformed(err)
		}
	}
	c := newCollector("cyclonedx")
	c.about(&about, &properties)
	for _, err := range []error{
		each(parts.Components, func(m *cdx.Component) bool {
			c.component(m, false, 0)
			return len(c.packages) <= stanza.MaxPackages
		}),
		each(parts.Dependencies, func(d *cdx.Dependency) bool {
			c.dependency(d)
			return true
		}),
	} {
		if err != nil {
			c.errs.Add(err)
		}
	}
	return c.facts()
}

// each decodes the elements of an array until visit has enough.
func each[T any](array json.RawMessage, visit func(*T) bool) error {
	if array == nil || string(array) == "null" {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(array))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return fmt.Errorf("%T is not an array: %w", *new(T), assay.ErrMalformed)
	}
	for d.More() {
		var e T
		if err := d.Decode(&e); err != nil {
			return malformed(err)
		}
		if !visit(&e) {
			break
		}
	}
	return nil
}

// about reads what an SBOM says of itself and of what it is of.
func (c *collector) about(m *cdx.Metadata, properties *[]cdx.Property) {
	if m != nil {
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
	c.top(properties)
}

func (c *collector) dependency(d *cdx.Dependency) {
	if d.Dependencies != nil {
		for _, on := range *d.Dependencies {
			c.depend(d.Ref, on)
		}
	}
}

// top reads the properties of the whole SBOM.
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
		c.errs.Add(fmt.Errorf("components nested more than %d levels deep; the deeper ones are not read: %w", maxNesting, assay.ErrTooLarge))
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
			r := distro.Named(m.Name, m.Version)
			c.head.Release = &r
		}
	case cdx.ComponentTypeFile, cdx.ComponentTypeCryptographicAsset, cdx.ComponentTypeData, cdx.ComponentTypeDevice, cdx.ComponentTypeContainer:
		if m.PackageURL != "" && m.Type == cdx.ComponentTypeFile {
			c.add(c.entry(m))
		}
	default:
		e := c.entry(m)
		if e.software = m.Type == cdx.ComponentTypeLibrary || m.Type == cdx.ComponentTypeFramework || m.Version != "" && !root && !lockFile(e.properties); root {
			e.properties = append(e.properties, bom.Property{Name: bom.Prefix + "relation", Value: string(assay.RelationRoot)})
		}
		c.add(e)
	}
	c.components(m.Components, depth+1)
}

// lockFile reports whether a component stands for a file that tells of others,
// as Trivy's SBOMs have it.
func lockFile(properties []bom.Property) bool {
	return slices.ContainsFunc(properties, func(q bom.Property) bool { return strings.HasPrefix(q.Name, "aquasecurity:trivy:") })
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

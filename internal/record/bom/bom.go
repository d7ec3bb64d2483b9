// Package bom converts between reports and SBOMs, independently of the SBOM
// format. Report data without a place in the formats become named properties,
// and are read back, so that a scan of assay's own SBOM gives the same report as
// a scan of the image.
package bom

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
)

// Prefix begins the names of assay's own properties.
const Prefix = "assay:"

// Names of properties of the whole SBOM.
const (
	Release = Prefix + "release" // assay.Release in JSON
	Layer   = Prefix + "layer"   // assay.LayerRef in JSON, one each
	Gap     = Prefix + "gap"     // assay.Gap in JSON, one each
	DevLeft = Prefix + "devLeftOut"
)

// Licence is the name of a property with a licence as the package states it, for
// formats that allow only expressions.
const Licence = Prefix + "licence"

// noSymbols marks a binary that links none of a module's functions.
const noSymbols = "none"

// A Property is a named value of a package, or of the whole SBOM.
type Property struct{ Name, Value string }

// text lists the fields that are written unchanged.
func text(p *assay.Package) []struct {
	name string
	at   *string
} {
	return []struct {
		name string
		at   *string
	}{
		{"type", &p.Type}, {"name", &p.Name}, {"version", &p.Version}, {"arch", &p.Arch}, {"os", &p.OS}, {"source", &p.Source}, {"sourceVersion", &p.SourceVersion},
		{"module", &p.Module}, {"vendor", &p.Vendor}, {"state", &p.State}, {"thirdParty", &p.ThirdParty}, {"path", &p.Path}, {"foundBy", &p.FoundBy},
		{"relation", (*string)(&p.Relation)}, {"owner", &p.Owner}, {"digest", &p.Digest}, {"classRoot", &p.ClassRoot},
	}
}

// Properties converts the package data without a place in the formats.
func Properties(p *assay.Package) (out []Property) {
	for _, f := range text(p) {
		if *f.at != "" {
			out = append(out, Property{Prefix + f.name, *f.at})
		}
	}
	if p.Dev {
		out = append(out, Property{Prefix + "dev", "true"})
	}
	for _, c := range p.CPEs {
		out = append(out, Property{Prefix + "cpe", c})
	}
	if p.Layer != (assay.LayerRef{}) {
		out = append(out, Property{Prefix + "layer", strconv.Itoa(p.Layer.Index)})
	}
	if p.Symbols != nil {
		b, _ := p.Symbols.MarshalText() // cannot fail
		out = append(out, Property{Prefix + "symbols", cmp.Or(string(b), noSymbols)})
	}
	return out
}

// Apply sets the data of one of assay's properties in a package; layers are
// those of the SBOM. Other properties are ignored.
func Apply(p *assay.Package, q Property, layers map[int]assay.LayerRef) error {
	name, ours := strings.CutPrefix(q.Name, Prefix)
	if !ours {
		return nil
	}
	for _, f := range text(p) {
		if f.name == name {
			*f.at = q.Value
			return nil
		}
	}
	switch name {
	case "dev":
		p.Dev = q.Value == "true"
	case "cpe":
		if !slices.Contains(p.CPEs, q.Value) {
			p.CPEs = append(p.CPEs, q.Value)
		}
	case "licence":
		if !slices.Contains(p.Licences, q.Value) {
			p.Licences = append(p.Licences, q.Value)
		}
	case "layer":
		n, err := strconv.Atoi(q.Value)
		if err != nil {
			return fmt.Errorf("%s %q: %w", q.Name, q.Value, assay.ErrMalformed)
		}
		p.Layer = layers[n]
	case "symbols":
		if q.Value == noSymbols {
			p.Symbols = assay.Symbols{}
			return nil
		}
		if err := p.Symbols.UnmarshalText([]byte(q.Value)); err != nil {
			return fmt.Errorf("%s: %w", q.Name, err)
		}
	}
	return nil
}

// ReportProperties converts the report data that are not about packages.
func ReportProperties(r *assay.Report) (out []Property) {
	add := func(name string, v any) {
		b, _ := json.Marshal(v) // strings and numbers only: this cannot fail
		out = append(out, Property{name, string(b)})
	}
	if r.Release.ID != "" {
		bare := r.Release
		bare.EOL = "" // the reader looks it up again
		add(Release, bare)
	}
	for i, l := range r.Image.Layers {
		add(Layer, assay.LayerRef{Index: i, DiffID: l.DiffID, Digest: l.Digest, CreatedBy: l.CreatedBy})
	}
	for _, g := range r.Gaps {
		add(Gap, g)
	}
	if r.DevLeftOut > 0 {
		add(DevLeft, r.DevLeftOut)
	}
	return out
}

// A Head is the SBOM data that are not about packages.
type Head struct {
	Release *assay.Release
	Layers  map[int]assay.LayerRef
	Gaps    []assay.Gap

	DevLeftOut int
}

// Read reads the properties that Of wrote. Other properties are ignored.
func (h *Head) Read(q Property) error {
	var err error
	switch q.Name {
	case Release:
		h.Release = new(assay.Release)
		err = json.Unmarshal([]byte(q.Value), h.Release)
	case Layer:
		var l assay.LayerRef
		if err = json.Unmarshal([]byte(q.Value), &l); err == nil {
			if h.Layers == nil {
				h.Layers = map[int]assay.LayerRef{}
			}
			h.Layers[l.Index] = l
		}
	case Gap:
		var g assay.Gap
		if err = json.Unmarshal([]byte(q.Value), &g); err == nil {
			h.Gaps = append(h.Gaps, g)
		}
	case DevLeft:
		err = json.Unmarshal([]byte(q.Value), &h.DevLeftOut)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %w", q.Name, err, assay.ErrMalformed)
	}
	return nil
}

// References gives each package of a report a unique name: its purl; if several
// have the same purl, with the path, else with a number.
func References(packages []assay.Package) []string {
	out := make([]string, len(packages))
	taken, next := map[string]bool{}, map[string]int{}
	for i := range packages {
		p := &packages[i]
		name := p.PURL
		if name == "" {
			name = p.Type + ":" + p.Ref()
		}
		if taken[name] {
			name += "#" + p.Path
		}
		for first := name; taken[name]; {
			next[first]++
			name = first + "#" + strconv.Itoa(next[first]+1)
		}
		taken[name], out[i] = true, name
	}
	return out
}

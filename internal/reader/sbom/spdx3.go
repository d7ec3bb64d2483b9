package sbom

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/encoding/stanza"
)

// element is what is read of an element of an SPDX 3 graph.
// https://spdx.github.io/spdx-spec/v3.0.1/serializations/
type element struct {
	Type        string            `json:"type"`
	AtType      string            `json:"@type"`
	ID          string            `json:"spdxId"`
	AtID        string            `json:"@id"`
	Name        string            `json:"name"`
	Version     string            `json:"software_packageVersion"`
	PURL        string            `json:"software_packageUrl"`
	Purpose     string            `json:"software_primaryPurpose"`
	Identifiers []identifier      `json:"externalIdentifier"`
	Kind        string            `json:"relationshipType"`
	From        string            `json:"from"`
	To          json.RawMessage   `json:"to"`
	Roots       []json.RawMessage `json:"rootElement"`
	Subject     string            `json:"subject"`
	Statement   string            `json:"statement"`
	Expression  string            `json:"simplelicensing_licenseExpression"`
}

type identifier struct {
	Type  string `json:"externalIdentifierType"`
	Value string `json:"identifier"`
}

func (e *element) kind() string {
	k := e.Type + e.AtType
	return k[strings.LastIndexAny(k, "/:")+1:]
}

func (e *element) id() string { return e.ID + e.AtID }

// to lists the ends of a relationship, which may be one or several.
func (e *element) to() (out []string) {
	if json.Unmarshal(e.To, &out) == nil {
		return out
	}
	var one string
	if json.Unmarshal(e.To, &one) == nil {
		return []string{one}
	}
	return nil
}

func spdx3(b []byte) (assay.Facts, error) {
	var doc struct {
		Graph []json.RawMessage `json:"@graph"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		return assay.Facts{}, malformed(err)
	}
	g := readGraph(doc.Graph)
	c := newCollector("spdx")
	g.notesOfDocument(c)
	for i := range g.packages {
		id := g.packages[i].id()
		if c.three(&g.packages[i], g.licence[g.declared[id]], g.notes[id]); len(c.packages) > stanza.MaxPackages {
			break
		}
	}
	for i := range g.relations {
		r := &g.relations[i]
		for _, to := range r.to() {
			switch r.Kind {
			case "dependsOn":
				c.depend(r.From, to)
			case "dependencyOf":
				c.depend(to, r.From)
			}
		}
	}
	return c.facts()
}

// A graph is what is used of an SPDX 3 graph.
type graph struct {
	packages, relations []element
	licence             map[string]string // expressions by element
	declared            map[string]string // licences by package
	notes               map[string][]string
}

// readGraph sorts the elements by their kind.
func readGraph(elements []json.RawMessage) *graph {
	g := &graph{licence: map[string]string{}, declared: map[string]string{}, notes: map[string][]string{}}
	for _, raw := range elements {
		var e element
		if json.Unmarshal(raw, &e) != nil {
			continue // an element of another kind, whose members have other forms
		}
		switch e.kind() {
		case "software_Package":
			g.packages = append(g.packages, e)
		case "Relationship", "LifecycleScopedRelationship":
			g.relations = append(g.relations, e)
			if e.Kind == "hasDeclaredLicense" {
				for _, to := range e.to() {
					g.declared[e.From] = to
				}
			}
		case "simplelicensing_LicenseExpression":
			g.licence[e.id()] = e.Expression
		case "Annotation":
			g.notes[e.Subject] = append(g.notes[e.Subject], e.Statement)
		}
	}
	return g
}

// notesOfDocument reads the notes that are of no package, in the order of their
// subjects.
func (g *graph) notesOfDocument(c *collector) {
	known := make(map[string]bool, len(g.packages))
	for i := range g.packages {
		known[g.packages[i].id()] = true
	}
	for _, subject := range slices.Sorted(maps.Keys(g.notes)) {
		if known[subject] {
			continue
		}
		for _, n := range g.notes[subject] {
			if q, ok := property(n); ok {
				if err := c.head.Read(q); err != nil {
					c.errs.Add(err)
				}
			}
		}
	}
}

// three adds a package of SPDX 3.
func (c *collector) three(p *element, licence string, notes []string) {
	if p.Purpose == "operatingSystem" {
		if c.head.Release == nil {
			r := distro.Named(p.Name, p.Version)
			c.head.Release = &r
		}
		return
	}
	e := &entry{ref: p.id(), name: p.Name, version: p.Version, purl: p.PURL, software: p.Purpose == "library"}
	for _, i := range p.Identifiers {
		switch i.Type {
		case "packageUrl", "purl":
			if e.purl == "" {
				e.purl = i.Value
			}
		case "cpe23":
			e.cpes = append(e.cpes, i.Value)
		}
	}
	if strings.HasPrefix(e.purl, "pkg:oci/") {
		return
	}
	if licence != "" && licence != "NOASSERTION" && licence != "NONE" {
		e.licences = []string{licence}
	}
	for _, n := range notes {
		if q, ok := property(n); ok {
			e.properties = append(e.properties, q)
		}
	}
	c.add(e)
}

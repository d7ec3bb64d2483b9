package vex

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// A statement of OpenVEX. Before v0.2.0 the vulnerability and the products were
// strings, and the subcomponents belonged to the statement.
type openvexStatement struct {
	Vulnerability openvexVulnerability `json:"vulnerability"`
	Products      []component          `json:"products"`
	Subcomponents []identity           `json:"subcomponents"`
	Status        string               `json:"status"`
	Justification string               `json:"justification"`
	Impact        string               `json:"impact_statement"`
	Action        string               `json:"action_statement"`
	Timestamp     string               `json:"timestamp"`
}

type openvexVulnerability struct {
	ID      string   `json:"@id"`
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
}

// UnmarshalJSON also accepts a name.
func (v *openvexVulnerability) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &v.Name)
	}
	type plain openvexVulnerability
	return json.Unmarshal(b, (*plain)(v))
}

// names returns the name and the aliases. The IRI is a name if it is not a URL;
// without other names, the last part of the URL is the name.
func (v *openvexVulnerability) names() (name string, aliases []string) {
	name = v.Name
	if name == "" {
		name = v.ID[strings.LastIndexByte(v.ID, '/')+1:]
	}
	for _, a := range append(slices.Clip(v.Aliases), v.ID) {
		if a != "" && a != name && !strings.Contains(a, "/") && !slices.Contains(aliases, a) {
			aliases = append(aliases, a)
		}
	}
	return name, aliases
}

// An identity has the identifiers of a component.
type identity struct {
	ID          string `json:"@id"`
	Identifiers struct {
		PURL  string `json:"purl"`
		CPE23 string `json:"cpe23"`
		CPE22 string `json:"cpe22"`
	} `json:"identifiers"`
	Hashes map[string]string `json:"hashes"`
}

// UnmarshalJSON also accepts an IRI.
func (c *identity) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &c.ID)
	}
	type plain identity
	return json.Unmarshal(b, (*plain)(c))
}

// A component is a product, whose parts have none.
type component struct {
	identity
	Subcomponents []identity
}

// UnmarshalJSON also accepts an IRI.
func (c *component) UnmarshalJSON(b []byte) error {
	if err := c.identity.UnmarshalJSON(b); err != nil || b[0] == '"' {
		return err
	}
	var parts struct {
		Subcomponents []identity `json:"subcomponents"`
	}
	err := json.Unmarshal(b, &parts)
	c.Subcomponents = parts.Subcomponents
	return err
}

// products are the identities of a component: two if its IRI is a package URL
// and its identifiers have another.
func (c *identity) products() (out []Product) {
	p := Product{PURL: c.Identifiers.PURL, CPE: c.Identifiers.CPE23}
	if p.CPE == "" {
		p.CPE = c.Identifiers.CPE22
	}
	switch {
	case !isPURL(c.ID) && !strings.ContainsAny(c.ID, ":/"): // not an IRI, but a plain name
		p.Local = c.ID
	case !isPURL(c.ID):
		p.ID = c.ID
	case p.PURL == "":
		p.PURL = c.ID
	case p.PURL != c.ID:
		out = append(out, Product{PURL: c.ID})
	}
	if p.ID == "" && len(c.Hashes) > 0 {
		best := "sha-256" // what digests of images are
		if c.Hashes[best] == "" {
			best = slices.Min(slices.Collect(maps.Keys(c.Hashes)))
		}
		p.ID = best + ":" + c.Hashes[best]
	}
	if p.PURL == "" && p.CPE == "" && p.ID == "" && p.Local == "" {
		return nil
	}
	return append([]Product{p}, out...)
}

// stripped is the product's name among subcomponents.
func (p *Product) stripped() string {
	switch {
	case p.PURL != "":
		return p.PURL
	case p.ID != "":
		return p.ID
	case p.Local != "":
		return "#" + p.Local
	}
	return p.CPE
}

var openvexStatuses = map[string]assay.Status{
	"not_affected": assay.StatusNotAffected, "affected": assay.StatusAffected, "fixed": assay.StatusFixed,
	"under_investigation": assay.StatusUnderInvestigation,
}

func (r *reader) openvex(b []byte) error {
	d, found := decoder(b), false
	err := d.Object(func(key string) error {
		switch key {
		case "@id", "id":
			return text(d, key, &r.doc.ID)
		case "author":
			return text(d, key, &r.doc.Author)
		case "timestamp":
			return r.documentTime(d, key)
		case "statements":
			found = true
			n := -1
			return d.Array(func() error {
				n++
				where := fmt.Sprintf("statements[%d]", n)
				var s openvexStatement
				if ok, err := r.element(d, where, &s); err != nil || !ok {
					return err
				}
				return r.openvexStatement(where, &s)
			})
		}
		return d.Skip()
	})
	if err == nil {
		err = d.End()
	}
	if err == nil && !found {
		err = fmt.Errorf("no statements: %w", assay.ErrMalformed)
	}
	return err
}

func (r *reader) openvexStatement(where string, s *openvexStatement) error {
	name, aliases := s.Vulnerability.names()
	status, known := openvexStatuses[s.Status]
	at, isTime := instant(s.Timestamp)
	switch {
	case name == "":
		r.addParseError(where+".vulnerability", "no vulnerability", "")
		return nil
	case !known:
		r.addParseError(where+".status", "unknown status", fmt.Sprintf("%.80q", s.Status))
		return nil
	case !isTime:
		r.addParseError(where+".timestamp", "malformed time", fmt.Sprintf("%.80q", s.Timestamp))
		return nil
	}
	st := Statement{
		Vulnerability: name, Aliases: aliases, Status: status, Timestamp: at,
		Justification: s.Justification, Impact: s.Impact, ActionStatement: s.Action,
	}
	for i, c := range s.Products {
		place := fmt.Sprintf("%s.products[%d]", where, i)
		parts, ok := subcomponents(append(slices.Clip(c.Subcomponents), s.Subcomponents...))
		products := c.products()
		if products == nil || !ok {
			r.addParseError(place, "no identifier", "")
			continue
		}
		for _, p := range products {
			p.Subcomponents = parts
			st.Products = append(st.Products, p)
		}
	}
	if len(st.Products) == 0 && len(s.Products) > 0 {
		return nil
	}
	return r.add(where, st)
}

// subcomponents are the names of parts; ok is false if one has no identifier,
// because the statement would then cover too much.
func subcomponents(all []identity) (out []string, ok bool) {
	for i := range all {
		products := all[i].products()
		if products == nil {
			return nil, false
		}
		for _, p := range products {
			out = append(out, p.stripped())
		}
	}
	return out, true
}

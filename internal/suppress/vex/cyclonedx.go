package vex

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
)

// Bounds of an SBOM.
const (
	maxComponents      = 2_000_000 // of an image with every file there are 100,000
	maxVulnerabilities = 500_000   // more than there are CVEs
)

// one is a list that some documents write as its only element.
type one[T any] []T

// UnmarshalJSON accepts an array or an element.
func (o *one[T]) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]T)(o))
	}
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	*o = one[T]{v}
	return nil
}

type cdxMetadata struct {
	Timestamp    string       `json:"timestamp"`
	Authors      []cdxParty   `json:"authors"`
	Manufacturer cdxParty     `json:"manufacturer"`
	Manufacture  cdxParty     `json:"manufacture"` // before 1.6
	Supplier     cdxParty     `json:"supplier"`
	Component    cdxComponent `json:"component"`
}

type cdxParty struct {
	Name string `json:"name"`
}

type cdxComponent struct {
	Ref        string         `json:"bom-ref"`
	PURL       string         `json:"purl"`
	CPE        string         `json:"cpe"`
	Version    string         `json:"version"`
	Components []cdxComponent `json:"components"`
}

type cdxVulnerability struct {
	ID         string `json:"id"`
	References []struct {
		ID string `json:"id"`
	} `json:"references"`
	Analysis struct {
		State         string      `json:"state"`
		Justification string      `json:"justification"`
		Response      one[string] `json:"response"`
		Detail        string      `json:"detail"`
		First         string      `json:"firstIssued"`
		Last          string      `json:"lastUpdated"`
	} `json:"analysis"`
	Recommendation string       `json:"recommendation"`
	Affects        []cdxAffects `json:"affects"`
	where          string
}

type cdxAffects struct {
	Ref      string `json:"ref"`
	Versions one[struct {
		Version string `json:"version"`
		Range   string `json:"range"`
		Status  string `json:"status"`
	}] `json:"versions"`
}

// cdxStates are the states of an analysis. An SBOM may list a vulnerability
// without one, which has no statement about its impact.
var cdxStates = map[string]assay.Status{
	"": assay.StatusUnknown, "resolved": assay.StatusFixed, "resolved_with_pedigree": assay.StatusFixed,
	"exploitable": assay.StatusAffected, "in_triage": assay.StatusUnderInvestigation,
	"false_positive": assay.StatusNotAffected, "not_affected": assay.StatusNotAffected,
}

// A bom has the parts of an SBOM that vulnerabilities refer to.
type bom struct {
	serial, version string
	meta            cdxMetadata
	components      []cdxComponent
	vulnerabilities []cdxVulnerability
	refs            map[string]Product
}

func (r *reader) cyclonedx(b []byte) error {
	d, bom, elements := decoder(b), &bom{refs: map[string]Product{}}, 0
	each := func(key string, most int, v func(where string) (any, func())) error {
		return d.Array(func() error {
			where := fmt.Sprintf("%s[%d]", key, elements)
			if elements++; elements > most {
				return fmt.Errorf("over %d %s: %w", most, key, assay.ErrTooLarge)
			}
			to, done := v(where)
			ok, err := r.element(d, where, to)
			if ok {
				done()
			}
			return err
		})
	}
	err := d.Object(func(key string) error {
		elements = 0
		switch key {
		case "serialNumber":
			return text(d, key, &bom.serial)
		case "version":
			var n json.Number
			if ok, err := d.Value(&n); err != nil || !ok {
				return err
			}
			bom.version = n.String()
		case "metadata":
			_, err := r.element(d, key, &bom.meta)
			return err
		case "components":
			return each(key, maxComponents, func(string) (any, func()) {
				var c cdxComponent
				return &c, func() { bom.components = append(bom.components, c) }
			})
		case "vulnerabilities":
			return each(key, maxVulnerabilities, func(where string) (any, func()) {
				v := cdxVulnerability{where: where}
				return &v, func() { bom.vulnerabilities = append(bom.vulnerabilities, v) }
			})
		default:
			return d.Skip()
		}
		return nil
	})
	if err == nil {
		err = d.End()
	}
	if err != nil {
		return err
	}
	bom.index(append(bom.components, bom.meta.Component))
	return r.bom(bom)
}

// index indexes the components by their references.
func (b *bom) index(all []cdxComponent) {
	for i := range all {
		if c := &all[i]; c.Ref != "" {
			b.refs[c.Ref] = Product{PURL: versioned(c.PURL, c.Version), CPE: versionedCPE(c.CPE, c.Version), Local: c.Ref}
		}
		b.index(all[i].Components)
	}
}

func (r *reader) bom(b *bom) error {
	if r.doc.ID = b.serial; r.doc.ID != "" && b.version != "" {
		r.doc.ID += "/" + b.version
	}
	for _, a := range append(b.meta.Authors, b.meta.Manufacturer, b.meta.Manufacture, b.meta.Supplier) {
		if r.doc.Author == "" {
			r.doc.Author = a.Name
		}
	}
	at, ok := instant(b.meta.Timestamp)
	if !ok {
		return &ParseError{"metadata.timestamp", "malformed time", fmt.Sprintf("%.80q", b.meta.Timestamp)}
	}
	r.doc.Timestamp = at
	for i := range b.vulnerabilities {
		if err := r.cdxVulnerability(b, &b.vulnerabilities[i]); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) cdxVulnerability(b *bom, v *cdxVulnerability) error {
	a := &v.Analysis
	status, known := cdxStates[a.State]
	issued := a.Last
	if issued == "" {
		issued = a.First
	}
	at, isTime := instant(issued)
	switch {
	case v.ID == "":
		r.addParseError(v.where+".id", "no vulnerability", "")
		return nil
	case !known:
		r.addParseError(v.where+".analysis.state", "unknown status", fmt.Sprintf("%.80q", a.State))
		return nil
	case !isTime:
		r.addParseError(v.where+".analysis", "malformed time", fmt.Sprintf("%.80q", issued))
		return nil
	}
	s := Statement{
		Vulnerability: v.ID, Status: status, Timestamp: at, Justification: a.Justification, Impact: a.Detail,
		ActionStatement: v.Recommendation,
	}
	if s.ActionStatement == "" {
		s.ActionStatement = strings.Join(a.Response, ", ")
	}
	for _, ref := range v.References {
		if ref.ID != "" && ref.ID != v.ID {
			s.Aliases = append(s.Aliases, ref.ID)
		}
	}
	spared := s // the statement about versions that are not affected
	spared.Status, spared.ActionStatement = assay.StatusNotAffected, ""
	left := s // and about those that are affected, if the overall state is positive
	left.Status, left.Justification, left.Impact = assay.StatusAffected, "", ""
	for _, affects := range v.Affects {
		if affects.Ref == "" {
			r.addParseError(v.where+".affects", "no identifier", "")
			continue
		}
		in, out, bad := b.products(&affects, status)
		s.Products, spared.Products, left.Products = append(s.Products, in...), append(spared.Products, out...), append(left.Products, bad...)
	}
	for i, st := range []Statement{spared, s, left} {
		if len(st.Products) > 0 || i == 1 && len(v.Affects) == 0 {
			if err := r.add(v.where, st); err != nil {
				return err
			}
		}
	}
	return nil
}

// products are the products of the versions: those listed, or the reference
// itself. Versions that differ from the overall state get a statement of their
// own; versions of unknown status get none.
func (b *bom) products(a *cdxAffects, status assay.Status) (in, out, bad []Product) {
	p := b.find(a.Ref)
	if len(a.Versions) == 0 {
		return []Product{p}, nil, nil
	}
	well := status == assay.StatusNotAffected || status == assay.StatusFixed
	for _, v := range a.Versions {
		q := p.withVersion(v.Version, v.Range)
		switch {
		case v.Status == "unaffected" && !well:
			out = append(out, q)
		case v.Status == "affected" && well:
			bad = append(bad, q)
		case v.Status == "" || v.Status == "unaffected" || v.Status == "affected":
			in = append(in, q)
		}
	}
	return in, out, bad
}

// withVersion is the product in a version or a range of versions. A product that
// is known only in another version has only the document's name.
func (p *Product) withVersion(version, within string) Product {
	q := Product{Local: p.Local + p.Ref + p.ID + " " + version + within}
	if version == "" {
		q.PURL, q.CPE, q.Range = p.PURL, p.CPE, within
		return q
	}
	if u, err := ParsePURL(p.PURL); err == nil && (u.url.Version == "" || u.url.Version == version) {
		q.PURL = versioned(p.PURL, version)
	}
	if cpe := versionedCPE(p.CPE, version); cpe != p.CPE {
		q.CPE = cpe
	}
	return q
}

// find resolves a reference: a component of the document, a package URL, or a
// part of another SBOM.
func (b *bom) find(ref string) Product {
	if p, ok := b.refs[ref]; ok {
		return p
	}
	if serial, version, in, ok := BOMLink(ref); ok {
		if own, found := b.refs[in]; found && b.serial == "urn:uuid:"+serial && cmp.Or(b.version, "1") == strconv.Itoa(version) {
			return own
		}
		return Product{ID: ref}
	}
	switch {
	case isPURL(ref):
		return Product{PURL: ref}
	case strings.HasPrefix(ref, "urn:"):
		return Product{ID: ref}
	}
	return Product{Ref: ref}
}

// BOMLink parses a BOM-Link, "urn:cdx:SERIAL/VERSION#REF": the SBOM, and the
// part of it; "" means all. https://cyclonedx.org/capabilities/bomlink
func BOMLink(s string) (serial string, version int, ref string, ok bool) {
	rest, ok := strings.CutPrefix(s, "urn:cdx:")
	if !ok {
		return "", 0, "", false
	}
	rest, ref, _ = strings.Cut(rest, "#")
	serial, number, _ := strings.Cut(rest, "/")
	version, err := strconv.Atoi(number)
	if err != nil || serial == "" {
		return "", 0, "", false
	}
	if !isPURL(ref) { // some do not escape package URLs, whose own escapes must stay
		if u, err := url.PathUnescape(ref); err == nil {
			ref = u
		}
	}
	return serial, version, ref, true
}

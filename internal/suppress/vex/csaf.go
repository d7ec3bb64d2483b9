package vex

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/csaf"
)

// csafGroups have their status, in the order in which statements come.
var csafGroups = []struct {
	group  string
	status assay.Status
}{
	{csaf.KnownNotAffected, assay.StatusNotAffected},
	{csaf.Fixed, assay.StatusFixed},
	{csaf.FirstFixed, assay.StatusFixed},
	{csaf.KnownAffected, assay.StatusAffected},
	{csaf.FirstAffected, assay.StatusAffected},
	{csaf.LastAffected, assay.StatusAffected},
	{csaf.UnderInvestigation, assay.StatusUnderInvestigation},
}

func (r *reader) csaf(b []byte) error {
	d, err := csaf.Parse(b)
	if err != nil {
		var syntax *json.SyntaxError
		var shape *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			err = fmt.Errorf("offset %d: %w", syntax.Offset, err)
		case errors.As(err, &shape):
			err = fmt.Errorf("offset %d: %s: unexpected %s: %w", shape.Offset, cmp.Or(shape.Field, "the document"), shape.Value, assay.ErrMalformed)
		}
		return err
	}
	r.doc.ID, r.doc.Author, r.doc.Timestamp = d.ID, d.Publisher.Name, d.Modified
	if d.Withdrawn() {
		r.addParseError("document", "withdrawn", "")
		return nil
	}
	for i := range d.Vulnerabilities {
		v := &d.Vulnerabilities[i]
		where := fmt.Sprintf("vulnerabilities[%d]", i)
		name, aliases := csafNames(v)
		if name == "" {
			r.addParseError(where, "no vulnerability", "")
			continue
		}
		if n := listed(v); n > maxParts {
			return fmt.Errorf("%s: %d products: %w", where, n, assay.ErrTooLarge)
		}
		for _, s := range csafStatements(d, v) {
			s.Vulnerability, s.Aliases = name, aliases
			if err := r.add(where, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// listed is how many products the status of a vulnerability lists.
func listed(v *csaf.Vulnerability) (n int) {
	for _, ids := range v.Products {
		n += len(ids)
	}
	return n
}

func csafNames(v *csaf.Vulnerability) (name string, aliases []string) {
	name = v.CVE
	for _, id := range v.IDs {
		switch {
		case name == "":
			name = id.Text
		case id.Text != "" && id.Text != name && !slices.Contains(aliases, id.Text):
			aliases = append(aliases, id.Text)
		}
	}
	return name, aliases
}

// csafStatements groups the products of a vulnerability by their statements.
func csafStatements(d *csaf.Document, v *csaf.Vulnerability) (out []Statement) {
	type said struct {
		status                        assay.Status
		justification, impact, action string
	}
	labels, impacts, actions := texts{}, texts{}, texts{}
	for i := range v.Flags {
		labels.add(v.Flags[i].Label, v.Flags[i].Products)
	}
	for i := range v.Threats {
		if v.Threats[i].Category == "impact" {
			impacts.add(v.Threats[i].Details, v.Threats[i].Products)
		}
	}
	for i := range v.Remediations {
		actions.add(v.Remediations[i].Details, v.Remediations[i].Products)
	}
	at := map[said]int{}
	for _, g := range csafGroups {
		for _, id := range v.Products[g.group] {
			k := said{status: g.status}
			switch g.status {
			case assay.StatusNotAffected:
				k.justification, k.impact = labels.textsFor(id), impacts.textsFor(id)
			case assay.StatusAffected:
				k.action = actions.textsFor(id)
			}
			i, ok := at[k]
			if !ok {
				i = len(out)
				at[k] = i
				out = append(out, Statement{Status: k.status, Justification: k.justification, Impact: k.impact, ActionStatement: k.action})
			}
			out[i].Products = append(out[i].Products, csafProducts(d.Products[id], id, k.status)...)
		}
	}
	return out
}

// texts are texts about products, by ID; "" is the ID for all products.
type texts map[string]string

// add adds a text for products, or for all if there are none. The first text
// counts.
func (w texts) add(word string, products []string) {
	if len(products) == 0 {
		products = []string{""}
	}
	for _, id := range products {
		if w[id] == "" {
			w[id] = word
		}
	}
}

func (w texts) textsFor(id string) string {
	if s := w[id]; s != "" {
		return s
	}
	return w[""]
}

// maxChain bounds chains of products that are parts of others; 3 is usual.
const maxChain = 64

// csafProducts is a product with its own identifiers. If it is a part in a
// relation to a whole, it is the whole with the part as subcomponent.
func csafProducts(p *csaf.Product, id string, status assay.Status) (out []Product) {
	if p == nil {
		return []Product{{Local: id}}
	}
	if p.Part != nil && p.Whole != nil {
		part, whole := p.Part, p.Whole
		for range maxChain {
			if part.PURL != "" || part.Part == nil {
				break
			}
			part = part.Part
		}
		if whole.PURL == "" && whole.CPE == "" {
			whole = whole.Root()
		}
		in := csafProduct(whole)
		in.Subcomponents = []string{csafName(part, status)}
		out = append(out, in)
	}
	if len(out) == 0 || p.PURL != "" {
		out = append(out, csafProduct(p))
	}
	return out
}

// csafProduct is a product with the version from the document, if its
// identifiers have none.
func csafProduct(p *csaf.Product) Product {
	version, within := csafVersion(p)
	out := Product{PURL: versioned(p.PURL, version), CPE: versionedCPE(p.CPE, version), Local: p.ID}
	if within == "" {
		return out
	}
	if u, err := ParsePURL(p.PURL); err == nil && u.url.Version != "" {
		out.CPE = "" // the package URL is more precise
	} else if p.PURL != "" || versionedCPE(p.CPE, "0") != p.CPE {
		out.Range = within
	}
	return out
}

// csafVersion is the version, or the range of versions, in the product's branch.
// Red Hat writes names there if there is no version (2026), and in relations the
// version is the part's.
func csafVersion(p *csaf.Product) (version, within string) {
	for range maxChain {
		for b := p.Branch; b != nil; b = b.Parent {
			switch {
			case b.Category == "product_version_range":
				return "", b.Name
			case b.Category == "product_version" && !isName(b.Name, p):
				return b.Name, ""
			case b.Category == "product_version":
				return "", ""
			}
		}
		if p.Part == nil {
			break
		}
		p = p.Part
	}
	return "", ""
}

// isName reports whether the version of a product is in fact its name, such as
// "team/a", "a.src", "a::module:1" and "a-container".
func isName(s string, p *csaf.Product) bool {
	u, err := ParsePURL(p.PURL)
	if err != nil {
		return false
	}
	base, _, _ := strings.Cut(s, "::")
	rest, ok := strings.CutPrefix(base[strings.LastIndexByte(base, '/')+1:], u.url.Name)
	return ok && (rest == "" || len(rest) > 1 && strings.ContainsAny(rest[:1], ".-") && (rest[1]|0x20 >= 'a' && rest[1]|0x20 <= 'z'))
}

// csafName is a part by its package URL. A positive statement about a range of
// versions may not hold for others.
func csafName(p *csaf.Product, status assay.Status) string {
	part := csafProduct(p)
	if part.PURL == "" || part.Range != "" && (status == assay.StatusNotAffected || status == assay.StatusFixed) {
		return "#" + p.ID
	}
	return part.PURL
}

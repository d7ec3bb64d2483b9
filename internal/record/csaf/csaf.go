// Package csaf reads documents of the Common Security Advisory Framework:
// security advisories, and VEX documents.
//
// Specification: https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html. It
// reads what a scanner needs: the product tree, and the state of each product.
// It does not validate the rest of the document.
package csaf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/cvss"
)

// Bounds of a document.
const (
	maxDocument = 64 << 20  // the largest known, of a kernel, has 15 MB
	maxObjects  = 1_000_000 // JSON objects in it, because each takes memory; the kernel's document has 120,000
	maxDepth    = 64        // of branches; 5 is usual
	maxExpanded = 4_000_000 // products that remediations, threats and flags name through groups
)

// A Document is one advisory.
type Document struct {
	ID              string // the publisher's: "CVE-2024-1", "SUSE-SU-2024:1-1"
	Category        string // the profile: "csaf_vex", "csaf_security_advisory"
	Title           string
	Publisher       Publisher
	Severity        string // of the whole document, in the publisher's words
	Status          string // "final", "interim", "draft"; Red Hat also has "deleted"
	Published       time.Time
	Modified        time.Time
	Notes           []Note
	References      []Reference
	Products        map[string]*Product // by ID
	Vulnerabilities []Vulnerability
}

// Withdrawn reports whether the publisher withdrew the document.
func (d *Document) Withdrawn() bool {
	return d.Status == "deleted" || d.Category == "csaf_withdrawn" || d.Category == "csaf_superseded"
}

// Publisher is the organisation that publishes the document.
type Publisher struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"` // a URL
	Category  string `json:"category"`  // "vendor", "user", "coordinator", …
}

// A Note is text for people.
type Note struct {
	Category string `json:"category"` // "description", "summary", "general", "other", …
	Title    string `json:"title"`
	Text     string `json:"text"`
}

// A Reference is a link.
type Reference struct {
	Category string `json:"category"` // "self", "external"
	Summary  string `json:"summary"`
	URL      string `json:"url"`
}

// A Product is an entry of the product tree: a product of its own, or a Part in
// its relation to another product.
type Product struct {
	ID, Name string
	CPE      string
	PURL     string  // the first where there are several
	Branch   *Branch // that contains the product; nil if none does

	Relation string   // of Part to Whole: "default_component_of", "installed_on", …
	Part     *Product // nil unless the product is a relation; the product with its ID may be missing
	Whole    *Product
}

// Root is the product at the end of the chain of wholes, which contains all
// others.
func (p *Product) Root() *Product {
	for range maxDepth { // a hostile chain may be a cycle
		if p.Whole == nil {
			break
		}
		p = p.Whole
	}
	return p
}

// A Branch is a node of the product tree above products.
type Branch struct {
	Category string // "vendor", "product_family", "product_name", "product_version", "architecture", …
	Name     string
	Parent   *Branch
}

// The groups of products in Vulnerability.Products.
const (
	FirstAffected      = "first_affected"
	FirstFixed         = "first_fixed"
	Fixed              = "fixed"
	KnownAffected      = "known_affected"
	KnownNotAffected   = "known_not_affected"
	LastAffected       = "last_affected"
	Recommended        = "recommended"
	UnderInvestigation = "under_investigation"
)

// A Vulnerability is the document's data on one vulnerability.
type Vulnerability struct {
	CVE          string              `json:"cve"`
	IDs          []ID                `json:"ids"` // its identifiers in other systems
	CWE          Weakness            `json:"cwe"`
	CWEs         []Weakness          `json:"cwes"` // version 2.1 of the framework
	Title        string              `json:"title"`
	Released     Time                `json:"release_date"`
	Notes        []Note              `json:"notes"`
	References   []Reference         `json:"references"`
	Products     map[string][]string `json:"product_status"` // IDs of products, by group
	Remediations []Remediation       `json:"remediations"`
	Threats      []Threat            `json:"threats"`
	Flags        []Flag              `json:"flags"`
	Scores       []Score             `json:"scores"`
}

// An ID is an identifier in another system.
type ID struct {
	System string `json:"system_name"`
	Text   string `json:"text"`
}

// A Weakness is a CWE.
type Weakness struct {
	ID   string `json:"id"` // "CWE-79"
	Name string `json:"name"`
}

// A Remediation is an action, or the statement that there is none.
type Remediation struct {
	Category string   `json:"category"` // "vendor_fix", "workaround", "mitigation", "none_available", "no_fix_planned"
	Details  string   `json:"details"`
	URL      string   `json:"url"`
	Date     Time     `json:"date"`
	Products []string `json:"product_ids"`
	Groups   []string `json:"group_ids"` // their products are among Products
}

// A Threat is the impact, or the state of exploitation.
type Threat struct {
	Category string   `json:"category"` // "impact", "exploit_status", "target_set"
	Details  string   `json:"details"`
	Date     Time     `json:"date"`
	Products []string `json:"product_ids"` // none means all
	Groups   []string `json:"group_ids"`   // their products are among Products
}

// A Flag is the reason why products are not affected.
type Flag struct {
	Label    string   `json:"label"` // "vulnerable_code_not_present", "component_not_present", …
	Date     Time     `json:"date"`
	Products []string `json:"product_ids"`
	Groups   []string `json:"group_ids"` // their products are among Products
}

// A Score is the CVSS of products.
type Score struct {
	Products []string `json:"products"`
	V2       Vector   `json:"cvss_v2"`
	V3       Vector   `json:"cvss_v3"`
	V4       Vector   `json:"cvss_v4"`
}

// A Vector is a CVSS vector.
type Vector struct {
	Vector   string `json:"vectorString"`
	Severity string `json:"baseSeverity"`
}

// CVSS returns the scores of a vulnerability without duplicates, the newest
// version first. Invalid vectors are left out.
func (v *Vulnerability) CVSS(source string) (out []assay.CVSS) {
	for _, of := range []func(*Score) string{
		func(s *Score) string { return s.V4.Vector },
		func(s *Score) string { return s.V3.Vector },
		func(s *Score) string { return s.V2.Vector },
	} {
		for i := range v.Scores {
			vector := of(&v.Scores[i])
			if vector == "" {
				continue
			}
			if c, err := cvss.Parse(source, vector); err == nil && !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
	}
	return out
}

// Weaknesses lists the CWEs.
func (v *Vulnerability) Weaknesses() (out []string) {
	for _, w := range append([]Weakness{v.CWE}, v.CWEs...) {
		if id := cve.Weakness(w.ID); id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// Time is a time in the document; zero if it is invalid.
type Time struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(b []byte) error {
	t.Time = cve.Time(strings.Trim(string(b), `"`))
	return nil
}

// The document as encoded.
type document struct {
	Document struct {
		Category  string    `json:"category"`
		Version   string    `json:"csaf_version"`
		Title     string    `json:"title"`
		Publisher Publisher `json:"publisher"`
		Severity  struct {
			Text string `json:"text"`
		} `json:"aggregate_severity"`
		Tracking struct {
			ID      string `json:"id"`
			Status  string `json:"status"`
			Initial Time   `json:"initial_release_date"`
			Current Time   `json:"current_release_date"`
		} `json:"tracking"`
		Notes      []Note      `json:"notes"`
		References []Reference `json:"references"`
	} `json:"document"`
	Tree struct {
		Branches []branch  `json:"branches"`
		Products []product `json:"full_product_names"`
		Groups   []struct {
			ID       string   `json:"group_id"`
			Products []string `json:"product_ids"`
		} `json:"product_groups"`
		Relationships []struct {
			Category string  `json:"category"`
			Product  product `json:"full_product_name"`
			Part     string  `json:"product_reference"`
			Whole    string  `json:"relates_to_product_reference"`
		} `json:"relationships"`
	} `json:"product_tree"`
	Vulnerabilities []Vulnerability `json:"vulnerabilities"`
}

type branch struct {
	Category string   `json:"category"`
	Name     string   `json:"name"`
	Branches []branch `json:"branches"`
	Product  *product `json:"product"`
}

type product struct {
	ID     string `json:"product_id"`
	Name   string `json:"name"`
	Helper struct {
		CPE   string   `json:"cpe"`
		PURL  string   `json:"purl"`
		PURLs []string `json:"purls"`
	} `json:"product_identification_helper"`
}

// Read reads a document. Malformed documents are ErrMalformed; another major
// version of the framework is ErrUnsupported.
func Read(r io.Reader) (*Document, error) {
	b, err := limit.ReadAll(r, maxDocument)
	if err != nil {
		return nil, err
	}
	return Parse(b)
}

// Parse is Read of a document in memory.
func Parse(b []byte) (*Document, error) {
	if len(b) > maxDocument {
		return nil, fmt.Errorf("over %d bytes: %w", maxDocument, assay.ErrTooLarge)
	}
	if n := bytes.Count(b, []byte{'{'}); n > maxObjects {
		return nil, fmt.Errorf("over %d objects: %w", maxObjects, assay.ErrTooLarge)
	}
	var raw document
	if err := json.Unmarshal(b, &raw); err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	h := &raw.Document
	switch {
	case h.Tracking.ID == "":
		return nil, fmt.Errorf("no document.tracking.id: %w", assay.ErrMalformed)
	case h.Version != "" && !strings.HasPrefix(h.Version, "2."):
		return nil, fmt.Errorf("CSAF version %q: %w", h.Version, assay.ErrUnsupported)
	}
	d := &Document{
		ID: h.Tracking.ID, Category: h.Category, Title: h.Title, Publisher: h.Publisher, Severity: h.Severity.Text, Status: h.Tracking.Status,
		Published: h.Tracking.Initial.Time, Modified: h.Tracking.Current.Time, Notes: h.Notes, References: h.References,
		Products: make(map[string]*Product, len(raw.Tree.Relationships)), Vulnerabilities: raw.Vulnerabilities,
	}
	if err := d.branches(raw.Tree.Branches, nil, maxDepth); err != nil {
		return nil, err
	}
	for i := range raw.Tree.Products {
		d.add(&raw.Tree.Products[i], nil)
	}
	for i := range raw.Tree.Relationships {
		d.add(&raw.Tree.Relationships[i].Product, nil)
	}
	for _, r := range raw.Tree.Relationships {
		if p := d.Products[r.Product.ID]; p != nil {
			p.Relation, p.Part, p.Whole = r.Category, d.productByID(r.Part), d.productByID(r.Whole)
		}
	}
	groups := map[string][]string{}
	for _, g := range raw.Tree.Groups {
		groups[g.ID] = append(groups[g.ID], g.Products...)
	}
	budget := maxExpanded
	for i := range d.Vulnerabilities {
		if budget = d.Vulnerabilities[i].expand(groups, budget); budget < 0 {
			return nil, fmt.Errorf("over %d products in groups: %w", maxExpanded, assay.ErrTooLarge)
		}
	}
	return d, nil
}

func (d *Document) branches(all []branch, parent *Branch, depth int) error {
	if depth == 0 {
		return fmt.Errorf("branches nested more than %d levels deep: %w", maxDepth, assay.ErrTooLarge)
	}
	for i := range all {
		b := &all[i]
		node := &Branch{b.Category, b.Name, parent}
		if b.Product != nil {
			d.add(b.Product, node)
		}
		if err := d.branches(b.Branches, node, depth-1); err != nil {
			return err
		}
	}
	return nil
}

// add adds a product; the first one with an ID counts.
func (d *Document) add(p *product, b *Branch) {
	if p.ID == "" || d.Products[p.ID] != nil {
		return
	}
	purl := p.Helper.PURL
	if purl == "" && len(p.Helper.PURLs) > 0 {
		purl = p.Helper.PURLs[0]
	}
	d.Products[p.ID] = &Product{ID: p.ID, Name: p.Name, CPE: p.Helper.CPE, PURL: purl, Branch: b}
}

// productByID is the product with an ID, or a product with nothing but the ID.
func (d *Document) productByID(id string) *Product {
	if p := d.Products[id]; p != nil {
		return p
	}
	return &Product{ID: id, Name: id}
}

// expand adds the products of groups to those that are named one by one, at most
// budget of them; it returns the rest of the budget.
func (v *Vulnerability) expand(groups map[string][]string, budget int) int {
	add := func(to *[]string, ids []string) {
		for _, id := range ids {
			if budget -= len(groups[id]); budget < 0 {
				return
			}
			*to = append(*to, groups[id]...)
		}
	}
	for i := range v.Remediations {
		add(&v.Remediations[i].Products, v.Remediations[i].Groups)
	}
	for i := range v.Threats {
		add(&v.Threats[i].Products, v.Threats[i].Groups)
	}
	for i := range v.Flags {
		add(&v.Flags[i].Products, v.Flags[i].Groups)
	}
	return budget
}

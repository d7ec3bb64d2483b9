// Package vexhub reads what makers of software say of vulnerabilities in what
// they ship: the VEX repositories of Aqua Security and SUSE Rancher, and
// Chainguard's documents on its rebuilt libraries.
//
// A VEX repository is an archive with an index of documents by product, found
// through a manifest: https://github.com/aquasecurity/vex-repo-spec (0.1). As
// the specification asks, documents that the index does not name do not count;
// nor do statements on other products than the index names a document for, for
// hubs collect documents of third parties. Chainguard has a list of documents
// by time of change: https://libraries.cgr.dev/openvex/v1/all.json.
//
// All is in the stream Stream, under the product's package URL without version,
// qualifiers and subpath (of images the repository stays), as vex.PURL's Name
// writes it. Qualifiers.Imports name the subcomponents that are meant, by
// package URL patterns; none means all of the product. Modified is the time of
// the statement: of several on the same, the latest counts. Not taken: products
// without package URL, and those narrowed by qualifiers but the architecture.
package vexhub

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/suppress/vex"
)

// Stream is the namespace of products by package URL.
const Stream = assay.StreamVEX

// A Repository is a VEX repository.
type Repository struct {
	Manifest string // URL of vex-repository.json
	Page     string // URL below which a person finds the documents; "" means in the archive

	// For where not all is mirrored: an archive, "URL//FOLDER", where the
	// manifest is not there or nothing that it names, and an index, where the
	// archive has none. "" means none.
	Archive, Index string
}

// Aqua and Rancher are the repositories known.
var (
	Aqua = Repository{
		Manifest: "https://github.com/aquasecurity/vexhub/raw/main/vex-repository.json",
		Page:     "https://github.com/aquasecurity/vexhub/blob/main/",
		Archive:  "https://github.com/aquasecurity/vexhub/archive/refs/heads/main.zip//vexhub-main",
	}
	Rancher = Repository{
		Manifest: "https://github.com/rancher/vexhub/raw/main/vex-repository.json",
		Page:     "https://github.com/rancher/vexhub/blob/main/",
		Archive:  "https://github.com/rancher/vexhub/archive/refs/heads/main.zip//vexhub-main",
		Index:    "https://raw.githubusercontent.com/rancher/vexhub/main/index.json",
	}
)

// Feed reads the repositories and Chainguard's documents. A record is one
// statement.
type Feed struct {
	Repositories []Repository // nil means Aqua, Rancher and Chainguard's documents
}

// Name is "vexhub".
func (Feed) Name() string { return "vexhub" }

// Streams is Stream.
func (Feed) Streams() []assay.Stream { return []assay.Stream{Stream} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	e := &emitter{g, s, f.Name()}
	repositories := f.Repositories
	if repositories == nil {
		repositories = []Repository{Aqua, Rancher}
	}
	for _, r := range repositories {
		if err := e.repository(ctx, r); err != nil {
			return err
		}
	}
	if f.Repositories == nil {
		return e.chainguard(ctx)
	}
	return nil
}

// An emitter hands statements over.
type emitter struct {
	g    assay.Getter
	s    assay.Sink
	feed string
}

// document hands over what a document says of the products that are named; nil
// names all. Path is how the skipped are called, url where it is to be found.
func (e *emitter) document(path, url string, d *vex.Document, faults []vex.ParseError, named map[string]bool) error {
	for _, f := range faults {
		e.s.Skip(path+": "+f.Where, f.Why)
	}
	for i := range d.Statements {
		st := &d.Statements[i]
		id := path + ": " + st.Vulnerability
		if len(st.Products) == 0 {
			e.s.Skip(id, "no product")
		}
		var affected []assay.Affected
		for j := range st.Products {
			a, why := product(st, &st.Products[j], named)
			if why != "" {
				e.s.Skip(id, why)
				continue
			}
			affected = append(affected, a)
		}
		if len(affected) == 0 {
			continue
		}
		if err := e.s.Advisory(assay.Advisory{
			ID: st.Vulnerability, Aliases: st.Aliases, Feed: e.feed, Text: st.Impact, URL: url,
			Published: d.Timestamp, Modified: st.Timestamp, Affected: affected,
		}); err != nil {
			return err
		}
	}
	return nil
}

// product is what a statement says of a product, or why that is not taken.
func product(st *vex.Statement, p *vex.Product, named map[string]bool) (assay.Affected, string) {
	u, err := vex.ParsePURL(p.PURL)
	if err != nil {
		return assay.Affected{}, "product without package URL"
	}
	a := assay.Affected{Stream: Stream, Name: u.Name(), Status: st.Status, Reason: st.Justification}
	if named != nil && !named[a.Name] {
		return a, "product that the index does not name"
	}
	q := u.Qualifiers()
	if arch := q["arch"]; arch != "" {
		a.Qualifiers.Arches = []string{arch}
		delete(q, "arch")
	}
	if len(q) > 0 {
		return a, "product with qualifiers"
	}
	if v := u.Version(); v != "" {
		a.Versions = []string{v}
	} else {
		a.Ranges = []assay.Range{{}}
	}
	for _, s := range p.Subcomponents {
		if _, err := vex.ParsePURL(s); err == nil {
			a.Qualifiers.Imports = append(a.Qualifiers.Imports, assay.Import{Path: s})
		}
	}
	if len(p.Subcomponents) > 0 && a.Qualifiers.Imports == nil {
		return a, "subcomponent without package URL"
	}
	return a, ""
}

// malformed names the place of what is not as it must be.
func malformed(place, what string, args ...any) error {
	return fmt.Errorf("%s: "+what+": %w", slices.Concat([]any{place}, args, []any{assay.ErrMalformed})...)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

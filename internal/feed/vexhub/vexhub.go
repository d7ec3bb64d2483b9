// Package vexhub reads VEX statements of software publishers about their
// products: the VEX repositories of Aqua Security and SUSE Rancher, and
// Chainguard's documents on its rebuilt libraries.
//
// A VEX repository is an archive with an index of documents by product, found
// through a manifest: https://github.com/aquasecurity/vex-repo-spec (0.1). As
// the specification asks, documents outside the index are ignored, and so are
// statements about products that the index does not assign to the document,
// because hubs collect third-party documents. Chainguard has a list of documents
// by time of change: https://libraries.cgr.dev/openvex/v1/all.json.
//
// All statements are in the stream Stream, under the product's package URL
// without version, qualifiers and subpath (images keep their repository), as
// vex.PURL's Name writes it. Qualifiers.Imports are the package URL patterns of
// the affected subcomponents; none means the whole product. Modified is the time
// of the statement: the latest statement counts. Products without package URL
// are left out, and so are those with qualifiers other than the architecture.
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
	Page     string // URL below which people find the documents; "" means in the archive

	// For incomplete mirrors. Archive, "URL//DIRECTORY", is used if the manifest
	// or everything in it is missing. Index is used if the archive has no index.
	// "" means none.
	Archive, Index string
}

// Aqua and Rancher are the known repositories.
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

// document hands over a document's statements about the named products; nil
// names all. Path names the document in skipped records, url is its location.
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

// product converts a statement about a product; the string is the reason if it
// cannot be used.
func product(st *vex.Statement, p *vex.Product, named map[string]bool) (assay.Affected, string) {
	u, err := vex.ParsePURL(p.PURL)
	if err != nil {
		return assay.Affected{}, "product without package URL"
	}
	a := assay.Affected{Stream: Stream, Name: u.Name(), Status: st.Status, Reason: st.Justification}
	if named != nil && !named[a.Name] {
		return a, "product not in the index"
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

// malformed returns an ErrMalformed that names the place and the defect.
func malformed(place, what string, args ...any) error {
	return fmt.Errorf("%s: "+what+": %w", slices.Concat([]any{place}, args, []any{assay.ErrMalformed})...)
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Package redhat reads Red Hat's data on vulnerabilities in its products.
//
// https://security.access.redhat.com/data/csaf/v2/vex/ has a CSAF VEX document
// for each CVE
// (https://www.redhat.com/en/blog/csaf-vex-documents-now-generally-available):
// an archive of all, rebuilt every few days, the single documents, and lists of
// what changed and what was deleted. repository-to-cpe.json maps repositories
// (the content sets that images name) to products. The documents cover every
// release that ever was, so the older OVAL documents add nothing.
//
// Not used: container images, files and other products that are not rpm
// packages; products in no repository (JBoss as a zip, hardened images), because
// images cannot show that they have them; packages of debug symbols; source
// packages beside the binary packages of a fix; and descriptions, which are long
// and repeat those of the CVE.
package redhat

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/record/document"
)

// The documents. The repositories are at one of two URLs.
const (
	Directory       = "https://security.access.redhat.com/data/csaf/v2/vex/"
	Latest          = Directory + "archive_latest.txt" // the name of the archive
	Changes         = Directory + "changes.csv"
	Deletions       = Directory + "deletions.csv"
	Repositories    = "https://security.access.redhat.com/data/metrics/repository-to-cpe.json"
	RepositoriesNew = "https://security.access.redhat.com/data/meta/v1/repository-to-cpe.json"
)

// StreamRepositories has content sets, not vulnerabilities. The ID of an
// advisory and its package name are a content set; Qualifiers.CPEs are the
// products in it.
const StreamRepositories = assay.StreamRHELCPE

// Feed reads the archive. An advisory is one CVE and one erratum; its ID is the
// CVE. Open and not affected vulnerabilities have no erratum, so their advisory
// has no VendorIDs. Packages are binary packages, in the stream of their release
// of Red Hat Enterprise Linux. Packages of a layered product for several
// releases are in each stream.
//
// Qualifiers.CPEs are the products: "cpe:/o:redhat:enterprise_linux:9::baseos",
// "cpe:/a:redhat:rhel_eus:9.2::appstream", or "cpe:/o:redhat:enterprise_linux:8"
// for all repositories of a release. A CPE covers each CPE that begins with it,
// up to a colon or a point. CPEs of the main channel have no minor release
// ("enterprise_linux:10.1"), because its repositories continue from one minor
// release to the next.
//
// A row whose Qualifiers.Arches are only "src" names a source package and covers
// everything built from it. Until 2024 open vulnerabilities named only source
// packages. Such rows cover all versions.
type Feed struct{}

// Name is "redhat".
func (Feed) Name() string { return "redhat" }

// Streams is "rhel:*" ("rhel:9") and StreamRepositories.
func (Feed) Streams() []assay.Stream { return []assay.Stream{"rhel:*", StreamRepositories} }

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	wants := func(p assay.Stream) bool {
		return wanted == nil || slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(p) || p.Covers(w) })
	}
	e := &emitter{wanted: wanted, s: s, releases: map[string][]string{}}
	if err := e.repositories(ctx, g, wants(StreamRepositories)); err != nil {
		return err
	}
	if !wants("rhel:*") {
		return nil
	}
	return e.documents(ctx, g)
}

// An emitter hands records to s.
type emitter struct {
	wanted   []assay.Stream
	s        assay.Sink
	products []string            // CPEs of repositories that name a release
	releases map[string][]string // releases of products, a cache
}

// maxRepository bounds a content set; the longest has 4 kB.
const maxRepository = 1 << 20

// repositories reads which products each repository contains, and hands that
// over if wanted.
func (e *emitter) repositories(ctx context.Context, g assay.Getter, wanted bool) error {
	read := func(d *jsonstream.Decoder) (bool, error) { return e.readRepositories(d, wanted) }
	err := document.JSON(ctx, g, Repositories, maxRepository, read)
	if errors.Is(err, assay.ErrNotFound) {
		if second := document.JSON(ctx, g, RepositoriesNew, maxRepository, read); !errors.Is(second, assay.ErrNotFound) {
			return second
		}
	}
	return err
}

func (e *emitter) readRepositories(d *jsonstream.Decoder, wanted bool) (found bool, err error) {
	set := func(name string) error {
		var v struct {
			CPEs []string `json:"cpes"`
		}
		ok, err := d.Value(&v)
		if err != nil {
			return err
		}
		for i, c := range v.CPEs {
			if ok = ok && strings.HasPrefix(c, "cpe:/"); ok {
				v.CPEs[i] = channel(c)
				e.products = append(e.products, v.CPEs[i])
			}
		}
		found = found || ok
		switch {
		case !wanted:
			return nil
		case !ok || name == "":
			e.s.Skip(name, "malformed content set")
			return nil
		case len(v.CPEs) == 0:
			e.s.Skip(name, "content set without products")
			return nil
		}
		return e.s.Advisory(assay.Advisory{ID: name, Feed: "redhat", Affected: []assay.Affected{{
			Stream: StreamRepositories, Name: name, Status: assay.StatusUnknown, Ranges: []assay.Range{{}}, Qualifiers: assay.Qualifiers{CPEs: v.CPEs},
		}}})
	}
	err = d.Object(func(key string) error {
		if key != "data" {
			return d.Skip()
		}
		return d.Object(set)
	})
	slices.Sort(e.products)
	e.products = slices.Compact(e.products)
	return found, err
}

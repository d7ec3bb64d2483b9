// Package redhat reads what Red Hat says of vulnerabilities in its products.
//
// https://security.access.redhat.com/data/csaf/v2/vex/ has a CSAF VEX document
// for each CVE (https://www.redhat.com/en/blog/csaf-vex-documents-now-generally-available):
// all of them in an archive that is made anew every few days, and one by one,
// with lists of what changed and what was deleted since. Which repositories, by
// the content sets that images name, hold which products is in
// repository-to-cpe.json. They speak of every release that ever was, so that
// the older OVAL documents add nothing.
//
// Not taken: container images, files and other things that are no rpm
// packages; products that no repository holds, for no image can be told to have
// them (JBoss as a zip, hardened images); packages of debugging symbols, and
// the source packages beside the binary ones of a fix; descriptions, which are
// long, and repeat those of the CVE.
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

// The documents. The repositories are at either place.
const (
	Folder          = "https://security.access.redhat.com/data/csaf/v2/vex/"
	Latest          = Folder + "archive_latest.txt" // the name of the archive
	Changes         = Folder + "changes.csv"
	Deletions       = Folder + "deletions.csv"
	Repositories    = "https://security.access.redhat.com/data/metrics/repository-to-cpe.json"
	RepositoriesNew = "https://security.access.redhat.com/data/meta/v1/repository-to-cpe.json"
)

// StreamRepositories holds content sets, not vulnerabilities: an advisory's ID
// and the name in it are a content set, its Qualifiers.CPEs the products that
// are in it.
const StreamRepositories = assay.StreamRHELCPE

// Feed reads the archive. An advisory is one CVE and one erratum, its ID the
// CVE; what has no erratum, being open or not affected, is an advisory without
// VendorIDs. Packages are binary ones, by stream of the release of Red Hat
// Enterprise Linux; those of a layered product, which may be on several
// releases, are in each.
//
// Qualifiers.CPEs are the products meant: "cpe:/o:redhat:enterprise_linux:9::baseos",
// "cpe:/a:redhat:rhel_eus:9.2::appstream", "cpe:/o:redhat:enterprise_linux:8"
// where all of a release's repositories are. One covers each CPE that it is the
// beginning of, up to a colon or a point. The minor release is left out of the
// main channel's ("enterprise_linux:10.1"), for its repositories go on from one
// to the next.
//
// A row whose Qualifiers.Arches are "src" and nothing else names a source
// package: it is meant for all that was built of it. Up to 2024 open
// vulnerabilities were told of source packages only. Such rows speak of all
// versions.
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
	products []string            // CPEs that repositories hold and that name a release
	releases map[string][]string // of products, found so far
}

// maxRepository bounds a content set; the longest has 4 kB.
const maxRepository = 1 << 20

// repositories reads which products are where, and hands that over if wanted.
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

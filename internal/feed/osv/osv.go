// Package osv reads the Open Source Vulnerability database. It collects
// advisories from other databases about language packages, and about a few
// distributions that publish nowhere else.
//
// Its bucket has a directory for each ecosystem: all.zip with one record in each
// member, the records as ID.json, and modified_id.csv with lines "TIME,ID",
// newest first. https://google.github.io/osv.dev/data/
//
// Some records are not read: distributions whose own data other feeds read;
// Bitnami, Julia and Root, whose records the feeds bitnami, julia and rootio
// read from the same bucket; and Android, OSS-Fuzz and GIT, which name no
// packages of images.
package osv

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/zipdoc"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/record/osv"
)

// Bucket has a directory for each ecosystem.
const Bucket = "https://osv-vulnerabilities.storage.googleapis.com/"

const (
	maxChanged = 100       // records fetched one by one instead of the archive: some 10 s
	maxIndex   = 256 << 20 // bytes of modified_id.csv; npm's has 12 MB (2026)
	maxRecord  = 32 << 20  // as in package zipdoc
)

// A directory belongs to one ecosystem.
type directory struct {
	name   string       // in OSV's spelling
	stream assay.Stream // stream of its packages, or of all packages of a distribution
}

var directories = []directory{
	{"CRAN", "cran"}, {"GHC", "ghc"}, {"GitHub Actions", "github-actions"}, {"Go", "go"}, {"Hackage", "hackage"}, {"Hex", "hex"}, {"Linux", "linux"},
	{"Maven", "maven"}, {"NuGet", "nuget"}, {"Packagist", "packagist"}, {"Pub", "pub"}, {"PyPI", "pypi"}, {"RubyGems", "rubygems"}, {"SwiftURL", "swift"},
	{"VSCode", "vscode"}, {"crates.io", "crates.io"}, {"npm", "npm"}, {"opam", "opam"},
	{"Alpaquita", "alpaquita:*"}, {"BellSoft Hardened Containers", "bellsoft-hardened-containers:*"}, {"Mageia", "mageia:*"},
}

// Feed reads the archives. A record about several ecosystems is in the archive
// of each. From each archive only the part about its ecosystem is used, so the
// record is handed over once for each ecosystem.
//
// Advisories of registries keep their identifiers. Those of distributions are
// handed over once for each CVE, with the CVE as ID.
type Feed struct{}

// Name is "osv".
func (Feed) Name() string { return "osv" }

// Streams lists the registries, and "alpaquita:*" ("alpaquita:23",
// "alpaquita:stream"), "bellsoft-hardened-containers:*" and "mageia:*".
func (Feed) Streams() []assay.Stream {
	var all []assay.Stream
	for _, f := range directories {
		all = append(all, f.stream)
	}
	return all
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	want := osv.Wants(wanted, f.Streams())
	for _, d := range directories {
		if wanted != nil && !want(d.stream) && !slices.ContainsFunc(wanted, d.stream.Covers) {
			continue
		}
		p := osv.Publisher{Feed: f.Name(), Place: d.placeOf, Wanted: want}
		if err := d.fetch(ctx, g, p, s); err != nil {
			return err
		}
	}
	return nil
}

func (d directory) url(file string) string { return Bucket + url.PathEscape(d.name) + "/" + file }

// placeOf finds the packages of this ecosystem only.
func (d directory) placeOf(ecosystem, name string) (osv.Place, bool) {
	eco, release := osv.Ecosystem(ecosystem)
	family, distribution := strings.CutSuffix(string(d.stream), ":*")
	switch {
	case eco != d.name:
		return osv.Place{}, false
	case !distribution:
		return osv.OfLanguage(ecosystem, name)
	}
	scheme := "apk"
	if family == "mageia" {
		scheme = "rpm"
	}
	return osv.Place{Stream: assay.Stream(family + ":" + release), Name: name, Scheme: scheme}, release != ""
}

// emit hands over a record.
func (d directory) emit(p osv.Publisher, r *osv.Record, s assay.Sink) error {
	if !strings.HasSuffix(string(d.stream), ":*") {
		return p.Emit(r, s)
	}
	a, why := p.Advisory(r)
	if why != "" {
		s.Skip(r.ID, why)
		return nil
	}
	if len(a.Affected) == 0 {
		return nil
	}
	ids := cve.Set(slices.DeleteFunc(slices.Concat(r.Upstream, r.Aliases, r.Related), func(id string) bool { return !cve.Valid(id) }))
	if len(ids) == 0 {
		return s.Advisory(a)
	}
	a.VendorIDs, a.Aliases = []string{r.ID}, nil
	for _, id := range ids {
		a.ID = id
		if err := s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

// fetch returns the cached archive and the records that changed after it, if
// these are few; else today's archive.
func (d directory) fetch(ctx context.Context, g assay.Getter, p osv.Publisher, s assay.Sink) error {
	if k, ok := g.(assay.Keeper); ok {
		c, version, err := d.changes(ctx, k)
		switch {
		case err != nil:
			return err
		case c != nil:
			return c.replay(ctx, k, p, s)
		default: // the list of records alone decides whether there is a new archive
			g = document.OfVersion(k, version)
		}
	}
	return osv.Walk(ctx, g, d.url("all.zip"), osv.IsRecord, s, func(_ string, r *osv.Record) error { return d.emit(p, r, s) })
}

// changes is the difference between an archive and the records in the bucket.
type changes struct {
	directory
	now     map[string]time.Time // the records in the bucket
	changed map[string]bool      // records that are missing or older in the archive
}

// changes compares the cached archive with the bucket's list; nil if there is no
// cached archive or too much differs. Version identifies the state of the list;
// "" without a list.
func (d directory) changes(ctx context.Context, k assay.Keeper) (_ *changes, version string, err error) {
	list, err := k.Get(ctx, d.url("modified_id.csv"))
	if errors.Is(err, assay.ErrNotFound) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	defer list.Close()
	c := &changes{directory: d, changed: map[string]bool{}}
	h := sha256.New()
	if c.now, err = parseList(io.TeeReader(list, h)); err != nil {
		return nil, "", fmt.Errorf("%s: %w", d.url("modified_id.csv"), err)
	}
	version = hex.EncodeToString(h.Sum(nil))
	cached, err := k.Cached(ctx, d.url("all.zip"))
	if errors.Is(err, assay.ErrNotFound) {
		return nil, version, nil
	}
	if err != nil {
		return nil, "", err
	}
	defer cached.Close()
	for id := range c.now {
		c.changed[id] = true
	}
	err = zipdoc.Walk(ctx, cached, osv.IsRecord, func(_ string, b []byte, err error) error {
		if err != nil {
			return nil // treat it as missing
		}
		if r, err := osv.Parse(b); err == nil && r.Modified.Equal(c.now[r.ID]) {
			delete(c.changed, r.ID)
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil, "", ctx.Err()
	}
	if err != nil || len(c.changed) > maxChanged {
		return nil, version, nil // fetch it again
	}
	return c, version, nil
}

// parseList reads modified_id.csv.
func parseList(r io.Reader) (map[string]time.Time, error) {
	now := map[string]time.Time{}
	lines := bufio.NewScanner(limit.Reader(r, maxIndex))
	for lines.Scan() {
		when, id, ok := strings.Cut(strings.TrimSpace(lines.Text()), ",")
		t, err := time.Parse(time.RFC3339, when) // records without a date have the year 1
		if !ok || err != nil || id == "" || strings.ContainsAny(id, "/\\") {
			return nil, fmt.Errorf("%.80q is not a time and an identifier: %w", lines.Text(), assay.ErrMalformed)
		}
		now[id] = t
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(now) == 0 {
		return nil, fmt.Errorf("contains no records: %w", assay.ErrMalformed)
	}
	return now, nil
}

// replay hands over the archive's records except those that are no longer listed
// or have a newer version, then the new and changed records. If a changed record
// cannot be fetched, the archive's version stays.
func (c *changes) replay(ctx context.Context, k assay.Keeper, p osv.Publisher, s assay.Sink) error {
	came := map[string]*osv.Record{}
	for _, id := range slices.Sorted(maps.Keys(c.changed)) {
		r, why, err := c.single(ctx, k, id)
		switch {
		case err != nil:
			return err
		case why != "":
			s.Skip(id, why)
		default:
			came[id] = r
		}
	}
	cached, err := k.Cached(ctx, c.url("all.zip"))
	if err != nil {
		return err
	}
	defer cached.Close()
	err = zipdoc.Walk(ctx, cached, osv.IsRecord, func(name string, b []byte, err error) error {
		if err != nil {
			return nil
		}
		r, err := osv.Parse(b)
		if err != nil || came[r.ID] != nil {
			return nil
		}
		if _, listed := c.now[r.ID]; !listed {
			s.Skip(r.ID, "no longer listed")
			return nil
		}
		return c.emit(p, r, s)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", c.url("all.zip"), err)
	}
	for _, id := range slices.Sorted(maps.Keys(came)) {
		if err := c.emit(p, came[id], s); err != nil {
			return err
		}
	}
	return nil
}

// single fetches one record; why is the reason if it cannot be used.
func (c *changes) single(ctx context.Context, k assay.Keeper, id string) (_ *osv.Record, why string, _ error) {
	at := c.url(url.PathEscape(id) + ".json")
	body, err := k.GetVersion(ctx, at, c.now[id].Format(time.RFC3339Nano))
	if errors.Is(err, assay.ErrNotFound) {
		return nil, "listed but missing", nil
	}
	if err != nil {
		return nil, "", err
	}
	defer body.Close()
	b, err := limit.ReadAll(body, maxRecord)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", at, err)
	}
	r, err := osv.Parse(b)
	if err != nil || r.ID != id {
		return nil, "malformed record", nil
	}
	return r, "", nil
}

package feed_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/database/fetch"
	"github.com/assaysec/assay/internal/feed"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func getter(t testing.TB, mirror string) *fetch.Fetcher {
	t.Helper()
	g, err := fetch.New(fetch.Options{Mirror: mirror, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// build makes a database of the wanted streams, or all, in a new directory.
func build(t testing.TB, g assay.Getter, wanted ...assay.Stream) (dir string, _ *db.DB) {
	t.Helper()
	dir = t.TempDir()
	b := db.Builder{Partial: true}
	res, err := b.Update(context.Background(), dir, feed.All(), g, wanted)
	if err != nil || len(res.Built) == 0 {
		t.Fatalf("%+v, %v", res, err)
	}
	d, err := db.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return dir, d
}

// TestMirrors builds a database from a directory and from a server of the same
// documents: they are equal to the byte.
func TestMirrors(t *testing.T) {
	path := corpus.Path(t, "feeds")
	wanted := []assay.Stream{"alpine:3.20", "debian:11", "details:2021", "epss", "kev", "npm", "wolfi"}
	_, byFolder := build(t, getter(t, path), wanted...)
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		http.FileServer(http.Dir(path)).ServeHTTP(w, r)
	}))
	defer server.Close()
	documents := t.TempDir()
	open := func() assay.Getter {
		g, err := fetch.New(fetch.Options{Mirror: server.URL, Dir: documents})
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	dir, byServer := build(t, open(), wanted...)
	digests := map[assay.Stream]string{}
	for _, s := range byFolder.Shards() {
		digests[s.Stream] = s.Digest
	}
	for _, s := range byServer.Shards() {
		if s.Digest != digests[s.Stream] {
			t.Errorf("%s: %s from the folder, %s from the server", s.Stream, digests[s.Stream], s.Digest)
		}
	}
	for _, s := range byFolder.Shards() {
		for _, f := range s.Feeds {
			n := f.Kept
			for _, skipped := range f.Skipped {
				n += skipped
			}
			if f.Read != n || f.Error != "" {
				t.Errorf("%s: %+v: read is not kept and skipped, or an error", s.Stream, f)
			}
		}
	}
	if err := byServer.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	requests.Store(0)
	res, err := (&db.Builder{Partial: true}).Update(t.Context(), dir, feed.All(), open(), wanted)
	if n := len(byServer.Shards()); n != len(wanted) {
		t.Errorf("%d shards, want %d", n, len(wanted))
	}
	if err != nil || len(res.Built) != 0 || len(res.Unchanged) != len(byServer.Shards()) {
		t.Errorf("second update: %+v, %v: want nothing built", res, err)
	}
	if requests.Load() == 0 {
		t.Error("the second update asked nobody")
	}
}

// TestRoundTrip reads back every record that the feeds give, and holds what they
// left out against the reasons that there may be.
func TestRoundTrip(t *testing.T) {
	path := corpus.Path(t, "feeds")
	dir := t.TempDir()
	b := db.Builder{Partial: true}
	if res, err := b.Update(t.Context(), dir, feed.All(), getter(t, path), nil); len(res.Built) < 150 {
		t.Fatalf("%+v, %v", res, err)
	}
	d, err := db.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var lacking []string
	for _, f := range feed.All() {
		var r contract.Records
		err := f.Fetch(t.Context(), getter(t, path), nil, &r)
		switch {
		case errors.Is(err, assay.ErrNotFound):
			lacking = append(lacking, f.Name())
			continue
		case f.Name() == "fedora" && err != nil && strings.Contains(err.Error(), "its sha256 is"):
			continue // the sample was edited, and its index not; the feed's own test reads it
		case err != nil:
			t.Errorf("%s: %v", f.Name(), err)
			continue
		}
		counts(t, f.Name(), &r)
		advisories(t, d, f.Name(), &r)
		details(t, d, &r)
	}
	// The samples of these are not where their publishers have them; their own
	// tests read them.
	if want := []string{"amazon", "bottlerocket", "gentoo", "secureos", "glad", "pysec", "r"}; !slices.Equal(lacking, want) {
		t.Errorf("no documents for %v, want none for %v", lacking, want)
	}
	// The -modified file is newer for one and older for the other.
	if got, err := d.Detail(t.Context(), "CVE-2021-3002"); err != nil || got.Text != "UPDATED BY MODIFIED FEED - this should overwrite the year feed data." {
		t.Errorf("%q, %v", got.Text, err)
	}
	if got, err := d.Detail(t.Context(), "CVE-2021-23814"); err != nil || got.Text[:12] != "This affects" {
		t.Errorf("%q, %v", got.Text, err)
	}
	if _, err := d.Detail(t.Context(), "CVE-2010-9999"); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("%v, want %v", err, assay.ErrNotFound)
	}
}

// explained lists the reasons for which feeds leave out what the shared
// documents hold. docs/feeds.md tells users of each.
var explained = map[string][]string{
	"almalinux":  {"bug fix erratum", "enhancement erratum"},
	"azurelinux": {"not applicable"},
	"cpan":       {"no version is affected"},
	"debian":     {"notice without CVE", "notice without package"},
	"ghsa":       {"unreviewed and without a package"},
	"govulndb":   {"withdrawn"},
	"fedora":     {"not a security update"},
	"julia":      {"withdrawn"},
	"nvd":        {"replaced by a newer record in another file", "year not published"},
	"openeuler":  {"listed but missing"},
	"osv":        {"no package of a known ecosystem", "no versions that can be compared", "withdrawn"},
	"photon":     {"no CVE"},
	"redhat":     {"withdrawn"},
	"retirejs":   {"library without an npm name", "no identifier"},
	"rocky":      {"no package with a fixed version"},
	"rubysec":    {"no version is affected"},
	"rustsec":    {"about the toolchain, not a crate", "withdrawn"},
	"suse":       {"no package of a known product"},
	"ubuntu":     {"no CVE", "live patch notice", "notice about the running kernel", "notice without CVE", "package not in the release", "product other than a release", "unknown release name", "released without a version", "unknown source package"},
	"vexhub":     {"document not in the archive", "document missing", "document not in the index", "product not in the index"},
}

// counts logs what a feed gave and left out; a reason that nobody explained is
// an error.
func counts(t *testing.T, name string, r *contract.Records) {
	t.Helper()
	skipped := 0
	for why, ids := range r.Skipped {
		skipped += len(ids)
		if !slices.Contains(explained[name], why) {
			t.Errorf("%s: %d skipped without explanation: %s (%s …)", name, len(ids), why, ids[0])
		}
	}
	t.Logf("%-14s read %7d kept %7d skipped %7d", name, r.Kept()+skipped, r.Kept(), skipped)
	if r.Kept() == 0 && name != "fedora" { // of which the sample is one update that is none of security
		t.Errorf("%s: nothing kept", name)
	}
}

// advisories looks up all that a feed gave.
func advisories(t *testing.T, d *db.DB, name string, r *contract.Records) {
	t.Helper()
	type key struct {
		stream assay.Stream
		name   string
	}
	want := map[key][]assay.Advisory{}
	for _, a := range r.Advisories {
		parts := map[key][]assay.Affected{}
		for _, p := range a.Affected {
			k := key{p.Stream, p.Name}
			parts[k] = append(parts[k], p)
		}
		a.Feed = name
		nothing(reflect.ValueOf(&a).Elem())
		for k, p := range parts {
			for i := range p {
				nothing(reflect.ValueOf(&p[i]).Elem())
			}
			a.Affected = p
			want[k] = append(want[k], a)
		}
	}
	order := func(a, b assay.Advisory) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), slices.Compare(a.VendorIDs, b.VendorIDs), cmp.Compare(fixed(a), fixed(b)))
	}
	bad := 0
	for k, as := range want {
		var got []assay.Advisory
		for a, err := range d.Lookup(t.Context(), k.stream, k.name) {
			if err != nil {
				t.Fatal(err)
			}
			if a.Feed == name {
				got = append(got, a)
			}
		}
		slices.SortStableFunc(as, order)
		slices.SortStableFunc(got, order)
		as = slices.CompactFunc(as, func(a, b assay.Advisory) bool { return reflect.DeepEqual(a, b) })
		if !reflect.DeepEqual(as, got) { // several of one order
			byText := func(a, b assay.Advisory) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
			slices.SortFunc(as, byText)
			slices.SortFunc(got, byText)
			as = slices.CompactFunc(as, func(a, b assay.Advisory) bool { return reflect.DeepEqual(a, b) })
		}
		if !reflect.DeepEqual(as, got) && bad < 3 {
			bad++
			t.Errorf("%s: %s %s:\n%s", name, k.stream, k.name, gocmp.Diff(as, got))
		}
	}
}

// details looks for every part that a feed gave.
func details(t *testing.T, d *db.DB, r *contract.Records) {
	t.Helper()
	for _, p := range r.Details {
		got, err := d.Detail(t.Context(), p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if p.KEV != nil && !gocmp.Equal(p.KEV, got.KEV) || p.EPSS != nil && !gocmp.Equal(p.EPSS, got.EPSS) || p.Text != "" && got.Text == "" || len(got.CVSS) < len(p.CVSS) {
			t.Errorf("%s: got %+v, want %+v in it", p.ID, got, p)
		}
	}
}

// nothing makes empty lists nil, as the database gives them.
func nothing(v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.Slice && f.Len() == 0:
			f.SetZero()
		case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[time.Time]():
			nothing(f)
		case f.Type() == reflect.TypeFor[[]assay.Import]():
			for j := range f.Len() {
				nothing(f.Index(j))
			}
		}
	}
}

func fixed(a assay.Advisory) (s string) {
	for _, r := range a.Affected[0].Ranges {
		s += r.Fixed + " " + r.LastAffected + " "
	}
	return s
}

func BenchmarkBuild(b *testing.B) {
	g := getter(b, corpus.Path(b, "feeds"))
	for b.Loop() {
		build(b, g)
	}
}

// BenchmarkLookups opens a database and asks about 500 packages and their first
// vulnerabilities.
func BenchmarkLookups(b *testing.B) {
	dir, d := build(b, getter(b, corpus.Path(b, "feeds")))
	var names []string
	for n, err := range d.Names(b.Context(), "almalinux:9") {
		if err != nil {
			b.Fatal(err)
		}
		if names = append(names, n); len(names) == 500 {
			break
		}
	}
	for b.Loop() {
		d, err := db.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		for _, n := range names {
			for _, err := range d.Lookup(b.Context(), "almalinux:9", n) {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
		d.Close()
	}
}

func TestMainFeed(t *testing.T) {
	for stream, want := range map[assay.Stream]string{"npm": "osv", "maven": "osv", "cpan": "cpan", "conan": "glad", "ruby": "rubysec", "debian:12": "debian",
		"rhel:9": "redhat", "mageia:9": "osv", "unheard-of": ""} {
		if got := feed.Main(stream); got != want {
			t.Errorf("%s: %q, want %q", stream, got, want)
		}
	}
	for _, s := range feed.All() {
		for _, stream := range s.Streams() {
			if assay.UseOf(s) == assay.UseAlways && feed.Main(stream) == "" {
				t.Errorf("%s has no main feed", stream)
			}
		}
	}
	for _, tt := range []struct {
		stream assay.Stream
		feeds  []string
		want   string
	}{
		{"npm", []string{"osv", "retirejs"}, ""},
		{"npm", []string{"retirejs"}, "osv"},
		{"npm", []string{"glad", "ghsa"}, "osv"},
		{"npm", []string{"trivy-db"}, ""},
		{"debian:12", []string{"debian-changelogs"}, ""},
		{"unheard-of", []string{"osv"}, ""},
	} {
		shard := assay.Shard{Stream: tt.stream}
		for _, f := range tt.feeds {
			shard.Feeds = append(shard.Feeds, assay.FeedStatus{Feed: f})
		}
		if got := feed.MissingMain(&shard); got != tt.want {
			t.Errorf("%s of %v: %q, want %q", tt.stream, tt.feeds, got, tt.want)
		}
	}
}

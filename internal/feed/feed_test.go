package feed_test

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/contract"
	"github.com/assaysec/assay/internal/corpus"
	"github.com/assaysec/assay/internal/db"
	"github.com/assaysec/assay/internal/feed"
	"github.com/assaysec/assay/internal/fetch"
)

func getter(t testing.TB, mirror string) *fetch.Fetcher {
	t.Helper()
	g, err := fetch.New(fetch.Options{Mirror: mirror, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// build makes a database of the wanted streams, or all, in a new folder.
func build(t testing.TB, g assay.Getter, wanted ...assay.Stream) (dir string, _ *db.DB) {
	t.Helper()
	dir = t.TempDir()
	res, err := new(db.Builder).Update(context.Background(), dir, feed.All(), g, wanted)
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

// TestMirrors builds a database from a folder and from a server of the same
// documents: they are equal to the byte.
func TestMirrors(t *testing.T) {
	path := corpus.Path(t, "feeds")
	_, byFolder := build(t, getter(t, path))
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
	wanted := []assay.Stream{"alpine:3.20", "debian:*", "details:2021", "epss", "kev", "wolfi"}
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
	res, err := new(db.Builder).Update(t.Context(), dir, feed.All(), open(), wanted)
	if n := len(byServer.Shards()); n != 9 {
		t.Errorf("%d shards, want 9", n)
	}
	if err != nil || len(res.Built) != 0 || len(res.Unchanged) != len(byServer.Shards()) {
		t.Errorf("second update: %+v, %v: want nothing built", res, err)
	}
	if requests.Load() == 0 {
		t.Error("the second update asked nobody")
	}
	roundTrip(t, path, byFolder)
}

// roundTrip reads back every record that the feeds give.
func roundTrip(t *testing.T, path string, d *db.DB) {
	type key struct {
		stream assay.Stream
		name   string
	}
	want := map[key][]assay.Advisory{}
	details := map[string][]assay.Detail{}
	for _, f := range feed.All() {
		r := contract.Fetch(t, f, contract.Mirror(path))
		for _, a := range r.Advisories {
			parts := map[key][]assay.Affected{}
			for _, p := range a.Affected {
				k := key{p.Stream, p.Name}
				parts[k] = append(parts[k], p)
			}
			for k, p := range parts {
				a.Affected = p
				want[k] = append(want[k], a)
			}
		}
		for _, p := range r.Details {
			details[p.ID] = append(details[p.ID], p)
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
			got = append(got, a)
		}
		slices.SortStableFunc(as, order)
		slices.SortStableFunc(got, order)
		as = slices.CompactFunc(as, func(a, b assay.Advisory) bool { return reflect.DeepEqual(a, b) })
		if !reflect.DeepEqual(as, got) && bad < 3 {
			bad++
			t.Errorf("%s %s:\n%s", k.stream, k.name, gocmp.Diff(as, got))
		}
	}
	for id, parts := range details {
		got, err := d.Detail(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		scores := 0
		for _, p := range parts {
			scores = max(scores, len(p.CVSS))
			if p.KEV != nil && !gocmp.Equal(p.KEV, got.KEV) || p.EPSS != nil && !gocmp.Equal(p.EPSS, got.EPSS) || p.Text != "" && got.Text == "" {
				t.Errorf("%s: got %+v, want %+v in it", id, got, p)
			}
		}
		if len(got.CVSS) < scores {
			t.Errorf("%s: %d scores of %d", id, len(got.CVSS), scores)
		}
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

func fixed(a assay.Advisory) (s string) {
	for _, r := range a.Affected[0].Ranges {
		s += r.Fixed + " "
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

package db

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

func small(t *testing.T) (string, *DB) {
	t.Helper()
	dir, w := t.TempDir(), &web{}
	w.set("alpha", "a:1 curl CVE-2024-0001 1\na:1 curl CVE-2024-0002 2\na:1 zlib CVE-2024-0003 3\na:2 curl CVE-2024-0001 4\n")
	w.set("nvd", "detail CVE-2024-0001 NVD\ndetail GHSA-1 other\n")
	w.set("cna", "detail CVE-2024-0001 CNA\ndetail CVE-2024-0002 CNA\n")
	w.set("kev", "kev CVE-2024-0001\nepss CVE-2024-0001\nepss CVE-2024-0002\nepss CVE-2024-10002\n")
	runUpdate(t, dir, w, []assay.Feed{
		lines{"alpha", []assay.Stream{"a:*"}, nil}, lines{"cna", []assay.Stream{"details:*"}, nil},
		lines{"nvd", []assay.Stream{"details:*"}, nil}, lines{"kev", []assay.Stream{"kev", "epss"}, nil},
	}, nil, false)
	return dir, open(t, dir)
}

func TestLookup(t *testing.T) {
	_, d := small(t)
	for _, tt := range []struct {
		stream     assay.Stream
		name, want string
	}{
		{"a:1", "curl", "CVE-2024-0001<1 (alpha) CVE-2024-0002<2 (alpha)"},
		{"a:1", "zlib", "CVE-2024-0003<3 (alpha)"},
		{"a:1", "cur", ""},
		{"a:1", "", ""},
	} {
		if got := look(t, d, tt.stream, tt.name); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.stream, tt.name, got, tt.want)
		}
	}
	n := 0
	for _, err := range d.Lookup(t.Context(), "a:3", "curl") {
		if n++; !errors.Is(err, assay.ErrNotFound) {
			t.Errorf("a stream that is not there: %v", err)
		}
	}
	for range d.Lookup(t.Context(), "a:1", "curl") {
		n++
		break
	}
	if n != 2 {
		t.Errorf("%d rounds, want 2", n)
	}
	if u := d.Used(); len(u.Shards) != 1 || u.Shards[0].Stream != "a:1" || u.Digest == "" || u.Built.IsZero() {
		t.Errorf("Used: %+v", u)
	}
}

// TestLookupLowered holds that a Go module in lower case, as some programs write purls,
// has the advisories of the module with capitals, and no other stream's package has.
func TestLookupLowered(t *testing.T) {
	dir, w := t.TempDir(), &web{}
	w.set("alpha", "go h.example/Some/Mod CVE-2024-0001 1\ngo h.example/some/mod CVE-2024-0002 2\ngo h.example/plain CVE-2024-0003 3\nnpm Some CVE-2024-0004 4\n")
	runUpdate(t, dir, w, []assay.Feed{lines{"alpha", []assay.Stream{"go", "npm"}, nil}}, nil, false)
	d := open(t, dir)
	for _, tt := range []struct {
		stream     assay.Stream
		name, want string
	}{
		{"go", "h.example/some/mod", "CVE-2024-0002<2 (alpha) CVE-2024-0001<1 (alpha)"},
		{"go", "h.example/Some/Mod", "CVE-2024-0001<1 (alpha)"},
		{"go", "h.example/SOME/mod", ""},
		{"go", "h.example/plain", "CVE-2024-0003<3 (alpha)"},
		{"npm", "some", ""},
	} {
		if got := look(t, d, tt.stream, tt.name); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.stream, tt.name, got, tt.want)
		}
	}
}

func TestDetail(t *testing.T) {
	_, d := small(t)
	for id, want := range map[string]assay.Detail{
		"CVE-2024-0001":  {ID: "CVE-2024-0001", Text: "NVD", KEV: &assay.KEV{Added: "2024-01-02"}, EPSS: &assay.EPSS{Score: 0.5}},
		"CVE-2024-0002":  {ID: "CVE-2024-0002", Text: "CNA", EPSS: &assay.EPSS{Score: 0.5}},
		"CVE-2024-10002": {ID: "CVE-2024-10002", EPSS: &assay.EPSS{Score: 0.5}},
		"GHSA-1":         {ID: "GHSA-1", Text: "other"},
	} {
		got, err := d.Detail(t.Context(), id)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", id, err, diff)
		}
	}
	if _, err := d.Detail(t.Context(), "CVE-2024-0003"); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
}

func TestMerge(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2024, 1, n, 0, 0, 0, 0, time.UTC) }
	score := func(source string) assay.CVSS {
		return assay.CVSS{Source: source, Version: "3.1", Vector: "V", Score: 5}
	}
	got := merge("CVE-1", []assay.Detail{
		{Feed: "kev", Title: "K", Text: "kev", CWEs: []string{"CWE-2"}, KEV: &assay.KEV{}},
		{Feed: "vulnrichment", Title: "V", Text: "cna", CVSS: []assay.CVSS{score("cna"), score("cisa-adp")}, Published: day(1), Modified: day(9), References: []string{"b", "a"}},
		{Feed: "nvd", Text: "nvd", CVSS: []assay.CVSS{score("nvd"), score("cisa-adp")}, Published: day(2), Modified: day(3), Rejected: true, References: []string{"b"}, CWEs: []string{"CWE-1", "CWE-2"}},
	})
	want := assay.Detail{ID: "CVE-1", Title: "V", Text: "nvd", CVSS: []assay.CVSS{score("nvd"), score("cisa-adp"), score("cna")},
		CWEs: []string{"CWE-1", "CWE-2"}, References: []string{"a", "b"}, Published: day(1), Modified: day(9), Rejected: true, KEV: &assay.KEV{}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNamesAndSearch(t *testing.T) {
	_, d := small(t)
	for stream, want := range map[assay.Stream]string{
		"a:1": "curl zlib", "epss": "CVE-2024-0001 CVE-2024-0002 CVE-2024-10002", "details:2024": "CVE-2024-0001 CVE-2024-0002",
	} {
		var got []string
		for n, err := range d.Names(t.Context(), stream) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, n)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("Names(%s): %s, want %s", stream, s, want)
		}
	}
	for _, tt := range []struct {
		q    Query
		want string
	}{
		{Query{ID: "cve-2024-0001"}, "a:1/curl a:2/curl"},
		{Query{ID: "N-CVE-2024-0003"}, "a:1/zlib"},
		{Query{Package: "curl"}, "a:1/curl a:1/curl a:2/curl"},
		{Query{Package: "curl", Stream: "a:2"}, "a:2/curl"},
		{Query{Stream: "a:*", ID: "CVE-2024-0001"}, "a:1/curl a:2/curl"},
		{Query{Stream: "details:*"}, ""},
		{Query{Package: "none"}, ""},
	} {
		var got []string
		for a, err := range d.Search(t.Context(), tt.q) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(a.Affected[0].Stream)+"/"+a.Affected[0].Name)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("Search(%+v): %s, want %s", tt.q, s, tt.want)
		}
	}
}

func TestStale(t *testing.T) {
	dir, _ := small(t)
	for _, tt := range []struct {
		name   string
		dir    string
		age    time.Duration
		wanted []assay.Stream
		want   []assay.Stream
	}{
		{"fresh", dir, 0, []assay.Stream{"a:1", "details:*", "kev"}, nil},
		{"missing", dir, 0, []assay.Stream{"a:1", "a:3", "b:*"}, []assay.Stream{"a:3", "b:*"}},
		{"old", dir, time.Nanosecond, []assay.Stream{"a:1", "details:*"}, []assay.Stream{"a:1", "details:*"}},
		{"age does not matter", dir, -1, []assay.Stream{"a:1", "a:3"}, []assay.Stream{"a:3"}},
		{"no database", t.TempDir(), 0, []assay.Stream{"a:1"}, []assay.Stream{"a:1"}},
	} {
		got, err := new(Pool).Stale(t.Context(), tt.dir, tt.wanted, nil, tt.age)
		if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", tt.name, err, diff)
		}
	}
}

func TestDetailKey(t *testing.T) {
	for id, want := range map[string]string{"CVE-2024-0001": "CVE-2024-00", "CVE-2024-10002": "CVE-2024-100", "CVE-1-1": "CVE-1-1", "x": "x", "": ""} {
		if got := detailKey("epss", id); got != want {
			t.Errorf("detailKey(%q) = %q", id, got)
		}
	}
}

func TestOld(t *testing.T) {
	for _, tt := range []struct {
		ago  time.Duration
		want bool
	}{{time.Minute, false}, {2 * time.Hour, true}, {-time.Minute, false}, {-48 * time.Hour, true}} {
		if got := Old(time.Now().Add(-tt.ago), time.Hour); got != tt.want {
			t.Errorf("%v ago: %v", tt.ago, got)
		}
	}
}

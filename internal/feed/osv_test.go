package feed_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/internal/version"
)

// osvRecord is a record of the Open Source Vulnerability format, read for this
// test alone.
type osvRecord struct {
	ID        string
	Withdrawn string
	Affected  []struct {
		Package  struct{ Ecosystem, Name string }
		Ranges   []osvRange
		Versions []string
		Database struct {
			Known string `json:"last_known_affected_version_range"`
		} `json:"database_specific"`
	}
}

type osvRange struct {
	Type   string
	Events []map[string]string
}

// TestOSVRecordByRecord holds every affected range of every OSV record of a
// language against what the database answers: both must judge alike each version
// that the record names.
func TestOSVRecordByRecord(t *testing.T) {
	path := corpus.Path(t, "feeds")
	bundles := map[string][]string{ // by feed
		"osv":     {"CRAN", "GHC", "GitHub Actions", "Go", "Hackage", "Hex", "Linux", "Maven", "NuGet", "Packagist", "Pub", "PyPI", "RubyGems", "SwiftURL", "VSCode", "crates.io", "npm", "opam"},
		"bitnami": {"Bitnami"}, "julia": {"Julia"}, "kubernetes": {"Kubernetes"},
	}
	_, d := build(t, getter(t, path), "bitnami", "cran", "crates.io", "ghc", "github-actions", "go", "hackage", "hex", "julia", "kubernetes", "linux",
		"maven", "npm", "nuget", "opam", "packagist", "pub", "pypi", "rubygems", "swift", "vscode")
	total, probes := 0, 0
	for feed, names := range bundles {
		for _, name := range names {
			file := filepath.Join(path, "osv-vulnerabilities.storage.googleapis.com", name, "all.zip")
			n, p := osvBundle(t, d, feed, name, file)
			t.Logf("%-10s %-16s %5d records, %7d versions judged", feed, name, n, p)
			total, probes = total+n, probes+p
		}
	}
	n, p := osvBundle(t, d, "govulndb", "Go", filepath.Join(path, "vuln.go.dev", "vulndb.zip"))
	if total, probes = total+n, probes+p; total < 15_000 || probes < 100_000 {
		t.Errorf("only %d records, %d versions", total, probes)
	}
}

// osvBundle judges the records of one archive.
func osvBundle(t *testing.T, d *db.DB, feed, eco, file string) (records, probes int) {
	t.Helper()
	z, err := zip.OpenReader(file)
	if os.IsNotExist(err) {
		return 0, 0
	}
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	bad := 0
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") || strings.HasPrefix(f.Name, "index/") {
			continue
		}
		r := readOSV(t, f)
		if r.ID == "" || r.Withdrawn != "" || bounded(r) {
			continue
		}
		records++
		for _, name := range packages(r, eco) {
			n, wrong := judge(t, d, feed, eco, name, r)
			if probes += n; wrong != "" && bad < 5 {
				bad++
				t.Errorf("%s %s %s: %s", feed, r.ID, name, wrong)
			}
		}
	}
	return records, probes
}

func readOSV(t *testing.T, f *zip.File) (r osvRecord) {
	t.Helper()
	body, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		t.Fatalf("%s: %v", f.Name, err)
	}
	return r
}

// bounded reports whether the record bounds a range outside its events, which
// the feed heeds, but this reading does not.
func bounded(r osvRecord) bool {
	for _, a := range r.Affected {
		if a.Database.Known != "" {
			return true
		}
	}
	return false
}

// packages lists the names that a record has in an ecosystem.
func packages(r osvRecord, eco string) (names []string) {
	for _, a := range r.Affected {
		base, _, _ := strings.Cut(a.Package.Ecosystem, ":")
		if strings.EqualFold(base, eco) && a.Package.Name != "" && !slices.Contains(names, a.Package.Name) {
			names = append(names, a.Package.Name)
		}
	}
	return names
}

// judge compares the record's verdicts on a package with the database's.
func judge(t *testing.T, d *db.DB, feed, eco, name string, r osvRecord) (probes int, wrong string) {
	e, ok := ecosystem.OfOSV(eco)
	scheme, ok2 := version.ByName(e.Scheme)
	if !ok || !ok2 {
		t.Fatalf("%s: no such ecosystem", eco)
	}
	var got []assay.Affected
	for a, err := range d.Lookup(t.Context(), e.Stream, e.Name(name)) {
		if err != nil {
			t.Fatal(err)
		}
		if a.ID == r.ID && a.Feed == feed {
			got = append(got, a.Affected...)
		}
	}
	var versions []string
	comparable := false
	for _, a := range r.Affected {
		base, _, _ := strings.Cut(a.Package.Ecosystem, ":")
		if !strings.EqualFold(base, eco) || e.Name(a.Package.Name) != e.Name(name) {
			continue
		}
		versions = append(versions, a.Versions...)
		for _, rg := range a.Ranges {
			if rg.Type == "GIT" {
				continue
			}
			for _, ev := range rg.Events {
				for _, v := range ev {
					versions = append(versions, v)
					comparable = comparable || v != "0"
				}
			}
			comparable = comparable || len(rg.Events) > 0
		}
	}
	if !comparable && len(versions) == 0 {
		return 0, "" // nothing but commits
	}
	if len(got) == 0 {
		return 0, "not in the database"
	}
	for _, v := range versions {
		if v == "0" {
			continue
		}
		key, err := scheme.Key(v)
		if err != nil {
			continue // the version tests list these
		}
		probes++
		if want, have := osvVerdict(scheme, e, eco, name, r, v), has(scheme, got, key); want != have {
			return probes, fmt.Sprintf("%s: the record says affected %v, the database %v: %+v", v, want, have, got)
		}
	}
	return probes, ""
}

// osvVerdict is the evaluation algorithm of
// https://ossf.github.io/osv-schema/#evaluation.
func osvVerdict(scheme version.Scheme, e *ecosystem.Ecosystem, eco, name string, r osvRecord, v string) bool {
	for _, a := range r.Affected {
		base, _, _ := strings.Cut(a.Package.Ecosystem, ":")
		if !strings.EqualFold(base, eco) || e.Name(a.Package.Name) != e.Name(name) {
			continue
		}
		for _, listed := range a.Versions {
			if c, err := version.Compare(scheme, listed, v); listed == v || err == nil && c == 0 {
				return true
			}
		}
		for _, rg := range a.Ranges {
			if rg.Type != "GIT" && inRange(scheme, rg, v) {
				return true
			}
		}
	}
	return false
}

func inRange(scheme version.Scheme, rg osvRange, v string) bool {
	type event struct{ kind, v string }
	var events []event
	for _, m := range rg.Events {
		for kind, at := range m {
			events = append(events, event{kind, at})
		}
	}
	at := func(a, b string) int {
		if a == "0" || b == "0" {
			return map[bool]int{true: -1, false: 1}[a == "0"] * map[bool]int{true: 0, false: 1}[a == b]
		}
		c, _ := version.Compare(scheme, a, b)
		return c
	}
	slices.SortStableFunc(events, func(a, b event) int { return at(a.v, b.v) })
	vulnerable := false
	for i, ev := range events {
		// At one version the order is not specified. Where a range ends another
		// begins; where none does, one that begins and ends there holds nothing.
		if i > 0 && at(events[i-1].v, ev.v) != 0 || i == 0 {
			n := i
			for n < len(events) && at(events[n].v, ev.v) == 0 {
				n++
			}
			first := map[bool]string{true: "fixed", false: "introduced"}[vulnerable]
			slices.SortStableFunc(events[i:n], func(a, b event) int {
				return map[bool]int{true: 0, false: 1}[a.kind == first] - map[bool]int{true: 0, false: 1}[b.kind == first]
			})
			ev = events[i]
		}
		switch {
		case ev.kind == "introduced" && at(v, ev.v) >= 0:
			vulnerable = true
		case ev.kind == "fixed" && at(v, ev.v) >= 0, ev.kind == "last_affected" && at(v, ev.v) > 0:
			vulnerable = false
		}
	}
	return vulnerable
}

// has judges a version by what the database gave.
func has(scheme version.Scheme, affected []assay.Affected, key version.Key) bool {
	side := func(v string) (int, bool) {
		k, err := scheme.Key(v)
		return scheme.Compare(key, k), v != "" && err == nil
	}
	for _, a := range affected {
		for _, v := range a.Versions {
			if c, ok := side(v); ok && c == 0 {
				return true
			}
		}
		for _, r := range a.Ranges {
			in := true
			if c, ok := side(r.Introduced); ok && c < 0 {
				in = false
			}
			for _, end := range []string{r.Fixed, r.Before} {
				if c, ok := side(end); ok && c >= 0 {
					in = false
				}
			}
			if c, ok := side(r.LastAffected); ok && c > 0 {
				in = false
			}
			if in {
				return true
			}
		}
	}
	return false
}

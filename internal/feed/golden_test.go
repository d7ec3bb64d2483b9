package feed_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/inventory"
	"github.com/assaysec/assay/internal/match"
	"github.com/assaysec/assay/internal/reader"
	"github.com/assaysec/assay/internal/source/dir"
	"github.com/assaysec/assay/internal/test/corpus"
)

// goldens lists the scans of Trivy's test suite that are compared: the report,
// and the directory that was scanned.
var goldens = []struct{ report, folder string }{
	{"bun", "bun"}, {"composer.lock", "composer"}, {"conan", "conan"}, {"dotnet", "dotnet"}, {"gomod", "gomod"}, {"npm", "npm"}, {"pip", "pip"},
	{"pipenv", "pipenv"}, {"pom", "pom"}, {"pubspec.lock", "pubspec"}, {"swift", "swift"}, {"test-repo", "trivy-ci-test"}, {"uv", "uv"}, {"yarn", "yarn"},
}

// TestGoldensByFeeds matches the packages of the directories that Trivy's test suite
// scans with what our feeds say. A
// vulnerability that they know of the package must be found, and every fix must
// make its finding go away; rows that the shared documents do not have are
// logged.
func TestGoldensByFeeds(t *testing.T) {
	var streams []assay.Stream
	for _, kind := range kindOf {
		if e, ok := ecosystem.OfType(kind); ok && !slices.Contains(streams, e.Stream) {
			streams = append(streams, e.Stream)
		}
	}
	_, d := build(t, getter(t, corpus.Path(t, "feeds")), streams...)
	known, unknown, all := 0, 0, 0
	for _, g := range goldens {
		for target, golden := range goldenRows(t, g.report) {
			inv := &assay.Inventory{Packages: named(t, g.folder, target)}
			inv.Packages = slices.DeleteFunc(inv.Packages, func(p assay.Package) bool { // of a stream of which there is no document
				e, _ := ecosystem.OfType(p.Type)
				return !slices.ContainsFunc(d.Shards(), func(s assay.Shard) bool { return s.Stream == e.Stream })
			})
			ours, gaps := ourRows(t, d, inv)
			for _, o := range ours {
				if o.fix != "" && stands(t, d, o, o.fix) {
					t.Errorf("%s/%s: %s: found in the fix, too", g.report, target, o)
				}
			}
			all += len(ours)
			for _, row := range golden {
				if !knows(t, d, row) {
					unknown++
					t.Logf("%s/%s: %s: not in the documents", g.report, target, row.stated())
					continue
				}
				known++
				i := slices.IndexFunc(ours, func(o goldenRow) bool { return o.name == row.name && o.version == row.version && o.is(row.ids[0]) })
				if i < 0 {
					t.Errorf("%s/%s: %s: known and not found", g.report, target, row.stated())
					continue
				}
				t.Logf("%s/%s: %s: found as %s, %s %s", g.report, target, row.stated(), ours[i].ids, ours[i].status, ours[i].fix)
			}
			t.Logf("%s/%s: %d findings by our feeds; gaps %v", g.report, target, len(ours), gaps)
		}
	}
	if known != 17 || unknown != 6 { // counted apart
		t.Errorf("%d rows are known, %d not; want 17, 6", known, unknown)
	}
	t.Logf("%d rows known and found, %d not in the documents; %d findings in all", known, unknown, all)
}

// TestFixesHold matches versions at the ends of ranges of every package of the
// ecosystems that have most advisories here: no fix may leave its package
// affected by the same vulnerability.
func TestFixesHold(t *testing.T) {
	streams := []assay.Stream{"crates.io", "go", "maven", "npm", "packagist", "pypi", "rubygems"}
	_, d := build(t, getter(t, corpus.Path(t, "feeds")), streams...)
	total := 0
	for _, s := range streams {
		e, _ := ecosystem.Of(s)
		var installed, fixed assay.Inventory
		for name, err := range d.Names(t.Context(), s) {
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range ends(t, d, s, name) {
				installed.Packages = append(installed.Packages, assay.Package{Type: e.Type, Name: name, Version: v})
			}
		}
		found, _ := ourRows(t, d, &installed)
		at := map[string]bool{}
		for _, o := range found {
			if key := o.name + " " + o.fix; o.fix != "" && !at[key] {
				at[key] = true
				fixed.Packages = append(fixed.Packages, assay.Package{Type: e.Type, Name: o.name, Version: o.fix})
			}
		}
		left := map[string]bool{}
		rows, _ := ourRows(t, d, &fixed)
		for _, o := range rows {
			left[o.name+" "+o.version+" "+o.ids[0]] = true
		}
		for _, o := range found {
			if left[o.name+" "+o.fix+" "+o.ids[0]] {
				t.Errorf("%s: %s: found in the fix, too", s, o)
			}
		}
		t.Logf("%-10s %5d packages, %5d findings, %5d fixes", s, len(installed.Packages), len(found), len(fixed.Packages))
		total += len(found)
	}
	if total < 35_000 {
		t.Errorf("only %d findings", total)
	}
}

// ends lists some versions at which ranges of a package begin or end.
func ends(t *testing.T, d *db.DB, s assay.Stream, name string) []string {
	t.Helper()
	out := []string{"0.0.1"}
	for a, err := range d.Lookup(t.Context(), s, name) {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Affected {
			for _, r := range f.Ranges {
				out = append(out, r.Introduced, r.LastAffected, r.Fixed)
			}
		}
		if len(out) > 20 {
			break
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(v string) bool { return v == "" })
}

// A goldenRow is a vulnerability of a package in a report.
type goldenRow struct {
	kind, name, version string
	ids                 []string // the vulnerability's, and other names of it
	status, fix         string
	fixes               []string // of which fix is to be one
}

func (r goldenRow) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s %s", r.name, r.version, r.ids[0], r.status, r.fix))
}

// stated is the row as the report has it.
func (r goldenRow) stated() string {
	r.fix = strings.Join(r.fixes, ", ")
	return r.String()
}

// goldenRows reads a report; the rows are by the file that they are about.
func goldenRows(t *testing.T, report string) map[string][]goldenRow {
	t.Helper()
	var r struct {
		Results []struct {
			Target          string
			Vulnerabilities []struct{ VulnerabilityID, PkgName, InstalledVersion, FixedVersion, Status string }
		}
	}
	unmarshal(t, json.Unmarshal, filepath.Join("golden", report+".json.golden"), &r)
	all := map[string][]goldenRow{}
	for _, res := range r.Results {
		all[res.Target] = nil
		for _, v := range res.Vulnerabilities {
			row := goldenRow{kind: kindOf[filepath.Base(res.Target)], name: v.PkgName, version: v.InstalledVersion, ids: []string{v.VulnerabilityID}, status: v.Status}
			for _, f := range strings.Split(v.FixedVersion, ", ") {
				if !strings.HasPrefix(f, "<") { // Cargo's are requirements
					row.fixes = append(row.fixes, strings.TrimPrefix(f, ">= "))
				}
			}
			all[res.Target] = append(all[res.Target], row)
		}
	}
	return all
}

func (r goldenRow) is(id string) bool { return slices.Contains(r.ids, id) }

// stands reports whether a row's vulnerability is found in a version, too.
func stands(t *testing.T, d *db.DB, row goldenRow, version string) bool {
	t.Helper()
	rows, _ := ourRows(t, d, &assay.Inventory{Packages: []assay.Package{{Type: row.kind, Name: row.name, Version: version}}})
	return slices.ContainsFunc(rows, func(o goldenRow) bool { return o.is(row.ids[0]) })
}

// ourRows matches.
func ourRows(t *testing.T, d *db.DB, inv *assay.Inventory) (rows []goldenRow, gaps []assay.Gap) {
	t.Helper()
	found, err := match.Packages(t.Context(), inv, d, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found.Findings {
		p := &inv.Packages[f.Package]
		rows = append(rows, goldenRow{kind: p.Type, name: p.Name, version: p.Version, ids: append([]string{f.ID}, f.Aliases...), status: string(f.Status), fix: f.FixedIn})
	}
	return rows, found.Gaps
}

// knows reports whether the database has a row's vulnerability, by any name.
func knows(t *testing.T, d *db.DB, row goldenRow) bool {
	t.Helper()
	e, _ := ecosystem.OfType(row.kind)
	for a, err := range d.Lookup(t.Context(), e.Stream, e.Name(row.name)) {
		if err == nil && (row.is(a.ID) || slices.Contains(a.Aliases, row.ids[0])) {
			return true
		}
	}
	return false
}

// kindOf gives the type of the packages that a file names.
var kindOf = map[string]string{
	"bun.lock": assay.TypeNPM, "Cargo.lock": assay.TypeCargo, "composer.lock": assay.TypeComposer, "conan.lock": assay.TypeConan, "datacollector.deps.json": assay.TypeNuGet,
	"go.mod": assay.TypeGo, "package-lock.json": assay.TypeNPM, "Package.resolved": assay.TypeSwift, "Pipfile.lock": assay.TypePyPI, "pom.xml": assay.TypeMaven,
	"pubspec.lock": assay.TypePub, "requirements.txt": assay.TypePyPI, "uv.lock": assay.TypePyPI, "yarn.lock": assay.TypeNPM,
}

// unmarshal reads a file of Trivy's test suite.
func unmarshal(t *testing.T, decode func([]byte, any) error, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(corpus.Path(t, filepath.Join("conformance/trivy", name)))
	if err == nil {
		err = decode(b, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// named are the packages that a file of a directory names.
func named(t *testing.T, directory, target string) []assay.Package {
	t.Helper()
	img, err := dir.Open(corpus.Path(t, filepath.Join("conformance/trivy/repo", directory)))
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	inv, err := inventory.Build(t.Context(), img, inventory.Options{Readers: reader.All(), Scopes: assay.ScopeDeclared})
	if err != nil {
		t.Fatal(err)
	}
	ps := slices.DeleteFunc(inv.Packages, func(p assay.Package) bool { return p.Path != target || p.Dev || p.Version == "" })
	if len(ps) == 0 {
		t.Fatalf("%s/%s: no packages; %v", directory, target, inv.Gaps)
	}
	return ps
}

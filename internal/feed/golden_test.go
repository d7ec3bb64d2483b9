package feed_test

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v4"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/contract"
	"github.com/assaysec/assay/internal/corpus"
	"github.com/assaysec/assay/internal/db"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/importer/trivydb"
	"github.com/assaysec/assay/internal/match"
	"github.com/assaysec/assay/internal/version"
)

// goldens lists the scans of Trivy's test suite that are compared: the report,
// and the folder that was scanned.
var goldens = []struct{ report, folder string }{
	{"bun", "bun"}, {"composer.lock", "composer"}, {"conan", "conan"}, {"dotnet", "dotnet"}, {"gomod", "gomod"}, {"npm", "npm"}, {"pip", "pip"},
	{"pipenv", "pipenv"}, {"pom", "pom"}, {"pubspec.lock", "pubspec"}, {"swift", "swift"}, {"test-repo", "trivy-ci-test"}, {"uv", "uv"}, {"yarn", "yarn"},
}

// contested lists the rows of goldens that say something else than the record
// that they were made from, and what is right; the test holds that the record does so.
var contested = map[string]struct{ want, because string }{
	"pubspec.lock http 0.13.2 CVE-2020-35669 fixed 0.13.3": {"affected", "the record says \"<= 0.13.3\", so that who upgrades to its fix 0.13.3 is told to do so again"},
}

// TestTrivyGoldens matches what the lock files of Trivy's test suite name with
// Trivy's own test database: every row of Trivy's reports must be there and
// none more. Of the fixes that a report joins the one is right that is the
// lowest above the installed version and makes the row go away.
func TestTrivyGoldens(t *testing.T) {
	d := trivyDatabase(t)
	rows, used := 0, 0
	for _, g := range goldens {
		t.Run(g.report, func(t *testing.T) {
			var want, got []string
			for target, golden := range goldenRows(t, g.report) {
				inv := &assay.Inventory{Packages: lockFile(t, filepath.Join(g.folder, filepath.FromSlash(target)))}
				for _, row := range golden {
					rows++
					stated := row.stated()
					row.fix = lowestFix(t, d, row)
					c, ok := contested[g.report+" "+stated]
					switch {
					case ok:
						used++
						row.status, row.fix, _ = strings.Cut(c.want, " ")
						if row.fix == row.fixes[0] || row.fix != "" && stands(t, d, row, row.fix) || row.fix == "" && !stands(t, d, row, row.fixes[0]) {
							t.Errorf("%s: %q is not right: %s", stated, c.want, c.because)
						}
					case row.fix == "":
						t.Errorf("%s: no such fix makes it go away", stated)
					}
					want = append(want, target+": "+row.String())
				}
				ours, gaps := ourRows(t, d, inv)
				for _, row := range ours {
					got = append(got, target+": "+row.String())
				}
				if len(gaps) > 0 {
					t.Errorf("%s: gaps %v", target, gaps)
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if diff := gocmp.Diff(want, got); diff != "" || len(want) == 0 {
				t.Errorf("the golden (-) and ours (+):\n%s", diff)
			}
		})
	}
	if rows != 23 || used != len(contested) { // counted apart
		t.Errorf("%d rows compared, want 23; %d of %d contested", rows, used, len(contested))
	}
	t.Logf("%d rows of %d reports, %d contested", rows, len(goldens), used)
}

// TestGoldensByFeeds matches the same packages with what our feeds say. A
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
			inv := &assay.Inventory{Packages: lockFile(t, filepath.Join(g.folder, filepath.FromSlash(target)))}
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

// trivyDatabase imports Trivy's test database.
func trivyDatabase(t *testing.T) *db.DB {
	t.Helper()
	f, err := trivydb.Open(t.Context(), contract.TrivyDB(t, contract.TrivyNodes(t)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	dir := t.TempDir()
	if _, err := (&db.Builder{}).Update(t.Context(), dir, []assay.Feed{f}, nil, nil); err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
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

// lowestFix is the lowest of a row's fixes above the installed version that
// makes it go away; "" when there is none.
func lowestFix(t *testing.T, d *db.DB, row goldenRow) string {
	t.Helper()
	e, _ := ecosystem.OfType(row.kind)
	scheme, _ := version.ByName(e.Scheme)
	compare := func(a, b string) int {
		c, err := version.Compare(scheme, a, b)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	fixes := slices.Clone(row.fixes)
	slices.SortFunc(fixes, compare)
	for _, fix := range fixes {
		if compare(fix, row.version) > 0 && !stands(t, d, row, fix) {
			return fix
		}
	}
	return ""
}

// stands reports whether a row's vulnerability is found in a version, too.
func stands(t *testing.T, d *db.DB, row goldenRow, version string) bool {
	t.Helper()
	rows, _ := ourRows(t, d, &assay.Inventory{Packages: []assay.Package{{Type: row.kind, Name: row.name, Version: version}}})
	return slices.ContainsFunc(rows, func(o goldenRow) bool { return o.is(row.ids[0]) })
}

// ourRows matches.
func ourRows(t *testing.T, d *db.DB, inv *assay.Inventory) (rows []goldenRow, gaps []assay.Gap) {
	t.Helper()
	findings, gaps, err := match.Packages(t.Context(), inv, d)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		p := &inv.Packages[f.Package]
		rows = append(rows, goldenRow{kind: p.Type, name: p.Name, version: p.Version, ids: append([]string{f.ID}, f.Aliases...), status: string(f.Status), fix: f.FixedIn})
	}
	return rows, gaps
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

// asText is the decoder of a file that patterns read.
func asText(b []byte, v any) error {
	*v.(*string) = string(b)
	return nil
}

// lockFile reads what the files above need and no more; the readers of lock
// files are tested elsewhere.
func lockFile(t *testing.T, name string) (packages []assay.Package) {
	t.Helper()
	file := filepath.Join("repo", name)
	found := map[string]string{} // versions by name
	switch base := filepath.Base(name); base {
	case "go.mod":
		goModules(t, file, found)
	case "pom.xml":
		mavenProject(t, file, found)
	case "package-lock.json", "Pipfile.lock", "pubspec.lock":
		var f struct {
			Dependencies, Default, Packages map[string]struct{ Version string }
		}
		unmarshal(t, func(b []byte, v any) error { return yaml.Unmarshal(b, v) }, file, &f)
		for _, m := range []map[string]struct{ Version string }{f.Dependencies, f.Default, f.Packages} {
			for n, p := range m {
				found[n] = strings.TrimPrefix(p.Version, "==")
			}
		}
	case "uv.lock", "Cargo.lock", "composer.lock":
		var f struct {
			Package, Packages []struct{ Name, Version string }
		}
		decode := toml.Unmarshal
		if base == "composer.lock" {
			decode = json.Unmarshal
		}
		unmarshal(t, decode, file, &f)
		for _, p := range append(f.Package, f.Packages...) {
			found[p.Name] = p.Version
		}
	default:
		var s string
		unmarshal(t, asText, file, &s)
		for _, m := range lines[base].FindAllStringSubmatch(s, -1) {
			found[strings.TrimSuffix(strings.TrimPrefix(m[1], "https://"), ".git")] = m[2]
		}
	}
	for _, n := range slices.Sorted(maps.Keys(found)) {
		packages = append(packages, assay.Package{Type: kindOf[filepath.Base(name)], Name: n, Version: found[n], Path: name})
	}
	if len(packages) == 0 {
		t.Fatalf("%s: no packages", name)
	}
	return packages
}

// lines find name and version in files where a pattern suffices.
var lines = map[string]*regexp.Regexp{
	"bun.lock":                regexp.MustCompile(`: \["(@?[^"@]+)@([^"]+)", "`),
	"conan.lock":              regexp.MustCompile(`"ref": "([^/"]+)/([^"@#]+)`),
	"datacollector.deps.json": regexp.MustCompile(`"([^/"]+)/([0-9][^"]*)": \{`),
	"Package.resolved":        regexp.MustCompile(`(?s)"repositoryURL": "([^"]+)".*?"version": "([^"]+)"`),
	"requirements.txt":        regexp.MustCompile(`(?m)^([\w-]+)==(\S+)$`),
	"yarn.lock":               regexp.MustCompile(`(?m)^"?(@?[^@\s"]+)@.*:\n  version "([^"]+)"`),
}

var (
	goVersion = regexp.MustCompile(`(?m)^go 1\.(\d+)$`)
	goRequire = regexp.MustCompile(`(?m)^\s*(?:require )?([^\s(]+\.[^\s(]+) (v\S+)`)
	goSum     = regexp.MustCompile(`(?m)^(\S+) (v\S+?)(?:/go\.mod)? h1:`)
)

// goModules reads go.mod, and before Go 1.17, when it did not list what is
// required indirectly, go.sum.
func goModules(t *testing.T, file string, found map[string]string) {
	var mod, sum string
	unmarshal(t, asText, file, &mod)
	if m := goVersion.FindStringSubmatch(mod); m != nil && m[1] < "17" {
		unmarshal(t, asText, filepath.Join(filepath.Dir(file), "go.sum"), &sum)
	}
	for _, m := range append(goSum.FindAllStringSubmatch(sum, -1), goRequire.FindAllStringSubmatch(mod, -1)...) {
		found[m[1]] = m[2]
	}
}

// mavenProject reads the dependencies that a pom.xml names itself.
func mavenProject(t *testing.T, file string, found map[string]string) {
	var p struct {
		Properties struct {
			All []struct {
				XMLName xml.Name
				Value   string `xml:",chardata"`
			} `xml:",any"`
		} `xml:"properties"`
		Dependencies []struct {
			Group    string `xml:"groupId"`
			Artifact string `xml:"artifactId"`
			Version  string `xml:"version"`
		} `xml:"dependencies>dependency"`
	}
	unmarshal(t, xml.Unmarshal, file, &p)
	for _, d := range p.Dependencies {
		for _, v := range p.Properties.All {
			d.Version = strings.ReplaceAll(d.Version, "${"+v.XMLName.Local+"}", v.Value)
		}
		found[d.Group+":"+d.Artifact] = d.Version
	}
}

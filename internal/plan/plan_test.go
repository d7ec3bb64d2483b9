package plan_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/plan"
	"github.com/assaysec/assay/internal/version"
)

// A fault is a vulnerability of versions from one on, up to another.
type summarize struct {
	id, pkg, from, fixed string
	risk                 float64
}

// judge holds packages against faults, as a scan would.
func judge(faults []summarize) func(*assay.Report) plan.Judge {
	return func(r *assay.Report) plan.Judge {
		return func(_ context.Context, packages []assay.Package) (*assay.Report, error) {
			out := *r
			out.Packages, out.Findings = packages, nil
			for i := range packages {
				p := &packages[i]
				name, ver, scheme := p.Name, p.Version, version.Deb
				if p.IsSystem() {
					name, ver = p.SourceName(), p.SourceVer()
				} else if e, ok := ecosystem.OfType(p.Type); ok {
					scheme, _ = version.ByName(e.Scheme)
					ver = e.Version(name, ver)
				}
				for _, f := range faults {
					if f.pkg != name {
						continue
					}
					above, err := version.Compare(scheme, ver, f.from)
					if err != nil || f.from != "" && above < 0 {
						if f.from != "" {
							continue
						}
					}
					if f.fixed != "" {
						if c, err := version.Compare(scheme, ver, f.fixed); err != nil || c >= 0 {
							continue
						}
					}
					found := assay.Finding{ID: f.id, Package: i, FixedIn: f.fixed, Status: assay.StatusAffected, Severity: assay.SeverityHigh, Risk: f.risk}
					if f.fixed != "" {
						found.Status = assay.StatusFixed
					}
					out.Findings = append(out.Findings, found)
				}
			}
			return &out, nil
		}
	}
}

func report(packages ...assay.Package) *assay.Report {
	return &assay.Report{Kind: assay.KindImage, Image: assay.ImageInfo{Name: "app:1"}, Tool: assay.Tool{Name: "assay"}, Release: assay.Release{ID: "debian", Version: "12"}, Packages: packages}
}

func made(t *testing.T, r *assay.Report, faults ...summarize) *plan.Plan {
	t.Helper()
	j := judge(faults)(r)
	before, err := j(t.Context(), r.Packages)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Make(t.Context(), before, j)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func npm(path, version string, needs ...string) assay.Package {
	name := path[strings.LastIndex(path, "node_modules/")+len("node_modules/"):]
	return assay.Package{Type: assay.TypeNPM, Name: name, Version: version, Path: path + "/package.json", FoundBy: "npm-installed", DependsOn: needs}
}

func deb(name, version, source string) assay.Package {
	return assay.Package{Type: assay.TypeDeb, Name: name, Version: version, Source: source, Path: "var/lib/dpkg/status"}
}

// TestPlatforms holds that platforms of gems and what vendors add to versions of Go are of
// no account, as in matching.
func TestPlatforms(t *testing.T) {
	for _, tt := range []struct{ kind, name, version, from, fixed, want string }{
		{assay.TypeGem, "nokogiri", "1.13.9-x86_64-linux", "", "1.15.4", "nokogiri 1.13.9-x86_64-linux → 1.15.4"},
		{assay.TypeGem, "nokogiri", "1.13.9-aarch64-linux-gnu", "", "1.13.10", "nokogiri 1.13.9-aarch64-linux-gnu → 1.13.10"},
		{assay.TypeGem, "nokogiri", "1.13.9-java", "1.13.9", "2.0.0", "nokogiri 1.13.9-java → 2.0.0 major"},
		{assay.TypeGem, "nokogiri", "1.13.9-x86_64-linux", "", "1.13.9", ""},
		{assay.TypeGo, "stdlib", "go1.21.4-fips", "1.21.0-0", "1.21.9", "stdlib go1.21.4-fips → go1.21.9"},
		{assay.TypeGo, "stdlib", "go1.21.4 X:boringcrypto", "1.21.0-0", "1.22.1", "stdlib go1.21.4 X:boringcrypto → go1.22.1"},
		{assay.TypeGo, "stdlib", "1.21.4b7", "1.21.0-0", "1.21.5", "stdlib 1.21.4b7 → 1.21.5"},
		{assay.TypeGo, "stdlib", "go1.21.4-1.el9", "", "1.21.4", ""},
	} {
		p := made(t, report(assay.Package{Type: tt.kind, Name: tt.name, Version: tt.version, Path: "srv/app"}), summarize{"CVE-1", tt.name, tt.from, tt.fixed, 1}, summarize{"CVE-2", tt.name, "99", "99.1", 1})
		got := ""
		for _, u := range p.Upgrades {
			got = fmt.Sprintf("%s %s → %s", u.Name, u.From, u.To)
			if u.Major {
				got += " major"
			}
		}
		if got != tt.want || len(p.Remaining)+len(p.Introduced) > 0 {
			t.Errorf("%s %s, fixed in %s: %q, want %q; remaining %v", tt.name, tt.version, tt.fixed, got, tt.want, p.Remaining)
		}
	}
}

// TestUpgrades: the version with the least risk, the lowest of those, and what
// goes with it.
func TestUpgrades(t *testing.T) {
	a := npm("srv/node_modules/a", "1.0.0")
	for _, tt := range []struct {
		name            string
		faults          []summarize
		upgrades, after string
		remaining       string
	}{
		{"nothing", nil, "", "0", ""},
		{"one", []summarize{{"CVE-1", "a", "", "1.0.1", 10}}, "a 1.0.0 → 1.0.1 (10.0)", "0", ""},
		{"the highest of several fixes", []summarize{{"CVE-1", "a", "", "1.0.1", 10}, {"CVE-2", "a", "", "1.2.0", 5}}, "a 1.0.0 → 1.2.0 (15.0)", "0", ""},
		{"the fix has a fault that a later one mends", []summarize{{"CVE-1", "a", "", "1.1.0", 10}, {"CVE-2", "a", "1.1.0", "1.1.5", 50}}, "a 1.0.0 → 1.1.5 (10.0)", "0", ""},
		{"the fix has a worse fault that nothing mends", []summarize{{"CVE-1", "a", "", "1.1.0", 10}, {"CVE-2", "a", "1.1.0", "", 50}}, "", "1", "CVE-1 fixed in 1.1.0, which introduces as much risk"},
		{"the fix has a lesser fault that nothing mends", []summarize{{"CVE-1", "a", "", "1.1.0", 50}, {"CVE-2", "a", "1.1.0", "", 10}}, "a 1.0.0 → 1.1.0 (50.0)", "1", "brought CVE-2"},
		{"no fix", []summarize{{"CVE-1", "a", "", "", 10}, {"CVE-2", "a", "", "1.0.1", 5}}, "a 1.0.0 → 1.0.1 (5.0)", "1", "CVE-1 no fix is published"},
		{"not rated", []summarize{{"CVE-1", "a", "", "1.0.1", 0}}, "a 1.0.0 → 1.0.1 (0.0)", "0", ""},
		{"first number", []summarize{{"CVE-1", "a", "", "2.0.0", 1}}, "a 1.0.0 → 2.0.0 (1.0) major", "0", ""},
		{"a fix that cannot be compared", []summarize{{"CVE-1", "a", "", "next", 1}}, "", "0", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := made(t, report(a), tt.faults...)
			var up, rest []string
			for _, u := range p.Upgrades {
				s := fmt.Sprintf("%s %s → %s (%.1f)", u.Name, u.From, u.To, u.Risk)
				if u.Major {
					s += " major"
				}
				up = append(up, s)
			}
			for _, r := range p.Remaining {
				rest = append(rest, r.ID+" "+r.Why)
			}
			for _, r := range p.Introduced {
				rest = append(rest, "brought "+r.ID)
			}
			got := []string{strings.Join(up, ", "), fmt.Sprint(p.After.Findings), strings.Join(rest, ", ")}
			if d := cmp.Diff([]string{tt.upgrades, tt.after, tt.remaining}, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestCommands: each package manager's own words, in the places where they are to
// be said.
func TestCommands(t *testing.T) {
	apk := assay.Package{Type: assay.TypeApk, Name: "libssl3", Version: "3.1.4-r0", Source: "openssl"}
	of := func(kind, name, version, path, by string) assay.Package {
		return assay.Package{Type: kind, Name: name, Version: version, Path: path, FoundBy: by}
	}
	root := npm("srv/node_modules/../app", "1.0.0", "a", "b")
	root.Name, root.Path, root.Relation = "app", "srv/package.json", assay.RelationRoot
	const byHand = "# upgrade by hand: its name, version or path is not safe in a command"
	for _, tt := range []struct {
		name     string
		release  string
		packages []assay.Package
		faults   []summarize
		want     []string
	}{
		{"apt", "debian", []assay.Package{deb("apt", "2.6.1", ""), deb("libssl3", "3.0-1", "openssl"), deb("openssl", "3.0-1", "openssl"), deb("bash", "5", "")}, []summarize{{"CVE-1", "openssl", "", "3.0-2", 1}},
			[]string{"apt-get update", "apt-get satisfy -y --no-install-recommends 'libssl3 (>= 3.0-2)' \\\n      'openssl (>= 3.0-2)'"}},
		{"apt that is too old for that", "debian", []assay.Package{deb("apt", "1.8.2", ""), deb("libssl3", "3.0-1", "openssl")}, []summarize{{"CVE-1", "openssl", "", "3.0-2", 1}},
			[]string{"apt-get update", "apt-get install -y --no-install-recommends --only-upgrade libssl3"}},
		{"apt, with a version of its own", "debian", []assay.Package{deb("apt", "2.6.1", ""), {Type: assay.TypeDeb, Name: "libgcc", Version: "4:12-1", Source: "gcc", SourceVersion: "12-1"}}, []summarize{{"CVE-1", "gcc", "", "12-2", 1}},
			[]string{"apt-get update", "apt-get install -y --no-install-recommends --only-upgrade libgcc"}},
		{"no package manager", "debian", []assay.Package{deb("libssl3", "3.0-1", "openssl")}, []summarize{{"CVE-1", "openssl", "", "3.0-2", 1}},
			[]string{"# the image has no package manager: rebuild it on a newer build of its base image, or build the image again with these versions"}},
		{"apk", "alpine", []assay.Package{of(assay.TypeApk, "apk-tools", "2", "", ""), apk}, []summarize{{"CVE-1", "openssl", "", "3.1.4-r5", 1}}, []string{"apk add --no-cache --upgrade 'libssl3>=3.1.4-r5'"}},
		{"microdnf", "rhel", []assay.Package{of(assay.TypeRPM, "microdnf", "3", "", ""), {Type: assay.TypeRPM, Name: "openssl-libs", Version: "1-1", Source: "openssl"}}, []summarize{{"CVE-1", "openssl", "", "1-2", 1}}, []string{"microdnf update -y openssl-libs"}},
		{"zypper", "sles", []assay.Package{of(assay.TypeRPM, "zypper", "1", "", ""), {Type: assay.TypeRPM, Name: "openssl", Version: "1-1"}}, []summarize{{"CVE-1", "openssl", "", "1-2", 1}}, []string{"zypper --non-interactive update openssl"}},
		{"npm, direct and not", "debian", []assay.Package{root, npm("srv/node_modules/a", "1.0.0", "c"), npm("srv/node_modules/b", "1.0.0", "c"), npm("srv/node_modules/c", "1.0.0"), npm("srv/node_modules/b/node_modules/@s/d", "1.0.0")},
			[]summarize{{"CVE-1", "a", "", "1.0.1", 1}, {"CVE-2", "c", "", "1.0.2", 1}, {"CVE-3", "@s/d", "", "1.0.3", 1}},
			[]string{"cd /srv", "npm install a@1.0.1", "npm pkg set 'overrides[@s/d@1.0.0]=1.0.3' 'overrides[c@1.0.0]=1.0.2'", "npm install"}},
		{"npm, nobody tells what is direct", "debian", []assay.Package{npm("srv/node_modules/a", "1.0.0"), npm("srv/node_modules/a/node_modules/c", "1.0.0")},
			[]summarize{{"CVE-1", "a", "", "1.0.1", 1}, {"CVE-2", "c", "", "1.0.2", 1}}, []string{"cd /srv", "npm install a@1.0.1", "npm pkg set 'overrides[c@1.0.0]=1.0.2'", "npm install"}},
		{"pip of an environment", "debian", []assay.Package{of(assay.TypePyPI, "Jinja2", "2.10", "opt/venv/lib/python3.9/site-packages/Jinja2-2.10.dist-info/METADATA", "python-installed")},
			[]summarize{{"CVE-1", "Jinja2", "", "2.11.3", 1}}, []string{"/opt/venv/bin/python3 -m pip install --no-cache-dir --upgrade \\\n      'Jinja2>=2.11.3'"}},
		{"pip of lib64", "debian", []assay.Package{of(assay.TypePyPI, "x", "1", "v/lib64/python3.9/site-packages/x-1.dist-info/METADATA", "python-installed")}, []summarize{{"CVE-1", "x", "", "2", 1}},
			[]string{"/v/bin/python3 -m pip install --no-cache-dir --upgrade 'x>=2'"}},
		{"apt, of another architecture", "debian", []assay.Package{{Type: assay.TypeDeb, Name: "apt", Version: "2.6.1", Arch: "amd64"}, {Type: assay.TypeDeb, Name: "x", Version: "1", Arch: "i386"}, {Type: assay.TypeDeb, Name: "y", Source: "x", Version: "1", Arch: "all"}}, []summarize{{"CVE-1", "x", "", "2", 1}},
			[]string{"apt-get update", "apt-get satisfy -y --no-install-recommends 'x:i386 (>= 2)' 'y (>= 2)'"}},
		{"npm, installed for all", "debian", []assay.Package{npm("usr/local/lib/node_modules/npm", "10.0.0"), npm("usr/local/lib/node_modules/npm/node_modules/a", "1.0.0"), npm("usr/local/lib/node_modules/b", "1.0.0")}, []summarize{{"CVE-1", "a", "", "1.0.1", 1}, {"CVE-2", "b", "", "1.0.2", 1}},
			[]string{"npm install -g b@1.0.2 npm@latest", "# a package that pins an older version needs an update by its authors: scan again"}},
		{"npm, where Node was unpacked", "debian", []assay.Package{npm("opt/node/lib/node_modules/npm", "10.0.0"), npm("opt/node/lib/node_modules/b", "1.0.0")}, []summarize{{"CVE-2", "b", "", "1.0.2", 1}},
			[]string{"npm install -g b@1.0.2", "# a package that pins an older version needs an update by its authors: scan again"}},
		{"npm, a project in a folder named lib", "debian", []assay.Package{npm("srv/lib/node_modules/b", "1.0.0")}, []summarize{{"CVE-2", "b", "", "1.0.2", 1}},
			[]string{"cd /srv/lib", "npm install b@1.0.2"}},
		{"yarn", "debian", []assay.Package{{Type: assay.TypeNPM, Name: "a", Version: "1.0.0", Path: "srv/yarn.lock", FoundBy: "yarn-lock", Relation: assay.RelationDirect}, {Type: assay.TypeNPM, Name: "b", Version: "1.0.0", Path: "srv/yarn.lock", FoundBy: "yarn-lock", Relation: assay.RelationIndirect}},
			[]summarize{{"CVE-1", "a", "", "1.0.1", 1}, {"CVE-2", "b", "", "1.0.2", 1}}, []string{"cd /srv", "yarn add a@1.0.1", "npm pkg set 'resolutions[b]=1.0.2'", "yarn install"}},
		{"pnpm", "debian", []assay.Package{{Type: assay.TypeNPM, Name: "a", Version: "1.0.0", Path: "srv/pnpm-lock.yaml", FoundBy: "pnpm-lock", Relation: assay.RelationDirect}, {Type: assay.TypeNPM, Name: "b", Version: "1.0.0", Path: "srv/pnpm-lock.yaml", FoundBy: "pnpm-lock", Relation: assay.RelationIndirect}},
			[]summarize{{"CVE-2", "b", "", "1.0.2", 1}}, []string{"cd /srv", "npm pkg set 'pnpm.overrides[b@1.0.0]=1.0.2'", "pnpm install"}},
		{"a module from before modules", "debian", []assay.Package{of(assay.TypeGo, "example.org/m", "v2.0.0+incompatible", "usr/bin/x", "go-binary")}, []summarize{{"CVE-1", "example.org/m", "", "2.1.0", 1}},
			[]string{"go mod edit -require=example.org/m@v2.1.0+incompatible", "go mod tidy", "# in the source of the program; then rebuild it"}},
		{"a lock file of Poetry's", "debian", []assay.Package{of(assay.TypePyPI, "jinja2", "2.10", "srv/poetry.lock", "poetry-lock")}, []summarize{{"CVE-1", "jinja2", "", "2.11.3", 1}}, []string{"cd /srv", "poetry add jinja2@2.11.3"}},
		{"go.mod", "debian", []assay.Package{of(assay.TypeGo, "example.org/m", "v1.0.0", "src/go.mod", "go-mod"), of(assay.TypeGo, "stdlib", "1.20", "src/go.mod", "go-mod")},
			[]summarize{{"CVE-1", "example.org/m", "", "1.0.1", 1}, {"CVE-2", "stdlib", "", "1.21.9", 1}}, []string{"cd /src", "go mod edit -require=example.org/m@v1.0.1 -go=1.21.9", "go mod tidy"}},
		{"a program of Go's", "debian", []assay.Package{of(assay.TypeGo, "example.org/m", "v1.0.0", "usr/bin/x", "go-binary")}, []summarize{{"CVE-1", "example.org/m", "", "1.0.1", 1}},
			[]string{"go mod edit -require=example.org/m@v1.0.1", "go mod tidy", "# in the source of the program; then rebuild it"}},
		{"an archive in an archive", "debian", []assay.Package{of(assay.TypeMaven, "g:a", "1.0", "opt/x.war!/lib/a.jar", "java-archive")}, []summarize{{"CVE-1", "g:a", "", "1.1", 1}},
			[]string{"# rebuild the archive with these versions: in Maven under dependencyManagement, in Gradle as constraints"}},
		{"composer", "debian", []assay.Package{of(assay.TypeComposer, "v/p", "1.0.0", "srv/composer.lock", "composer-lock")}, []summarize{{"CVE-1", "v/p", "", "1.0.5", 1}}, []string{"cd /srv", "composer require --with-all-dependencies 'v/p:^1.0.5'"}},
		{"composer, installed", "debian", []assay.Package{of(assay.TypeComposer, "v/p", "1.0.0", "srv/my.app/vendor/composer/installed.json", "composer-installed")}, []summarize{{"CVE-1", "v/p", "", "1.0.5", 1}}, []string{"cd /srv/my.app", "composer require --with-all-dependencies 'v/p:^1.0.5'"}},
		{"what the system brought", "debian", []assay.Package{{Type: assay.TypePyPI, Name: "x", Version: "1.0", Path: "usr/lib/python3/dist-packages/x.egg-info", FoundBy: "python-installed", Owner: "pkg:deb/debian/python3-x@1.0-1"}}, []summarize{{"CVE-1", "x", "", "1.1", 1}},
			[]string{"# owned by an OS package, whose versions fix it: pkg:deb/debian/python3-x@1.0-1"}},
		{"a name that is a command", "debian", []assay.Package{npm("srv/node_modules/x", "1.0.0"), npm("srv/node_modules/$(reboot)", "1.0.0")}, []summarize{{"CVE-1", "$(reboot)", "", "1.0.1", 1}},
			[]string{byHand}},
		{"a name that is an option", "debian", []assay.Package{deb("apt", "2.6.1", ""), deb("--purge", "1", "")}, []summarize{{"CVE-1", "--purge", "", "2", 1}}, []string{byHand}},
		{"a folder that is a command", "debian", []assay.Package{npm("srv;reboot/node_modules/x", "1.0.0")}, []summarize{{"CVE-1", "x", "", "1.0.1", 1}}, []string{byHand}},
		{"one odd name among others", "debian", []assay.Package{deb("apt", "2.6.1", ""), deb("x y", "1", ""), deb("z", "1", "")}, []summarize{{"CVE-1", "x y", "", "2", 1}, {"CVE-2", "z", "", "2", 1}},
			[]string{"apt-get update", "apt-get satisfy -y --no-install-recommends 'z (>= 2)'", byHand}},
		{"a fix that is a command", "debian", []assay.Package{deb("apt", "2.6.1", ""), deb("x", "1", "")}, []summarize{{"CVE-1", "x", "", "2'\nRUN reboot", 1}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := report(tt.packages...)
			r.Release = assay.Release{ID: tt.release, Version: "9"}
			var got []string
			for _, s := range made(t, r, tt.faults...).Steps {
				got = append(got, s.Commands...)
				if s.Note != "" {
					got = append(got, "# "+s.Note)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestSaved: of a saved report only what it has is planned for, whatever else the
// advisories at hand tell, and what they do not tell goes by its own fixes.
func TestSaved(t *testing.T) {
	a, b := npm("srv/node_modules/a", "1.0.0"), npm("srv/node_modules/b", "1.0.0")
	known := judge([]summarize{{"CVE-1", "a", "", "1.0.1", 10}, {"CVE-2", "a", "", "2.0.0", 90}, {"CVE-3", "b", "", "1.0.1", 90}})
	foreign := func(id string, pkg int, fixed string) assay.Finding {
		return assay.Finding{ID: id, Package: pkg, FixedIn: fixed, Status: assay.StatusAffected, Risk: 5}
	}
	for _, tt := range []struct {
		name      string
		findings  []assay.Finding
		upgrades  string
		after     int
		remaining []string
	}{
		{"filtered", []assay.Finding{foreign("CVE-1", 0, "1.0.1")}, "a 1.0.1", 0, nil},
		{"not told here", []assay.Finding{foreign("X-1", 0, "1.5.0"), foreign("X-2", 0, "")}, "a 1.5.0", 1, []string{"X-2 no fix is published"}},
		{"told here and not", []assay.Finding{foreign("CVE-1", 0, "1.0.1"), foreign("X-1", 0, "1.5.0")}, "a 1.5.0", 0, nil},
		{"of another package", []assay.Finding{foreign("CVE-1", 0, "1.0.1"), foreign("X-3", 1, "")}, "a 1.0.1", 1, []string{"X-3 no fix is published"}},
	} {
		r := report(a, b)
		r.Findings = tt.findings
		p, err := plan.Make(t.Context(), r, known(r))
		if err != nil {
			t.Fatal(err)
		}
		var up, rest []string
		for _, u := range p.Upgrades {
			up = append(up, u.Name+" "+u.To)
		}
		for _, x := range append(p.Remaining, p.Introduced...) {
			rest = append(rest, x.ID+" "+x.Why)
		}
		if strings.Join(up, ", ") != tt.upgrades || p.After.Findings != tt.after || cmp.Diff(tt.remaining, rest) != "" {
			t.Errorf("%s: %v, %d findings after it, %v", tt.name, up, p.After.Findings, rest)
		}
	}
}

// TestUnlisted: a report that lists no other packages may have any manager.
func TestUnlisted(t *testing.T) {
	r := report(deb("libssl3", "3.0-1", "openssl"))
	r.Tool = assay.Tool{}
	if got := made(t, r, summarize{"CVE-1", "openssl", "", "3.0-2", 1}).Steps[0].Commands; len(got) != 2 || !strings.Contains(got[1], "apt-get satisfy") {
		t.Error(got)
	}
	jar := assay.Package{Type: assay.TypeMaven, Name: "com.google.guava:guava", Version: "31.1-jre", Path: "opt/a.jar", FoundBy: "java-archive"}
	if u := made(t, report(jar), summarize{"CVE-1", jar.Name, "", "32.0.0-android", 1}).Upgrades; len(u) != 1 || u[0].To != "32.0.0-jre" {
		t.Error(u)
	}
}

// TestManyPlaces: a package in thousands of projects is planned in time that
// grows with their number.
func TestManyPlaces(t *testing.T) {
	var all []assay.Package
	for i := range 5000 {
		all = append(all, npm(fmt.Sprintf("srv/p%d/node_modules/a", i), "1.0.0"))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a watchdog: it takes a tenth of a second
	defer cancel()
	r := report(all...)
	j := judge([]summarize{{"CVE-1", "a", "", "1.0.1", 1}})(r)
	before, err := j(ctx, r.Packages)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := plan.Make(ctx, before, j); err != nil || len(p.Steps) != len(all) {
		t.Error(err)
	}
}

// TestDockerfile: the upgrades run as root, the image does not.
func TestDockerfile(t *testing.T) {
	r := report(deb("apt", "2.6.1", ""), deb("x", "1", ""), npm("srv/node_modules/a", "1.0.0"))
	r.Image.RepoTags, r.Image.Config = []string{"example.org/app:1"}, []byte(`{"config":{"User":"app:app"}}`)
	faults := []summarize{{"CVE-1", "x", "", "2", 1}, {"CVE-2", "a", "", "1.0.1", 1}}
	want := []string{"FROM example.org/app:1", "USER root", "RUN apt-get update \\\n && apt-get satisfy -y --no-install-recommends 'x (>= 2)' \\\n && rm -rf /var/lib/apt/lists/*",
		"RUN cd /srv \\\n && npm install a@1.0.1", "USER app:app"}
	if d := cmp.Diff(want, made(t, r, faults...).Dockerfile); d != "" {
		t.Error(d)
	}
	r.Image.RepoTags, r.Image.Name, r.Image.Config = nil, "a b\nRUN x", []byte(`{"config":{"User":"0"}}`)
	if got := made(t, r, faults...).Dockerfile; got[0] != "FROM IMAGE" || slices.Contains(got, "USER root") {
		t.Error(got)
	}
	r.Kind = assay.KindFilesystem
	if got := made(t, r, faults...).Dockerfile; len(got) > 0 {
		t.Errorf("a folder has a Dockerfile: %v", got)
	}
}

// TestPlanText: nothing that the target tells moves the cursor, and all is reported.
func TestPlanText(t *testing.T) {
	r := report(deb("apt", "2.6.1", ""), deb("x", "1", ""), npm("srv\x1b[2J/node_modules/a", "1.0.0"))
	p := made(t, r, summarize{"CVE-1", "x", "", "2", 9.5}, summarize{"CVE-2", "a", "", "1.0.1", 1}, summarize{"CVE-3", "x", "", "", 2})
	for _, width := range []int{0, 40, 80, 200} {
		var b strings.Builder
		if err := p.Text(&b, width); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"3 findings, risk 12.5", "x 1 → 2", "CVE-1 (HIGH)", "apt-get satisfy", "Remaining (1)", "CVE-3 in x (HIGH)"} {
			if !strings.Contains(strings.Join(strings.Fields(b.String()), " "), want) {
				t.Errorf("%d columns: no %q in\n%s", width, want, b.String())
			}
		}
		if strings.ContainsRune(b.String(), '\x1b') {
			t.Errorf("%d columns: an escape sequence", width)
		}
	}
}

package match_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// world is a random inventory, and advisories about it.
func world(r *rand.Rand) (*assay.Inventory, memory) {
	inv := &assay.Inventory{Release: pick(r, releases...)}
	kind := map[string]string{"debian": "deb", "ubuntu": "deb", "alpine": "apk", "wolfi": "apk"}[inv.Release.ID]
	if kind == "" {
		kind = "rpm"
	}
	for range 1 + r.IntN(4) {
		inv.Packages = append(inv.Packages, systemPackage(r, kind))
	}
	for n := len(inv.Packages); len(inv.Packages) < n+r.IntN(5); {
		inv.Packages = append(inv.Packages, otherPackage(r, inv.Packages[r.IntN(n)].PURL))
	}
	streams, _ := match.Streams(inv, match.Options{})
	db := memory{}
	for _, s := range slices.Concat(streams, []assay.Stream{"pypi", "go", "npm", assay.StreamCPE, "debian:11"}) {
		db = append(db, adv("CVE-0", row(s, "no package's name")))
	}
	for range 1 + r.IntN(14) {
		db = append(db, randomAdvisory(r, streams))
	}
	if len(streams) > 0 && r.IntN(3) == 0 { // one vulnerability of an owner and of what it owns
		a := adv("CVE-1", fix(streams[0], inv.Packages[0].Name, "9.0-1"))
		db = append(db, a, adv("GHSA-9", row("pypi", "a", assay.Range{}), aliases("CVE-1")))
	}
	return inv, db
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

var releases = []assay.Release{release("debian", "12"), release("ubuntu", "22.04"), release("alpine", "3.19.1"), release("wolfi", ""), release("amzn", "2"), release("amzn", "2"),
	release("almalinux", "8.9"), release("ol", "8.9"), contents(el9, "baseos"), el9, release("plan9", "")}

var randomVersions = []string{"1.0-1", "1.0-2", "1.0-3.el9_2", "1.0-4.el9_2", "1.0-5.el9_3", "2.0-1", "a b", "1.0-1.root.io.1", "1.0-r10071", "1.0_fips-1"}

func systemPackage(r *rand.Rand, kind string) assay.Package {
	p := pkg(kind, pick(r, "a", "b", "src", "linux-libc-dev", "seal-a"), pick(r, randomVersions...), arch(pick(r, "", "x86_64", "aarch64")))
	p.Source = pick(r, "", "src", "linux")
	if r.IntN(8) == 0 {
		p.ThirdParty = "published by another"
	}
	if r.IntN(4) == 0 {
		p.Module = "m:1:2"
	}
	return p
}

func otherPackage(r *rand.Rand, owner string) assay.Package {
	version := pick(r, "1.0.0", "1.2.0", "2.0.0", "", "a b")
	var p assay.Package
	switch r.IntN(4) {
	case 0:
		p = of("golang", pick(r, "a", "b"), version, func(p *assay.Package) { p.OS, p.Arch = "linux", "amd64" })
		if r.IntN(2) == 0 {
			p.Symbols = symbols("a.F")
		}
	case 1:
		p = of("pypi", pick(r, "a", "b"), version)
	case 2:
		p = of("npm", pick(r, "a", "b"), version)
	default:
		p = program("nginx", "1.20.0", "cpe:2.3:a:f5:nginx:1.20.0:*:*:*:*:*:*:*", "cpe:2.3:a:nginx:nginx:1.20.0:*:*:*:*:*:*:*")
	}
	if r.IntN(2) == 0 {
		p.Owner = owner
	}
	return p
}

func randomAdvisory(r *rand.Rand, streams []assay.Stream) assay.Advisory {
	name := func() string { return fmt.Sprintf("%s-%d", pick(r, "CVE", "CVE", "GHSA", "X"), 1+r.IntN(4)) }
	a := assay.Advisory{ID: name(), Feed: pick(r, "one", "two"), Severity: assay.Severity(r.IntN(6))}
	for range r.IntN(3) {
		a.Aliases = append(a.Aliases, name())
	}
	if r.IntN(6) == 0 {
		a.VendorIDs = []string{fmt.Sprintf("V-%d", r.IntN(3))}
	}
	if r.IntN(8) == 0 {
		a.Kind = pick(r, assay.KindMalware, assay.KindUnsound, assay.KindNotice)
	}
	if r.IntN(10) == 0 {
		a.Withdrawn = time.Unix(1, 0)
	}
	for range 1 + r.IntN(3) {
		s := pick(r, append(slices.Clone(streams), "pypi", "go", assay.StreamCPE)...)
		a.Affected = append(a.Affected, randomRow(r, s))
	}
	return a
}

func randomRow(r *rand.Rand, s assay.Stream) assay.Affected {
	a := assay.Affected{Stream: s, Name: pick(r, "a", "b", "src", "linux", "linux-libc-dev", "seal-a"), Status: pick(r, assay.StatusAffected, assay.StatusAffected, assay.StatusAffected, assay.StatusNotAffected, assay.StatusUnknown, assay.StatusWillNotFix)}
	versions := randomVersions
	switch s {
	case "pypi", "go", "npm", assay.StreamCPE:
		versions = []string{"1.0.0", "1.1.0", "1.2.0", "2.0.0", "a b"}
		if s == assay.StreamCPE {
			a.Name = pick(r, "f5:nginx", "nginx:nginx")
		}
		if r.IntN(4) == 0 {
			a.Reason = "unreviewed"
		}
		if r.IntN(3) == 0 {
			a.Qualifiers.Imports = []assay.Import{{Path: "a", Symbols: []string{pick(r, "F", "G")}}}
		}
		if r.IntN(6) == 0 {
			a.Qualifiers.OS = []string{pick(r, "linux", "windows")}
		}
	default:
		a.Qualifiers.Arches = pick(r, nil, nil, []string{"x86_64"}, []string{"src"})
		if s == "amazon:2" {
			a.Qualifiers.Repos = pick(r, nil, nil, []string{"amzn2extra-a"}, []string{"amzn2extra-a2"})
		}
		a.Qualifiers.CPEs = pick(r, nil, nil, nil, []string{baseos9})
		a.Qualifiers.Flavour = pick(r, "", "", "", "fips")
		a.Qualifiers.Module = pick(r, "", "", "", "m:1")
	}
	for range r.IntN(3) {
		a.Ranges = append(a.Ranges, assay.Range{Introduced: pick(r, "", "", pick(r, versions...)), Fixed: pick(r, "", pick(r, versions...))})
	}
	if r.IntN(4) == 0 {
		a.Versions = []string{pick(r, versions...)}
	}
	return a
}

// pairs lists packages with vulnerabilities.
func pairs(inv *assay.Inventory, res match.Result) (affected, suppressed map[string]string) {
	affected, suppressed = map[string]string{}, map[string]string{}
	for _, f := range res.Findings {
		affected[fmt.Sprintf("%d %s", f.Package, f.ID)] = f.FixedIn
	}
	for _, f := range res.Suppressed {
		if f.As == assay.StatusUnderInvestigation {
			continue
		}
		suppressed[fmt.Sprintf("%d %s", f.Package, f.ID)] = f.FixedIn
	}
	return affected, suppressed
}

// verdicts lists the same of judgements.
func verdicts(all []match.Judgement) (affected, suppressed map[string]string) {
	affected, suppressed = map[string]string{}, map[string]string{}
	for _, j := range all {
		switch j.Verdict {
		case match.VerdictAffected:
			affected[fmt.Sprintf("%d %s", j.Package, j.ID)] = j.Fix
		case match.VerdictSuppressed:
			suppressed[fmt.Sprintf("%d %s", j.Package, j.ID)] = j.Fix
		}
	}
	return affected, suppressed
}

// TestJudgementsAreTheResult: for random inventories and advisories, findings and
// suppressed entries are those that the judgements say, whether all are asked
// for, or those on one vulnerability, or on one advisory.
func TestJudgementsAreTheResult(t *testing.T) {
	rules := map[match.Rule]int{}
	for seed := range uint64(2500) {
		r := rand.New(rand.NewPCG(seed, 1))
		inv, db := world(r)
		o := match.Options{Comprehensive: r.IntN(4) == 0, AllSymbols: r.IntN(4) == 0, KernelHeaders: r.IntN(4) == 0}
		want, err := match.Packages(t.Context(), inv, db, o)
		res, all, err2 := match.Judge(t.Context(), inv, db, o)
		if err != nil || err2 != nil || !cmp.Equal(want, res) {
			t.Fatalf("%d: %v %v: the result differs where judgements are asked for: %s", seed, err, err2, cmp.Diff(want, res))
		}
		affected, suppressed := pairs(inv, res)
		a, s := verdicts(all)
		if !cmp.Equal(a, affected) || !cmp.Equal(s, suppressed) {
			t.Fatalf("%d: findings (-result +judgements):\n%s\nsuppressed:\n%s", seed, cmp.Diff(affected, a), cmp.Diff(suppressed, s))
		}
		for _, f := range res.Suppressed {
			if f.As == assay.StatusUnderInvestigation && !slices.ContainsFunc(all, func(j match.Judgement) bool {
				return j.Rule == match.RuleUndetermined && j.Package == f.Package && j.Advisory.ID == f.ID
			}) {
				t.Fatalf("%d: %s is under investigation, and no judgement says so", seed, f.ID)
			}
		}
		for i := range all {
			rules[all[i].Rule]++
			if all[i].Because() == "" {
				t.Fatalf("%d: no words for %+v", seed, all[i])
			}
		}
		everyRow(t, seed, inv, db, all)
		declared(t, seed, inv, all)
		byName(t, seed, inv, db, res, o)
		byAdvisory(t, seed, inv, db, affected, o)
	}
	for _, rule := range []match.Rule{match.RuleVersion, match.RuleDeclared, match.RuleOutweighed, match.RuleMinorRelease, match.RulePlatform, match.RuleRepository, match.RuleSourceName,
		match.RuleRebuilder, match.RuleThirdParty, match.RuleOwner, match.RuleOwnerFinding, match.RuleOtherName, match.RuleUnreachable, match.RuleKernelHeaders, match.RuleWithdrawn,
		match.RuleUnreviewed, match.RuleNotice, match.RuleUndetermined, match.RuleIncomparable, match.RuleInstalledVersion, match.RuleFlavour} {
		if rules[rule] == 0 {
			t.Errorf("no case of rule %s", rule)
		}
	}
}

// everyRow holds that each row that names a package of a registry, or a source
// package of Debian's kin, has a judgement.
func everyRow(t *testing.T, seed uint64, inv *assay.Inventory, db memory, all []match.Judgement) {
	t.Helper()
	judged := map[string]bool{}
	for _, j := range all {
		judged[fmt.Sprintf("%d %s %s %s %s %v", j.Package, j.Advisory.ID, j.Advisory.Feed, j.Row.Stream, j.Row.Name, j.Row.Ranges)] = true
	}
	registries := map[string]assay.Stream{"golang": "go", "pypi": "pypi", "npm": "npm"}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		stream, name := registries[p.Type], p.Name
		if p.Type == "deb" && inv.Release.ID == "debian" && p.Name != "seal-a" && !strings.Contains(p.Version, "root") {
			stream, name = "debian:12", p.SourceName()
		}
		for _, a := range db {
			for _, row := range a.Affected {
				if key := fmt.Sprintf("%d %s %s %s %s %v", i, a.ID, a.Feed, row.Stream, row.Name, row.Ranges); row.Stream == stream && row.Name == name && !judged[key] {
					t.Fatalf("%d: no judgement of %s", seed, key)
				}
			}
		}
	}
}

// declared holds that nothing about a vulnerability is unknown where a registry's
// advisory says that the package is not affected.
func declared(t *testing.T, seed uint64, inv *assay.Inventory, all []match.Judgement) {
	t.Helper()
	by := map[string]bool{}
	key := func(j *match.Judgement) string { return fmt.Sprintf("%d %s", j.Package, j.ID) }
	for i := range all {
		if p := &inv.Packages[all[i].Package]; !p.IsSystem() && p.Type != "generic" && all[i].Rule == match.RuleDeclared {
			by[key(&all[i])] = true
		}
	}
	for i := range all {
		if by[key(&all[i])] && all[i].Verdict == match.VerdictUnknown {
			t.Fatalf("%d: package %d, %s: unknown (%s), and declared", seed, all[i].Package, all[i].ID, all[i].Rule)
		}
	}
}

// byName asks for each vulnerability by each of its names.
func byName(t *testing.T, seed uint64, inv *assay.Inventory, db memory, res match.Result, o match.Options) {
	t.Helper()
	for _, name := range []string{"CVE-1", "cve-2", "GHSA-1", "X-1", "V-1"} {
		var about match.Result
		has := func(f *assay.Finding) bool {
			return slices.ContainsFunc(slices.Concat([]string{f.ID}, f.Aliases, f.VendorIDs), func(n string) bool { return strings.EqualFold(n, name) })
		}
		for i := range res.Findings {
			if has(&res.Findings[i]) {
				about.Findings = append(about.Findings, res.Findings[i])
			}
		}
		for i := range res.Suppressed {
			if has(&res.Suppressed[i].Finding) {
				about.Suppressed = append(about.Suppressed, res.Suppressed[i])
			}
		}
		all, err := match.Vulnerability(t.Context(), inv, []string{name}, db, db, o)
		if err != nil {
			t.Fatal(err)
		}
		affected, suppressed := pairs(inv, about)
		a, s := verdicts(all)
		if !cmp.Equal(a, affected) || !cmp.Equal(s, suppressed) {
			t.Fatalf("%d: %s: findings (-result +judgements):\n%s\nsuppressed:\n%s", seed, name, cmp.Diff(affected, a), cmp.Diff(suppressed, s))
		}
	}
}

// byAdvisory asks which packages each advisory hits: together all findings.
func byAdvisory(t *testing.T, seed uint64, inv *assay.Inventory, db memory, affected map[string]string, o match.Options) {
	t.Helper()
	hit := map[string]string{}
	for i := range db {
		all, err := match.Advisory(t.Context(), inv, &db[i], db, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range all {
			if j.Advisory.ID != db[i].ID || j.Advisory.Feed != db[i].Feed {
				t.Fatalf("%d: a judgement of %s among those of %s", seed, j.Advisory.ID, db[i].ID)
			}
		}
		a, _ := verdicts(all)
		maps.Copy(hit, a)
	}
	if !cmp.Equal(hit, affected) {
		t.Fatalf("%d: findings (-scan +by advisory):\n%s", seed, cmp.Diff(affected, hit))
	}
}

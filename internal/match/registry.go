package match

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
)

// This file matches language packages with their registries' advisories. One matching
// advisory on a vulnerability makes a finding; one that says "not affected" prevents
// it.

// registriesOf groups the packages of an inventory by the stream of their registry;
// bare binaries are matched with NVD. The gap counts the packages without a registry
// that are no OS packages.
func registriesOf(inv *assay.Inventory, o Options) ([]registryMatcher, *assay.Gap) {
	var found []registryMatcher
	var foreign []string
	n := 0
	covered := CoveredByDistro(inv, o)
	family, _, _ := distribution(byDistribution(inv)[0])
	byEcosystem := map[*ecosystem.Ecosystem]int{}
	of := func(e *ecosystem.Ecosystem) *registryMatcher {
		at, ok := byEcosystem[e]
		if !ok {
			at = len(found)
			byEcosystem[e] = at
			found = append(found, registryMatcher{ecosystem: e, options: o})
		}
		return &found[at]
	}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if p.IsSystem() {
			continue
		}
		e, ok := ecosystem.OfType(p.Type)
		isCovered := p.Owner != "" && covered[p.Owner] && (!ok || family.Exhaustive(inv.Release))
		if !ok && len(p.CPEs) > 0 {
			e, ok = products, true
		}
		switch {
		case isCovered:
			if ok {
				r := of(e)
				r.covered = append(r.covered, i)
			}
		case ok:
			r := of(e)
			r.packages = append(r.packages, i)
		default:
			n++
			if name := cmp.Or(p.Type, "none"); !slices.Contains(foreign, name) {
				foreign = append(foreign, name)
			}
		}
	}
	slices.SortFunc(found, func(a, b registryMatcher) int { return cmp.Compare(a.ecosystem.Stream, b.ecosystem.Stream) })
	if n == 0 {
		return found, nil
	}
	slices.Sort(foreign)
	where, what := "packages of "+some(foreign, "type", "types"), fmt.Sprintf("no advisories for these package types; %d packages are listed, not checked", n)
	if len(foreign) == 1 {
		what = strings.Replace(what, "these package types", "this package type", 1)
	}
	if n == 1 {
		what = strings.Replace(what, "packages are", "package is", 1)
	}
	return found, &assay.Gap{Where: where, What: what}
}

// CoveredByDistro lists the PURLs of the OS packages that the distribution's advisories
// cover: these also cover what the packages own.
func CoveredByDistro(inv *assay.Inventory, o Options) map[string]bool {
	inv = byDistribution(inv)[0]
	family, _, _ := distribution(inv)
	if family == nil || o.Comprehensive {
		return nil
	}
	covered := map[string]bool{}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.IsSystem() && p.ThirdParty == "" {
			covered[p.PURL] = true
		}
	}
	return covered
}

func judgeRegistries(ctx context.Context, inv *assay.Inventory, s store, o Options, d *distroMatcher) (out Result, err error) {
	registries, gap := registriesOf(inv, o)
	owners := ownersOf(inv, o, d)
	for i := range registries {
		m := &registries[i]
		if m.versions, err = newComparer(m.ecosystem.Stream, m.ecosystem.Scheme); err != nil {
			return Result{}, err
		}
		m.store, m.release, m.owners = s, inv.Release, owners
		if err := m.judge(ctx, inv); err != nil {
			return Result{}, err
		}
		out.Findings, out.Gaps = append(out.Findings, m.findings...), append(out.Gaps, m.gaps.all...)
		out.Suppressed = append(out.Suppressed, m.suppressed...)
	}
	if gap != nil {
		out.Gaps = append(out.Gaps, *gap)
	}
	return out, nil
}

// judge judges all requested packages of the ecosystem.
func (m *registryMatcher) judge(ctx context.Context, inv *assay.Inventory) error {
	m.gaps.stream, m.known = m.ecosystem.Stream, map[string][]vulnerability{}
	if err := m.findGroups(ctx, inv); err != nil {
		return err
	}
	for _, i := range m.packages {
		if err := m.judgePackage(ctx, i, &inv.Packages[i]); err != nil {
			return err
		}
	}
	if err := m.visitCovered(ctx, inv); err != nil {
		return err
	}
	m.sum()
	return nil
}

// registryMatcher matches the packages of one ecosystem.
type registryMatcher struct {
	ecosystem *ecosystem.Ecosystem
	release   assay.Release
	options   Options
	packages  []int // in the inventory
	covered   []int // in the inventory; the distribution's advisories alone decide about them
	versions  *comparer
	store     store
	gaps      gapList
	known     map[string][]vulnerability // by name
	owners    *owners                    // nil where the registries alone decide

	byArtifact map[string][]string // names in the stream of the artifacts without a group; nil if unknown
	notices    []string            // of advisories that are notices, not vulnerabilities

	rows      []Judgement     // about the current vulnerability; reused
	matching  []*Judgement    // rows that contain the installed version; reused
	otherName map[string]bool // vulnerabilities that the current package has under another of its names

	findings   []assay.Finding
	suppressed []assay.Suppressed
}

var (
	errNoVersion = errors.New("the version is unknown")
	errLocal     = errors.New("it is built from a directory of the project")
)

// isLocal reports whether a package is a directory of the project that stands for a
// package of the registry: what it contains is no version of that.
func isLocal(p *assay.Package) bool {
	return p.Relation == assay.RelationWorkspace && p.Version == ""
}

// targets lists the names of a package: NVD may have several.
func (m *registryMatcher) targets(i int, p *assay.Package) []*target {
	all := []*target{{name: m.ecosystem.Name(p.Name), version: m.ecosystem.Version(p.Name, p.Version)}}
	if m.ecosystem == products {
		all = productsOf(p)
	} else {
		m.withGroup(all[0], p)
	}
	for _, t := range all {
		t.pkg, t.index = p, i
	}
	return all
}

func (m *registryMatcher) subject(t *target) subject { return subject{m.ecosystem.Stream, t.name} }

// subjects lists what is looked up for a package.
func (m *registryMatcher) subjects(p *assay.Package) (all []subject) {
	for _, t := range m.targets(0, p) {
		all = append(all, m.subject(t))
	}
	return all
}

// judgePackage judges one package by all advisories about any of its names.
func (m *registryMatcher) judgePackage(ctx context.Context, i int, p *assay.Package) error {
	if !m.store.request.wants(m.subjects, p) {
		return nil
	}
	targets := m.targets(i, p)
	m.reportGroup(p)
	m.otherName = nil
	if len(targets) > 1 {
		m.otherName = map[string]bool{}
	}
	for _, t := range targets {
		if err := m.judgeTarget(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// judgeTarget judges a package by one name.
func (m *registryMatcher) judgeTarget(ctx context.Context, t *target) error {
	all, err := m.vulnerabilities(ctx, t.name)
	if err != nil {
		return err
	}
	m.store.visitWithdrawn(t, m.subject(t))
	if len(all) == 0 {
		return nil
	}
	switch {
	case isLocal(t.pkg):
		t.bad = errLocal
	case t.version == "":
		t.bad = errNoVersion
	default:
		t.installed, t.bad = m.versions.place(t.version)
	}
	distro, err := m.owners.verdict(ctx, t.pkg)
	if err != nil {
		return err
	}
	open := 0
	for j := range all {
		if !m.judgeVulnerability(t, &all[j], distro) {
			open++
		}
	}
	if open > 0 {
		m.gaps.add("package "+strings.TrimSpace(t.pkg.Name+" "+t.pkg.Version), fmt.Sprintf(
			"its version cannot be compared with %d of the %d known vulnerabilities of %s: %v", open, len(all), t.name, t.bad))
	}
	return nil
}

// vulnerabilities looks up a name; its advisories are grouped once.
func (m *registryMatcher) vulnerabilities(ctx context.Context, name string) ([]vulnerability, error) {
	if all, ok := m.known[name]; ok {
		return all, nil
	}
	advisories, _, err := m.store.lookup(ctx, subject{m.ecosystem.Stream, name})
	if err != nil {
		return nil, err
	}
	if m.ecosystem == products {
		advisories = normalizeVersions(name, advisories)
	}
	all := vulnerabilities(advisories)
	if m.ecosystem.Type == assay.TypeGo {
		decideByGo(name, all)
	}
	m.known[name] = all
	return all, nil
}

// judgeVulnerability judges a package by all rows about one vulnerability. ok is false
// where the installed version cannot be compared and the result depends on it.
func (m *registryMatcher) judgeVulnerability(t *target, v *vulnerability, distro *distroVerdict) (ok bool) {
	m.judgeRows(t, v)
	m.matching = m.matching[:0]
	var declared *Judgement
	for i := range m.rows {
		switch j := &m.rows[i]; {
		case j.Rule == RuleDeclared && declared == nil:
			declared = j
		case j.Verdict == VerdictAffected:
			m.matching = append(m.matching, j)
		}
	}
	ok = true
	switch {
	case declared != nil:
		if m.store.request != nil {
			m.outweigh(declared)
		}
	case len(m.matching) > 0:
		m.derive(t, v, distro)
	default:
		ok = m.deriveGaps(t)
	}
	m.visit(v)
	return ok
}

// judgeRows judges each row by itself. It visits at once the rows that no longer count:
// those about other builds, and those outweighed by another advisory.
func (m *registryMatcher) judgeRows(t *target, v *vulnerability) {
	m.rows = m.rows[:0]
	for n, a := range v.advisories {
		for i := range a.Affected {
			j := Judgement{Package: t.index, ID: v.id, Advisory: a, Row: &a.Affected[i], of: t}
			switch {
			case v.outweighed != nil && v.outweighed[n] != "":
				j.decide(VerdictNotAffected, v.outweighed[n])
			case !m.applies(t, &j.Row.Qualifiers):
				j.decide(VerdictNotAffected, RulePlatform)
			default:
				m.judgeRow(t, &j)
				m.rows = append(m.rows, j)
				continue
			}
			if m.store.request != nil {
				m.store.request.take(&j, v.aliases, v.vendorIDs())
			}
		}
	}
}

// judgeRow judges one row by itself.
func (m *registryMatcher) judgeRow(t *target, j *Judgement) {
	j.compare(m.find(t, j.Row))
	switch {
	case j.Verdict == VerdictUnknown && j.cause != nil && t.bad != nil:
		j.Rule = RuleInstalledVersion
	case j.cause == nil && j.Rule != RuleDeclared && (j.Verdict != VerdictNotAffected) && j.Advisory.Kind != assay.KindVulnerability && j.Advisory.Kind != assay.KindMalware:
		j.decide(VerdictNotAffected, RuleNotice)
	}
}

// find returns the range or version of a row that contains the target. A listed version
// counts even where it cannot be compared. A target that cannot be compared is only what
// has the same text, or is in the range of all versions.
func (m *registryMatcher) find(t *target, row *assay.Affected) (*assay.Range, error) {
	if t.version != "" && slices.Contains(row.Versions, t.version) {
		return only(t.version), nil
	}
	if t.bad == errLocal {
		return nil, t.bad
	}
	if t.bad != nil {
		r, ok := findText(row, t.version)
		if r == nil && (!ok || len(row.Versions) > 0) {
			return nil, t.bad
		}
		return r, nil
	}
	return m.findVersion(row, t.installed)
}

// findVersion returns the range or version that contains a version. Listed versions that
// cannot be compared count as other versions.
func (m *registryMatcher) findVersion(row *assay.Affected, in installed) (*assay.Range, error) {
	r, err := m.versions.findRange(row.Ranges, in)
	if r != nil {
		return r, nil
	}
	for _, v := range row.Versions {
		if k, bad := m.versions.key(v); bad == nil && m.versions.compare(in, v, k) == 0 {
			return only(v), nil
		}
	}
	return nil, err
}

// derive makes the finding of the matching rows, or a suppressed entry: the owner's
// distribution may decide, the vulnerable code may be absent, or another name of the
// package may have the finding already.
func (m *registryMatcher) derive(t *target, v *vulnerability, distro *distroVerdict) {
	f := m.finding(t, v)
	verdict, rule, detail, ok := distro.verdictFor(f)
	if !ok {
		if detail = m.unreachable(t, v); detail != "" {
			verdict, rule = VerdictSuppressed, RuleUnreachable
		} else if verdict, rule = VerdictAffected, RuleVersion; m.otherName[f.ID] {
			verdict, rule, detail = VerdictNotAffected, RuleOtherName, "the package has the finding under another of its CPE names"
		}
	}
	switch verdict {
	case VerdictSuppressed:
		m.suppressed = append(m.suppressed, suppressed(*f, detail))
	case VerdictAffected:
		if m.otherName != nil {
			m.otherName[f.ID] = true
		}
		m.findings = append(m.findings, *f)
		if m.store.request != nil {
			detail = m.linked(t)
		}
	}
	m.settle(verdict, rule, detail, f.FixedIn)
}

// settle gives the matching rows their common verdict.
func (m *registryMatcher) settle(v Verdict, r Rule, detail, fix string) {
	for _, j := range m.matching {
		j.decide(v, r)
		j.detail = detail
		if v != VerdictNotAffected {
			j.Fix = fix
		}
	}
}

// outweigh decides the rows that would be findings or gaps: "not affected" wins.
func (m *registryMatcher) outweigh(declared *Judgement) {
	c := clearance{rule: RuleOutweighed, by: declared.Advisory}
	detail := c.String()
	for i := range m.rows {
		if j := &m.rows[i]; j.Verdict != VerdictNotAffected {
			j.decide(VerdictNotAffected, RuleOutweighed)
			j.detail = detail
		}
	}
}

// noticed says what a notice means for a package.
var noticed = map[assay.Kind]string{
	assay.KindUnmaintained: "is unmaintained",
	assay.KindUnsound:      "is unsound",
	assay.KindNotice:       "has a notice",
}

// deriveGaps makes gaps of rows that cannot be judged, where none matches.
func (m *registryMatcher) deriveGaps(t *target) (ok bool) {
	ok = true
	for i := range m.rows {
		switch j := &m.rows[i]; j.Rule {
		case RuleInstalledVersion:
			ok = false
		case RuleIncomparable:
			m.gaps.addIncomparable(j, t.name)
		}
	}
	for i := range m.rows {
		if j := &m.rows[i]; j.Rule == RuleNotice {
			m.notices = append(m.notices, fmt.Sprintf("%s %s %s (%s)", t.pkg.Name, t.pkg.Version, noticed[j.Advisory.Kind], j.Advisory.ID))
		}
	}
	m.suppressed = append(m.suppressed, undetermined(m.rows)...)
	return ok
}

// visit visits the judgements on the current vulnerability.
func (m *registryMatcher) visit(v *vulnerability) {
	r := m.store.request
	if r == nil {
		return
	}
	ids := v.vendorIDs()
	for i := range m.rows {
		r.take(&m.rows[i], v.aliases, ids)
	}
}

// visitCovered visits the rows about packages that the distribution's advisories alone
// decide about.
func (m *registryMatcher) visitCovered(ctx context.Context, inv *assay.Inventory) error {
	if m.store.request == nil {
		return nil
	}
	for _, i := range m.covered {
		p := &inv.Packages[i]
		if !m.store.request.wants(m.subjects, p) {
			continue
		}
		for _, t := range m.targets(i, p) {
			all, err := m.vulnerabilities(ctx, t.name)
			if err != nil {
				if errors.Is(err, assay.ErrNotFound) { // a scan does not need the stream
					continue
				}
				return err
			}
			m.store.visitWithdrawn(t, m.subject(t))
			for k := range all {
				v := &all[k]
				for _, a := range v.advisories {
					for n := range a.Affected {
						m.store.request.take(&Judgement{Package: i, ID: v.id, Advisory: a, Row: &a.Affected[n], Verdict: VerdictNotAffected, Rule: RuleOwner, of: t,
							detail: "owned by OS package " + p.Owner + "; the distribution's advisories decide about it, not the registry's"}, v.aliases, v.vendorIDs())
					}
				}
			}
		}
	}
	return nil
}

// sum makes gaps of what was counted.
func (m *registryMatcher) sum() {
	slices.Sort(m.notices)
	if all := slices.Compact(m.notices); len(all) > 0 {
		m.gaps.add(string(m.ecosystem.Stream), "notices, not listed as findings: "+some(all, "", ""))
	}
}

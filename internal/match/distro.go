package match

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
)

// This file matches OS packages with their distribution's advisories.

// distroMatcher matches the packages of one distribution.
type distroMatcher struct {
	family   *distro.Family
	release  assay.Release
	stream   assay.Stream
	options  Options
	versions *comparer
	store    store
	gaps     gapList
	products []string            // CPEs of the repositories that packages come from; empty: all count
	usual    map[subject]string  // highest fix in the usual repositories, where extra ones have fixes, too
	foreign  map[string][]string // packages that are not the distribution's, by reason

	rows   []Judgement    // of the current package; reused
	groups []group        // candidate findings; reused
	byID   map[string]int // index in groups

	findings   []assay.Finding
	suppressed []assay.Suppressed
}

// A group combines all rows about one vulnerability of a package.
type group struct {
	finding assay.Finding
	best    int // index in rows of the one with the fix that counts
	verdict Verdict
	rule    Rule
	detail  string
}

// judgeDistro judges the OS packages. The matcher is nil where no advisories cover
// them; then the gaps say why.
func judgeDistro(ctx context.Context, inv *assay.Inventory, advisories assay.Advisories, o Options, r *request) (*distroMatcher, []assay.Gap, error) {
	family, stream, gap := distribution(inv)
	if gap != nil {
		return nil, []assay.Gap{*gap}, nil
	}
	if family == nil {
		return nil, nil, nil
	}
	d, err := newDistroMatcher(family, stream, inv.Release, o)
	if err != nil {
		return nil, nil, err
	}
	d.store = store{advisories: advisories, request: r}
	return d, nil, d.judge(ctx, inv)
}

func newDistroMatcher(family *distro.Family, stream assay.Stream, release assay.Release, o Options) (*distroMatcher, error) {
	versions, err := newComparer(stream, family.Scheme)
	return &distroMatcher{family: family, release: release, stream: stream, options: o, versions: versions,
		gaps: gapList{stream: stream}, usual: map[subject]string{}, byID: map[string]int{}}, err
}

// judge judges all requested OS packages.
func (d *distroMatcher) judge(ctx context.Context, inv *assay.Inventory) error {
	if err := d.findProducts(ctx, inv.Release); err != nil {
		return err
	}
	r := d.store.request
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if !p.IsSystem() || !r.wants(d.subjects, p) && !r.owners[p.PURL] {
			continue
		}
		if err := d.judgePackage(ctx, i, p); err != nil {
			return err
		}
	}
	d.sum()
	return nil
}

// judgePackage judges one package by all advisories about it.
func (d *distroMatcher) judgePackage(ctx context.Context, i int, p *assay.Package) error {
	t := d.target(i, p)
	if p.ThirdParty != "" {
		if d.foreign == nil {
			d.foreign = map[string][]string{}
		}
		d.foreign[p.ThirdParty] = append(d.foreign[p.ThirdParty], p.Name)
		return d.visitThirdParty(ctx, t)
	}
	advisories, err := d.published(ctx, t)
	if err != nil || len(advisories) == 0 {
		return err
	}
	where := "package " + p.Name + " " + p.Version
	if d.isOtherFlavour(t, advisories) {
		d.gaps.add(where, fmt.Sprintf("it is a %s build, and none of the %d advisories about %s is about such builds", distro.Flavour(t.version), len(advisories), t.name))
		d.store.visit(t, advisories, VerdictUnknown, RuleFlavour, "the package is a "+distro.Flavour(t.version)+" build, and no advisory is about such builds")
		return nil
	}
	if t.bad != nil {
		d.gaps.add(where, fmt.Sprintf("its version cannot be compared with the %d advisories about %s: %v", len(advisories), t.name, t.bad))
		if d.store.request == nil {
			return nil
		}
	}
	d.judgeRows(t, advisories)
	d.group()
	d.weigh(t)
	d.derive(t)
	d.visit()
	return nil
}

// target returns a package as the distribution's advisories name it.
func (d *distroMatcher) target(i int, p *assay.Package) *target {
	t := &target{pkg: p, index: i}
	t.name, t.version = d.family.Subject(p)
	t.installed, t.bad = d.versions.place(t.version)
	return t
}

// judgeRows judges each row by itself.
func (d *distroMatcher) judgeRows(t *target, advisories []assay.Advisory) {
	n := 0
	for j := range advisories {
		n += len(advisories[j].Affected)
	}
	d.rows = slices.Grow(d.rows[:0], n)
	for j := range advisories {
		a := &advisories[j]
		for k := range a.Affected {
			d.rows = append(d.rows, Judgement{Package: t.index, ID: a.ID, Advisory: a, Row: &a.Affected[k], of: t})
			d.judgeRow(t, &d.rows[len(d.rows)-1])
		}
	}
}

// judgeRow judges one row by itself.
func (d *distroMatcher) judgeRow(t *target, j *Judgement) {
	switch {
	case !d.family.Applies(t.pkg, j.Row, d.products):
		j.decide(VerdictNotAffected, RulePlatform)
	case d.isElsewhere(j.Row, t.version):
		j.decide(VerdictNotAffected, RuleRepository)
	case t.bad != nil:
		j.cause = t.bad
		j.decide(VerdictUnknown, RuleInstalledVersion)
	default:
		j.compare(d.versions.find(j.Row, t.installed))
	}
}

// group combines all applicable rows about one vulnerability into one candidate. The
// row with the highest fix counts, first within each advisory, then among advisories,
// because a lower fix was incomplete.
func (d *distroMatcher) group() {
	d.groups = d.groups[:0]
	if len(d.byID) > maxReused {
		d.byID = map[string]int{}
	}
	clear(d.byID)
	for i := 0; i < len(d.rows); {
		a, best := d.rows[i].Advisory, -1
		for ; i < len(d.rows) && d.rows[i].Advisory == a; i++ {
			if d.rows[i].Verdict == VerdictAffected && (best < 0 || d.versions.isLater(d.rows[i].by.Fixed, d.rows[best].by.Fixed)) {
				best = i
			}
		}
		if best >= 0 {
			d.merge(best)
		}
	}
}

// maxReused bounds the map that is cleared for each package: the kernel's is large.
const maxReused = 1 << 10

// merge adds the finding of a row to those of its package.
func (d *distroMatcher) merge(row int) {
	f := finding(&d.rows[row])
	at, ok := d.byID[f.ID]
	if !ok {
		d.byID[f.ID] = len(d.groups)
		d.groups = append(d.groups, group{finding: f, best: row, verdict: VerdictAffected, rule: RuleVersion})
		return
	}
	g := &d.groups[at]
	old := &g.finding
	ids, aliases := union(old.VendorIDs, f.VendorIDs), union(old.Aliases, f.Aliases)
	severity, source := old.Severity, old.SeveritySource
	if f.Severity > severity {
		severity, source = f.Severity, f.SeveritySource
	}
	if d.versions.isLater(f.FixedIn, old.FixedIn) {
		*old, g.best = f, row
	}
	old.VendorIDs, old.Aliases, old.Severity, old.SeveritySource = ids, aliases, severity, source
}

// finding returns the finding of a row, without Because.
func finding(j *Judgement) assay.Finding {
	a, row := j.Advisory, j.Row
	f := assay.Finding{ID: a.ID, Aliases: a.Aliases, VendorIDs: a.VendorIDs, Package: j.Package, FixedIn: j.by.Fixed, FixDate: row.FixDate, Status: row.Status,
		Severity: row.Severity, Stream: row.Stream, Feed: a.Feed, Publisher: a.Publisher, URL: a.URL}
	if f.Severity == assay.SeverityUnknown {
		f.Severity = a.Severity
	}
	if f.Severity != assay.SeverityUnknown {
		f.SeveritySource = a.Feed
	}
	if f.FixedIn != "" {
		f.Status = assay.StatusFixed
	}
	f.Detail = assay.Detail{ID: a.ID, Ratings: ratings(a), Title: a.Title, Text: a.Text, CVSS: a.CVSS, CWEs: a.CWEs, References: a.References, Published: a.Published, Modified: a.Modified}
	return f
}

// ratings returns the publisher's own rating of a vulnerability, whatever it affects.
func ratings(a *assay.Advisory) []assay.Rating {
	if a.Severity == assay.SeverityUnknown {
		return nil
	}
	return []assay.Rating{{Source: cmp.Or(a.Publisher, a.Feed), Severity: a.Severity}}
}

// A clearance says why a vulnerability does not affect a package.
type clearance struct {
	rule  Rule
	by    *assay.Advisory // the row that says "not affected"
	fixed string          // the fix built for the package's own minor release
}

func (c *clearance) String() string {
	if c.rule == RuleMinorRelease {
		return "the package holds the fix for its own minor release, " + c.fixed
	}
	return fmt.Sprintf("%s (%s) says that the package is not affected, which outweighs this record", c.by.ID, c.by.Feed)
}

// weigh decides each group: "not affected" wins, whichever publisher says it.
func (d *distroMatcher) weigh(t *target) {
	if len(d.groups) == 0 {
		return
	}
	cleared := map[string]clearance{}
	for i := range d.rows {
		j := &d.rows[i]
		if j.Rule != RuleDeclared || len(j.Row.Qualifiers.CPEs) > 0 { // a row about one product does not decide about another's package
			continue
		}
		c := clearance{rule: RuleOutweighed, by: j.Advisory}
		cleared[j.Advisory.ID] = c
		for _, id := range j.Advisory.Aliases {
			cleared[id] = c
		}
	}
	d.clearMinorRelease(t, cleared)
	headers := !d.options.KernelHeaders && isHeaders(t.pkg)
	for i := range d.groups {
		g := &d.groups[i]
		c, ok := clearanceOf(&g.finding, cleared)
		switch {
		case ok:
			g.verdict, g.rule, g.detail = VerdictNotAffected, c.rule, ""
			if d.store.request != nil {
				g.detail = c.String()
			}
		case headers:
			g.verdict, g.rule, g.detail = VerdictSuppressed, RuleKernelHeaders, headersReason
		}
	}
}

// clearanceOf returns what declares that all names of a finding do not affect the
// package: its ID, or each CVE among its aliases, because a notice may have several.
// Without CVEs one alias is enough: then all names mean one vulnerability.
func clearanceOf(f *assay.Finding, cleared map[string]clearance) (c clearance, ok bool) {
	if len(cleared) == 0 {
		return c, false
	}
	if c, ok = cleared[f.ID]; ok {
		return c, true
	}
	cves := false
	for _, id := range f.Aliases {
		if isCVE(id) {
			cves = true
			if c, ok = cleared[id]; !ok {
				return c, false
			}
		}
	}
	if cves {
		return c, true
	}
	for _, id := range f.Aliases {
		if c, ok = cleared[id]; ok {
			return c, true
		}
	}
	return c, false
}

// derive makes findings, suppressed entries and gaps from the judgements.
func (d *distroMatcher) derive(t *target) {
	for i := range d.rows {
		if j := &d.rows[i]; j.Rule == RuleIncomparable {
			d.gaps.addIncomparable(j, t.name)
		}
	}
	d.suppressed = append(d.suppressed, undetermined(d.rows)...)
	for i := range d.groups {
		g := &d.groups[i]
		if g.verdict == VerdictNotAffected {
			continue
		}
		f := g.finding
		f.Because = d.because(t, &d.rows[g.best])
		if g.verdict == VerdictSuppressed {
			d.suppressed = append(d.suppressed, suppressed(f, g.detail))
		} else {
			d.findings = append(d.findings, f)
		}
	}
}

// suppressed returns the suppressed finding of a package without the vulnerable code.
func suppressed(f assay.Finding, reason string) assay.Suppressed {
	return assay.Suppressed{Finding: f, Suppression: assay.Suppression{As: assay.StatusNotAffected, By: assay.SuppressedByMatch, Reason: reason}}
}

// undetermined returns the vulnerabilities of a package that the publisher investigates,
// each once, unless another row decides about them. They are no findings, and no gaps
// either, for nothing is left to look up.
func undetermined(rows []Judgement) (out []assay.Suppressed) {
	if !slices.ContainsFunc(rows, func(j Judgement) bool { return j.Rule == RuleUndetermined }) {
		return nil
	}
	decided := map[string]bool{}
	for i := range rows {
		if j := &rows[i]; j.Verdict == VerdictAffected || j.Verdict == VerdictSuppressed || j.Rule == RuleDeclared {
			decided[j.Advisory.ID] = true
			for _, id := range j.Advisory.Aliases {
				decided[id] = true
			}
		}
	}
	for i := range rows {
		j := &rows[i]
		if a := j.Advisory; j.Rule != RuleUndetermined || decided[a.ID] || slices.ContainsFunc(a.Aliases, func(id string) bool { return decided[id] }) {
			continue
		}
		decided[j.Advisory.ID] = true
		f := finding(j)
		f.Status, f.Because = assay.StatusUnderInvestigation, string(j.Row.Stream)+": "+j.Because()
		out = append(out, assay.Suppressed{Finding: f, Suppression: assay.Suppression{As: assay.StatusUnderInvestigation, By: cmp.Or(f.Publisher, f.Feed), Reason: j.Because()}})
	}
	return out
}

// because says in words what decided a finding.
func (d *distroMatcher) because(t *target, j *Judgement) string {
	var b strings.Builder
	kind := "package"
	if d.family.BySource {
		kind = "source package"
	}
	fmt.Fprintf(&b, "%s: %s %s is affected %s", j.Row.Stream, kind, t.name, interval(j.by))
	if j.Row.Reason != "" {
		fmt.Fprintf(&b, " (%s)", j.Row.Reason)
	}
	fmt.Fprintf(&b, "; installed is %s", t.version)
	if d.family.BySource && (t.name != t.pkg.Name || t.version != t.pkg.Version) {
		fmt.Fprintf(&b, " (from which %s %s was built)", t.pkg.Name, t.pkg.Version)
	}
	return b.String()
}

// visit visits the judgements of the current package, each with the result of its
// group.
func (d *distroMatcher) visit() {
	r := d.store.request
	if r == nil {
		return
	}
	for i := range d.rows {
		j := &d.rows[i]
		if j.Verdict != VerdictAffected {
			r.takeOwn(j)
			continue
		}
		g := &d.groups[d.byID[j.ID]]
		j.decide(g.verdict, g.rule)
		if g.verdict == VerdictNotAffected {
			j.detail = g.detail
			r.takeOwn(j)
			continue
		}
		j.Fix = g.finding.FixedIn
		if g.verdict == VerdictSuppressed {
			j.detail = g.detail
		}
		r.take(j, g.finding.Aliases, g.finding.VendorIDs)
	}
}

// visitThirdParty visits the rows about the name of a package that is not the
// distribution's.
func (d *distroMatcher) visitThirdParty(ctx context.Context, t *target) error {
	if d.store.request == nil {
		return nil
	}
	for _, s := range d.subjects(t.pkg) {
		all, err := d.lookup(ctx, s)
		if err != nil {
			return err
		}
		d.store.visitWithdrawn(t, s)
		d.store.visit(t, all, VerdictNotAffected, RuleThirdParty, "the package is not the distribution's ("+t.pkg.ThirdParty+")")
	}
	return nil
}

// sum makes gaps of what was counted.
func (d *distroMatcher) sum() {
	var reasons []string
	for reason := range d.foreign {
		reasons = append(reasons, reason)
	}
	slices.Sort(reasons)
	for _, reason := range reasons {
		names := d.foreign[reason]
		unchecked := fmt.Sprintf("%d packages are listed, not checked", len(names))
		if len(names) == 1 {
			unchecked = "1 package is listed, not checked"
		}
		d.gaps.add(some(names, "package", "packages"), fmt.Sprintf("not the distribution's (%s), so not covered by the advisories of %s; %s", reason, d.stream, unchecked))
	}
}

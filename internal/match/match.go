// Package match compares what is installed with what is published: packages
// with advisories, giving findings, and gaps where it cannot judge.
package match

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/version"
)

// Streams returns the streams of advisories that speak of an inventory: the
// distribution's first, then the ecosystems' in order. A gap tells what is
// installed of which none does; Packages tells it, too.
func Streams(inv *assay.Inventory, o Options) ([]assay.Stream, []assay.Gap) {
	var streams []assay.Stream
	var gaps []assay.Gap
	family, stream, gap := system(inv)
	if gap != nil {
		gaps = append(gaps, *gap)
	}
	if family != nil {
		streams = append(streams, stream)
		streams = append(streams, menders(inv, family)...)
		if family.Repositories != "" {
			streams = append(streams, family.Repositories)
		}
	}
	registries, gap := registriesOf(inv, o)
	for i := range registries {
		streams = append(streams, registries[i].ecosystem.Stream)
	}
	if gap != nil {
		gaps = append(gaps, *gap)
	}
	return streams, gaps
}

// Options is what a user may choose about matching. The zero value is what
// most want.
type Options struct {
	// Comprehensive matches packages of languages that a package of the system
	// brought by their registry's advisories, too, though the distribution may
	// have mended them without a new version.
	Comprehensive bool
	// AllSymbols keeps findings of functions that a binary does not link.
	AllSymbols bool
	// KernelHeaders keeps findings of the kernel in packages that hold its
	// headers only.
	KernelHeaders bool
}

// system finds the distribution's family and stream; no family and no gap when
// no package of a distribution is installed.
func system(inv *assay.Inventory) (*distro.Family, assay.Stream, *assay.Gap) {
	n := 0
	for i := range inv.Packages {
		if inv.Packages[i].IsSystem() {
			n++
		}
	}
	family, ok := distro.Of(inv.Release)
	switch {
	case n == 0:
		return nil, "", nil
	case inv.Release.ID == "":
		return nil, "", &assay.Gap{Where: "distribution", What: fmt.Sprintf("no file of the image tells which one it is; its %d system packages are not matched", n)}
	case !ok:
		return nil, "", &assay.Gap{Where: "distribution " + label(inv.Release), What: fmt.Sprintf("not supported; its %d system packages are not matched", n)}
	}
	stream := family.Stream(inv.Release)
	if stream == "" {
		return nil, "", &assay.Gap{Where: "distribution " + label(inv.Release), What: fmt.Sprintf("its release is not told, so its %d system packages are not matched", n)}
	}
	return family, stream, nil
}

func label(r assay.Release) string {
	return strings.TrimSpace(r.ID + " " + r.Version)
}

// Packages matches the packages of the system and all others. The findings'
// Package is an index in inv.Packages. An error is the database's: then nothing
// is known.
func Packages(ctx context.Context, inv *assay.Inventory, advisories assay.Advisories, o Options) (Result, error) {
	m, gaps, err := systemPackages(ctx, inv, advisories)
	if err != nil {
		return Result{}, err
	}
	var findings []assay.Finding
	if m != nil {
		findings, gaps = m.findings, m.gaps
	}
	r, err := otherPackages(ctx, inv, advisories, o, m)
	if err != nil {
		return Result{}, err
	}
	if !o.KernelHeaders {
		var suppressed []assay.Suppressed
		findings, suppressed = withoutHeaders(inv, findings)
		r.Suppressed = append(suppressed, r.Suppressed...)
	}
	r.Findings, r.Gaps = append(findings, r.Findings...), append(gaps, r.Gaps...)
	return r, nil
}

// A Result is what is known of the packages of an inventory.
type Result struct {
	Findings   []assay.Finding
	Suppressed []assay.Suppressed // what advisories hold, and the package is not affected by all the same
	Gaps       []assay.Gap
}

// systemPackages matches the packages of the system; the matcher is nil where no
// advisories speak of them.
func systemPackages(ctx context.Context, inv *assay.Inventory, advisories assay.Advisories) (*matcher, []assay.Gap, error) {
	family, stream, gap := system(inv)
	if gap != nil {
		return nil, []assay.Gap{*gap}, nil
	}
	if family == nil {
		return nil, nil, nil
	}
	m, err := newMatcher(stream, family.Scheme, advisories)
	if err != nil {
		return nil, nil, err
	}
	m.family, m.release = family, inv.Release
	if err := m.repositories(ctx, inv.Release); err != nil {
		return nil, nil, err
	}
	for i := range inv.Packages {
		if !inv.Packages[i].IsSystem() {
			continue
		}
		if err := m.one(ctx, i, &inv.Packages[i]); err != nil {
			return nil, nil, err
		}
	}
	m.sum()
	return m, nil, nil
}

// matcher matches the packages of one stream.
type matcher struct {
	family     *distro.Family // nil for languages
	release    assay.Release
	stream     assay.Stream
	scheme     version.Scheme
	advisories assay.Advisories
	products   []string                     // CPEs that the packages' repositories hold; none: all are meant
	known      map[subject][]assay.Advisory // many binaries come of one source
	usual      map[string]string            // the highest fix of the usual repositories, by name, where others are spoken of, too
	keys       map[string]version.Key

	findings     []assay.Finding
	gaps         []assay.Gap
	told         map[assay.Gap]bool
	foreign      map[string][]string // packages that are not the distribution's, by why
	undetermined []string
}

func newMatcher(stream assay.Stream, scheme string, advisories assay.Advisories) (*matcher, error) {
	s, ok := version.ByName(scheme)
	if !ok {
		return nil, fmt.Errorf("%s: version scheme %q: %w", stream, scheme, assay.ErrUnsupported)
	}
	return &matcher{stream: stream, scheme: s, advisories: advisories, known: map[subject][]assay.Advisory{}, usual: map[string]string{},
		keys: map[string]version.Key{}, told: map[assay.Gap]bool{}}, nil
}

// one matches one package.
func (m *matcher) one(ctx context.Context, i int, p *assay.Package) error {
	if p.ThirdParty != "" {
		if m.foreign == nil {
			m.foreign = map[string][]string{}
		}
		m.foreign[p.ThirdParty] = append(m.foreign[p.ThirdParty], p.Name)
		return nil
	}
	name, ver := m.family.Subject(p)
	advisories, err := m.published(ctx, p, name)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", m.stream, name, err)
	}
	if len(advisories) == 0 {
		return nil
	}
	if m.otherFlavour(p, ver, advisories) {
		m.gaps = append(m.gaps, assay.Gap{Where: "package " + p.Name + " " + p.Version, What: fmt.Sprintf(
			"a build of flavour %s, of which the %d advisories about %s say nothing", distro.Flavour(ver), len(advisories), name)})
		return nil
	}
	key, err := m.scheme.Key(ver)
	if err != nil {
		m.gaps = append(m.gaps, assay.Gap{Where: "package " + p.Name + " " + p.Version, What: fmt.Sprintf(
			"its version cannot be compared with the %d advisories about %s: %v", len(advisories), name, err)})
		return nil
	}
	var found []assay.Finding
	cleared := map[string]bool{}
	for j := range advisories {
		a := &advisories[j]
		f, clear := m.judge(p, name, ver, key, a)
		if clear {
			cleared[a.ID] = true
			for _, id := range a.Aliases {
				cleared[id] = true
			}
		}
		if f != nil {
			f.Package = i
			found = merge(found, *f, m)
		}
	}
	m.mended(advisories, p, ver, cleared)
	for _, f := range found { // "not affected" wins, whoever says it
		if !isCleared(&f, cleared) {
			m.findings = append(m.findings, f)
		}
	}
	return nil
}

// isCleared reports whether all that a finding speaks of is declared not to
// affect the package: its ID, or each CVE among its aliases, for a notice may
// have several; without CVEs one alias, all being names of one vulnerability.
func isCleared(f *assay.Finding, cleared map[string]bool) bool {
	if cleared[f.ID] {
		return true
	}
	names := slices.DeleteFunc(slices.Clone(f.Aliases), func(id string) bool { return !strings.HasPrefix(id, "CVE-") })
	if len(names) == 0 {
		return slices.ContainsFunc(f.Aliases, func(id string) bool { return cleared[id] })
	}
	return !slices.ContainsFunc(names, func(id string) bool { return !cleared[id] })
}

// A subject is a name in a stream.
type subject struct {
	stream assay.Stream
	name   string
}

func (m *matcher) lookup(ctx context.Context, stream assay.Stream, name string) ([]assay.Advisory, error) {
	if as, ok := m.known[subject{stream, name}]; ok {
		return as, nil
	}
	var as []assay.Advisory
	beside := false
	for a, err := range m.advisories.Lookup(ctx, stream, name) {
		if err != nil {
			return nil, err
		}
		if a.Withdrawn.IsZero() {
			as = append(as, a)
		}
		beside = beside || slices.ContainsFunc(a.Affected, func(f assay.Affected) bool { return len(f.Qualifiers.Repos) > 0 })
	}
	for i := range as {
		if beside {
			m.fixedAt(name, &as[i])
		}
	}
	m.known[subject{stream, name}] = as
	return as, nil
}

// otherFlavour reports whether a package is a build of a flavour of which the advisories
// about it say nothing.
func (m *matcher) otherFlavour(p *assay.Package, ver string, advisories []assay.Advisory) bool {
	f := m.family.Flavoured(p)
	return f != "" && f == distro.Flavour(ver) && !slices.ContainsFunc(advisories, func(a assay.Advisory) bool {
		return slices.ContainsFunc(a.Affected, func(x assay.Affected) bool { return x.Qualifiers.Flavour == f })
	})
}

// judge applies one advisory. clear says that it declares the package not
// affected.
func (m *matcher) judge(p *assay.Package, name, ver string, key version.Key, a *assay.Advisory) (f *assay.Finding, clear bool) {
	for k := range a.Affected {
		aff := &a.Affected[k]
		if !m.family.Applies(p, aff, m.products) || m.elsewhere(aff, ver) {
			continue
		}
		r, in, err := m.in(aff, key)
		if err != nil {
			m.incomparable(a, name, ver, err)
			continue
		}
		switch {
		case !in:
		case aff.Status == assay.StatusNotAffected: // of one product, it says nothing of another's package
			clear = clear || len(aff.Qualifiers.CPEs) == 0
		case aff.Status == assay.StatusUnknown:
			m.undetermined = append(m.undetermined, a.ID)
		case f == nil || m.later(r.Fixed, f.FixedIn):
			f = m.finding(p, name, ver, a, aff, r)
		}
	}
	return f, clear
}

// incomparable tells that an advisory could not be judged.
func (m *matcher) incomparable(a *assay.Advisory, name, ver string, err error) {
	g := assay.Gap{Where: fmt.Sprintf("%s %s", m.stream, a.ID), What: fmt.Sprintf("about %s %s: %v", name, ver, err)}
	if !m.told[g] { // many binaries come of one source
		m.told[g] = true
		m.gaps = append(m.gaps, g)
	}
}

func (m *matcher) finding(p *assay.Package, name, ver string, a *assay.Advisory, aff *assay.Affected, r assay.Range) *assay.Finding {
	f := &assay.Finding{ID: a.ID, Aliases: a.Aliases, VendorIDs: a.VendorIDs, FixedIn: r.Fixed, FixDate: aff.FixDate, Status: aff.Status, Severity: aff.Severity,
		Stream: aff.Stream, Feed: a.Feed, Publisher: a.Publisher, URL: a.URL, Because: because(aff.Stream, m.family, p, name, ver, aff, r)}
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

// ratings is the publisher's own word on a vulnerability, whatever it affects.
func ratings(a *assay.Advisory) []assay.Rating {
	if a.Severity == assay.SeverityUnknown {
		return nil
	}
	return []assay.Rating{{Source: cmp.Or(a.Publisher, a.Feed), Severity: a.Severity}}
}

// because says in words what decided.
func because(s assay.Stream, family *distro.Family, p *assay.Package, name, ver string, aff *assay.Affected, r assay.Range) string {
	var b strings.Builder
	what := "package"
	if family.BySource {
		what = "source package"
	}
	fmt.Fprintf(&b, "%s: %s %s is affected", s, what, name)
	b.WriteString(" " + interval(r))
	if aff.Reason != "" {
		fmt.Fprintf(&b, " (%s)", aff.Reason)
	}
	fmt.Fprintf(&b, "; installed is %s", ver)
	if family.BySource && (name != p.Name || ver != p.Version) {
		fmt.Fprintf(&b, " (of which %s %s was built)", p.Name, p.Version)
	}
	return b.String()
}

// merge adds a finding to those of its package; a vulnerability that several
// notices name is one finding, with the highest fix, for a lower one proved
// not to be enough.
func merge(found []assay.Finding, f assay.Finding, m *matcher) []assay.Finding {
	for i := range found {
		old := &found[i]
		if old.ID != f.ID {
			continue
		}
		ids := union(old.VendorIDs, f.VendorIDs)
		aliases := union(old.Aliases, f.Aliases)
		severity, source := old.Severity, old.SeveritySource
		if f.Severity > severity {
			severity, source = f.Severity, f.SeveritySource
		}
		if m.later(f.FixedIn, old.FixedIn) {
			*old = f
		}
		old.VendorIDs, old.Aliases, old.Severity, old.SeveritySource = ids, aliases, severity, source
		return found
	}
	return append(found, f)
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// maxNames bounds the names in one gap; the rest is counted.
const maxNames = 8

// sum makes gaps of what was counted.
func (m *matcher) sum() {
	var whys []string
	for why := range m.foreign {
		whys = append(whys, why)
	}
	slices.Sort(whys)
	for _, why := range whys {
		names := m.foreign[why]
		m.gaps = append(m.gaps, assay.Gap{Where: some(names, "package", "packages"), What: fmt.Sprintf(
			"not the distribution's (%s); the advisories of %s do not speak of them, so they are not matched", why, m.stream)})
	}
	m.sumUndetermined()
}

func (m *matcher) sumUndetermined() {
	slices.Sort(m.undetermined)
	if ids := slices.Compact(m.undetermined); len(ids) > 0 {
		m.gaps = append(m.gaps, assay.Gap{Where: string(m.stream), What: fmt.Sprintf(
			"its publisher has not determined whether installed packages are affected by %s; not among the findings", some(ids, "", ""))})
	}
}

// some writes the first of many names.
func some(names []string, one, many string) string {
	word := many
	if len(names) == 1 {
		word = one
	}
	if word != "" {
		word += " "
	}
	if len(names) <= maxNames {
		return word + strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s%s and %d more", word, strings.Join(names[:maxNames], ", "), len(names)-maxNames)
}

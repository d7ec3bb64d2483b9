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
	"github.com/assaysec/assay/internal/version"
)

// This file matches packages of languages' registries. Of several advisories
// about one vulnerability any suffices for a finding; one that says "not
// affected" takes it away.

// registriesOf lists the registries that packages of an inventory are from, by
// stream, with these packages; bare binaries are NVD's. The gap tells of
// packages that are from none, and not the system's.
func registriesOf(inv *assay.Inventory, o Options) ([]registry, *assay.Gap) {
	var found []registry
	var foreign []string
	n := 0
	matched := CoveredByDistro(inv, o)
	family, _, _ := system(inv)
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if p.IsSystem() {
			continue
		}
		e, ok := ecosystem.OfType(p.Type)
		if p.Owner != "" && matched[p.Owner] && (!ok || family.Exhaustive(inv.Release)) {
			continue
		}
		if !ok && len(p.CPEs) > 0 {
			e, ok = products, true
		}
		if !ok {
			n++
			if name := cmp.Or(p.Type, "none"); !slices.Contains(foreign, name) {
				foreign = append(foreign, name)
			}
			continue
		}
		at := slices.IndexFunc(found, func(r registry) bool { return r.ecosystem == e })
		if at < 0 {
			at = len(found)
			found = append(found, registry{ecosystem: e, options: o, grouped: map[string][]vulnerability{}})
		}
		found[at].packages = append(found[at].packages, i)
	}
	slices.SortFunc(found, func(a, b registry) int { return cmp.Compare(a.ecosystem.Stream, b.ecosystem.Stream) })
	if n == 0 {
		return found, nil
	}
	slices.Sort(foreign)
	return found, &assay.Gap{Where: "packages of " + some(foreign, "type", "types"), What: fmt.Sprintf("no advisories speak of such; %d are listed, not matched", n)}
}

// CoveredByDistro lists the purls of the system's packages that the distribution's
// advisories speak of: they speak of what these brought, too.
func CoveredByDistro(inv *assay.Inventory, o Options) map[string]bool {
	family, _, _ := system(inv)
	if family == nil || o.Comprehensive {
		return nil
	}
	matched := map[string]bool{}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.IsSystem() && p.ThirdParty == "" {
			matched[p.PURL] = true
		}
	}
	return matched
}

func otherPackages(ctx context.Context, inv *assay.Inventory, advisories assay.Advisories, o Options, of *matcher) (out Result, err error) {
	registries, gap := registriesOf(inv, o)
	owners := ownersOf(inv, o, of)
	for i := range registries {
		r := &registries[i]
		if r.matcher, err = newMatcher(r.ecosystem.Stream, r.ecosystem.Scheme, advisories); err != nil {
			return Result{}, err
		}
		r.release, r.owners = inv.Release, owners
		for _, at := range r.packages {
			if err := r.one(ctx, at, &inv.Packages[at]); err != nil {
				return Result{}, err
			}
		}
		r.sum()
		out.Findings, out.Gaps = append(out.Findings, r.findings...), append(out.Gaps, r.gaps...)
		out.Suppressed = append(out.Suppressed, r.suppressed...)
	}
	if gap != nil {
		out.Gaps = append(out.Gaps, *gap)
	}
	return out, nil
}

// registry matches the packages of one ecosystem.
type registry struct {
	*matcher
	ecosystem  *ecosystem.Ecosystem
	options    Options
	packages   []int                      // in the inventory
	grouped    map[string][]vulnerability // by name
	notices    []string                   // what advisories tell besides vulnerabilities
	suppressed []assay.Suppressed
	owners     *owners // nil where nobody but the registries speaks of what they hold
}

// A target is an installed package as its stream spells it.
type target struct {
	*assay.Package
	name, version string
	key           version.Key
	bad           error // why there is no key
	product       product
}

var errNoVersion = errors.New("none is told")

// one matches one package, of which NVD may know several names.
func (m *registry) one(ctx context.Context, i int, p *assay.Package) error {
	if m.ecosystem != products {
		return m.target(ctx, i, &target{Package: p, name: m.ecosystem.Name(p.Name), version: m.ecosystem.Version(p.Version)})
	}
	for _, t := range productsOf(p) {
		if err := m.target(ctx, i, t); err != nil {
			return err
		}
	}
	return nil
}

// target matches a package by one name.
func (m *registry) target(ctx context.Context, i int, t *target) error {
	p := t.Package
	all, ok := m.grouped[t.name]
	if !ok {
		advisories, err := m.lookup(ctx, m.stream, t.name)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", m.stream, t.name, err)
		}
		if m.ecosystem == products {
			advisories = alike(t.name, advisories)
		}
		all = vulnerabilities(advisories)
		m.grouped[t.name] = all
	}
	if len(all) == 0 {
		return nil
	}
	if t.version == "" {
		t.bad = errNoVersion
	} else {
		t.key, t.bad = m.scheme.Key(t.version)
	}
	word, err := m.owners.word(ctx, p)
	if err != nil {
		return err
	}
	open := 0
	for j := range all {
		f, judged := m.judge(t, &all[j])
		if f != nil {
			f.Package = i
			m.found(t, &all[j], f, word)
		}
		if !judged {
			open++
		}
	}
	if open > 0 {
		m.gaps = append(m.gaps, assay.Gap{Where: "package " + strings.TrimSpace(p.Name+" "+p.Version), What: fmt.Sprintf(
			"its version cannot be compared with %d of the %d vulnerabilities known of %s: %v", open, len(all), t.name, t.bad)})
	}
	return nil
}

// found keeps a finding, unless the package is known not to have what is at
// fault, has it under another of its names, or its owner is judged for it.
func (m *registry) found(t *target, v *vulnerability, f *assay.Finding, w *word) {
	if why, told := w.on(f); told {
		if why != "" {
			m.suppressed = append(m.suppressed, assay.Suppressed{Finding: *f, Suppression: assay.Suppression{As: assay.StatusNotAffected, By: assay.SuppressedByMatch, Reason: why}})
		}
		return
	}
	if why := m.unreached(t, v); why != "" {
		m.suppressed = append(m.suppressed, assay.Suppressed{Finding: *f, Suppression: assay.Suppression{As: assay.StatusNotAffected, By: assay.SuppressedByMatch, Reason: why}})
		return
	}
	if m.ecosystem == products && slices.ContainsFunc(m.findings, func(o assay.Finding) bool { return o.Package == f.Package && o.ID == f.ID }) {
		return
	}
	m.findings = append(m.findings, *f)
}

// A hit is what an advisory says that holds an installed version.
type hit struct {
	*assay.Advisory
	row *assay.Affected
	by  assay.Range
}

// accuses reports whether the versions that h holds make findings: some are of
// notices, or are held not to be affected, or not determined.
func (h *hit) accuses() bool {
	return h.row.Status != assay.StatusNotAffected && h.row.Status != assay.StatusUnknown &&
		(h.Kind == assay.KindVulnerability || h.Kind == assay.KindMalware)
}

// judge applies what is known of one vulnerability. judged is false where the
// target's version is none that can be compared, and that mattered.
func (m *registry) judge(t *target, v *vulnerability) (f *assay.Finding, judged bool) {
	rows := m.rows(t, v)
	var hits, others []hit
	var bad []func()
	judged = true
	for _, h := range rows {
		r, in, err := m.holds(t, h.row)
		h.by = r
		switch {
		case err != nil && t.bad != nil:
			judged = false
		case err != nil:
			bad = append(bad, func() { m.incomparable(h.Advisory, t.name, t.version, err) })
		case !in:
		case h.row.Status == assay.StatusNotAffected:
			return nil, true
		case h.accuses():
			hits = append(hits, h)
		default:
			others = append(others, h)
		}
	}
	if len(hits) > 0 {
		return m.finding(t, v, rows, hits), true
	}
	for _, tell := range bad {
		tell()
	}
	for _, h := range others {
		if h.Kind == assay.KindVulnerability {
			m.undetermined = append(m.undetermined, h.ID)
			continue
		}
		m.notices = append(m.notices, fmt.Sprintf("%s %s %s (%s)", t.Name, t.Version, noticed[h.Kind], h.ID))
	}
	return nil, judged
}

// noticed says what a package is of which an advisory tells no vulnerability.
var noticed = map[assay.Kind]string{
	assay.KindUnmaintained: "is unmaintained",
	assay.KindUnsound:      "is unsound",
	assay.KindNotice:       "has a notice",
}

// rows lists what is said of the target. Where an advisory that nobody of the
// publisher's has looked at (Go's "unreviewed", which copies GitHub's and loses
// what ranges its form cannot write) is of the same vulnerability as another,
// only the other counts.
func (m *registry) rows(t *target, v *vulnerability) (rows []hit) {
	unreviewed := map[string]bool{} // by ID, for another feed's copy does not tell
	for _, a := range v.advisories {
		for i := range a.Affected {
			unreviewed[a.ID] = unreviewed[a.ID] || a.Affected[i].Reason == "unreviewed"
		}
	}
	reviewed := slices.ContainsFunc(v.advisories, func(a *assay.Advisory) bool { return !unreviewed[a.ID] })
	for _, a := range v.advisories {
		if reviewed && unreviewed[a.ID] {
			continue
		}
		for i := range a.Affected {
			if m.meant(t, &a.Affected[i].Qualifiers) {
				rows = append(rows, hit{Advisory: a, row: &a.Affected[i]})
			}
		}
	}
	return rows
}

// holds finds the range or version of f that holds the target. A version that
// is listed and cannot be compared is not one that can be. Of a target without
// a key it is known only that it is in the range of all versions, or listed.
func (m *registry) holds(t *target, f *assay.Affected) (assay.Range, bool, error) {
	if t.version != "" && slices.Contains(f.Versions, t.version) {
		return only(t.version), true, nil
	}
	if t.bad != nil {
		if slices.Contains(f.Ranges, assay.Range{}) {
			return assay.Range{}, true, nil
		}
		return assay.Range{}, false, t.bad
	}
	return m.listed(f, t.key)
}

// listed is in for a key of which versions that cannot be compared are others.
func (m *registry) listed(f *assay.Affected, key version.Key) (assay.Range, bool, error) {
	r, in, err := m.inRanges(f.Ranges, key)
	if in {
		return r, true, nil
	}
	for _, v := range f.Versions {
		if k, bad := m.key(v); bad == nil && m.scheme.Compare(k, key) == 0 {
			return only(v), true, nil
		}
	}
	return assay.Range{}, false, err
}

// fixes lists the versions that advisories call fixed and that none of the rows
// holds, in order. One that brings the vulnerability back is none.
func (m *registry) fixes(rows []hit) (out []string) {
	type candidate struct {
		version string
		key     version.Key
	}
	var all []candidate
	for _, h := range rows {
		if !h.accuses() {
			continue
		}
		for _, r := range h.row.Ranges {
			if k, err := m.key(r.Fixed); r.Fixed != "" && err == nil {
				all = append(all, candidate{r.Fixed, k})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return m.scheme.Compare(a.key, b.key) })
	for i, c := range all {
		if (i == 0 || m.scheme.Compare(all[i-1].key, c.key) != 0) && m.holder(rows, c.key) == nil {
			out = append(out, c.version)
		}
	}
	return out
}

// fix is the lowest of the fixes above the target; "" when there is none. So
// where publishers disagree the highest of their fixes wins, and one on the
// target's own branch comes before a later branch's.
func (m *registry) fix(t *target, fixes []string) string {
	if t.bad != nil {
		return ""
	}
	for _, v := range fixes {
		if k, err := m.key(v); err == nil && m.scheme.Compare(k, t.key) > 0 {
			return v
		}
	}
	return ""
}

// holder returns what says that a version is affected; nil when nothing does.
func (m *registry) holder(rows []hit, key version.Key) *hit {
	for _, h := range rows {
		if !h.accuses() {
			continue
		}
		if r, in, err := m.listed(h.row, key); in && err == nil {
			h.by = r
			return &h
		}
	}
	return nil
}

// sum makes gaps of what was counted.
func (m *registry) sum() {
	m.sumUndetermined()
	slices.Sort(m.notices)
	if all := slices.Compact(m.notices); len(all) > 0 {
		m.gaps = append(m.gaps, assay.Gap{Where: string(m.stream), What: "no vulnerabilities, so not among the findings: " + some(all, "", "")})
	}
}

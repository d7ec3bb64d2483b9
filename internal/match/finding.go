package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// finding combines the advisories on a vulnerability. The rows in m.matching contain
// the installed version. The row with the chosen fix decides, else the one with the
// highest fix.
func (m *registryMatcher) finding(t *target, v *vulnerability) *assay.Finding {
	fixes := m.fixes()
	fixed := m.fix(t, fixes)
	best := m.matching[0]
	for _, h := range m.matching {
		if best.by.Fixed != fixed && (h.by.Fixed == fixed || m.versions.isLater(h.by.Fixed, best.by.Fixed)) {
			best = h
		}
	}
	f := &assay.Finding{ID: v.id, Aliases: v.aliases, Package: t.index, FixedIn: fixed, Fixes: fixes, Status: best.Row.Status,
		Stream: m.ecosystem.Stream, Feed: best.Advisory.Feed, Publisher: best.Advisory.Publisher}
	if fixed != "" {
		f.Status = assay.StatusFixed
		if best.by.Fixed == fixed {
			f.FixDate = best.Row.FixDate
		}
	}
	f.URL = page(f, best.Advisory, v)
	f.Severity, f.SeveritySource = worst(v, m.matching)
	f.Detail = detail(f.ID, best.Advisory, v)
	f.VendorIDs = v.vendorIDs()
	f.Because = m.because(t, best, fixed)
	return f
}

// fixes lists, in order, the versions that advisories call fixed and that no row
// contains. A version that another row calls vulnerable is no fix.
func (m *registryMatcher) fixes() (out []string) {
	var all []installed
	for i := range m.rows {
		if !m.rows[i].isVulnerable() {
			continue
		}
		for _, r := range m.rows[i].Row.Ranges {
			if c, err := m.versions.candidate(r.Fixed); r.Fixed != "" && err == nil {
				all = append(all, c)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b installed) int { return m.versions.scheme.Compare(a.key, b.key) })
	for i, c := range all {
		if i == 0 || m.versions.scheme.Compare(all[i-1].key, c.key) != 0 {
			if row, _ := m.containing(c); row == nil {
				out = append(out, c.text)
			}
		}
	}
	return out
}

// fix returns the lowest fix above the target; "" when there is none. So where
// publishers disagree, the highest of their fixes wins, and a fix on the target's own
// branch comes before one on a later branch.
func (m *registryMatcher) fix(t *target, fixes []string) string {
	if t.bad != nil {
		return ""
	}
	for _, v := range fixes {
		if k, err := m.versions.key(v); err == nil && m.versions.compare(t.installed, v, k) < 0 {
			return v
		}
	}
	return ""
}

// containing returns a row by which a version is affected, and the range; nil when
// there is none.
func (m *registryMatcher) containing(in installed) (*Judgement, *assay.Range) {
	for i := range m.rows {
		j := &m.rows[i]
		if !j.isVulnerable() {
			continue
		}
		if r, _ := m.findVersion(j.Row, in); r != nil {
			return j, r
		}
	}
	return nil, nil
}

// page returns the page to read first: an advisory's own page, that of the deciding
// advisory before others; else GitHub's or NVD's page on the vulnerability. The page of
// a whole project says little.
func page(f *assay.Finding, best *assay.Advisory, v *vulnerability) string {
	for _, a := range append([]*assay.Advisory{best}, v.advisories...) {
		if a.URL != "" && strings.Contains(strings.ToLower(a.URL), strings.ToLower(a.ID)) {
			return a.URL
		}
	}
	names := append([]string{f.ID}, f.Aliases...)
	if i := slices.IndexFunc(names, isGHSA); i >= 0 {
		return "https://github.com/advisories/" + names[i]
	}
	if isCVE(f.ID) {
		return "https://nvd.nist.gov/vuln/detail/" + f.ID
	}
	return best.URL
}

// worst returns the highest severity that publishers give. Malware without a rating is
// critical, as GitHub rates all malware.
func worst(v *vulnerability, matching []*Judgement) (s assay.Severity, source string) {
	raise := func(to assay.Severity, by string) {
		if to > s {
			s, source = to, by
		}
	}
	for _, h := range matching {
		raise(h.Row.Severity, h.Advisory.Feed)
		if h.Row.Severity == assay.SeverityUnknown {
			raise(h.Advisory.Severity, h.Advisory.Feed)
		}
	}
	for _, a := range v.advisories {
		if !slices.ContainsFunc(matching, func(h *Judgement) bool { return h.Advisory == a }) {
			raise(a.Severity, a.Feed)
		}
	}
	if i := slices.IndexFunc(matching, func(h *Judgement) bool { return h.Advisory.Kind == assay.KindMalware }); i >= 0 && s == assay.SeverityUnknown {
		s, source = assay.SeverityCritical, matching[i].Advisory.Feed
	}
	return s, source
}

// detail combines the advisories' descriptions of the vulnerability; the deciding
// advisory comes first.
func detail(id string, best *assay.Advisory, v *vulnerability) assay.Detail {
	d := assay.Detail{ID: id}
	for _, a := range append([]*assay.Advisory{best}, v.advisories...) {
		if d.Title == "" {
			d.Title = a.Title
		}
		if d.Text == "" {
			d.Text = a.Text
		}
		for _, c := range a.CVSS {
			if !slices.Contains(d.CVSS, c) {
				d.CVSS = append(d.CVSS, c)
			}
		}
		for _, r := range ratings(a) {
			if !slices.ContainsFunc(d.Ratings, func(x assay.Rating) bool { return x.Source == r.Source }) {
				d.Ratings = append(d.Ratings, r)
			}
		}
		d.CWEs, d.References = union(d.CWEs, a.CWEs), union(d.References, a.References)
		if !a.Published.IsZero() && (d.Published.IsZero() || a.Published.Before(d.Published)) {
			d.Published = a.Published
		}
		if a.Modified.After(d.Modified) {
			d.Modified = a.Modified
		}
	}
	return d
}

// because says in words what decided a finding.
func (m *registryMatcher) because(t *target, h *Judgement, fixed string) string {
	var b strings.Builder
	status := "affected"
	if h.Advisory.Kind == assay.KindMalware {
		status = "malicious"
	}
	fmt.Fprintf(&b, "%s: package %s is %s %s", m.ecosystem.Stream, t.name, status, interval(h.by))
	if notes := slices.DeleteFunc([]string{h.Row.Reason, systems(&h.Row.Qualifiers), t.note, m.linked(t)}, func(s string) bool { return s == "" }); len(notes) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(notes, ", "))
	}
	if t.pkg.Version == "" {
		b.WriteString("; " + unknownVersion)
	} else {
		fmt.Fprintf(&b, "; installed is %s", t.pkg.Version)
	}
	if h.by.Fixed == "" || h.by.Fixed == fixed {
		return b.String()
	}
	if c, err := m.versions.candidate(h.by.Fixed); err == nil {
		if o, by := m.containing(c); o != nil {
			fmt.Fprintf(&b, "; %s is not a fix: %s says that it is affected %s", h.by.Fixed, o.Advisory.ID, interval(by))
		}
	}
	return b.String()
}

package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// finding puts together what the advisories on a vulnerability say, of which
// hits hold the target. The one that decides is that with the fix that counts,
// else the highest.
func (m *registry) finding(t *target, v *vulnerability, rows, hits []hit) *assay.Finding {
	fixes := m.fixes(rows)
	fixed := m.fix(t, fixes)
	best := &hits[0]
	for i := range hits {
		h := &hits[i]
		if best.by.Fixed != fixed && (h.by.Fixed == fixed || m.later(h.by.Fixed, best.by.Fixed)) {
			best = h
		}
	}
	f := &assay.Finding{FixedIn: fixed, Fixes: fixes, Status: best.row.Status, Stream: m.stream, Feed: best.Feed, Publisher: best.Publisher}
	if fixed != "" {
		f.Status = assay.StatusFixed
		if best.by.Fixed == fixed {
			f.FixDate = best.row.FixDate
		}
	}
	f.ID, f.Aliases = v.names()
	f.URL = page(f, best.Advisory, v)
	f.Severity, f.SeveritySource = worst(v, hits)
	f.Detail = detail(f.ID, best.Advisory, v)
	for _, a := range v.advisories {
		f.VendorIDs = append(f.VendorIDs, a.VendorIDs...)
	}
	if f.VendorIDs = cve.Set(f.VendorIDs); len(f.VendorIDs) == 0 {
		f.VendorIDs = nil
	}
	f.Because = m.because(t, best, rows, fixed)
	return f
}

// page is the one to read first: an advisory's own page, that of the advisory that
// decided before others'; else GitHub's or NVD's on the vulnerability. That of a
// whole project says little.
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

// worst is the highest of the severities that publishers give. Malware that
// nobody rates is critical, as GitHub rates all of it.
func worst(v *vulnerability, hits []hit) (s assay.Severity, source string) {
	raise := func(to assay.Severity, by string) {
		if to > s {
			s, source = to, by
		}
	}
	for _, h := range hits {
		raise(h.row.Severity, h.Feed)
		if h.row.Severity == assay.SeverityUnknown {
			raise(h.Severity, h.Feed)
		}
	}
	for _, a := range v.advisories {
		if !slices.ContainsFunc(hits, func(h hit) bool { return h.Advisory == a }) {
			raise(a.Severity, a.Feed)
		}
	}
	if i := slices.IndexFunc(hits, func(h hit) bool { return h.Kind == assay.KindMalware }); i >= 0 && s == assay.SeverityUnknown {
		s, source = assay.SeverityCritical, hits[i].Feed
	}
	return s, source
}

// detail joins the advisories' own words, those of the one that decides first.
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

// because says in words what decided.
func (m *registry) because(t *target, h *hit, rows []hit, fixed string) string {
	var b strings.Builder
	what := "affected"
	if h.Kind == assay.KindMalware {
		what = "malicious"
	}
	fmt.Fprintf(&b, "%s: package %s is %s %s", m.stream, t.name, what, interval(h.by))
	if notes := slices.DeleteFunc([]string{h.row.Reason, systems(&h.row.Qualifiers), m.linked(t, rows)}, func(s string) bool { return s == "" }); len(notes) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(notes, ", "))
	}
	if t.Version == "" {
		b.WriteString("; which version is installed is not told")
	} else {
		fmt.Fprintf(&b, "; installed is %s", t.Version)
	}
	if h.by.Fixed == "" || h.by.Fixed == fixed {
		return b.String()
	}
	if k, err := m.key(h.by.Fixed); err == nil {
		if o := m.holder(rows, k); o != nil {
			fmt.Fprintf(&b, "; %s is no fix: by %s it is affected %s", h.by.Fixed, o.ID, interval(o.by))
		}
	}
	return b.String()
}

package scan

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// Text writes the explanation for a person, in lines of at most width columns; 0
// means no limit.
func (e *Explanation) Text(w io.Writer, width int) error {
	p := printable.NewPage(w, width)
	title := e.ID
	if e.Detail != nil && e.Detail.Title != "" {
		title += ": " + e.Detail.Title
	}
	p.Line("")
	p.Wrapped("", title)
	if len(e.Names) > 0 {
		p.Wrapped("", "also "+printable.Some(e.Names, 8))
	}
	if e.Detail == nil {
		p.Wrapped("", "The database has no advisory about it and no details of it (`assay db status` lists what the database has).")
	} else {
		e.detailText(p)
	}
	if e.Target != "" {
		e.targetText(p)
	}
	e.recordsText(p)
	if len(e.Gaps) > 0 {
		p.Heading("Not read or not judged (%d)", len(e.Gaps))
		for _, g := range e.Gaps[:min(len(e.Gaps), maxRecords)] {
			p.Wrapped("  - ", g.String())
		}
	}
	return p.Flush()
}

func (e *Explanation) detailText(p *printable.Page) {
	d := e.Detail
	p.Line("")
	if e.Source != "" {
		p.Wrapped("  severity  ", e.Severity+" ("+e.Source+")")
	}
	for _, r := range d.Ratings {
		if r.Severity != assay.SeverityUnknown && r.Source != e.Source {
			p.Wrapped("            ", r.Severity.String()+" ("+r.Source+")")
		}
	}
	for _, c := range d.CVSS {
		p.Wrapped("  CVSS "+c.Version+"  ", fmt.Sprintf("%.1f %s %s (%s)", c.Score, c.Severity(), c.Vector, c.Source))
	}
	if x := d.EPSS; x != nil {
		p.Wrapped("  EPSS      ", fmt.Sprintf("%.2f %% likely to be exploited within 30 days, more than %.0f %% of all (%s)", x.Score*100, x.Percentile*100, cmp.Or(x.Date, "undated")))
	}
	if k := d.KEV; k != nil {
		s := "known to be exploited, listed by CISA since " + k.Added
		if k.Ransomware {
			s += ", used by ransomware"
		}
		if k.Due != "" {
			s += "; fix due " + k.Due
		}
		p.Wrapped("  KEV       ", s)
		if k.Action != "" {
			p.Wrapped("            ", k.Action)
		}
	}
	if len(d.CWEs) > 0 {
		p.Wrapped("  CWE       ", printable.Some(d.CWEs, 8))
	}
	var dates []string
	if !d.Published.IsZero() {
		dates = append(dates, "published "+d.Published.Format(time.DateOnly))
	}
	if !d.Modified.IsZero() {
		dates = append(dates, "changed "+d.Modified.Format(time.DateOnly))
	}
	if len(dates) > 0 {
		p.Wrapped("  dates     ", strings.Join(dates, ", "))
	}
	if d.Rejected {
		p.Wrapped("  rejected  ", "the CVE was rejected")
	}
	if d.Text != "" {
		p.Line("")
		p.Wrapped("  ", printable.Cut(printable.Text(d.Text), maxText))
	}
	for i, ref := range d.References[:min(len(d.References), maxReferences)] {
		if i == 0 {
			p.Line("")
		}
		p.Wrapped("  ", ref)
	}
}

// Bounds of the text for a person; JSON has all.
const (
	maxText       = 1500
	maxReferences = 5
	maxRecords    = 20
)

func (e *Explanation) targetText(p *printable.Page) {
	p.Heading("%s", e.Target)
	p.Wrapped("", e.Verdict)
	for i := range e.Found {
		f := &e.Found[i]
		p.Line("")
		p.Wrapped("  ", fmt.Sprintf("%s %s %s: %s, risk %.1f", f.Of.Type, f.Of.Name, f.Of.Version, f.Severity, f.Risk))
		if f.Suppression != nil {
			p.Wrapped("    ", fmt.Sprintf("suppressed as %s by %s: %s", f.Suppression.As, f.Suppression.By, cmp.Or(f.Suppression.Reason, "no reason given")))
		}
		if f.Because != "" {
			p.Wrapped("    because ", f.Because+" ("+f.Feed+")")
		}
		fix := "no fix: " + string(f.Status)
		if f.FixedIn != "" {
			fix = "fixed in " + f.FixedIn
		}
		p.Wrapped("    ", fix)
		if f.Of.Path != "" {
			p.Wrapped("    in ", f.Of.Path)
		}
		if f.Of.Owner != "" {
			p.Wrapped("    owned by ", f.Of.Owner)
		}
		if l := f.Of.Layer; l.CreatedBy != "" {
			from := ""
			if f.Base {
				from = ", from the base image"
			}
			p.Wrapped("    ", fmt.Sprintf("layer %d%s: %s", l.Index, from, l.CreatedBy))
		}
		for _, path := range f.Paths {
			p.Wrapped("    dependency path ", strings.Join(path, " → "))
		}
	}
	if len(e.Found) > 0 {
		return
	}
	rows := e.Judged
	for _, j := range rows[:min(len(rows), maxRecords)] {
		p.Wrapped("  - ", fmt.Sprintf("%s %s: %s (%s, %s of %s)", j.Name, j.Version, j.Why, j.Stream, j.Advisory, j.Feed))
	}
	if n := len(rows) - maxRecords; n > 0 {
		p.Line("  … and %d more: see -f json", n)
	}
}

// recordsText lists the advisories, those of the target's streams first.
func (e *Explanation) recordsText(p *printable.Page) {
	if len(e.Records) == 0 {
		return
	}
	of := map[assay.Stream]bool{}
	for _, j := range e.Judged {
		of[j.Stream] = true
	}
	rows := slices.Clone(e.Records)
	slices.SortStableFunc(rows, func(a, b Record) int {
		switch {
		case of[a.Stream] && !of[b.Stream]:
			return -1
		case of[b.Stream] && !of[a.Stream]:
			return 1
		}
		return 0
	})
	p.Heading("Advisories (%d)", len(rows))
	for _, r := range rows[:min(len(rows), maxRecords)] {
		r.Versions = r.Versions[:min(len(r.Versions), 8)]
		s := fmt.Sprintf("%s %s: %s", r.Stream, r.Package, r.Status)
		if v := r.Affected(); v != "" {
			s += " " + v
		}
		if r.Severity != assay.SeverityUnknown {
			s += ", " + r.Severity.String()
		}
		p.Wrapped("  - ", s+" ("+r.ID+", "+r.Feed+")")
	}
	if n := len(rows) - maxRecords; n > 0 {
		p.Line("  … and %d more: see -f json", n)
	}
}

// Affected writes the affected versions as comparisons: ">= 1.0, < 1.4".
func (r *Record) Affected() string {
	var parts []string
	for _, x := range r.Ranges {
		var p []string
		if x.Introduced != "" {
			p = append(p, ">= "+x.Introduced)
		}
		if x.Fixed != "" {
			p = append(p, "< "+x.Fixed)
		}
		if x.Before != "" {
			p = append(p, "< "+x.Before+" (no fix)")
		}
		if x.LastAffected != "" {
			p = append(p, "<= "+x.LastAffected)
		}
		if len(p) == 0 {
			p = append(p, "all")
		}
		parts = append(parts, strings.Join(p, ", "))
	}
	parts = append(parts, r.Versions...)
	s := strings.Join(parts, " || ")
	if r.Reason != "" {
		s += " (" + r.Reason + ")"
	}
	return s
}

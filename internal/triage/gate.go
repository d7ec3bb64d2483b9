package triage

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
)

// A Gate selects the findings that fail a scan. The zero value selects none.
type Gate struct{ any []condition }

// condition selects findings for which all its parts hold.
type condition struct {
	severity assay.Severity // this or worse; never matches unknown severities
	risk     float64        // this or more
	kev      bool           // known to be exploited
	fixable  bool           // there is a fix
	own      bool           // not from the base image
	unrated  bool           // nobody rated it
}

// ParseGate reads conditions; a finding that matches any of them fails the scan.
// A condition has parts that must all hold: a severity ("high": high or
// critical; "unknown": all), "risk=70" (that or more), "kev", "fixable", "own"
// (not from the base image), "unrated" (its severity is unknown); "high+fixable".
func ParseGate(conditions []string) (Gate, error) {
	var g Gate
	for _, text := range conditions {
		var c condition
		for part := range strings.SplitSeq(strings.ToLower(text), "+") {
			if err := c.add(strings.TrimSpace(part)); err != nil {
				return Gate{}, err
			}
		}
		g.any = append(g.any, c)
	}
	return g, nil
}

func (c *condition) add(part string) error {
	if name, value, ok := strings.Cut(part, "="); ok {
		value = strings.TrimSpace(value)
		switch name = strings.TrimRight(name, "> "); name {
		case "risk":
			risk, err := strconv.ParseFloat(value, 64)
			if err != nil || !(risk > 0 && risk <= 100) {
				return fmt.Errorf("%q is not a risk from 0 to 100", value)
			}
			c.risk = risk
			return nil
		case "severity":
			part = value
		default:
			return fmt.Errorf("%q is neither risk nor severity", name)
		}
	}
	switch part {
	case "kev":
		c.kev = true
	case "fixable", "fixed":
		c.fixable = true
	case "own":
		c.own = true
	case "unrated":
		c.unrated = true
	default:
		s, ok := assay.ParseSeverity(part)
		if !ok || part == "" {
			return fmt.Errorf("%q is neither a severity nor risk=N, kev, fixable, own or unrated", part)
		}
		c.severity = s
	}
	return nil
}

// CountFailing counts the findings, and the items of further kinds of results,
// that fail the scan.
func (g Gate) CountFailing(r *assay.Report) (n int) {
	for i := range r.Findings {
		if g.matches(r, &r.Findings[i]) {
			n++
		}
	}
	for _, s := range r.Sections {
		for i := range s.Items() {
			if s.Kind.Gates(i.Value) && g.matchesItem(r, s.Kind, i) {
				n++
			}
		}
	}
	return n
}

// CountUnrated counts the findings, and the items of further kinds of results, that
// nobody rated: that do not fail the scan, but might if they had a severity.
func (g Gate) CountUnrated(r *assay.Report) (n int) {
	var rated Gate // the conditions as if every severity and risk were high enough
	for _, c := range g.any {
		if c.severity != assay.SeverityUnknown || c.risk > 0 {
			c.severity, c.risk = assay.SeverityUnknown, 0
			rated.any = append(rated.any, c)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if f.Severity == assay.SeverityUnknown && !g.matches(r, f) && rated.matches(r, f) {
			n++
		}
	}
	for _, s := range r.Sections {
		for i := range s.Items() {
			_, isRated := s.Kind.Severity(i.Value)
			if !isRated && s.Kind.Gates(i.Value) && !g.matchesItem(r, s.Kind, i) && rated.matchesItem(r, s.Kind, i) {
				n++
			}
		}
	}
	return n
}

func (g Gate) matches(r *assay.Report, f *assay.Finding) bool {
	return slices.ContainsFunc(g.any, func(c condition) bool { return c.matches(r, f) })
}

func (g Gate) matchesItem(r *assay.Report, k *assay.SectionKind, i assay.Item) bool {
	return slices.ContainsFunc(g.any, func(c condition) bool { return c.matchesItem(r, k, i) })
}

// matchesItem reports whether an item of a further kind of results meets a
// condition. Only findings have a risk, a fix, and are known to be exploited.
func (c condition) matchesItem(r *assay.Report, k *assay.SectionKind, i assay.Item) bool {
	if c.risk > 0 || c.kev || c.fixable || c.own && r.Image.Base != nil && i.Layer < r.Image.Base.Layers {
		return false
	}
	severity, ok := k.Severity(i.Value)
	return (c.severity == assay.SeverityUnknown || ok && severity >= c.severity) && (!c.unrated || !ok)
}

func (c condition) matches(r *assay.Report, f *assay.Finding) bool {
	return f.Severity >= c.severity && f.Risk >= c.risk && (!c.kev || f.Detail.KEV != nil) && (!c.fixable || f.FixedIn != "") &&
		(!c.own || !r.FromBase(&r.Packages[f.Package])) && (!c.unrated || f.Severity == assay.SeverityUnknown)
}

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
}

// ParseGate reads conditions; a finding that matches any of them fails the scan.
// A condition has parts that must all hold: a severity ("high": high or
// critical; "unknown": all), "risk=70" (that or more), "kev", "fixable", "own"
// (not from the base image); "high+fixable".
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
	default:
		s, ok := assay.ParseSeverity(part)
		if !ok || part == "" {
			return fmt.Errorf("%q is neither a severity nor risk=N, kev, fixable or own", part)
		}
		c.severity = s
	}
	return nil
}

// CountFailing counts the findings, and the items of further kinds of results,
// that fail the scan.
func (g Gate) CountFailing(r *assay.Report) (n int) {
	for i := range r.Findings {
		f := &r.Findings[i]
		if slices.ContainsFunc(g.any, func(c condition) bool { return c.matches(r, f) }) {
			n++
		}
	}
	for _, s := range r.Sections {
		for i := range s.Items() {
			if s.Kind.Gates(i.Value) && slices.ContainsFunc(g.any, func(c condition) bool { return c.matchesItem(r, s.Kind, i) }) {
				n++
			}
		}
	}
	return n
}

// matchesItem reports whether an item of a further kind of results meets a
// condition. Only findings have a risk, a fix, and are known to be exploited.
func (c condition) matchesItem(r *assay.Report, k *assay.SectionKind, i assay.Item) bool {
	if c.risk > 0 || c.kev || c.fixable || c.own && r.Image.Base != nil && i.Layer < r.Image.Base.Layers {
		return false
	}
	severity, ok := k.Severity(i.Value)
	return c.severity == assay.SeverityUnknown || ok && severity >= c.severity
}

func (c condition) matches(r *assay.Report, f *assay.Finding) bool {
	return f.Severity >= c.severity && f.Risk >= c.risk && (!c.kev || f.Detail.KEV != nil) && (!c.fixable || f.FixedIn != "") &&
		(!c.own || !r.FromBase(&r.Packages[f.Package]))
}

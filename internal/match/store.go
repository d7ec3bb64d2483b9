package match

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// A subject is a package name in a stream.
type subject struct {
	stream assay.Stream
	name   string
}

// A store looks up advisories and caches them, because many binary packages are built
// from one source.
type store struct {
	advisories assay.Advisories
	request    *request
	known      map[subject][]assay.Advisory
	withdrawn  map[subject][]assay.Advisory // only for a request
}

// lookup returns the advisories on a subject, without withdrawn ones; first reports
// whether this is the first look-up.
func (s *store) lookup(ctx context.Context, of subject) (all []assay.Advisory, first bool, err error) {
	if all, ok := s.known[of]; ok {
		return all, false, nil
	}
	for a, err := range s.advisories.Lookup(ctx, of.stream, of.name) {
		if err != nil {
			return nil, false, fmt.Errorf("%s: %s: %w", of.stream, of.name, err)
		}
		switch {
		case a.Withdrawn.IsZero():
			all = append(all, a)
		case s.request != nil:
			if s.withdrawn == nil {
				s.withdrawn = map[subject][]assay.Advisory{}
			}
			s.withdrawn[of] = append(s.withdrawn[of], a)
		}
	}
	if s.known == nil {
		s.known = map[subject][]assay.Advisory{}
	}
	s.known[of] = all
	return all, true, nil
}

// visitWithdrawn visits withdrawn advisories. It does nothing without a request.
func (s *store) visitWithdrawn(t *target, of subject) {
	if s.request != nil {
		s.visit(t, s.withdrawn[of], VerdictNotAffected, RuleWithdrawn, "")
	}
}

// visit visits all rows of advisories with one rule, which decided before they were
// compared.
func (s *store) visit(t *target, advisories []assay.Advisory, v Verdict, r Rule, detail string) {
	if s.request == nil {
		return
	}
	for i := range advisories {
		a := &advisories[i]
		for k := range a.Affected {
			s.request.takeOwn(&Judgement{Package: t.index, ID: a.ID, Advisory: a, Row: &a.Affected[k], Verdict: v, Rule: r, of: t, cause: t.bad, detail: detail})
		}
	}
}

// gapList collects the gaps of one stream.
type gapList struct {
	stream   assay.Stream
	all      []assay.Gap
	reported map[assay.Gap]bool // gaps that several packages share
}

func (g *gapList) add(where, what string) {
	g.all = append(g.all, assay.Gap{Where: where, What: what})
}

// addIncomparable reports a row that cannot be compared, once for all packages with the
// name.
func (g *gapList) addIncomparable(j *Judgement, name string) {
	gap := assay.Gap{Where: fmt.Sprintf("%s %s", g.stream, j.Advisory.ID), What: fmt.Sprintf("not compared with %s %s: %v", name, j.of.version, j.cause)}
	if !g.reported[gap] {
		if g.reported == nil {
			g.reported = map[assay.Gap]bool{}
		}
		g.reported[gap] = true
		g.all = append(g.all, gap)
	}
}

// maxNames bounds the names in one gap; the rest is counted.
const maxNames = 8

// some writes the first of many names, after a noun in the singular or plural.
func some(names []string, one, many string) string {
	noun := many
	if len(names) == 1 {
		noun = one
	}
	if noun != "" {
		noun += " "
	}
	if len(names) <= maxNames {
		return noun + strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s%s and %d more", noun, strings.Join(names[:maxNames], ", "), len(names)-maxNames)
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

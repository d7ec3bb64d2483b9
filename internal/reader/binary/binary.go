// Package binary recognises software that no package manager installed: programs,
// libraries and a few scripts with a known name and a version at a known place. The
// table of them is classes.txt.
package binary

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/assaysec/assay"
)

// maxFile: browsers have 300 MB, agents with all their parts built in 500 MB.
const maxFile = 2 << 30

// Bounds of the search.
const (
	window   = 256 << 10 // bytes looked at at once
	overlap  = 128       // of windows: longer than any literal
	maxTries = 50_000    // of an expression in one file: filters that let more through do not filter
)

// Classifier reads files of known names. It reports a package where their
// content tells the version, and is silent about others: names are short and
// used by many.
type Classifier struct{}

func (Classifier) Name() string { return "binary" }

func (Classifier) Wants() []assay.Pattern {
	var patterns []assay.Pattern
	seen := map[string]bool{}
	for _, c := range table() {
		for _, glob := range c.globs {
			if !seen[glob] {
				seen[glob] = true
				patterns = append(patterns, assay.Pattern{Glob: glob, Scope: assay.ScopeInstalled, MaxSize: maxFile})
			}
		}
	}
	return patterns
}

func (Classifier) Read(ctx context.Context, f *assay.File) (assay.Facts, error) {
	s := &search{f: f}
	for _, c := range table() {
		if c.matches(f.Path) {
			s.classes = append(s.classes, &candidate{class: c, found: make([]string, len(c.find)), tries: make([]int, len(c.find)), best: len(c.find)})
		}
	}
	if len(s.classes) == 0 || f.Size == 0 {
		return assay.Facts{}, nil
	}
	if err := s.run(ctx); err != nil {
		return assay.Facts{}, err
	}
	return assay.Facts{Packages: s.packages()}, nil
}

// A candidate is a class that a file may be of.
type candidate struct {
	*class
	found []string // version by signature; "" where it was not found yet
	tries []int
	best  int // the first signature that found one
	out   bool
	in    bool // what it needs was found
}

type search struct {
	f       *assay.File
	classes []*candidate
}

// run looks through the file once.
func (s *search) run(ctx context.Context) error {
	buf := make([]byte, min(window, s.f.Size))
	for at := int64(0); at < s.f.Size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := s.f.ReadAt(buf[:min(int64(len(buf)), s.f.Size-at)], at)
		if err != nil && err != io.EOF {
			return fmt.Errorf("at %d: %w", at, err)
		}
		if !s.look(buf[:n], at) || n < len(buf) {
			return nil
		}
		at += int64(n)
		if at < s.f.Size {
			at -= overlap
		}
	}
	return nil
}

// look looks through a part of the file that begins at an offset; false when
// there is nothing more to be learnt from others.
func (s *search) look(b []byte, at int64) bool {
	more := false
	for _, c := range s.classes {
		for _, literal := range c.not {
			c.out = c.out || bytes.Contains(b, literal)
		}
		for _, literal := range c.need {
			c.in = c.in || bytes.Contains(b, literal)
		}
		if c.out {
			continue
		}
		for i, sig := range c.find[:c.best] {
			if s.try(c, i, sig, b, at) {
				c.best = i
				break
			}
		}
		more = more || c.best > 0 || len(c.not) > 0 || !c.in && len(c.need) > 0
	}
	return more
}

// try applies a signature to a part of the file.
func (s *search) try(c *candidate, i int, sig *signature, b []byte, at int64) bool {
	for hit := range sig.hits(b) {
		if c.tries[i]++; c.tries[i] > maxTries {
			return false
		}
		text := s.around(b, at, int64(hit), sig)
		re := sig.re()
		m := re.FindSubmatch(text)
		if m == nil {
			continue
		}
		for j, name := range re.SubexpNames() { // of alternatives the one that took part
			if name == "version" && len(m[j]) > 0 {
				c.found[i] = string(bytes.TrimSpace(m[j]))
				return true
			}
		}
	}
	return false
}

// around returns the bytes around a hit, from the file where the part in hand
// does not have them all.
func (s *search) around(b []byte, at, hit int64, sig *signature) []byte {
	from, to := max(at+hit-sig.before, 0), min(at+hit+sig.after, s.f.Size)
	if from >= at && to <= at+int64(len(b)) {
		return b[from-at : to-at]
	}
	text := make([]byte, to-from)
	n, _ := s.f.ReadAt(text, from)
	return text[:n]
}

// packages lists what was found.
func (s *search) packages() []assay.Package {
	var ps []assay.Package
	groups := map[string]bool{}
	for _, c := range s.classes {
		if c.out || c.best == len(c.find) || !c.in && len(c.need) > 0 || c.group != "" && groups[c.group] {
			continue
		}
		groups[c.group] = true
		version := c.found[c.best]
		p := assay.Package{Type: c.kind, Name: c.name, Version: version, CPEs: c.cpe(version)}
		if !slices.ContainsFunc(ps, func(q assay.Package) bool { return q.Ref() == p.Ref() }) {
			ps = append(ps, p)
		}
	}
	return ps
}

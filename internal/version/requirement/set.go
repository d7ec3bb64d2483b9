package requirement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// A Set is a set of places in the order of a scheme's versions.
type Set struct {
	scheme version.Scheme
	in     []interval // in order, apart from each other, none empty
}

// An interval lies between two versions; nil is without end on that side.
type interval struct {
	low, high     *point
	lowIn, highIn bool // whether the version itself belongs to it
}

type point struct {
	v   string
	key version.Key
	fix string // the version that ends a range here is one to go to; "" for an end that nobody published
}

// origin is nil for zero, from which on all versions are.
func (p *point) origin() *point {
	if strings.Trim(p.v, "0.") == "" {
		return nil
	}
	return p
}

// unfixed reports whether p is no fix.
func (p *point) unfixed() bool { return p != nil && p.fix == "" }

// lastFix is Unfixed, but that the version from which on s holds all is a fix.
func (s Set) lastFix() Set {
	out := s.Unfixed()
	if n := len(s.in); n > 0 && s.in[n-1].high == nil {
		out.in[n-1].low = s.in[n-1].low
	}
	return out
}

// Unfixed is s with ends that are no fixes.
func (s Set) Unfixed() Set {
	no := func(p *point) *point {
		if p == nil {
			return nil
		}
		return &point{p.v, p.key, ""}
	}
	out := Set{scheme: s.scheme}
	for _, i := range s.in {
		out.in = append(out.in, interval{no(i.low), no(i.high), i.lowIn, i.highIn})
	}
	return out
}

func (r reader) at(v string) (*point, error) {
	k, err := r.scheme.Key(v)
	return &point{v, k, v}, err
}

func (r reader) set(i interval) Set { return Set{r.scheme, []interval{i}} }

func everything(scheme version.Scheme) Set { return Set{scheme, []interval{{}}} }

// Empty reports whether s holds nothing.
func (s Set) Empty() bool { return len(s.in) == 0 }

// And holds what both hold.
func (s Set) And(t Set) Set {
	out := Set{scheme: s.scheme}
	for _, a := range s.in {
		for _, b := range t.in {
			c := a
			if s.compareLow(b, a) > 0 {
				c.low, c.lowIn = b.low, b.lowIn
			}
			if n := s.compareHigh(b, a); n < 0 || n == 0 && a.high.unfixed() {
				c.high, c.highIn = b.high, b.highIn
			}
			if !s.empty(c) {
				out.in = append(out.in, c)
			}
		}
	}
	return out.ordered()
}

// Or holds what either holds.
func (s Set) Or(t Set) Set {
	return Set{s.scheme, slices.Concat(s.in, t.in)}.ordered()
}

// Not holds what s does not.
func (s Set) Not() Set {
	out := everything(s.scheme)
	for _, i := range s.in {
		gaps := Set{scheme: s.scheme}
		if i.low != nil {
			gaps.in = append(gaps.in, interval{high: i.low, highIn: !i.lowIn})
		}
		if i.high != nil {
			gaps.in = append(gaps.in, interval{low: i.high, lowIn: !i.highIn})
		}
		out = out.And(gaps)
	}
	return out
}

// ordered sorts the intervals and joins those that touch.
func (s Set) ordered() Set {
	slices.SortStableFunc(s.in, s.compareLow)
	var out []interval
	for _, i := range s.in {
		if n := len(out); n > 0 && s.touch(out[n-1], i) {
			last := &out[n-1]
			if c := s.compareHigh(i, *last); c > 0 || c == 0 && last.high.unfixed() {
				last.high, last.highIn = i.high, i.highIn
			}
			continue
		}
		out = append(out, i)
	}
	return Set{s.scheme, out}
}

// touch reports whether nothing lies between a and b, which begins later.
func (s Set) touch(a, b interval) bool {
	if a.high == nil || b.low == nil {
		return true
	}
	c := s.scheme.Compare(b.low.key, a.high.key)
	return c < 0 || c == 0 && (a.highIn || b.lowIn)
}

func (s Set) empty(i interval) bool {
	if i.low == nil || i.high == nil {
		return false
	}
	c := s.scheme.Compare(i.low.key, i.high.key)
	return c > 0 || c == 0 && !(i.lowIn && i.highIn)
}

// compareLow orders beginnings.
func (s Set) compareLow(a, b interval) int {
	switch {
	case a.low == nil && b.low == nil:
		return 0
	case a.low == nil:
		return -1
	case b.low == nil:
		return 1
	}
	if c := s.scheme.Compare(a.low.key, b.low.key); c != 0 || a.lowIn == b.lowIn {
		return c
	}
	if a.lowIn {
		return -1
	}
	return 1
}

// compareHigh orders ends.
func (s Set) compareHigh(a, b interval) int {
	switch {
	case a.high == nil && b.high == nil:
		return 0
	case a.high == nil:
		return 1
	case b.high == nil:
		return -1
	}
	if c := s.scheme.Compare(a.high.key, b.high.key); c != 0 || a.highIn == b.highIn {
		return c
	}
	if a.highIn {
		return 1
	}
	return -1
}

// Ranges returns s as ranges, none where it is empty. A range begins with a
// version that belongs to it, so one that begins behind a version begins with
// the next that there can be. Where the scheme has no such version it is
// ErrUnsupported. It is fixed in the version before which it ends, if that is
// one that the requirement names and not one that a wildcard or the like makes
// up.
func (s Set) Ranges() ([]assay.Range, error) {
	var out []assay.Range
	for _, i := range s.in {
		var r assay.Range
		if i.low != nil {
			r.Introduced = i.low.v
			if !i.lowIn {
				var err error
				if r.Introduced, err = s.after(i.low); err != nil {
					return nil, err
				}
			}
		}
		switch {
		case i.high != nil && i.highIn:
			r.LastAffected = i.high.v
		case i.high != nil:
			if r.Fixed = i.high.fix; r.Fixed != i.high.v {
				r.Before = i.high.v
			}
		}
		out = append(out, r)
	}
	return out, nil
}

// after is the least version behind p that anybody would publish.
func (s Set) after(p *point) (string, error) {
	v := after(s.scheme.Name(), p.v)
	k, err := s.scheme.Key(v)
	if v == "" || err != nil || s.scheme.Compare(k, p.key) <= 0 {
		return "", fmt.Errorf("a range of %s versions that begins behind %.80q: %w", s.scheme.Name(), p.v, assay.ErrUnsupported)
	}
	return v, nil
}

func after(scheme, v string) string {
	v, _, _ = strings.Cut(v, "+")
	parts := numbers(v)
	plain := strings.Join(parts, ".") == v
	switch scheme {
	case "semver", "pub":
		if !plain {
			return v + ".0"
		}
		return raised(parts, 3) + "-0"
	case "nuget":
		if !plain {
			return v + ".0"
		}
		return raised(parts, 4) + "-0"
	case "packagist":
		if plain {
			return raised(parts, 4) + "-dev"
		}
	case "gem":
		return v + ".0.0.1"
	case "maven":
		return v + "-sp"
	case "pep440":
		return v + ".post0.dev0"
	case "perl":
		return perlAfter(v)
	case "hackage", "cran":
		return v + ".0"
	case "generic", "bitnami":
		return v + ".0.0.1"
	}
	return ""
}

// raised raises the last of n numbers.
func raised(parts []string, n int) string {
	for len(parts) < n {
		parts = append(slices.Clone(parts), "0")
	}
	return strings.Join(next(parts, n-1), ".")
}

// perlAfter adds a part to a version, whose parts are three digits each where
// it is a decimal number.
func perlAfter(v string) string {
	number, fraction, dots := strings.Cut(v, ".")
	if strings.HasPrefix(v, "v") || strings.Contains(fraction, ".") {
		return v + ".1"
	}
	if !dots {
		return number + ".000001"
	}
	return number + "." + fraction + strings.Repeat("0", (3-len(fraction)%3)%3) + "000001"
}

package match

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// later reports whether a, a fix, is above b; no fix at all is the highest.
func (m *matcher) later(a, b string) bool {
	if a == "" || b == "" {
		return a == "" && b != ""
	}
	x, err := m.key(a)
	if err != nil {
		return false
	}
	y, err := m.key(b)
	return err == nil && m.scheme.Compare(x, y) > 0
}

// in finds the range or version of aff that holds key.
func (m *matcher) in(aff *assay.Affected, key version.Key) (best assay.Range, found bool, bad error) {
	best, found, bad = m.inRanges(aff.Ranges, key)
	if found {
		return best, true, nil
	}
	for _, v := range aff.Versions {
		k, err := m.key(v)
		if err != nil {
			bad = fmt.Errorf("its version cannot be compared: %w", err)
			continue
		}
		if m.scheme.Compare(k, key) == 0 {
			return only(v), true, nil
		}
	}
	return assay.Range{}, false, bad
}

// only is the range that holds one version.
func only(v string) assay.Range { return assay.Range{Introduced: v, LastAffected: v} }

// inRanges finds the range that holds key. Of several it is the one with the
// highest fix, for the lower ones proved not to be enough.
func (m *matcher) inRanges(ranges []assay.Range, key version.Key) (best assay.Range, found bool, bad error) {
	for _, r := range ranges {
		ok, err := m.inRange(r, key)
		if err != nil {
			bad = err
			continue
		}
		if ok && (!found || m.later(r.Fixed, best.Fixed)) {
			best, found = r, true
		}
	}
	if found {
		return best, true, nil
	}
	return best, false, bad
}

func (m *matcher) inRange(r assay.Range, key version.Key) (bool, error) {
	for _, bound := range []struct {
		version string
		inside  func(c int) bool // c: installed against the bound
	}{
		{r.Introduced, func(c int) bool { return c >= 0 }},
		{r.Fixed, func(c int) bool { return c < 0 }},
		{r.Before, func(c int) bool { return c < 0 }},
		{r.LastAffected, func(c int) bool { return c <= 0 }},
	} {
		if bound.version == "" {
			continue
		}
		k, err := m.key(bound.version)
		if err != nil {
			return false, fmt.Errorf("its version cannot be compared: %w", err)
		}
		if !bound.inside(m.scheme.Compare(key, k)) {
			if version.Doubtful(m.scheme, bound.version) {
				return false, fmt.Errorf("its version %q is not of %s's form, so whether this one is affected cannot be told: %w", bound.version, m.scheme.Name(), assay.ErrMalformed)
			}
			return false, nil
		}
	}
	return true, nil
}

// key is the scheme's, remembered: advisories repeat versions.
func (m *matcher) key(v string) (version.Key, error) {
	if k, ok := m.keys[v]; ok {
		return k, nil
	}
	k, err := m.scheme.Key(v)
	if err == nil {
		m.keys[v] = k
	}
	return k, err
}

// interval says in words which versions a range holds.
func interval(r assay.Range) string {
	if r.Introduced != "" && r.Introduced == r.LastAffected {
		return "in " + r.LastAffected
	}
	var parts []string
	if r.Introduced != "" {
		parts = append(parts, "from "+r.Introduced)
	}
	if r.LastAffected != "" {
		parts = append(parts, "up to "+r.LastAffected)
	} else if end := cmp.Or(r.Fixed, r.Before); end != "" {
		below := "below " + end
		if r.Introduced != "" {
			below = "to " + below
		}
		parts = append(parts, below)
	}
	switch {
	case len(parts) == 0:
		return "in every version, without a fix"
	case len(parts) == 1 && r.Introduced != "":
		return parts[0] + " on, without a fix"
	}
	return strings.Join(parts, " ")
}

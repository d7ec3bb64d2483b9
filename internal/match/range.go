package match

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// A comparer compares versions of one scheme. It caches their keys, because advisories
// repeat versions.
type comparer struct {
	scheme version.Scheme
	keys   map[string]version.Key
}

func newComparer(stream assay.Stream, scheme string) (*comparer, error) {
	s, ok := version.ByName(scheme)
	if !ok {
		return nil, fmt.Errorf("%s: version scheme %q: %w", stream, scheme, assay.ErrUnsupported)
	}
	return &comparer{scheme: s, keys: map[string]version.Key{}}, nil
}

// key returns the key of a version.
func (c *comparer) key(v string) (version.Key, error) {
	if k, ok := c.keys[v]; ok {
		return k, nil
	}
	k, err := c.scheme.Key(v)
	if err == nil {
		c.keys[v] = k
	}
	return k, err
}

// isLater reports whether fix a is above fix b; a missing fix is the highest.
func (c *comparer) isLater(a, b string) bool {
	if a == "" || b == "" {
		return a == "" && b != ""
	}
	x, err := c.key(a)
	if err != nil {
		return false
	}
	y, err := c.key(b)
	return err == nil && c.scheme.Compare(x, y) > 0
}

// find returns the range or version of a row that contains key; nil where none does.
// Then the error names the ones that cannot be compared.
func (c *comparer) find(row *assay.Affected, key version.Key) (*assay.Range, error) {
	best, bad := c.findRange(row.Ranges, key)
	if best != nil {
		return best, nil
	}
	for _, v := range row.Versions {
		k, err := c.key(v)
		if err != nil {
			bad = incomparable(err)
			continue
		}
		if c.scheme.Compare(k, key) == 0 {
			return only(v), nil
		}
	}
	return nil, bad
}

func incomparable(err error) error {
	return fmt.Errorf("a version in the advisory cannot be compared: %w", err)
}

// only returns the range of one version.
func only(v string) *assay.Range { return &assay.Range{Introduced: v, LastAffected: v} }

// findRange returns the range that contains key. Of several it returns the one with the
// highest fix, because the lower fixes were incomplete.
func (c *comparer) findRange(ranges []assay.Range, key version.Key) (best *assay.Range, bad error) {
	for i := range ranges {
		r := &ranges[i]
		ok, err := c.contains(r, key)
		if err != nil {
			bad = err
			continue
		}
		if ok && (best == nil || c.isLater(r.Fixed, best.Fixed)) {
			best = r
		}
	}
	if best != nil {
		return best, nil
	}
	return nil, bad
}

// contains reports whether a range contains key.
func (c *comparer) contains(r *assay.Range, key version.Key) (bool, error) {
	for _, bound := range [...]struct {
		version  string
		min, max int // of the installed version with the bound
	}{
		{r.Introduced, 0, 1},
		{r.Fixed, -1, -1},
		{r.Before, -1, -1},
		{r.LastAffected, -1, 0},
	} {
		if bound.version == "" {
			continue
		}
		k, err := c.key(bound.version)
		if err != nil {
			return false, incomparable(err)
		}
		if n := cmp.Compare(c.scheme.Compare(key, k), 0); n < bound.min || n > bound.max {
			if version.Doubtful(c.scheme, bound.version) {
				return false, fmt.Errorf("version %q in the advisory is not in the form of %s, so whether the installed version is affected is unknown: %w", bound.version, c.scheme.Name(), assay.ErrMalformed)
			}
			return false, nil
		}
	}
	return true, nil
}

// interval describes the versions of a range in words.
func interval(r *assay.Range) string {
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

package match

import (
	"cmp"
	"fmt"
	"slices"
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

// An installed is a version that is compared with the bounds of advisories.
type installed struct {
	text   string
	key    version.Key
	public version.Key // for bounds without a local version; see version.Local
}

// place parses an installed version.
func (c *comparer) place(v string) (in installed, err error) {
	in.text = v
	if in.key, err = version.Place(c.scheme, v); err != nil {
		return in, err
	}
	in.public = in.key
	if public := version.Public(c.scheme, v); public != v {
		in.public, err = c.key(public)
	}
	return in, err
}

// candidate returns a version that an advisory names, such as a fix, as an installed one.
func (c *comparer) candidate(v string) (installed, error) {
	k, err := c.key(v)
	return installed{text: v, key: k, public: k}, err
}

// compare orders an installed version and one of an advisory, which has the key k.
func (c *comparer) compare(in installed, v string, k version.Key) int {
	if in.public != in.key && version.Public(c.scheme, v) == v {
		return c.scheme.Compare(in.public, k)
	}
	return c.scheme.Compare(in.key, k)
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

// find returns the range or version of a row that contains a version; nil where none
// does. Then the error names the ones that cannot be compared.
func (c *comparer) find(row *assay.Affected, in installed) (*assay.Range, error) {
	best, bad := c.findRange(row.Ranges, in)
	if best != nil {
		return best, nil
	}
	for _, v := range row.Versions {
		k, err := c.key(v)
		if err != nil {
			bad = incomparable(err)
			continue
		}
		if c.compare(in, v, k) == 0 {
			return only(v), nil
		}
	}
	return nil, bad
}

// findText is find for an installed version that cannot be compared: it is equal to a
// version with the same text, and in the range of all versions. ok is false where the
// row names others, too.
func findText(row *assay.Affected, v string) (_ *assay.Range, ok bool) {
	if v != "" && slices.Contains(row.Versions, v) {
		return only(v), true
	}
	ok = true
	for i := range row.Ranges {
		switch r := &row.Ranges[i]; {
		case *r == assay.Range{}:
			return r, true
		case v == "":
			ok = false
		case v == r.Fixed, v == r.Before:
		case v == r.Introduced, v == r.LastAffected:
			return r, true
		default:
			ok = false
		}
	}
	return nil, ok
}

func incomparable(err error) error {
	return fmt.Errorf("a version in the advisory cannot be compared: %w", err)
}

// only returns the range of one version.
func only(v string) *assay.Range { return &assay.Range{Introduced: v, LastAffected: v} }

// findRange returns the range that contains a version. Of several it returns the one with the
// highest fix, because the lower fixes were incomplete.
func (c *comparer) findRange(ranges []assay.Range, in installed) (best *assay.Range, bad error) {
	for i := range ranges {
		r := &ranges[i]
		ok, err := c.contains(r, in)
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

// contains reports whether a range contains a version.
func (c *comparer) contains(r *assay.Range, in installed) (bool, error) {
	floating, _ := c.scheme.(version.Floating)
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
		if bound.min < 0 && bound.max == 0 && floating != nil && floating.InLine(in.text, bound.version) {
			continue // no later version of the line is known
		}
		if n := cmp.Compare(c.compare(in, bound.version, k), 0); n < bound.min || n > bound.max {
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

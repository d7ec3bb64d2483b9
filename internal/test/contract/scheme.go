package contract

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// A SchemeCase is a version scheme with versions that it orders.
type SchemeCase struct {
	Scheme   version.Scheme
	Versions []string // valid ones, of every form that the scheme knows
	// KeysHaveNoOrder says that the scheme's doc takes the order of keys as
	// strings back.
	KeysHaveNoOrder bool
	// Unordered reports versions for which the package manager's own order is
	// not transitive; nil: there are none.
	Unordered func(v string) bool
}

const (
	mutants    = 200  // versions that the suite makes of those given
	maxOrdered = 250  // versions of which all triples are compared
	overlong   = 5000 // bytes; no scheme takes such a version
)

// Scheme checks that the scheme keeps its contract: that its order is reflexive,
// antisymmetric and transitive, on the versions given and on what is made of
// them, that keys order as their versions do, and that what is no version is
// ErrMalformed.
func Scheme(t *testing.T, c SchemeCase) {
	if c.Scheme.Name() == "" || strings.ContainsAny(c.Scheme.Name(), " :*") {
		t.Errorf("name %q", c.Scheme.Name())
	}
	t.Run("invalid", func(t *testing.T) { c.invalid(t) })
	t.Run("order", func(t *testing.T) { c.order(t) })
}

func (c *SchemeCase) invalid(t *testing.T) {
	for name, v := range map[string]string{
		"nothing": "", "a blank": " ", "a blank in it": "1 2", "a line break": "1\n2", "a tab": "1\t2", "NUL": "1\x00", "an escape": "1\x1b[31m", "DEL": "1\x7f", "too long": strings.Repeat("1", overlong),
	} {
		if _, err := c.Scheme.Key(v); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%s: %v, want %v", name, err, assay.ErrMalformed)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}

// mutate makes versions of those given: pieces of two, and stray bytes.
func (c *SchemeCase) mutate(r *rand.Rand) (out []string) {
	const stray = "0019aZ.-_+~^:!#%\x00\xff é"
	part := func() string {
		v := c.Versions[r.IntN(len(c.Versions))]
		i := r.IntN(len(v) + 1)
		return v[i:min(len(v), i+1+r.IntN(6))]
	}
	for range mutants {
		v := part() + part()
		if r.IntN(2) == 0 {
			i := r.IntN(len(stray))
			v = part() + stray[i:i+1] + v
		}
		out = append(out, v)
	}
	return out
}

func (c *SchemeCase) order(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, v := range c.Versions {
		if _, err := c.Scheme.Key(v); err != nil {
			t.Errorf("a version that was given: %v", err)
		}
	}
	var versions []string
	var keys []version.Key
	given := append([]string(nil), c.Versions...)
	r.Shuffle(len(given), func(i, j int) { given[i], given[j] = given[j], given[i] })
	for _, v := range append(given[:min(len(given), maxOrdered/2)], c.mutate(r)...) {
		k, err := c.Scheme.Key(v)
		again, err2 := c.Scheme.Key(v)
		if k != again || (err == nil) != (err2 == nil) {
			t.Errorf("%q: not the same key twice", v)
		}
		if err != nil && !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%q: %v, want %v", v, err, assay.ErrMalformed)
		}
		if err == nil && len(keys) < maxOrdered && (c.Unordered == nil || !c.Unordered(v)) {
			versions, keys = append(versions, v), append(keys, k)
		}
	}
	if len(keys) < 10 {
		t.Fatalf("%d versions are too few", len(keys))
	}
	c.compare(t, versions, keys)
}

func (c *SchemeCase) compare(t *testing.T, versions []string, keys []version.Key) {
	order := make([][]int, len(keys))
	for i, a := range keys {
		for _, b := range keys {
			order[i] = append(order[i], sign(c.Scheme.Compare(a, b)))
		}
	}
	for i, a := range order {
		if a[i] != 0 {
			t.Fatalf("%q is not itself", versions[i])
		}
		for j, b := range order {
			if a[j] != -b[i] {
				t.Fatalf("%q to %q is %d, and the other way %d", versions[i], versions[j], a[j], b[i])
			}
			if !c.KeysHaveNoOrder && a[j] != cmp.Compare(keys[i], keys[j]) {
				t.Fatalf("%q to %q is %d, and their keys otherwise", versions[i], versions[j], a[j])
			}
			if a[j] > 0 {
				continue
			}
			for k := range order {
				if b[k] <= 0 && a[k] > 0 {
					t.Fatalf("%q <= %q <= %q, but not the first and the last", versions[i], versions[j], versions[k])
				}
			}
		}
	}
}

func sign(n int) int { return cmp.Compare(n, 0) }

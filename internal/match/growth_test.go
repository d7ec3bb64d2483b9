package match

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/test/memory"
	"github.com/assaysec/assay/internal/version"
)

// counting is a scheme that counts comparisons.
type counting struct {
	version.Scheme
	n int
}

func (c *counting) Compare(a, b version.Key) int {
	c.n++
	return c.Scheme.Compare(a, b)
}

// published is a database with some advisories on each name.
type published []assay.Advisory

func (p published) Lookup(context.Context, assay.Stream, string) iter.Seq2[assay.Advisory, error] {
	return func(yield func(assay.Advisory, error) bool) {
		for _, a := range p {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// TestWorkGrowsWithFindings: twice the vulnerabilities of one package are twice
// the comparisons and twice the bytes, not four times.
func TestWorkGrowsWithFindings(t *testing.T) {
	family, _ := distro.Of(assay.Release{ID: "debian", Version: "12"})
	inv := &assay.Inventory{Release: assay.Release{ID: "debian", Version: "12"}, Packages: []assay.Package{{Type: assay.TypeDeb, Name: "linux", Version: "6.1.55-1"},
		{Type: assay.TypeGeneric, Name: "linux", CPEs: []string{"cpe:2.3:o:linux:linux_kernel:6.1.55:*:*:*:*:*:*:*", "cpe:2.3:o:linux:kernel:6.1.55:*:*:*:*:*:*:*"}}}}
	advisories := func(n int) (all published) {
		for i := range n {
			for _, fixed := range []string{"6.1.60-1", "6.1.61-1"} { // two notices of each
				a := assay.Advisory{ID: fmt.Sprintf("CVE-2024-%06d", i), Aliases: []string{fmt.Sprintf("X-%d", i)}, Affected: []assay.Affected{{Name: "linux", Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: fixed}}}}}
				if i%8 == 0 && fixed == "6.1.61-1" {
					a.Affected[0].Status = assay.StatusNotAffected
				}
				all = append(all, a)
			}
		}
		return all
	}
	measure := func(work func() (findings int, _ *counting)) (comparisons, bytes, findings int) {
		allocated := memory.Allocated()
		findings, c := work()
		return c.n, int(allocated()), findings
	}
	for _, tt := range []struct {
		name string
		work func(published) (int, *counting)
	}{
		{"OS packages", func(p published) (int, *counting) {
			d, err := newDistroMatcher(family, "debian:12", inv.Release, Options{})
			if err != nil {
				t.Fatal(err)
			}
			c := &counting{Scheme: d.versions.scheme}
			d.versions.scheme, d.store.advisories = c, p
			if err := d.judge(t.Context(), inv); err != nil {
				t.Fatal(err)
			}
			return len(d.findings), c
		}},
		{"products under two names", func(p published) (int, *counting) {
			c := &counting{Scheme: version.Generic}
			m := &registryMatcher{ecosystem: products, packages: []int{1}, versions: &comparer{scheme: c, keys: map[string]version.Key{}}, store: store{advisories: p}}
			if err := m.judge(t.Context(), inv); err != nil {
				t.Fatal(err)
			}
			return len(m.findings), c
		}},
	} {
		const n = 4000
		c1, b1, f1 := measure(func() (int, *counting) { return tt.work(advisories(n)) })
		c2, b2, f2 := measure(func() (int, *counting) { return tt.work(advisories(2 * n)) })
		if f1 != n/8*7 || f2 != 2*f1 {
			t.Fatalf("%s: %d and %d findings", tt.name, f1, f2)
		}
		t.Logf("%s: %d comparisons and %d kB; for twice the vulnerabilities %d and %d", tt.name, c1, b1>>10, c2, b2>>10)
		if c2 > c1*21/10 || b2 > b1*5/2 {
			t.Errorf("%s: twice the findings take %.1f times the comparisons, %.1f times the bytes", tt.name, float64(c2)/float64(c1), float64(b2)/float64(b1))
		}
	}
}

package match_test

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// indexed is a database whose lookups cost nothing that matters.
type indexed map[string][]assay.Advisory

func (x indexed) Lookup(_ context.Context, s assay.Stream, name string) iter.Seq2[assay.Advisory, error] {
	return func(yield func(assay.Advisory, error) bool) {
		for _, a := range x[string(s)+" "+name] {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// kernel is an image with a kernel that has n known vulnerabilities: some are
// fixed, some are declared not to affect it; and a Go module and a bare kernel
// with as many.
func kernel(n int) (*assay.Inventory, indexed) {
	inv := &assay.Inventory{Release: bookworm}
	for _, name := range []string{"linux-image-6.1.0-13-amd64", "linux-libc-dev", "linux-headers-6.1.0-13-amd64"} {
		inv.Packages = append(inv.Packages, pkg("deb", name, "6.1.55-1", from("linux")))
	}
	inv.Packages = append(inv.Packages, of("golang", "stdlib", "go1.20.0"),
		program("linux", "6.1.55", "cpe:2.3:o:linux:linux_kernel:6.1.55:*:*:*:*:*:*:*", "cpe:2.3:o:linux:kernel:6.1.55:*:*:*:*:*:*:*"))
	db := indexed{}
	add := func(i int, s assay.Stream, name string, ranges ...assay.Range) {
		a := adv(fmt.Sprintf("CVE-2024-%d", i), row(s, name, ranges...), aliases(fmt.Sprintf("X-%d", i)))
		if i%16 == 0 {
			a.Affected[0].Status = assay.StatusNotAffected
		}
		db[string(s)+" "+name] = append(db[string(s)+" "+name], a)
	}
	for i := range n {
		add(i, "debian:12", "linux", assay.Range{Fixed: fmt.Sprintf("6.1.%d-1", i%110)})
		add(i, "go", "stdlib", assay.Range{Fixed: fmt.Sprintf("1.%d.3", i%40)})
		for _, name := range []string{"linux:linux_kernel", "linux:kernel"} {
			add(i, assay.StreamCPE, name, assay.Range{Introduced: "5.0", Fixed: fmt.Sprintf("6.1.%d", i%110)})
		}
	}
	return inv, db
}

// BenchmarkPackages matches a kernel with thousands of vulnerabilities.
func BenchmarkPackages(b *testing.B) {
	for _, n := range []int{1000, 2000, 4000, 8000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			inv, db := kernel(n)
			b.ReportAllocs()
			for b.Loop() {
				if res, err := match.Packages(b.Context(), inv, db, match.Options{}); err != nil || len(res.Findings) < n {
					b.Fatal(len(res.Findings), err)
				}
			}
		})
	}
}

package node

import (
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

// TestNullEntries: an entry without a body is a package whose version its key has, or
// else a package without a version; never nothing.
func TestNullEntries(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    assay.Reader
		file string
		in   string
		want string // packages
		says string
	}{
		{"npm 3", NPM{}, "package-lock.json", `{"lockfileVersion":3,"packages":{"":{},"node_modules/x":null,"node_modules/ok":{"version":"1.0.0"},"packages/a":null}}`, "ok@1.0.0", "1 package has no version: x"},
		{"npm 1", NPM{}, "package-lock.json", `{"lockfileVersion":1,"dependencies":{"x":null,"ok":{"version":"1.0.0","dependencies":{"a":null}}}}`, "ok@1.0.0", "2 packages have no version: a, x"},
		{"pnpm", PNPM{}, "pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  x@1.0.0: null\n  ok@1.0.0:\n    resolution: {integrity: x}\n  y@2.0.0:\n", "ok@1.0.0 x@1.0.0 y@2.0.0", ""},
		{"bun", Bun{}, "bun.lock", `{"lockfileVersion":1,"packages":{"x":null,"ok":["ok@1.0.0"],"y":[]}}`, "ok@1.0.0", "2 packages have no version: x, y"},
	} {
		facts, err := contract.Read(t, tt.r, tt.file, tt.in)
		var got []string
		for _, p := range facts.Packages {
			got = append(got, p.Ref())
		}
		slices.Sort(got)
		if strings.Join(got, " ") != tt.want || (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
}

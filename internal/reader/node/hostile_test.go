package node

import (
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

// TestQuick holds that reading a file takes no more than its length demands:
// tenths of a second for these.
func TestQuick(t *testing.T) {
	for _, tt := range []struct {
		name   string
		reader assay.Reader
		path   string
		in     string
	}{
		{"a long place in npm's version 1", NPM{}, "package-lock.json", `{"dependencies":{"` + strings.Repeat("x", 1<<20) + `":{"dependencies":{` + contract.Many(50_000, `"a#":{"version":"1.0.0"},`) + `"z":{}}}}}`},
		{"many requirements deep inside npm's version 3", NPM{}, "package-lock.json", `{"packages":{` + contract.Many(60, `"node_modules/a/node_modules/b#":{"version":"1.0.0"},`) + `"node_modules/a":{"version":"1.0.0","dependencies":{` + contract.Many(100_000, `"d#":"",`) + `"z":""}}}}`},
		{"a long key of Bun's", Bun{}, "bun.lock", `{"packages":{"` + strings.Repeat("a/", 1<<19) + `b":["b@1.0.0","",{"dependencies":{` + contract.Many(50_000, `"d#":"",`) + `"z":""}}]}}`},
		{"many documents of pnpm's", PNPM{}, "pnpm-lock.yaml", "packages:\n" + contract.Many(50_000, "  a#@1.0.0: {}\n") + strings.Repeat("---\nimporters: {.: {dependencies: {a: 1.0.0}}}\npackages: {a@1.0.0: {}}\n", 10_000)},
		{"aliases of much in pnpm's", PNPM{}, "pnpm-lock.yaml", "x: &b\n" + contract.Many(20_000, " k#: 1\n") + "importers:\n .:\n  dependencies:\n" + contract.Many(50_000, "   k#: *b\n")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contract.Quick(t, tt.reader, tt.path, tt.in)
		})
	}
}

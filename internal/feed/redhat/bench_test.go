package redhat

import (
	"os"
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func BenchmarkDocument(b *testing.B) {
	doc, err := os.ReadFile(corpus.Path(b, "feeds/security.access.redhat.com/data/csaf/v2/vex/2025/cve-2025-6176.json"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		e := &emitter{s: &contract.Records{}, releases: map[string][]string{}}
		if err := e.document("x", doc, nil); err != nil {
			b.Fatal(err)
		}
	}
}

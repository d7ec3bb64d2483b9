package java

import (
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/corpus"
)

// BenchmarkArchive reads all archives of an image with Java software.
func BenchmarkArchive(b *testing.B) {
	files := layersOf(b, corpus.Image(b, "java.docker.tar"))
	b.ResetTimer()
	for b.Loop() {
		for name, content := range files {
			Archive{}.Read(b.Context(), &assay.File{Path: name, Size: int64(len(content)), ReaderAt: strings.NewReader(content)})
		}
	}
}

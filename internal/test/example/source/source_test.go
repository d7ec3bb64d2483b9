package store

import (
	"path/filepath"
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestSource(t *testing.T) {
	m := contract.NewImage("app:1", "a", "b")
	dir, name := filepath.Split(contract.WriteDir(t, m.Layout(contract.Gzip)...))
	contract.Source(t, contract.SourceCase{Source: Source{dir}, Ref: name, Unknown: "none", Want: m})
}

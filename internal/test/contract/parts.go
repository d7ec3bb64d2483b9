package contract

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Parts checks, in the package of a list, that the tests of each part below it
// call the suite of its kind: "Reader", "Feed". Directories that hold no part are
// named in others.
func Parts(t *testing.T, suite string, others ...string) {
	t.Helper()
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	others = append(others, "internal", "testdata")
	n := 0
	for _, e := range entries {
		if !e.IsDir() || slices.Contains(others, e.Name()) {
			continue
		}
		if n++; !calls(t, e.Name(), suite) {
			t.Errorf("the tests of %s do not call contract.%s", e.Name(), suite)
		}
	}
	if n == 0 {
		t.Error("no parts")
	}
}

// calls reports whether the tests in a directory call contract.SUITE.
func calls(t *testing.T, dir, suite string) (found bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if s, ok := call.Fun.(*ast.SelectorExpr); ok && s.Sel.Name == suite {
				pkg, ok := s.X.(*ast.Ident)
				found = found || ok && pkg.Name == "contract"
			}
			return true
		})
	}
	return found
}

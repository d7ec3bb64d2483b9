package assay_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// Bounds of a function: it is read without scrolling, and its paths fit in a
// reader's head.
const (
	maxFunctionLines = 60 // from the line of func to the closing brace
	maxComplexity    = 20 // McCabe's number: 1, and 1 for each branch, loop, case, && and ||
	maxParameters    = 6  // without the receiver
)

// TestFunctions holds the bounds in all code but tests. A function literal
// counts as part of the function that holds it, except for its parameters.
func TestFunctions(t *testing.T) {
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, file, nil, 0)
		if err != nil {
			return err
		}
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Body != nil {
				for _, fault := range functionFaults(fset, fn) {
					t.Errorf("%s: %s: %s", fset.Position(fn.Pos()), fn.Name.Name, fault)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// functionFaults lists the bounds that a function breaks.
func functionFaults(fset *token.FileSet, fn *ast.FuncDecl) (faults []string) {
	if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > maxFunctionLines {
		faults = append(faults, fmt.Sprintf("%d lines, more than %d", n, maxFunctionLines))
	}
	complexity, parameters := 1, fn.Type.Params.NumFields()
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			complexity++
		case *ast.CaseClause:
			if n.List != nil {
				complexity++
			}
		case *ast.CommClause:
			if n.Comm != nil {
				complexity++
			}
		case *ast.BinaryExpr:
			if n.Op == token.LAND || n.Op == token.LOR {
				complexity++
			}
		case *ast.FuncLit:
			parameters = max(parameters, n.Type.Params.NumFields())
		}
		return true
	})
	if complexity > maxComplexity {
		faults = append(faults, fmt.Sprintf("complexity %d, more than %d", complexity, maxComplexity))
	}
	if parameters > maxParameters {
		faults = append(faults, fmt.Sprintf("%d parameters, more than %d", parameters, maxParameters))
	}
	return faults
}

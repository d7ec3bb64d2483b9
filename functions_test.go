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
// counts as part of the function that holds it, except for its parameters; in a
// package's variable it is a function of its own.
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
		for _, fault := range functionFaults(fset, f) {
			t.Error(fault)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// functionFaults lists the bounds that the functions of a file break.
func functionFaults(fset *token.FileSet, f *ast.File) (faults []string) {
	for _, decl := range f.Decls {
		ast.Inspect(decl, func(n ast.Node) bool {
			switch fn := n.(type) {
			case *ast.FuncDecl:
				if fn.Body != nil {
					faults = append(faults, boundFaults(fset, fn.Name.Name, fn, fn.Type, fn.Body)...)
				}
				return false
			case *ast.FuncLit: // in a package's variable
				faults = append(faults, boundFaults(fset, "function literal", fn, fn.Type, fn.Body)...)
				return false
			}
			return true
		})
	}
	return faults
}

// boundFaults lists the bounds that a function breaks.
func boundFaults(fset *token.FileSet, name string, fn ast.Node, typ *ast.FuncType, body *ast.BlockStmt) (faults []string) {
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Sprintf("%s: %s: ", fset.Position(fn.Pos()), name)+fmt.Sprintf(format, args...))
	}
	if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > maxFunctionLines {
		fault("%d lines, more than %d", n, maxFunctionLines)
	}
	complexity, parameters := 1, typ.Params.NumFields()
	ast.Inspect(body, func(n ast.Node) bool {
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
		fault("complexity %d, more than %d", complexity, maxComplexity)
	}
	if parameters > maxParameters {
		fault("%d parameters, more than %d", parameters, maxParameters)
	}
	return faults
}

// TestFunctionFaults: functions, methods and the literals in a package's variables are
// measured, each once.
func TestFunctionFaults(t *testing.T) {
	const parameters = "(a, b, c, d, e, f, g int)"
	lines := "{" + strings.Repeat("\n", 60) + "}"
	for _, tt := range []struct{ name, code, want string }{
		{"function", "func f" + parameters + " {}", "a.go:2:1: f: 7 parameters, more than 6"},
		{"method", "func (x) f()" + lines, "a.go:2:1: f: 61 lines, more than 60"},
		{"literal in a function", "func f() { _ = func" + parameters + " {} }", "a.go:2:1: f: 7 parameters, more than 6"},
		{"literal in a variable", "var v = func" + parameters + " {}", "a.go:2:9: function literal: 7 parameters, more than 6"},
		{"literals in a table", "var v = []any{1, func() {}, x{f: func()" + lines + "}}", "a.go:2:34: function literal: 61 lines, more than 60"},
		{"literal in a literal", "var v = func() { _ = func" + parameters + " {} }", "a.go:2:9: function literal: 7 parameters, more than 6"},
		{"within the bounds", "var v = func(a int) {}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, "a.go", "package a\n"+tt.code, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(functionFaults(fset, f), "; "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

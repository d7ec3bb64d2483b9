package assay_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// plainDirs are the directories, with all below them, whose messages are checked: all of them.
var plainDirs = []string{"."}

// explained are the phrases in which a message may use a word that we do not use:
// to explain ours, or to quote the name that others gave to something.
var explained = []string{
	"SBOM (software bill of materials)",
}

// flagName is the name of a flag, which stays as it is.
var flagName = regexp.MustCompile(`--[a-z][a-z-]*`)

// comparers are functions whose literals are compared with bytes of others, or are
// expressions: package and name.
var comparers = map[string][]string{
	"regexp": {"Compile", "MustCompile", "MatchString"},
	"strings": {"Contains", "Count", "Cut", "CutPrefix", "CutSuffix", "EqualFold", "HasPrefix", "HasSuffix", "Index", "LastIndex",
		"NewReplacer", "Split", "TrimPrefix", "TrimSuffix"},
	"bytes": {"Contains", "Cut", "CutPrefix", "CutSuffix", "EqualFold", "HasPrefix", "HasSuffix", "Index", "TrimPrefix", "TrimSuffix"},
}

// TestGlossary: no message or help text has a word in it that docs/glossary.md
// gives another word for.
func TestGlossary(t *testing.T) {
	banned, err := bannedWords("docs/glossary.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(banned) < 30 {
		t.Fatalf("the glossary has %d words that we do not use: was its table read?", len(banned))
	}
	checked := 0
	for _, dir := range plainDirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && d.Name() == "testdata":
				return filepath.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, m := range messages(file) {
				checked++
				for _, b := range banned {
					if at := b.expr.FindStringIndex(m.text); at != nil {
						t.Errorf("%s: %q in %.80q: write %q (docs/glossary.md)", files.Position(m.pos), m.text[at[0]:at[1]], m.text, b.term)
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if checked < 100 {
		t.Errorf("%d messages were checked: are the directories right?", checked)
	}
}

// banned is a word that we do not use, and the one that we write for it.
type banned struct {
	term string
	expr *regexp.Regexp
}

// glossaryRow is a row of the tables: | term | meaning | not |.
var glossaryRow = regexp.MustCompile(`(?m)^\| ([^|]+) \| [^|]+ \|([^|]*)\|$`)

// bannedWords reads the last column of a glossary. Only what is in code type there
// is banned: the other words have more than one meaning.
func bannedWords(name string) (all []banned, _ error) {
	doc, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	for _, row := range glossaryRow.FindAllStringSubmatch(string(doc), -1) {
		for i, part := range strings.Split(row[2], "`") {
			if i%2 == 0 {
				continue
			}
			expr, err := regexp.Compile(`(?i)\b` + strings.ReplaceAll(regexp.QuoteMeta(part), " ", `\s+`) + `\b`)
			if err != nil {
				return nil, fmt.Errorf("%s: %q: %w", name, part, err)
			}
			all = append(all, banned{row[1], expr})
		}
	}
	return all, nil
}

// message is a text that people may see.
type message struct {
	pos  token.Pos
	text string
}

// messages lists the string literals of a file that people may see: those with a
// space in them. Left out are
//   - import paths and tags of structs, which only programs read;
//   - what a literal is compared with (==, !=, case, strings.HasPrefix and the like):
//     text of others, which is spelled as they spell it;
//   - regular expressions, for the same reason;
//   - keys of composite literals, which are looked up by text of others;
//   - names of flags, which cannot change.
//
// Keys of JSON and XML have no space, so they are no messages.
func messages(file *ast.File) (all []message) {
	skip := map[ast.Node]bool{}
	skipAll := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			skip[e] = true
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.Field:
			if n.Tag != nil {
				skipAll(n.Tag)
			}
		case *ast.BinaryExpr:
			if n.Op == token.EQL || n.Op == token.NEQ {
				skipAll(n.X, n.Y)
			}
		case *ast.CaseClause:
			skipAll(n.List...)
		case *ast.KeyValueExpr:
			skipAll(n.Key)
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok {
				if p, ok := f.X.(*ast.Ident); ok && slices.Contains(comparers[p.Name], f.Sel.Name) {
					skipAll(n.Args...)
				}
			}
		case *ast.BasicLit:
			text, err := strconv.Unquote(n.Value)
			if n.Kind != token.STRING || err != nil || skip[n] || !strings.Contains(strings.TrimSpace(text), " ") {
				break
			}
			for _, phrase := range explained {
				text = strings.ReplaceAll(text, phrase, "")
			}
			all = append(all, message{n.Pos(), flagName.ReplaceAllString(text, "--")})
		}
		return true
	})
	return all
}

// TestMessages: the literals that TestGlossary looks at are those that people see.
func TestMessages(t *testing.T) {
	for _, tt := range []struct {
		name, source string
		want         []string
	}{
		{"call", `var _ = errors.New("no such folder")`, []string{"no such folder"}},
		{"field", "var _ = cobra.Command{Long: `two\nlines here`}", []string{"two\nlines here"}},
		{"concatenation", `var _ = "one folder" + name + " or two folders"`, []string{"one folder", " or two folders"}},
		{"one word", `var _ = "folder "`, nil},
		{"import", `import _ "a folder"`, nil},
		{"tag", "type x struct { A int `json:\"a folder\"` }", nil},
		{"comparison", `var _ = x == "a folder" || "the folder" != x`, nil},
		{"case", `func f() { switch x { case "a folder": } }`, nil},
		{"prefix", `var _ = strings.HasPrefix(x, "a folder")`, nil},
		{"expression", "var _ = regexp.MustCompile(`a folder`)", nil},
		{"key", `var _ = map[string]string{"a folder": "a value"}`, []string{"a value"}},
		{"flag", `var _ = "use --vuln-type here"`, []string{"use -- here"}},
		{"explained", `var _ = "Scan an SBOM (software bill of materials) here"`, []string{"Scan an  here"}},
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\n"+tt.source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		var got []string
		for _, m := range messages(file) {
			got = append(got, m.text)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestBannedWords: words are matched whole, in any case, and over line ends.
func TestBannedWords(t *testing.T) {
	doc := filepath.Join(t.TempDir(), "g.md")
	if err := os.WriteFile(doc, []byte("| term | here | not |\n|---|---|---|\n| fix | a version | `mend`, `taken away`; way |\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	words, err := bannedWords(doc)
	if err != nil || len(words) != 2 {
		t.Fatal(words, err)
	}
	for text, want := range map[string]string{
		"who will Mend it": "Mend", "it was taken\naway today": "taken\naway", "we amend the way": "", "mended by them": "",
	} {
		got := ""
		for _, w := range words {
			got += w.expr.FindString(text)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

package assay_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// named finds a rule in a table of tests: `{"Alpine: any edge is edge", …`.
var named = regexp.MustCompile(`(?m)^\s*\{(?:name: )?"([^":]+: (?:[^"\\]|\\.)+)",`)

// indexed finds a row of the table in docs/accuracy.md: | rule | `directory: Test` |.
var indexed = regexp.MustCompile("(?m)^\\| ([^|]+) \\| `([^`:]+): (Test\\w+)` \\|$")

// TestRulesAreIndexed: docs/accuracy.md names a test for each rule of a
// distribution or ecosystem, and each rule that is tested by name.
func TestRulesAreIndexed(t *testing.T) {
	doc, err := os.ReadFile("docs/accuracy.md")
	if err != nil {
		t.Fatal(err)
	}
	type test struct{ directory, name string }
	rows, tables := map[string]test{}, map[test]bool{} // by rule; those whose cases are rules
	for _, m := range indexed.FindAllStringSubmatch(string(doc), -1) {
		if rows[m[1]] != (test{}) {
			t.Errorf("%s: twice", m[1])
		}
		rows[m[1]] = test{m[2], m[3]}
		if !strings.Contains(tests(t, m[2]), "func "+m[3]+"(t *testing.T)") {
			t.Errorf("%s: there is no %s in %s", m[1], m[3], m[2])
		}
	}
	peers, err := filepath.Glob("*/*/peers*_test.go")
	own, bad := filepath.Glob("*/peers*_test.go")
	if peers = append(peers, own...); err != nil || bad != nil || len(peers) < 4 {
		t.Fatal(peers, err, bad)
	}
	for _, file := range peers {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(b), -1) {
			if rows[m[1]].directory != filepath.ToSlash(filepath.Dir(file)) {
				t.Errorf("%s: %q is not in docs/accuracy.md", file, m[1])
			}
			tables[rows[m[1]]] = true
			delete(rows, m[1])
		}
	}
	for rule, of := range rows { // the rest is proved by tests that are called otherwise
		if tables[of] {
			t.Errorf("%s: %s in %s has no such case", rule, of.name, of.directory)
		}
	}
}

// tests is the text of a directory's tests.
func tests(t *testing.T, directory string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

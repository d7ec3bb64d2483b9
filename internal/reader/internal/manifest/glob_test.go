package manifest

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/google/go-cmp/cmp"
)

// in is a file of a target with these directories.
func in(dirs ...string) *assay.File {
	return &assay.File{Path: "p/package.json", List: func(dir string) (names []string, err error) {
		for _, d := range dirs {
			for ; d != "."; d = path.Dir(d) {
				if path.Dir(d) == dir {
					names = append(names, path.Base(d)+"/")
				}
			}
		}
		slices.Sort(names)
		return append(slices.Compact(names), "a file"), nil
	}}
}

func TestDirs(t *testing.T) {
	f := in("p/apps/a", "p/apps/b", "p/libs/deep/c", "p/node_modules/x", "p/app-d")
	for _, tt := range []struct {
		patterns, want string
		ok             bool
	}{
		{"apps/*", "apps/a apps/b", true},
		{"./apps/*/ !apps/b", "apps/a", true},
		{"app-*", "app-d", true},
		{"{apps,libs/deep}/?", "apps/a apps/b libs/deep/c", true},
		{"libs/**", "libs libs/deep libs/deep/c", true},
		{"apps/a named/here", "apps/a named/here", true},
		{"../../*", "", false},
		{"/apps/[a]", "apps/a", true},
		{"apps/[", "", true},
	} {
		dirs, ok := Dirs(f, strings.Fields(tt.patterns))
		if d := cmp.Diff(tt.want, strings.Join(dirs, " ")); d != "" || ok != tt.ok {
			t.Errorf("%s: %v %s", tt.patterns, ok, d)
		}
		for _, dir := range dirs {
			if !Member(strings.Fields(tt.patterns), dir) {
				t.Errorf("%s is no member by %s", dir, tt.patterns)
			}
		}
	}
	if dirs, ok := Dirs(&assay.File{Path: "x"}, []string{"a", "b/*"}); ok || len(dirs) != 1 {
		t.Error("directories that cannot be listed", dirs, ok)
	}
}

// TestHostile holds that patterns take no more than their bounds.
func TestHostile(t *testing.T) {
	f := &assay.File{Path: "x", List: func(string) (names []string, _ error) {
		for i := range 100 {
			names = append(names, fmt.Sprint(i, "/"))
		}
		return names, nil
	}}
	for _, p := range []string{"**/**/**/**", strings.Repeat("*/", 30) + "*", strings.Repeat("{a,b}", 40), strings.Repeat("{", 5000), strings.Repeat("{a,{b,c}}", 500), strings.Repeat("**/", 2000)} {
		dirs, ok := Dirs(f, []string{p})
		if len(dirs) > maxDirs || ok && len(dirs) == maxDirs {
			t.Errorf("%.20s: %d directories", p, len(dirs))
		}
		Member([]string{p}, strings.Repeat("a/", 2000)+"a")
	}
}

func FuzzMember(f *testing.F) {
	f.Add("{a,b}/*/**", "a/b/c")
	f.Fuzz(func(t *testing.T, pattern, dir string) { Member([]string{pattern}, dir) })
}

func TestLines(t *testing.T) {
	got := Lines("a // b\n'//' \"/*\" c /* d\ne */ f\n# g \\\"\n", "//", "/*", "#")
	if d := cmp.Diff([]string{"a ", "'//' \"/*\" c ", " f", "", ""}, got); d != "" {
		t.Error(d)
	}
}

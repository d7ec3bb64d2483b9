package bom_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/bom"
)

// TestInstalledDependencies: packages find what they need where their
// interpreters look for it, the nearest first.
func TestInstalledDependencies(t *testing.T) {
	npm := func(path, version string, needs ...string) assay.Package {
		name := path[strings.LastIndex(path, "/")+1:]
		if scope := strings.LastIndex(path, "/@"); scope >= 0 {
			name = path[scope+1:]
		}
		return assay.Package{Type: assay.TypeNPM, Name: name, Version: version, Path: path + "/package.json", DependsOn: needs}
	}
	python := func(path, name string, needs ...string) assay.Package {
		return assay.Package{Type: assay.TypePyPI, Name: name, Version: "1", Path: path, DependsOn: needs}
	}
	packages := []assay.Package{
		0:  {Type: assay.TypeNPM, Name: "app", Version: "1", Path: "srv/app/package.json", Relation: assay.RelationRoot, DependsOn: []string{"a", "gone"}},
		1:  npm("srv/app/node_modules/a", "1", "b", "@s/c"),
		2:  npm("srv/app/node_modules/a/node_modules/b", "2", "@s/c"),
		3:  npm("srv/app/node_modules/b", "1", "a@1"), // as an SBOM has it
		4:  npm("srv/app/node_modules/@s/c", "1"),
		5:  npm("other/node_modules/b", "3"),
		6:  npm("usr/share/nodejs/d", "1", "e"),
		7:  npm("usr/share/nodejs/e", "1"),
		8:  python("opt/venv/lib/python3.9/site-packages/Flask-1.dist-info/METADATA", "Flask", "zope.interface", "requests"),
		9:  python("opt/venv/lib/python3.9/site-packages/zope_interface-1.dist-info/METADATA", "zope-interface"),
		10: python("usr/lib/python3/dist-packages/requests.egg-info", "requests"),
		11: python("opt/venv/lib/python3.9/site-packages/requests-1.egg-info/PKG-INFO", "requests"),
	}
	want := [][]int{0: {1}, 1: {2, 4}, 2: {4}, 3: {1}, 6: {7}, 8: {9, 11}, 11: nil}
	got := bom.Dependencies(packages)
	for i := range got {
		slices.Sort(got[i])
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// TestWays: the shortest first, from what nobody needs; cycles end.
func TestWays(t *testing.T) {
	by := [][]int{0: nil, 1: {0}, 2: {1, 4}, 3: {2}, 4: {0}, 5: {6}, 6: {5}, 7: nil}
	for _, tt := range []struct {
		n, most, steps int
		want           [][]int
	}{
		{3, 3, 9, [][]int{{0, 1, 2, 3}}},
		{1, 3, 9, [][]int{{0, 1}}},
		{3, 1, 2, [][]int{{1, 2, 3}}},
		{7, 3, 9, nil},
		{5, 3, 9, nil},
	} {
		if d := cmp.Diff(tt.want, bom.DependencyPaths(by, tt.n, tt.most, tt.steps)); d != "" {
			t.Errorf("%d: %s", tt.n, d)
		}
	}
}

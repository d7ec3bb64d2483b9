package requirement

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// order is a scheme of numbers between dots, before which come the same with a
// word or number behind a hyphen or dot, which are ordered as texts.
type order struct{ name string }

func (o order) Name() string { return o.name }

func (o order) Key(v string) (version.Key, error) {
	if v == "" || strings.ContainsAny(v, "<>=~^*|, ") || v[0] < '0' || v[0] > '9' {
		return "", fmt.Errorf("%q: %w", v, assay.ErrMalformed)
	}
	return version.Key(v), nil
}

func (o order) Compare(a, b version.Key) int {
	x, y := numbers(string(a)), numbers(string(b))
	rest := func(v version.Key, n []string) string { return strings.TrimPrefix(string(v), strings.Join(n, ".")) }
	rx, ry := rest(a, x), rest(b, y)
	for i := range max(len(x), len(y)) {
		var p, q int
		if i < len(x) {
			p, _ = strconv.Atoi(x[i])
		}
		if i < len(y) {
			q, _ = strconv.Atoi(y[i])
		}
		if p != q {
			return cmp.Compare(p, q)
		}
	}
	switch {
	case rx == ry:
		return 0
	case rx == "":
		return 1
	case ry == "":
		return -1
	}
	return strings.Compare(rx, ry)
}

var semver = order{"semver"}

// show writes ranges as "[1,2) [3,4] [5,6! [7,", with "!" where the end is no
// fix, and the fix, where that is another version, behind it.
func show(ranges []assay.Range) string {
	var out []string
	for _, r := range ranges {
		s := "[" + r.Introduced + ","
		switch {
		case r.LastAffected != "":
			s += r.LastAffected + "]" + r.Fixed
		case r.Before != "":
			s += r.Before + "!" + r.Fixed
		case r.Fixed != "":
			s += r.Fixed + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		syntax     Syntax
		text, want string
	}{
		{Plain, "1.2", "[1.2,1.2]"}, {Plain, "=1.2", "[1.2,1.2]"}, {Plain, "==1.2", "[1.2,1.2]"}, {Plain, "<1.2", "[,1.2)"}, {Plain, "<= 1.2", "[,1.2]"}, {Plain, ">= 1.2", "[1.2,"},
		{Plain, ">=1.2,<1.5", "[1.2,1.5)"}, {Plain, ">=1.2 <1.5 || 3", "[1.2,1.5) [3,3]"}, {Plain, "!=1.2.0", "[,1.2.0) [1.2.1-0,"}, {Plain, ">0", "[,"}, {Plain, ">=0.0", "[,"}, {Plain, "<0.0.0", ""}, {Plain, "*", "[,"},
		{Plain, ">2,<1", ""}, {Plain, "<2||>=1", "[,"}, {Plain, "<1||>=1", "[,"}, {Plain, "<1||>=2", "[,1) [2,"}, {Plain, "<=1||>1", "[,"}, {Plain, "<2,<=1,<=2", "[,1]"},
		{Cargo, "1.2.3", "[1.2.3,2.0.0-0!"}, {Cargo, "^0.2.3", "[0.2.3,0.3.0-0!"}, {Cargo, "^0.0.3", "[0.0.3,0.0.4-0!"}, {Cargo, "^0.0", "[,0.1.0-0!"}, {Cargo, "^ 1", "[1.0.0,2.0.0-0!"},
		{Cargo, "~1.2.3", "[1.2.3,1.3.0-0!"}, {Cargo, "~1", "[1.0.0,2.0.0-0!"}, {Cargo, "=1.2", "[1.2.0,1.3.0-0!"}, {Cargo, "> 0", "[1.0.0-0,"}, {Cargo, "<= 0.12", "[,0.13.0-0!"}, {Cargo, "< 0.12", "[,0.12.0)"},
		{Cargo, ">= 0.23, < 0.23.13", "[0.23.0,0.23.13)"}, {Cargo, "< 0.5.0, >= 0.4.3", "[0.4.3,0.5.0)"}, {Cargo, "> 0.22.0", "[0.22.1-0,"}, {Cargo, "> 1.0.0-rc.1", "[1.0.0-rc.1.0,"}, {Cargo, "1.*", "[1.0.0,2.0.0-0!"},
		{NPM, "8.x || 9.x", "[8.0.0-0,10.0.0-0!"}, {NPM, " ^8.11.4 || ^10.9.0", "[8.11.4,9.0.0-0! [10.9.0,11.0.0-0!"}, {NPM, "1.2.3 - 2.3", "[1.2.3,2.4.0-0!"}, {NPM, ">=1.2.3<2.0.0", "[1.2.3,2.0.0)"},
		{NPM, "~0.8.0-pre", "[0.8.0-pre,0.9.0-0!"}, {NPM, ">1.2", "[1.3.0-0,"}, {NPM, "v1.2.3", "[1.2.3,1.2.3]"}, {NPM, "< 2.1.7 > 2.0.0", "[2.0.1-0,2.1.7)"},
		{Composer, "^1.2", "[1.2,2.0.0-dev!"}, {Composer, "~1.2", "[1.2,2.0.0-dev!"}, {Composer, "~1.2.3", "[1.2.3,1.3.0-dev!"}, {Composer, "1.2.*", "[1.2.0-dev,1.3.0-dev!"}, {Composer, ">=1.0|<0.5", "[,0.5) [1.0,"}, {Composer, "1.0 - 2.0", "[1.0,2.1.0-dev!"},
		{Gem, "~> 1.4.6", "[1.4.6,1.5.a!"}, {Gem, "~> 1.4", "[1.4,2.a!"}, {Gem, "~> 1", "[1,2.a!"}, {Gem, "~> 7.0.8, >= 7.0.8.5", "[7.0.8.5,7.1.a!"},
		{Hex, "~> 1.2.5", "[1.2.5,1.3.0-0!"}, {Hex, "~> 2.0", "[2.0.0,3.0.0-0!"}, {Hex, "> 2.2.0", "[2.2.1-0,"},
		{Python, "~=2.2", "[2.2,3.dev0!"}, {Python, "==1.2.*", "[1.2.dev0,1.3.dev0!"}, {Python, ">=1.0,<1.2||==2.0", "[1.0,1.2) [2.0,2.0]"},
		{Maven, "[1.0,2.0)", "[1.0,2.0)"}, {Maven, "(,1.0],[1.2,)", "[,1.0] [1.2,"}, {Maven, "[1.0]", "[1.0,1.0]"}, {Maven, "(1.0.0, 2.0)", "[1.0.1-0,2.0)"}, {Maven, "<1.2", "[,1.2)"},
	} {
		set, err := Parse(tt.syntax, semver, tt.text)
		if err != nil {
			t.Errorf("%s %q: %v", tt.syntax, tt.text, err)
			continue
		}
		ranges, err := set.Ranges()
		if got := show(ranges); got != tt.want || err != nil {
			t.Errorf("%s %q: got %s (%v), want %s", tt.syntax, tt.text, got, err, tt.want)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{"==1!2.0", "[1!2.0,1!2.0]"}, {">=1!2.0,<2!1", "[1!2.0,2!1)"}, {">=1!2.0<1!3", "[1!2.0,1!3)"}, {"!=1!2.0,>=1", ""}, {"~=1!2.2", "[1!2.2,1!3.dev0!"}, {"==1!2.*", "[1!2.dev0,1!3.dev0!"}, {"~=1!9.9", "[1!9.9,1!10.dev0!"},
		{"<=2.6.0", "[,2.6.0]"}, {">=1,!=1.5,<2", ""},
	} {
		set, err := Parse(Python, version.PEP440, tt.text)
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		ranges, err := set.Ranges()
		if got := show(ranges); got != tt.want && tt.want != "" {
			t.Errorf("%q: got %s (%v), want %s", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{"", ">=", "|| 1", "a", ">= 1, <", "[1", "[]", "=!1", "^a", "~a"} {
		if set, err := Parse(NPM, semver, text); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%q: %v, %v", text, set, err)
		}
	}
}

func TestNot(t *testing.T) {
	for _, tt := range []struct{ patched, want string }{
		{">= 1.2.3", "[,1.2.3)"}, {"^1.2.3 || >=2.4.0", "[,1.2.3) [2.0.0-0,2.4.0)"}, {"<= 1.0.0", "[1.0.1-0,"}, {"> 1.0.0", "[,1.0.0]"}, {"=0.2.0", "[,0.2.0) [0.2.1-0,"}, {"*", ""}, {"<0.0.0", "[,"},
	} {
		set, err := Parse(Cargo, semver, tt.patched)
		if err != nil {
			t.Fatal(err)
		}
		ranges, err := set.Not().Ranges()
		if got := show(ranges); got != tt.want || err != nil {
			t.Errorf("not %q: got %s (%v), want %s", tt.patched, got, err, tt.want)
		}
		if again := set.Not().Not(); show(must(again.Ranges())) != show(must(set.Ranges())) {
			t.Errorf("not not %q: %v", tt.patched, again)
		}
	}
}

// TestRanges holds that a range is fixed where somebody says so.
func TestRanges(t *testing.T) {
	list := func(s string) []string {
		if s == "" {
			return nil
		}
		return strings.Split(s, ";")
	}
	for _, tt := range []struct {
		syntax                              Syntax
		affected, patched, unaffected, want string
	}{
		{NPM, "6.x", "", "", "[6.0.0-0,7.0.0-0!"},
		{NPM, "6.x", "^6.9.1", "", "[6.0.0-0,6.9.1)"},
		{NPM, "4.x || 6.x", "^6.9.1", "", "[4.0.0-0,5.0.0-0!6.9.1 [6.0.0-0,6.9.1)"},
		{NPM, "<1.2", "", "", "[,1.2.0-0!1.2.0"},
		{NPM, "<=1.2.3", ">=1.2.4", "", "[,1.2.3]1.2.4"},
		{NPM, "6.x", "", ">=6.5.0", "[6.0.0-0,6.5.0)"},
		{NPM, "6.x", "", "^6.5.0", "[6.0.0-0,6.5.0!"},
		{NPM, "6.x", ">=6.5.0", ">=6.5.0", "[6.0.0-0,6.5.0)"},
		{NPM, "6.x", "6.x", "", ""},
		{NPM, "<3.0.0", "2.x", "", "[,2.0.0-0! [3.0.0-0,3.0.0)"},
		{Cargo, "*", ">= 0.2", "< 0.1", "[0.1.0,0.2.0)"},
		{Cargo, "*", "^0.2.3;>= 1.0.0", "", "[,0.2.3) [0.3.0-0,1.0.0)"},
		{Cargo, "*", "", ">= 0.2.0", "[,0.2.0)"},
		{Cargo, "*", ">=0.2.3", "=0.2.0", "[,0.2.0!0.2.3 [0.2.1-0,0.2.3)"},
		{Cargo, "*", "> 0.2.0", "", "[,0.2.0]"},
		{Gem, "*", "~> 1.4.6;>= 2.0", "< 1.0", "[1.0,1.4.6) [1.5.a,2.0)"},
		{Hex, "*", "~> 1.2", "", "[,1.2.0) [2.0.0-0,"},
	} {
		scheme := "semver"
		if tt.syntax == Gem {
			scheme = "gem"
		}
		got, why := Ranges(tt.syntax, scheme, list(tt.affected), list(tt.patched), list(tt.unaffected))
		if show(got) != tt.want || (why == WhyNone) != (tt.want == "") {
			t.Errorf("%s %q, patched %q, unaffected %q: %s (%s), want %s", tt.syntax, tt.affected, tt.patched, tt.unaffected, show(got), why, tt.want)
		}
	}
}

func must(r []assay.Range, err error) []assay.Range { return r }

func TestAfter(t *testing.T) {
	for _, tt := range []struct{ scheme, v, want string }{
		{"semver", "1.2", "1.2.1-0"}, {"semver", "1.2.9+b", "1.2.10-0"}, {"nuget", "1.2.3", "1.2.3.1-0"}, {"nuget", "1.2.3.9", "1.2.3.10-0"}, {"packagist", "1.2", "1.2.0.1-dev"}, {"packagist", "1.2-beta", ""},
		{"gem", "1.2", "1.2.0.0.1"}, {"maven", "1.2", "1.2-sp"}, {"pep440", "1.2", "1.2.post0.dev0"}, {"hackage", "1.2", "1.2.0"}, {"deb", "1.2", ""},
		{"perl", "1.23", "1.230000001"}, {"perl", "2", "2.000001"}, {"perl", "0.123456", "0.123456000001"}, {"perl", "v1.2.3", "v1.2.3.1"},
	} {
		if got := after(tt.scheme, tt.v); got != tt.want {
			t.Errorf("%s after %s: %s, want %s", tt.scheme, tt.v, got, tt.want)
		}
		s, ok := version.ByName(tt.scheme)
		if !ok || tt.want == "" {
			continue
		}
		if c, err := version.Compare(s, tt.want, tt.v); c <= 0 || err != nil {
			t.Errorf("%s: %s is not behind %s: %d, %v", tt.scheme, tt.want, tt.v, c, err)
		}
	}
}

// TestAlgebra compares with membership, version by version.
func TestAlgebra(t *testing.T) {
	texts := []string{"<1.0.0", "<=1.0.0", ">1.0.0", ">=1.0.0", "=2.0.0", "!=2.0.0", ">=1.0.0,<3.0.0", "<1.0.0||>=2.0.0", "*", "<0"}
	var sets []Set
	for _, text := range texts {
		s, err := Parse(Plain, semver, text)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, s)
	}
	has := func(s Set, v string) bool {
		at, err := reader{scheme: s.scheme}.at(v)
		return err == nil && !s.And(Set{s.scheme, []interval{{low: at, high: at, lowIn: true, highIn: true}}}).Empty()
	}
	for _, v := range []string{"0.5.0", "1.0.0-a", "1.0.0", "1.5.0", "2.0.0", "2.0.1", "3.0.0", "9.0.0"} {
		for i, a := range sets {
			if has(a, v) == has(a.Not(), v) {
				t.Errorf("%s in %s and in what it is not", v, texts[i])
			}
			for j, b := range sets {
				if has(a.And(b), v) != (has(a, v) && has(b, v)) || has(a.Or(b), v) != (has(a, v) || has(b, v)) {
					t.Errorf("%s in %s and %s", v, texts[i], texts[j])
				}
			}
		}
	}
	any, err := Any(Plain, semver, []string{"<1", "=3"})
	if diff := gocmp.Diff("[,1) [3,3]", show(must(any.Ranges()))); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{">= 1.2, < 2 || ^3.1", "(,1.0],[1.2,)", "~> 1.4", "1.2.x - 3", "0 - 0A"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, syntax := range []Syntax{Plain, Cargo, Composer, Gem, Maven, NPM, Python} {
			set, err := Parse(syntax, semver, text)
			if err != nil {
				continue
			}
			ranges, err := set.Ranges()
			if err == nil && slices.ContainsFunc(ranges, func(r assay.Range) bool { return r.Fixed != "" && r.LastAffected != "" }) {
				t.Errorf("%v", ranges)
			}
			if !set.And(set.Not()).Empty() {
				t.Errorf("%s %q meets what it is not", syntax, text)
			}
		}
	})
}

func TestBounds(t *testing.T) {
	if _, err := Parse(Plain, semver, strings.Repeat("1||", maxText)+"1"); !errors.Is(err, assay.ErrTooLarge) {
		t.Error(err)
	}
	if _, why := Ranges(NPM, "semver", slices.Repeat([]string{"1"}, maxText), nil, nil); why != WhyMalformed {
		t.Error(why)
	}
	if _, err := Parse(Plain, semver, strings.TrimSuffix(strings.Repeat("9||1||", maxText/6), "||")); err != nil { // in time
		t.Error(err)
	}
	if _, why := Ranges(NPM, "no scheme", []string{"1"}, nil, nil); why != WhyOrder {
		t.Error(why)
	}
}

// TestPatch holds that patched versions win over a range that contains them.
func TestPatch(t *testing.T) {
	type r = assay.Range
	for _, tt := range []struct {
		name    string
		ranges  []r
		patched string
		want    string
	}{
		{"the last affected", []r{{LastAffected: "1.6.14"}}, "1.6.14", "[,1.6.14)"},
		{"the last affected, spelled otherwise", []r{{LastAffected: "1.6"}}, "1.6.0", "[,1.6.0)"},
		{"the last affected, and later branches", []r{{LastAffected: "1.6.14"}, {Introduced: "2.0.0", LastAffected: "2.0.1"}}, "1.6.14 2.0.2", "[,1.6.14) [2.0.0,2.0.1]2.0.2"},
		{"inside", []r{{Fixed: "1.7.0"}}, "1.6.14", "[,1.6.14)"},
		{"inside, before an end", []r{{Before: "1.7.0"}}, "1.6.14", "[,1.6.14)"},
		{"inside, without an end", []r{{Introduced: "1.0.0"}}, "1.6.14 1.7.0", "[1.0.0,1.7.0)"},
		{"inside, of two", []r{{LastAffected: "1.9.0"}, {Introduced: "2.0.0", Fixed: "2.1.0"}}, "1.6.14 2.1.0", "[,1.6.14) [2.0.0,2.1.0)"},
		{"inside, beside its own", []r{{Fixed: "1.7.0"}}, "1.6.14 1.7.0", "[,1.7.0)"},
		{"inside, beside a later one", []r{{LastAffected: "1.7.0"}}, "1.6.14 1.7.1", "[,1.7.0]1.7.1"},
		{"the end", []r{{Before: "1.7.0"}}, "1.7.0", "[,1.7.0!1.7.0"},
		{"below", []r{{Introduced: "1.7.0", LastAffected: "1.8.0"}}, "1.6.14 1.7.0", "[1.7.0,1.8.0]"},
		{"none", []r{{LastAffected: "1.8.0"}}, "", "[,1.8.0]"},
		{"all versions", []r{{}}, "1.0.0", "[,1.0.0)"},
	} {
		Patch(version.SemVer, tt.ranges, strings.Fields(tt.patched))
		if got := show(tt.ranges); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

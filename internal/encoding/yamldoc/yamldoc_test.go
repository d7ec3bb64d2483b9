package yamldoc

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

func TestUnmarshal(t *testing.T) {
	type doc struct {
		Name string            `yaml:"name"`
		Of   map[string]string `yaml:"of"`
		List []string          `yaml:"list"`
	}
	for _, tt := range []struct {
		name, in string
		want     doc
		err      string
	}{
		{"nothing", "", doc{}, ""},
		{"comments", "# nothing\n", doc{}, ""},
		{"values", "name: x\nof: {a: 1.10, b: yes}\nlist:\n- c\n", doc{"x", map[string]string{"a": "1.10", "b": "yes"}, []string{"c"}}, ""},
		{"an alias", "of: &o {a: b}\nlist: [&x c, *x]\n", doc{"", map[string]string{"a": "b"}, []string{"c", "c"}}, ""},
		{"keys twice", "name: x\nname: y\n", doc{Name: "y"}, ""},
		{"unexpected value", "name: [x]\nlist: [a]\n", doc{List: []string{"a"}}, "line 1: "},
		{"several documents", "name: x\n---\nname: y\n", doc{Name: "x"}, ""},
		{"broken", "name: [", doc{}, "line 2: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got doc
			err := Unmarshal([]byte(tt.in), &got)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			if (tt.err == "") != (err == nil) || err != nil && (!errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestDocuments(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     string
	}{
		{"one", "a", "a"},
		{"two", "a\n---\nb\n", "a b"},
		{"one of another shape", "a\n---\n[b]\n---\nc\n", "a - c"},
		{"a broken one", "a\n---\n[b\n---\nc\n", "a -"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			in := NewDecoder([]byte(tt.in))
			for {
				s := ""
				err := in.Decode(&s)
				if err == io.EOF {
					break
				}
				if err != nil {
					s = "-"
				}
				got = append(got, s)
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("%q, want %q", s, tt.want)
			}
		})
	}
}

// TestHostile holds that some hundred kilobytes take no longer for what they
// say: tenths of a second, where square time takes many.
func TestHostile(t *testing.T) {
	const size = 500_000
	many := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	laugh := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		laugh += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.Repeat(fmt.Sprintf("*a%d, ", i), 9))
	}
	for _, tt := range []struct {
		name, in string
		want     error
	}{
		{"keys", many("k%d: 1\n"), nil},
		{"one key", strings.Repeat("k: 1\n", size/5), nil},
		{"keys in a line", "{" + many("k%d: 1, ") + "}", nil},
		{"list", strings.Repeat("- a\n", size/4), nil},
		{"list in a line", "[" + strings.Repeat("a,", size/2) + "]", nil},
		{"text", "a: |\n" + strings.Repeat(" x\n", size/3), nil},
		{"lines of a text", "a: \"" + strings.Repeat("x\n ", size/3) + "\"", nil},
		{"comments", strings.Repeat("# x\n", size/4), nil},
		{"documents", strings.Repeat("---\na\n", size/6), nil},
		{"too much", strings.Repeat("\n", maxSigns+1), assay.ErrTooLarge},
		{"deep list", strings.Repeat("[", size), assay.ErrMalformed},
		{"deep lines", strings.Repeat("- ", size/2), assay.ErrMalformed},
		{"aliases of aliases", laugh, assay.ErrMalformed},
		{"aliases of much", "a: &a {" + many("k%d: 1, ") + "}\nb: [" + strings.Repeat("*a, ", 100_000) + "]\n", assay.ErrMalformed},
		{"merged again and again", "a: &a {" + many("k%d: 1, ") + "}\nb: {<<: [" + strings.Repeat("*a, ", 10000) + "]}\n", assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			var v any
			if err := Unmarshal([]byte(tt.in), &v); !errors.Is(err, tt.want) {
				t.Errorf("error %.200v, want %v", err, tt.want)
			}
			if took := time.Since(start); took > contract.Soon { // alone it is half a second at most
				t.Errorf("took %v", took)
			} else {
				t.Log(took)
			}
		})
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte("a: &x {b: [c, 1, 'd']}\n? e\n: *x\n---\nf: |\n  g\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in := NewDecoder(b)
		for range 100 {
			var v map[string]any
			err := in.Decode(&v)
			if err == io.EOF {
				break
			}
			if err != nil && !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) {
				t.Errorf("error %v wraps no sentinel", err)
			}
		}
	})
}

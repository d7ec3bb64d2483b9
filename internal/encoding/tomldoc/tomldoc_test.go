package tomldoc

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

func TestUnmarshal(t *testing.T) {
	type doc struct {
		Name  string `toml:"name"`
		On    bool   `toml:"on"`
		Date  string `toml:"date"`
		N     any    `toml:"n"`
		Count int    `toml:"count"`
		A     struct {
			B map[string]string `toml:"b"`
		} `toml:"a"`
		Package []struct {
			Name string         `toml:"name"`
			Need []string       `toml:"need"`
			Dep  map[string]any `toml:"dep"`
		} `toml:"package"`
	}
	type row = struct {
		Name string         `toml:"name"`
		Need []string       `toml:"need"`
		Dep  map[string]any `toml:"dep"`
	}
	of := func(change func(*doc)) doc {
		var d doc
		change(&d)
		return d
	}
	for _, tt := range []struct {
		name, in string
		want     doc
		err      string
	}{
		{"nothing", "", doc{}, ""},
		{"values", "name = 'x'\non = true\ndate = 2024-01-02\nn = 0x1f\ncount = 1_000\n", doc{Count: 1000, Name: "x", On: true, Date: "2024-01-02", N: "0x1f"}, ""},
		{"tables", "a.b.c = \"1\"\n[a.b]\nd = '2'\n", of(func(d *doc) { d.A.B = map[string]string{"c": "1", "d": "2"} }), ""},
		{"lists", "[[package]]\nname = 'p'\nneed = [\n 'q', # why\n 'r',\n]\n[package.dep]\nx = {y = [1]}\n[[package]]\nname = 'q'\n", doc{Package: []row{
			{Name: "p", Need: []string{"q", "r"}, Dep: map[string]any{"x": map[string]any{"y": []any{"1"}}}}, {Name: "q"}}}, ""},
		{"keys twice", "name = 'x'\nname = 'y'\n", doc{Name: "y"}, ""},
		{"no number", "count = \"x\"\n[[package]]\nneed = 'x'", doc{Package: []row{{}}}, "count has the type string or number"},
		{"deeper shape", "[[package]]\nneed = 'x'", doc{Package: []row{{}}}, "package.need has the type string"},
		{"unexpected value", "name = ['x']\non = true\n", doc{On: true}, "name has the type list: malformed"},
		{"cut off", "on = true\nname = '", doc{On: true}, "line 2: "},
		{"no table", "name = 'x'\n[name.y]\n", doc{Name: "x"}, "name is not a table"},
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

// TestHostile holds that a megabyte takes no longer for what it says: some
// tenths of a second, where a decoder of square time takes many.
func TestHostile(t *testing.T) {
	const size = 1 << 20
	many := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for _, tt := range []struct {
		name, in string
		want     error
	}{
		{"keys", many("k%d = 1\n"), nil},
		{"one key", strings.Repeat("k = 1\n", size/6), nil},
		{"keys with dots", many("a.k%d = 1\n"), nil},
		{"tables", many("[t%d]\n"), nil},
		{"tables in one", many("[a.t%d]\n"), nil},
		{"list of tables", many("[[p]]\nn = \"%d\"\n"), nil},
		{"list", "a = [" + strings.Repeat("1,", size/2) + "]", nil},
		{"inline table", "a = {" + many("k%d = 1, ") + "z = 1}", nil},
		{"text", "a = '''" + strings.Repeat("x\n", size/2) + "'''", nil},
		{"too much", strings.Repeat("\n", maxSigns+1), assay.ErrTooLarge},
		{"deep list", "a = " + strings.Repeat("[", size), assay.ErrMalformed},
		{"deep lists", strings.Repeat("a = "+strings.Repeat("[", 9000)+strings.Repeat("]", 9000)+"\n", size/18000), assay.ErrTooLarge},
		{"deep table", "a = " + strings.Repeat("{a = ", size/5), assay.ErrMalformed},
		{"deep key", strings.Repeat("a.", size/2) + "a = 1", assay.ErrTooLarge},
		{"deep header", "[" + strings.Repeat("a.", size/2) + "a]", assay.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			var v any
			if err := Unmarshal([]byte(tt.in), &v); !errors.Is(err, tt.want) {
				t.Errorf("error %.200v, want %v", err, tt.want)
			}
			if took := time.Since(start); took > contract.Soon { // alone it is 0.2 s at most
				t.Errorf("took %v", took)
			} else {
				t.Log(took)
			}
		})
	}
}

func FuzzUnmarshal(f *testing.F) {
	f.Add([]byte("a.b = [1, {c = 'x'}]\n[[d]]\ne = \"\"\"\n\"\"\"\n[d.f]\ng = 1979-05-27T07:32:00Z\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v map[string]any
		err := Unmarshal(b, &v)
		if err != nil && !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) {
			t.Errorf("error %v wraps no sentinel", err)
		}
	})
}

package golang

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

const program = `package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

type T[V any] struct{ v V }

//go:noinline
func (t *T[V]) Method(f func(V) string) string { return f(t.v) }

type U int

//go:noinline
func (u U) Value() func() string { return func() string { return strings.Repeat("x", int(u)) } }

func small(n int) int { return n + 1 }

func main() {
	t := T[int]{small(len(os.Args))}
	words := slices.Collect(strings.SplitSeq(os.Args[0], "/"))
	fmt.Println(t.Method(func(i int) string { return fmt.Sprint(i) }), U(3).Value()(), words)
}
`

// build builds the program as part of a module.
func build(t testing.TB, env ...string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":          "module example.org/app.v2\n\ngo 1.24\n",
		"cmd/tool/app.go": program,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "tool")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w -X 'example.org/app.v2/cmd.Version=1.2.3' -X main.name=x", "-o", out, "./cmd/tool")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), append([]string{"GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0"}, env...)...)
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no program can be built: %v: %s", err, b)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestBinary(t *testing.T) {
	in := build(t)
	facts, err := contract.Read(t, Binary{}, "usr/bin/tool", in)
	if err != nil || len(facts.Packages) != 2 {
		t.Fatalf("%+v, %v", facts.Packages, err)
	}
	main, lib := facts.Packages[0], facts.Packages[1]
	for name, want := range map[string]bool{
		"example.org/app.v2/cmd/tool.main": true, "example.org/app.v2/cmd/tool.T.Method": true, "example.org/app.v2/cmd/tool.U.Value": true,
		"example.org/app.v2/cmd/tool.small": true, "fmt.Fprintln": false, "example.org/app.v2/cmd/tool.Absent": false,
	} {
		if main.Symbols.Has(name) != want {
			t.Errorf("main module has %s: %v", name, !want)
		}
	}
	for name, want := range map[string]bool{"fmt.Fprintln": true, "strings.Repeat": true, "slices.Collect": true, "strings.Builder.WriteString": true, "net/http.Get": false, "runtime.mallocgc": true} {
		if lib.Symbols.Has(name) != want {
			t.Errorf("library has %s: %v", name, !want)
		}
	}
	main.Symbols, lib.Symbols = nil, nil
	want := []assay.Package{
		{Type: "golang", Name: "example.org/app.v2", Version: "v1.2.3", Arch: runtime.GOARCH, OS: runtime.GOOS, Relation: "root"},
		{Type: "golang", Name: "stdlib", Version: lib.Version, Arch: runtime.GOARCH, OS: runtime.GOOS},
	}
	if d := cmp.Diff(want, []assay.Package{main, lib}); d != "" {
		t.Error(d)
	}

	if runtime.GOOS != "linux" {
		return
	}

	// The same without a table of sections, as some tools cut it off.
	bare := []byte(in)
	clear(bare[40:48])
	clear(bare[58:64])
	again, err := contract.Read(t, Binary{}, "usr/bin/tool", string(bare))
	if d := cmp.Diff(facts, again); d != "" || err != nil {
		t.Error(err, d)
	}

	lies(t, in, facts)

	// Damage to the build information must not look like no Go program.
	i := strings.Index(in, magic)
	if facts, err := contract.Read(t, Binary{}, "x", in[:i+15]+strings.Repeat("\xff", 60)+in[i+75:]); !errors.Is(err, assay.ErrMalformed) {
		t.Errorf("%+v, %v", facts.Packages, err)
	}
	contract.Reader(t, Binary{}, map[string]string{"tool": in})
}

// lies holds that a program whose sections lie is read by its segments, as it is loaded.
func lies(t *testing.T, in string, want assay.Facts) {
	t.Helper()
	le := binary.LittleEndian
	table := le.Uint64([]byte(in[40:]))
	n := int(le.Uint16([]byte(in[60:])))
	each := func(b []byte, lie func(section []byte)) {
		for i := 1; i < n; i++ {
			lie(b[int(table)+64*i:][:64])
		}
	}
	for name, lie := range map[string]func(b []byte){
		"a table after the file's end": func(b []byte) { le.PutUint64(b[40:], 1<<40) },
		"a table of other bytes":       func(b []byte) { le.PutUint64(b[40:], 64) },
		"more sections than there are": func(b []byte) { le.PutUint16(b[60:], 0xfff0) },
		"names elsewhere":              func(b []byte) { le.PutUint16(b[62:], 1) },
		"no index of the names":        func(b []byte) { le.PutUint16(b[62:], 0xfff0) },
		"no names":                     func(b []byte) { each(b, func(s []byte) { le.PutUint32(s, 0) }) },
		"other addresses":              func(b []byte) { each(b, func(s []byte) { le.PutUint64(s[16:], le.Uint64(s[16:])+0x1000) }) },
		"other offsets":                func(b []byte) { each(b, func(s []byte) { le.PutUint64(s[24:], 0x40) }) },
		"other sizes":                  func(b []byte) { each(b, func(s []byte) { le.PutUint64(s[32:], 1<<33) }) },
	} {
		b := []byte(in)
		lie(b)
		got, err := contract.Read(t, Binary{}, "usr/bin/tool", string(b))
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("%s: %v %.400s", name, err, d)
		}
	}
}

func TestOtherFormats(t *testing.T) {
	for _, tt := range []struct{ os, arch string }{{"windows", "amd64"}, {"darwin", "arm64"}} {
		t.Run(tt.os, func(t *testing.T) {
			if testing.Short() || os.Getenv("CI") == "true" {
				t.Skip("builds a standard library, which takes ten seconds where none is cached")
			}
			facts, err := contract.Read(t, Binary{}, "tool", build(t, "GOOS="+tt.os, "GOARCH="+tt.arch))
			if err != nil || len(facts.Packages) != 2 || !facts.Packages[0].Symbols.Has("example.org/app.v2/cmd/tool.T.Method") || facts.Packages[0].Arch != tt.arch {
				t.Errorf("%d packages, %v", len(facts.Packages), err)
			}
		})
	}
}

// TestNM holds the functions of genuine programs against `go tool nm`.
func TestNM(t *testing.T) {
	for _, name := range []string{"ginapp", "grpcapp", "stdapp-go1.19", "ginapp-stripped"} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(corpus.Image(t, ".cache/gobin/"+name))
			if err != nil {
				t.Fatal(err)
			}
			facts, err := contract.Read(t, Binary{}, name, string(b))
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, p := range facts.Packages {
				if p.Symbols == nil {
					t.Errorf("%s: no functions", p.Ref())
				}
				all = append(all, p.Ref())
			}
			t.Log(all)
			nm(t, corpus.Image(t, ".cache/gobin/"+strings.TrimSuffix(name, "-stripped")), facts.Packages)
		})
	}
}

// nm fails for functions of the program at path that no package has.
func nm(t *testing.T, path string, ps []assay.Package) {
	out, err := exec.Command("go", "tool", "nm", path).Output()
	if err != nil {
		t.Skip(err)
	}
	n := 0
	for line := range bytes.Lines(out) {
		words := strings.Fields(string(line))
		if len(words) < 3 || words[1] != "T" || strings.ContainsAny(words[2], ":[") || strings.Contains(words[2], "..") || strings.HasPrefix(words[2], "main.") || strings.HasPrefix(words[2], "go.(*struct") || strings.HasPrefix(words[2], "go.struct") || !strings.Contains(words[2], ".") {
			continue
		}
		pkg, fn, ok := split([]byte(words[2]))
		if !ok || isClosure(string(fn)) || strings.Contains(string(fn), ".abi") {
			continue
		}
		full := unescape(string(pkg)) + "." + symbol(string(fn))
		if slices.ContainsFunc(ps, func(p assay.Package) bool { return p.Symbols.Has(full) }) {
			n++
			continue
		}
		t.Errorf("%s (%s) is not among the functions", words[2], full)
	}
	if n < 1000 {
		t.Errorf("only %d functions", n)
	}
}

func TestNoProgram(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     error
	}{
		{"a script", "#!/bin/sh\n", nil},
		{"empty", "", nil},
		{"five bytes of Mach-O", "\xcf\xfa\xed\xfe\x07", nil},
		{"packed", "\x7fELF\x02\x01" + strings.Repeat("\x00", 200) + "UPX!" + strings.Repeat("\x00", 200), assay.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Binary{}, "x", tt.in)
			if !errors.Is(err, tt.want) || facts.Packages != nil {
				t.Errorf("%+v, %v", facts, err)
			}
		})
	}
}

func TestMainVersion(t *testing.T) {
	for _, tt := range []struct{ version, flags, want string }{
		{"(devel)", "", ""},
		{"v1.2.3", "-X main.version=9.9.9", "v1.2.3"},
		{"v1.2.4-0.20240101010101-0123456789ab+dirty", "", "v1.2.4-0.20240101010101-0123456789ab+dirty"},
		{"v0.0.0-20240101010101-0123456789ab", "", ""},
		{"v0.0.0-20240101010101-0123456789ab+dirty", "-w -X main.Version=v2.0.0-rc.1", "v2.0.0-rc.1"},
		{"(devel)", `-s -X "main.buildDate=2024-01-01" -X='example.org/app/internal.AppVersion=2.3.4' -X main.commit=abc`, "v2.3.4"},
		{"(devel)", "-X github.com/prometheus/common/version.Version=2.0.0 -X example.org/app/v.version=1.0.0", "v1.0.0"},
		{"(devel)", "-X github.com/prometheus/common/version.Version=2.0.0", "v2.0.0"},
		{"(devel)", "-X main.version=dev -X main.goVersion=1.2.3", ""},
	} {
		m := buildinfoModule("example.org/app", tt.version)
		if got := mainVersion(m, tt.flags); got != tt.want {
			t.Errorf("%s with %s: %q, want %q", tt.version, tt.flags, got, tt.want)
		}
	}
}

func TestSymbol(t *testing.T) {
	for _, tt := range []struct{ in, pkg, want string }{
		{"fmt.Println", "fmt", "Println"},
		{"net/http.(*Client).Do", "net/http", "Client.Do"},
		{"net/http.Header.Get", "net/http", "Header.Get"},
		{"net/http.(*Client).Do.func1.2", "net/http", "Client.Do"},
		{"net/http.(*Client).Do-fm", "net/http", "Client.Do"},
		{"main.main.func1", "main", "main"},
		{"main.main.gowrap2", "main", "main"},
		{"main.walk-range3", "main", "walk"},
		{"gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml.v3", "Unmarshal"},
		{"slices.SortFunc[...]", "slices", "SortFunc"},
		{"sync/atomic.(*Pointer[go.shape.struct { a/b.c int }]).Load", "sync/atomic", "Pointer.Load"},
		{"a.b/c.F[a.b/d.T[int]].func1", "a.b/c", "F"},
		{"runtime.main·dwrap·1", "runtime", "main"},
		{"a/b.init.0", "a/b", "init"},
	} {
		pkg, name, ok := split([]byte(tt.in))
		if !ok || unescape(string(pkg)) != tt.pkg || symbol(string(name)) != tt.want {
			t.Errorf("%s is %q, %q, %v", tt.in, unescape(string(pkg)), symbol(string(name)), ok)
		}
	}
	for _, in := range []string{"", "x", "type:.eq.a/b.T", "go:buildid", "a/b", "a/b.", ".x", "\x01a.b"} {
		if pkg, name, ok := split([]byte(in)); ok {
			t.Errorf("%q is %q, %q", in, pkg, name)
		}
	}
}

// TestModules holds that what replaces a module brings its functions, too.
func TestModules(t *testing.T) {
	info := testInfo()
	modules := modulesOf(info)
	assign(modules, info.Path, []byte("\x00main.main\x00a.org/x/y.F\x00a.org/x/y/z.G\x00b.org/old/p.H\x00net.Dial\x00a.org/x.Top\x00c.org/local.L\x00"))
	type row struct {
		Ref    string
		Has    string
		Report bool
	}
	var got []row
	for _, m := range modules {
		has := ""
		for _, s := range []string{"app.org/cmd.main", "a.org/x/y.F", "a.org/x/y/z.G", "b.org/new/p.H", "net.Dial", "a.org/x.Top", "c.org/local.L"} {
			if m.Symbols.Has(s) {
				has += s + " "
			}
		}
		got = append(got, row{m.Ref(), has, m.report})
	}
	want := []row{
		{"app.org@", "app.org/cmd.main ", true},
		{"a.org/x@v1.0.0", "a.org/x.Top ", true},
		{"a.org/x/y@v1.1.0", "a.org/x/y.F a.org/x/y/z.G ", true},
		{"b.org/new@v2.0.0", "b.org/new/p.H ", true},
		{"c.org/local@", "c.org/local.L ", true},
		{"d.org/workspace@", "", false},
		{"stdlib@1.22.3", "net.Dial ", true},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add([]byte("\xf1\xff\xff\xff\x00\x00\x01\x08" + strings.Repeat("\x10\x00\x00\x00\x00\x00\x00\x00", 9)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, ok := parseHeader(b); ok && h.end != 0 && h.end < h.names {
			t.Errorf("%+v", h)
		}
	})
}

func FuzzNames(f *testing.F) {
	f.Add("\x00main.main\x00a.b/c.(*T[...]).M-fm\x00net.Dial.func1\x00")
	f.Fuzz(func(t *testing.T, s string) {
		modules := modulesOf(testInfo())
		assign(modules, "app.org/cmd", []byte(s))
	})
}

func FuzzBinary(f *testing.F) {
	f.Add("\x7fELF\x02\x01" + magic)
	f.Add("MZ" + magic)
	f.Fuzz(func(t *testing.T, s string) { contract.Read(t, Binary{}, "x", s) })
}

package inventory

import (
	"context"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/cache"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/dpkg"
	"github.com/assaysec/assay/internal/reader/osrelease"
	"github.com/assaysec/assay/internal/test/testimage"
	"github.com/google/go-cmp/cmp"
)

// things reads files of many kinds: each is a package that is called as the
// file is, and what it holds.
type things struct{}

func (things) Name() string { return "things" }

func (things) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/*.thing", Scope: assay.ScopeInstalled},
		{Glob: "**/app.json", Scope: assay.ScopeInstalled, RequiresSibling: "parts"},
		{Glob: "**/*", Scope: assay.ScopeInstalled, Executable: true},
		{Glob: "**/lock", Scope: assay.ScopeDeclared},
		{Glob: "**/both", Scope: assay.ScopeDeclared | assay.ScopeInstalled},
	}
}

func (things) Read(_ context.Context, f *assay.File) (facts assay.Facts, err error) {
	_, base := split(f.Path)
	facts.Packages = []assay.Package{{Type: assay.TypeNPM, Name: base, Version: "1"}}
	b, err := limit.ReadAll(f.Reader(), 100)
	if strings.HasPrefix(string(b), "holds ") {
		facts.Packages = append(facts.Packages, assay.Package{Type: assay.TypeNPM, Name: string(b[6 : len(b)-1]), Version: "1", Path: f.Path + "!/inner"})
	}
	if manifest, err := f.Sibling("manifest", 100); err == nil {
		facts.Packages[0].Version = strings.TrimSpace(string(manifest))
	}
	return facts, err
}

// listed gives "path name version owner" of packages that are not the system's.
func listed(inv *assay.Inventory) (out []string) {
	for _, p := range inv.Packages {
		if p.IsSystem() {
			continue
		}
		line := p.Path + " " + p.Name + " " + p.Version
		if p.Owner != "" {
			line += " by " + p.Owner
		}
		out = append(out, line)
	}
	return out
}

func TestSoftware(t *testing.T) {
	elf := "\x7fELF and more\n"
	for _, tt := range []struct {
		name, image string
		o           Options
		want        []string
	}{
		{"installed", "-- 1/a/b.thing --\nx\n-- 1/lock --\nx\n-- 1/both --\nx\n", Options{}, []string{"a/b.thing b.thing 1", "both both 1"}},
		{"declared", "-- 1/a/b.thing --\nx\n-- 1/lock --\nx\n-- 1/both --\nx\n", Options{Scopes: assay.ScopeDeclared}, []string{"both both 1", "lock lock 1"}},
		{"the same in two places", "-- 1/a/x.thing --\nx\n-- 2/b/x.thing --\nx\n", Options{}, []string{"a/x.thing x.thing 1", "b/x.thing x.thing 1"}},
		{"beside what a higher layer brought", "-- 1/a/app.json --\nx\n-- 1/b/app.json --\nx\n-- 2/a/parts/p --\nx\n", Options{}, []string{"a/app.json app.json 1"}},
		{"beside what is gone", "-- 1/a/app.json --\nx\n-- 1/a/parts/p --\nx\n-- 2/a/.wh.parts --\n", Options{}, nil},
		{"executables", "-- 1/bin/a* --\n" + elf + "-- 1/bin/script* --\n#!/bin/sh\n-- 1/lib/b.so --\n" + elf + "-- 1/bin/short* --\n\x7fEL\n", Options{}, []string{"bin/a a 1"}},
		{"both an executable and wanted by its name", "-- 1/bin/a.thing* --\n" + elf, Options{}, []string{"bin/a.thing a.thing 1"}},
		{"inside an archive", "-- 1/a.thing --\nholds me\n", Options{}, []string{"a.thing a.thing 1", "a.thing!/inner me 1"}},
		{"written through a link", "-- 1/usr/lib/x --\n\n-- 1/lib -> usr/lib --\n-- 2/lib/a.thing --\nholds me\n", Options{}, []string{"usr/lib/a.thing a.thing 1", "usr/lib/a.thing!/inner me 1"}},
		{"skipped directories", "-- 1/a/x.thing --\nx\n-- 1/b/c/y.thing --\nx\n-- 1/d/z.thing --\nx\n", Options{Skip: Skip{Dirs: []string{"a", "**/c"}}}, []string{"d/z.thing z.thing 1"}},
		{"skipped files", "-- 1/a/x.thing --\nx\n-- 1/b/y.thing --\nx\n-- 1/bin/p* --\n" + elf, Options{Skip: Skip{Files: []string{"a/*.thing", "bin/{p,q}"}}}, []string{"b/y.thing y.thing 1"}},
		{"offered besides", "-- 1/a/x.other --\nx\n", Options{More: []More{{"things", regexp.MustCompile(`\.oth`)}, {"dpkg", regexp.MustCompile(`none`)}}}, []string{"a/x.other x.other 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Readers = []assay.Reader{things{}, dpkg.Reader{}}
			inv, err := Build(t.Context(), testimage.Parse(t, tt.image), tt.o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, listed(inv)); diff != "" {
				t.Error(diff, gaps(inv))
			}
		})
	}
}

func TestOwners(t *testing.T) {
	base := "-- 1/etc/os-release --\n" + osr + "-- 1/lib -> usr/lib --\n-- 1/var/lib/dpkg/status --\n" + deb("python3-a", "1") + "-- 1/var/lib/dpkg/info/python3-a.list --\n/.\n/lib\n/lib/a.thing\n/usr/lib/a.jar\n-- 1/usr/lib/a.thing --\nholds me\n"
	purl := "pkg:deb/debian/python3-a@1?arch=amd64&distro=debian-12"
	for _, tt := range []struct {
		name, image string
		want        []string
	}{
		{"by a path through a link", base, []string{"usr/lib/a.thing a.thing 1 by " + purl, "usr/lib/a.thing!/inner me 1 by " + purl}},
		{"not what lies beside", base + "-- 1/usr/lib/b/a.thing --\nx\n", []string{"usr/lib/a.thing a.thing 1 by " + purl, "usr/lib/b/a.thing a.thing 1", "usr/lib/a.thing!/inner me 1 by " + purl}},
		{"not what was put in its place", base + "-- 2/usr/lib/a.thing --\nholds you\n", []string{"usr/lib/a.thing a.thing 1 by " + purl, "usr/lib/a.thing!/inner you 1"}},
		{"an upgrade", base + "-- 2/usr/lib/a.thing --\nx\n-- 2/var/lib/dpkg/status --\n" + deb("python3-a", "2"), []string{"usr/lib/a.thing a.thing 1 by " + strings.Replace(purl, "@1", "@2", 1)}},
		{"not what a package owns that is gone", base + "-- 2/var/lib/dpkg/status --\n" + deb("other", "2"), []string{"usr/lib/a.thing a.thing 1", "usr/lib/a.thing!/inner me 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv, err := Build(t.Context(), testimage.Parse(t, tt.image), Options{Readers: []assay.Reader{things{}, dpkg.Reader{}, osrelease.Reader{}}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, listed(inv)); diff != "" {
				t.Error(diff, gaps(inv))
			}
		})
	}
}

// walked gives files as a layer that has Walk.
func walked(files fstest.MapFS) assay.Layer {
	return assay.Layer{Other: func(path string, most int64) ([]byte, error) {
		b, err := fs.ReadFile(files, path)
		if err != nil {
			return nil, assay.ErrNotFound
		}
		return b, nil
	}, Walk: func(_ context.Context, visit func(*assay.Entry) error) error {
		return fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || path == "." {
				return err
			}
			e := &assay.Entry{Path: path, Mode: files[path].Mode, Size: int64(len(files[path].Data))}
			if d.IsDir() {
				e.Mode = fs.ModeDir
			}
			if e.Mode&fs.ModeSymlink != 0 {
				e.Link, e.Size = string(files[path].Data), 0
			}
			if strings.Contains(path, "denied") {
				e.Err = fs.ErrPermission
			}
			e.Open = func() (assay.ReaderAtCloser, error) { return open{strings.NewReader(string(files[path].Data))}, nil }
			if err := visit(e); err != nil || e.Err != nil {
				return fs.SkipDir
			}
			return nil
		})
	}}
}

type open struct{ *strings.Reader }

func (open) Close() error { return nil }

func TestWalk(t *testing.T) {
	directory := &fstest.MapFile{Mode: fs.ModeDir}
	files := fstest.MapFS{
		"a": directory, "a/x.thing": {Data: []byte("x")}, "a/manifest": {Data: []byte("2\n")},
		"denied": directory, "denied/y.thing": {Data: []byte("x")},
		"bin": directory, "bin/p": {Data: []byte("\x7fELF and more"), Mode: 0o755}, "bin/q": {Data: []byte("#!/bin/sh"), Mode: 0o755},
		"skip": directory, "skip/z.thing": {Data: []byte("x")},
		"etc": directory, "etc/os-release": {Data: []byte("../usr/os-release"), Mode: fs.ModeSymlink}, "usr": directory, "usr/os-release": {Data: []byte(osr)},
		"var": directory, "var/db": {Data: []byte("1\n")}, "var/db-log": {Data: []byte("2\n")},
	}
	img := &assay.Image{Kind: assay.KindFilesystem, Layers: []assay.Layer{walked(files)}}
	inv, err := Build(t.Context(), img, Options{Readers: []assay.Reader{things{}, osrelease.Reader{}, pairs{}}, Skip: Skip{Dirs: []string{"skip"}}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"bin/p p 1", "a/x.thing x.thing 2", "var/db a 1", "var/db b 2"}, listed(inv)); diff != "" {
		t.Error(diff)
	}
	if inv.Release.Version != "12" || gaps(inv) != "denied: permission denied" {
		t.Errorf("%+v, gaps %q", inv.Release, gaps(inv))
	}
}

// TestTransient: what depends on more than the layers' bytes is not remembered.
func TestTransient(t *testing.T) {
	full := testimage.Parse(t, "-- 1/a.thing --\nx\n-- 2/b.thing --\nx\n")
	away := *full
	away.Layers = slices.Clone(full.Layers)
	away.Layers[1].Foreign = true
	away.Layers[1].Open = func(context.Context) (io.ReadCloser, error) { return nil, assay.ErrNotFound }
	o := Options{Readers: []assay.Reader{things{}}, Cache: &cache.Dir{Path: t.TempDir()}}
	for _, tt := range []struct {
		img  *assay.Image
		want []string
	}{{&away, []string{"a.thing a.thing 1"}}, {full, []string{"a.thing a.thing 1", "b.thing b.thing 1"}}, {&away, []string{"a.thing a.thing 1", "b.thing b.thing 1"}}} {
		inv, err := Build(t.Context(), tt.img, o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, listed(inv)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestNewSkip(t *testing.T) {
	got, err := NewSkip([]string{"/usr/", "./a/b", " c "}, []string{"**/*.md"})
	if diff := cmp.Diff(Skip{Dirs: []string{"usr", "a/b", "c"}, Files: []string{"**/*.md"}}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []string{"", "/", "a[", "{a"} {
		if _, err := NewSkip([]string{bad}, nil); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// TestInstallations: many files tell of one installation.
func TestInstallations(t *testing.T) {
	generic := func(path, owner string) assay.Package {
		return assay.Package{Type: assay.TypeGeneric, Name: "openssl", Version: "3", Path: path, Owner: owner}
	}
	inv := &assay.Inventory{Packages: []assay.Package{generic("usr/bin/openssl", "deb"), generic("usr/lib/x/libcrypto.so.3", "deb"), generic("usr/lib/app/bin/openssl", ""),
		generic("opt/a/bin/openssl", ""), generic("opt/a/lib64/libssl.so", ""), generic("opt/b/libssl.so", ""), generic("usr/lib/jvm/x/bin/java", ""), generic("usr/lib/jvm/x/lib/server/libjvm.so", ""), generic("usr/lib/jvm/x/release", ""), {Type: assay.TypeNPM, Name: "openssl", Version: "3", Path: "opt/a/bin/x"}}}
	merge(inv)
	if diff := cmp.Diff([]string{"usr/bin/openssl openssl 3 by deb", "usr/lib/app/bin/openssl openssl 3", "opt/a/bin/openssl openssl 3", "opt/b/libssl.so openssl 3", "usr/lib/jvm/x/bin/java openssl 3", "opt/a/bin/x openssl 3"}, listed(inv)); diff != "" {
		t.Error(diff)
	}
}

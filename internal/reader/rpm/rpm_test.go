package rpm

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func file(path string, b []byte) *assay.File {
	return &assay.File{Path: path, Size: int64(len(b)), ReaderAt: bytes.NewReader(b)}
}

func read(t testing.TB, path string, b []byte) (assay.Facts, error) {
	t.Helper()
	return Reader{}.Read(context.Background(), file(path, b))
}

func TestContract(t *testing.T) {
	h := header(value{1000, "bash"}, value{1001, "5.1"}, value{1002, "2.el9"}, value{1022, "x86_64"})
	contract.Reader(t, Reader{}, map[string]string{"var/lib/rpm/Packages.db": string(ndb(h, h))})
}

// A value is of one tag: a text, or a list of texts or of numbers.
type value struct {
	tag uint32
	v   any
}

func header(values ...value) []byte {
	be := binary.BigEndian
	var index, data []byte
	for _, v := range values {
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
		kind, count, off := uint32(6), 1, len(data)
		switch v := v.v.(type) {
		case string:
			data = append(append(data, v...), 0)
		case []string:
			kind, count = 8, len(v)
			data = append(append(data, strings.Join(v, "\x00")...), 0)
		case []uint32:
			kind, count = 4, len(v)
			for _, n := range v {
				data = be.AppendUint32(data, n)
			}
		}
		for _, n := range []uint32{v.tag, kind, uint32(off), uint32(count)} {
			index = be.AppendUint32(index, n)
		}
	}
	b := be.AppendUint32(be.AppendUint32(nil, uint32(len(values))), uint32(len(data)))
	return append(append(b, index...), data...)
}

// ndb writes an NDB database of the headers.
func ndb(headers ...[]byte) []byte {
	le := binary.LittleEndian
	b := make([]byte, 4096)
	copy(b, "RpmP")
	le.PutUint32(b[12:], 1)
	for i := 32; i < len(b); i += 16 {
		copy(b[i:], "Slot")
	}
	for i, h := range headers {
		id := uint32(i + 1)
		blob := le.AppendUint32(le.AppendUint32(le.AppendUint32([]byte("BlbS"), id), 1), uint32(len(h)))
		blob = append(blob, h...)
		for len(blob)%16 != 4 {
			blob = append(blob, 0)
		}
		blob = le.AppendUint32(blob, adler32.Checksum(blob))
		blob = append(le.AppendUint32(blob, uint32(len(h))), "BlbE"...)
		slot := b[32+16*i:]
		le.PutUint32(slot[4:], id)
		le.PutUint32(slot[8:], uint32(len(b)/16))
		le.PutUint32(slot[12:], uint32(len(blob)/16))
		b = append(b, blob...)
	}
	return b
}

func nvra(name, version, release, arch string, more ...value) []byte {
	return header(append([]value{{1000, name}, {1001, version}, {1002, release}, {1022, arch}}, more...)...)
}

// paths are the tags of files in one directory.
func paths(dir string, names ...string) []value {
	return []value{{1118, []string{dir}}, {1117, names}, {1116, make([]uint32, len(names))}}
}

func TestDatabase(t *testing.T) {
	db := ndb(
		nvra("bash", "5.1", "6.el9", "x86_64", append(paths("/usr/bin/", "bash", "sh"),
			value{1044, "bash-5.1-6.el9.src.rpm"}, value{1014, "GPLv3+"}, value{1011, "Red Hat, Inc."},
			value{1049, []string{"glibc", "rpmlib(Files)", "/bin/sh"}})...),
		nvra("openssl-libs", "3.0", "1.el9", "x86_64", append(paths("/usr/lib64/", "libssl.so"),
			value{1003, []uint32{1}}, value{1044, "openssl-3.0-1.el9.src.rpm"})...),
		nvra("openssl-libs", "3.0", "1.el9", "i686", append(paths("/usr/lib/", "libssl.so"),
			value{1003, []uint32{1}}, value{1044, "openssl-3.0-1.el9.src.rpm"})...),
		nvra("kernel", "5.14", "1", "x86_64", append(paths("/boot/", "vmlinuz-1"), value{1003, []uint32{0}})...),
		nvra("kernel", "5.14", "2", "x86_64", paths("/boot/", "vmlinuz-2")...),
		nvra("nodejs-docs", "18.1", "2.module", "noarch", value{1003, []uint32{1}}, value{1044, "nodejs-18.0-7.nosrc.rpm"}, value{5096, "nodejs:18:1:a"}),
		header(value{1000, "gpg-pubkey"}, value{1001, "fd431d51"}, value{1002, "4ae0493b"}),
		nvra("no-release", "1", "", "noarch"),
		nvra("bad version", "1", "1", "noarch"),
	)
	facts, err := read(t, "var/lib/rpm/Packages", db)
	for _, want := range []string{`"no-release"`, `"bad version"`} {
		if !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v does not speak of %s", err, want)
		}
	}
	want := assay.Facts{
		Packages: []assay.Package{
			{Type: "rpm", Name: "bash", Version: "5.1-6.el9", Arch: "x86_64", Source: "bash", Vendor: "Red Hat, Inc.", Licences: []string{"GPLv3+"}, DependsOn: []string{"glibc"}},
			{Type: "rpm", Name: "openssl-libs", Version: "1:3.0-1.el9", Arch: "x86_64", Source: "openssl"},
			{Type: "rpm", Name: "openssl-libs", Version: "1:3.0-1.el9", Arch: "i686", Source: "openssl"},
			{Type: "rpm", Name: "kernel", Version: "5.14-1", Arch: "x86_64"},
			{Type: "rpm", Name: "kernel", Version: "5.14-2", Arch: "x86_64"},
			{Type: "rpm", Name: "nodejs-docs", Version: "1:18.1-2.module", Arch: "noarch", Source: "nodejs", SourceVersion: "1:18.0-7", Module: "nodejs:18:1:a"},
		},
		Owns: []assay.Ownership{
			{Type: "rpm", Owner: "bash", Paths: "usr/bin/bash\nusr/bin/sh"},
			{Type: "rpm", Owner: "openssl-libs:x86_64", Paths: "usr/lib64/libssl.so"},
			{Type: "rpm", Owner: "openssl-libs:i686", Paths: "usr/lib/libssl.so"},
			{Type: "rpm", Owner: "kernel", Paths: "boot/vmlinuz-1"},
			{Type: "rpm", Owner: "kernel", Paths: "boot/vmlinuz-2"},
		},
	}
	if diff := cmp.Diff(want, facts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPartOfAHeader holds that a package with a broken tag is still a package.
func TestPartOfAHeader(t *testing.T) {
	facts, err := read(t, "var/lib/rpm/Packages", ndb(nvra("a", "1", "1", "noarch", value{1117, []string{"file"}})))
	if len(facts.Packages) != 1 || !errors.Is(err, assay.ErrMalformed) {
		t.Errorf("%v, %v, want one package and ErrMalformed", facts.Packages, err)
	}
}

func TestManyBroken(t *testing.T) {
	db := make([]byte, 4096*100)
	copy(db, "RpmP")
	db[12] = 100 // pages of slots, none of which is one
	_, err := read(t, "var/lib/rpm/Packages.db", db)
	if !errors.Is(err, assay.ErrMalformed) || len(err.Error()) > 10_000 {
		t.Errorf("got %v", err)
	}
}

func TestStopsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Reader{}.Read(ctx, file("var/lib/rpm/Packages", ndb(nvra("a", "1", "1", "noarch"))))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSplitSource(t *testing.T) {
	for _, tt := range []struct{ file, name, version string }{
		{"bash-5.1.8-6.el9.src.rpm", "bash", "5.1.8-6.el9"},
		{"java-1.8.0-openjdk-1.8.0.392.b08-4.el9.nosrc.rpm", "java-1.8.0-openjdk", "1.8.0.392.b08-4.el9"},
		{"", "", ""}, {"(none)", "", ""}, {"a.src.rpm", "", ""}, {"a-1.src.rpm", "", ""}, {"-1-1.src.rpm", "", ""}, {"a-1-1.rpm", "", ""},
	} {
		if name, version := splitSource(tt.file); name != tt.name || version != tt.version {
			t.Errorf("splitSource(%q) = %q, %q, want %q, %q", tt.file, name, version, tt.name, tt.version)
		}
	}
}

func TestManifest(t *testing.T) {
	const path = "var/lib/rpmmanifest/container-manifest-2"
	line := "vim\t9.0-1.cm2\t1\t2\tMicrosoft\t2\t45\tx86_64\t2\tvim-src-9.0-1.cm2.src.rpm\n"
	for _, tt := range []struct {
		name, text string
		want       []string
		err        error
	}{
		{"good", line + "\n" + "a\t1-2\t1\t2\t(none)\t(none)\t1\tnoarch\t0\t(none)\r\n" + "gpg-pubkey\tfd431d51-4ae0493b\t1\t2\t(none)\t(none)\t1\t(none)\t0\t(none)\n", []string{"vim 2:9.0-1.cm2 x86_64 vim-src", "a 1-2 noarch "}, nil},
		{"bad lines between", "x\n" + line + "b\t1-1\t\t\t\t\t\t\tnone\t\n" + "c\t1\t\t\t\t\t\t\t0\t\n", []string{"vim 2:9.0-1.cm2 x86_64 vim-src"}, assay.ErrMalformed},
		{"empty", "", nil, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := read(t, path, []byte(tt.text))
			var got []string
			for _, p := range facts.Packages {
				got = append(got, fmt.Sprintf("%s %s %s %s", p.Name, p.Version, p.Arch, p.Source))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, tt.err) {
				t.Errorf("%v, want %v (-want +got):\n%s", err, tt.err, diff)
			}
		})
	}
}

func shared(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(corpus.Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestConformance(t *testing.T) {
	for _, tt := range []struct {
		path   string
		want   int
		first  string
		broken bool
	}{
		{"images/fixtures/rpm/cbl-mariner-2.0.rpmdb.sqlite", 129, "filesystem 1.1-8.cm2 x86_64", false},
		{"images/fixtures/rpm/sle15-bci.Packages.db", 35, "system-user-root 20190513-3.3.1 noarch", false},
		{"images/fixtures/rpm/libuuid.Packages", 1, "libuuid 2.32.1-42.el8_8 x86_64", false},
		{"conformance/rpmdb/scalibr/Packages_epoch", 1, "", false},
		{"conformance/rpmdb/syft/Packages", 1, "", false},
		{"conformance/rpmdb/syft/container-manifest-2", 5, "mariner-release 2.0-12.cm2 noarch", false},
		{"conformance/rpmdb/scalibr/empty.sqlite", 0, "", true},
		{"conformance/rpmdb/scalibr/invalid", 0, "", true},
		{"conformance/rpmdb/syft/bad/bad.rpm", 0, "", true},
		{"conformance/rpmdb/syft/glob-paths/var/lib/rpm/Packages", 0, "", true},
		{"conformance/rpmdb/syft/glob-paths/var/lib/rpmmanifest/container-manifest-2", 0, "", true},
		{"conformance/rpmdb/syft/glob-paths/usr/lib/sysimage/rpm/Packages.db", 0, "", true},
	} {
		t.Run(tt.path, func(t *testing.T) {
			facts, err := read(t, tt.path, shared(t, tt.path))
			if len(facts.Packages) != tt.want || (err != nil) != tt.broken {
				t.Fatalf("%d packages, %v, want %d", len(facts.Packages), err, tt.want)
			}
			for _, p := range facts.Packages {
				got := p.Name + " " + p.Version + " " + p.Arch
				if got == tt.first {
					tt.first = ""
				}
				if p.Source == "" {
					t.Errorf("%s without source", got)
				}
			}
			if tt.first != "" {
				t.Errorf("no %s", tt.first)
			}
		})
	}
}

// TestWants holds that the paths which Syft's suite wants are wanted.
func TestWants(t *testing.T) {
	root := corpus.Path(t, "conformance/rpmdb/syft/glob-paths")
	var want, got []string
	for _, p := range (Reader{}).Wants() {
		got = append(got, p.Glob)
	}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if rel, _ := filepath.Rel(root, path); err == nil && !d.IsDir() && filepath.Ext(path) != ".rpm" {
			want = append(want, filepath.ToSlash(rel))
		}
		return err
	})
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestRPMAgrees compares packages and files with what rpm itself finds.
func TestRPMAgrees(t *testing.T) {
	program, err := exec.LookPath("rpm")
	if err != nil {
		t.Skip(err)
	}
	for fixture, name := range map[string]string{
		"cbl-mariner-2.0.rpmdb.sqlite": "rpmdb.sqlite", "sle15-bci.Packages.db": "Packages.db", "libuuid.Packages": "Packages",
	} {
		t.Run(fixture, func(t *testing.T) {
			b := shared(t, "images/fixtures/rpm/"+fixture)
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
				t.Fatal(err)
			}
			query := func(format string) []string {
				out, _ := exec.Command(program, "--dbpath", dir, "-qa", "--qf", format).Output()
				lines := strings.Split(strings.TrimSpace(string(out)), "\n")
				slices.Sort(lines)
				return slices.Compact(lines)
			}
			want := query(`%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE} %{ARCH} %{VENDOR} %{LICENSE}\n`)
			if len(want) == 1 && want[0] == "" {
				t.Skip("this rpm does not read the format")
			}
			facts, err := read(t, name, b)
			if err != nil {
				t.Fatal(err)
			}
			var got, files []string
			for _, p := range facts.Packages {
				version := p.Version
				if !strings.Contains(version, ":") {
					version = "0:" + version
				}
				got = append(got, fmt.Sprintf("%s %s %s %s %s", p.Name, version, p.Arch, p.Vendor, strings.Join(p.Licences, "")))
			}
			for _, o := range facts.Owns {
				for path := range strings.SplitSeq(o.Paths, "\n") {
					files = append(files, o.Owner+" /"+path)
				}
			}
			slices.Sort(got)
			slices.Sort(files)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("packages (-rpm +got):\n%s", diff)
			}
			if diff := cmp.Diff(query(`[%{=NAME} %{FILENAMES}\n]`), slices.Compact(files)); diff != "" {
				t.Errorf("files (-rpm +got):\n%s", diff)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Packages", ndb(nvra("a", "1", "2", "noarch", paths("/b/", "c")...)))
	f.Add(manifest, []byte("vim\t9.0-1.cm2\t1\t2\tMicrosoft\t2\t45\tx86_64\t2\tvim-9.0-1.cm2.src.rpm\n"))
	f.Fuzz(func(t *testing.T, path string, b []byte) {
		facts, err := read(t, path, b)
		if err == nil && len(b) == 0 {
			t.Error("nothing is wrong with an empty file")
		}
		for _, p := range facts.Packages {
			if p.Name == "" || p.Version == "" || strings.ContainsAny(p.Name+p.Version, " \n") {
				t.Errorf("package %q %q", p.Name, p.Version)
			}
		}
		for _, o := range facts.Owns {
			if o.Owner == "" || o.Paths == "" {
				t.Errorf("ownership of %q by %q", o.Paths, o.Owner)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	db := shared(b, "images/fixtures/rpm/cbl-mariner-2.0.rpmdb.sqlite")
	b.SetBytes(int64(len(db)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := read(b, "rpmdb.sqlite", db); err != nil {
			b.Fatal(err)
		}
	}
}

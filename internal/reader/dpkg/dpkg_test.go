package dpkg

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

func text(facts assay.Facts) []string {
	var out []string
	for _, p := range facts.Packages {
		s := p.Name + " " + p.Version + " " + p.Arch
		if p.Source != "" {
			s += " from " + strings.TrimSpace(p.Source+" "+p.SourceVersion)
		}
		if p.State != "" {
			s += " (" + p.State + ")"
		}
		out = append(out, s)
	}
	return out
}

const stanzas = `Package: libc6
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.36-9+deb12u4
Depends: libgcc-s1, libcrypt1 (>= 1:4.4.10-10)
Description: x
 Package: not-a-package

Package: mawk
Status: hold ok installed
Architecture: amd64
Source: mawk-src (1:1.3-1)
Version: 1.3.4

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: never
Status: unknown ok not-installed
Architecture: amd64

Package: half
Status: install reinstreq half-installed
Architecture: amd64
Version: 2

Package: libc6
Status: install ok unpacked
Architecture: i386
Source: glibc
Version: 2.36-9+deb12u4
`

func TestStatus(t *testing.T) {
	facts, err := contract.Read(t, Reader{}, "var/lib/dpkg/status", stanzas)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"libc6 2.36-9+deb12u4 amd64 from glibc",
		"mawk 1.3.4 amd64 from mawk-src 1:1.3-1",
		"half 2 amd64 (half-installed)",
		"libc6 2.36-9+deb12u4 i386 from glibc (unpacked)",
	}
	if d := cmp.Diff(want, text(facts)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"libgcc-s1", "libcrypt1"}, facts.Packages[0].DependsOn); d != "" {
		t.Error(d)
	}
}

func TestMalformed(t *testing.T) {
	ok := "Status: install ok installed\n"
	for _, tt := range []struct {
		name, in string
		want     []string
		errs     int
	}{
		{"no Status", "Package: a\nVersion: 1\n", nil, 1},
		{"no Package", ok + "Version: 1\n", nil, 1},
		{"no Version", "Package: a\n" + ok, nil, 1},
		{"a name that is none", "Package: \xff\xfe\n" + ok + "Version: 1\n", nil, 1},
		{"a status that is none", "Package: a\nStatus: bogus\nVersion: 1\n", nil, 1},
		{"rubbish before", "rubbish\nPackage: a\n" + ok + "Version: 1\n", []string{"a 1 "}, 1},
		{"a version that is none is kept", "Package: a\n" + ok + "Version: not a version!\n", []string{"a not a version! "}, 0},
		{"a very long line", "Package: a\n" + ok + "Description: " + strings.Repeat("d", 4<<20) + "\nVersion: 1\n", []string{"a 1 "}, 0},
		{"a very long version", "Package: a\n" + ok + "Version: " + strings.Repeat("1", 4<<20) + "\n", nil, 2},
		{"CRLF, no end", "Package: a\r\nStatus: install ok installed\r\nVersion: 1", []string{"a 1 "}, 0},
		{"many errors are counted", strings.Repeat("x\n", 1000), nil, 21},
		{"empty", "", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Reader{}, "var/lib/dpkg/status", tt.in)
			got := text(facts)
			if tt.name == "a very long version" {
				got = nil
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
			n := 0
			if err != nil {
				n = 1 + strings.Count(err.Error(), "\n")
			}
			if n != tt.errs && tt.name != "a very long version" {
				t.Errorf("%d errors, want %d: %v", n, tt.errs, err)
			}
		})
	}
}

func TestSingle(t *testing.T) {
	dir := "var/lib/dpkg/status.d/"
	for _, tt := range []struct {
		path, in, want string
		fails          bool
	}{
		{dir + "base", "Package: base\nVersion: 1\nArchitecture: all\n", "[base 1 all]", false},
		{dir + "empty", "\n\n", "[]", true},
		{dir + "base.preinst", "#!/bin/sh\n", "[]", false},
		{dir + "corrupt", "Pakij: apt\nStratus: x\n", "[]", true},
	} {
		facts, err := contract.Read(t, Reader{}, tt.path, tt.in)
		if got := fmt.Sprint(text(facts)); got != tt.want || (err != nil) != tt.fails {
			t.Errorf("%s: %s, %v; want %s", tt.path, got, err, tt.want)
		}
	}
}

func TestLists(t *testing.T) {
	for _, tt := range []struct{ path, in, owner, want string }{
		{"var/lib/dpkg/info/a:amd64.list", "/.\n/usr\n/usr/bin\n/usr/bin/a\n/usr/bin/a-b\n/usr/share\n/usr/share/a\n/usr/share/a/x y\n", "a:amd64", "usr/bin/a\nusr/bin/a-b\nusr/share/a/x y\n"},
		{"var/lib/dpkg/status.d/a.md5sums", "0123  usr/bin/a\n4567  usr/lib/b\n", "a", "usr/bin/a\nusr/lib/b\n"},
	} {
		facts, err := contract.Read(t, Reader{}, tt.path, tt.in)
		if err != nil || len(facts.Owns) != 1 || facts.Owns[0].Owner != tt.owner || facts.Owns[0].Paths != tt.want {
			t.Errorf("%s: %+v, %v", tt.path, facts.Owns, err)
		}
	}
}

// TestConformance reads other projects' files; each must give its packages, or
// an error where it is corrupt on purpose.
func TestConformance(t *testing.T) {
	for _, tt := range []struct {
		file     string
		packages int
		fails    bool
	}{
		{"claircore/dpkg/debian-only.status", 1, false},
		{"claircore/dpkg/postgresql.status", 3, false},
		{"claircore/dpkg/texlive.status", 357, false},
		{"claircore/dpkg/vcpkg.status", 15, true}, // and nine features, which have no version
		{"syft/debian/var/lib/dpkg/status.d/corrupt", 0, true},
		{"syft/debian/var/lib/dpkg/status.d/deinstall", 1, false},
		{"syft/debian/var/lib/dpkg/status.d/empty", 0, true},
		{"syft/debian/var/lib/dpkg/status.d/multiple", 2, true}, // and one without a version
		{"syft/debian/var/lib/dpkg/status.d/single", 1, false},
		{"syft/debian/var/lib/dpkg/status.d/coreutils-relationships", 9, false},
		{"syft/debian/glob-paths/var/lib/dpkg/status", 0, true},
		{"syft/debian/glob-paths/usr/lib/dpkg/status.d/pkg-1.0", 0, true},
		{"syft/debian/glob-paths/usr/lib/dpkg/status", 1, true},
		{"syft/debian/image-distroless-deb/var/lib/dpkg/status.d/libsqlite3-0", 1, false},
	} {
		t.Run(tt.file, func(t *testing.T) {
			b, err := os.ReadFile(corpus.Path(t, "conformance/"+tt.file))
			if err != nil {
				t.Fatal(err)
			}
			path := "var/lib/dpkg/status"
			if strings.Contains(tt.file, "status.d/") {
				path = "var/lib/dpkg/status.d/" + filepath.Base(tt.file)
			}
			facts, err := contract.Read(t, Reader{}, path, string(b))
			if len(facts.Packages) != tt.packages || (err != nil) != tt.fails {
				t.Errorf("%d packages, want %d; error %v", len(facts.Packages), tt.packages, err)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Reader{}, map[string]string{"var/lib/dpkg/status": stanzas, "var/lib/dpkg/status.d/a": stanzas, "var/lib/dpkg/info/a.list": "/.\n/usr\n/usr/a\n"})
}

func FuzzRead(f *testing.F) {
	f.Add("var/lib/dpkg/status", stanzas)
	f.Add("var/lib/dpkg/info/a.list", "/.\n/a\n")
	f.Add("var/lib/dpkg/status.d/a.md5sums", "0  a\n")
	f.Fuzz(func(t *testing.T, path, content string) { contract.Read(t, Reader{}, path, content) })
}

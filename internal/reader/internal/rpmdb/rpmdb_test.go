package rpmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/corpus"
)

// read returns the names in a database and the errors on the way.
func read(db, log []byte) (names []string, errs []error) {
	for h, err := range Headers(section(db), section(log)) {
		if h.Name != "" {
			names = append(names, h.Name)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return names, errs
}

// small and large headers: on a page, over one page, over many.
var sizes = map[string]int{"a": 0, "b": 900, "c": 5000, "d": 200_000}

func records(names ...string) (list [][]byte) {
	for _, n := range names {
		list = append(list, named(n, sizes[n]))
	}
	return list
}

func TestFormats(t *testing.T) {
	want := []string{"a", "b", "c", "d", "a"}
	check := func(t *testing.T, name string, db []byte) {
		got, errs := read(db, nil)
		if diff := cmp.Diff(want, got); diff != "" || errs != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, errs, diff)
		}
	}
	check(t, "NDB", buildNDB(records(want...)...))
	for size := 512; size <= 64<<10; size *= 2 {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			check(t, "SQLite", buildSQLite(size, records(want...)...))
			check(t, "Berkeley DB, little-endian", buildBDB(binary.LittleEndian, size, records(want...)...))
			check(t, "Berkeley DB, big-endian", buildBDB(binary.BigEndian, size, records(want...)...))
		})
	}
}

func TestEmptyDatabases(t *testing.T) {
	for name, db := range map[string][]byte{
		"ndb": buildNDB(), "sqlite": buildSQLite(4096), "bdb": buildBDB(binary.LittleEndian, 4096),
	} {
		if names, errs := read(db, nil); names != nil || errs != nil {
			t.Errorf("%s: %v, %v", name, names, errs)
		}
	}
}

func TestHeader(t *testing.T) {
	db := buildNDB(header(
		text(tagName, "shadowed"), // the package's own, replaced below
		numbers(tagEpoch, 3), text(tagVersion, "1.2"), text(tagRelease, "3.el9"), text(tagArch, "x86_64"),
		text(tagVendor, "Red Hat, Inc."), text(tagLicense, "GPLv2+ and MIT"), text(tagSourceRPM, "src-1.2-3.el9.src.rpm"),
		text(tagModularity, "nodejs:18:1:abc"),
		texts(tagRequireName, "rpmlib(X)", "/bin/sh", "bash", "libc.so.6()(64bit)", "bash", "glibc", ""),
		texts(tagDirNames, "/usr/bin/", "/", "/with\nnewline/"),
		texts(tagBasenames, "tool", "etc", "", "gone"), numbers(tagDirIndexes, 0, 1, 1, 2),
		text(tagName, "pkg"),
	), header(text(tagName, "old"), texts(tagOldFilenames, "/bin/old", "/etc/old.conf")))
	want := []Header{{
		Name: "pkg", Epoch: 3, Version: "1.2", Release: "3.el9", Arch: "x86_64", Vendor: "Red Hat, Inc.",
		License: "GPLv2+ and MIT", SourceRPM: "src-1.2-3.el9.src.rpm", Module: "nodejs:18:1:abc",
		Requires: []string{"bash", "glibc"}, Paths: "usr/bin/tool\netc",
	}, {Name: "old", Paths: "bin/old\netc/old.conf"}}
	var got []Header
	for h, err := range Headers(section(db), nil) {
		if err != nil {
			t.Error(err)
		}
		got = append(got, h)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBrokenHeader holds that a header that lies is told, keeps what can be
// read, and does not take the next one with it.
func TestBrokenHeader(t *testing.T) {
	whole := header(text(tagName, "x"))
	for _, tt := range []struct {
		name, want string
		record     []byte
	}{
		{"empty", "", nil},
		{"cut in the intro", "", whole[:6]},
		{"cut in the index", "", whole[:12]},
		{"cut in the data", "", whole[:len(whole)-1]},
		{"no tags", "", make([]byte, 8)},
		{"too many tags", "", bytes.Repeat([]byte{0x7f}, 64)},
		{"name without an end", "", header(field{tagName, typeString, 1, []byte("x")})},
		{"name is a number", "", header(numbers(tagName, 1))},
		{"number beyond the data", "x", header(text(tagName, "x"), field{tagEpoch, typeInt32, 1, []byte{1}})},
		{"array longer than the data", "x", header(text(tagName, "x"), field{tagBasenames, typeStringArray, 1 << 30, []byte("a\x00")})},
		{"array ends early", "x", header(text(tagName, "x"), field{tagRequireName, typeStringArray, 3, []byte("a\x00bcd")})},
		{"files without directories", "x", header(text(tagName, "x"), texts(tagBasenames, "a"))},
		{"directory out of range", "x", header(text(tagName, "x"), texts(tagDirNames, "/"), numbers(tagDirIndexes, 7), texts(tagBasenames, "a"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names, errs := read(buildNDB(tt.record, named("next", 0)), nil)
			want := strings.Fields(tt.want + " next")
			if diff := cmp.Diff(want, names); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(errs) != 1 || !errors.Is(errs[0], assay.ErrMalformed) {
				t.Errorf("got errors %v, want one ErrMalformed", errs)
			}
		})
	}
}

// TestTextIsBounded holds that short headers which expand to long paths do not
// take all memory.
func TestTextIsBounded(t *testing.T) {
	dir := "/" + strings.Repeat("d", 1000) + "/"
	bomb := header(text(tagName, "bomb"), texts(tagDirNames, dir), texts(tagBasenames, make([]string, 1000)...),
		numbers(tagDirIndexes, make([]uint32, 1000)...))
	d := &database{file: section(buildNDB(bomb, bomb, bomb)), text: 2_500_000}
	var n int
	var last error
	d.headers(func(h Header, err error) bool {
		n, last = n+1, err
		return true
	})
	if n != 3 || !errors.Is(last, assay.ErrTooLarge) {
		t.Errorf("%d headers, then %v, want two and ErrTooLarge", n, last)
	}
}

func TestStops(t *testing.T) {
	for name, db := range map[string][]byte{
		"ndb": buildNDB(records("a", "b")...), "sqlite": buildSQLite(512, records("a", "b")...),
		"bdb": buildBDB(binary.LittleEndian, 512, records("a", "b")...), "broken": bytes.Repeat([]byte("x"), 99),
	} {
		n := 0
		for range Headers(section(db), nil) {
			n++
			break
		}
		if n != 1 {
			t.Errorf("%s: %d records", name, n)
		}
	}
}

func conformance(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(corpus.Path(t, "conformance/rpmdb/"+name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestConformance(t *testing.T) {
	for _, tt := range []struct {
		name   string
		want   int
		broken bool
	}{
		{"go-rpmdb/cbl-mariner-2.0/rpmdb.sqlite", 129, false},
		{"go-rpmdb/sle15-bci/Packages.db", 35, false},
		{"go-rpmdb/libuuid/Packages", 1, false},
		{"scalibr/Packages_epoch", 1, false},
		{"syft/Packages", 1, false},
		{"scalibr/empty.sqlite", 0, true},
		{"scalibr/invalid", 0, true},
		{"syft/bad/bad.rpm", 0, true},
		{"syft/glob-paths/usr/share/rpm/rpmdb.sqlite", 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names, errs := read(conformance(t, tt.name), nil)
			if len(names) != tt.want || (errs != nil) != tt.broken {
				t.Errorf("got %d headers and %v, want %d", len(names), errs, tt.want)
			}
		})
	}
}

// TestTruncated holds that a database which ends early is never read in
// silence, wherever it ends.
func TestTruncated(t *testing.T) {
	for _, name := range []string{"go-rpmdb/cbl-mariner-2.0/rpmdb.sqlite", "go-rpmdb/sle15-bci/Packages.db", "go-rpmdb/libuuid/Packages"} {
		db := conformance(t, name)
		whole, _ := read(db, nil)
		for i := range 40 {
			cut := db[:len(db)*i/40]
			if names, errs := read(cut, nil); len(names) < len(whole) && errs == nil {
				t.Errorf("%s cut to %d bytes: %d of %d headers and no error", filepath.Base(name), len(cut), len(names), len(whole))
			}
		}
	}
}

func FuzzHeaders(f *testing.F) {
	for _, db := range [][]byte{
		buildNDB(records("a", "b")...),
		buildSQLite(512, records("a", "b", "c")...), buildSQLite(1024, records("a", "b")...),
		buildBDB(binary.LittleEndian, 512, records("a", "b")...), buildBDB(binary.BigEndian, 1024, records("a", "c")...),
	} {
		f.Add(db, []byte(nil))
	}
	before, after := buildSQLite(512, records("a")...), buildSQLite(512, records("a", "b")...)
	f.Add(before, buildLog(binary.LittleEndian, 512, changes(512, before, after)...))
	f.Fuzz(func(t *testing.T, db, log []byte) {
		n, kept := 0, 0
		for h, err := range Headers(section(db), section(log)) {
			if n++; n > len(db)+len(log)+2 {
				t.Fatal("more records than bytes")
			}
			if err != nil && !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) && !errors.Is(err, assay.ErrUnsupported) {
				t.Fatal(err)
			}
			kept += len(h.Name) + len(h.Paths)
		}
		if kept > maxText {
			t.Fatalf("%d bytes kept", kept)
		}
	})
}

func FuzzHeader(f *testing.F) {
	f.Add(named("a", 3))
	f.Add(header(text(tagName, "x"), texts(tagDirNames, "/a/"), texts(tagBasenames, "b"), numbers(tagDirIndexes, 0), numbers(tagEpoch, 1)))
	f.Fuzz(func(t *testing.T, record []byte) {
		left := int64(maxText)
		h, err := parse(record, &left)
		if err != nil && !errors.Is(err, assay.ErrMalformed) {
			t.Fatal(err)
		}
		if used := maxText - left; used < int64(len(h.Name)+len(h.Paths)) {
			t.Fatalf("%d bytes of text, %d accounted for", len(h.Name)+len(h.Paths), used)
		}
	})
}

func BenchmarkHeaders(b *testing.B) {
	for _, name := range []string{"go-rpmdb/cbl-mariner-2.0/rpmdb.sqlite", "go-rpmdb/sle15-bci/Packages.db", "go-rpmdb/libuuid/Packages"} {
		db := conformance(b, name)
		b.Run(filepath.Base(name), func(b *testing.B) {
			b.SetBytes(int64(len(db)))
			b.ReportAllocs()
			for b.Loop() {
				if names, errs := read(db, nil); len(names) == 0 || errs != nil {
					b.Fatal(errs)
				}
			}
		})
	}
}

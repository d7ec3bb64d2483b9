package rpmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// TestBroken holds, for each format, that a damaged record is one error and
// that the others are still read, and that lies end.
func TestBroken(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	const page = 512
	ndb := func(damage func(db []byte)) []byte {
		db := buildNDB(records("a", "b", "c")...)
		damage(db)
		return db
	}
	slot := func(db []byte, i int) []byte { return db[ndbHeader+i*ndbSlot:] }
	blob := func(db []byte, i int) []byte { return db[le.Uint32(slot(db, i)[8:])*ndbBlock:] }

	// Pages of bdb: 0 meta, 1 the next number, 2 a, 3 b's item, 4 to 6 b's
	// overflow pages, 7 c's item, 8 to 18 c's overflow pages.
	bdb := func(damage func(db []byte)) []byte {
		db := buildBDB(le, page, records("a", "b", "c")...)
		damage(db)
		return db
	}
	// Pages of sqlite: 0 the schema, 1 the root, 2 a's leaf.
	sqlite := func(damage func(db []byte)) []byte {
		db := buildSQLite(page, records("a", "b", "c")...)
		damage(db)
		return db
	}
	at := func(db []byte, page_ int) []byte { return db[page_*page:] }

	for _, tt := range []struct {
		name string
		db   []byte
		want string // the headers that are still found
	}{
		{"ndb: no magic in a slot", ndb(func(db []byte) { slot(db, 1)[0] = 'x' }), "a c"},
		{"ndb: blob out of range", ndb(func(db []byte) { le.PutUint32(slot(db, 1)[8:], 1<<31) }), "a c"},
		{"ndb: blob in the slots", ndb(func(db []byte) { le.PutUint32(slot(db, 1)[8:], 1) }), "a c"},
		{"ndb: blob too long", ndb(func(db []byte) { le.PutUint32(slot(db, 1)[12:], 1<<27) }), "a c"},
		{"ndb: blob without room", ndb(func(db []byte) { le.PutUint32(slot(db, 1)[12:], 1) }), "a c"},
		{"ndb: blob of another", ndb(func(db []byte) { copy(slot(db, 1)[8:16], slot(db, 0)[8:16]) }), "a c"},
		{"ndb: length lies", ndb(func(db []byte) { le.PutUint32(blob(db, 1)[12:], 1<<31) }), "a c"},
		{"ndb: length lies a little", ndb(func(db []byte) { blob(db, 1)[12]++ }), "a c"},
		{"ndb: no head", ndb(func(db []byte) { blob(db, 1)[0] = 'x' }), "a c"},
		{"ndb: a byte differs", ndb(func(db []byte) { blob(db, 1)[100] ^= 1 }), "a c"},
		{"ndb: pages lie", ndb(func(db []byte) { le.PutUint32(db[12:], 1<<30) }), ""},
		{"ndb: other version", ndb(func(db []byte) { db[4] = 9 }), ""},

		{"bdb: encrypted", bdb(func(db []byte) { db[24] = 1 }), ""},
		{"bdb: page size", bdb(func(db []byte) { le.PutUint32(db[20:], 1000) }), ""},
		{"bdb: first page of another type", bdb(func(db []byte) { db[25] = 9 }), ""},
		{"bdb: odd number of items", bdb(func(db []byte) { at(db, 3)[20] = 3 }), "a c"},
		{"bdb: too many items", bdb(func(db []byte) { le.PutUint16(at(db, 3)[20:], 0xfffe) }), "a c"},
		{"bdb: items overlap", bdb(func(db []byte) { le.PutUint16(at(db, 3)[bdbPageHeader+2:], page-1) }), "a c"},
		{"bdb: item in the page's header", bdb(func(db []byte) { le.PutUint16(at(db, 3)[bdbPageHeader+2:], 3) }), "a c"},
		{"bdb: item of unknown type", bdb(func(db []byte) { at(db, 3)[page-5-bdbOffPage] = 2 }), "a c"},
		{"bdb: chain ends early", bdb(func(db []byte) { le.PutUint32(at(db, 4)[16:], 0) }), "a c"},
		{"bdb: chain is a loop", bdb(func(db []byte) { le.PutUint32(at(db, 5)[16:], 4) }), "a c"},
		{"bdb: chain leaves the file", bdb(func(db []byte) { le.PutUint32(at(db, 4)[16:], 1<<31) }), "a c"},
		{"bdb: chain meets another", bdb(func(db []byte) { le.PutUint32(at(db, 9)[16:], 5) }), "a b"},
		{"bdb: chain over a page of another type", bdb(func(db []byte) { at(db, 5)[25] = 0 }), "a c"},
		{"bdb: overflow page without bytes", bdb(func(db []byte) { le.PutUint16(at(db, 5)[22:], 0) }), "a c"},
		{"bdb: overflow page with too many bytes", bdb(func(db []byte) { le.PutUint16(at(db, 5)[22:], page) }), "a c"},
		{"bdb: length lies", bdb(func(db []byte) { le.PutUint32(at(db, 3)[page-5-4:], 1<<31) }), "a c"},

		{"sqlite: page size", sqlite(func(db []byte) { db[17] = 7 }), ""},
		{"sqlite: all of a page reserved", sqlite(func(db []byte) { db[20] = 255 }), ""},
		{"sqlite: UTF-16", sqlite(func(db []byte) { db[59] = 2 }), ""},
		{"sqlite: no table", bytes.ReplaceAll(sqlite(func([]byte) {}), []byte("Packages"), []byte("Nothings")), ""},
		{"sqlite: root is the schema", sqlite(func(db []byte) { db[bytes.Index(db, []byte("tablePackagesPackages"))+21] = 1 }), ""},
		{"sqlite: root is its own child", sqlite(func(db []byte) { be.PutUint32(at(db, 1)[8:], 2) }), "a b"},
		{"sqlite: child out of range", sqlite(func(db []byte) { be.PutUint32(at(db, 1)[8:], 1<<31) }), "a b"},
		{"sqlite: child is the root", sqlite(func(db []byte) { be.PutUint32(at(db, 1)[page-5:], 2) }), "b c"},
		{"sqlite: leaf of another type", sqlite(func(db []byte) { at(db, 2)[0] = 10 }), "b c"},
		{"sqlite: too many cells", sqlite(func(db []byte) { be.PutUint16(at(db, 2)[3:], 0xffff) }), "b c"},
		{"sqlite: cell outside", sqlite(func(db []byte) { be.PutUint16(at(db, 2)[8:], 0xffff) }), "b c"},
		{"sqlite: cell longer than the page", sqlite(func(db []byte) { be.PutUint16(at(db, 2)[8:], page-9) }), "b c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names, errs := read(tt.db, nil)
			if diff := cmp.Diff(strings.Fields(tt.want), append([]string{}, names...)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", errs, diff)
			}
			if len(errs) == 0 {
				t.Error("no error")
			}
			for _, err := range errs {
				if !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) && !errors.Is(err, assay.ErrUnsupported) {
					t.Errorf("error of no known kind: %v", err)
				}
			}
		})
	}
}

// TestRecordsOverlap holds that cells which share their bytes end when more
// was read than there is.
func TestRecordsOverlap(t *testing.T) {
	db := buildSQLite(65536, named("a", 40_000))
	leaf := db[2*65536:]
	const cells = 10_000
	binary.BigEndian.PutUint16(leaf[3:], cells)
	for i := range cells {
		copy(leaf[8+2*i:], leaf[8:10])
	}
	names, errs := read(db, nil)
	if len(names) > len(db)/40_000 || len(errs) == 0 {
		t.Errorf("%d headers of 40 kB from %d bytes, %d errors", len(names), len(db), len(errs))
	}
}

func TestLog(t *testing.T) {
	const page = 512
	before, after := buildSQLite(page, records("a")...), buildSQLite(page, records("a", "b", "c")...)
	frames := changes(page, before, after)
	le, be := binary.LittleEndian, binary.BigEndian
	whole := buildLog(le, page, frames...)
	damaged := func(damage func(log []byte) []byte) []byte { return damage(bytes.Clone(whole)) }
	old := buildSQLite(page, records("b", "b")...)

	for _, tt := range []struct {
		name string
		log  []byte
		want string
		err  error
	}{
		{"none", nil, "a", nil},
		{"empty", []byte{}, "a", nil},
		{"cut in its header", whole[:20], "a", nil},
		{"header only", whole[:logHeader], "a", nil},
		{"little-endian checksums", whole, "a b c", nil},
		{"big-endian checksums", buildLog(be, page, frames...), "a b c", nil},
		{"two transactions", buildLog(le, page, append(changes(page, before, old), changes(page, old, after)...)...), "a b c", nil},
		{"the second not committed", buildLog(le, page, append(frames, frame{page: 2, content: make([]byte, page)})...), "a b c", nil},
		{"frame cut short", whole[:len(whole)-1], "a", nil},
		{"bit flipped in the last frame", damaged(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }), "a", nil},
		{"salt of an older log", damaged(func(b []byte) []byte { b[logHeader+8] ^= 1; return b }), "a", nil},
		{"frame for page 0", buildLog(le, page, frame{0, 5, make([]byte, page)}), "a", nil},
		{"rest of an older log behind it", append(bytes.Clone(whole), whole[logHeader:]...), "a b c", nil},
		{"another file", bytes.Repeat([]byte("x"), 999), "a", assay.ErrMalformed},
		{"checksum of the header", damaged(func(b []byte) []byte { b[logHeader-1] ^= 1; return b }), "a", assay.ErrMalformed},
		{"other page size", buildLog(le, 1024, frame{1, 1, make([]byte, 1024)}), "a", assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			names, errs := read(before, tt.log)
			if diff := cmp.Diff(strings.Fields(tt.want), names); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if tt.err == nil && errs != nil || tt.err != nil && (len(errs) != 1 || !errors.Is(errs[0], tt.err)) {
				t.Errorf("got %v, want %v", errs, tt.err)
			}
		})
	}
}

// TestLogOfSQLite reads a database and log that SQLite itself wrote, with
// commits that were not checkpointed and one that was rolled back.
func TestLogOfSQLite(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	for _, n := range []string{"a", "b", "c", "d"} {
		if err := os.WriteFile(filepath.Join(dir, n), named(n, sizes[n]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	script := `
import os, shutil, sqlite3
c = sqlite3.connect("live.sqlite", isolation_level=None)
c.execute("pragma journal_mode=wal"); c.execute("pragma wal_autocheckpoint=0"); c.execute("pragma cache_size=2")
c.execute("create table 'Packages' (hnum integer primary key autoincrement, blob blob not null)")
def add(n): c.execute("insert into Packages(blob) values (?)", (open(n, "rb").read(),))
add("a"); c.execute("pragma wal_checkpoint(truncate)")
for n in "bdc": add(n)
c.execute("delete from Packages where hnum = 2")
c.execute("begin"); add("d"); add("d")
shutil.copy("live.sqlite", "db"); shutil.copy("live.sqlite-wal", "log")
`
	cmd := exec.Command(python, "-c", script)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("python's sqlite3: %v: %s", err, out)
	}
	db, err := os.ReadFile(filepath.Join(dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	for want, log := range map[string][]byte{"a": nil, "a d c": log} {
		names, errs := read(db, log)
		if got := strings.Join(names, " "); got != want || errs != nil {
			t.Errorf("with a log of %d bytes: %q, %v, want %q", len(log), got, errs, want)
		}
	}
}

package sqlitefile

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/assaysec/assay"
)

// build makes a database with SQLite itself.
func build(t testing.TB, statements ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1) // pragmas are a connection's
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func open(t testing.TB, raw []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func table(t testing.TB, raw []byte, name string) *Table {
	t.Helper()
	tab, err := open(t, raw).Table(name)
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// values are those of all columns.
func values(t *Table, r *Row) []any {
	var out []any
	for i := range t.Columns {
		v := r.Value(i)
		if b, ok := v.([]byte); ok {
			v = bytes.Clone(b)
		}
		out = append(out, v)
	}
	return out
}

func TestValues(t *testing.T) {
	raw := build(t, "create table t (id integer primary key, v)",
		"insert into t values (-5, null), (0, 0), (1, 1), (2, -1), (3, 127), (4, -129), (5, 8388607), (6, -2147483648), (7, 140737488355327), (8, -9223372036854775808), (9, 1.5), (10, 2.0), (11, 'text'), (12, x'00ff'), (13, ''), (14, x'')",
		"alter table t add column later text default 'x'")
	want := [][]any{{-5, nil}, {0, 0}, {1, 1}, {2, -1}, {3, 127}, {4, -129}, {5, 8388607}, {6, -2147483648}, {7, 140737488355327}, {8, -9223372036854775808}, {9, 1.5}, {10, 2.0}, {11, "text"}, {12, []byte{0, 255}}, {13, ""}, {14, []byte{}}}
	tab := table(t, raw, "T")
	if diff := cmp.Diff([]string{"id", "v", "later"}, tab.Columns); diff != "" || tab.RowID() != 0 || tab.Column("V") != 1 || tab.Column("x") != -1 {
		t.Errorf("rowid %d, %s", tab.RowID(), diff)
	}
	n := 0
	for r, err := range tab.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		id := int64(want[n][0].(int))
		expect := []any{id, want[n][1], nil}
		if v, ok := expect[1].(int); ok {
			expect[1] = int64(v)
		}
		if diff := cmp.Diff(expect, values(tab, r)); diff != "" || r.ID != id {
			t.Errorf("row %d: %s", id, diff)
		}
		if f, ok := r.Float(1); n == 10 && (!ok || f != 1.5) || n == 1 && (!ok || f != 0) || n == 12 && ok {
			t.Errorf("row %d: as a number %v %v", id, f, ok)
		}
		n++
	}
	if n != len(want) {
		t.Errorf("%d rows, want %d", n, len(want))
	}
}

// TestPages reads tables of many pages, with rows over many, in all page
// sizes, from end to end and row by row.
func TestPages(t *testing.T) {
	const rows = 1500
	for size := minPage; size <= maxPage; size *= 2 {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			raw := build(t, fmt.Sprintf("pragma page_size=%d", size), "create table other (x)", "create table t (name text, v blob)",
				fmt.Sprintf(`with recursive n(i) as (select 1 union all select i+1 from n where i<%d)
					insert into t (rowid, name, v) select i*3, 'n' || i, zeroblob(case when i %% 100 = 0 then 200000 else i %% 700 end) from n`, rows),
				"delete from t where rowid % 9 = 0")
			length := func(i int) int {
				if i%100 == 0 {
					return 200_000
				}
				return i % 700
			}
			tab := table(t, raw, "t")
			i := 1
			var one Row
			for r, err := range tab.Rows() {
				if err != nil {
					t.Fatal(err)
				}
				if r.ID != int64(3*i) || r.Text(0) != fmt.Sprint("n", i) || len(r.Bytes(1)) != length(i) {
					t.Fatalf("row %d: %q, %d bytes", r.ID, r.Text(0), len(r.Bytes(1)))
				}
				if err := tab.Row(r.ID, &one); err != nil || one.ID != r.ID || !bytes.Equal(one.payload, r.payload) {
					t.Fatalf("lookup of %d: %v", r.ID, err)
				}
				if err := tab.Row(r.ID+1, &one); !errors.Is(err, assay.ErrNotFound) {
					t.Fatalf("lookup of %d: %v", r.ID+1, err)
				}
				if i++; i%3 == 0 {
					i++
				}
			}
			if i < rows {
				t.Errorf("ends at row %d", i)
			}
		})
	}
}

func TestDefine(t *testing.T) {
	for _, tt := range []struct {
		sql, columns string
		key          int
		keyed        bool
	}{
		{"CREATE TABLE t(a,b INTEGER PRIMARY KEY, c)", "a b c", 1, false},
		{"CREATE TABLE `blobs` (`id` integer PRIMARY KEY AUTOINCREMENT,`value` text NOT NULL)", "id value", 0, false},
		{`CREATE TABLE "t(" ("a b" text DEFAULT 'x,y)', [c] varchar(10, 2), 'd' INTEGER, CONSTRAINT "pk" PRIMARY KEY ("d"))`, "a b c d", 2, false},
		{"CREATE TABLE t(id INT PRIMARY KEY, PRIMARY integer)", "id", -1, false},
		{"CREATE TABLE t(id INTEGER PRIMARY KEY DESC)", "id", -1, false},
		{"CREATE TABLE t(id BIG INTEGER PRIMARY KEY)", "id", -1, false},
		{"CREATE TABLE t(a INTEGER, b INTEGER, PRIMARY KEY (a, b), FOREIGN KEY (b) REFERENCES u(c)) -- WITHOUT ROWID", "a b", -1, false},
		{"CREATE TABLE t(a, PRIMARY KEY (a)) STRICT, WITHOUT\nROWID", "a", -1, true},
		{"CREATE TABLE t(a, b AS (a+1), c int generated always as (a*2) stored, d /* x, y */ CHECK (d > (1)))", "a c d", -1, false},
		{`CREATE TABLE t("a""b", "open`, "a\"b", -1, false},
		{"", "", -1, false},
		{"CREATE VIRTUAL TABLE t USING fts5(a)", "a", -1, false},
	} {
		d := define(tt.sql)
		if got := strings.Join(d.columns, " "); got != tt.columns || d.key != tt.key || d.keyed != tt.keyed {
			t.Errorf("%s: %q, key %d, %v", tt.sql, got, d.key, d.keyed)
		}
	}
}

func TestTables(t *testing.T) {
	raw := build(t, "create table a (x)", "create index i on a (x)", "create view v as select * from a", "create table b (x primary key) without rowid", "create virtual table f using fts5(y)", "insert into b values (1)")
	f := open(t, raw)
	var names []string
	for tab, err := range f.Tables() {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tab.Name)
	}
	if got := strings.Join(names, " "); !strings.HasPrefix(got, "a b f_data") {
		t.Error(got)
	}
	for name, want := range map[string]error{"a": nil, "A": nil, "b": assay.ErrUnsupported, "c": assay.ErrNotFound, "v": assay.ErrNotFound, "f": assay.ErrNotFound} {
		if _, err := f.Table(name); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// rows counts what can be read of the first table, and what cannot.
func rows(raw []byte) (n int, errs []error) {
	f, err := Open(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return 0, []error{err}
	}
	for tab, err := range f.Tables() {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		for _, err := range tab.Rows() {
			if err != nil {
				errs = append(errs, err)
			} else {
				n++
			}
		}
	}
	return n, errs
}

func TestBroken(t *testing.T) {
	const page = 512
	// Page 2 is the root, 3 to 5 the first leaves; row 100 overflows.
	whole := build(t, "pragma page_size=512", "create table t (v)", "with recursive n(i) as (select 1 union all select i+1 from n where i<200) insert into t select zeroblob(case when i=100 then 3000 else 20 end) from n")
	be := binary.BigEndian
	root := whole[page:]
	if root[0] != interior {
		t.Fatalf("root of type %d", root[0])
	}
	first := be.Uint32(root[be.Uint16(root[12:]):])
	at := func(b []byte, n uint32) []byte { return b[(n-1)*page:] }
	for _, tt := range []struct {
		name   string
		damage func(b []byte) []byte
		least  int // rows that are still read
		most   int
		err    error
	}{
		{"nothing", func(b []byte) []byte { return b }, 200, 200, nil},
		{"empty", func(b []byte) []byte { return nil }, 0, 0, assay.ErrUnsupported},
		{"text", func(b []byte) []byte { return []byte("text") }, 0, 0, assay.ErrUnsupported},
		{"header cut", func(b []byte) []byte { return b[:50] }, 0, 0, assay.ErrMalformed},
		{"first page cut", func(b []byte) []byte { return b[:500] }, 0, 0, assay.ErrMalformed},
		{"cut", func(b []byte) []byte { return b[:len(b)/2] }, 20, 180, assay.ErrMalformed},
		{"UTF-16", func(b []byte) []byte { b[59] = 3; return b }, 0, 0, assay.ErrUnsupported},
		{"newer format", func(b []byte) []byte { b[19] = 9; return b }, 0, 0, assay.ErrUnsupported},
		{"reserved", func(b []byte) []byte { b[20] = 200; return b }, 0, 0, assay.ErrMalformed},
		{"a leaf twice", func(b []byte) []byte { be.PutUint32(at(b, 2)[8:], first); return b }, 100, 199, assay.ErrMalformed},
		{"a loop", func(b []byte) []byte { be.PutUint32(at(b, 2)[8:], 2); return b }, 100, 199, assay.ErrMalformed},
		{"page of an index", func(b []byte) []byte { at(b, first)[0] = leaves; return b }, 100, 199, assay.ErrMalformed},
		{"too many cells", func(b []byte) []byte { be.PutUint16(at(b, first)[3:], 0xffff); return b }, 100, 199, assay.ErrMalformed},
		{"cell outside", func(b []byte) []byte { be.PutUint16(at(b, first)[8:], 0xffff); return b }, 199, 199, assay.ErrMalformed},
		{"row too large", func(b []byte) []byte {
			copy(at(b, first)[be.Uint16(at(b, first)[8:]):], "\x8f\xff\xff\xff\x7f\x01")
			return b
		}, 199, 199, assay.ErrTooLarge},
		{"root is the schema", func(b []byte) []byte {
			i := bytes.Index(b, []byte("tablett")) + len("tablett")
			b[i] = 1
			return b
		}, 0, 0, assay.ErrMalformed},
		{"letters", func(b []byte) []byte { return append(b[:2*page], bytes.Repeat([]byte{0xff}, len(b)-2*page)...) }, 0, 0, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, errs := rows(tt.damage(bytes.Clone(whole)))
			if n < tt.least || n > tt.most || (tt.err == nil) != (len(errs) == 0) || tt.err != nil && !errors.Is(errs[0], tt.err) {
				t.Errorf("%d rows, %v: want %d to %d, %v", n, errs, tt.least, tt.most, tt.err)
			}
		})
	}
}

// TestRowsOverlap holds that rows which share their bytes end, in walks and in
// lookups.
func TestRowsOverlap(t *testing.T) {
	raw := build(t, "pragma page_size=65536", "create table t (v)", "insert into t values (zeroblob(40000))")
	leafPage := raw[65536:]
	const cells = 10_000
	binary.BigEndian.PutUint16(leafPage[3:], cells)
	for i := range cells {
		copy(leafPage[8+2*i:], leafPage[8:10])
	}
	if n, errs := rows(raw); n > len(raw)/40_000+1 || len(errs) == 0 {
		t.Errorf("%d rows of 40 kB from %d bytes, %v", n, len(raw), errs)
	}
	tab := table(t, raw, "t")
	var r Row
	var err error
	n := 0
	for ; err == nil && n < 1e6; n++ {
		err = tab.Row(1, &r)
	}
	if !errors.Is(err, assay.ErrMalformed) {
		t.Errorf("after %d lookups: %v", n, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(build(f, "pragma page_size=512", "create table t (id integer primary key, v)", "insert into t (v) values (1), ('x'), (zeroblob(2000))", "create table u (v)"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		n, errs := rows(raw)
		if n > len(raw) {
			t.Fatalf("%d rows from %d bytes", n, len(raw))
		}
		for _, err := range errs {
			if !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) && !errors.Is(err, assay.ErrUnsupported) {
				t.Fatal(err)
			}
		}
		file, err := Open(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			return
		}
		var r Row
		for tab := range file.Tables() {
			for id := range int64(5) {
				if tab != nil && tab.Row(id, &r) == nil {
					values(tab, &r)
				}
			}
		}
	})
}

func BenchmarkRow(b *testing.B) {
	raw := build(b, "create table t (id integer primary key, v text)", "with recursive n(i) as (select 1 union all select i+1 from n where i<20000) insert into t select i, 'a text of some length that is looked up' from n")
	tab := table(b, raw, "t")
	var r Row
	var id int64
	b.ReportAllocs()
	for b.Loop() {
		id = id*7919%20000 + 1
		if err := tab.Row(id, &r); err != nil {
			b.Fatal(err)
		}
	}
}

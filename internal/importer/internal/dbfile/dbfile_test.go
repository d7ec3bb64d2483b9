package dbfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

// form is of files that begin with "DB".
var form = Form{Title: "a database", Name: "x.db", Folders: []string{"a/b"}, Note: "note.json", Check: func(r io.ReaderAt, size int64) error {
	var b [2]byte
	if _, err := r.ReadAt(b[:], 0); err != nil || string(b[:]) != "DB" {
		return fmt.Errorf("not a database: %w", assay.ErrUnsupported)
	}
	if size < 4 {
		return fmt.Errorf("cut: %w", assay.ErrMalformed)
	}
	return nil
}}

func member(name, content string) contract.Member {
	return contract.Member{Name: name, Content: content}
}

func TestOpen(t *testing.T) {
	note := member("d/note.json", "note")
	many := make([]contract.Member, maxMembers+1)
	for i := range many {
		many[i] = member(fmt.Sprint(i), "")
	}
	for _, tt := range []struct {
		name string
		in   string
		note string
		err  error
	}{
		{"file", "DB12", "beside", nil},
		{"archive", string(contract.TarGz(member("./x.db", "DB12"), note)), "note", nil},
		{"archive, other order", string(contract.TarGz(note, member("x.db", "DB12"), member("large", strings.Repeat("x", maxNote+1)))), "note", nil},
		{"archive without note", string(contract.TarGz(member("x.db", "DB12"))), "", nil},
		{"twice in it", string(contract.TarGz(member("x.db", "DB12"), member("a/x.db", "DB12"))), "", assay.ErrMalformed},
		{"another large file first", string(contract.TarGz(member("large", strings.Repeat("x", maxNote+1)), member("x.db", "DB12"))), "", assay.ErrUnsupported},
		{"large note", string(contract.TarGz(member("note.json", strings.Repeat("x", maxNote+1)), member("x.db", "DB12"))), "", assay.ErrTooLarge},
		{"many members", string(contract.TarGz(many...)), "", assay.ErrTooLarge},
		{"checked", "DB", "", assay.ErrMalformed},
		{"checked in the archive", string(contract.TarGz(member("x.db", "DB"))), "", assay.ErrMalformed},
		{"another file in the archive", string(contract.TarGz(member("x.db", "text"))), "", assay.ErrUnsupported},
		{"text", "text", "", assay.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, temp := t.TempDir(), t.TempDir()
			t.Setenv("TMPDIR", temp)
			for name, b := range map[string]string{"x": tt.in, "note.json": "beside"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(b), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			d, err := form.Open(t.Context(), filepath.Join(dir, "x"))
			if !errors.Is(err, tt.err) {
				t.Errorf("%v, want %v", err, tt.err)
			}
			if left, _ := os.ReadDir(temp); runtime.GOOS != "windows" && len(left) > 0 {
				t.Errorf("has a name while it is open: %v", left)
			}
			if err == nil {
				b := make([]byte, d.Size)
				if _, err := d.ReadAt(b, 0); err != nil || string(b) != "DB12" || string(d.Note) != tt.note || d.Time.IsZero() {
					t.Errorf("%q, note %q, of %v, %v", b, d.Note, d.Time, err)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a", "b", "x.db"), []byte("DB12"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path string
		err  error
	}{{dir, nil}, {filepath.Join(dir, "a", "b"), nil}, {filepath.Join(dir, "a"), assay.ErrUnsupported}, {filepath.Join(dir, "c"), os.ErrNotExist}} {
		d, err := form.Open(t.Context(), tt.path)
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", tt.path, err, tt.err)
		}
		if err == nil {
			d.Close()
		}
	}
}

func TestCancelled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, contract.TarGz(member("x.db", "DB12")), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := form.Open(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want cancelled", err)
	}
}

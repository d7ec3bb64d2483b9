package dir

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

// visited lists what a target has: "path", "path/", "path -> link", "path: error".
func visited(t *testing.T, name string) (out []string) {
	t.Helper()
	img, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	err = img.Layers[0].Walk(t.Context(), func(e *assay.Entry) error {
		line := e.Path
		switch {
		case e.Err != nil:
			line += ": " + e.Err.Error()
		case e.Mode.IsDir():
			line += "/"
		case e.Mode&fs.ModeSymlink != 0:
			line += " -> " + e.Link
		case e.Mode.IsRegular():
			r, err := e.Open()
			if err != nil {
				return err
			}
			b, err := io.ReadAll(io.NewSectionReader(r, 0, e.Size))
			if err != nil {
				return err
			}
			if err := r.Close(); err != nil {
				return err
			}
			line += " = " + string(b)
		default:
			line += " " + e.Mode.Type().String()
		}
		if out = append(out, line); e.Path == "pass" {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWalk(t *testing.T) {
	dir := contract.WriteDir(t, contract.File{Name: "b/c", Content: "1"}, contract.File{Name: "a", Content: "2"}, contract.File{Name: ".git/config", Content: "3"},
		contract.File{Name: "sub/.git/x", Content: "3"}, contract.File{Name: "proc/1", Content: "4"}, contract.File{Name: "b/proc/1", Content: "5"}, contract.File{Name: "pass/x", Content: "6"},
		contract.File{Name: "loop", Link: "."}, contract.File{Name: "out", Link: "/etc"})
	want := []string{"a = 2", "b/", "b/c = 1", "b/proc/", "b/proc/1 = 5", "loop -> .", "out -> /etc", "pass/", "proc/", "proc/1 = 4", "sub/"}
	if diff := cmp.Diff(want, visited(t, dir)); diff != "" {
		t.Error(diff)
	}
	root := contract.WriteDir(t, contract.File{Name: "etc/os-release", Content: "1"}, contract.File{Name: "proc/1", Content: "4"}, contract.File{Name: "srv/proc/1", Content: "5"})
	if diff := cmp.Diff([]string{"etc/", "etc/os-release = 1", "srv/", "srv/proc/", "srv/proc/1 = 5"}, visited(t, root)); diff != "" {
		t.Errorf("the root of a system: %s", diff)
	}
	if diff := cmp.Diff([]string{"c = 1"}, visited(t, filepath.Join(dir, "b", "c"))); diff != "" {
		t.Error(diff)
	}
}

func TestOpen(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, assay.ErrNotFound) {
		t.Error(err)
	}
	if _, err := Open(os.DevNull); !errors.Is(err, assay.ErrUnsupported) {
		t.Error(err)
	}
}

// TestOther: what a reader asks for is inside the target, whatever it says.
func TestOther(t *testing.T) {
	outer := contract.WriteDir(t, contract.File{Name: "secret", Content: "x"}, contract.File{Name: "in/a/b", Content: "inside"}, contract.File{Name: "in/a/up", Link: "../../secret"}, contract.File{Name: "in/a/ok", Link: "b"})
	img, err := Open(filepath.Join(outer, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	other := img.Layers[0].Other
	for _, name := range []string{"a/b", "a/ok"} {
		if b, err := other(name, 10); err != nil || string(b) != "inside" {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	for _, name := range []string{"../secret", "a/up", "a/none", "a", "/etc/passwd"} {
		if b, err := other(name, 10); !errors.Is(err, assay.ErrNotFound) {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	if _, err := other("a/b", 3); !errors.Is(err, assay.ErrTooLarge) {
		t.Error(err)
	}
}

// TestChanges: a file that changes while it is read is reported.
func TestChanges(t *testing.T) {
	dir := contract.WriteDir(t, contract.File{Name: "a", Content: "1"}, contract.File{Name: "gone", Content: "1"})
	img, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	n := 0
	err = img.Layers[0].Walk(t.Context(), func(e *assay.Entry) error {
		n++
		if e.Path == "gone" {
			os.Remove(filepath.Join(dir, "gone"))
			if _, err := e.Open(); err == nil || strings.Contains(err.Error(), dir) {
				t.Errorf("gone: %v", err)
			}
			return nil
		}
		r, err := e.Open()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "a"), []byte("longer"), 0o600); err != nil {
			return err
		}
		if err := r.Close(); err == nil || !strings.Contains(err.Error(), "changed") {
			t.Errorf("changed: %v", err)
		}
		return nil
	})
	if err != nil || n != 2 {
		t.Error(n, err)
	}
}

func TestCancelled(t *testing.T) {
	img, err := Open(contract.WriteDir(t, contract.File{Name: "a/b"}))
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
	defer cancel()
	if err := img.Layers[0].Walk(ctx, func(*assay.Entry) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestPermission needs a user who may not read everything.
func TestPermission(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := contract.WriteDir(t, contract.File{Name: "a/b"}, contract.File{Name: "c"})
	if err := os.Chmod(filepath.Join(dir, "a"), 0); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(filepath.Join(dir, "a"), 0o700)
	got := visited(t, dir)
	if len(got) != 3 || !strings.HasPrefix(got[1], "a: no permission") {
		t.Errorf("%q", got)
	}
}

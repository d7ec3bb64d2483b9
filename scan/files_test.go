package scan

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/inventory"
	"github.com/assaysec/assay/internal/section"
	"github.com/assaysec/assay/internal/test/memory"
)

// TestFilesWidth: the table reads well in narrow and in wide terminals.
func TestFilesWidth(t *testing.T) {
	long := "usr/lib/python3/dist-packages/a/rather/long/path/to/a/module/of/the/package/__init__.cpython-311.pyc"
	items := func(yield func(assay.Item) bool) {
		_ = yield(assay.Item{Path: long, Value: &section.File{Change: section.Added, Type: "file", Mode: 0o644, Size: 12345, UID: 100000, GID: 100000}}) &&
			yield(assay.Item{Path: "b\x1b[31m", Value: &section.File{Change: section.Changed, Type: "symlink", Mode: 0o777, Link: long}})
	}
	l := &FileListing{img: &assay.Image{Layers: []assay.Layer{{CreatedBy: "/bin/sh -c #(nop) COPY " + long}}}, files: assay.NewSection(section.Files, items)}
	l.count(-1)
	for _, width := range []int{0, 80, 200} {
		var b bytes.Buffer
		if err := l.Text(&b, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); width > 0 && n > width {
				t.Errorf("width %d: %d columns: %q", width, n, line)
			}
		}
		text := strings.Join(strings.Fields(b.String()), "")
		if strings.Count(text, long) < 2 || strings.Contains(text, "\x1b") || !strings.Contains(b.String(), "COPY usr/lib") {
			t.Errorf("width %d:\n%s", width, b.String())
		}
		if lines := strings.Count(b.String(), "\n"); width != 80 && lines != 6 || width == 80 && lines < 10 {
			t.Errorf("width %d: %d lines\n%s", width, lines, b.String())
		}
	}
}

// TestFilesMillion measures the memory that a listing of a million files takes.
func TestFilesMillion(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a million files")
	}
	const n = 1_000_000
	img := &assay.Image{Layers: []assay.Layer{{Open: func(context.Context) (io.ReadCloser, error) {
		r, w := io.Pipe()
		go func() {
			tw := tar.NewWriter(w)
			for i := range n {
				tw.WriteHeader(&tar.Header{Name: "usr/lib/node_modules/package-" + strconv.Itoa(i/20) + "/dist/some-module-" + strconv.Itoa(i) + ".js", Mode: 0o644, Uid: 1000, Gid: 1000})
			}
			w.CloseWithError(tw.Close())
		}()
		return r, nil
	}}}}
	watched := memory.Peak()
	inv := filesOf(t, img)
	peak := watched()
	if got := inv.Sections["files"].Len(); got != n || len(inv.Gaps) > 0 {
		t.Errorf("%d files, %v", got, inv.Gaps)
	}
	t.Logf("peak %d MB, %d bytes a file", peak>>20, peak/n)
	if peak > 400<<20 {
		t.Errorf("a million files took %d MB", peak>>20)
	}
}

func filesOf(t *testing.T, img *assay.Image) *assay.Inventory {
	t.Helper()
	inv, err := inventory.Build(t.Context(), img, inventory.Options{Kinds: []*assay.SectionKind{section.Files}})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

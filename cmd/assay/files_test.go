package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/inventory"
	"github.com/assaysec/assay/internal/section"
	"github.com/assaysec/assay/internal/source"
	"github.com/assaysec/assay/internal/test/corpus"
)

// TestFilesLikeTar: the listing of each layer of real images is that of tar.
func TestFilesLikeTar(t *testing.T) {
	for _, name := range []string{"debian-base", "httpd"} {
		t.Run(name, func(t *testing.T) {
			path := corpus.Image(t, name+".docker.tar")
			var out, stderr bytes.Buffer
			if code := run(t.Context(), []string{"files", "--input", path, "-f", "json", "--cache-dir", t.TempDir()}, streams{strings.NewReader(""), &out, &stderr}); code != exitOK || stderr.Len() > 0 {
				t.Fatalf("exit code %d: %s", code, stderr.String())
			}
			var got struct {
				Layers []struct{ Layer int }
				Files  []struct {
					Path  string
					Layer int
					section.File
				}
				Gaps []assay.Gap
			}
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if len(got.Gaps) > 0 {
				t.Error(got.Gaps)
			}
			listed := make([]map[string]string, len(got.Layers))
			for i := range listed {
				listed[i] = map[string]string{}
			}
			for _, f := range got.Files {
				what := string(f.Change)
				if f.Change == section.Added || f.Change == section.Changed {
					what = fmt.Sprintf("%s %s %d %s", f.ModeString(), f.Owner(), f.Size, f.Link)
				}
				if f.Change == section.Opaque {
					f.Path += " opaque"
				}
				listed[f.Layer][f.Path] = what
			}
			img, err := source.Open(t.Context(), source.All(), "", source.Options{Input: path})
			if err != nil {
				t.Fatal(err)
			}
			defer img.Close()
			for l := range img.Layers {
				want := tarListing(t, img.Layers[l])
				for p, w := range want {
					if listed[l][p] != w {
						t.Errorf("layer %d: %s: %q, tar says %q", l, p, listed[l][p], w)
					}
				}
				if len(want) != len(listed[l]) {
					t.Errorf("layer %d: %d paths, tar says %d", l, len(listed[l]), len(want))
				}
			}
		})
	}
}

// tarListing is what Go's own reader, and for the number of entries tar itself, says
// of a layer.
func tarListing(t *testing.T, l assay.Layer) map[string]string {
	t.Helper()
	r, err := l.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	out, entries := map[string]string{}, 0
	for tr := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		entries++
		p := strings.Trim(strings.TrimPrefix(h.Name, "./"), "/")
		if p == "" || p == "." {
			continue
		}
		dir, base := p[:strings.LastIndexByte(p, '/')+1], p[strings.LastIndexByte(p, '/')+1:]
		switch {
		case base == ".wh..wh..opq":
			out[strings.TrimSuffix(dir, "/")+" opaque"] = "opaque"
			continue
		case strings.HasPrefix(base, ".wh."):
			out[dir+strings.TrimPrefix(base, ".wh.")] = "deleted"
			continue
		}
		f := section.File{Type: "special", Mode: uint32(h.Mode) & 0o7777, UID: int64(h.Uid), GID: int64(h.Gid)}
		switch h.Typeflag {
		case tar.TypeReg:
			f.Type, f.Size = "file", h.Size
		case tar.TypeDir:
			f.Type = "directory"
		case tar.TypeSymlink:
			f.Type, f.Link = "symlink", h.Linkname
		case tar.TypeLink:
			f.Type, f.Link = "hardlink", strings.TrimPrefix(h.Linkname, "./")
		}
		out[p] = fmt.Sprintf("%s %s %d %s", f.ModeString(), f.Owner(), f.Size, f.Link)
	}
	if _, err := exec.LookPath("tar"); err == nil {
		cmd := exec.Command("tar", "-tvf", "-")
		cmd.Stdin = bytes.NewReader(b)
		lines, err := cmd.Output()
		if err != nil || bytes.Count(lines, []byte("\n")) != entries {
			t.Errorf("tar lists %d entries, Go %d: %v", bytes.Count(lines, []byte("\n")), entries, err)
		}
	}
	return out
}

// TestFilesWidth: the table reads well in narrow and in wide terminals.
func TestFilesWidth(t *testing.T) {
	long := "usr/lib/python3/dist-packages/a/rather/long/path/to/a/module/of/the/package/__init__.cpython-311.pyc"
	items := func(yield func(assay.Item) bool) {
		_ = yield(assay.Item{Path: long, Value: &section.File{Change: section.Added, Type: "file", Mode: 0o644, Size: 12345, UID: 100000, GID: 100000}}) &&
			yield(assay.Item{Path: "b\x1b[31m", Value: &section.File{Change: section.Changed, Type: "symlink", Mode: 0o777, Link: long}})
	}
	l := &listing{img: &assay.Image{Layers: []assay.Layer{{CreatedBy: "/bin/sh -c #(nop) COPY " + long}}}, files: assay.NewSection(section.Files, items)}
	l.count(-1)
	for _, width := range []int{0, 80, 200} {
		var b bytes.Buffer
		if err := l.table(&b, width); err != nil {
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
	peak, stop := watchHeap()
	inv := filesOf(t, img)
	stop()
	if got := inv.Sections["files"].Len(); got != n || len(inv.Gaps) > 0 {
		t.Errorf("%d files, %v", got, inv.Gaps)
	}
	t.Logf("peak %d MB, %d bytes a file", *peak>>20, *peak/n)
	if *peak > 400<<20 {
		t.Errorf("a million files took %d MB", *peak>>20)
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

// watchHeap notes the largest heap until stop, above what was there before.
func watchHeap() (peak *uint64, stop func()) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	base, done, over := m.HeapAlloc, make(chan bool), make(chan bool)
	peak = new(uint64)
	go func() {
		defer close(over)
		for {
			runtime.ReadMemStats(&m)
			*peak = max(*peak, m.HeapAlloc-min(base, m.HeapAlloc))
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return peak, func() { close(done); <-over }
}

package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/assaysec/assay"
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
			if code := run(t.Context(), []string{"files", "--input", path, "-f", "json", "--cache-dir", t.TempDir()}, streams{strings.NewReader(""), &out, &stderr, nil}); code != exitOK || stderr.Len() > 0 {
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

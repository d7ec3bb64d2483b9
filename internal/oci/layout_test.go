package oci

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

func TestOpenLayout(t *testing.T) {
	a, b := contract.NewImage("example.org/a:1", "a"), contract.NewImage("b:2", "b")
	const refName, fullName = "org.opencontainers.image.ref.name", "io.containerd.image.name"
	entry := func(m *contract.TestImage, key, value string) map[string]any {
		return m.Entry(contract.Gzip, map[string]string{key: value})
	}
	digestB := entry(b, "", "")["digest"].(string)
	two := []any{entry(a, fullName, "example.org/a:1"), entry(b, refName, "2")}
	for _, tt := range []struct {
		name   string
		index  []any
		choice string
		want   string // content of its layer; "" for an error
		tags   []string
		says   string
	}{
		{name: "one", index: two[:1], want: "a", tags: []string{"example.org/a:1"}},
		{name: "one without a name", index: []any{entry(a, "", "")}, want: "a"},
		{name: "one under two names", index: []any{entry(a, fullName, "a:1"), entry(a, fullName, "a:2")}, want: "a", tags: []string{"a:1", "a:2"}},
		{name: "several", index: two, says: "choose one with PATH:TAG: example.org/a:1, 2"},
		{name: "tag", index: two, choice: ":2", want: "b"},
		{name: "tag of a full name", index: two, choice: ":1", want: "a", tags: []string{"example.org/a:1"}},
		{name: "full name", index: two, choice: ":example.org/a:1", want: "a", tags: []string{"example.org/a:1"}},
		{name: "Docker's name", index: []any{entry(a, fullName, "docker.io/library/a:latest"), two[1]}, choice: ":a", want: "a", tags: []string{"docker.io/library/a:latest"}},
		{name: "digest", index: two, choice: "@" + digestB, want: "b"},
		{name: "unknown tag", index: two, choice: ":3", says: `no image "3"; images: example.org/a:1, 2`},
		{name: "empty tag", index: two, choice: ":", says: `no image ""`},
		{name: "unknown digest", index: two, choice: "@sha256:0", says: "no image"},
		{name: "empty", index: []any{}, says: "lists no image"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img, err := OpenLayout(t.Context(), layout(tt.index, a, b), tt.choice, assay.SourceOptions{})
			if tt.want == "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v, want it to say %q", err, tt.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := map[string]*contract.TestImage{"a": a, "b": b}[tt.want]; img.Layers[0].DiffID != Digest(want.Tars[0]) {
				t.Errorf("not image %s", tt.want)
			}
			if d := cmp.Diff(tt.tags, img.RepoTags); d != "" {
				t.Errorf("tags (-want +got):\n%s", d)
			}
			contract.ReadLayers(t, t.Context(), img)
		})
	}
}

// TestIndexes: the indexes through which a layout lists an image are known.
func TestIndexes(t *testing.T) {
	a := contract.NewImage("a:1", "a")
	files := layout([]any{}, a)
	digests := make([]string, 2)
	entry := a.Entry(contract.Gzip, nil)
	for i := range digests {
		raw, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": []any{entry}})
		if err != nil {
			t.Fatal(err)
		}
		digests[i] = Digest(raw)
		files[contract.Blob(raw).Name] = &fstest.MapFile{Data: raw}
		entry = map[string]any{"mediaType": typeIndex, "digest": digests[i], "size": len(raw)}
	}
	raw, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{entry}})
	if err != nil {
		t.Fatal(err)
	}
	files[IndexFile] = &fstest.MapFile{Data: raw}
	img, err := OpenLayout(t.Context(), files, "", assay.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{digests[1], digests[0]}, img.Indexes); d != "" {
		t.Errorf("indexes (-want +got):\n%s", d)
	}
	m, err := MatchLayout(t.Context(), files, nil, img.ID)
	if want := (LayoutMatch{Has: true, Known: true, Digest: img.Digest, Indexes: img.Indexes}); err != nil || !cmp.Equal(want, m) {
		t.Errorf("%+v, want %+v, %v", m, want, err)
	}
}

// layout is a layout with the index and the images' blobs.
func layout(index []any, images ...*contract.TestImage) fstest.MapFS {
	raw, _ := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": index})
	m := fstest.MapFS{IndexFile: {Data: raw}, LayoutFile: {Data: []byte(`{"imageLayoutVersion":"1.0.0"}`)}}
	for _, i := range images {
		_, blobs := i.Manifest(contract.Gzip)
		for _, b := range blobs {
			m[b.Name] = &fstest.MapFile{Data: []byte(b.Content)}
		}
	}
	return m
}

func TestOpenLayoutBroken(t *testing.T) {
	a := contract.NewImage("a:1", "a")
	for _, tt := range []struct {
		name   string
		change func(fstest.MapFS)
		err    error
		says   string
	}{
		{"no index", func(m fstest.MapFS) { delete(m, IndexFile) }, assay.ErrNotFound, "not an OCI image layout"},
		{"index a directory", func(m fstest.MapFS) { delete(m, IndexFile); m[IndexFile+"/x"] = &fstest.MapFile{} }, assay.ErrMalformed, "not a regular file"},
		{"index a pipe", func(m fstest.MapFS) { m[IndexFile].Mode = os.ModeNamedPipe }, assay.ErrMalformed, "not a regular file"},
		{"index not JSON", func(m fstest.MapFS) { m[IndexFile].Data = []byte("foobar") }, assay.ErrMalformed, "index.json"},
		{"index too large", func(m fstest.MapFS) { m[IndexFile].Data = make([]byte, MaxManifest+1) }, assay.ErrTooLarge, "index.json"},
		{"version 2", func(m fstest.MapFS) { m[LayoutFile].Data = []byte(`{"imageLayoutVersion":"2.0.0"}`) }, assay.ErrUnsupported, `"2.0.0"`},
		{"version not JSON", func(m fstest.MapFS) { m[LayoutFile].Data = nil }, assay.ErrMalformed, "oci-layout"},
		{"no version", func(m fstest.MapFS) { delete(m, LayoutFile) }, nil, ""},
		{"no manifest", func(m fstest.MapFS) { delete(m, blobName(a.Entry(contract.Gzip, nil)["digest"].(string))) }, assay.ErrMalformed, "missing"},
		{"no configuration", func(m fstest.MapFS) { delete(m, blobName(Digest(a.Config))) }, assay.ErrMalformed, "missing"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := layout([]any{a.Entry(contract.Gzip, nil)}, a)
			tt.change(m)
			img, err := OpenLayout(t.Context(), m, "", assay.SourceOptions{})
			if !errors.Is(err, tt.err) || err != nil && !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("%v, %v, want %v that says %q", img, err, tt.err, tt.says)
			}
		})
	}
	m := layout([]any{a.Entry(contract.Gzip, nil)}, a)
	delete(m, blobName(Digest(contract.Gzip(a.Tars[0]))))
	img, err := OpenLayout(t.Context(), m, "", assay.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := img.Layers[0].Open(t.Context()); !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), "missing") {
		t.Errorf("missing layer: %v", err)
	}
}

func blobName(digest string) string { return "blobs/sha256/" + strings.TrimPrefix(digest, "sha256:") }

func TestFullName(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"alpine", "docker.io/library/alpine:latest"},
		{"alpine:3.10", "docker.io/library/alpine:3.10"},
		{"grafana/grafana", "docker.io/grafana/grafana:latest"},
		{"index.docker.io/alpine", "docker.io/library/alpine:latest"},
		{"ghcr.io/a/b:1", "ghcr.io/a/b:1"},
		{"localhost/a", "localhost/a:latest"},
		{"localhost:5000/a", "localhost:5000/a:latest"},
		{"registry:5000/a:2", "registry:5000/a:2"},
		{"a@sha256:00", "docker.io/library/a@sha256:00"},
		{"ghcr.io/a:1@sha256:00", "ghcr.io/a:1@sha256:00"},
		{"", "docker.io/library/:latest"},
	} {
		if got := FullName(tt.name); got != tt.want {
			t.Errorf("FullName(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSplitPath(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"a.tar", "b:c.tar", "d@e.tar"} {
		if err := os.WriteFile(filepath.Join(dir, n), nil, 0o600); err != nil {
			t.Skip(err) // a file system without colons
		}
	}
	for _, tt := range []struct{ name, path, choice string }{
		{"a.tar", "a.tar", ""},
		{"a.tar:1", "a.tar", ":1"},
		{"a.tar:alpine:3.10", "a.tar", ":alpine:3.10"},
		{"a.tar@sha256:00", "a.tar", "@sha256:00"},
		{"a.tar:reg:5000/x@sha256:00", "a.tar", ":reg:5000/x@sha256:00"},
		{"b:c.tar", "b:c.tar", ""},
		{"b:c.tar:1", "b:c.tar", ":1"},
		{"d@e.tar@0", "d@e.tar", "@0"},
		{"none.tar:1", "", ""},
	} {
		path, choice, _, ok := SplitPath(filepath.Join(dir, tt.name))
		if !ok {
			path = dir + "/"
		}
		if path != dir+"/"+tt.path || choice != tt.choice {
			t.Errorf("SplitPath(%q) = %q, %q, want %q, %q", tt.name, path, choice, tt.path, tt.choice)
		}
	}
}

func FuzzOpenLayout(f *testing.F) {
	a := contract.NewImage("a:1", "a")
	full := layout([]any{a.Entry(contract.Gzip, nil)}, a)
	f.Add(full[IndexFile].Data, ":1")
	f.Add([]byte(`{"manifests":[{"digest":"sha256:../../x"}]}`), "")
	f.Fuzz(func(t *testing.T, index []byte, choice string) {
		m := layout(nil, a)
		m[IndexFile].Data = index
		if choice != "" && !slices.Contains([]byte(":@"), choice[0]) {
			choice = ":" + choice
		}
		OpenLayout(t.Context(), m, choice, assay.SourceOptions{})
	})
}

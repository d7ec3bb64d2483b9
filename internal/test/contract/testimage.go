package contract

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

// A TestImage is a small image, to be written in any form.
type TestImage struct {
	Name     string // with its tag
	Platform assay.Platform
	Tars     [][]byte // of the layers
	Steps    []string // CreatedBy of the layers
	Config   []byte
}

// NewImage makes an image of this machine's architecture with a layer for each
// content, which holds the file "etc/motd" with it; equal contents are equal
// layers. Between the layers are history entries that made none.
func NewImage(name string, contents ...string) *TestImage {
	var tars [][]byte
	var steps []string
	for i, c := range contents {
		tars = append(tars, Tar(File{Name: "etc/motd", Content: c}))
		steps = append(steps, fmt.Sprintf("COPY motd%d /etc/motd # buildkit", i))
	}
	return ImageOf(name, tars, steps)
}

// ImageOf makes an image of layers, given as tars, and of the instructions
// that made them.
func ImageOf(name string, tars [][]byte, steps []string) *TestImage {
	m := &TestImage{Name: name, Platform: assay.Platform{OS: "linux", Arch: runtime.GOARCH}, Tars: tars, Steps: steps}
	var diffs []string
	var history []map[string]any
	for i, step := range steps {
		diffs = append(diffs, digest(tars[i]))
		history = append(history, map[string]any{"created": "2024-01-02T03:04:05Z", "created_by": fmt.Sprintf("ENV N=%d", i), "empty_layer": true}, map[string]any{"created": "2024-01-02T03:04:05Z", "created_by": step})
	}
	m.Config = encode(map[string]any{
		"created": "2024-01-02T03:04:05Z", "os": m.Platform.OS, "architecture": m.Platform.Arch,
		"config": map[string]any{"Cmd": []string{"/bin/sh"}}, "rootfs": map[string]any{"type": "layers", "diff_ids": diffs}, "history": history,
	})
	return m
}

// A File is a member of an archive.
type File struct {
	Name    string
	Content string
	Link    string // target of a symbolic link; then there is no content
}

// Tar archives files.
func Tar(files ...File) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Size: int64(len(f.Content)), Mode: 0o644, Typeflag: tar.TypeReg}
		if f.Link != "" {
			h = &tar.Header{Name: f.Name, Linkname: f.Link, Mode: 0o777, Typeflag: tar.TypeSymlink}
		}
		if err := w.WriteHeader(h); err != nil {
			panic(err)
		}
		w.Write([]byte(f.Content))
	}
	w.Close()
	return b.Bytes()
}

// Gzip compresses b.
func Gzip(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(b)
	w.Close()
	return z.Bytes()
}

// DockerSave is the files of an archive as Docker before version 25 saved them:
// each different layer in its own directory, the others links to it.
func (m *TestImage) DockerSave() []File {
	var files []File
	var names []string
	first := map[string]string{}
	for i, t := range m.Tars {
		dir := fmt.Sprintf("%064x", i+1)
		name := dir + "/layer.tar"
		files = append(files, File{Name: dir + "/VERSION", Content: "1.0"}, File{Name: dir + "/json", Content: "{}"})
		if to := first[digest(t)]; to != "" {
			files = append(files, File{Name: name, Link: "../" + to})
		} else {
			first[digest(t)] = name
			files = append(files, File{Name: name, Content: string(t)})
		}
		names = append(names, name)
	}
	conf := hexOf(m.Config) + ".json"
	return append(files, File{Name: conf, Content: string(m.Config)}, m.manifestJSON(conf, names), File{Name: "repositories", Content: "{}"})
}

// DockerSave25 is the files of an archive as Docker saves them since version
// 25: a layout with uncompressed layers, and a manifest.json.
func (m *TestImage) DockerSave25() []File {
	var names []string
	for _, t := range m.Tars {
		names = append(names, "blobs/sha256/"+hexOf(t))
	}
	return append(m.Layout(nil), m.manifestJSON("blobs/sha256/"+hexOf(m.Config), names))
}

func (m *TestImage) manifestJSON(config string, layers []string) File {
	return File{Name: "manifest.json", Content: string(encode([]any{map[string]any{"Config": config, "RepoTags": []string{m.Name}, "Layers": layers}}))}
}

// Layout is the files of an OCI image layout, with layers as compress makes
// them; nil leaves them as they are.
func (m *TestImage) Layout(compress func([]byte) []byte) []File {
	_, blobs := m.Manifest(compress)
	_, tag, _ := strings.Cut(m.Name, ":")
	index := encode(map[string]any{"schemaVersion": 2, "manifests": []any{m.Entry(compress, map[string]string{"org.opencontainers.image.ref.name": tag})}})
	return append([]File{{Name: "oci-layout", Content: `{"imageLayoutVersion":"1.0.0"}`}, {Name: "index.json", Content: string(index)}}, blobs...)
}

// Entry is the image's descriptor in an index.
func (m *TestImage) Entry(compress func([]byte) []byte, annotations map[string]string) map[string]any {
	raw, _ := m.Manifest(compress)
	d := descriptor("application/vnd.oci.image.manifest.v1+json", raw)
	d["platform"] = map[string]string{"os": m.Platform.OS, "architecture": m.Platform.Arch}
	d["annotations"] = annotations
	return d
}

// Manifest is the image's OCI manifest, and the files that a layout has of it.
func (m *TestImage) Manifest(compress func([]byte) []byte) (raw []byte, blobs []File) {
	kind := "application/vnd.oci.image.layer.v1.tar+gzip"
	if compress == nil {
		kind, compress = "application/vnd.oci.image.layer.v1.tar", func(b []byte) []byte { return b }
	}
	var layers []any
	seen := map[string]bool{}
	for _, t := range m.Tars {
		b := compress(t)
		layers = append(layers, descriptor(kind, b))
		if !seen[hexOf(b)] {
			blobs = append(blobs, Blob(b))
		}
		seen[hexOf(b)] = true
	}
	raw = encode(map[string]any{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
		"config": descriptor("application/vnd.oci.image.config.v1+json", m.Config), "layers": layers,
	})
	return raw, append(blobs, Blob(m.Config), Blob(raw))
}

// Blob is content as a layout keeps it.
func Blob(b []byte) File { return File{Name: "blobs/sha256/" + hexOf(b), Content: string(b)} }

func descriptor(mediaType string, b []byte) map[string]any {
	return map[string]any{"mediaType": mediaType, "digest": digest(b), "size": len(b)}
}

func hexOf(b []byte) string { return strings.TrimPrefix(digest(b), "sha256:") }

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// WriteTar writes an archive of files to a new temporary directory and returns
// its path.
func WriteTar(t testing.TB, name string, files ...File) string {
	t.Helper()
	return WriteFile(t, name, Tar(files...))
}

// WriteFile writes b to a new temporary directory and returns its path.
func WriteFile(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// WriteDir writes files to a new temporary directory and returns its path.
func WriteDir(t testing.TB, files ...File) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		var err error
		if f.Link != "" {
			err = os.Symlink(f.Link, path)
		} else {
			err = os.WriteFile(path, []byte(f.Content), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

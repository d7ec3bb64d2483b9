// Package testimage makes images in memory out of txtar texts. Tests only.
package testimage

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"golang.org/x/tools/txtar"
)

// Parse makes an image of a txtar text. Each file's name is the number of its
// layer, from 1, and its path: "2/lib/apk/db/installed". A name may also be
//
//	1/var/ a directory
//	1/etc/os-release -> ../usr/lib/os-release    a symbolic link
//	1/usr/bin/b => usr/bin/a                     a hard link
//	1/usr/bin/a*                                 a file that may be executed
//	3                                            a layer with nothing in it
//
// The text before the first file is ignored.
func Parse(t testing.TB, text string) *assay.Image {
	t.Helper()
	var layers []*bytes.Buffer
	var writers []*tar.Writer
	for _, f := range txtar.Parse([]byte(text)).Files {
		number, path, _ := strings.Cut(f.Name, "/")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > 1000 {
			t.Fatalf("testimage: %q does not begin with the number of a layer", f.Name)
		}
		for len(layers) < n {
			b := new(bytes.Buffer)
			layers, writers = append(layers, b), append(writers, tar.NewWriter(b))
		}
		if path == "" {
			continue
		}
		if err := write(writers[n-1], path, f.Data); err != nil {
			t.Fatalf("testimage: %q: %v", f.Name, err)
		}
	}
	img := &assay.Image{Name: "test", Source: "test", Platform: assay.Platform{OS: "linux", Arch: "amd64"}}
	for i, w := range writers {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		img.Layers = append(img.Layers, Layer(layers[i].Bytes(), fmt.Sprintf("RUN step %d", i+1)))
	}
	return img
}

func write(w *tar.Writer, path string, data []byte) error {
	h := tar.Header{Name: path, Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg, Format: tar.FormatPAX}
	if name, target, ok := strings.Cut(path, " -> "); ok {
		h.Name, h.Linkname, h.Typeflag, h.Size = name, target, tar.TypeSymlink, 0
	}
	if name, target, ok := strings.Cut(path, " => "); ok {
		h.Name, h.Linkname, h.Typeflag, h.Size = name, target, tar.TypeLink, 0
	}
	if name, ok := strings.CutSuffix(path, "*"); ok {
		h.Name, h.Mode = name, 0o755
	}
	if strings.HasSuffix(path, "/") {
		h.Typeflag, h.Size, h.Mode = tar.TypeDir, 0, 0o755
	}
	if err := w.WriteHeader(&h); err != nil {
		return err
	}
	if h.Size > 0 {
		_, err := w.Write(data)
		return err
	}
	return nil
}

// Layer makes a layer of the bytes of a tar. Its Key is its digest.
func Layer(b []byte, createdBy string) assay.Layer {
	sum := sha256.Sum256(b)
	id := "sha256:" + hex.EncodeToString(sum[:])
	return assay.Layer{DiffID: id, Key: id, Size: int64(len(b)), CreatedBy: createdBy,
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }}
}

// Directory writes the files of a txtar text to a new directory, and returns it and the
// text before the first file.
func Directory(t testing.TB, text string) (dir, comment string) {
	t.Helper()
	dir = t.TempDir()
	a := txtar.Parse([]byte(text))
	for _, f := range a.Files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, string(a.Comment)
}

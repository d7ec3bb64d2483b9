package ocilayout

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func TestSource(t *testing.T) {
	m := contract.NewImage("app:1.0", "a", strings.Repeat("b", 10_000))
	for _, compress := range []func([]byte) []byte{nil, contract.Gzip} {
		dir := contract.WriteDir(t, m.Layout(compress)...)
		contract.Source(t, contract.SourceCase{Source: Source{}, Ref: dir, Unknown: dir + "/none", Want: m})
		contract.Source(t, contract.SourceCase{Source: Source{}, Ref: dir + ":1.0", Unknown: dir + ":2.0", Options: assay.SourceOptions{Verify: true}, Want: m})
	}
}

func TestConformance(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		says string
	}{
		{"test.oci", nil, ""},
		{"test_image_tag.oci", nil, ""},
		{"test_image_tag.oci:0.0.1", nil, ""},
		{"test_image_tag.oci:0.0.2", assay.ErrNotFound, "images: 0.0.1"},
		{"test_bad_index_json.oci", assay.ErrMalformed, "index.json"},
		{"test_index_json_dir.oci", assay.ErrMalformed, "not a regular file"},
		{"test_invalid_oci_image.oci", assay.ErrUnsupported, "application/badmedia+json"},
		{"test_no_valid_manifests.oci", assay.ErrMalformed, "lists no image"},
		{"alpine-310.tar.gz", assay.ErrUnsupported, "oci-archive:"},
		{".", assay.ErrNotFound, "not an OCI image layout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := corpus.Path(t, "conformance/trivy/images")
			img, err := Source{}.Open(t.Context(), filepath.Join(dir, tt.name), assay.SourceOptions{})
			if !errors.Is(err, tt.err) || err != nil && !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("%v, want %v that says %q", err, tt.err, tt.says)
			}
			if err == nil {
				defer img.Close()
				contract.ReadLayers(t, t.Context(), img)
			}
		})
	}
}

// Links inside the layout are followed, those out of it are not.
func TestLinks(t *testing.T) {
	m := contract.NewImage("app:1", "a")
	layer := contract.Blob(contract.Gzip(m.Tars[0]))
	var files []contract.File
	for _, f := range m.Layout(contract.Gzip) {
		if f.Name != layer.Name {
			files = append(files, f)
		}
	}
	outside := contract.WriteFile(t, "layer", []byte(layer.Content))
	for _, tt := range []struct {
		name, link string
		ok         bool
	}{
		{"inside", "../../layer", true},
		{"absolute", outside, false},
		{"relative", "../../../" + filepath.Base(filepath.Dir(outside)) + "/layer", false},
		{"itself", filepath.Base(layer.Name), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := contract.WriteDir(t, append(files, contract.File{Name: layer.Name, Link: tt.link}, contract.File{Name: "layer", Content: layer.Content})...)
			img, err := Source{}.Open(t.Context(), dir, assay.SourceOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer img.Close()
			if _, err = contract.ReadLayer(t.Context(), img.Layers[0]); (err == nil) != tt.ok {
				t.Errorf("layer: %v, want success: %v", err, tt.ok)
			}
		})
	}
}

func TestBuiltImage(t *testing.T) {
	dir := corpus.LargeImage(t, "debian-base.oci")
	before, _ := os.ReadDir(dir)
	img, err := Source{}.Open(t.Context(), dir, assay.SourceOptions{Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	for _, l := range img.Layers {
		r, err := l.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			t.Error(err)
		}
		r.Close()
	}
	if after, _ := os.ReadDir(dir); len(after) != len(before) {
		t.Errorf("the layout changed: %v", after)
	}
}

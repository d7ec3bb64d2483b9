package publish

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	ggcr "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/signature"
)

// saveLayout copies references of a registry to a layout, as `crane pull --format=oci`
// does, with their tags.
func saveLayout(t *testing.T, refs ...string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	to, err := ggcr.Write(dir, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		r, err := name.ParseReference(ref)
		if err != nil {
			t.Fatal(err)
		}
		d, err := remote.Get(r)
		if err != nil {
			t.Fatal(err)
		}
		img, err := d.Image()
		if err != nil {
			t.Fatal(err)
		}
		note := map[string]string{keyRef: r.Identifier()}
		if err := to.AppendImage(img, ggcr.WithAnnotations(note)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, tarOf(t, dir)
}

// tarOf packs a directory.
func tarOf(t *testing.T, dir string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "db.tar")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := tar.NewWriter(f)
	if err := errors.Join(w.AddFS(os.DirFS(dir)), w.Close()); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLayout: a copy of a published database is read like the original.
func TestLayout(t *testing.T) {
	ref := registry(t)
	push(t, ref, testSnapshot("former"))
	want := testSnapshot("one", "two")
	p := push(t, ref, want)
	dir, file := saveLayout(t, ref)
	for _, path := range []string{dir, file} {
		if !IsLayout(path) {
			t.Errorf("%s is no layout", path)
		}
		for _, choice := range []string{"", ":1", "@" + p.Digest} {
			r, err := OpenLayout(t.Context(), path, choice, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r.Digest != p.Digest {
				t.Errorf("opened %s, want %s", r.Digest, p.Digest)
			}
			check(t, r, want)
			r.Close()
		}
		if _, err := OpenLayout(t.Context(), path, ":2", nil); !errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), "no database 2; databases: 1") {
			t.Error(err)
		}
	}
	other := strings.TrimSuffix(ref, "1") + "2"
	push(t, other, testSnapshot("other"))
	dir, _ = saveLayout(t, ref, other)
	if _, err := OpenLayout(t.Context(), dir, "", nil); !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), "several databases: 1, 2: name one as PATH:TAG") {
		t.Error(err)
	}
	if r, err := OpenLayout(t.Context(), dir, ":2", nil); err != nil {
		t.Error(err)
	} else {
		check(t, r, testSnapshot("other"))
		r.Close()
	}
	for _, path := range []string{t.TempDir(), write(t, want), filepath.Join(dir, "none")} {
		if IsLayout(path) {
			t.Errorf("%s is a layout", path)
		}
	}
}

// TestDamagedLayout: what is missing or changed is an error.
func TestDamagedLayout(t *testing.T) {
	ref := registry(t)
	push(t, ref, testSnapshot("one"))
	for what, damage := range map[string]func(dir string) error{
		"missing blobs": func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "blobs")), os.Mkdir(filepath.Join(dir, "blobs"), 0o700))
		},
		"changed blobs": func(dir string) error {
			return filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() {
					err = os.WriteFile(path, []byte(`{"config":{"mediaType":"`+typeIndex+`","size":1}}`), 0o600)
				}
				return err
			})
		},
		"an index that is not JSON": func(dir string) error { return os.WriteFile(filepath.Join(dir, oci.IndexFile), []byte("["), 0o600) },
		"no database":               func(dir string) error { return os.WriteFile(filepath.Join(dir, oci.IndexFile), []byte("{}"), 0o600) },
		"a link out of it": func(dir string) error {
			out := filepath.Join(t.TempDir(), "x")
			return errors.Join(os.WriteFile(out, []byte("{}"), 0o600), os.Remove(filepath.Join(dir, oci.IndexFile)), os.Symlink(out, filepath.Join(dir, oci.IndexFile)))
		},
	} {
		dir, _ := saveLayout(t, ref)
		if err := damage(dir); err != nil {
			t.Fatal(err)
		}
		if r, err := OpenLayout(t.Context(), dir, "", nil); err == nil {
			r.Close()
			t.Errorf("%s: no error", what)
		} else if !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestSignedLayout: the signature is copied with the database.
func TestSignedLayout(t *testing.T) {
	all := signers(t)
	s := all["ecdsa"]
	key, err := signature.LoadKey(s.path)
	if err != nil {
		t.Fatal(err)
	}
	ref := registry(t)
	p := push(t, ref, testSnapshot("one"))
	dir, _ := saveLayout(t, ref)
	if _, err := OpenLayout(t.Context(), dir, "", key); !errors.Is(err, assay.ErrUnauthorized) {
		t.Errorf("unsigned: %v", err)
	}
	payload, err := json.Marshal(map[string]any{"critical": map[string]any{"image": map[string]any{"docker-manifest-digest": p.Digest}}})
	if err != nil {
		t.Fatal(err)
	}
	tag := strings.Replace(p.Digest, ":", "-", 1) + ".sig"
	attach(t, ref, tag, "", "", signature.TypePayload, s.sign(t, payload), payload)
	dir, file := saveLayout(t, ref, strings.TrimSuffix(ref, "1")+tag)
	for _, path := range []string{dir, file} {
		r, err := OpenLayout(t.Context(), path, "", key)
		if err != nil {
			t.Fatal(err)
		}
		check(t, r, testSnapshot("one"))
		r.Close()
	}
	other, err := signature.LoadKey(all["rsa"].path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLayout(t.Context(), dir, "", other); !errors.Is(err, assay.ErrUnauthorized) {
		t.Errorf("another key: %v", err)
	}
}

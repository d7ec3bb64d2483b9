package publish

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"runtime"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/oci/signature"
)

// TestSignedArchive: what the signature holds for is what is read, also when the
// file is changed or replaced after it was opened.
func TestSignedArchive(t *testing.T) {
	all := signers(t)
	s := all["ecdsa"]
	key, err := signature.LoadKey(s.path)
	if err != nil {
		t.Fatal(err)
	}
	good, bad := testSnapshot("one", "two"), testSnapshot("six", "ten")
	path, other := write(t, good), write(t, bad)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	evil, err := os.ReadFile(other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenArchive(path, key); !errors.Is(err, assay.ErrUnauthorized) {
		t.Errorf("unsigned: %v", err)
	}
	if err := os.WriteFile(path+".sig", []byte(s.sign(t, content)), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := OpenArchive(path, key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(other, path); err != nil {
		t.Fatal(err)
	}
	check(t, a, good)
	if _, err := OpenArchive(path, key); !errors.Is(err, assay.ErrUnauthorized) {
		t.Errorf("replaced: %v", err)
	}
	for name, b := range map[string][]byte{"more behind its end": append(bytes.Clone(content), 0), "another stream": bytes.Replace(content, []byte("s:0"), []byte("s:9"), 1)} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenArchive(path, key); !errors.Is(err, assay.ErrUnauthorized) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if a, err = OpenArchive(path, key); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := os.WriteFile(path, evil, 0o600); err != nil { // in place
		t.Fatal(err)
	}
	if ix, err := a.Index(t.Context()); err != nil || !bytes.Equal(ix, good.Index) {
		t.Errorf("overwritten: index %q, %v", ix, err)
	}
	ed, err := signature.LoadKey(all["ed25519"].path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenArchive(path, ed); !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), "Ed25519") {
		t.Errorf("Ed25519: %v", err)
	}
	if err := CopyFile(t.Context(), ed, path+".copy", path); !errors.Is(err, assay.ErrUnsupported) {
		t.Errorf("Ed25519: %v", err)
	}
}

// TestTemporary: the file of a packed shard is gone with its process.
func TestTemporary(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	e := testSnapshot("one")
	f, size, err := pack(e, e.Shards[0])
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(temp); runtime.GOOS != "windows" && len(left) > 0 {
		t.Errorf("has a name while it is open: %v", left)
	}
	if b, err := io.ReadAll(f); err != nil || int64(len(b)) != size {
		t.Errorf("%d bytes of %d, %v", len(b), size, err)
	}
	discard(f)
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestEndless: of a registry's layer no more is read than its manifest says.
func TestEndless(t *testing.T) {
	var shard bytes.Buffer
	if err := compress(&shard, strings.NewReader("one")); err != nil {
		t.Fatal(err)
	}
	e := testSnapshot("one")
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		size := map[string]int64{"1": int64(shard.Len()), "2": 0, "3": -1, "4": maxLayer + 1}
		tag := path.Base(r.URL.Path)
		switch {
		case strings.Contains(r.URL.Path, "/manifests/"):
			layer := descriptor{MediaType: typeShard, Digest: oci.Digest(shard.Bytes()), Size: size[tag], Annotations: map[string]string{keyShard: e.Shards[0].Digest}}
			w.Header().Set("Content-Type", typeManifest)
			json.NewEncoder(w).Encode(manifest{SchemaVersion: 2, MediaType: typeManifest, Layers: []descriptor{layer},
				Config: descriptor{MediaType: typeIndex, Digest: oci.Digest(nil), Size: 10}})
		case strings.Contains(r.URL.Path, "/blobs/"):
			w.Write(shard.Bytes())
			for frame := []byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}; r.Context().Err() == nil; { // zstd's that holds nothing
				if _, err := w.Write(frame); err != nil {
					return
				}
			}
		}
	}))
	defer s.Close()
	for _, v := range []string{"HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "REGISTRY_AUTH_FILE"} {
		t.Setenv(v, t.TempDir())
	}
	for tag, want := range map[string]error{"1": nil, "2": assay.ErrMalformed, "3": assay.ErrMalformed, "4": assay.ErrTooLarge} {
		r, err := OpenRepository(t.Context(), s.Listener.Addr().String()+"/db:"+tag, nil, registryclient.Options{})
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", tag, err, want)
		}
		if err != nil {
			continue
		}
		defer r.Close()
		if _, err := r.Index(t.Context()); !errors.Is(err, assay.ErrTooLarge) {
			t.Errorf("index: %v", err)
		}
		body, err := r.Shard(t.Context(), e.Shards[0])
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		if b, err := io.ReadAll(body); !errors.Is(err, assay.ErrTooLarge) {
			t.Errorf("shard: %q, %v", b, err)
		}
	}
}

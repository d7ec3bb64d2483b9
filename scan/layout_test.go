package scan_test

import (
	"archive/tar"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/database/publish"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/scan"
)

// publishDatabase publishes a small database as ref, and returns its cache directory and
// the number of its shards.
func publishDatabase(t *testing.T, ref string) (dir string, shards int) {
	t.Helper()
	dir = t.TempDir()
	trivy := contract.TrivyDB(t, []contract.Node{{Bucket: "debian 11", Pairs: []contract.Node{
		{Bucket: "openssl", Pairs: []contract.Node{{Key: "CVE-2022-0009", Value: map[string]any{"FixedVersion": "1.1.1z"}}}}}}})
	if _, err := (&scan.PublishedOptions{}).Import(t.Context(), trivy, dir, nil, nil); err != nil {
		t.Fatal(err)
	}
	s, err := db.TakeSnapshot(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := publish.Push(t.Context(), ref, publish.Snapshot{Index: s.Index, Shards: s.Shards, Open: s.Open}, registryclient.Options{}); err != nil {
		t.Fatal(err)
	}
	return dir, len(s.Shards)
}

// TestImportLayout: an OCI image layout of a published database is a database, as a
// directory and as a tar file, for import, pull and comparison.
func TestImportLayout(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	server := httptest.NewServer(fake.New(fake.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	ref := server.Listener.Addr().String() + "/db:1"
	from, shards := publishDatabase(t, ref)
	dir := filepath.Join(t.TempDir(), "layout")
	r, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(r)
	if err != nil {
		t.Fatal(err)
	}
	to, err := layout.Write(dir, empty.Index)
	if err == nil {
		err = to.AppendImage(img, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "1"}))
	}
	if err != nil {
		t.Fatal(err)
	}
	file := dir + ".tar"
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(f)
	if err := errors.Join(w.AddFS(os.DirFS(dir)), w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, file, dir + ":1", file + ":1"} {
		into := t.TempDir()
		res, err := (&scan.PublishedOptions{}).Import(t.Context(), path, into, nil, nil)
		if err != nil || len(res.Built) != shards {
			t.Errorf("%s: %+v, %v", path, res, err)
		}
		pulled, err := (&scan.PublishedOptions{Repositories: []string{path}}).Pull(t.Context(), t.TempDir(), nil, nil)
		if err != nil || len(pulled.Built) != shards {
			t.Errorf("%s: %+v, %v", path, pulled, err)
		}
		if changes, err := (&scan.PublishedOptions{}).Diff(t.Context(), path, from, nil, nil); err != nil || len(changes) > 0 {
			t.Errorf("%s: %v, %v", path, changes, err)
		}
	}
}

package scan_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/scan"
)

// TestImportSigned imports another scanner's database with a key: only as it was
// signed, and without what is not signed.
func TestImportSigned(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	content, err := os.ReadFile(contract.TrivyDB(t, []contract.Node{{Bucket: "debian 11", Pairs: []contract.Node{
		{Bucket: "openssl", Pairs: []contract.Node{{Key: "CVE-2022-0009", Value: map[string]any{"FixedVersion": "1.1.1z"}}}}}}}))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "trivy.db")
	for name, b := range map[string][]byte{
		"trivy.db": content, "trivy.db.sig": []byte(base64.StdEncoding.EncodeToString(sig)),
		"metadata.json": []byte(`{"Version":2,"UpdatedAt":"2031-01-01T00:00:00Z"}`),
		"key.pub":       pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	written := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := os.Chtimes(path, written, written); err != nil {
		t.Fatal(err)
	}
	o := scan.PublishedOptions{Key: filepath.Join(dir, "key.pub")}
	to := t.TempDir()
	if res, err := o.Import(t.Context(), path, to, nil, nil); err != nil || len(res.Built) != 1 {
		t.Fatalf("%+v, %v", res, err)
	}
	d, err := db.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, s := range d.Shards() {
		if got := s.Feeds[0].Fetched; !got.Equal(written) {
			t.Errorf("fetched %v, want the file's time %v", got, written)
		}
	}
	if err := os.WriteFile(path, append(content, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Import(t.Context(), path, t.TempDir(), nil, nil); !errors.Is(err, assay.ErrUnauthorized) {
		t.Errorf("changed: %v", err)
	}
	var option *scan.OptionError
	if _, err := o.Import(t.Context(), dir, t.TempDir(), nil, nil); !errors.As(err, &option) {
		t.Errorf("its directory: %v", err)
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

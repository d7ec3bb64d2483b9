//go:build unix

package publish

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/oci/signature"
	"github.com/assaysec/assay/internal/test/contract"
)

// TestCosign: what cosign itself signs with a key is signed, wherever it puts the
// signature; by another key it is not.
func TestCosign(t *testing.T) {
	c, other := contract.NewCosign(t), contract.NewCosign(t)
	load := func(path string) *signature.Key {
		k, err := signature.LoadKey(path)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	key, strange := load(c.Public), load(other.Public)
	docker, _ := contract.Registry(t, "")
	for _, tt := range []struct {
		name  string
		env   []string // SHARED is another repository
		flags []string
	}{
		{"tag", nil, nil},
		{"OCI 1.1", []string{"COSIGN_EXPERIMENTAL=1"}, []string{"--registry-referrers-mode=oci-1-1"}},
		{"bundle", nil, []string{"--new-bundle-format"}},
		{"shared repository", []string{"COSIGN_REPOSITORY=SHARED"}, nil},
		{"bundle in a shared repository", []string{"COSIGN_REPOSITORY=SHARED"}, []string{"--new-bundle-format"}},
		{"OCI 1.1 in a shared repository", []string{"COSIGN_EXPERIMENTAL=1", "COSIGN_REPOSITORY=SHARED"}, []string{"--registry-referrers-mode=oci-1-1"}},
	} {
		memory := registry(t)
		for kind, ref := range map[string]string{"with referrers": memory, "without referrers": docker + "/" + strings.ReplaceAll(strings.ToLower(tt.name), " ", "-") + "/db:1"} {
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				p := push(t, ref, testSnapshot("one"))
				repo := strings.TrimSuffix(ref, ":1")
				var o registryclient.Options
				var env []string
				for _, v := range tt.env {
					if strings.HasPrefix(v, "COSIGN_REPOSITORY") {
						o.SignatureRepository = repo + "/signatures"
					}
					env = append(env, strings.Replace(v, "SHARED", repo+"/signatures", 1))
				}
				args := append([]string{"sign", "--allow-insecure-registry"}, tt.flags...)
				if out, err := c.Try(env, append(args, repo+"@"+p.Digest)...); err != nil {
					if errors.Is(err, contract.ErrNoFlag) {
						t.Skip("this version of cosign has no such flag")
					}
					t.Fatal(err, out)
				}
				r, err := OpenRepository(t.Context(), ref, key, o)
				if err != nil {
					t.Fatal(err)
				}
				r.Close()
				_, err = OpenRepository(t.Context(), ref, strange, o)
				if !errors.Is(err, assay.ErrUnauthorized) || !strings.Contains(err.Error(), "its signature is by another key") {
					t.Errorf("another key: %v", err)
				}
			})
		}
	}
}

// TestCosignFiles: files that cosign signs, in all of its forms.
func TestCosignFiles(t *testing.T) {
	c, other := contract.NewCosign(t), contract.NewCosign(t)
	for _, tt := range []struct {
		name, ext string
		flags     []string
	}{
		{"signature", ".sig", []string{"--output-signature"}},
		{"old bundle", ".bundle", []string{"--new-bundle-format=false", "--bundle"}},
		{"old bundle by the name of the new", ".sigstore.json", []string{"--new-bundle-format=false", "--bundle"}},
		{"bundle", ".sigstore.json", []string{"--new-bundle-format", "--bundle"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "db.tar")
			if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
				t.Fatal(err)
			}
			args := append(append([]string{"sign-blob"}, tt.flags...), path+tt.ext, path)
			if out, err := c.Try(nil, args...); err != nil {
				if errors.Is(err, contract.ErrNoFlag) {
					t.Skip("this version of cosign has no such flag")
				}
				t.Fatal(err, out)
			}
			for file, signed := range map[string]bool{c.Public: true, other.Public: false} {
				key, err := signature.LoadKey(file)
				if err != nil {
					t.Fatal(err)
				}
				err = CopyFile(t.Context(), key, filepath.Join(t.TempDir(), "copy"), path)
				if (err == nil) != signed || !signed && !strings.Contains(err.Error(), "its signature is by another key") {
					t.Errorf("key %s: %v", file, err)
				}
			}
		})
	}
}

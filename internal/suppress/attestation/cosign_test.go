//go:build unix

package attestation

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	fake "github.com/google/go-containerregistry/pkg/registry"

	"github.com/assaysec/assay/internal/oci/signature"
	"github.com/assaysec/assay/internal/test/contract"
)

// TestCosign: documents that cosign itself attaches count with its key, wherever it puts
// them, and with another key they do not.
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
	vexFile := filepath.Join(t.TempDir(), "vex.json")
	if err := os.WriteFile(vexFile, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	docker, _ := contract.Registry(t, "")
	for _, tt := range []struct {
		name    string
		shared  bool
		flags   []string
		archive bool // the image's source knows no repository
	}{
		{name: "tag"},
		{name: "bundle", flags: []string{"--new-bundle-format"}},
		{name: "shared repository", shared: true},
		{name: "bundle in a shared repository", shared: true, flags: []string{"--new-bundle-format"}},
		{name: "an archive, and a shared repository", shared: true, archive: true},
	} {
		for kind, host := range map[string]string{"with referrers": memory(t, fake.WithReferrersSupport(true)), "without referrers": docker} {
			t.Run(tt.name+", "+kind, func(t *testing.T) {
				s := newShelf(t, host)
				o := Options{Key: key}
				var env []string
				if tt.shared {
					o.SignatureRepository = host + "/" + strings.NewReplacer(" ", "-", ",", "").Replace(tt.name)
					env = []string{"COSIGN_REPOSITORY=" + o.SignatureRepository}
				}
				args := append([]string{"attest", "--allow-insecure-registry", "--type", "openvex", "--predicate", vexFile}, tt.flags...)
				if out, err := c.Try(env, append(args, host+"/team/app@"+s.image.Digest)...); err != nil {
					if errors.Is(err, contract.ErrNoFlag) {
						t.Skip("this version of cosign has no such flag")
					}
					t.Fatal(err, out)
				}
				if tt.archive {
					s.image.RepoDigests, s.image.Source = nil, "oci-archive"
				}
				docs, gaps := s.find(o)
				if len(docs) == 0 || !docs[0].Verified || gaps != "" {
					t.Errorf("%d documents; gaps %q", len(docs), gaps)
				}
				o.Key = strange
				if docs, gaps := s.find(o); len(docs) != 0 || !strings.Contains(gaps, "signed by another key") {
					t.Errorf("another key: %d documents; gaps %q", len(docs), gaps)
				}
			})
		}
	}
}

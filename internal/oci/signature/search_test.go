package signature

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
)

// shelf is a Store in memory.
type shelf struct {
	content   map[string][]byte // by digest or tag
	referrers []any
}

func (s *shelf) put(b []byte) (digest string) {
	digest = oci.Digest(b)
	s.content[digest] = b
	return digest
}

func (s *shelf) Manifest(_ context.Context, id string) ([]byte, error) {
	if b, ok := s.content[id]; ok {
		return b, nil
	}
	return nil, assay.ErrNotFound
}

func (s *shelf) Referrers(context.Context, string) ([]byte, error) {
	return json.Marshal(map[string]any{"manifests": s.referrers})
}

func (s *shelf) Open(_ context.Context, d oci.Descriptor) (io.ReadCloser, error) {
	b, ok := s.content[d.Digest]
	if !ok {
		return nil, assay.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// attach adds a manifest with one layer that refers to another.
func (s *shelf) attach(artifactType, mediaType string, notes map[string]string, layer string) {
	raw, _ := json.Marshal(map[string]any{"artifactType": artifactType, "layers": []any{map[string]any{"mediaType": mediaType, "digest": s.put([]byte(layer)), "size": len(layer), "annotations": notes}}})
	s.referrers = append(s.referrers, map[string]any{"artifactType": artifactType, "digest": s.put(raw)})
}

// TestSearch: a signature that is missing, one by another key, and one in a form that
// cannot be verified, are different messages.
func TestSearch(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw := []byte(`{"layers":[]}`)
	sign := func(message string) string {
		sum := sha256.Sum256([]byte(message))
		sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(sig)
	}
	payload := func(digest string) string {
		return fmt.Sprintf(`{"critical":{"image":{"docker-manifest-digest":%q}}}`, digest)
	}
	ours, bundle := payload(oci.Digest(raw)), TypeBundle+".v0.3+json"
	const cosign, notation = "application/vnd.dev.cosign.artifact.sig.v1+json", "application/vnd.cncf.notary.signature"
	for _, tt := range []struct {
		name   string
		attach func(s *shelf)
		want   string // "" when it is signed
	}{
		{"nothing", func(*shelf) {}, "no signature was found"},
		{"an SBOM", func(s *shelf) { s.attach("application/spdx+json", "application/spdx+json", nil, "{}") }, "no signature was found"},
		{"a payload", func(s *shelf) { s.attach(cosign, TypePayload, map[string]string{NoteSignature: sign(ours)}, ours) }, ""},
		{"a payload of another manifest", func(s *shelf) {
			other := payload(oci.Digest(nil))
			s.attach(cosign, TypePayload, map[string]string{NoteSignature: sign(other)}, other)
		}, "its signature is by another key, or of something else"},
		{"payloads by other keys", func(s *shelf) {
			s.attach(cosign, TypePayload, map[string]string{NoteSignature: "AAAA"}, ours)
			s.attach(cosign, TypePayload, map[string]string{NoteSignature: sign("x")}, ours+" ")
		}, "its 2 signatures are by other keys, or of something else"},
		{"a payload with a certificate", func(s *shelf) {
			s.attach(cosign, TypePayload, map[string]string{NoteSignature: "AAAA", NoteCertificate: "x"}, ours)
		}, "is signed, but not in a form that can be verified with the key of --key: " + oci.Digest([]byte(ours)) + " has a certificate instead of a key"},
		{"Notation", func(s *shelf) { s.attach(notation, "application/jose+json", nil, "{}") }, "has the type " + notation},
		{"a bundle of a message", func(s *shelf) {
			s.attach(bundle, bundle, nil, fmt.Sprintf(`{"messageSignature":{"signature":%q}}`, sign(string(raw))))
		}, ""},
		{"a bundle of the old form", func(s *shelf) {
			s.attach(bundle, bundle, nil, fmt.Sprintf(`{"base64Signature":%q}`, sign(string(raw))))
		}, ""},
		{"a bundle with a certificate", func(s *shelf) {
			s.attach(bundle, bundle, nil, `{"messageSignature":{"signature":"AAAA"},"verificationMaterial":{"certificate":{"rawBytes":"AA=="}}}`)
		}, "has a certificate instead of a key"},
		{"an old bundle with a certificate", func(s *shelf) {
			s.attach(bundle, bundle, nil, `{"base64Signature":"AAAA","cert":"`+base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----"))+`"}`)
		}, "has a certificate instead of a key"},
		{"an empty bundle", func(s *shelf) { s.attach(bundle, bundle, nil, `{}`) }, "neither a signature nor an envelope"},
		{"a bundle that is not JSON", func(s *shelf) { s.attach(bundle, bundle, nil, `{`) }, "bundle: "},
		{"an envelope of another type", func(s *shelf) {
			s.attach(bundle, bundle, nil, `{"dsseEnvelope":{"payloadType":"text/plain","payload":"eA=="}}`)
		}, `has an envelope of the type "text/plain"`},
		{"a lost blob", func(s *shelf) {
			s.attach(cosign, TypePayload, nil, ours)
			delete(s.content, oci.Digest([]byte(ours)))
		}, "is signed, but not in a form"},
	} {
		s := &shelf{content: map[string][]byte{}}
		tt.attach(s)
		err := Search(t.Context(), []Store{&shelf{content: map[string][]byte{}}, s}, raw, &Key{key.Public()}, "--key")
		if (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, assay.ErrUnauthorized) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// FuzzParseBundle parses bundles that nobody vouches for.
func FuzzParseBundle(f *testing.F) {
	for _, s := range []string{`{"messageSignature":{"messageDigest":{"digest":"AA=="},"signature":"AA=="}}`, `{"base64Signature":"AA==","cert":"x","rekorBundle":{}}`, `{"dsseEnvelope":{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}}`} {
		f.Add([]byte(s))
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if parsed, err := ParseBundle(b); err == nil && parsed.covers(&Key{key.Public()}, []byte("{}"), oci.Digest([]byte("{}"))) {
			t.Error("a signature by a new key")
		}
	})
}

package attestation

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	fake "github.com/google/go-containerregistry/pkg/registry"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/oci/signature"
	"github.com/assaysec/assay/internal/test/contract"
)

const (
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	document     = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"d","author":"H","timestamp":"2025-01-02T00:00:00Z","statements":[{"vulnerability":{"name":"CVE-2025-1"},"status":"not_affected","justification":"component_not_present"}]}`
)

// quiet keeps the user's own credentials out of a test.
func quiet(t testing.TB) {
	dir := t.TempDir()
	for _, v := range []string{"HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "REGISTRY_AUTH_FILE"} {
		if t, ok := t.(*testing.T); ok {
			t.Setenv(v, dir)
		}
	}
}

// A shelf is a repository with an image in it.
type shelf struct {
	t     *testing.T
	host  string
	c     *registryclient.Client
	image *assay.Image
	raw   []byte // of the manifest
}

func newShelf(t *testing.T, host string) *shelf {
	t.Helper()
	quiet(t)
	s := &shelf{t: t, host: host}
	ref, err := registryclient.Parse(host+"/team/app:1", assay.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if s.c, err = registryclient.Connect(t.Context(), ref.Context(), registryclient.Options{Push: true}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.c.Close() })
	raw, blobs := contract.NewImage("app:1", "one").Manifest(contract.Gzip)
	for _, b := range blobs {
		if b.Content != string(raw) {
			s.blob([]byte(b.Content))
		}
	}
	s.raw = raw
	s.put("1", typeManifest, raw)
	d := oci.Digest(raw)
	s.image = &assay.Image{Name: "registry:" + host + "/team/app:1", Source: "registry", Digest: d, RepoDigests: []string{host + "/team/app@" + d}, Platform: assay.Platform{OS: "linux", Arch: "amd64"}}
	return s
}

// memory is an in-memory registry, which knows of referrers or not.
func memory(t *testing.T, o ...fake.Option) string {
	s := httptest.NewServer(fake.New(append(o, fake.Logger(log.New(io.Discard, "", 0)))...))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func (s *shelf) blob(b []byte) map[string]any {
	s.t.Helper()
	d := oci.Descriptor{Digest: oci.Digest(b), Size: int64(len(b))}
	if err := s.c.PutBlob(s.t.Context(), d, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }); err != nil {
		s.t.Fatal(err)
	}
	return map[string]any{"digest": d.Digest, "size": d.Size}
}

func (s *shelf) put(tag, mediaType string, raw []byte) {
	s.t.Helper()
	if err := s.c.PutManifest(s.t.Context(), tag, mediaType, raw); err != nil {
		s.t.Fatal(err)
	}
}

// attach puts a manifest with one layer: under a tag, or, where that is "", as
// what refers to the image.
func (s *shelf) attach(tag, artifactType, mediaType string, notes map[string]string, layer string) (digest string) {
	s.t.Helper()
	l := s.blob([]byte(layer))
	l["mediaType"], l["annotations"] = mediaType, notes
	config := s.blob([]byte("{}"))
	config["mediaType"] = "application/vnd.oci.empty.v1+json"
	m := map[string]any{"schemaVersion": 2, "mediaType": typeManifest, "artifactType": artifactType, "config": config, "layers": []any{l}}
	if tag == "" {
		m["subject"] = map[string]any{"mediaType": typeManifest, "digest": s.image.Digest, "size": len(s.raw)}
	}
	raw, _ := json.Marshal(m)
	digest = oci.Digest(raw)
	if tag == "" {
		tag = digest
	}
	s.put(tag, typeManifest, raw)
	return digest
}

// refer writes the index by which registries that do not know of referrers are
// told of them.
func (s *shelf) refer(digest, artifactType string) {
	s.t.Helper()
	raw, err := s.c.Manifest(s.t.Context(), digest)
	if err != nil {
		s.t.Fatal(err)
	}
	index, _ := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": []any{
		map[string]any{"mediaType": typeManifest, "artifactType": artifactType, "digest": digest, "size": len(raw)}}})
	s.put(strings.Replace(s.image.Digest, ":", "-", 1), typeIndex, index)
}

// statement is one of in-toto on a digest.
func statement(kind, digest, predicate string) string {
	algorithm, sum, _ := strings.Cut(digest, ":")
	return fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":%q,"subject":[{"name":"app","digest":{%q:%q}}],"predicate":%s}`, kind, algorithm, sum, predicate)
}

type signer struct {
	key  *ecdsa.PrivateKey
	file string
}

func newSigner(t *testing.T) *signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{k, filepath.Join(t.TempDir(), "cosign.pub")}
	if err := os.WriteFile(s.file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// envelope is a payload as cosign signs it; by no one where s is nil.
func (s *signer) envelope(payload string) string {
	sig := []byte("none")
	if s != nil {
		sum := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(typeStatement), typeStatement, len(payload), payload))
		sig, _ = ecdsa.SignASN1(rand.Reader, s.key, sum[:])
	}
	return fmt.Sprintf(`{"payloadType":%q,"payload":%q,"signatures":[{"keyid":"","sig":%q}]}`, typeStatement, base64.StdEncoding.EncodeToString([]byte(payload)), base64.StdEncoding.EncodeToString(sig))
}

// sign is a signature of a message, in base64.
func (s *signer) sign(message string) string {
	sum := sha256.Sum256([]byte(message))
	sig, _ := ecdsa.SignASN1(rand.Reader, s.key, sum[:])
	return base64.StdEncoding.EncodeToString(sig)
}

const (
	openvex   = "https://openvex.dev/ns/v0.2.0"
	bundle    = signature.TypeBundle + ".v0.3+json"
	predicted = "dev.sigstore.bundle.predicateType"
)

func (s *shelf) find(o Options) (docs []Document, gaps string) {
	s.t.Helper()
	docs, all, err := Find(s.t.Context(), s.image, o)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, g := range all {
		gaps += g.String() + "\n"
	}
	return docs, gaps
}

func TestFind(t *testing.T) {
	signed, other := newSigner(t), newSigner(t)
	key, err := signature.LoadKey(signed.file)
	if err != nil {
		t.Fatal(err)
	}
	att := func(d string) string { return strings.Replace(d, ":", "-", 1) + ".att" }
	about := func(s *shelf, kind string) string { return statement(kind, s.image.Digest, document) }
	for _, tt := range []struct {
		name     string
		attach   func(s *shelf)
		key      *signature.Key
		want     int
		verified bool
		gap      string
	}{
		{"nothing", func(*shelf) {}, nil, 0, false, ""},
		{"cosign's tag", func(s *shelf) {
			s.attach(att(s.image.Digest), "", typeEnvelope, map[string]string{"predicateType": openvex}, signed.envelope(about(s, openvex)))
		}, nil, 1, false, ""},
		{"cosign's tag, verified", func(s *shelf) {
			s.attach(att(s.image.Digest), "", typeEnvelope, nil, signed.envelope(about(s, openvex)))
		}, key, 1, true, ""},
		{"another's signature", func(s *shelf) {
			s.attach(att(s.image.Digest), "", typeEnvelope, nil, other.envelope(about(s, openvex)))
		}, key, 0, false, "refused, because it has no signature by the key of --vex-key: it is signed by another key"},
		{"no signature", func(s *shelf) {
			s.attach("", typeStatement, typeStatement, nil, about(s, openvex))
		}, key, 0, false, "refused, because it has no signature by the key of --vex-key: it is not signed"},
		{"a certificate", func(s *shelf) {
			s.attach("", bundle, bundle, nil, `{"verificationMaterial":{"certificate":{"rawBytes":"AA=="}},"dsseEnvelope":`+other.envelope(about(s, openvex))+`}`)
		}, key, 0, false, "it is signed, but with a certificate instead of a key"},
		{"a form that is not read", func(s *shelf) {
			s.attach("", "application/vnd.dsse.envelope.v2+json", "application/vnd.dsse.envelope.v2+json", nil, "x")
		}, key, 0, false, `an attestation of the type "application/vnd.dsse.envelope.v2+json", which assay does not read`},
		{"an envelope of something else", func(s *shelf) {
			s.attach(att(s.image.Digest), "", typeEnvelope, nil, `{"payloadType":"text/plain","payload":"eA==","signatures":[]}`)
		}, key, 0, false, `payload type "text/plain", which assay does not read`},
		{"a bundle", func(s *shelf) {
			s.attach("", bundle, bundle, nil, `{"dsseEnvelope":`+signed.envelope(about(s, openvex))+`}`)
		}, key, 1, true, ""},
		{"a bundle of something else", func(s *shelf) {
			s.attach("", bundle, bundle, map[string]string{predicted: "https://slsa.dev/provenance/v1"}, `{`)
			s.attach("", bundle, bundle, nil, `{"dsseEnvelope":`+signed.envelope(about(s, "https://slsa.dev/provenance/v1"))+`}`)
			s.attach("", bundle, bundle, nil, `{"messageSignature":{"signature":"AAAA"}}`)
		}, nil, 0, false, ""},
		{"on another image", func(s *shelf) {
			s.attach(att(s.image.Digest), "", typeEnvelope, nil, signed.envelope(statement(openvex, oci.Digest(nil), document)))
		}, key, 0, false, "not about the image"},
		{"a bare document", func(s *shelf) {
			s.attach("", "application/vnd.openvex+json", "application/vnd.openvex+json", nil, document)
		}, nil, 1, false, ""},
		{"a bare document, where a signature is wanted", func(s *shelf) {
			s.attach("", "application/vex+json", "application/json", nil, document)
		}, key, 0, false, "has no signature by the key of --vex-key: no signature was found"},
		{"a bare document that is signed", func(s *shelf) {
			d := s.attach("", "application/vex+json", "application/json", nil, document)
			payload := fmt.Sprintf(`{"critical":{"image":{"docker-manifest-digest":%q}}}`, d)
			s.attach(strings.Replace(d, ":", "-", 1)+".sig", "", signature.TypePayload, map[string]string{signature.NoteSignature: signed.sign(payload)}, payload)
		}, key, 1, true, ""},
		{"a bare document that refers to nothing", func(s *shelf) {
			s.attach(att(s.image.Digest), "application/vnd.openvex+json", "application/vnd.openvex+json", nil, document)
		}, nil, 0, false, "its subject is another image"},
		{"CycloneDX", func(s *shelf) {
			s.attach(att(s.image.Digest), "", typeEnvelope, nil, signed.envelope(statement("https://cyclonedx.org/bom", s.image.Digest,
				`{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"CVE-2025-1","analysis":{"state":"not_affected"},"affects":[{"ref":"pkg:npm/a@1"}]}]}`)))
		}, nil, 1, false, ""},
		{"a bill of materials", func(s *shelf) {
			s.attach(att(s.image.Digest), "", typeEnvelope, nil, signed.envelope(statement("https://cyclonedx.org/bom", s.image.Digest, `{"bomFormat":"CycloneDX","components":[]}`)))
		}, key, 0, false, ""},
		{"no document", func(s *shelf) {
			s.attach(att(s.image.Digest), "", typeEnvelope, nil, signed.envelope(statement(openvex, s.image.Digest, `{"a":1}`)))
		}, nil, 0, false, "neither OpenVEX nor"},
		{"half a document", func(s *shelf) {
			s.attach(att(s.image.Digest), "", typeEnvelope, nil, signed.envelope(statement(openvex, s.image.Digest, `{"statements":[7]}`)))
		}, nil, 1, false, "unreadable parts (1)"},
		{"no envelope", func(s *shelf) { s.attach(att(s.image.Digest), "", typeEnvelope, nil, `[`) }, nil, 0, false, "malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newShelf(t, memory(t, fake.WithReferrersSupport(true)))
			tt.attach(s)
			docs, gaps := s.find(Options{Key: tt.key})
			if len(docs) != tt.want || !strings.Contains(gaps, tt.gap) || tt.gap == "" && gaps != "" {
				t.Fatalf("%d documents, want %d; gaps %q, want %q", len(docs), tt.want, gaps, tt.gap)
			}
			if tt.want > 0 && (docs[0].Verified != tt.verified || !strings.HasPrefix(docs[0].Name, s.host+"/team/app@sha256:")) {
				t.Errorf("%+v", docs[0])
			}
		})
	}
}

// TestIndex: the image may be named by the index that it is in, which may hold
// attestations of BuildKit's.
func TestIndex(t *testing.T) {
	s := newShelf(t, memory(t))
	inside := s.attach("build", "", typeStatement, map[string]string{"in-toto.io/predicate-type": openvex}, statement(openvex, s.image.Digest, document))
	platform := map[string]any{"os": "linux", "architecture": "amd64"}
	index, _ := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": []any{
		map[string]any{"mediaType": typeManifest, "digest": s.image.Digest, "size": len(s.raw), "platform": platform},
		map[string]any{"mediaType": typeManifest, "digest": inside, "size": 1, "platform": map[string]any{"os": "unknown", "architecture": "unknown"},
			"annotations": map[string]any{"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": s.image.Digest}},
	}})
	s.put("2", typeIndex, index)
	s.attach(strings.Replace(oci.Digest(index), ":", "-", 1)+".att", "", typeEnvelope, nil, (*signer)(nil).envelope(statement(openvex, oci.Digest(index), document)))
	s.image.RepoDigests = []string{s.host + "/team/app@" + oci.Digest(index)}
	for _, digest := range []string{"", s.image.Digest} { // as engines have it, and registries
		s.image.Digest = digest
		if docs, gaps := s.find(Options{}); len(docs) != 2 || gaps != "" {
			t.Errorf("digest %q: %d documents; gaps %q", digest, len(docs), gaps)
		}
	}
}

// TestFallback: without the API there is the tag.
func TestFallback(t *testing.T) {
	s := newShelf(t, memory(t))
	d := s.attach("", "application/vnd.openvex+json", "application/vnd.openvex+json", nil, document)
	if docs, _ := s.find(Options{}); len(docs) != 0 {
		t.Fatal("a registry that does not know of referrers told of one")
	}
	s.refer(d, "application/vnd.openvex+json")
	if docs, gaps := s.find(Options{}); len(docs) != 1 || gaps != "" {
		t.Errorf("%d documents; gaps %q", len(docs), gaps)
	}
}

// TestPages: a registry may tell of referrers page by page.
func TestPages(t *testing.T) {
	inner := fake.New(fake.WithReferrersSupport(true), fake.Logger(log.New(io.Discard, "", 0)))
	var pages [][]byte
	away := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/referrers/") {
			inner.ServeHTTP(w, r)
			return
		}
		n := len(r.URL.Query().Get("n"))
		if n+1 < len(pages) {
			w.Header().Set("Link", fmt.Sprintf(`<%s%s?n=%s>; rel="next"`, away, r.URL.Path, strings.Repeat("x", n+1)))
		}
		w.Write(pages[n])
	}))
	defer server.Close()
	s := newShelf(t, server.Listener.Addr().String())
	for i := range 3 {
		d := s.attach("", "application/vnd.openvex+json", "application/vnd.openvex+json", nil, strings.Replace(document, "CVE-2025-1", fmt.Sprint("CVE-2025-", i), 1))
		page, _ := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": []any{map[string]any{"mediaType": typeManifest, "digest": d, "size": 1}}})
		pages = append(pages, page)
	}
	if docs, gaps := s.find(Options{}); len(docs) != 3 || gaps != "" {
		t.Errorf("%d documents; gaps %q", len(docs), gaps)
	}
	away = "http://other.example"
	if docs, gaps := s.find(Options{}); len(docs) != 0 || !strings.Contains(gaps, "is on another host") {
		t.Errorf("%d documents; gaps %q", len(docs), gaps)
	}
	away, pages = "", make([][]byte, 200)
	for i := range pages {
		pages[i] = []byte("{}")
	}
	if _, gaps := s.find(Options{}); !strings.Contains(gaps, "pages") {
		t.Errorf("gaps %q", gaps)
	}
}

// TestCredentials: what the user gave is for the image's registry alone.
func TestCredentials(t *testing.T) {
	quiet(t)
	told := map[string]string{}
	serve := func(name string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if user, _, ok := r.BasicAuth(); ok {
				told[name] = user
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		}))
		t.Cleanup(s.Close)
		return s.Listener.Addr().String() + "/app@" + oci.Digest(nil)
	}
	o := Options{Options: registryclient.Options{SourceOptions: assay.SourceOptions{Username: "alice", Password: "s3cret"}}}
	_, gaps, err := Find(t.Context(), &assay.Image{RepoDigests: []string{serve("first"), serve("second")}}, o)
	if err != nil || len(gaps) != 2 || told["first"] != "alice" || told["second"] != "" {
		t.Errorf("%v, %v, %v", told, gaps, err)
	}
}

// TestNowhere: what is in no registry cannot be looked for; a registry that does
// not answer is a gap.
func TestNowhere(t *testing.T) {
	_, _, err := Find(t.Context(), &assay.Image{Name: "app.tar", Source: "docker-archive"}, Options{})
	if !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), "registry:HOST/NAME:TAG") {
		t.Error(err)
	}
	quiet(t)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v2/" {
			http.Error(w, "not for you", http.StatusForbidden)
		}
	}))
	defer broken.Close()
	img := &assay.Image{Name: "app", RepoDigests: []string{broken.Listener.Addr().String() + "/app@" + oci.Digest(nil), "no digest", "x@sha256:1"}}
	docs, gaps, err := Find(t.Context(), img, Options{})
	if err != nil || len(docs) != 0 || len(gaps) != 1 || !strings.Contains(gaps[0].What, "cannot list the VEX documents") {
		t.Errorf("%v %v %v", docs, gaps, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Find(ctx, img, Options{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// FuzzLayer reads layers that nobody vouches for.
func FuzzLayer(f *testing.F) {
	subject := oci.Digest(nil)
	for _, s := range []string{document, statement(openvex, subject, document), (*signer)(nil).envelope(statement(openvex, subject, document))} {
		for kind := range 4 {
			f.Add(kind, []byte(s))
		}
	}
	key := &signature.Key{}
	f.Fuzz(func(t *testing.T, kind int, b []byte) {
		kinds := []string{typeEnvelope, bundle, typeStatement, "application/vnd.openvex+json"}
		l := &lookup{image: &assay.Image{}, subjects: map[string]bool{subject: true}, options: Options{Key: key}}
		_ = l.layer(t.Context(), "x", descriptor{MediaType: kinds[uint(kind)%4]}, &manifest{}, b)
		if len(l.docs) > 0 {
			t.Error("a document without signature")
		}
		l.options.Key = nil
		_ = l.layer(t.Context(), "x", descriptor{MediaType: kinds[uint(kind)%4]}, &manifest{}, b)
		for _, d := range l.docs {
			if d.Document == nil || d.Verified {
				t.Error(d)
			}
		}
	})
}

package publish

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
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
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	fake "github.com/google/go-containerregistry/pkg/registry"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/oci/signature"
)

// testSnapshot is a database of shards with the contents given, by stream.
func testSnapshot(contents ...string) Snapshot {
	files := map[string]string{}
	e := Snapshot{}
	for i, c := range contents {
		d := oci.Digest([]byte(c))
		files[d] = c
		e.Shards = append(e.Shards, assay.Shard{Stream: assay.Stream(fmt.Sprint("s:", i)), Digest: d, Size: int64(len(c))})
	}
	e.Index, _ = json.Marshal(e.Shards)
	e.Open = func(s assay.Shard) (io.Reader, error) { return strings.NewReader(files[s.Digest]), nil }
	return e
}

// place is what both kinds are to whoever takes a database from them.
type place interface {
	Index(ctx context.Context) ([]byte, error)
	Shard(ctx context.Context, s assay.Shard) (io.ReadCloser, error)
	Close() error
}

func check(t *testing.T, p place, e Snapshot) {
	t.Helper()
	defer p.Close()
	ix, err := p.Index(t.Context())
	if err != nil || !bytes.Equal(ix, e.Index) {
		t.Errorf("index %q, %v", ix, err)
	}
	for _, s := range e.Shards {
		r, err := p.Shard(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil || oci.Digest(b) != s.Digest {
			t.Errorf("%s: %d bytes, %v", s.Stream, len(b), err)
		}
	}
	if r, err := p.Shard(t.Context(), assay.Shard{Digest: oci.Digest([]byte("none"))}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("a shard that is not there: %v, %v", r, err)
	}
}

func write(t *testing.T, e Snapshot) string {
	t.Helper()
	var b, again bytes.Buffer
	for _, w := range []io.Writer{&b, &again} {
		if err := WriteArchive(t.Context(), w, e); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("the same edition gives other bytes")
	}
	path := filepath.Join(t.TempDir(), "db.tar")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestArchive(t *testing.T) {
	e := testSnapshot("one", strings.Repeat("two ", 10_000))
	path := write(t, e)
	a, err := OpenArchive(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	check(t, a, e)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		content string
		err     error
	}{
		"empty":             {"", assay.ErrUnsupported},
		"text":              {strings.Repeat("text ", 1000), assay.ErrUnsupported},
		"cut in the index":  {string(whole[:520]), assay.ErrMalformed},
		"cut after a shard": {string(whole[:2*1024+100]), assay.ErrMalformed},
		"another tar's":     {strings.Replace(string(whole), "index.json", "other.json", 1), assay.ErrUnsupported},
		"without its shard": {string(whole[:1024]), nil},
	} {
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := OpenArchive(path, nil)
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: %v, want %v", name, err, tt.err)
		}
		if err == nil {
			if _, err := a.Shard(t.Context(), e.Shards[0]); !errors.Is(err, assay.ErrNotFound) {
				t.Errorf("%s: shard: %v", name, err)
			}
			a.Close()
		}
	}
}

func TestDirectory(t *testing.T) {
	if _, err := Directory(t.TempDir()).Index(t.Context()); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("no index: %v", err)
	}
	if _, err := Directory(t.TempDir()).Shard(t.Context(), assay.Shard{Digest: "sha256:../../etc/passwd"}); !errors.Is(err, assay.ErrMalformed) {
		t.Errorf("a digest that is none: %v", err)
	}
}

// registry is a reference in a new registry.
func registry(t *testing.T) string {
	t.Helper()
	for _, v := range []string{"HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "REGISTRY_AUTH_FILE"} {
		t.Setenv(v, t.TempDir())
	}
	s := httptest.NewServer(fake.New(fake.Logger(log.New(io.Discard, "", 0)), fake.WithReferrersSupport(true)))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String() + "/team/db:1"
}

func push(t *testing.T, ref string, e Snapshot) Pushed {
	t.Helper()
	p, err := Push(t.Context(), ref, e, registryclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRepository(t *testing.T) {
	ref := registry(t)
	big := strings.Repeat("two ", 10_000)
	for _, tt := range []struct {
		name         string
		e            Snapshot
		sent, reused int
	}{
		{"first", testSnapshot("one", big), 2, 0},
		{"the same", testSnapshot("one", big), 0, 2},
		{"one changed", testSnapshot("three", big), 1, 1},
		{"one more", testSnapshot("three", big, "four"), 1, 2},
	} {
		p := push(t, ref, tt.e)
		if p.Sent != tt.sent || p.Reused != tt.reused {
			t.Errorf("%s: %+v, want %d sent and %d reused", tt.name, p, tt.sent, tt.reused)
		}
		r, err := OpenRepository(t.Context(), ref, nil, registryclient.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if r.Digest != p.Digest {
			t.Errorf("%s: opened %s, pushed %s", tt.name, r.Digest, p.Digest)
		}
		check(t, r, tt.e)
		if r.ReceivedBytes() == 0 {
			t.Errorf("%s: nothing moved", tt.name)
		}
	}
	if _, err := OpenRepository(t.Context(), ref+"0", nil, registryclient.Options{}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("another tag: %v", err)
	}
	if _, err := Push(t.Context(), ref[:len(ref)-2]+"@"+oci.Digest(nil), testSnapshot("x"), registryclient.Options{}); !errors.Is(err, assay.ErrUnsupported) {
		t.Errorf("push to a digest: %v", err)
	}
}

// TestDeltas: a client that has a former edition gets what changed, over several
// versions; one that has another gets nothing so.
func TestDeltas(t *testing.T) {
	ref := registry(t)
	noise := make([]byte, 200_000)
	rand.Read(noise)
	content := func(n int) string {
		return fmt.Sprint(n) + string(noise[:100_000]) + fmt.Sprint("edition ", n) + string(noise[100_000:])
	}
	for n := range 4 {
		push(t, ref, testSnapshot(content(n)))
	}
	r, err := OpenRepository(t.Context(), ref, nil, registryclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	now := testSnapshot(content(3)).Shards[0]
	for n := range 3 {
		before := r.ReceivedBytes()
		body, err := r.Patch(t.Context(), now, testSnapshot(content(n)).Shards[0], strings.NewReader(content(n)))
		if err != nil {
			t.Fatalf("from edition %d: %v", n, err)
		}
		if b, _ := io.ReadAll(body); string(b) != content(3) {
			t.Errorf("from edition %d: %d bytes of something else", n, len(b))
		}
		if moved := r.ReceivedBytes() - before; moved > 10_000 {
			t.Errorf("from edition %d: %d bytes moved", n, moved)
		}
	}
	if _, err := r.Patch(t.Context(), now, testSnapshot("another").Shards[0], strings.NewReader("another")); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("from another: %v", err)
	}
	if b, err := r.Patch(t.Context(), now, testSnapshot(content(2)).Shards[0], strings.NewReader("damaged")); err == nil {
		t.Errorf("from what is not what it should be: %v", b)
	}
	for n := range 20 { // the chain does not grow for ever
		push(t, ref, testSnapshot(content(n)))
	}
	if r, err = OpenRepository(t.Context(), ref, nil, registryclient.Options{}); err != nil || len(r.deltas) > maxDeltas {
		t.Errorf("%d deltas, %v", len(r.deltas), err)
	}
	check(t, r, testSnapshot(content(19)))
}

// signer is a private key, and the file of its public one.
type signer struct {
	crypto.Signer
	path string
}

func signers(t *testing.T) map[string]signer {
	t.Helper()
	ec, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	rs, err2 := rsa.GenerateKey(rand.Reader, 2048)
	_, ed, err3 := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	out := map[string]signer{}
	for name, k := range map[string]crypto.Signer{"ecdsa": ec, "rsa": rs, "ed25519": ed} {
		der, err := x509.MarshalPKIXPublicKey(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), name+".pub")
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		out[name] = signer{k, path}
	}
	return out
}

func (s signer) sign(t *testing.T, message []byte) string {
	t.Helper()
	sum := sha256.Sum256(message)
	in, opt := sum[:], crypto.SignerOpts(crypto.SHA256)
	if _, ok := s.Signer.(ed25519.PrivateKey); ok {
		in, opt = message, crypto.Hash(0)
	}
	sig, err := s.Sign(rand.Reader, in, opt)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(sig)
}

// attach puts a manifest with one layer under a tag.
func attach(t *testing.T, ref, tag, subject, artifact, mediaType, sig string, layer []byte) {
	t.Helper()
	r, err := registryclient.Parse(ref, assay.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := registryclient.Connect(t.Context(), r.Context(), registryclient.Options{Push: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	config := []byte("{}")
	for _, b := range [][]byte{config, layer} {
		d := oci.Descriptor{Digest: oci.Digest(b), Size: int64(len(b))}
		if err := c.PutBlob(t.Context(), d, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }); err != nil {
			t.Fatal(err)
		}
	}
	m := map[string]any{
		"schemaVersion": 2, "mediaType": typeManifest, "config": descriptor{MediaType: "application/vnd.oci.empty.v1+json", Digest: oci.Digest(config), Size: 2},
		"layers": []descriptor{{MediaType: mediaType, Digest: oci.Digest(layer), Size: int64(len(layer)), Annotations: map[string]string{signature.NoteSignature: sig}}},
	}
	if subject != "" {
		m["artifactType"], m["subject"] = artifact, descriptor{MediaType: typeManifest, Digest: subject, Size: 1}
	}
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if tag == "" {
		tag = oci.Digest(raw)
	}
	if err := c.PutManifest(t.Context(), tag, typeManifest, raw); err != nil {
		t.Fatal(err)
	}
}

// TestSignedRepository signs as cosign does, in both of its forms.
func TestSignedRepository(t *testing.T) {
	payload := func(digest string) []byte {
		return fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":"db"},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`, digest)
	}
	all := signers(t)
	for name, s := range all {
		t.Run(name, func(t *testing.T) {
			key, err := signature.LoadKey(s.path)
			if err != nil {
				t.Fatal(err)
			}
			opens := func(ref string) error {
				r, err := OpenRepository(t.Context(), ref, key, registryclient.Options{})
				if err == nil {
					r.Close()
				}
				return err
			}
			ref := registry(t)
			p := push(t, ref, testSnapshot("one"))
			tag := strings.Replace(p.Digest, ":", "-", 1) + ".sig"
			if err := opens(ref); !errors.Is(err, assay.ErrUnauthorized) {
				t.Errorf("unsigned: %v", err)
			}
			for what, b := range map[string][]byte{"of another": payload(oci.Digest(nil)), "of nothing": []byte("{}")} {
				attach(t, ref, tag, "", "", signature.TypePayload, s.sign(t, b), b)
				if err := opens(ref); !errors.Is(err, assay.ErrUnauthorized) {
					t.Errorf("signature %s: %v", what, err)
				}
			}
			attach(t, ref, tag, "", "", signature.TypePayload, all[map[string]string{"ecdsa": "rsa", "rsa": "ed25519", "ed25519": "ecdsa"}[name]].sign(t, payload(p.Digest)), payload(p.Digest))
			if err := opens(ref); !errors.Is(err, assay.ErrUnauthorized) {
				t.Errorf("another's signature: %v", err)
			}
			attach(t, ref, tag, "", "", signature.TypePayload, s.sign(t, payload(p.Digest)), payload(p.Digest))
			if err := opens(ref); err != nil {
				t.Errorf("signed: %v", err)
			}

			ref = registry(t)
			p = push(t, ref, testSnapshot("one"))
			statement := fmt.Appendf(nil, `{"subject":[{"digest":{"sha256":%q}}]}`, strings.TrimPrefix(p.Digest, "sha256:"))
			const in = "application/vnd.in-toto+json"
			sig := s.sign(t, fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(in), in, len(statement), statement))
			b := fmt.Appendf(nil, `{"dsseEnvelope":{"payload":%q,"payloadType":%q,"signatures":[{"sig":%q}]}}`, base64.StdEncoding.EncodeToString(statement), in, sig)
			attach(t, ref, "", p.Digest, signature.TypeBundle+".v0.3+json", signature.TypeBundle+".v0.3+json", "", b)
			if err := opens(ref); err != nil {
				t.Errorf("bundle: %v", err)
			}
		})
	}
}

// A registry that fails to give the signature is not one that has none.
func TestSignatureLost(t *testing.T) {
	s := signers(t)["ecdsa"]
	key, err := signature.LoadKey(s.path)
	if err != nil {
		t.Fatal(err)
	}
	ref := registry(t)
	push(t, ref, testSnapshot("one"))
	host, path, _ := strings.Cut(ref, "/")
	from := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: host})
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".sig") {
			http.Error(w, "not now", http.StatusForbidden)
			return
		}
		from.ServeHTTP(w, r)
	}))
	defer broken.Close()
	_, err = OpenRepository(t.Context(), broken.Listener.Addr().String()+"/"+path, key, registryclient.Options{})
	if err == nil || !strings.Contains(err.Error(), "403") || strings.Contains(err.Error(), "has no signature") {
		t.Error(err)
	}
}

func TestSignedFile(t *testing.T) {
	content := []byte("an exported database")
	all := signers(t)
	s := all["ecdsa"]
	key, err := signature.LoadKey(s.path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	b64 := base64.StdEncoding.EncodeToString(sum[:])
	for _, tt := range []struct {
		name, file, text string
		ok               bool
	}{
		{"unsigned", ".txt", "", false},
		{"signature", ".sig", s.sign(t, content) + "\n", true},
		{"another's", ".sig", all["rsa"].sign(t, content), false},
		{"of something else", ".sig", s.sign(t, []byte("x")), false},
		{"bundle", ".sigstore.json", fmt.Sprintf(`{"messageSignature":{"messageDigest":{"digest":%q},"signature":%q}}`, b64, s.sign(t, content)), true},
		{"no bundle", ".sigstore.json", "{", false},
	} {
		path := filepath.Join(t.TempDir(), "db.tar")
		for f, b := range map[string][]byte{"": content, tt.file: []byte(tt.text)} {
			if err := os.WriteFile(path+f, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		to := filepath.Join(t.TempDir(), "copy")
		err := CopyFile(t.Context(), key, to, path)
		if tt.ok != (err == nil) || err != nil && !errors.Is(err, assay.ErrUnauthorized) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if b, _ := os.ReadFile(to); tt.ok != bytes.Equal(b, content) {
			t.Errorf("%s: copied %q", tt.name, b)
		}
		if _, err := os.Stat(to); tt.ok != (err == nil) {
			t.Errorf("%s: the copy: %v", tt.name, err)
		}
	}
	bad := filepath.Join(t.TempDir(), "key")
	for _, text := range []string{"", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if err := os.WriteFile(bad, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := signature.LoadKey(bad); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("key %q: %v", text, err)
		}
	}
}

func FuzzArchive(f *testing.F) {
	var b bytes.Buffer
	if err := WriteArchive(f.Context(), &b, testSnapshot("one")); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, in []byte) {
		path := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(path, in, 0o600); err != nil {
			t.Fatal(err)
		}
		if a, err := OpenArchive(path, nil); err == nil {
			a.Index(t.Context())
			a.Close()
		}
	})
}

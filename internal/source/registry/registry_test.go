package registry

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	fake "github.com/google/go-containerregistry/pkg/registry"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/test/contract"
)

// quick is the source, without the waits.
var quick = Source{Backoff: time.Millisecond}

const ociManifest = "application/vnd.oci.image.manifest.v1+json"

// noCredentials keeps the user's own configuration out of a test.
func noCredentials(t *testing.T) {
	dir := t.TempDir()
	for _, v := range []string{"HOME", "DOCKER_CONFIG", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "REGISTRY_AUTH_FILE"} {
		t.Setenv(v, dir)
	}
}

// serve starts a registry behind the handler that wrap makes.
func serve(t *testing.T, wrap func(http.Handler) http.Handler) (*httptest.Server, http.Handler) {
	t.Helper()
	noCredentials(t)
	h := fake.New(fake.Logger(log.New(io.Discard, "", 0)))
	outer := h
	if wrap != nil {
		outer = wrap(h)
	}
	s := httptest.NewServer(outer)
	t.Cleanup(s.Close)
	return s, h
}

// direct lets a client speak to a handler without a connection.
type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.ServeHTTP(w, r)
	return w.Result(), nil
}

func clientOf(h http.Handler) *http.Client { return &http.Client{Transport: direct{h}} }

// pushImage pushes m as a tag, or by digest if that is "".
func pushImage(t *testing.T, c *http.Client, base, repo, tag string, m *contract.TestImage) (digest string) {
	t.Helper()
	raw, blobs := m.Manifest(contract.Gzip)
	for _, b := range blobs {
		if b.Content != string(raw) {
			pushBlob(t, c, base, repo, []byte(b.Content))
		}
	}
	if tag == "" {
		tag = oci.Digest(raw)
	}
	pushManifest(t, c, base, repo, tag, ociManifest, raw)
	return oci.Digest(raw)
}

func pushBlob(t *testing.T, c *http.Client, base, repo string, b []byte) {
	t.Helper()
	resp := do(t, c, http.MethodPost, base+"/v2/"+repo+"/blobs/uploads/", "", nil, http.StatusAccepted)
	at, err := url.Parse(base)
	if err == nil {
		at, err = at.Parse(resp.Header.Get("Location"))
	}
	if err != nil {
		t.Fatal(err)
	}
	q := at.Query()
	q.Set("digest", oci.Digest(b))
	at.RawQuery = q.Encode()
	do(t, c, http.MethodPut, at.String(), "application/octet-stream", b, http.StatusCreated)
}

func pushManifest(t *testing.T, c *http.Client, base, repo, id, mediaType string, raw []byte) {
	t.Helper()
	do(t, c, http.MethodPut, base+"/v2/"+repo+"/manifests/"+id, mediaType, raw, http.StatusCreated)
}

func do(t *testing.T, c *http.Client, method, at, mediaType string, body []byte, want int) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, at, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != want {
		t.Fatalf("%s %s: %s: %s", method, at, resp.Status, b)
	}
	return resp
}

func hostOf(s *httptest.Server) string { return s.Listener.Addr().String() }

func TestSource(t *testing.T) {
	s, h := serve(t, nil)
	m := contract.NewImage("app:1", "a", strings.Repeat("b", 100_000), "a")
	digest := pushImage(t, clientOf(h), "http://x", "team/app", "1", m)
	repo := hostOf(s) + "/team/app"
	contract.Source(t, contract.SourceCase{Source: quick, Ref: repo + ":1", Unknown: repo + ":2", Want: m})
	contract.Source(t, contract.SourceCase{Source: quick, Ref: repo + "@" + digest, Unknown: repo + "@" + oci.Digest(nil), Options: assay.SourceOptions{Verify: true}, Want: m})

	img, err := quick.Open(t.Context(), repo+":1", assay.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	if img.Digest != digest || fmt.Sprint(img.RepoTags, img.RepoDigests) != fmt.Sprintf("[%s:1] [%s@%s]", repo, repo, digest) {
		t.Errorf("digest %s, tags %v, digests %v", img.Digest, img.RepoTags, img.RepoDigests)
	}
	_, err = quick.Open(t.Context(), repo+":2", assay.SourceOptions{})
	if want := repo + " has no tag 2"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("unknown tag: %v, want it to say %q", err, want)
	}
}

func TestPlatforms(t *testing.T) {
	s, h := serve(t, nil)
	a, b := contract.NewImage("app:1", "a"), contract.NewImage("app:1", "b")
	b.Platform.Arch = "s390x"
	b.Config = bytes.Replace(b.Config, []byte(`"architecture":"`+a.Platform.Arch), []byte(`"architecture":"s390x`), 1)
	for _, m := range []*contract.TestImage{a, b} {
		pushImage(t, clientOf(h), "http://x", "app", "", m)
	}
	index, _ := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{a.Entry(contract.Gzip, nil), b.Entry(contract.Gzip, nil)}})
	pushManifest(t, clientOf(h), "http://x", "app", "1", "application/vnd.oci.image.index.v1+json", index)
	ref := hostOf(s) + "/app:1"
	contract.Source(t, contract.SourceCase{Source: quick, Ref: ref, Unknown: ref + "0", Want: a})
	contract.Source(t, contract.SourceCase{Source: quick, Ref: ref, Unknown: ref + "0", Options: assay.SourceOptions{Platform: "linux/s390x"}, Want: b})
	_, err := quick.Open(t.Context(), ref, assay.SourceOptions{Platform: "linux/mips"})
	if !errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), "linux/s390x") {
		t.Errorf("other platform: %v", err)
	}
	img, err := quick.Open(t.Context(), ref, assay.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	if len(img.RepoDigests) != 2 || !strings.HasSuffix(img.RepoDigests[0], oci.Digest(index)) {
		t.Errorf("digests %v, want the index's first", img.RepoDigests)
	}
}

// basic asks for alice's password.
func basic(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); u != "alice" || p != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// bearer asks for a token, which its own server gives for alice's password.
func bearer(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch u, p, _ := r.BasicAuth(); {
		case r.URL.Path == "/token" && u == "alice" && p == "s3cret" && r.FormValue("scope") == "repository:app:pull":
			io.WriteString(w, `{"token":"t0ken"}`)
		case r.URL.Path != "/token" && r.Header.Get("Authorization") == "Bearer t0ken":
			h.ServeHTTP(w, r)
		default:
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="test"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
		}
	})
}

func TestCredentials(t *testing.T) {
	m := contract.NewImage("app:1", "a")
	for _, tt := range []struct {
		name string
		wrap func(http.Handler) http.Handler
		o    assay.SourceOptions
		conf string // user:password in Docker's configuration
		ok   bool
		says string
	}{
		{"basic", basic, assay.SourceOptions{Username: "alice", Password: "s3cret"}, "", true, ""},
		{"basic, configured", basic, assay.SourceOptions{}, "alice:s3cret", true, ""},
		{"basic, option before configuration", basic, assay.SourceOptions{Username: "alice", Password: "s3cret"}, "alice:old", true, ""},
		{"basic, none", basic, assay.SourceOptions{}, "", false, "docker login 127.0.0.1"},
		{"basic, wrong", basic, assay.SourceOptions{Username: "alice", Password: "guess"}, "", false, "check --username"},
		{"bearer", bearer, assay.SourceOptions{Username: "alice", Password: "s3cret"}, "", true, ""},
		{"bearer, configured", bearer, assay.SourceOptions{}, "alice:s3cret", true, ""},
		{"bearer, token", bearer, assay.SourceOptions{RegistryToken: "t0ken"}, "", true, ""},
		{"bearer, none", bearer, assay.SourceOptions{}, "", false, "docker login 127.0.0.1"},
		{"bearer, wrong", bearer, assay.SourceOptions{Username: "alice", Password: "guess"}, "", false, "check --username"},
		{"bearer, wrong token", bearer, assay.SourceOptions{RegistryToken: "guess"}, "", false, "--registry-token"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, h := serve(t, tt.wrap)
			pushImage(t, clientOf(h), "http://x", "app", "1", m)
			if tt.conf != "" {
				conf := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, hostOf(s), base64.StdEncoding.EncodeToString([]byte(tt.conf)))
				if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(conf), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			img, err := quick.Open(t.Context(), hostOf(s)+"/app:1", tt.o)
			if !tt.ok {
				if !errors.Is(err, assay.ErrUnauthorized) || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "guess") {
					t.Errorf("%v, want %v that says %q", err, assay.ErrUnauthorized, tt.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer img.Close()
			contract.ReadLayers(t, t.Context(), img)
		})
	}
}

func TestTLS(t *testing.T) {
	noCredentials(t)
	h := fake.New(fake.Logger(log.New(io.Discard, "", 0)))
	m := contract.NewImage("app:1", "a")
	pushImage(t, clientOf(h), "http://x", "app", "1", m)
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	ref := hostOf(s) + "/app:1"
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	for _, o := range []assay.SourceOptions{{CACert: contract.WriteFile(t, "ca.pem", cert)}, {Insecure: true}} {
		contract.Source(t, contract.SourceCase{Source: quick, Ref: ref, Unknown: ref + "0", Options: o, Want: m})
	}
	for _, tt := range []struct {
		name string
		o    assay.SourceOptions
		says string
	}{
		{"unknown authority", assay.SourceOptions{}, "--cacert FILE"},
		{"no certificate in the file", assay.SourceOptions{CACert: contract.WriteFile(t, "ca.pem", []byte("none"))}, "no PEM certificate"},
		{"no file", assay.SourceOptions{CACert: "/none"}, "--cacert"},
	} {
		if _, err := quick.Open(t.Context(), ref, tt.o); err == nil || !strings.Contains(err.Error(), tt.says) || errors.Is(err, assay.ErrNotFound) {
			t.Errorf("%s: %v, want it to say %q", tt.name, err, tt.says)
		}
	}
}

func TestRetry(t *testing.T) {
	m := contract.NewImage("app:1", "a")
	for _, tt := range []struct {
		name, after string
		status      int
		fails       int32 // requests that fail
		ok          bool
		tries       int32 // of the first request, when it never works
		says        string
	}{
		{name: "busy twice", status: 429, fails: 2, ok: true},
		{name: "busy for no time", status: 429, after: "0", fails: 2, ok: true},
		{name: "down twice", status: 503, fails: 2, ok: true},
		{name: "busy for ever", status: 429, fails: 1000, tries: registryclient.MaxTries, says: "rate limit reached"},
		{name: "busy for an hour", status: 429, after: "3600", fails: 1000, tries: 1, says: "rate limit reached"},
		{name: "down for ever", status: 500, fails: 1000, tries: registryclient.MaxTries, says: "500"},
		{name: "other errors are final", status: 418, fails: 1000, tries: 1, says: "418"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var n atomic.Int32
			s, h := serve(t, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.TLS == nil && n.Add(1) <= tt.fails {
						w.Header().Set("Retry-After", tt.after)
						w.WriteHeader(tt.status)
						return
					}
					h.ServeHTTP(w, r)
				})
			})
			pushImage(t, clientOf(h), "http://x", "app", "1", m)
			img, err := quick.Open(t.Context(), hostOf(s)+"/app:1", assay.SourceOptions{})
			if tt.ok && err != nil || !tt.ok && (err == nil || !strings.Contains(err.Error(), tt.says) || n.Load() != tt.tries) {
				t.Errorf("%v after %d requests, want %d and %q", err, n.Load(), tt.tries, tt.says)
			}
			if err == nil {
				img.Close()
			}
		})
	}
}

func TestMirrors(t *testing.T) {
	m, other := contract.NewImage("app:1", "a"), contract.NewImage("app:1", "b")
	var asked atomic.Int32 // of the origin
	count := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { asked.Add(1); h.ServeHTTP(w, r) })
	}
	origin, h := serve(t, count)
	pushImage(t, clientOf(h), "http://x", "app", "1", m)
	full, h := serve(t, nil)
	pushImage(t, clientOf(h), "http://x", "cache/app", "1", m)
	stale, h := serve(t, nil)
	pushImage(t, clientOf(h), "http://x", "app", "1", other)
	var leaked atomic.Bool
	empty, _ := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				leaked.Store(true)
			}
			h.ServeHTTP(w, r)
		})
	})
	locked, _ := serve(t, basic)
	gone := httptest.NewServer(nil)
	gone.Close()
	wantDigest, _ := m.Manifest(contract.Gzip)
	for _, tt := range []struct {
		name    string
		mirrors []string
		asks    bool // the origin
		err     error
	}{
		{"has it", []string{hostOf(full) + "/cache"}, false, nil},
		{"has it not", []string{hostOf(empty)}, true, nil},
		{"is gone", []string{hostOf(gone), hostOf(empty)}, true, nil},
		{"second has it", []string{hostOf(gone), hostOf(full) + "/cache/"}, false, nil},
		{"refuses", []string{hostOf(locked), hostOf(full) + "/cache"}, false, assay.ErrUnauthorized},
		{"is no host", []string{"http://x"}, false, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			asked.Store(0)
			ref := hostOf(origin) + "/app:1"
			img, err := quick.Open(t.Context(), ref, assay.SourceOptions{Mirrors: map[string][]string{hostOf(origin): tt.mirrors}, Username: "alice", Password: "s3cret"})
			if !errors.Is(err, tt.err) || (asked.Load() > 0) != tt.asks {
				t.Fatalf("%v, origin asked %d times, want %v, %v", err, asked.Load(), tt.err, tt.asks)
			}
			if err != nil {
				return
			}
			defer img.Close()
			contract.ReadLayers(t, t.Context(), img)
			if want := hostOf(origin) + "/app@" + oci.Digest(wantDigest); img.RepoDigests[0] != want {
				t.Errorf("digests %v, want %s", img.RepoDigests, want)
			}
		})
	}
	if leaked.Load() {
		t.Error("the password for the registry was sent to its mirror")
	}
	// A mirror that holds something else under a digest does not get away with it.
	img, err := quick.Open(t.Context(), hostOf(origin)+"/app@"+oci.Digest(wantDigest), assay.SourceOptions{Mirrors: map[string][]string{hostOf(origin): {hostOf(stale)}}})
	if err != nil {
		t.Fatal(err)
	}
	img.Close()
}

// lying serves other content than asked for.
func TestLyingRegistry(t *testing.T) {
	m := contract.NewImage("app:1", "a")
	layer := oci.Digest(contract.Gzip(m.Tars[0]))
	s, h := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, layer):
				r.URL.Path = strings.Replace(r.URL.Path, layer, oci.Digest(m.Config), 1)
			case strings.HasSuffix(r.URL.Path, oci.Digest(nil)):
				r.URL.Path = "/v2/app/manifests/1"
			}
			h.ServeHTTP(w, r)
		})
	})
	pushImage(t, clientOf(h), "http://x", "app", "1", m)
	if _, err := quick.Open(t.Context(), hostOf(s)+"/app@"+oci.Digest(nil), assay.SourceOptions{}); !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), "another manifest") {
		t.Errorf("manifest: %v", err)
	}
	img, err := quick.Open(t.Context(), hostOf(s)+"/app:1", assay.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	if _, err := contract.ReadLayer(t.Context(), img.Layers[0]); !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), layer) {
		t.Errorf("layer: %v", err)
	}
}

// Connections that break are taken up again where they broke.
func TestResume(t *testing.T) {
	noise := make([]byte, 3<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 9)
	}
	m := contract.NewImage("app:1", string(noise))
	blob := contract.Gzip(m.Tars[0])
	layer := oci.Digest(blob)
	for _, tt := range []struct {
		name   string
		ranges bool  // the registry knows how to start in the middle
		cuts   int32 // how many times it cuts
		nobyte bool  // after the first cut, before the first byte
		ok     bool
	}{
		{"whole", true, 0, false, true},
		{"cut with ranges", true, 4, false, true},
		{"cut without ranges", false, 3, false, true},
		{"cut and refused a while", true, 3, true, true},
		{"cut for ever", true, 1000, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var n, requests atomic.Int32
			s, h := serve(t, func(h http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if !strings.HasSuffix(r.URL.Path, layer) {
						h.ServeHTTP(w, r)
						return
					}
					requests.Add(1)
					var from int
					fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
					if from > 0 && tt.ranges {
						w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(blob)-1, len(blob)))
						w.Header().Set("Content-Length", fmt.Sprint(len(blob)-from))
						w.WriteHeader(http.StatusPartialContent)
					} else {
						from = 0
						w.Header().Set("Content-Length", fmt.Sprint(len(blob)))
					}
					rest := blob[from:]
					if cut := n.Add(1); cut <= tt.cuts {
						rest = rest[:len(rest)*int(cut)/int(cut+1)]
						if cut > 1 && tt.nobyte {
							rest = nil
						}
						w.Write(rest)
						panic(http.ErrAbortHandler)
					}
					w.Write(rest)
				})
			})
			s.Config.ErrorLog = log.New(io.Discard, "", 0)
			pushImage(t, clientOf(h), "http://x", "app", "1", m)
			img, err := quick.Open(t.Context(), hostOf(s)+"/app:1", assay.SourceOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer img.Close()
			b, err := contract.ReadLayer(t.Context(), img.Layers[0])
			if (err == nil) != tt.ok || tt.ok && !bytes.Equal(b, m.Tars[0]) {
				t.Errorf("%d bytes, %v after %d requests", len(b), err, requests.Load())
			}
			if !tt.ok && (!strings.Contains(err.Error(), "gave up") || requests.Load() > 100) {
				t.Errorf("%v after %d requests", err, requests.Load())
			}
		})
	}
}

func TestNoConnection(t *testing.T) {
	noCredentials(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, tt := range []struct {
		ref  string
		err  error
		says string
	}{
		{hostOf(gone) + "/app:1", assay.ErrNotFound, "no connection to " + hostOf(gone)},
		{"UPPER CASE", assay.ErrMalformed, "reference"},
		{"", assay.ErrMalformed, "reference"},
	} {
		if _, err := quick.Open(t.Context(), tt.ref, assay.SourceOptions{}); !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%q: %v, want %v that says %q", tt.ref, err, tt.err, tt.says)
		}
	}
	r, _ := name.ParseReference("registry.invalid/app:1")
	err := registryclient.Explain(fmt.Errorf("get: %w", &net.DNSError{Name: "registry.invalid", IsNotFound: true}), r, assay.SourceOptions{})
	if !errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), "unknown host registry.invalid") {
		t.Errorf("unknown host: %v", err)
	}
}

func TestHubNames(t *testing.T) {
	r, err := name.ParseReference("alpine:3.10")
	if err != nil {
		t.Fatal(err)
	}
	img := &assay.Image{RepoDigests: []string{"sha256:0"}}
	names(img, r)
	if img.RepoTags[0] != "docker.io/library/alpine:3.10" || img.RepoDigests[0] != "docker.io/library/alpine@sha256:0" {
		t.Errorf("names %v, %v", img.RepoTags, img.RepoDigests)
	}
	places, err := mirrors(r, assay.SourceOptions{Mirrors: map[string][]string{"docker.io": {"mirror.example.org/hub"}}})
	if err != nil || len(places) != 1 || places[0].ref.String() != "mirror.example.org/hub/library/alpine:3.10" {
		t.Errorf("mirrors %v, %v", places, err)
	}
}

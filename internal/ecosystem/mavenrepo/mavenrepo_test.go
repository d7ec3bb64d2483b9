package mavenrepo

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/google/go-cmp/cmp"
)

const password = "s3cret-word"

// A host is a repository on a loopback address.
type host struct {
	*httptest.Server
	files    map[string]string           // by path
	handlers map[string]http.HandlerFunc // instead of a file
	requests atomic.Int64
	mu       sync.Mutex
	auth     []string
}

func newHost(t *testing.T, files map[string]string) *host {
	h := &host{files: files, handlers: map[string]http.HandlerFunc{}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.requests.Add(1)
		h.mu.Lock()
		if user, pass, ok := r.BasicAuth(); ok {
			h.auth = append(h.auth, user+":"+pass)
		}
		h.mu.Unlock()
		if f := h.handlers[r.URL.Path]; f != nil {
			f(w, r)
			return
		}
		if path, ok := strings.CutSuffix(r.URL.Path, ".sha1"); ok && h.files[r.URL.Path] == "" && h.files[path] != "" {
			sum := sha1.Sum([]byte(h.files[path]))
			fmt.Fprintln(w, hex.EncodeToString(sum[:]), filepath.Base(path))
			return
		}
		content, ok := h.files[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		io.WriteString(w, content)
	}))
	t.Cleanup(h.Close)
	return h
}

// home is a home directory with files below .m2.
func home(t *testing.T, files map[string]string) string {
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, ".m2", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mirrorAll(url string) string {
	return "<settings><mirrors><mirror><id>m</id><url>" + url + "</url><mirrorOf>*</mirrorOf></mirror></mirrors></settings>"
}

func session(t *testing.T, o Options) *Session {
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	s := New(o)
	t.Cleanup(s.Close)
	return s
}

func ask(names ...string) (out []assay.PublishedPackage) {
	for _, n := range names {
		name, version, _ := strings.Cut(n, "@")
		out = append(out, assay.PublishedPackage{Type: assay.TypeMaven, Name: name, Version: version})
	}
	return out
}

// got writes manifests as their content, or as their error.
func got(ms []assay.Manifest) (out []string) {
	for _, m := range ms {
		switch {
		case errors.Is(m.Err, assay.ErrNotFound):
			out = append(out, "none")
		case m.Err != nil:
			out = append(out, "error")
		default:
			out = append(out, string(m.Content))
		}
	}
	return out
}

func gapsOf(s *Session, replace string) (out []string) {
	for _, g := range s.Gaps() {
		out = append(out, strings.ReplaceAll(g.Where+": "+g.What, replace, "HOST"))
	}
	return out
}

// memory is a cache.
type memory struct{ sync.Map }

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	if v, ok := m.Load(key); ok {
		return v.([]byte), nil
	}
	return nil, assay.ErrNotFound
}

func (m *memory) Put(_ context.Context, key string, value []byte) error {
	m.Store(key, value)
	return nil
}

func TestManifests(t *testing.T) {
	h := newHost(t, map[string]string{"/a/b/c/1/c-1.pom": "<project>1</project>", "/a/b/c/2/c-2.pom": "<?xml version='1.0' encoding='ISO-8859-1'?><!-- \xe9 --><project>2</project>"})
	dir := home(t, map[string]string{"settings.xml": mirrorAll(h.URL), "repository/l/l/3/l-3.pom": "<project>local</project>"})
	m := &memory{}
	names := []string{"a.b:c@1", "a.b:c@2", "l:l@3", "a.b:none@1", "a.b:c@1"}
	want := []string{"<project>1</project>", h.files["/a/b/c/2/c-2.pom"], "<project>local</project>", "none", "<project>1</project>"}
	s := session(t, Options{Home: dir, Cache: m})
	if d := cmp.Diff(want, got(s.Manifests(t.Context(), ask(names...)))); d != "" {
		t.Error(d)
	}
	if gaps := s.Gaps(); gaps != nil {
		t.Errorf("gaps %v", gaps)
	}
	first := h.requests.Load()
	if first != 5 { // two files with checksums, and one that does not exist
		t.Errorf("%d requests", first)
	}
	s.Manifests(t.Context(), ask(names...))
	if n := h.requests.Load(); n != first {
		t.Errorf("%d requests of what was asked before", n-first)
	}
	again := session(t, Options{Home: dir, Cache: m, Offline: true})
	if d := cmp.Diff([]string{want[0], want[1], want[2], "error", want[0]}, got(again.Manifests(t.Context(), ask(names...)))); d != "" {
		t.Error(d)
	}
	if n := h.requests.Load(); n != first {
		t.Errorf("%d requests offline", n-first)
	}
	if d := cmp.Diff([]string{"Maven repositories: fetching is turned off, and the local repository and the cache do not have all: 1 Maven project is unknown: a.b:none@1"}, gapsOf(again, h.URL)); d != "" {
		t.Error(d)
	}
}

func TestHostileNames(t *testing.T) {
	h := newHost(t, nil)
	s := session(t, Options{Home: home(t, map[string]string{"settings.xml": mirrorAll(h.URL), "secret.pom": "<project/>"})})
	for _, name := range []string{"a", "..:..@..", "a:../../x@1", "a/b:c@1", "a..b:c@1", "a:c@1/2", "a:b@.", "a:b@1?x", "a:b%2f@1", ":@", "a:b\x00@1"} {
		if m := s.Manifests(t.Context(), ask(name)); !errors.Is(m[0].Err, assay.ErrNotFound) {
			t.Errorf("%s: %v", name, m[0].Err)
		}
	}
	if n := h.requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestFailures: each cause is one gap, whatever the number of projects, and the gap is the
// same each time.
func TestFailures(t *testing.T) {
	pom := "<project/>"
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for _, tt := range []struct {
		name   string
		handle http.HandlerFunc
		want   string
		most   int64 // requests; 0 means any

		timeout time.Duration // 0 means the default
	}{
		{"forbidden", status(403), "HTTP 403 Forbidden", maxFailures + maxParallel, 0},
		{"rate limit", status(429), "HTTP 429 Too Many Requests: rate limit reached", maxParallel, 0},
		{"unauthorized", status(401), "HTTP 401 Unauthorized", maxParallel, 0},
		{"broken", status(502), "HTTP 502 Bad Gateway", maxFailures + maxParallel, 0},
		{"page", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<!DOCTYPE html><html><br></html>") }, "the answer is a page in HTML: malformed", 0, 0},
		{"text", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "try again later") }, "the answer is not XML: malformed", 0, 0},
		{"other document", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<settings/>") }, "the answer is not a <project>: malformed", 0, 0},
		{"wrong checksum", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".sha1") {
				io.WriteString(w, strings.Repeat("0", 40))
				return
			}
			io.WriteString(w, pom)
		}, "content differs from its SHA-1 checksum", 0, 0},
		{"wrong checksum in a header", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Checksum-Sha1", strings.Repeat("0", 40))
			io.WriteString(w, pom)
		}, "content differs from its SHA-1 checksum", 0, 0},
		{"no checksum", func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".sha1") {
				io.WriteString(w, "<html>")
				return
			}
			io.WriteString(w, pom)
		}, "checksum: not a SHA-1: malformed", 0, 0},
		{"redirect to itself", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, "redirected more than 5 times", 0, 0},
		{"redirect elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		}, "redirected to a link-local address", 0, 0},
		{"endless", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<project>")
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, "answer of more than 1048576 bytes: too large", 0, 0},
		{"slow", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "no complete answer within 300ms", 0, 300 * time.Millisecond},
		{"slow body", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "<project>")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "no complete answer within 300ms", 0, 300 * time.Millisecond},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "<project>")
		}, "the answer is cut off", 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, nil)
			var names []string
			for i := range 40 {
				names = append(names, fmt.Sprintf("g:a%02d@1", i))
				h.handlers[fmt.Sprintf("/g/a%02d/1/a%02d-1.pom", i, i)] = tt.handle
				h.handlers[fmt.Sprintf("/g/a%02d/1/a%02d-1.pom.sha1", i, i)] = tt.handle
			}
			s := session(t, Options{Home: home(t, map[string]string{"settings.xml": mirrorAll(h.URL)}), Timeout: tt.timeout, MaxSize: 1 << 20})
			for i, m := range s.Manifests(t.Context(), ask(names...)) {
				if m.Err == nil || errors.Is(m.Err, assay.ErrNotFound) {
					t.Fatalf("%s: %v", names[i], m.Err)
				}
			}
			if d := cmp.Diff([]string{"HOST: " + tt.want + ": 40 Maven projects are unknown: g:a00@1, g:a01@1, g:a02@1 and 37 more"}, gapsOf(s, h.URL)); d != "" {
				t.Error(d)
			}
			if n := h.requests.Load(); tt.most > 0 && n > tt.most {
				t.Errorf("%d requests", n)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	h := newHost(t, nil)
	h.Close()
	s := session(t, Options{Home: home(t, map[string]string{"settings.xml": mirrorAll(h.URL)})})
	s.Manifests(t.Context(), ask("a:b@1", "a:c@1"))
	if d := cmp.Diff([]string{"HOST: dial: connect: connection refused: 2 Maven projects are unknown: a:b@1, a:c@1"}, gapsOf(s, h.URL)); d != "" {
		t.Error(d)
	}
}

func TestTimeIsBounded(t *testing.T) {
	h := newHost(t, nil)
	h.handlers["/a/b/1/b-1.pom"] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	s := session(t, Options{Home: home(t, map[string]string{"settings.xml": mirrorAll(h.URL)}), Total: 100 * time.Millisecond})
	s.Manifests(t.Context(), ask("a:b@1"))
	s.Manifests(t.Context(), ask("a:c@1"))
	gaps := gapsOf(s, h.URL)
	if d := cmp.Diff([]string{"HOST: no more time: Maven repositories are asked for 100ms in one scan: 2 Maven projects are unknown: a:b@1, a:c@1"}, gaps); d != "" {
		t.Error(d)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if m := session(t, Options{Home: home(t, map[string]string{"settings.xml": mirrorAll(h.URL)})}).Manifests(ctx, ask("a:b@1")); !errors.Is(m[0].Err, context.Canceled) {
		t.Error(m[0].Err)
	}
}

// TestCredentials: they go to hosts that settings.xml names only, and are in no message.
func TestCredentials(t *testing.T) {
	mirrorHost, other, evil := newHost(t, nil), newHost(t, nil), newHost(t, nil)
	denied := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }
	evil.handlers["/a/b/1/b-1.pom"] = denied
	mirrorHost.handlers["/a/b/1/b-1.pom"] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/elsewhere", http.StatusFound)
	}
	withPassword := strings.Replace(mirrorHost.URL, "http://", "http://someone:"+password+"@", 1)
	dir := home(t, map[string]string{"settings.xml": `<settings>
		<servers><server><id>m</id><username>robot</username><password>${env.PASS}</password></server><server><id>evil</id><username>robot</username><password>` + password + `</password></server></servers>
		<mirrors><mirror><id>m</id><url>` + withPassword + `</url><mirrorOf>central</mirrorOf></mirror></mirrors></settings>`})
	s := session(t, Options{Home: dir, Getenv: func(name string) string { return map[string]string{"PASS": password}[name] }})
	p := ask("a:b@1")[0]
	p.Repositories = []assay.PackageRepository{{ID: "evil", URL: strings.Replace(evil.URL, "http://", "http://u:"+password+"@", 1)}}
	m := s.Manifests(t.Context(), []assay.PublishedPackage{p})
	if d := cmp.Diff([]string{"robot:" + password}, mirrorHost.auth); d != "" {
		t.Error(d)
	}
	if other.auth != nil || other.requests.Load() != 1 || evil.auth != nil || evil.requests.Load() != 1 {
		t.Errorf("credentials for others: %v %v", other.auth, evil.auth)
	}
	all := strings.Join(gapsOf(s, evil.URL), "\n") + fmt.Sprint(m[0].Err)
	if strings.Contains(all, password) || strings.Contains(all, "someone") {
		t.Error(all)
	}
	if !strings.Contains(all, "the credentials of server evil are only for hosts that settings.xml names") {
		t.Error(all)
	}
}

func TestBadSettings(t *testing.T) {
	for name, content := range map[string]string{
		"cut":      "<settings><servers><server><password>" + password,
		"wrong":    "<settings><servers><server><password>" + password + "</passwort></server>",
		"entity":   "<settings><servers><server><password>&" + password + ";</password></server></servers></settings>",
		"document": "<project><password>" + password + "</password></project>",
	} {
		s := session(t, Options{Home: home(t, map[string]string{"settings.xml": content}), Offline: true})
		s.Manifests(t.Context(), ask("a:b@1"))
		gaps := strings.Join(gapsOf(s, "HOST"), "\n")
		if !strings.Contains(gaps, "settings.xml: ") || strings.Contains(gaps, password) {
			t.Errorf("%s: %s", name, gaps)
		}
	}
}

func TestRepositories(t *testing.T) {
	for _, tt := range []struct {
		name, settings string
		named          []assay.PackageRepository
		want           []string
	}{
		{name: "Central", want: []string{"central " + centralURL}},
		{name: "build", named: []assay.PackageRepository{{ID: "own", URL: "https://own.example/r/"}, {ID: "own", URL: "https://again.example"}, {ID: "p", URL: "http://plain.example"}, {ID: "f", URL: "file:///etc"},
			{ID: "l", URL: "https://169.254.169.254/"}, {ID: "x", URL: "https://${x}"}, {ID: "s", URL: "scp://s.example"}, {ID: "central", URL: "https://central.example"}},
			want: []string{"own https://own.example/r", "p http://plain.example blocked", "f file:///etc blocked", "l https://169.254.169.254 blocked", "x Maven repository x blocked", "s scp://s.example blocked", "central https://central.example"}},
		{name: "old address", named: []assay.PackageRepository{{ID: "central", URL: "http://repo1.maven.org/maven2"}}, want: []string{"central https://repo1.maven.org/maven2"}},
		{name: "mirror of all but one", settings: `<mirrors><mirror><id>m</id><url>https://m.example</url><mirrorOf>*,!own</mirrorOf></mirror></mirrors>`,
			named: []assay.PackageRepository{{ID: "own", URL: "https://own.example"}, {ID: "b", URL: "https://b.example"}}, want: []string{"own https://own.example", "m https://m.example"}},
		{name: "mirror of Central comes first", settings: `<mirrors><mirror><id>all</id><url>https://all.example</url><mirrorOf>*</mirrorOf></mirror><mirror><id>c</id><url>https://c.example</url><mirrorOf>central</mirrorOf></mirror></mirrors>`,
			named: []assay.PackageRepository{{ID: "own", URL: "https://own.example"}}, want: []string{"all https://all.example", "c https://c.example"}},
		{name: "external", settings: `<mirrors><mirror><id>m</id><url>https://m.example</url><mirrorOf>external:*</mirrorOf></mirror></mirrors>`,
			named: []assay.PackageRepository{{ID: "own", URL: "http://localhost:1"}}, want: []string{"own http://localhost:1", "m https://m.example"}},
		{name: "blocked", settings: `<mirrors><mirror><id>m</id><url>https://m.example</url><mirrorOf>external:http:*</mirrorOf><blocked>true</blocked></mirror></mirrors>`,
			named: []assay.PackageRepository{{ID: "own", URL: "http://own.example"}}, want: []string{"m https://m.example blocked", "central " + centralURL}},
		{name: "profiles", settings: `<profiles><profile><id>off</id><repositories><repository><id>off</id><url>https://off.example</url></repository></repositories></profile>
			<profile><id>on</id><repositories><repository><id>on</id><url>${env.AT}</url></repository></repositories></profile></profiles><activeProfiles><activeProfile>on</activeProfile></activeProfiles>`,
			want: []string{"on https://on.example", "central " + centralURL}},
		{name: "default profile", settings: `<profiles><profile><id>on</id><activation><activeByDefault>true</activeByDefault></activation><repositories><repository><id>on</id><url>file:///srv</url></repository></repositories></profile></profiles>`,
			want: []string{"on file:///srv", "central " + centralURL}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := session(t, Options{Home: home(t, map[string]string{"settings.xml": "<settings>" + tt.settings + "</settings>"}), Getenv: func(name string) string { return map[string]string{"AT": "https://on.example"}[name] }})
			s.open()
			var got []string
			for _, r := range s.repositories(tt.named) {
				text := r.id + " " + r.name
				if r.blocked != "" {
					text += " blocked"
				}
				got = append(got, text)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestLocalRepository(t *testing.T) {
	other := t.TempDir()
	path := filepath.Join(other, "a", "b", "1")
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(path, "b-1.pom"), []byte("<project/>"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"environment": {Home: home(t, map[string]string{"settings.xml": "<settings><localRepository>${env.REPO}</localRepository></settings>"})},
		"home":        {Home: home(t, map[string]string{"repository/a/b/1/b-1.pom": "<project/>"})},
		"file":        {Home: home(t, map[string]string{"settings.xml": mirrorAll("file://" + other)})},
	} {
		o.Getenv = func(name string) string { return map[string]string{"REPO": other}[name] }
		o.Offline = name != "file"
		s := session(t, o)
		if d := cmp.Diff([]string{"<project/>"}, got(s.Manifests(t.Context(), ask("a:b@1")))); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestVersions(t *testing.T) {
	h := newHost(t, map[string]string{"/a/b/maven-metadata.xml": "<metadata><versioning><versions><version>1.0</version><version> 1.1 </version></versions></versioning></metadata>",
		"/a/broken/maven-metadata.xml": "<metadata><versioning>", "/a/big/maven-metadata.xml": "<metadata><versioning><versions>" + strings.Repeat("<version>1</version>", maxVersions+1) + "</versions></versioning></metadata>"})
	dir := home(t, map[string]string{"settings.xml": mirrorAll(h.URL), "repository/a/b/maven-metadata-local.xml": "<metadata><versioning><versions><version>2.0</version></versions></versioning></metadata>"})
	s := session(t, Options{Home: dir})
	versions, err := s.Versions(t.Context(), ask("a:b")[0])
	if d := cmp.Diff([]string{"1.0", "1.1", "2.0"}, versions); d != "" || err != nil {
		t.Error(err, d)
	}
	if _, err := s.Versions(t.Context(), ask("a:none")[0]); !errors.Is(err, assay.ErrNotFound) {
		t.Error(err)
	}
	for _, name := range []string{"a:broken", "a:big"} {
		if _, err := s.Versions(t.Context(), ask(name)[0]); err == nil || errors.Is(err, assay.ErrNotFound) {
			t.Error(err)
		}
	}
	if gaps := gapsOf(s, h.URL); len(gaps) != 2 {
		t.Error(gaps)
	}
	offline := session(t, Options{Home: dir, Offline: true})
	if versions, err := offline.Versions(t.Context(), ask("a:b")[0]); len(versions) != 1 || err == nil || len(offline.Gaps()) != 1 {
		t.Error(versions, err, offline.Gaps())
	}
}

func TestSnapshot(t *testing.T) {
	h := newHost(t, map[string]string{
		"/a/b/1-SNAPSHOT/maven-metadata.xml": `<metadata><versioning><snapshot><timestamp>20260101.000000</timestamp><buildNumber>3</buildNumber></snapshot>
			<snapshotVersions><snapshotVersion><extension>jar</extension><value>x</value></snapshotVersion><snapshotVersion><extension>pom</extension><value>1-20260102.000000-4</value></snapshotVersion></snapshotVersions></versioning></metadata>`,
		"/a/b/1-SNAPSHOT/b-1-20260102.000000-4.pom": "<project>4</project>",
		"/a/c/1-SNAPSHOT/maven-metadata.xml":        `<metadata><versioning><snapshot><timestamp>20260101.000000</timestamp><buildNumber>3</buildNumber></snapshot></versioning></metadata>`,
		"/a/c/1-SNAPSHOT/c-1-20260101.000000-3.pom": "<project>3</project>",
		"/a/d/1-SNAPSHOT/d-1-SNAPSHOT.pom":          "<project>d</project>",
	})
	m := &memory{}
	s := session(t, Options{Home: home(t, nil), Cache: m})
	packages := ask("a:b@1-SNAPSHOT", "a:c@1-SNAPSHOT", "a:d@1-SNAPSHOT")
	for i := range packages {
		packages[i].Repositories = []assay.PackageRepository{{ID: "s", URL: h.URL, NoReleases: true}}
	}
	if d := cmp.Diff([]string{"<project>4</project>", "<project>3</project>", "<project>d</project>"}, got(s.Manifests(t.Context(), packages))); d != "" {
		t.Error(d)
	}
	m.Range(func(key, _ any) bool { t.Errorf("cached: %v", key); return true })
}

func FuzzDocuments(f *testing.F) {
	f.Add(mirrorAll("https://x.example"))
	f.Add("<metadata><versioning><versions><version>1</version></versions><snapshot><timestamp>1</timestamp><buildNumber>2</buildNumber></snapshot></versioning></metadata>")
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := parseSettings([]byte(text), func(string) string { return "" }, "/home/u"); err == nil {
			x := session(t, Options{Offline: true})
			x.open()
			x.settings = s
			x.repositories([]assay.PackageRepository{{ID: "a", URL: text}})
		}
		if m, err := parseMetadata([]byte(text)); err == nil && !isFileName(m.snapshot("1-SNAPSHOT")) {
			t.Error(m.snapshot("1-SNAPSHOT"))
		}
	})
}

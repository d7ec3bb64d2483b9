package vexhub

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/fetch"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const (
	index    = `{"updated_at":"2025-01-02T00:00:00Z","packages":[{"id":"pkg:golang/h.example/a","location":"./pkg/a/vex.json"},{"id":"pkg:npm/b","location":"pkg/b.json","format":"csaf"},{"id":"b","location":"x"}]}`
	document = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"d","author":"H","timestamp":"2025-01-02T00:00:00Z","statements":[
{"vulnerability":{"name":"CVE-2025-1"},"products":[{"@id":"https://h.example/a","identifiers":{"purl":"pkg:golang/h.example/a@v1","cpe23":"cpe:2.3:o:debian:debian_linux:*:*:*:*:*:*:*:*"}},{"@id":"pkg:golang/h.example/victim"}],"status":"not_affected","justification":"component_not_present"}]}`
)

func members(prefix string) []contract.Member {
	return []contract.Member{{Name: prefix + "index.json", Content: index}, {Name: prefix + "pkg/a/vex.json", Content: document}, {Name: prefix + "pkg/b.json", Content: "{"},
		{Name: "../../etc/passwd", Content: "x"}, {Name: "/pkg/c.json", Content: document}}
}

// A server has repositories, and notes what it was asked for.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	docs  map[string]string
	asked []string
	fails bool
}

func serve(t *testing.T) *server {
	s := &server{docs: map[string]string{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		d, ok := s.docs[r.URL.Path]
		tag := `"` + r.URL.Path + string(rune('a'+len(d)%26)) + `"`
		switch {
		case s.fails:
			http.Error(w, "down", http.StatusForbidden)
		case !ok:
			http.NotFound(w, r)
		case r.Header.Get("If-None-Match") == tag:
			s.asked = append(s.asked, r.URL.Path+" again")
			w.WriteHeader(http.StatusNotModified)
		default:
			s.asked = append(s.asked, r.URL.Path)
			w.Header().Set("ETag", tag)
			io.WriteString(w, d)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// hub puts a repository on the server: at /NAME, with an archive.
func (s *server) hub(name, archive, directory string, content []byte) Repository {
	s.docs["/"+name+"/.well-known/vex-repository.json"] = `{"name":"H ` + name + `","versions":[{"spec_version":"1.0","locations":[{"url":"https://h.example/1.zip"}]},
{"spec_version":"0.1","locations":[{"url":"ftp://h.example"},{"url":"` + s.URL + `/` + name + `/none.zip"},{"url":"` + s.URL + `/` + name + `/` + archive + directory + `"}],"update_interval":"1h"}]}`
	s.docs["/"+name+"/"+archive] = string(content)
	return Repository{Name: name, URL: s.URL + "/" + name, Enabled: true}
}

func hubs(t *testing.T, dir string, now time.Time) *Hubs {
	t.Helper()
	docs := filepath.Join(dir, "documents")
	asks, err := fetch.New(fetch.Options{Dir: docs, Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	held, err := fetch.New(fetch.Options{Dir: docs, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	return &Hubs{Dir: filepath.Join(dir, "repositories"), Fetch: asks, Cached: held, Now: func() time.Time { return now }}
}

var noon = time.Date(2025, 1, 2, 12, 0, 0, 0, time.UTC)

func TestFind(t *testing.T) {
	s := serve(t)
	for _, tt := range []struct {
		name, archive, folder string
		content               []byte
	}{
		{"zip", "vex.zip", "", contract.Zip(members("")...)},
		{"tar", "vex.tar.gz", "", contract.TarGz(members("")...)},
		{"folder", "main.tar.gz", "//hub-main", contract.TarGz(members("hub-main/")...)},
		{"folders", "main.zip", "//hub-main/vex", contract.Zip(members("hub-main/vex/")...)},
		{"dots", "main.zip", "//../hub-main", contract.Zip(members("./hub-main/")...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := s.hub(tt.name, tt.archive, tt.folder, tt.content)
			h := hubs(t, t.TempDir(), noon)
			if _, old, err := h.Update(t.Context(), r, false); old != nil || err != nil {
				t.Fatal(old, err)
			}
			docs, gaps, err := h.Find(t.Context(), []Repository{r}, []string{"pkg:golang/h.example/a", "pkg:golang/h.example/victim", "pkg:golang/h.example/other"})
			if err != nil || len(docs) != 1 || len(gaps) != 1 || !strings.Contains(gaps[0].What, "entries of the index without a package URL or a document: 1") {
				t.Fatalf("%v %v %v", docs, gaps, err)
			}
			if p := docs[0].Statements[0].Products; docs[0].Name != tt.name+": pkg/a/vex.json" || len(p) != 1 || p[0].PURL != "pkg:golang/h.example/a@v1" || p[0].CPE+p[0].ID+p[0].Local != "" {
				t.Errorf("%s: %+v", docs[0].Name, p)
			}
			_, gaps, _ = h.Find(t.Context(), []Repository{r}, []string{"pkg:npm/b"})
			if len(gaps) != 2 || !strings.Contains(gaps[1].Where, "pkg/b.json") {
				t.Errorf("of a malformed document: %v", gaps)
			}
		})
	}
}

// TestUpdate: publishers are asked when their interval is over, and for what
// changed; what could not be got leaves the copy.
func TestUpdate(t *testing.T) {
	s, dir := serve(t), t.TempDir()
	r := s.hub("a", "vex.zip", "", contract.Zip(members("")...))
	const manifest, archive = "/a/.well-known/vex-repository.json", "/a/vex.zip"
	update := func(after time.Duration, force bool) (*State, error, error) {
		s.asked = nil
		return hubs(t, dir, noon.Add(after)).Update(t.Context(), r, force)
	}
	if st, old, err := update(0, false); err != nil || old != nil || st.Title != "H a" || !st.Checked.Equal(noon) {
		t.Fatal(st, old, err)
	}
	if d := cmp.Diff([]string{manifest, archive}, s.asked); d != "" {
		t.Error(d)
	}
	if _, _, err := update(59*time.Minute, false); err != nil || s.asked != nil {
		t.Error("within the interval:", s.asked, err)
	}
	if _, _, err := update(time.Minute, true); err != nil || len(s.asked) != 2 {
		t.Error("forced:", s.asked, err)
	}
	if st, _, err := update(2*time.Hour, false); err != nil || !st.Checked.Equal(noon.Add(2*time.Hour)) {
		t.Error(st, err)
	}
	if d := cmp.Diff([]string{manifest + " again", archive + " again"}, s.asked); d != "" {
		t.Error(d)
	}
	s.fails = true
	if st, old, err := update(4*time.Hour, false); st == nil || err != nil || old == nil || !strings.Contains(old.Error(), "the copy of 2025-01-02 is used") {
		t.Error(st, old, err)
	}
	h := hubs(t, dir, noon.Add(48*time.Hour))
	h.Fetch = nil
	if _, old, err := h.Update(t.Context(), r, false); old != nil || err != nil {
		t.Error("offline:", old, err)
	}
	if docs, gaps, err := h.Find(t.Context(), []Repository{r}, []string{"pkg:golang/h.example/a"}); len(docs) != 1 || err != nil {
		t.Error("offline:", docs, gaps, err)
	}
	other := r
	other.URL += "/other"
	if _, _, err := h.Update(t.Context(), other, false); !errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), "assay vex repo download a") {
		t.Error("never got:", err)
	}
	if _, _, err := hubs(t, t.TempDir(), noon).Update(t.Context(), r, false); err == nil || !strings.Contains(err.Error(), "VEX repository a: ") {
		t.Error("nothing to be had:", err)
	}
}

// TestPriority: of two repositories the first that has a document decides.
func TestPriority(t *testing.T) {
	s, dir := serve(t), t.TempDir()
	both := func(author, more string) []byte {
		return contract.Zip(contract.Member{Name: "index.json", Content: `{"packages":[{"id":"pkg:npm/a","location":"a.json"}` + more + `]}`},
			contract.Member{Name: "a.json", Content: `{"author":"` + author + `","statements":[{"vulnerability":"CVE-1","status":"fixed","products":["pkg:npm/a"]}]}`},
			contract.Member{Name: "b.json", Content: `{"author":"` + author + `","statements":[{"vulnerability":"CVE-1","status":"fixed","products":["pkg:npm/b"]}]}`})
	}
	first, second := s.hub("first", "1.zip", "", both("1", "")), s.hub("second", "2.zip", "", both("2", `,{"id":"pkg:npm/b","location":"b.json"}`))
	third := Repository{Name: "third", URL: s.URL, Enabled: true}
	h := hubs(t, dir, noon)
	for _, r := range []Repository{first, second} {
		if _, _, err := h.Update(t.Context(), r, false); err != nil {
			t.Fatal(err)
		}
	}
	find := func(all ...Repository) (out []string, gaps []assay.Gap) {
		docs, gaps, err := h.Find(t.Context(), all, []string{"pkg:npm/a", "pkg:npm/b"})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range docs {
			out = append(out, d.Name+" "+d.Author)
		}
		return out, gaps
	}
	got, _ := find(first, second)
	if d := cmp.Diff([]string{"first: a.json 1", "second: b.json 2"}, got); d != "" {
		t.Error(d)
	}
	got, gaps := find(third, second, first)
	if d := cmp.Diff([]string{"second: a.json 2", "second: b.json 2"}, got); d != "" || len(gaps) != 1 || gaps[0].Where != "VEX repository third" {
		t.Error(d, gaps)
	}
	second.Enabled = false
	if got, _ = find(second, first); len(got) != 1 {
		t.Error(got)
	}
}

// TestMirror reads the hub that is shared, from a directory that mirrors it.
func TestMirror(t *testing.T) {
	dir := corpus.Path(t, "feeds/github.com/aquasecurity/vexhub")
	work := t.TempDir()
	mirror := filepath.Join(work, "github.com", "aquasecurity", "vexhub")
	if err := os.CopyFS(mirror, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(mirror, "raw/main/vex-repository.json"))
	if err != nil {
		t.Fatal(err)
	}
	b = []byte(strings.ReplaceAll(string(b), "main.tar.gz", "main.zip")) // of the archive the other form is shared
	if err := os.WriteFile(filepath.Join(mirror, "raw/main/vex-repository.json"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := fetch.New(fetch.Options{Dir: filepath.Join(work, "documents"), Mirror: work, Offline: true})
	if err != nil {
		t.Fatal(err)
	}
	h := &Hubs{Dir: filepath.Join(work, "repositories"), Fetch: g, Cached: g}
	r := Default()[0]
	if st, old, err := h.Update(t.Context(), r, false); err != nil || old != nil || st.Title != "VEX Hub" {
		t.Fatal(st, old, err)
	}
	docs, gaps, err := h.Find(t.Context(), Default(), []string{"pkg:golang/github.com/aquasecurity/trivy", "pkg:oci/trivy?repository_url=ghcr.io%2Faquasecurity%2Ftrivy"})
	if err != nil || len(docs) != 2 || len(gaps) != 0 {
		t.Fatalf("%d documents, %v, %v", len(docs), gaps, err)
	}
	for _, d := range docs {
		if len(d.Statements) == 0 || len(d.Statements[0].Products) == 0 {
			t.Errorf("%s says nothing", d.Name)
		}
	}
}

// TestTrivysRepository reads the repository of Trivy's test suite, as a directory
// that the user names.
func TestTrivysRepository(t *testing.T) {
	from := corpus.Path(t, "conformance/trivy/vex/repositories/default")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	var files []contract.Member
	for name, at := range map[string]string{"index.json": filepath.Join(from, "0.1/index.json"), "openvex.json": corpus.Path(t, "conformance/trivy/vex/file/openvex.json")} {
		b, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, contract.Member{Name: "vex/" + name, Content: string(b)})
	}
	at := filepath.Join(dir, "vex.tar.gz")
	if err := os.WriteFile(at, contract.TarGz(files...), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "vex-repository.json"))
	if err != nil {
		t.Fatal(err)
	}
	url := "file://" + filepath.ToSlash(dir)
	if err := os.WriteFile(filepath.Join(dir, "vex-repository.json"), []byte(strings.ReplaceAll(string(b), "never used", "file://"+filepath.ToSlash(at)+"//vex")), 0o600); err != nil {
		t.Fatal(err)
	}
	h := hubs(t, t.TempDir(), noon)
	r := Repository{"default", url, true}
	if st, _, err := h.Update(t.Context(), r, false); err != nil || st.Interval != "24h" {
		t.Fatal(st, err)
	}
	docs, gaps, err := h.Find(t.Context(), []Repository{r}, []string{"pkg:golang/github.com/testdata/testdata"})
	if err != nil || len(docs) != 1 || len(gaps) != 0 || docs[0].Statements[0].Vulnerability != "CVE-2022-23628" {
		t.Errorf("%v %v %v", docs, gaps, err)
	}
}

// TestHostile: archives and indexes that are none, or too large, name the place.
func TestHostile(t *testing.T) {
	s := serve(t)
	for _, tt := range []struct {
		name    string
		content []byte
		says    string
		want    error
	}{
		{"cut", contract.Zip(members("")...)[:50], "vex.zip", assay.ErrMalformed},
		{"page", []byte("<!DOCTYPE html>"), "vex.zip", assay.ErrMalformed},
		{"none", contract.Zip(contract.Member{Name: "a", Content: "a"}), "no index.json", assay.ErrMalformed},
		{"index", contract.Zip(contract.Member{Name: "index.json", Content: "[]"}), "index.json", assay.ErrMalformed},
		{"many", contract.Zip(contract.Member{Name: "index.json", Content: `{"packages":[` + strings.Repeat("{},", maxPackages) + `{}]}`}), "packages", assay.ErrTooLarge},
	} {
		_, _, err := hubs(t, t.TempDir(), noon).Update(t.Context(), s.hub(tt.name, "vex.zip", "", tt.content), false)
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	for name, m := range map[string]string{"no manifest": "{", "no versions": `{"versions":7}`, "none that is known": `{"versions":{"v1":{"spec_version":"v1.0","locations":[{"url":"https://h.example"}]}}}`} {
		if _, _, err := parseManifest([]byte(m), true); err == nil {
			t.Errorf("%s is one", name)
		}
	}
	plain := `{"versions":{"v0":{"spec_version":"v0.1","locations":[{"url":"http://h.example/a.zip"},{"url":"file:///etc/passwd"}]}}}`
	if _, _, err := parseManifest([]byte(plain), true); !errors.Is(err, assay.ErrUnsupported) {
		t.Errorf("what was found by https leads elsewhere: %v", err)
	}
	if _, l, err := parseManifest([]byte(plain), false); err != nil || len(l) != 2 {
		t.Errorf("%v %v", l, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := hubs(t, t.TempDir(), noon).Update(ctx, s.hub("ctx", "vex.zip", "", nil), false); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestLoad(t *testing.T) {
	if got, err := Load(filepath.Join(t.TempDir(), "none.yaml")); err != nil || len(got) != 1 || got[0].URL != DefaultURL {
		t.Error(got, err)
	}
	if got, err := parse("c.yaml", []byte(DefaultConfig)); err != nil || cmp.Diff(Default(), got) != "" {
		t.Error(got, err)
	}
	got, err := Load(corpus.Path(t, "conformance/trivy/vex/config/repository.yaml"))
	if err != nil || cmp.Diff([]Repository{{"default", "https://localhost", true}}, got) != "" {
		t.Error(got, err)
	}
	for _, bad := range []string{"repositories: 7", "repositories: [{url: https://h.example}]", "repositories: [{name: a/b, url: https://h.example}]", "repositories: [{name: a}]",
		"repositories: [{name: a, url: ftp://h.example}]", "repositories: [{name: a, url: https://h.example, token: x}]",
		"repositories: [{name: a, url: https://h.example}, {name: a, url: https://h.example}]", "repositories: [" + strings.Repeat("{name: a},", maxRepositories+1) + "]", ": ["} {
		if _, err := parse("c.yaml", []byte(bad)); err == nil {
			t.Errorf("%.60s is taken", bad)
		}
	}
	for text, says := range map[string]string{
		"repositories:\n- name: a\n  url: https://h.example\n  enabld: false\n":         `c.yaml:4: unknown key "enabld"; known: name, url, enabled`,
		"repositories:\n- name: a\n  url: https://h.example\n  enabled: no way\n":       `c.yaml:4: enabled "no way" is neither true nor false`,
		"repositories:\n- name: a\n  url: ftp://h.example\n":                            `c.yaml:3: a: url: `,
		"repositories:\n- url: https://h.example\n":                                     `c.yaml:2: name ""`,
		"repositories:\n- name: a\n  name: b\n":                                         `c.yaml:3: duplicate key "name"`,
		"repositories:\n- {name: a, url: 'https://a'}\n- {name: a, url: 'https://b'}\n": `c.yaml:3: duplicate name a`,
		"repositories:\n- name: [a]\n":                                                  `c.yaml:2: name: want text`,
		"repositories:\n- a\n":                                                          `c.yaml:2: not a mapping with the keys name`,
		"repository: []\n":                                                              `c.yaml:1: unknown key "repository"`,
		"a:\n  b: [":                                                                    `c.yaml:3: `,
	} {
		if _, err := parse("c.yaml", []byte(text)); err == nil || !strings.HasPrefix(err.Error(), says) || !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%q: %v, want %s", text, err, says)
		}
	}
	for text, want := range map[string]int{"": 0, "# nothing": 0, "repositories:": 0, "repositories: [&a {name: a, url: 'https://h.example', enabled: false}]": 1, "repositories:\n- name: a\n  enabled:\n  url: https://h.example\n": 1} {
		if got, err := parse("c.yaml", []byte(text)); err != nil || len(got) != want || strings.Contains(text, "false") && got[0].Enabled {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for url, want := range map[string]string{
		DefaultURL: DefaultURL + "/raw/main/vex-repository.json", "https://github.com/o/r.git/": "https://github.com/o/r/raw/main/vex-repository.json",
		"https://h.example": "https://h.example/.well-known/vex-repository.json", "https://h.example/x.json": "https://h.example/x.json", "file:///srv/vex": "file:///srv/vex/vex-repository.json",
	} {
		if got := (Repository{URL: url}).manifestURL(); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(DefaultConfig))
	f.Add([]byte("repositories:\n- &a {name: a, url: 'https://h.example', enabled: false}\n- *a\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := parse("c.yaml", b)
		if err != nil && (!strings.HasPrefix(err.Error(), "c.yaml:") || !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) && !errors.Is(err, assay.ErrUnsupported)) {
			t.Errorf("%v tells no place, or no kind", err)
		}
		for _, r := range all {
			if !names.MatchString(r.Name) || r.manifestURL() == "" {
				t.Errorf("%+v", r)
			}
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"versions":[{"spec_version":"0.1","locations":[{"url":"https://h.example/a.zip//b"}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, locations, err := parseManifest(b, true)
		if err == nil && (s == nil || len(locations) == 0) {
			t.Error("neither an archive nor an error")
		}
		for _, l := range locations {
			if !strings.HasPrefix(strings.ToLower(l), "https://") {
				t.Error(l)
			}
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(index))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := &archive{documents: map[string]string{}, packages: map[string]map[string]bool{}}
		if err := a.index(b); err != nil {
			return
		}
		for id, at := range a.documents {
			if at == "" || strings.HasPrefix(at, "/") || strings.HasPrefix(at, "../") || !a.packages[at][id] {
				t.Errorf("%s: %q", id, at)
			}
		}
	})
}

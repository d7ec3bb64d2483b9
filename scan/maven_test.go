package scan_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/scan"
	"github.com/google/go-cmp/cmp"
)

const mavenPassword = "s3cret-word"

// mavenHost is a Maven repository on this machine that wants a password. It counts requests.
func mavenHost(t *testing.T, poms map[string]string) (*httptest.Server, *atomic.Int64) {
	var requests atomic.Int64
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if _, password, _ := r.BasicAuth(); password != mavenPassword {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		text, ok := poms[r.URL.Path]
		switch {
		case !ok:
			http.NotFound(w, r)
		case text == "403":
			w.WriteHeader(http.StatusForbidden)
		default:
			fmt.Fprint(w, text)
		}
	}))
	t.Cleanup(h.Close)
	return h, &requests
}

// mavenSettings is a settings.xml with a mirror of all repositories.
func mavenSettings(t *testing.T, url string) string {
	dir := contract.WriteDir(t, contract.File{Name: "settings.xml", Content: `<settings><localRepository>` + t.TempDir() + `</localRepository>
		<servers><server><id>m</id><username>robot</username><password>` + mavenPassword + `</password></server></servers>
		<mirrors><mirror><id>m</id><url>` + url + `</url><mirrorOf>*</mirrorOf></mirror></mirrors></settings>`})
	return filepath.Join(dir, "settings.xml")
}

func pomOf(artifact, content string) string {
	return "<project><groupId>g</groupId><artifactId>" + artifact + "</artifactId><version>1</version>" + content + "</project>"
}

func pomNeeds(names ...string) string {
	text := "<dependencies>"
	for _, n := range names {
		text += "<dependency><groupId>g</groupId><artifactId>" + n + "</artifactId><version>1</version></dependency>"
	}
	return text + "</dependencies>"
}

// scanMaven scans a directory and returns the references of packages, and the gaps.
func scanMaven(t *testing.T, dir string, m *scan.Maven, change func(*scan.Request)) (refs, gaps []string) {
	t.Helper()
	img, err := scan.OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	request := scan.Request{Image: img, ListOnly: true, Maven: m, Cache: scan.LayerCache(t.TempDir()), Packages: scan.Packages{NoSystem: true}}
	if change != nil {
		change(&request)
	}
	r, err := scan.Scan(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Packages {
		refs = append(refs, p.Ref())
	}
	for _, g := range r.Gaps {
		gaps = append(gaps, g.Where+": "+g.What)
	}
	slices.Sort(refs)
	return refs, gaps
}

// TestMaven: a build without a lock file is resolved from repositories, once; with offline
// no socket is opened, and what is cached is used.
func TestMaven(t *testing.T) {
	h, requests := mavenHost(t, map[string]string{"/g/a/1/a-1.pom": pomOf("a", pomNeeds("b")), "/g/b/1/b-1.pom": pomOf("b", "")})
	dir := contract.WriteDir(t, contract.File{Name: "pom.xml", Content: pomOf("app", pomNeeds("a"))})
	options := scan.MavenOptions{CacheDir: t.TempDir(), Settings: mavenSettings(t, h.URL)}
	all := []string{"g:a@1", "g:app@1", "g:b@1"}
	open := func(offline bool) *scan.Maven {
		o := options
		o.Offline = offline
		m, err := scan.OpenMaven(o)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}

	refs, gaps := scanMaven(t, dir, open(true), nil)
	if d := cmp.Diff(all[:2], refs); d != "" || len(gaps) != 2 {
		t.Error(gaps, d)
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests offline", n)
	}
	for range 2 {
		refs, gaps = scanMaven(t, dir, open(false), nil)
		if d := cmp.Diff(all, refs); d != "" || len(gaps) > 0 {
			t.Error(gaps, d)
		}
	}
	if n := requests.Load(); n != 4 { // two poms, two checksums
		t.Errorf("%d requests", n)
	}
	refs, gaps = scanMaven(t, dir, open(true), nil)
	if d := cmp.Diff(all, refs); d != "" || len(gaps) > 0 {
		t.Error(gaps, d)
	}
	for name, change := range map[string]func(*scan.Request){
		"image":  func(r *scan.Request) { r.Image.Kind = assay.KindImage },
		"rootfs": func(r *scan.Request) { r.Scopes = scan.Scopes(assay.KindImage) },
		"none":   func(r *scan.Request) { r.Maven = nil },
	} {
		o := options
		o.CacheDir = t.TempDir()
		m, err := scan.OpenMaven(o)
		if err != nil {
			t.Fatal(err)
		}
		scanMaven(t, dir, m, change)
		if n := requests.Load(); n != 4 {
			t.Errorf("%s: %d requests", name, n-4)
		}
	}
}

// TestMavenFailures: what a repository refuses is one gap, for all projects of the tree, and
// no message has the password.
func TestMavenFailures(t *testing.T) {
	h, _ := mavenHost(t, map[string]string{"/g/a/1/a-1.pom": "403", "/g/b/1/b-1.pom": "403", "/g/c/1/c-1.pom": "403"})
	dir := contract.WriteDir(t, contract.File{Name: "x/pom.xml", Content: pomOf("x", pomNeeds("a", "b"))}, contract.File{Name: "y/pom.xml", Content: pomOf("y", pomNeeds("b", "c"))})
	m, err := scan.OpenMaven(scan.MavenOptions{CacheDir: t.TempDir(), Settings: mavenSettings(t, strings.Replace(h.URL, "http://", "http://someone:"+mavenPassword+"@", 1))})
	if err != nil {
		t.Fatal(err)
	}
	_, first := scanMaven(t, dir, m, nil)
	_, gaps := scanMaven(t, dir, m, nil)
	want := []string{
		"x/pom.xml: maven-pom: what 2 dependencies need in turn is unknown, because no Maven repository gave the pom.xml: g:a@1, g:b@1",
		"y/pom.xml: maven-pom: what 2 dependencies need in turn is unknown, because no Maven repository gave the pom.xml: g:b@1, g:c@1",
		h.URL + ": HTTP 403 Forbidden: 3 Maven projects are unknown: g:a@1, g:b@1, g:c@1",
	}
	if d := cmp.Diff(want, gaps); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(first, gaps); d != "" {
		t.Errorf("the second scan differs: %s", d)
	}
	if text := strings.Join(gaps, "\n"); strings.Contains(text, mavenPassword) || strings.Contains(text, "someone") {
		t.Error(text)
	}
}

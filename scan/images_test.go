package scan_test

import (
	"archive/tar"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/cache"
	"github.com/assaysec/assay/internal/feed"
	"github.com/assaysec/assay/internal/source"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/internal/test/memory"
	"github.com/assaysec/assay/scan"
	"github.com/google/go-cmp/cmp"
)

// forms are the files that an image may be built as.
var forms = []string{".docker.tar", ".oci", ".oci.tar", ".zstd.oci.tar", ".estargz.oci.tar", ".zstdchunked.oci.tar"}

// small are the images that CI builds; the others take longer.
var small = []string{"debian-old", "distroless", "rpm-sqlite", "rpm-ndb", "rpm-bdb", "alpine", "httpd", "python", "node", "java", "polyglot"}

// open opens an image file, to be closed with the test.
func open(t testing.TB, path string) *assay.Image {
	t.Helper()
	img, err := source.Open(context.Background(), source.All(), "", source.Options{Input: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if img.Close != nil {
			img.Close()
		}
	})
	return img
}

// system lists the OS packages, "name version arch".
func system(r *assay.Report) []string {
	var out []string
	for _, p := range r.Packages {
		if p.IsSystem() {
			out = append(out, p.Name+" "+p.Version+" "+p.Arch)
		}
	}
	slices.Sort(out)
	return out
}

// TestImages compares the packages of every image that is built, in every form
// that it has, cold and cached, with what is really in its file system.
func TestImages(t *testing.T) {
	counts := map[string]int{"rpm-sqlite": 129, "rpm-ndb": 35, "rpm-bdb": 1, "alpine": 15}
	for _, name := range []string{"debian-old", "distroless", "rpm-sqlite", "rpm-ndb", "rpm-bdb", "alpine", "debian-base", "trixie-base", "httpd", "python", "java", "polyglot", "node", "big"} {
		t.Run(name, func(t *testing.T) {
			path := corpus.LargeImage
			if slices.Contains(small, name) {
				path = corpus.Image
			}
			want := truth(t, path(t, name+".truth.json"))
			seen := 0
			for _, form := range forms {
				file := strings.TrimSuffix(path(t, name+".truth.json"), ".truth.json") + form
				if _, err := os.Stat(file); err != nil {
					continue
				}
				seen++
				c := &cache.Dir{Path: t.TempDir()}
				for _, again := range []string{"cold", "cached"} {
					r, err := scan.Scan(context.Background(), scan.Request{Cache: c, Image: open(t, file)})
					if err != nil {
						t.Fatalf("%s, %s: %v", form, again, err)
					}
					if n, ok := counts[name]; ok {
						if len(r.Packages) != n {
							t.Errorf("%s, %s: %d packages, want %d", form, again, len(r.Packages), n)
						}
					} else if d := cmp.Diff(want, system(r)); d != "" {
						t.Errorf("%s, %s: packages (-truth +found):\n%s", form, again, d)
					}
					for _, g := range r.Gaps {
						if g.Where != "advisories" && !broken(g) {
							t.Errorf("%s, %s: gap %s", form, again, g)
						}
					}
				}
			}
			if seen < 2 {
				t.Errorf("only %d forms of the image", seen)
			}
		})
	}
}

// broken reports whether a gap is of the archives that Go's own tests break on
// purpose, and that its source in an image brings along.
func broken(g assay.Gap) bool {
	return strings.Contains(g.Where, "src/archive/zip/testdata/")
}

func truth(t testing.TB, path string) []string {
	t.Helper()
	var v struct{ Dpkg [][]string }
	readJSON(t, path, &v)
	var out []string
	for _, p := range v.Dpkg {
		out = append(out, strings.Join(p, " "))
	}
	slices.Sort(out)
	return out
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

// TestLayers: the package that a layer brought is said to come from it, the
// one that a layer upgraded from that layer.
func TestLayers(t *testing.T) {
	r, err := scan.Scan(context.Background(), scan.Request{Image: open(t, corpus.LargeImage(t, "httpd.docker.tar"))})
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]string{}
	for _, p := range r.Packages {
		by[p.Name] = fmt.Sprintf("%d %s", p.Layer.Index, p.Layer.CreatedBy)
	}
	for name, want := range map[string]string{
		"bash":    "0 debian bookworm",
		"apache2": "3 security upgrade", // installed by layer 1, upgraded by layer 3
	} {
		if !strings.HasPrefix(by[name], want) {
			t.Errorf("%s comes from %q, want %q", name, by[name], want)
		}
	}
}

// database is one built from the shared feeds, served as their publishers do.
func database(t testing.TB, dir string) *scan.Database {
	t.Helper()
	srv := httptest.NewServer(http.FileServer(http.Dir(corpus.Path(t, "feeds"))))
	t.Cleanup(srv.Close)
	d, err := scan.OpenDatabase(scan.DatabaseOptions{CacheDir: dir, Feeds: feed.All(), Fetch: scan.FetchOptions{Mirrors: []string{srv.URL}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestFindingsOfDebian compares findings in Debian's packages with what dpkg itself and the
// tracker's export, read anew here, say: every pair of package and
// vulnerability, none more, none less.
func TestFindingsOfDebian(t *testing.T) {
	if _, err := exec.LookPath("dpkg"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	for _, tt := range []struct {
		name, codename string
		path           func(testing.TB, string) string
	}{
		{"debian-old", "bullseye", corpus.Image}, {"distroless", "bookworm", corpus.Image}, {"python", "bullseye", corpus.LargeImage}, {"httpd", "bookworm", corpus.LargeImage},
		{"java", "bookworm", corpus.LargeImage}, {"big", "bookworm", corpus.LargeImage}, {"trixie-base", "trixie", corpus.LargeImage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			archive := tt.path(t, tt.name+".docker.tar")
			r, err := scan.Scan(context.Background(), scan.Request{Database: database(t, dir), Image: open(t, archive)})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			all := r.Findings
			for _, s := range r.Suppressed { // the kernel's headers
				if s.As != assay.StatusUnderInvestigation {
					all = append(all, s.Finding)
				}
			}
			for _, f := range all {
				if r.Packages[f.Package].Type != assay.TypeDeb {
					continue
				}
				got = append(got, r.Packages[f.Package].Name+" "+r.Packages[f.Package].Version+" "+f.ID+" "+f.FixedIn)
				if !strings.Contains(f.Because, string(f.Stream)) || !strings.Contains(f.Because, f.FixedIn) {
					t.Errorf("%s: because %q", f.ID, f.Because)
				}
			}
			slices.Sort(got)
			if installed := queried(t, archive); tt.name != "distroless" {
				if d := cmp.Diff(installed, system(r)); d != "" {
					t.Errorf("packages (-dpkg-query +found):\n%s", d)
				}
			}
			want := expected(t, archive, tt.codename)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("findings (-expected +found):\n%s", d)
			}
			t.Logf("%d pairs of package and vulnerability", len(want))
		})
	}
}

// queried lists what dpkg-query says is installed.
func queried(t testing.TB, archive string) []string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "status"), []byte(status(t, archive)), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := exec.Command("dpkg-query", "--admindir="+dir, "-W", "-f", "${db:Status-Status} ${Package} ${Version} ${Architecture}\n").Output()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(strings.TrimSpace(line), "installed "); ok {
			out = append(out, rest)
		}
	}
	slices.Sort(out)
	return out
}

var field = regexp.MustCompile(`(?m)^(Package|Status|Version|Source): *(.*)$`)

// expected computes the pairs with none of the scanner's code.
func expected(t testing.TB, archive, codename string) []string {
	t.Helper()
	var tracker map[string]map[string]struct {
		Releases map[string]struct {
			Status string
			Fixed  string `json:"fixed_version"`
		}
	}
	readJSON(t, corpus.Path(t, "feeds/security-tracker.debian.org/tracker/data/json"), &tracker)
	less := map[string]bool{}
	var out []string
	for stanza := range strings.SplitSeq(status(t, archive), "\n\n") {
		f := map[string]string{}
		for _, m := range field.FindAllStringSubmatch(stanza, -1) {
			f[m[1]] = m[2]
		}
		if s := f["Status"]; f["Package"] == "" || s != "" && !strings.HasSuffix(s, " installed") {
			continue
		}
		name, version := f["Package"], f["Version"]
		if s := f["Source"]; s != "" {
			name = s
			if i := strings.Index(s, " ("); i > 0 {
				name, version = s[:i], strings.TrimSuffix(s[i+2:], ")")
			}
		}
		for id, cve := range tracker[name] {
			rel := cve.Releases[codename]
			if rel.Status != "resolved" || rel.Fixed == "0" {
				continue
			}
			key := version + " lt " + rel.Fixed
			if _, ok := less[key]; !ok {
				less[key] = exec.Command("dpkg", "--compare-versions", version, "lt", rel.Fixed).Run() == nil
			}
			if less[key] {
				out = append(out, f["Package"]+" "+f["Version"]+" "+id+" "+rel.Fixed)
			}
		}
	}
	slices.Sort(out)
	return out
}

// status returns dpkg's stanzas of the image's uppermost layer that has them.
func status(t testing.TB, archive string) string {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	files := map[string]string{} // by layer
	var manifest []struct{ Layers []string }
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case h.Name == "manifest.json":
			if err := json.NewDecoder(r).Decode(&manifest); err != nil {
				t.Fatal(err)
			}
		case strings.HasSuffix(h.Name, ".tar") || strings.HasPrefix(h.Name, "blobs/"):
			for l := tar.NewReader(r); ; {
				h2, err := l.Next()
				if err != nil {
					break
				}
				name := strings.TrimPrefix(h2.Name, "./")
				if name == "var/lib/dpkg/status" || strings.HasPrefix(name, "var/lib/dpkg/status.d/") && h2.Typeflag == tar.TypeReg && !strings.HasSuffix(name, ".md5sums") {
					b, err := io.ReadAll(l)
					if err != nil {
						t.Fatal(err)
					}
					files[h.Name] += string(b) + "\n\n"
				}
			}
		}
	}
	last := ""
	for _, layer := range manifest[0].Layers {
		if files[layer] != "" {
			last = files[layer]
		}
	}
	return last
}

// TestAlpine: the vulnerabilities of a real image by the real secdb.
func TestAlpine(t *testing.T) {
	r, err := scan.Scan(context.Background(), scan.Request{Database: database(t, t.TempDir()), Image: open(t, corpus.Path(t, "conformance/trivy/images/alpine-310.tar.gz"))})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Packages) != 14 || len(r.Findings) != 20 || r.Release.Version != "3.10.4" && r.Release.Version != "3.10.2" {
		t.Errorf("Alpine %s: %d packages, %d findings; want 14 and 20", r.Release.Version, len(r.Packages), len(r.Findings))
	}
}

// adversarial says what must come of each hostile image: the packages that are
// found, a part of a gap, or a part of the error.
var adversarial = map[string]struct{ packages, gap, err string }{
	"traversal.docker": {packages: "sentinel 1.0-1"}, "long-names.docker": {packages: "sentinel 1.0-1"}, "symlinks.docker": {packages: "sentinel 1.0-1"},
	"status-behind-symlink.docker": {packages: "sentinel 1.0-1"}, "status-is-symlink-out.docker": {gap: "/proc/self/environ"},
	"hardlinks.docker": {packages: "sentinel 1.0-1"}, "hardlink-across-layers.docker": {packages: "sentinel 1.0-1"}, "devices.docker": {packages: "sentinel 1.0-1"},
	"whiteouts.docker": {packages: "sentinel 1.0-1", gap: "invalid whiteout without a name"}, "whiteout-order.docker": {packages: "sentinel 2.0-1"},
	"file-dir-swap.docker": {packages: "sentinel 1.0-1"}, "duplicate-entries.docker": {packages: "sentinel 3.0-1"},
	"format-gnu.docker": {packages: "sentinel 1.0-1"}, "format-ustar.docker": {packages: "sentinel 1.0-1"}, "sparse-1tib.docker": {packages: "sentinel 1.0-1"},
	"pax-headers.docker": {packages: "sentinel 1.0-1"}, "size-lie-huge.docker": {packages: "sentinel 1.0-1", gap: "truncated"},
	"size-negative.docker": {packages: "sentinel 1.0-1", gap: "tar header"}, "bad-checksum.docker": {packages: "sentinel 1.0-1", gap: "wrong checksum"},
	"trailing-garbage.docker": {packages: "sentinel 1.0-1"}, "no-eof-blocks.docker": {packages: "sentinel 1.0-1"}, "empty-layer.docker": {packages: "sentinel 1.0-1"},
	"truncated-layer-tar.docker": {packages: "sentinel 1.0-1", gap: "truncated"}, "million-entries.oci": {packages: "sentinel 1.0-1"},
	"gzip-bomb.oci": {packages: "sentinel 1.0-1"}, "gzip-bomb-in-parsed-file.oci": {packages: "sentinel 1.0-1", gap: "over the limit"},
	"gzip-bomb-lockfile.oci": {packages: "sentinel 1.0-1"}, "truncated-gzip.oci": {err: "sha256:"}, "corrupt-gzip.oci": {err: "sha256:"}, "bad-gzip-crc.oci": {err: "sha256:"},
	"wrong-blob-digest.oci": {err: "sha256:0000"}, "wrong-diffid.oci": {packages: "sentinel 1.0-1"}, "wrong-size.oci": {err: "sha256:"}, "missing-diffid.oci": {err: "diff IDs"},
	"multi-member-gzip.oci": {packages: "sentinel 1.0-1"}, "gzip-labelled-plain.oci": {packages: "sentinel 1.0-1"}, "plain-labelled-gzip.oci": {packages: "sentinel 1.0-1"},
	"unknown-mediatype.oci": {err: "application/vnd.example.encrypted"}, "foreign-layer.oci": {packages: "sentinel 1.0-1"},
	"config-not-json.docker": {err: "configuration"}, "config-deep-json.docker": {err: "depth"}, "manifest-empty-list.docker": {err: "no image"},
	"layer-missing.docker": {err: "nope.tar"}, "zero-bytes.docker": {err: "empty file"}, "not-a-tar.docker": {err: "not a tar"}, "manifest-traversal.docker": {err: "points outside the archive"},
	"same-layer-1000x.docker": {packages: "sentinel 1.0-1"}, "os-release-odd.docker": {packages: "sentinel 1.0-1"},
	"dpkg-malformed.docker": {packages: "aftergarbage 3, badver not a version!, crlf 1, dup 1, dup 2, half 2, longline 1, nofinalnewline 9, sentinel 1.0-1, source 1:2-3+b1", gap: "noversion"},
	"rpmdb-broken.docker":   {gap: "rpm: "}, "apk-malformed.docker": {packages: "last 2-r1, ok 1.0-r0", gap: "nover"}, "elf-odd.docker": {packages: "sentinel 1.0-1", gap: "go-binary: build information"},
	"jar-bomb.docker": {packages: "sentinel 1.0-1, org.example:outer 1.0", gap: "lib/z15.jar!/lib/zeros.jar"}, "jar-overlap.docker": {packages: "sentinel 1.0-1", gap: "more errors like these"},
	"jar-quine-like.docker": {packages: "sentinel 1.0-1", gap: "opt/eocd-lie.jar"}, "jar-traversal.docker": {packages: "sentinel 1.0-1, t 1", gap: "points outside the archive"},
	"nested-jar-20.docker":     {packages: "sentinel 1.0-1, org.example:l11 1.0, org.example:l12 1.0, org.example:l13 1.0, org.example:l14 1.0, org.example:l15 1.0, org.example:l16 1.0, org.example:l17 1.0, org.example:l18 1.0, org.example:l19 1.0", gap: "more than 8 nested archives"},
	"huge-package-json.docker": {packages: "sentinel 1.0-1", gap: "over the limit"}, "deep-package-json.docker": {packages: "sentinel 1.0-1, a 1.0.0"},
	"odd-package-json.docker": {packages: "sentinel 1.0-1, c 1.0.0, dd 1.0.0", gap: "name is not a string"}, "secrets.docker": {packages: "sentinel 1.0-1"},
}

// maxAdversarial bounds what a scan of a hostile image allocates in all, in bytes: a
// bomb that is unpacked, or work that goes with a square, is far over it.
const maxAdversarial = 512 << 20

// TestAdversarial scans hostile and broken images: each ends after little work, with
// what it holds, or with an error that names the place.
func TestAdversarial(t *testing.T) {
	for name, want := range adversarial {
		t.Run(name, func(t *testing.T) {
			path := corpus.Image(t, "adversarial/"+name+".tar")
			ctx := t.Context()
			allocated := memory.Allocated()
			defer func() {
				if n := allocated(); n > maxAdversarial {
					t.Errorf("%d MB allocated", n>>20)
				} else {
					t.Logf("%d MB allocated", n>>20)
				}
			}()
			img, err := source.Open(ctx, source.All(), "", source.Options{Input: path})
			var r *assay.Report
			if err == nil {
				if img.Close != nil {
					defer img.Close()
				}
				r, err = scan.Scan(ctx, scan.Request{SpoolDir: t.TempDir(), Image: img})
			}
			if want.err != "" {
				if err == nil || !strings.Contains(err.Error(), want.err) {
					t.Fatalf("error %v, want one with %q", err, want.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range r.Packages {
				got = append(got, p.Name+" "+p.Version)
			}
			if s := strings.Join(got, ", "); s != want.packages {
				t.Errorf("packages %q, want %q", s, want.packages)
			}
			gaps := ""
			for _, g := range r.Gaps {
				if g.Where != "advisories" {
					gaps += g.String() + "\n"
				}
			}
			if want.gap == "" && gaps != "" || !strings.Contains(gaps, want.gap) {
				t.Errorf("gaps %q, want one with %q", gaps, want.gap)
			}
		})
	}
}

// TestVerify: a layer whose content is not what its diff ID says is an error
// when that is to be checked.
func TestVerify(t *testing.T) {
	img, err := source.Open(context.Background(), source.All(), "", source.Options{Input: corpus.Image(t, "adversarial/wrong-diffid.oci.tar"), SourceOptions: assay.SourceOptions{Verify: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := scan.Scan(context.Background(), scan.Request{Verify: true, Image: img}); err == nil || !strings.Contains(err.Error(), "sha256:0000") {
		t.Errorf("error %v", err)
	}
}

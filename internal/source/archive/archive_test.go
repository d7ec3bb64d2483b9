package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tarstream"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func zstdBytes(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

func TestSources(t *testing.T) {
	m := contract.NewImage("example.org/app:1.0", "a", strings.Repeat("b", 10_000), "a")
	missing := filepath.Join(t.TempDir(), "none.tar")
	kaniko := kanikoFiles(m)
	for _, tt := range []struct {
		name    string
		source  assay.Source
		content []byte
		as      string
		seeks   bool
	}{
		{"docker save", Docker{}, contract.Tar(m.DockerSave()...), DockerName, true},
		{"docker save 25", Docker{}, contract.Tar(m.DockerSave25()...), DockerName, true},
		{"docker save 25 as a layout", OCI{}, contract.Tar(m.DockerSave25()...), OCIName, false},
		{"docker save with gzip", Docker{}, contract.Gzip(contract.Tar(m.DockerSave()...)), DockerName, true},
		{"docker save with zstd", Docker{}, zstdBytes(contract.Tar(m.DockerSave()...)), DockerName, true},
		{"docker save as oci-archive", OCI{}, contract.Tar(m.DockerSave()...), DockerName, true},
		{"containerd's store", Docker{}, contract.Tar(storeFiles(m)...), DockerName, false},
		{"layers compressed", Docker{}, contract.Tar(kaniko...), DockerName, false},
		{"layout", OCI{}, contract.Tar(m.Layout(contract.Gzip)...), OCIName, false},
		{"layout with zstd inside", OCI{}, contract.Tar(m.Layout(zstdBytes)...), OCIName, false},
		{"layout with gzip around", OCI{}, contract.Gzip(contract.Tar(m.Layout(contract.Gzip)...)), OCIName, false},
		{"layout as docker-archive", Docker{}, contract.Tar(m.Layout(contract.Gzip)...), OCIName, false},
		{"./ before names", Docker{}, contract.Tar(dotted(m.DockerSave())...), DockerName, true},
	} {
		for _, verify := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " verify ", verify), func(t *testing.T) {
				path := contract.WriteFile(t, "image.tar", tt.content)
				o := assay.SourceOptions{Verify: verify}
				contract.Source(t, contract.SourceCase{Source: tt.source, Ref: path + ":1.0", Unknown: missing, Options: o, Want: m})
				contract.Source(t, contract.SourceCase{Source: tt.source, Ref: path, Unknown: path + ":2.0", Options: o, Want: m})
				img := open1(t, tt.source, path, o)
				if img.Source != tt.as {
					t.Errorf("source %s, want %s", img.Source, tt.as)
				}
				r, err := img.Layers[1].Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				if _, seeks := r.(io.Seeker); seeks != (tt.seeks && !verify) {
					t.Errorf("seeks: %v, want %v", seeks, tt.seeks && !verify)
				}
			})
		}
	}
}

func open1(t *testing.T, s assay.Source, ref string, o assay.SourceOptions) *assay.Image {
	t.Helper()
	img, err := s.Open(t.Context(), ref, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { img.Close() })
	return img
}

// manifestOf is the file manifest.json.
func manifestOf(items ...map[string]any) contract.File {
	b, _ := json.Marshal(items)
	return contract.File{Name: manifestFile, Content: string(b)}
}

// kanikoFiles is m as kaniko and crane write it.
func kanikoFiles(m *contract.TestImage) []contract.File {
	conf := oci.Digest(m.Config)
	files := []contract.File{{Name: conf, Content: string(m.Config)}}
	var names []string
	for _, l := range m.Tars {
		z := contract.Gzip(l)
		names = append(names, strings.TrimPrefix(oci.Digest(z), "sha256:")+".tar.gz")
		files = append(files, contract.File{Name: names[len(names)-1], Content: string(z)})
	}
	return append(files, manifestOf(map[string]any{"Config": conf, "RepoTags": []string{m.Name}, "Layers": names}))
}

// storeFiles is m as Docker saves it out of containerd's store.
func storeFiles(m *contract.TestImage) []contract.File {
	var names []string
	for _, l := range m.Tars {
		names = append(names, contract.Blob(contract.Gzip(l)).Name)
	}
	return append(m.Layout(contract.Gzip), manifestOf(map[string]any{"Config": contract.Blob(m.Config).Name, "RepoTags": []string{m.Name}, "Layers": names}))
}

func dotted(files []contract.File) []contract.File {
	for i := range files {
		files[i].Name = "./" + files[i].Name
	}
	return files
}

func TestBroken(t *testing.T) {
	m := contract.NewImage("app:1", "a", strings.Repeat("b", 100_000))
	whole := contract.Tar(m.DockerSave()...)
	conf := oci.Digest(m.Config)[7:] + ".json"
	with := func(item map[string]any, more ...contract.File) []byte {
		return contract.Tar(append(append(m.DockerSave(), more...), manifestOf(item))...)
	}
	layers := []string{fmt.Sprintf("%064x/layer.tar", 1), fmt.Sprintf("%064x/layer.tar", 2)}
	change := func(name, content string) []byte {
		return contract.Tar(append(m.DockerSave(), contract.File{Name: name, Content: content})...)
	}
	for _, tt := range []struct {
		name    string
		content []byte
		err     error
		says    string
	}{
		{"empty", nil, assay.ErrMalformed, "empty file"},
		{"not a tar", bytes.Repeat([]byte("noise"), 1000), assay.ErrMalformed, "not a tar archive"},
		{"short", []byte("x"), assay.ErrMalformed, "truncated"},
		{"name too long", change(strings.Repeat("n", 5000), ""), assay.ErrTooLarge, "name"},
		{"tar of something else", contract.Tar(contract.File{Name: "README"}), assay.ErrMalformed, "not an image archive"},
		{"xz", []byte("\xfd7zXZ\x00\x00\x04 and more"), assay.ErrUnsupported, "xz"},
		{"cut in a layer", whole[:60_000], assay.ErrMalformed, "truncated"},
		{"cut in a header", whole[:1300], assay.ErrMalformed, "truncated"},
		{"gzip cut", contract.Gzip(whole)[:300], assay.ErrMalformed, "unpacking"},
		{"gzip of noise", contract.Gzip(bytes.Repeat([]byte("noise"), 1000)), assay.ErrMalformed, "not a tar archive"},
		{"manifest not JSON", change(manifestFile, "{not json"), assay.ErrMalformed, manifestFile},
		{"manifest lists nothing", change(manifestFile, "[]"), assay.ErrMalformed, "lists no image"},
		{"manifest null", change(manifestFile, "null"), assay.ErrMalformed, "lists no image"},
		{"manifest too large", change(manifestFile, strings.Repeat(" ", oci.MaxManifest+1)), assay.ErrTooLarge, manifestFile},
		{"manifest of too many images", change(manifestFile, "["+strings.Repeat("{},", 10_000)+"{}]"), assay.ErrTooLarge, manifestFile},
		{"config not JSON", with(map[string]any{"Config": "c", "Layers": layers}, contract.File{Name: "c", Content: "{not json"}), assay.ErrMalformed, `configuration "c"`},
		{"config too large", with(map[string]any{"Config": "c", "Layers": layers}, contract.File{Name: "c", Content: strings.Repeat(" ", oci.MaxConfig+1)}), assay.ErrTooLarge, `configuration "c"`},
		{"config not what it is called", change(conf, strings.Replace(string(m.Config), "linux", "LINUX", 1)), assay.ErrMalformed, "content has digest"},
		{"config missing", with(map[string]any{"Config": "none", "Layers": layers}), assay.ErrMalformed, "missing: the archive is incomplete"},
		{"config outside", with(map[string]any{"Config": "../../../../etc/passwd", "Layers": layers}), assay.ErrMalformed, "points outside the archive"},
		{"config absolute", with(map[string]any{"Config": "/etc/passwd", "Layers": layers}), assay.ErrMalformed, "points outside the archive"},
		{"config links outside", with(map[string]any{"Config": "c", "Layers": layers}, contract.File{Name: "c", Link: "/etc/passwd"}), assay.ErrMalformed, "missing: the archive is incomplete"},
		{"config links to itself", with(map[string]any{"Config": "c", "Layers": layers}, contract.File{Name: "c", Link: "c"}), assay.ErrMalformed, "links"},
		{"layer missing", with(map[string]any{"Config": conf, "Layers": []string{"nope.tar", layers[1]}}), assay.ErrMalformed, `layer "nope.tar": missing: the archive is incomplete`},
		{"layer outside", with(map[string]any{"Config": conf, "Layers": []string{"a/../../etc/shadow", layers[1]}}), assay.ErrMalformed, "points outside the archive"},
		{"layer too many", with(map[string]any{"Config": conf, "Layers": append(layers, layers[0])}), assay.ErrMalformed, "2 diff IDs for 3 layers"},
		{"layer xz", with(map[string]any{"Config": conf, "Layers": []string{"x", layers[1]}}, contract.File{Name: "x", Content: "\xfd7zXZ\x00\x00\x04"}), assay.ErrUnsupported, `layer "x"`},
		{"several", contract.Tar(append(m.DockerSave(), manifestOf(map[string]any{"RepoTags": []string{"a:1", "a:2"}}, map[string]any{}))...), nil, "0: a:1 a:2, 1: (no tag)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img, err := Docker{}.Open(t.Context(), contract.WriteFile(t, "image.tar", tt.content), assay.SourceOptions{})
			if err == nil || tt.err != nil && !errors.Is(err, tt.err) || errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, %v, want %v that says %q", img, err, tt.err, tt.says)
			}
		})
	}
}

func TestChoice(t *testing.T) {
	a, b := contract.NewImage("example.org/a:1", "a"), contract.NewImage("alpine:3.10", "b")
	var files []contract.File
	var items []map[string]any
	for i, m := range []*contract.TestImage{a, b} {
		layer, conf := fmt.Sprintf("%d.tar", i), oci.Digest(m.Config)[7:]+".json"
		files = append(files, contract.File{Name: layer, Content: string(m.Tars[0])}, contract.File{Name: conf, Content: string(m.Config)})
		items = append(items, map[string]any{"Config": conf, "RepoTags": []string{m.Name}, "Layers": []string{layer}})
	}
	path := contract.WriteTar(t, "two.tar", append(files, manifestOf(items...))...)
	for _, tt := range []struct {
		choice string
		want   *contract.TestImage
	}{
		{":1", a}, {":example.org/a:1", a}, {":3.10", b}, {":alpine:3.10", b}, {":docker.io/library/alpine:3.10", b},
		{"@0", a}, {"@1", b}, {"@" + oci.Digest(b.Config), b}, {"@2", nil}, {":2", nil}, {":alpine", nil}, {"@sha256:", nil}, {":", nil},
	} {
		img, err := Docker{}.Open(t.Context(), path+tt.choice, assay.SourceOptions{})
		switch {
		case tt.want == nil:
			if !errors.Is(err, assay.ErrNotFound) {
				t.Errorf("%q: %v, want %v", tt.choice, err, assay.ErrNotFound)
			}
		case err != nil:
			t.Errorf("%q: %v", tt.choice, err)
		default:
			if img.ID != oci.Digest(tt.want.Config) || img.RepoTags[0] != tt.want.Name {
				t.Errorf("%q: image %v", tt.choice, img.RepoTags)
			}
			img.Close()
		}
	}
}

// TestTwoFormats: an archive in both formats has one image, or the user says which.
func TestTwoFormats(t *testing.T) {
	a, b, other := contract.NewImage("demo:1", "a"), contract.NewImage("demo:1", "b"), contract.NewImage("demo:2", "b")
	index := func(ms ...*contract.TestImage) []contract.File {
		var entries []any
		var files []contract.File
		for _, m := range ms {
			_, blobs := m.Manifest(nil)
			_, tag, _ := strings.Cut(m.Name, ":")
			files = append(files, blobs...)
			entries = append(entries, m.Entry(nil, map[string]string{"org.opencontainers.image.ref.name": tag, "io.containerd.image.name": "docker.io/library/" + m.Name}))
		}
		raw, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": entries})
		if err != nil {
			t.Fatal(err)
		}
		return append(files, contract.File{Name: oci.IndexFile, Content: string(raw)})
	}
	for _, tt := range []struct {
		name     string
		index    []contract.File
		err, gap string
	}{
		{name: "the same image", index: index(a)},
		{name: "the same image and one of another name", index: index(a, other)},
		{name: "another image", index: index(b), err: "describe different images; choose one of them: docker-archive:PATH or oci-archive:PATH"},
		{name: "the same image and another of its name", index: index(a, b), err: "describe different images"},
		{name: "an image of another name", index: index(other), err: "describe different images"},
		{name: "no manifest", index: index(a)[len(index(a))-1:], gap: "no manifest there can be read"},
		{name: "damaged", index: []contract.File{{Name: oci.IndexFile, Content: "{"}}, gap: "index.json: "},
	} {
		path := contract.WriteTar(t, "both.tar", append(a.DockerSave(), tt.index...)...)
		img, err := Open(t.Context(), path, assay.SourceOptions{})
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if err == nil {
			if (len(img.Gaps) == 0) != (tt.gap == "") || tt.gap != "" && !strings.Contains(img.Gaps[0].String(), tt.gap) {
				t.Errorf("%s: gaps %v", tt.name, img.Gaps)
			}
			if raw, _ := a.Manifest(nil); tt.gap == "" && img.Digest != oci.Digest(raw) {
				t.Errorf("%s: digest %q", tt.name, img.Digest)
			}
			img.Close()
		}
		chosen, err := Docker{}.Open(t.Context(), path, assay.SourceOptions{})
		if err != nil || chosen.ID != oci.Digest(a.Config) {
			t.Errorf("%s: the chosen format: %v", tt.name, err)
			continue
		}
		chosen.Close()
	}
}

func TestKeys(t *testing.T) {
	m := contract.NewImage("app:1", "a", "b", "a")
	path := contract.WriteTar(t, "image.tar", m.DockerSave()...)
	keys := func(o assay.SourceOptions) (k []string) {
		for _, l := range open1(t, Docker{}, path, o).Layers {
			k = append(k, l.Key)
		}
		return k
	}
	plain := keys(assay.SourceOptions{})
	if !strings.HasPrefix(plain[0], "file:") || plain[0] == plain[1] || plain[0] != plain[2] {
		t.Errorf("keys %q: want files, the third as the first", plain)
	}
	if again := keys(assay.SourceOptions{}); !slices.Equal(plain, again) {
		t.Errorf("keys %q, then %q", plain, again)
	}
	if got := keys(assay.SourceOptions{Verify: true}); got[0] != oci.Digest(m.Tars[0]) {
		t.Errorf("verified keys %q, want diff IDs", got)
	}
	if err := os.Chtimes(path, time.Now(), time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if touched := keys(assay.SourceOptions{}); touched[0] == plain[0] {
		t.Errorf("key %q of a changed file is the same", touched[0])
	}
}

func TestVerify(t *testing.T) {
	m := contract.NewImage("app:1", "a")
	m.Tars[0] = contract.NewImage("", "other").Tars[0]
	path := contract.WriteTar(t, "image.tar", m.DockerSave()...)
	if _, err := contract.ReadLayer(t.Context(), open1(t, Docker{}, path, assay.SourceOptions{}).Layers[0]); err != nil {
		t.Errorf("unverified: %v", err)
	}
	_, err := contract.ReadLayer(t.Context(), open1(t, Docker{}, path, assay.SourceOptions{Verify: true}).Layers[0])
	if !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), "do not trust") {
		t.Errorf("verified: %v", err)
	}
}

// What is skipped of a layer is not read, and nothing of it is at Open.
func TestReadsHeadersOnly(t *testing.T) {
	m := contract.NewImage("app:1", strings.Repeat("x", 8<<20))
	b := contract.Tar(m.DockerSave()...)
	c := &counting{r: bytes.NewReader(b)}
	x, err := newIndex(t.Context(), c, int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	img, err := (&archive{index: x, file: io.NopCloser(nil)}).image(t.Context(), "", DockerName, assay.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := img.Layers[0].Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for tr := tar.NewReader(r); err == nil; _, err = tr.Next() {
	}
	if err != io.EOF || c.n > 64<<10 {
		t.Errorf("%v after %d bytes of %d, want a few headers", err, c.n, len(b))
	}
}

type counting struct {
	r io.ReaderAt
	n int
}

func (c *counting) ReadAt(p []byte, off int64) (int, error) {
	c.n += len(p)
	return c.r.ReadAt(p, off)
}

// The temporary file of an unpacked archive has no name.
func TestSpoolLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	m := contract.NewImage("app:1", "a")
	path := contract.WriteFile(t, "image.tgz", contract.Gzip(contract.Tar(m.DockerSave()...)))
	img := open1(t, Docker{}, path, assay.SourceOptions{})
	if left, _ := os.ReadDir(dir); len(left) > 1 { // the test's own directory may be there
		t.Errorf("left while open: %v", left)
	}
	contract.ReadLayers(t, t.Context(), img)
	for _, broken := range [][]byte{contract.Gzip([]byte("x")), contract.Gzip(contract.Tar(m.DockerSave()...))[:100]} {
		Docker{}.Open(t.Context(), contract.WriteFile(t, "broken.tgz", broken), assay.SourceOptions{})
	}
	if left, _ := filepath.Glob(dir + "/assay-*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestPlatform(t *testing.T) {
	path := contract.WriteTar(t, "image.tar", contract.NewImage("app:1", "a").DockerSave()...)
	if _, err := (Docker{}).Open(t.Context(), path, assay.SourceOptions{Platform: "linux/s390x"}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("other platform: %v, want %v", err, assay.ErrNotFound)
	}
}

// What other programs wrote.
func TestCorpus(t *testing.T) {
	for _, tt := range []struct {
		path   string
		layers int
		tag    string
	}{
		{"conformance/trivy/images/alpine-310.tar.gz", 1, "alpine:3.10"},
		{"conformance/dive/test-docker-image.tar", 14, "dive-test:latest"},
		{"conformance/dive/test-kaniko-image.tar", 14, "dive-test:kaniko-latest"},
		{"conformance/dive/test-oci-gzip-image.tar", 1, ""},
		{"conformance/dive/test-oci-zstd-image.tar", 1, ""},
	} {
		t.Run(filepath.Base(tt.path), func(t *testing.T) {
			img := open1(t, Docker{}, corpus.Path(t, tt.path), assay.SourceOptions{Verify: true})
			if tt.layers > 0 && len(img.Layers) != tt.layers || tt.tag != "" && !slices.Contains(img.RepoTags, tt.tag) {
				t.Errorf("%d layers of %v, want %d of %s", len(img.Layers), img.RepoTags, tt.layers, tt.tag)
			}
			contract.ReadLayers(t, t.Context(), img)
		})
	}
}

// TestDive: a small image has the same tree with gzip and with zstd, and that
// is the tree of its layer's tar, which by itself is no image. (Docker's and
// kaniko's archives beside them are of different builds.)
func TestDive(t *testing.T) {
	path := func(name string) string { return corpus.Path(t, "conformance/dive/"+name) }
	tree := func(name string) map[string]string {
		img := open1(t, Docker{}, path(name), assay.SourceOptions{Verify: true})
		files := map[string]string{}
		layers := contract.ReadLayers(t, t.Context(), img)
		for _, l := range img.Layers {
			maps.Copy(files, listing(t, layers[l.DiffID]))
		}
		return files
	}
	want := tree("test-oci-gzip-image.tar")
	if len(want) != 1 || !strings.HasPrefix(want["README.md"], "# dive") {
		t.Errorf("oci-gzip: %d files", len(want))
	}
	if diff := cmp.Diff(want, tree("test-oci-zstd-image.tar")); diff != "" {
		t.Errorf("oci-zstd: %s", diff)
	}
	for _, name := range []string{"test-gzip-image.tar", "test-zstd-image.tar", "test-estargz-image.tar", "test-uncompressed-image.tar"} {
		b, err := os.ReadFile(path(name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, listing(t, b)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if _, err := (Docker{}).Open(t.Context(), path(name), assay.SourceOptions{}); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%s, a layer alone, is taken for an image: %v", name, err)
		}
	}
}

// listing gives the content of each file, and the target of each link, of a
// layer.
func listing(t *testing.T, layer []byte) map[string]string {
	t.Helper()
	files := map[string]string{}
	r := tarstream.NewReader(bytes.NewReader(layer))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[strings.TrimPrefix(h.Name, "/")] = h.Link + string(b)
	}
}

// The hostile archives: those that are broken as images must say so, the
// others must open, and their layers be read as far as they go.
func TestAdversarial(t *testing.T) {
	for _, tt := range []struct {
		name string
		at   string // "open", "read", "verify": where the error comes
		says string
	}{
		{"truncated-gzip.oci", "read", "damaged when it was stored"},
		{"corrupt-gzip.oci", "read", "damaged when it was stored"},
		{"bad-gzip-crc.oci", "read", "damaged when it was stored"},
		{"wrong-blob-digest.oci", "read", "pull or save the image again"},
		{"wrong-diffid.oci", "verify", "do not trust"},
		{"wrong-size.oci", "read", "longer"},
		{"missing-diffid.oci", "open", "1 diff IDs for 2 layers"},
		{"multi-member-gzip.oci", "", ""},
		{"gzip-labelled-plain.oci", "", ""},
		{"plain-labelled-gzip.oci", "", ""},
		{"unknown-mediatype.oci", "open", "application/vnd.example.encrypted"},
		{"foreign-layer.oci", "", ""},
		{"config-not-json.docker", "open", "malformed"},
		{"config-deep-json.docker", "open", "depth"},
		{"manifest-empty-list.docker", "open", "lists no image"},
		{"layer-missing.docker", "open", "nope.tar"},
		{"zero-bytes.docker", "open", "empty file"},
		{"not-a-tar.docker", "open", "not a tar archive"},
		{"manifest-traversal.docker", "open", "points outside the archive"},
		{"same-layer-1000x.docker", "", ""},
		{"empty-layer.docker", "", ""},
		{"truncated-layer-tar.docker", "", ""},
		{"size-lie-huge.docker", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := corpus.Image(t, "adversarial/"+tt.name+".tar")
			for _, verify := range []bool{false, true} {
				at := "open"
				img, err := Docker{}.Open(t.Context(), path, assay.SourceOptions{Verify: verify})
				if err == nil {
					defer img.Close()
					at = "read"
					seen := map[string]bool{}
					for _, l := range img.Layers {
						if !seen[l.Key] && err == nil {
							_, err = contract.ReadLayer(t.Context(), l)
						}
						seen[l.Key] = true
					}
				}
				switch {
				case tt.at == "", tt.at == "verify" && !verify:
					if err != nil {
						t.Errorf("%s: %v", at, err)
					}
				case err == nil || at != tt.at && tt.at != "verify" || !strings.Contains(err.Error(), tt.says):
					t.Errorf("%s: %v, want at %s that says %q", at, err, tt.at, tt.says)
				}
			}
		})
	}
}

func TestBuiltImages(t *testing.T) {
	for _, name := range []string{"alpine.docker.tar", "alpine.oci.tar", "rpm-sqlite.docker.tar", "rpm-sqlite.oci.tar", "distroless.docker.tar", "distroless.oci.tar", "debian-base.zstdchunked.oci.tar", "debian-base.estargz.oci.tar"} {
		t.Run(name, func(t *testing.T) {
			path := corpus.Image
			if strings.HasPrefix(name, "debian-base") {
				path = corpus.LargeImage
			}
			img := open1(t, OCI{}, path(t, name), assay.SourceOptions{})
			for _, l := range img.Layers {
				r, err := l.Open(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, r); err != nil {
					t.Error(err)
				}
				r.Close()
			}
		})
	}
}

func FuzzIndex(f *testing.F) {
	m := contract.NewImage("app:1", "a", "b")
	f.Add(contract.Tar(m.DockerSave()...))
	f.Add(contract.Tar(m.DockerSave25()...))
	f.Add(contract.Tar(contract.File{Name: manifestFile, Link: manifestFile}))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := newIndex(t.Context(), bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		for name, e := range x.entries {
			if e.regular && (e.offset < 0 || e.size < 0 || e.offset+e.size > int64(len(b))) {
				t.Errorf("%q lies outside: %+v", name, e)
			}
		}
		a := &archive{index: x, file: io.NopCloser(nil)}
		for _, prefer := range []string{DockerName, OCIName} {
			img, err := a.image(context.Background(), "", prefer, assay.SourceOptions{})
			if err != nil {
				continue
			}
			for _, l := range img.Layers {
				contract.ReadLayer(t.Context(), l)
			}
		}
	})
}

package oci

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

// memory is blobs by digest.
type memory map[string][]byte

func (m memory) Open(_ context.Context, d Descriptor) (io.ReadCloser, error) {
	b, ok := m[d.Digest]
	if !ok {
		return nil, fmt.Errorf("blob: %w", assay.ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// put keeps b and describes it.
func (m memory) put(mediaType string, b []byte) Descriptor {
	m[Digest(b)] = b
	return Descriptor{MediaType: mediaType, Digest: Digest(b), Size: int64(len(b))}
}

func (m memory) json(mediaType string, v any) Descriptor {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return m.put(mediaType, b)
}

// image keeps an image of one layer for a platform.
func (m memory) image(platform, content string) Descriptor {
	i := contract.NewImage("test:1", content)
	p, _ := parsePlatform(platform)
	conf := strings.Replace(string(i.Config), `"architecture":"`+runtime.GOARCH+`"`, `"architecture":"`+p.Arch+`","variant":"`+p.Variant+`"`, 1)
	conf = strings.Replace(conf, `"os":"linux"`, `"os":"`+p.OS+`"`, 1)
	d := m.manifest([]byte(conf), m.put("application/vnd.oci.image.layer.v1.tar+gzip", contract.Gzip(i.Tars[0])))
	d.Platform = &p
	return d
}

func (m memory) manifest(config []byte, layers ...Descriptor) Descriptor {
	return m.json(typeManifest, map[string]any{"schemaVersion": 2, "config": m.put("application/vnd.oci.image.config.v1+json", config), "layers": layers})
}

func (m memory) index(ds ...Descriptor) Descriptor {
	return m.json(typeIndex, map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": ds})
}

func TestOpenPlatform(t *testing.T) {
	m := memory{}
	all := map[string]Descriptor{}
	for _, p := range []string{"linux/amd64", "linux/arm64/v8", "linux/arm/v5", "linux/arm/v7", "linux/386", "windows/amd64"} {
		all[p] = m.image(p, p)
	}
	bare := m.image("linux/s390x", "bare")
	bare.Platform = nil
	attest := m.image("linux/amd64", "attestation")
	attest.Platform = &Platform{OS: "unknown", Arch: "unknown"}
	multi := m.index(attest, all["linux/amd64"], all["linux/arm64/v8"], all["linux/arm/v5"], all["linux/arm/v7"], all["windows/amd64"])
	nested := m.index(m.index(m.index(multi)))
	deep := multi
	for range maxDepth + 2 {
		deep = m.index(deep)
	}
	wide := make([]Descriptor, maxIndexes+1)
	for i := range wide {
		wide[i] = multi
	}
	for _, tt := range []struct {
		name, platform string
		root           Descriptor
		want           string // platform of the image
		err            error
		says           string
	}{
		{name: "default", root: multi, want: "linux/" + runtime.GOARCH},
		{name: "named", root: multi, platform: "linux/arm64", want: "linux/arm64"},
		{name: "uname's word", root: multi, platform: "linux/aarch64", want: "linux/arm64"},
		{name: "variant", root: multi, platform: "linux/arm64/v8", want: "linux/arm64"},
		{name: "usual variant", root: multi, platform: "linux/arm", want: "linux/arm"},
		{name: "other variant", root: multi, platform: "linux/arm/v5", want: "linux/arm/v5"},
		{name: "lacking variant", root: multi, platform: "linux/arm/v6", err: assay.ErrNotFound, says: "linux/arm/v5"},
		{name: "other system", root: multi, platform: "windows/amd64", want: "windows/amd64"},
		{name: "lacking", root: multi, platform: "linux/riscv64", err: assay.ErrNotFound, says: "--platform"},
		{name: "nonsense", root: multi, platform: "riscv64", err: assay.ErrMalformed, says: "os/arch"},
		{name: "the only one", root: m.index(all["linux/386"]), want: "linux/386"},
		{name: "the only one beside an attestation", root: m.index(all["linux/386"], attest), want: "linux/386"},
		{name: "the only one is another", root: m.index(all["linux/386"]), platform: "linux/amd64", err: assay.ErrNotFound},
		{name: "manifest", root: all["linux/386"], want: "linux/386"},
		{name: "manifest of another", root: all["linux/386"], platform: "linux/amd64", err: assay.ErrNotFound, says: "image is for linux/386"},
		{name: "none said", root: m.index(bare), platform: "linux/s390x", want: "linux/s390x"},
		{name: "none said, another", root: m.index(bare), platform: "linux/amd64", err: assay.ErrNotFound},
		{name: "none said twice", root: m.index(bare, bare), err: assay.ErrNotFound, says: "unknown"},
		{name: "nested", root: nested, platform: "linux/amd64", want: "linux/amd64"},
		{name: "nested too deep", root: deep, err: assay.ErrTooLarge},
		{name: "too many indexes", root: m.index(wide...), err: assay.ErrTooLarge},
		{name: "empty index", root: m.index(), err: assay.ErrMalformed},
		{name: "attestations only", root: m.index(attest), err: assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img, err := Open(t.Context(), m, tt.root, assay.SourceOptions{Platform: tt.platform})
			if !errors.Is(err, tt.err) {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if err != nil {
				if !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v, want it to say %q", err, tt.says)
				}
				return
			}
			if got := Platform(img.Platform).normal().String(); got != tt.want {
				t.Errorf("platform %s, want %s", got, tt.want)
			}
			contract.ReadLayers(t, t.Context(), img)
		})
	}
}

func TestOpenBroken(t *testing.T) {
	good := contract.NewImage("test:1", "a", "b")
	layer := contract.Gzip(good.Tars[0])
	const tgz = "application/vnd.oci.image.layer.v1.tar+gzip"
	for _, tt := range []struct {
		name string
		root func(m memory) Descriptor
		err  error
		says string
	}{
		{"not JSON", func(m memory) Descriptor { return m.put(typeManifest, []byte("{not json")) }, assay.ErrMalformed, "invalid character"},
		{"deep JSON", func(m memory) Descriptor {
			return m.put(typeManifest, []byte(strings.Repeat(`{"a":`, 100000)+"1"+strings.Repeat("}", 100000)))
		}, assay.ErrMalformed, "depth"},
		{"nothing in it", func(m memory) Descriptor { return m.put(typeManifest, []byte("{}")) }, assay.ErrMalformed, "neither an image manifest nor an index"},
		{"null", func(m memory) Descriptor { return m.put(typeManifest, []byte("null")) }, assay.ErrMalformed, ""},
		{"layers no list", func(m memory) Descriptor { return m.put(typeManifest, []byte(`{"layers":{}}`)) }, assay.ErrMalformed, "not a list"},
		{"too many layers", func(m memory) Descriptor {
			return m.put(typeManifest, []byte(`{"layers":[`+strings.Repeat("{},", maxList)+`{}]}`))
		}, assay.ErrTooLarge, ""},
		{"too large", func(m memory) Descriptor { return m.put(typeManifest, make([]byte, MaxManifest+1)) }, assay.ErrTooLarge, ""},
		{"too large and lying", func(m memory) Descriptor {
			d := m.put(typeManifest, make([]byte, MaxManifest+1))
			d.Size = 10
			return d
		}, assay.ErrMalformed, "longer"},
		{"missing", func(m memory) Descriptor { return Descriptor{Digest: Digest(nil)} }, assay.ErrNotFound, Digest(nil)},
		{"digest traverses", func(m memory) Descriptor { return Descriptor{Digest: "sha256:../../../etc/passwd"} }, assay.ErrMalformed, "neither"},
		{"digest of another kind", func(m memory) Descriptor { return Descriptor{Digest: "md5:" + strings.Repeat("0", 32)} }, assay.ErrMalformed, "neither"},
		{"wrong digest", func(m memory) Descriptor {
			d := m.image("linux/amd64", "x")
			m[d.Digest] = append(bytes.Clone(m[d.Digest][:d.Size-1]), ' ')
			return d
		}, assay.ErrMalformed, "content has digest"},
		{"negative size", func(m memory) Descriptor {
			d := m.image("linux/amd64", "x")
			d.Size = -1
			return d
		}, assay.ErrMalformed, "size -1"},
		{"schema 1", func(m memory) Descriptor { return m.json("", map[string]any{"schemaVersion": 1, "fsLayers": []any{}}) }, assay.ErrUnsupported, "push the image again"},
		{"schema 1 in an index", func(m memory) Descriptor {
			return m.index(Descriptor{MediaType: typeSchema1 + "prettyjws", Digest: Digest(nil)})
		}, assay.ErrUnsupported, "push the image again"},
		{"index and manifest", func(m memory) Descriptor {
			d := m.image("linux/amd64", "x")
			return m.json("", map[string]any{"schemaVersion": 2, "manifests": []any{d}, "config": d, "layers": []any{d}})
		}, assay.ErrMalformed, "both an index"},
		{"index of something else", func(m memory) Descriptor { return m.index(Descriptor{MediaType: "application/badmedia+json"}) }, assay.ErrUnsupported, "application/badmedia+json"},
		{"index in an index missing", func(m memory) Descriptor { return m.index(Descriptor{MediaType: typeIndex, Digest: Digest(nil)}) }, assay.ErrNotFound, "index " + Digest(nil)},
		{"config missing", func(m memory) Descriptor {
			d := m.manifest(good.Config)
			delete(m, Digest(good.Config))
			return d
		}, assay.ErrNotFound, "configuration " + Digest(good.Config)},
		{"config not JSON", func(m memory) Descriptor { return m.manifest([]byte("{not json")) }, assay.ErrMalformed, "configuration"},
		{"missing diff ID", func(m memory) Descriptor {
			l := m.put(tgz, layer)
			return m.manifest(contract.NewImage("test:1", "a").Config, l, l)
		}, assay.ErrMalformed, "1 diff IDs for 2 layers"},
		{"diff ID no digest", func(m memory) Descriptor {
			return m.manifest([]byte(`{"rootfs":{"diff_ids":["../x"]}}`), m.put(tgz, layer))
		}, assay.ErrMalformed, "diff ID of layer 0"},
		{"layer of an unknown type", func(m memory) Descriptor {
			return m.manifest(good.Config, m.put("application/vnd.example.encrypted", layer), m.put(tgz, layer))
		}, assay.ErrUnsupported, `"application/vnd.example.encrypted"`},
		{"chart", func(m memory) Descriptor {
			return m.json(typeManifest, map[string]any{"schemaVersion": 2,
				"config": m.put("application/vnd.cncf.helm.config.v1+json", []byte("{}")), "layers": []any{m.put("application/vnd.cncf.helm.chart.content.v1.tar+gzip", layer)}})
		}, assay.ErrUnsupported, "helm.config"},
		{"layer's digest no digest", func(m memory) Descriptor {
			return m.manifest(contract.NewImage("test:1", "a").Config, Descriptor{MediaType: tgz, Digest: "sha256:x"})
		}, assay.ErrMalformed, "layer 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := memory{}
			img, err := Open(t.Context(), m, tt.root(m), assay.SourceOptions{})
			if !errors.Is(err, tt.err) || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("%v, %v, want %v that says %q", img, err, tt.err, tt.says)
			}
		})
	}
}

func TestLayers(t *testing.T) {
	tar := contract.NewImage("test:1", strings.Repeat("content ", 50_000)).Tars[0]
	z, _ := zstd.NewWriter(nil)
	gz, zst := contract.Gzip(tar), z.EncodeAll(tar, nil)
	sum := sha512.Sum512(gz)
	blob := func(b []byte) Descriptor { return Descriptor{Digest: Digest(b), Size: int64(len(b))} }
	flip := func(i int) []byte { b := bytes.Clone(gz); b[i] ^= 1; return b }
	for _, tt := range []struct {
		name   string
		stored []byte
		d      Descriptor
		diffID string // "" means the right one
		err    error  // with Verify, and without, too, unless quiet
		quiet  bool
		says   string
	}{
		{name: "gzip", stored: gz, d: blob(gz)},
		{name: "zstd", stored: zst, d: blob(zst)},
		{name: "plain", stored: tar, d: blob(tar)},
		{name: "SHA-512", stored: gz, d: Descriptor{Digest: "sha512:" + hex.EncodeToString(sum[:]), Size: int64(len(gz))}},
		{name: "gzip members", stored: append(contract.Gzip(tar[:1000]), contract.Gzip(tar[1000:])...), d: blob(append(contract.Gzip(tar[:1000]), contract.Gzip(tar[1000:])...))},
		{name: "wrong digest", stored: gz, d: Descriptor{Digest: Digest(nil), Size: int64(len(gz))}, err: assay.ErrMalformed, says: "pull or save the image again"},
		{name: "wrong digest of plain", stored: tar, d: Descriptor{Digest: Digest(nil), Size: int64(len(tar))}, err: assay.ErrMalformed, says: "pull or save the image again"},
		{name: "damaged", stored: flip(len(gz) / 2), d: blob(gz), err: assay.ErrMalformed, says: "pull or save the image again"},
		{name: "cut", stored: gz[:len(gz)/2], d: blob(gz), err: assay.ErrMalformed, says: "shorter"},
		{name: "nothing", d: blob(gz), err: assay.ErrMalformed, says: "shorter"},
		{name: "too long", stored: append(bytes.Clone(tar), 1), d: blob(tar), err: assay.ErrMalformed, says: "longer"},
		{name: "size too small", stored: gz, d: Descriptor{Digest: Digest(gz), Size: 10}, err: assay.ErrMalformed, says: "longer"},
		{name: "stored cut", stored: gz[:len(gz)/2], d: blob(gz[:len(gz)/2]), err: assay.ErrMalformed, says: "damaged when it was stored"},
		{name: "stored cut in the header", stored: gz[:6], d: blob(gz[:6]), err: assay.ErrMalformed, says: "damaged when it was stored"},
		{name: "stored with a wrong checksum", stored: flip(len(gz) - 6), d: blob(flip(len(gz) - 6)), err: assay.ErrMalformed, says: "damaged when it was stored"},
		{name: "wrong diff ID", stored: gz, d: blob(gz), diffID: Digest(nil), quiet: true, err: assay.ErrMalformed, says: "do not trust"},
		{name: "xz", stored: []byte("\xfd7zXZ\x00\x00\x04"), d: blob([]byte("\xfd7zXZ\x00\x00\x04")), err: assay.ErrUnsupported, says: "xz"},
	} {
		for _, verify := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " verify ", verify), func(t *testing.T) {
				b := Blob{Blobs: memory{tt.d.Digest: tt.stored}, Descriptor: tt.d, DiffID: tt.diffID, Options: assay.SourceOptions{Verify: verify}}
				if b.DiffID == "" {
					b.DiffID = Digest(tar)
				}
				want := tt.err
				if tt.quiet && !verify {
					want = nil
				}
				got, err := contract.ReadLayer(t.Context(), assay.Layer{Open: b.Open})
				if !errors.Is(err, want) {
					t.Fatalf("%v, want %v", err, want)
				}
				if err == nil && !bytes.Equal(got, tar) {
					t.Errorf("%d bytes, want %d", len(got), len(tar))
				}
				if err != nil && (!strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.d.Digest)) {
					t.Errorf("%v, want it to say %q and the digest", err, tt.says)
				}
			})
		}
	}
}

func TestProgress(t *testing.T) {
	var mu sync.Mutex
	var got []assay.Progress
	noise := make([]byte, 2<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 7)
	}
	d := Descriptor{Digest: Digest(noise), Size: int64(len(noise))}
	b := Blob{Blobs: memory{d.Digest: noise}, Descriptor: d, Options: assay.SourceOptions{Progress: func(p assay.Progress) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, p)
	}}}
	if _, err := contract.ReadLayer(t.Context(), assay.Layer{Open: b.Open}); err != nil {
		t.Fatal(err)
	}
	last := got[len(got)-1]
	if want := (assay.Progress{Task: "layer " + d.Digest[:19], Done: d.Size, Total: d.Size, End: true}); last != want || len(got) < 3 {
		t.Errorf("%d reports, the last is %+v, want %+v", len(got), last, want)
	}
}

func TestImageHistory(t *testing.T) {
	diff := Digest(nil)
	type made struct {
		By string
		At int
	}
	for _, tt := range []struct {
		name, history string
		layers        int
		want          []made
		gaps          int
	}{
		{"fits", `[{"created_by":"a"},{"created_by":"b","empty_layer":true},{"created_by":"c"}]`, 2, []made{{"a", 0}, {"c", 2}}, 0},
		{"too short", `[{"created_by":"a"}]`, 2, []made{{"", -1}, {"", -1}}, 1},
		{"too long", `[{"created_by":"a"},{"created_by":"b"}]`, 1, []made{{"", -1}}, 1},
		{"none", `null`, 1, []made{{"", -1}}, 0},
		{"no layers", `[{"created_by":"b","empty_layer":true}]`, 0, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			diffs := strings.TrimSuffix(strings.Repeat(`"`+diff+`",`, tt.layers), ",")
			img, err := Image(fmt.Appendf(nil, `{"created":"2024-01-02T03:04:05.6Z","rootfs":{"diff_ids":[%s]},"history":%s}`, diffs, tt.history), tt.layers)
			if err != nil {
				t.Fatal(err)
			}
			var got []made
			for _, l := range img.Layers {
				got = append(got, made{l.CreatedBy, l.History})
			}
			if d := cmp.Diff(tt.want, got); d != "" || len(img.Gaps) != tt.gaps || img.Created.Year() != 2024 {
				t.Errorf("gaps %v, created %v (-want +got):\n%s", img.Gaps, img.Created, d)
			}
		})
	}
}

func TestSameLayerThousandTimes(t *testing.T) {
	m := memory{}
	one := contract.NewImage("test:1", "a")
	diffs := strings.TrimSuffix(strings.Repeat(`"`+Digest(one.Tars[0])+`",`, 1000), ",")
	l := m.put("application/vnd.docker.image.rootfs.diff.tar.gzip", contract.Gzip(one.Tars[0]))
	ls := make([]Descriptor, 1000)
	for i := range ls {
		ls[i] = l
	}
	img, err := Open(t.Context(), m, m.manifest([]byte(`{"rootfs":{"diff_ids":[`+diffs+`]}}`), ls...), assay.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(img.Layers) != 1000 || img.Layers[0].Key != img.Layers[999].Key {
		t.Errorf("%d layers of keys %s and %s", len(img.Layers), img.Layers[0].Key, img.Layers[999].Key)
	}
}

func TestForeign(t *testing.T) {
	m := memory{}
	one := contract.NewImage("test:1", "a")
	l := m.put("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", contract.Gzip(one.Tars[0]))
	img, err := Open(t.Context(), m, m.manifest(one.Config, l), assay.SourceOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !img.Layers[0].Foreign {
		t.Error("not foreign")
	}
	contract.ReadLayers(t, t.Context(), img)
}

func FuzzOpen(f *testing.F) {
	m := memory{}
	f.Add(m[m.image("linux/amd64", "a").Digest], []byte(`{"rootfs":{"diff_ids":[]}}`))
	f.Add(m[m.index(m.image("linux/amd64", "a"), m.image("linux/arm64", "b")).Digest], []byte("{}"))
	f.Add([]byte(`{"manifests":null}`), []byte(`{"history":[{}]}`))
	f.Fuzz(func(t *testing.T, root, config []byte) {
		if img, err := OpenDocument(t.Context(), anything(root), root, assay.SourceOptions{}); err == nil {
			for _, l := range img.Layers {
				contract.ReadLayer(t.Context(), l)
			}
		}
		if img, err := Image(config, 0); err == nil && len(img.Layers) != 0 {
			t.Errorf("%d layers", len(img.Layers))
		}
	})
}

// anything is the same content under every digest.
type anything []byte

func (a anything) Open(context.Context, Descriptor) (io.ReadCloser, error) {
	return io.NopCloser(bytes.NewReader(a)), nil
}

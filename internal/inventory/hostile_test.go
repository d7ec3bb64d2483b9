package inventory

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/memory"
	"github.com/assaysec/assay/internal/test/testimage"
)

// layerOf makes a layer of tar headers; Uname carries the content.
func layerOf(t *testing.T, hs ...tar.Header) assay.Layer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range hs {
		body := h.Uname
		h.Uname, h.Size, h.Format = "", int64(len(body)), tar.FormatPAX
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, body)
	}
	w.Close()
	return testimage.Layer(b.Bytes(), "")
}

// each makes n headers.
func each(n int, make func(i int) tar.Header) []tar.Header {
	hs := []tar.Header{{Name: "etc/os-release", Uname: osr}}
	for i := range n {
		hs = append(hs, make(i))
	}
	return hs
}

func file(name, format string) func(int) tar.Header {
	return func(i int) tar.Header {
		return tar.Header{Name: fmt.Sprintf(name, i), Uname: strings.ReplaceAll(format, "%d", fmt.Sprint(i))}
	}
}

// Bounds of the work in TestHostile. What goes with the square of the number of
// entries is far over them.
const (
	maxLooks = 20        // look-ups of a path in a layer, by entry
	maxBytes = 160 << 10 // allocated, by entry: copies of a large database are the most
	maxTimes = 10        // allocated, times the layers' size
)

// TestHostile: work and memory grow with what is there, not with its square.
// At ten times the size each of these took minutes, or all memory, once.
func TestHostile(t *testing.T) {
	const many = 10_000
	const stanza = "Package: p%d\nVersion: 1\n"
	var b strings.Builder
	for i := range many {
		fmt.Fprintf(&b, stanza+"\n", i)
	}
	large := b.String()
	singles := each(many, file("var/lib/dpkg/status.d/a%05d", stanza))
	for _, tt := range []struct {
		name     string
		layers   []assay.Layer
		packages int
		gap      string
	}{
		{"links to as many files", []assay.Layer{layerOf(t, append(each(many, file("data/%d/f", stanza)),
			each(many, func(i int) tar.Header {
				return tar.Header{Typeflag: tar.TypeSymlink, Name: fmt.Sprintf("var/lib/dpkg/status.d/a%d", i), Linkname: fmt.Sprintf("/data/%d/f", i)}
			})...)...)}, many, ""},
		{"hard links, the first to the last", []assay.Layer{layerOf(t, append(slices.Clone(singles),
			each(many, func(i int) tar.Header {
				return tar.Header{Typeflag: tar.TypeLink, Name: fmt.Sprintf("var/lib/dpkg/status.d/b%d", i), Linkname: fmt.Sprintf("var/lib/dpkg/status.d/a%05d", many-1-i)}
			})...)...)}, many, ""},
		{"hard links to a large database", []assay.Layer{layerOf(t, append([]tar.Header{{Name: "var/lib/dpkg/status.d/a", Uname: strings.Repeat("Package: p\nVersion: 1\n\n", 4*many)}},
			each(many, func(i int) tar.Header {
				return tar.Header{Typeflag: tar.TypeLink, Name: fmt.Sprintf("var/lib/dpkg/status.d/b%d", i), Linkname: "var/lib/dpkg/status.d/a"}
			})...)...)}, 1, "exceed"},
		{"links to one large file", []assay.Layer{layerOf(t, append([]tar.Header{{Name: "data/s", Uname: large}},
			each(50, func(i int) tar.Header {
				return tar.Header{Typeflag: tar.TypeSymlink, Name: fmt.Sprintf("var/lib/dpkg/status.d/a%d", i), Linkname: "/data/s"}
			})...)...)}, many, ""},
		{"hard links to one large file", []assay.Layer{layerOf(t, append([]tar.Header{{Name: "data/s", Uname: large}},
			each(50, func(i int) tar.Header {
				return tar.Header{Typeflag: tar.TypeLink, Name: fmt.Sprintf("var/lib/dpkg/status.d/a%d", i), Linkname: "data/s"}
			})...)...)}, many, ""},
		{"every file twice", []assay.Layer{layerOf(t, append(slices.Clone(singles), singles...)...)}, many, ""},
		{"a directory and a file in turns", []assay.Layer{layerOf(t, append(slices.Clone(singles), each(many, func(i int) tar.Header {
			return tar.Header{Name: "q" + strings.Repeat("/dpkg/status", i%2)}
		})...)...)}, many, ""},
		{"a layer five hundred times", slices.Repeat([]assay.Layer{layerOf(t, singles[:2000]...)}, 500), 1999, ""},
		{"an error in each file", []assay.Layer{layerOf(t, each(many, file("var/lib/dpkg/status.d/a%d", "rubbish\nrubbish\n"))...)}, 0, "more gaps"},
		{"whiteouts of nothing", []assay.Layer{layerOf(t, each(many, file("%d/.wh.", ""))...)}, 0, "9000 more gaps"},
		{"more files than are read", []assay.Layer{layerOf(t, each(maxWanted+1, file("var/lib/dpkg/info/a%d.list", ""))...)}, 0, "more than 200000 files"},
		{"files that wait for a companion", []assay.Layer{layerOf(t, each(40, func(i int) tar.Header {
			return tar.Header{Name: fmt.Sprintf("x%d/var/db", i), Uname: strings.Repeat("x", 4<<20)}
		})...)}, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			allocated := memory.Allocated()
			inv, s, err := build(t, tt.layers)
			if err != nil {
				t.Fatal(err)
			}
			bytes := int64(allocated())
			entries, size := 0, int64(0)
			for i, l := range s.layers {
				entries += len(l.Index.Bits)
				size += tt.layers[i].Size
			}
			t.Logf("%d entries: %d look-ups (%d an entry), %d MB allocated (%d bytes an entry)", entries, s.looks, s.looks/entries, bytes>>20, bytes/int64(entries))
			if s.looks > maxLooks*entries || bytes > maxBytes/4*int64(4*entries+tt.packages)+maxTimes*size {
				t.Errorf("%d entries took %d look-ups and %d bytes", entries, s.looks, bytes)
			}
			if g := gaps(inv); len(inv.Packages) != tt.packages || (tt.gap == "") != (g == "") || !strings.Contains(g, tt.gap) {
				t.Errorf("%d packages, want %d; gaps %.300q, want %q", len(inv.Packages), tt.packages, g, tt.gap)
			}
		})
	}
}

// build is Build, with what put the layers together.
func build(t *testing.T, layers []assay.Layer) (*assay.Inventory, *squasher, error) {
	t.Helper()
	b := &builder{img: &assay.Image{Layers: layers}, o: Options{Readers: readers, Scopes: assay.ScopeSystem | assay.ScopeInstalled}}
	b.compile()
	b.account = NewBudget(Limits{}).begin()
	defer b.account.end()
	b.spool = &spool{dir: t.TempDir(), account: b.account}
	facts, err := b.layers(t.Context())
	if err != nil {
		return nil, nil, err
	}
	s, visible, err := b.squash(t.Context(), facts)
	if err != nil {
		return nil, nil, err
	}
	return b.assemble(s, visible), s, nil
}

// TestReleaseBehindLink: what a link leads to is read as what the link is.
func TestReleaseBehindLink(t *testing.T) {
	img := testimage.Parse(t, "-- 1/etc/os-release -> /opt/vendor/release --\n-- 1/opt/vendor/release --\n"+osr+"-- 1/etc/debian_version --\n12.5\n")
	inv, err := Build(t.Context(), img, Options{Readers: readers})
	if err != nil || inv.Release.Path != "etc/os-release" || inv.Release.Version != "12.5" {
		t.Errorf("%+v, %v", inv.Release, err)
	}
}

// TestFit: what layers say is left out when there is no room for it, and the
// image refused when there is none for where their files are.
func TestFit(t *testing.T) {
	f := &layerFacts{Index: index{make([]byte, 100*hashLen), make([]byte, 100)}, Files: []fileFacts{{Path: "p", Facts: assay.Facts{Packages: make([]assay.Package, 1000)}}},
		sections: map[string]*packed{"k": {Data: make([]byte, 100), Count: 1}}}
	budget := NewBudget(Limits{})
	budget.alone[factBytes] = 10_000
	b := &builder{account: budget.begin()}
	got, err := b.fit(t.Context(), f, &claim{account: b.account})
	if err != nil || len(got.Files[0].Facts.Packages) != 0 || len(got.Files[0].Gaps) != 1 || len(f.Files[0].Facts.Packages) != 1000 || got.sections["k"].Count != 0 || len(got.sections["k"].Gaps) != 1 {
		t.Errorf("%+v, %v", got.Files, err)
	}
	b.account.end()
	b.account = budget.begin()
	budget.alone[factBytes] = 100
	if _, err := b.fit(t.Context(), f, &claim{account: b.account}); !errors.Is(err, assay.ErrTooLarge) {
		t.Errorf("no room: %v", err)
	}
}

// TestCancelledSquash: putting layers together stops, too.
func TestCancelledSquash(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := &builder{img: &assay.Image{}, o: Options{Readers: readers, Scopes: assay.ScopeSystem}}
	b.compile()
	if _, _, err := b.squash(ctx, []*layerFacts{{}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

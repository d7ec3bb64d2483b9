package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/cache"
	"github.com/assaysec/assay/internal/reader/apk"
	"github.com/assaysec/assay/internal/reader/dpkg"
	"github.com/assaysec/assay/internal/reader/osrelease"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/internal/test/testimage"
)

var readers = []assay.Reader{osrelease.Reader{}, dpkg.Reader{}, apk.Reader{}, pairs{}}

// pairs reads files that have a companion: package a has the file's first line
// as its version, b the companion's.
type pairs struct{}

func (pairs) Name() string { return "pairs" }

func (pairs) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "var/db", With: []string{"-log"}}, {Glob: "**/*.pairs", MaxSize: 10}}
}

func (pairs) Read(_ context.Context, f *assay.File) (facts assay.Facts, err error) {
	b, _ := io.ReadAll(f.Reader())
	facts.Packages = append(facts.Packages, assay.Package{Type: "pairs", Name: "a", Version: strings.TrimSpace(string(b))})
	if c := f.With["-log"]; c != nil {
		b, _ := io.ReadAll(c.Reader())
		facts.Packages = append(facts.Packages, assay.Package{Type: "pairs", Name: "b", Version: strings.TrimSpace(string(b))})
	}
	return facts, nil
}

func deb(name, version string) string {
	return fmt.Sprintf("Package: %s\nStatus: install ok installed\nArchitecture: amd64\nVersion: %s\n\n", name, version)
}

// found lists "name version @layer", layers from 1.
func found(inv *assay.Inventory) string {
	var out []string
	for _, p := range inv.Packages {
		out = append(out, fmt.Sprintf("%s %s @%d", p.Name, p.Version, p.Layer.Index+1))
	}
	return strings.Join(out, ", ")
}

func gaps(inv *assay.Inventory) string {
	var out []string
	for _, g := range inv.Gaps {
		if !strings.Contains(g.What, "without a package database") { // see TestNoDatabase
			out = append(out, g.String())
		}
	}
	return strings.Join(out, "\n")
}

const osr = "ID=debian\nVERSION_ID=\"12\"\n"

func TestSquash(t *testing.T) {
	release := "-- 1/etc/os-release --\n" + osr
	for _, tt := range []struct {
		name, image, want string
		gap               string // part of the only gap; "" means none
	}{
		{name: "one layer", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + deb("b", "2"), want: "a 1 @1, b 2 @1"},
		{name: "a rewritten database replaces the lower one, and each package keeps the layer that brought it",
			image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + deb("b", "1") + deb("c", "1") +
				"-- 2/var/lib/dpkg/status --\n" + deb("a", "1") + deb("b", "2") +
				"-- 3/var/lib/dpkg/status --\n" + deb("a", "1") + deb("b", "2") + deb("c", "1"),
			want: "a 1 @1, b 2 @2, c 1 @3"},
		{name: "a deleted database", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 2/var/lib/dpkg/.wh.status --\n", want: ""},
		{name: "a deleted directory", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 2/var/.wh.lib --\n", want: ""},
		{name: "deleted, then there again", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 2/.wh.var --\n-- 3/var/lib/dpkg/status --\n" + deb("a", "1"), want: "a 1 @3"},
		{name: "an opaque directory", image: "-- 1/var/lib/dpkg/status.d/a --\nPackage: a\nVersion: 1\n-- 2/var/lib/dpkg/status.d/.wh..wh..opq --\n-- 2/var/lib/dpkg/status.d/b --\nPackage: b\nVersion: 1\n", want: "b 1 @2"},
		{name: "whiteouts are for lower layers only, wherever they stand",
			image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 2/var/lib/dpkg/status --\n" + deb("a", "2") + "-- 2/var/lib/dpkg/.wh.status --\n-- 2/var/lib/dpkg/.wh..wh..opq --\n", want: "a 2 @2"},
		{name: "aufs directories mean nothing", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 2/.wh..wh.plnk/x --\n-- 2/.wh..wh.aufs --\n", want: "a 1 @1"},
		{name: "a file in place of a directory", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 2/var --\nx\n-- 3/var/ --\n", want: ""},
		{name: "a directory in place of a file", image: "-- 1/var --\nx\n-- 2/var/lib/dpkg/status --\n" + deb("a", "1"), want: "a 1 @2"},
		{name: "the last of two entries", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 1/var/lib/dpkg/status --\n" + deb("a", "2"), want: "a 2 @1"},
		{name: "a file that becomes a link within a layer", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 1/var -> v --\n", want: ""},
		{name: "names with dots", image: "-- 1/./var//lib/../lib/dpkg/status --\n" + deb("a", "1"), want: "a 1 @1"},
		{name: "names that climb out stay inside", image: "-- 1/../../var/lib/dpkg/status --\n" + deb("a", "1"), want: "a 1 @1"},
		{name: "a database that the root does not reach", image: "-- 1/srv/chroot/var/lib/dpkg/status --\n" + deb("a", "1"), want: ""},
		{name: "a linked directory above", image: "-- 1/var -> real --\n-- 1/real/lib/dpkg/status --\n" + deb("a", "1"), want: "a 1 @1"},
		{name: "a directory linked from elsewhere, under a name that nobody would know", image: "-- 1/var/lib/dpkg -> /data/db --\n-- 1/data/db/status --\n" + deb("a", "1") + "-- 1/data/db/status.d/b --\nPackage: b\nVersion: 1\n", want: "a 1 @1, b 1 @1"},
		{name: "written through a link of a lower layer", image: "-- 1/usr/lib/apk/db/installed --\nP:a\nV:1\n-- 1/lib -> usr/lib --\n-- 2/lib/apk/db/installed --\nP:a\nV:2\n", want: "a 2 @2"},
		{name: "one database under two names counts once", image: "-- 1/usr/lib/apk/db/installed --\nP:a\nV:1\n-- 1/lib -> usr/lib --\n", want: "a 1 @1"},
		{name: "a directory replaces a link", image: "-- 1/old/lib/dpkg/status --\n" + deb("a", "1") + "-- 1/var -> old --\n-- 2/var/ --\n-- 2/var/lib/dpkg/status --\n" + deb("b", "1"), want: "b 1 @2"},
		{name: "the file itself is a link", image: "-- 1/var/lib/dpkg/status -> ../../../data/s --\n-- 1/data/s --\n" + deb("a", "1"), want: "a 1 @1"},
		{name: "links in a cycle", image: "-- 1/var -> vor --\n-- 1/vor -> var --\n", want: "", gap: "cycle"},
		{name: "a link out of the image", image: "-- 1/var/lib/dpkg/status -> /proc/self/environ --\n", want: "", gap: "not in the image"},
		{name: "a database of one package under a name that nobody would know", image: "-- 1/var/lib/dpkg/status.d/b -> /data/b --\n-- 1/data/b --\nPackage: b\nVersion: 1\n", want: "b 1 @1"},
		{name: "a link in a root that nobody reaches", image: "-- 1/srv/var/lib/dpkg/status.d/b -> /data/b --\n-- 1/srv/var/lib/dpkg/status.d/c -> /proc/c --\n-- 1/data/b --\nPackage: b\nVersion: 1\n", want: ""},
		{name: "a directory of databases in a cycle", image: "-- 1/var/lib/dpkg/status.d -> status.d --\n", want: "", gap: "cycle"},
		{name: "a link to a path over Linux's limit", image: "-- 1/var/lib/dpkg/status.d/x -> " + strings.Repeat("a/", 3000) + "x --\n", want: "", gap: "6001 bytes, over the limit"},
		{name: "links that together make a path over Linux's limit", image: "-- 1/var -> " + strings.Repeat("a/", 1500) + "var --\n-- 1/" + strings.Repeat("a/", 1500) + "var -> " + strings.Repeat("b/", 1500) + "b --\n", want: "", gap: "nested too deeply"},
		{name: "a path over Linux's limit", image: "-- 1/" + strings.Repeat("a/", 3000) + "x.pairs --\n1\n", want: "", gap: "6007 bytes exceeds the limit"},
		{name: "a file a hundred directories deep", image: "-- 1/" + strings.Repeat("a/", 101) + "x.pairs --\n1\n", want: "", gap: "nested directories"},
		{name: "a file in place of a database's directory, within a layer", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 1/var --\nx\n", want: ""},
		{name: "a directory in place of a database, within a layer", image: "-- 1/x.pairs --\n1\n-- 1/x.pairs/ --\n", want: ""},
		{name: "a name that has aufs's in it", image: "-- 1/x.wh..wh.y/z.pairs --\n1\n", want: "a 1 @1"},
		{name: "a directory deleted through a link: overlayfs hides the link, and what it led to is still there",
			image: "-- 1/usr/lib/apk/db/installed --\nP:a\nV:1\n-- 1/lib -> usr/lib --\n-- 2/lib/.wh.apk --\n", want: "a 1 @1"},
		{name: "written through a link, and deleted the same way",
			image: "-- 1/usr/lib/apk/db/installed --\nP:a\nV:1\n-- 1/lib -> usr/lib --\n-- 2/lib/apk/db/installed --\nP:a\nV:2\n-- 3/lib/.wh.apk --\n", want: "a 1 @1"},
		{name: "an upgraded release", image: "-- 2/etc/os-release --\nID=debian\nVERSION_ID=13\n-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + deb("b", "1") +
			"-- 2/var/lib/dpkg/status --\n" + deb("a", "2") + "-- 3/var/lib/dpkg/status --\n" + deb("a", "2") + deb("b", "1"), want: "a 2 @2, b 1 @3"},
		{name: "a hard link in the layer", image: "-- 1/data/s --\n" + deb("a", "1") + "-- 1/var/lib/dpkg/status => data/s --\n", want: "a 1 @1"},
		{name: "a hard link to a lower layer", image: "-- 1/data/s --\n" + deb("a", "1") + "-- 2/var/lib/dpkg/status => data/s --\n", want: "a 1 @2"},
		{name: "a hard link to a database counts once", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 2/var/lib/dpkg/status.d/x => var/lib/dpkg/status --\n", want: "a 1 @1"},
		{name: "a hard link to nothing", image: "-- 1/var/lib/dpkg/status => ../../etc/passwd --\n", want: "", gap: "hard link"},
		{name: "hard links in a cycle", image: "-- 1/var/lib/dpkg/status => x --\n-- 1/x => var/lib/dpkg/status --\n", want: "", gap: "lead to no readable file"},
		{name: "a hard link to another", image: "-- 1/x --\n" + deb("a", "1") + "-- 1/y => x --\n-- 1/var/lib/dpkg/status => y --\n", want: "a 1 @1"},
		{name: "a hard link keeps the file that the layer writes again", image: "-- 1/tmp/x --\n" + deb("a", "1") + "-- 1/var/lib/dpkg/status => tmp/x --\n-- 1/tmp/x --\n" + deb("b", "1"), want: "a 1 @1"},
		{name: "hard links keep the file that the layer writes again", image: "-- 1/x --\n" + deb("a", "1") + "-- 1/y => x --\n-- 1/x --\n" + deb("b", "1") + "-- 1/var/lib/dpkg/status => y --\n-- 1/y --\n" + deb("c", "1"), want: "", gap: "lead to no readable file"},
		{name: "hard links to a file that the layer writes again", image: "-- 1/x --\n" + deb("a", "1") + "-- 1/y => x --\n-- 1/x --\n" + deb("b", "1") + "-- 1/var/lib/dpkg/status => y --\n", want: "a 1 @1"},
		{name: "a hard link to a file of a directory that a file replaces", image: "-- 1/d/x --\n" + deb("a", "1") + "-- 1/var/lib/dpkg/status => d/x --\n-- 1/d --\n\n", want: "a 1 @1"},
		{name: "a hard link to a symbolic link", image: "-- 1/var/lib/dpkg/s --\n" + deb("a", "1") + "-- 1/x/l -> s --\n-- 1/var/lib/dpkg/status => x/l --\n", want: "a 1 @1"},
		{name: "a hard link through a link", image: "-- 1/d/x --\n" + deb("a", "1") + "-- 1/l -> d --\n-- 1/var/lib/dpkg/status => l/x --\n", want: "a 1 @1"},
		{name: "written through a link of the layer", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 1/tmp/l -> ../var/lib/dpkg --\n-- 1/tmp/l/status --\n" + deb("b", "1"), want: "b 1 @1"},
		{name: "written through a link that becomes a file", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 1/tmp/l -> /var/lib/dpkg --\n-- 1/tmp/l/status --\n" + deb("b", "1") + "-- 1/tmp/l --\n\n", want: "b 1 @1"},
		{name: "written through a link of a directory that a file replaces", image: "-- 1/tmp/l -> /var/lib/dpkg --\n-- 1/tmp --\n\n-- 1/tmp/ --\n-- 1/tmp/l/status --\n" + deb("b", "1"), want: ""},
		{name: "written before the link", image: "-- 1/tmp/l/status --\n" + deb("b", "1") + "-- 1/tmp/l -> /var/lib/dpkg --\n", want: ""},
		{name: "written through a link to a link, and deleted so in a higher layer", image: "-- 1/m -> var/lib --\n-- 1/tmp/l -> ../m/dpkg/ --\n-- 1/tmp/l/status --\n" + deb("b", "1") + "-- 2/var/lib/dpkg/.wh.status --\n", want: ""},
		{name: "written through links in a cycle", image: "-- 1/l -> m --\n-- 1/m -> l --\n-- 1/l/x.pairs --\n1\n", want: "", gap: "cycle"},
		{name: "written through a link of a lower layer, under a name that nobody would know", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 1/tmp/l -> ../var/lib/dpkg --\n-- 2/tmp/l/status --\n" + deb("b", "1") + "-- 2/tmp/l/status.d/c --\nPackage: c\nVersion: 1\n", want: "b 1 @2, c 1 @2"},
		{name: "written where a link of a lower layer was", image: "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 1/tmp/l -> ../var/lib/dpkg --\n-- 2/tmp/l/ --\n-- 2/tmp/l/status --\n" + deb("b", "1"), want: "a 1 @1"},
		{name: "a file and its companion", image: "-- 1/var/db --\n1\n-- 1/var/db-log --\n2\n", want: "a 1 @1, b 2 @1"},
		{name: "a companion alone in a higher layer", image: "-- 1/var/db --\n1\n-- 2/var/db-log --\n2\n", want: "a 1 @1, b 2 @1"},
		{name: "a companion deleted", image: "-- 1/var/db --\n1\n-- 1/var/db-log --\n2\n-- 2/var/db --\n3\n-- 2/var/.wh.db-log --\n", want: "a 3 @2"},
		{name: "a file over its limit", image: "-- 1/x/y.pairs --\n12345678901\n", want: "", gap: "over the limit"},
		{name: "a file over its limit, deleted", image: "-- 1/x/y.pairs --\n12345678901\n-- 2/.wh.x --\n", want: ""},
		{name: "a reader's gap", image: "-- 1/var/lib/dpkg/status --\nrubbish\n" + deb("a", "1"), want: "a 1 @1", gap: "layer 0: var/lib/dpkg/status: dpkg: line 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := testimage.Parse(t, release+tt.image)
			c := &cache.Dir{Path: t.TempDir()}
			for _, again := range []string{"read", "cached"} {
				inv, err := Build(context.Background(), img, Options{Readers: readers, Cache: c})
				if err != nil {
					t.Fatal(err)
				}
				if got := found(inv); got != tt.want {
					t.Errorf("%s: packages %q, want %q", again, got, tt.want)
				}
				if g := gaps(inv); (tt.gap == "") != (g == "") || !strings.Contains(g, tt.gap) || strings.Contains(g, "\n") {
					t.Errorf("%s: gaps %q, want one with %q", again, g, tt.gap)
				}
				if inv.Release.ID != "debian" {
					t.Errorf("release %+v", inv.Release)
				}
			}
		})
	}
}

func TestWhiteoutLayers(t *testing.T) {
	whiteouts := func(t *testing.T, name string) assay.Layer {
		b, err := os.ReadFile(corpus.Path(t, "conformance/claircore/whiteout/"+name))
		if err != nil {
			t.Fatal(err)
		}
		return testimage.Layer(b, name)
	}
	for _, tt := range []struct{ layer, want string }{
		{"whiteout.layer", "a 1 @1, b 1 @1, c 1 @1, d 1 @1"},
		{"whiteout_advanced.layer", "a 1 @1, c 1 @1, d 1 @1"},
		{"whiteout_opaque.layer", "b 1 @1, c 1 @1, d 1 @1"},
	} {
		t.Run(tt.layer, func(t *testing.T) {
			img := testimage.Parse(t, "-- 1/a/x.one --\na\n-- 1/b/x.one --\nb\n-- 1/c/x.one --\nc\n-- 1/etc/d.one --\nd\n-- 1/etc/profile --\nx\n")
			img.Layers = append(img.Layers, whiteouts(t, tt.layer))
			inv, err := Build(context.Background(), img, Options{Readers: []assay.Reader{one{}}})
			if err != nil || found(inv) != tt.want {
				t.Errorf("%q, %v; want %q", found(inv), err, tt.want)
			}
		})
	}
}

// one reads a package's name from any *.one.
type one struct{}

func (one) Name() string           { return "one" }
func (one) Wants() []assay.Pattern { return []assay.Pattern{{Glob: "**/*.one"}} }
func (one) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, _ := io.ReadAll(f.Reader())
	return assay.Facts{Packages: []assay.Package{{Type: "one", Name: strings.TrimSpace(string(b)), Version: "1"}}}, nil
}

func TestSameLayerIsReadOnce(t *testing.T) {
	img := testimage.Parse(t, "-- 1/etc/os-release --\n"+osr+"-- 1/var/lib/dpkg/status --\n"+deb("a", "1"))
	opened := 0
	open := img.Layers[0].Open
	img.Layers[0].Open = func(ctx context.Context) (io.ReadCloser, error) { opened++; return open(ctx) }
	img.Layers = slices.Repeat(img.Layers, 1000)
	inv, err := Build(context.Background(), img, Options{Readers: readers})
	if err != nil || found(inv) != "a 1 @1" || opened != 1 {
		t.Errorf("%q, opened %d times, %v", found(inv), opened, err)
	}
}

// TestBrokenLayer: an error while reading, such as a digest that does not
// match at the end, leaves nothing in the cache; damage of the tar is a gap.
func TestBrokenLayer(t *testing.T) {
	img := testimage.Parse(t, "-- 1/etc/os-release --\n"+osr+"-- 1/var/lib/dpkg/status --\n"+deb("a", "1")+"-- 1/z --\nx\n")
	c := &cache.Dir{Path: t.TempDir()}
	open := img.Layers[0].Open
	wrong := errors.New("digest mismatch")
	img.Layers[0].Open = func(ctx context.Context) (io.ReadCloser, error) {
		r, _ := open(ctx)
		return io.NopCloser(io.MultiReader(r, failing{wrong})), nil
	}
	if _, err := Build(context.Background(), img, Options{Readers: readers, Cache: c}); !errors.Is(err, wrong) || !strings.Contains(err.Error(), "layer 0: ") {
		t.Errorf("error %v", err)
	}
	img.Layers[0].Open = func(ctx context.Context) (io.ReadCloser, error) {
		r, _ := open(ctx)
		b, _ := io.ReadAll(r)
		return io.NopCloser(strings.NewReader(string(b[:len(b)-1024-600]))), nil
	}
	inv, err := Build(context.Background(), img, Options{Readers: readers, Cache: c})
	if err != nil || found(inv) != "a 1 @1" || !strings.Contains(gaps(inv), "truncated tar") {
		t.Errorf("%v: %q, %q", err, found(inv), gaps(inv))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	img.Layers[0].Key, img.Layers[0].Open = "", open
	if _, err := Build(ctx, img, Options{Readers: readers}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestForeignLayer(t *testing.T) {
	img := testimage.Parse(t, "-- 1/etc/os-release --\n"+osr+"-- 1/var/lib/dpkg/status --\n"+deb("a", "1")+"-- 2 --\n")
	img.Layers[1] = assay.Layer{DiffID: "sha256:0", Key: "x", Foreign: true, Open: func(context.Context) (io.ReadCloser, error) { return nil, assay.ErrNotFound }}
	inv, err := Build(context.Background(), img, Options{Readers: readers})
	if err != nil || found(inv) != "a 1 @1" || !strings.Contains(gaps(inv), "layer 1: the content of this foreign") {
		t.Errorf("%v: %q, %q", err, found(inv), gaps(inv))
	}
}

// TestStream: a source that gives its layers only together, as a daemon does.
func TestStream(t *testing.T) {
	img := testimage.Parse(t, "-- 1/etc/os-release --\n"+osr+"-- 1/data/s --\n"+deb("a", "1")+"-- 2/var/lib/dpkg/status -> /data/s --\n")
	opens := map[string]func(context.Context) (io.ReadCloser, error){}
	for i := range img.Layers {
		opens[img.Layers[i].DiffID] = img.Layers[i].Open
		img.Layers[i].Open = nil
	}
	runs := 0
	img.Stream = func(ctx context.Context, want func(string) bool, visit func(io.Reader) (func(string), error)) error {
		runs++
		for id, open := range opens {
			r, _ := open(ctx)
			commit, err := visit(r)
			if err != nil {
				return err
			}
			if want(id) {
				commit(id)
			}
		}
		return nil
	}
	inv, err := Build(context.Background(), img, Options{Readers: readers})
	if err != nil || found(inv) != "a 1 @1" || runs != 2 {
		t.Errorf("%v: %q after %d exports", err, found(inv), runs)
	}
}

func TestSpool(t *testing.T) {
	dir, budget := t.TempDir(), NewBudget(Limits{})
	budget.alone[diskBytes] = spoolOver + 10
	s := &spool{dir: dir, account: budget.begin()}
	big := strings.Repeat("x", spoolOver+1)
	hold := func(content string, size int) (*spooled, error) {
		return s.store(t.Context(), assay.File{Path: "a", Size: int64(size)}, strings.NewReader(content))
	}
	h, err := hold(big, len(big))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(h.Reader())
	if err != nil || string(b) != big {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if _, err := hold(big, len(big)); !errors.Is(err, assay.ErrTooLarge) {
		t.Errorf("over the budget: %v", err)
	}
	h.release()
	h.release()
	budget.alone[memoryBytes] = minBuffer + heldCost + 100
	for range 2 { // the second goes to disk
		if h, err = hold("small", 5); err != nil {
			t.Fatal(err)
		}
		defer h.release()
	}
	if _, ok := h.ReaderAt.(*os.File); !ok {
		t.Error("over what memory may be used, and not on disk")
	}
	h.release()
	budget.alone[diskFiles] = 0
	if _, err := hold("small", 5); !errors.Is(err, assay.ErrTooLarge) {
		t.Errorf("over the number of files: %v", err)
	}
	budget.alone[diskFiles] = 1
	if _, err := hold("short", len(big)); !errors.Is(err, assay.ErrMalformed) {
		t.Errorf("truncated: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 || budget.used[diskBytes] != 0 || budget.used[diskFiles] != 0 {
		t.Errorf("%d files left, %v of the budget", len(left), budget.used)
	}
}

func TestMatcher(t *testing.T) {
	m := compile(readers, assay.ScopeSystem|assay.ScopeInstalled)
	for _, tt := range []struct {
		path string
		want string
	}{
		{"var/lib/dpkg/status", "var/lib/dpkg/status"},
		{"x/lib/dpkg/status", "var/lib/dpkg/status"},
		{"status", ""},
		{"var/lib/dpkg/status.d/any", "var/lib/dpkg/status.d/*"},
		{"var/lib/dpkg/status.d/a/b", ""},
		{"var/lib/dpkg/info/a.list", "var/lib/dpkg/info/*.list"},
		{"var/lib/dpkg/info/a.md5sums", ""},
		{"a/b/c.pairs", "*.pairs"},
		{"c.pairs", "*.pairs"},
		{"var/db-log", "var/db-log"},
	} {
		ws := m.match(nil, tt.path)
		got := ""
		if len(ws) > 0 {
			got = ws[0].glob
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.path, got, tt.want)
		}
	}
}

// declared wants lock files, one of which is what is installed in images.
type declared struct{ assay.Reader }

func (declared) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/a.lock", Scope: assay.ScopeDeclared}, {Glob: "**/b.lock", Scope: assay.ScopeDeclared | assay.ScopeInstalled}}
}

// TestMatcherOfInstalled holds that what belongs to installed packages says nothing of
// what a project asks for.
func TestMatcherOfInstalled(t *testing.T) {
	for _, tt := range []struct {
		path   string
		scopes assay.Scope
		want   int
	}{
		{"a.lock", assay.ScopeDeclared, 1},
		{"app/vendor/x/a.lock", assay.ScopeDeclared, 1},
		{"app/node_modules/x/a.lock", assay.ScopeSystem | assay.ScopeDeclared, 0},
		{"app/node_modules/x/b.lock", assay.ScopeDeclared, 0},
		{"app/node_modules/x/b.lock", assay.ScopeInstalled, 1},
		{"lib/site-packages/x/b.lock", assay.ScopeInstalled | assay.ScopeDeclared, 1},
	} {
		if ws := compile([]assay.Reader{declared{}}, tt.scopes).match(nil, tt.path); len(ws) != tt.want {
			t.Errorf("%s: %d patterns, want %d", tt.path, len(ws), tt.want)
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "/": "", ".": "", "..": "", "a": "a", "/a": "a", "./a/": "a", "a//b": "a/b", "a/./b": "a/b", "a/../b": "b",
		"../../a": "a", "a/../../../b": "b", "..a/b..": "..a/b..", `..\..\win`: `..\..\win`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a/../..//b/.")
	f.Fuzz(func(t *testing.T, s string) {
		got := clean(s)
		if clean(got) != got || strings.HasPrefix(got, "/") || slices.Contains(strings.Split(got, "/"), "..") {
			t.Errorf("clean(%q) = %q", s, got)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(&layerFacts{Files: []fileFacts{{Path: "p", Facts: assay.Facts{Packages: []assay.Package{{Name: "n"}}}}}, Index: index{make([]byte, hashLen), []byte{bitFile}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := decode(b); err == nil {
			encode(l)
		}
	})
}

// counting is a cache that counts.
type counting struct {
	mu      sync.Mutex
	entries map[string][]byte
	hits    int
}

func (c *counting) Get(_ context.Context, key string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b, ok := c.entries[key]
	if !ok {
		return nil, assay.ErrNotFound
	}
	c.hits++
	return b, nil
}

func (c *counting) Put(_ context.Context, key string, value []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[key] = slices.Clone(value)
	return nil
}

// TestNoDatabase: a distribution of which no package is found is a gap.
func TestNoDatabase(t *testing.T) {
	for _, tt := range []struct {
		image, want string
		kind        assay.TargetKind
	}{
		{"-- 1/etc/os-release --\n" + osr, "etc/os-release: Debian 12 without a package database (deb) that lists packages; which packages of the distribution are installed is unknown", ""},
		{"-- 1/etc/os-release --\nID=mine\n", "etc/os-release: mine without a package database of a supported kind that lists packages; which packages of the distribution are installed is unknown", assay.KindVM},
		{"-- 1/etc/os-release --\n" + osr + "-- 1/var/lib/dpkg/status --\n" + deb("a", "1") + "-- 2/var/lib/dpkg/.wh.status/ --\n", "etc/os-release: Debian 12 without a package database (deb) that lists packages; which packages of the distribution are installed is unknown", ""},
		{"-- 1/etc/os-release --\n" + osr + "-- 1/VAR/lib/dpkg/status --\n" + deb("a", "1"), "etc/os-release: Debian 12 without a package database (deb) that lists packages; which packages of the distribution are installed is unknown", ""},
		{"-- 1/etc/os-release --\n" + osr, "", assay.KindSBOM},
		{"-- 1/etc/os-release --\n" + osr + "-- 1/var/lib/dpkg/status --\n" + deb("a", "1"), "", ""},
	} {
		img := testimage.Parse(t, tt.image)
		img.Kind = tt.kind
		inv, err := Build(t.Context(), img, Options{Readers: readers})
		var got []string
		for _, g := range inv.Gaps {
			got = append(got, g.String())
		}
		if s := strings.Join(got, ", "); err != nil || s != tt.want {
			t.Errorf("%q: %q, want %q; %v", tt.image, s, tt.want, err)
		}
	}
}

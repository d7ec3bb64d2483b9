package inventory

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/section/files"
	"github.com/assaysec/assay/internal/test/testimage"
)

// hit is an item of the kinds of these tests.
type hit struct {
	Word string
	At   int64
}

// words finds the word "secret" in what files hold, and panics or fails at others.
type words struct{ kind *assay.SectionKind }

func (words) Name() string { return "words" }

func (w *words) Stream(_ context.Context, h *assay.Header) (facts assay.Facts, _ assay.FileStream) {
	if h.Path == "panic/header" {
		panic("header")
	}
	if strings.HasPrefix(h.Link, "secret") {
		facts.Add(w.kind, &hit{Word: "link"})
	}
	if h.Path == "secret" {
		facts.Add(w.kind, &hit{Word: "name"})
	}
	return facts, &wordStream{kind: w.kind}
}

// wordStream holds back what may be the beginning of a word.
type wordStream struct {
	kind  *assay.SectionKind
	tail  []byte
	at    int64
	facts assay.Facts
}

func (s *wordStream) Write(p []byte) (int, error) {
	b := append(s.tail, p...)
	if bytes.Contains(b, []byte("panic")) {
		panic("content")
	}
	if bytes.Contains(b, []byte("rubbish")) {
		return 0, errors.New("rubbish")
	}
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte("secret"))
		if i < 0 {
			break
		}
		s.facts.Add(s.kind, &hit{"secret", s.at + int64(from+i)})
		from += i + 6
	}
	keep := min(len(b), 5)
	s.at += int64(len(b) - keep)
	s.tail = append([]byte(nil), b[len(b)-keep:]...)
	return len(p), nil
}

func (s *wordStream) Facts() (assay.Facts, error) {
	if string(s.tail) == "final" {
		panic("end")
	}
	return s.facts, nil
}

// lines is a reader whose files have an item a line.
type lines struct{ kind *assay.SectionKind }

func (lines) Name() string { return "lines" }

func (lines) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/*.lines", Scope: assay.ScopeInstalled}}
}

func (r *lines) Read(_ context.Context, f *assay.File) (facts assay.Facts, err error) {
	b := make([]byte, f.Size)
	f.ReadAt(b, 0)
	for line := range strings.Lines(string(b)) {
		if strings.TrimSpace(line) == "panic" {
			panic("line")
		}
		facts.Add(r.kind, &hit{Word: strings.TrimSpace(line)})
	}
	return facts, nil
}

func wordKind() *assay.SectionKind {
	w, l := &words{}, &lines{}
	k := assay.NewSectionKind(assay.SectionKindOf[hit]{Name: "words", Title: "Words", Streamers: []assay.Streamer{w}, Readers: []assay.Reader{l}})
	w.kind, l.kind = k, k
	return k
}

// items lists "layer path word", layers from 1.
func items(s *assay.Section) string {
	var out []string
	for i := range s.Items() {
		switch v := i.Value.(type) {
		case *hit:
			out = append(out, fmt.Sprintf("%d %s %s", i.Layer+1, i.Path, v.Word))
		case *files.File:
			out = append(out, fmt.Sprintf("%d %s %s", i.Layer+1, i.Path, v.Change))
		}
	}
	return strings.Join(out, ", ")
}

// TestSections: an item holds while its path does.
func TestSections(t *testing.T) {
	for _, tt := range []struct{ name, image, want, gap string }{
		{name: "found, and nothing kept of the rest", image: "-- 1/a --\na secret\n-- 1/b --\nnothing\n-- 1/c.lines --\nx\ny\n", want: "1 a secret, 1 c.lines x, 1 c.lines y"},
		{name: "a file that a reader wants, too", image: "-- 1/a.lines --\nsecret\n", want: "1 a.lines secret, 1 a.lines secret"},
		{name: "across pieces", image: "-- 1/a --\n" + strings.Repeat("x", streamBuffer-3) + "secret\n", want: "1 a secret"},
		{name: "rewritten above", image: "-- 1/a --\nsecret\n-- 2/a --\nclean\n", want: ""},
		{name: "deleted above", image: "-- 1/d/a --\nsecret\n-- 1/e.lines --\nx\n-- 2/.wh.d --\n-- 2/.wh.e.lines --\n", want: ""},
		{name: "hidden by an opaque directory", image: "-- 1/d/a --\nsecret\n-- 2/d/.wh..wh..opq --\n-- 2/d/b --\nsecret\n", want: "2 d/b secret"},
		{name: "the path comes again in the layer", image: "-- 1/a --\nsecret\n-- 1/a --\nclean\n-- 1/b --\nclean\n-- 1/b --\nsecret\n", want: "1 b secret"},
		{name: "a file in place of a directory", image: "-- 1/d/e/a --\nsecret\n-- 1/d --\nclean\n", want: ""},
		{name: "a directory again keeps what is in it", image: "-- 1/d/ --\n-- 1/d/a --\nsecret\n-- 1/d/ --\n", want: "1 d/a secret"},
		{name: "a hard link outlives its file", image: "-- 1/a --\nsecret\n-- 1/b => a --\n-- 2/.wh.a --\n", want: "1 b secret"},
		{name: "a hard link to a file of a lower layer", image: "-- 1/usr/a --\nsecret\n-- 1/lib -> usr --\n-- 2/b => lib/a --\n-- 3/c => b --\n-- 4/usr/.wh.a --\n-- 4/.wh.b --\n", want: "3 c secret"},
		{name: "a hard link, then its file again", image: "-- 1/a --\nsecret\n-- 1/b => a --\n-- 1/a --\nclean\n", want: "1 b secret"},
		{name: "a hard link to nothing", image: "-- 1/b => a --\n", want: "", gap: "layer 0: b: a hard link to \"a\", which is not in the image; not read"},
		{name: "items of the header and of the content", image: "-- 1/secret --\nsecret\n", want: "1 secret name, 1 secret secret"},
		{name: "items of a hard link and of its file", image: "-- 1/a --\nsecret\n-- 1/secret => a --\n", want: "1 a secret, 1 secret name, 1 secret secret"},
		{name: "below a link to itself", image: "-- 1/lib -> lib --\n-- 2/lib/a --\nsecret\n", want: "", gap: "layer 1: lib/a: its directory is a dangling symbolic link; ignored"},
		{name: "a link's own header", image: "-- 1/l -> secret/x --\n", want: "1 l link"},
		{name: "written through a link of a lower layer", image: "-- 1/usr/lib/ --\n-- 1/lib -> usr/lib --\n-- 2/lib/a --\nsecret\n", want: "2 usr/lib/a secret"},
		{name: "written through a link, then deleted", image: "-- 1/usr/lib/ --\n-- 1/lib -> usr/lib --\n-- 2/lib/a --\nsecret\n-- 3/lib/.wh.a --\n", want: ""},
		{name: "a panic over a header", image: "-- 1/panic/header --\nx\n-- 1/z --\nsecret\n", want: "1 z secret", gap: "layer 0: panic/header: words: the reader panicked (header)"},
		{name: "a panic over content", image: "-- 1/p --\npanic\n-- 1/z --\nsecret\n", want: "1 z secret", gap: "layer 0: p: words: the reader panicked (content)"},
		{name: "a panic at the end", image: "-- 1/q --\n", want: "", gap: "layer 0: q: words: the reader panicked (end)"},
		{name: "a panic of a reader", image: "-- 1/p.lines --\npan\npanic\n-- 1/q.lines --\nx\n", want: "1 q.lines x", gap: "layer 0: p.lines: lines: the reader panicked (line)"},
		{name: "what cannot be read", image: "-- 1/p --\nsecret rubbish\n-- 1/q --\nsecret\n", want: "1 q secret", gap: "layer 0: p: words: rubbish"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := testimage.Parse(t, tt.image)
			if strings.HasPrefix(tt.name, "a panic at") {
				img.Layers[0] = layerOf(t, tar.Header{Name: "q", Uname: "final"})
			}
			inv, err := Build(t.Context(), img, Options{Kinds: []*assay.SectionKind{wordKind()}})
			if err != nil {
				t.Fatal(err)
			}
			if got, g := items(inv.Sections["words"]), gaps(inv); got != tt.want || (tt.gap == "") != (g == "") || !strings.Contains(g, tt.gap) {
				t.Errorf("got %q, want %q; gaps %q", got, tt.want, g)
			}
		})
	}
}

// TestFiles: the listing tells what each layer did, whatever came after it.
func TestFiles(t *testing.T) {
	img := testimage.Parse(t, "-- 1/d/ --\n-- 1/d/a --\nx\n-- 1/d/b --\nx\n-- 1/e/f --\nx\n-- 2/d/a --\nxy\n-- 2/d/.wh.b --\n-- 2/e/.wh..wh..opq --\n-- 2/e/ --\n-- 2/g -> d --\n-- 3/.wh.d --\n-- 2/d/.wh.b --\n-- 3/d/c --\n\n-- 4/g/c --\n\n-- 4/g/n --\n\n-- 5 --\n")
	inv, err := Build(t.Context(), img, Options{Kinds: []*assay.SectionKind{files.Kind}})
	if err != nil || len(inv.Gaps) > 0 {
		t.Fatal(err, inv.Gaps)
	}
	const want = "1 d added, 1 d/a added, 1 d/b added, 1 e/f added, 2 d/a changed, 2 d/b deleted, 2 e changed, 2 e opaque, 2 g added, 3 d deleted, 3 d/c added, 4 g/c changed, 4 g/n added"
	if got := items(inv.Sections["files"]); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestKindsAndCache: a kind that was not asked for is no reason to read a layer
// again, and one that was is read once.
func TestKindsAndCache(t *testing.T) {
	img := testimage.Parse(t, "-- 1/etc/os-release --\n"+osr+"-- 1/var/lib/dpkg/status --\n"+deb("a", "1")+"-- 1/s --\nsecret\n")
	reads, open := 0, img.Layers[0].Open
	img.Layers[0].Open = func(ctx context.Context) (io.ReadCloser, error) {
		reads++
		return open(ctx)
	}
	streamed := assay.NewSectionKind(assay.SectionKindOf[hit]{Name: "streamed", Title: "Streamed"})
	streamed.Streamers = []assay.Streamer{&words{streamed}}
	both := wordKind()
	c := &counting{entries: map[string][]byte{}}
	for i, tt := range []struct {
		kinds []*assay.SectionKind
		read  bool
	}{
		{nil, true}, {nil, false}, {[]*assay.SectionKind{streamed}, true}, {[]*assay.SectionKind{streamed}, false}, {nil, false},
		{[]*assay.SectionKind{files.Kind, streamed}, true}, {[]*assay.SectionKind{files.Kind}, false}, {[]*assay.SectionKind{both}, true}, {[]*assay.SectionKind{both, files.Kind}, false},
	} {
		before := reads
		inv, err := Build(t.Context(), img, Options{Readers: readers, Kinds: tt.kinds, Cache: c})
		if err != nil || found(inv) != "a 1 @1" || len(inv.Gaps) > 0 || len(inv.Sections) != len(tt.kinds) {
			t.Fatalf("%d: %q, %v, %v", i, found(inv), inv, err)
		}
		if (reads > before) != tt.read {
			t.Errorf("%d: read %d times", i, reads-before)
		}
		for _, k := range tt.kinds {
			if got := items(inv.Sections[k.Name]); k != files.Kind && got != "1 s secret" || k == files.Kind && !strings.HasPrefix(got, "1 etc/os-release added, 1 s added") {
				t.Errorf("%d: %s: %q", i, k.Name, got)
			}
		}
	}
}

// TestForeignItems: items are found by those that the kind names, or not at all.
func TestForeignItems(t *testing.T) {
	k := wordKind()
	other := assay.NewSectionKind(assay.SectionKindOf[hit]{Name: "other", Title: "Other", Streamers: []assay.Streamer{&words{k}}})
	inv, err := Build(t.Context(), testimage.Parse(t, "-- 1/a --\nsecret\n-- 1/b.lines --\nx\n"), Options{Readers: []assay.Reader{&lines{k}}, Kinds: []*assay.SectionKind{other}})
	if err != nil || inv.Sections["other"].Len() != 0 || strings.Count(gaps(inv), "1 item of the section words, which this reader does not declare") != 2 {
		t.Errorf("%v: %s", err, gaps(inv))
	}
}

// TestManyFilesWithoutHit: files in which nothing is found take up nothing, however
// many there are.
func TestManyFilesWithoutHit(t *testing.T) {
	hs := each(maxWanted+1, file("d/%d", "x"))
	hs = append(hs, tar.Header{Name: "last", Uname: "secret"})
	inv, err := Build(t.Context(), &assay.Image{Layers: []assay.Layer{layerOf(t, hs...)}}, Options{Kinds: []*assay.SectionKind{wordKind()}})
	if err != nil || len(inv.Gaps) > 0 || items(inv.Sections["words"]) != "1 last secret" {
		t.Errorf("%v, %v: %s", err, inv.Gaps, items(inv.Sections["words"]))
	}
}

// TestPerLayerReaders: what readers find in lower layers stays, too.
func TestPerLayerReaders(t *testing.T) {
	l := &lines{}
	k := assay.NewSectionKind(assay.SectionKindOf[hit]{Name: "words", Title: "Words", Readers: []assay.Reader{l}, PerLayer: func(h *hit, below bool) {
		if below {
			h.Word += "!"
		}
	}})
	l.kind = k
	inv, err := Build(t.Context(), testimage.Parse(t, "-- 1/b.lines --\nx\n-- 1/a.lines --\nx\n-- 2/a.lines --\ny\n-- 3/.wh.a.lines --\n"), Options{Kinds: []*assay.SectionKind{k}})
	if got := items(inv.Sections["words"]); err != nil || got != "1 a.lines x, 1 b.lines x, 2 a.lines y!" {
		t.Errorf("%v: %s", err, got)
	}
}

// TestPacker: a path that occurs again and again needs no more room, and the limit
// holds for everything.
func TestPacker(t *testing.T) {
	p := &packer{at: map[string]position{}}
	p.add(classEntry, "d/a", []byte("x"))
	p.forget("d", true)
	size := p.size
	for range 1000 {
		p.forget("d", true)
	}
	if p.size != size || len(p.records) != 1 || len(p.gone) != 1 || p.itemsAt("d/a") != nil {
		t.Errorf("%d bytes, %d before; %d records, %d marks", p.size, size, len(p.records), len(p.gone))
	}
	if out := p.pack(); out.Count != 0 || len(out.Gaps) != 0 {
		t.Errorf("%+v", out)
	}
	p = &packer{}
	for i := range 9 {
		p.add(classEntry, fmt.Sprint(i), make([]byte, maxFacts/8))
	}
	p.size = maxFacts
	p.forget("0", true)
	if out := p.pack(); out.Count != 7 || len(out.Gaps) != 1 || !strings.HasPrefix(out.Gaps[0].What, "3 more results are dropped") {
		t.Errorf("%d paths, %v", out.Count, out.Gaps)
	}
}

// TestPanicOfLayer: a panic in a layer ends the scan, not the process.
func TestPanicOfLayer(t *testing.T) {
	img := testimage.Parse(t, "-- 1/a --\n\n-- 2/b --\n")
	img.Layers[1].Open = func(context.Context) (io.ReadCloser, error) { panic("boom") }
	if _, err := Build(t.Context(), img, Options{Readers: readers}); err == nil || !strings.HasPrefix(err.Error(), "layer 1: internal error: boom; please report it with the input") || strings.Contains(err.Error(), "goroutine") {
		t.Error(err)
	}
}

// TestPanicBehindLink: what a reader that panicked found is not cached, also where the
// file was read later than its layer.
func TestPanicBehindLink(t *testing.T) {
	img := testimage.Parse(t, "-- 1/data/x --\npanic\n-- 2/etc/x.system -> ../data/x --\n")
	c := &counting{entries: map[string][]byte{}}
	inv, err := Build(t.Context(), img, Options{Readers: []assay.Reader{panicking{}}, Cache: c})
	if err != nil || !strings.Contains(gaps(inv), "the reader panicked") {
		t.Fatal(err, gaps(inv))
	}
	for key := range c.entries {
		if strings.Contains(key, "image ") {
			t.Errorf("cached: %q", key)
		}
	}
}

// panicking is a reader that panics.
type panicking struct{}

func (panicking) Name() string                                           { return "panicking" }
func (panicking) Wants() []assay.Pattern                                 { return []assay.Pattern{{Glob: "etc/x.system"}} }
func (panicking) Read(context.Context, *assay.File) (assay.Facts, error) { panic("always") }

package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tarstream"
)

const (
	// maxEntries bounds the entries of a layer; the largest images have two million
	// files in all layers.
	maxEntries = 20_000_000
	// maxLinkBytes bounds a layer's symbolic and hard links, in bytes: half a million links of usual length.
	maxLinkBytes = 64 << 20
	linkCost     = 64 // overhead of a link beside its path and target
	// maxPath bounds a path and a link's target, as Linux does.
	// https://man7.org/linux/man-pages/man3/pathconf.3.html
	maxPath = 4096
	// maxDirs bounds the depth of a wanted file. The deepest genuine one, in a root
	// inside a root, has fewer than twenty directories.
	maxDirs = 100
	// maxWanted bounds the wanted files of a layer. Databases with one file a package
	// have some thousands.
	maxWanted = 200_000
	// maxFacts bounds the facts of a layer in bytes: a database of 200,000 packages,
	// the most allowed, has about 150 MB.
	maxFacts = 256 << 20
	// maxLayerGaps bounds the gaps about a layer's entries; the rest is counted.
	maxLayerGaps = 1000
)

const (
	whiteoutPrefix = ".wh."
	aufsPrefix     = ".wh..wh."
	opaqueName     = ".wh..wh..opq"
)

// layerFacts contains what a layer says and does, whatever layers are below it. Its
// exported fields are cached.
type layerFacts struct {
	Files []fileFacts
	Index index
	Links map[string]string // symbolic links
	Hards map[string]string // hard links, except those whose facts are copied
	Again []string          // those of Hards whose files the layer writes again after them
	Asked []string          // symbolic links at wanted paths
	Gaps  []assay.Gap       // Where is a path, or ""

	sections  map[string]*packed `wire:"-"` // items of streamers, by kind; cached separately
	transient bool               `wire:"-"` // some of it depends on more than the layer's bytes, so it must not be cached
}

// fileFacts contains one reader's facts about one file. A file that could not be read
// has gaps and no facts; it still replaces a file of a lower layer.
type fileFacts struct {
	Path      string
	Reader    string
	Facts     assay.Facts
	Items     []byte // items of the reader's kind, packed
	Gaps      []string
	Companion bool // no facts: a companion of a file that is not in this layer

	bytes     int64 `wire:"-"` // its size, for links to it
	transient bool  `wire:"-"` // the reader panicked: perhaps it does not the next time
}

// A layerReader reads one layer.
type layerReader struct {
	readers []assay.Reader
	matcher *matcher
	spool   *spool
	kinds   kinds
	streams []*streaming
	packers map[string]*packer // by the name of their kind
	buffer  []byte             // buffer through which files pass
	keep    bool               // return the files instead of passing them to readers
	budget  *claim             // what it has acquired from the budget for facts

	progress func(assay.Progress)  // of a walk; may be nil
	registry assay.PackageRegistry // of a walk; may be nil

	out       layerFacts
	index     indexBuilder
	linkBytes int
	moreGaps  int
	wanted    int   // files that were read
	size      int64 // of the facts
	dirs      realDirs
	forgotten int                 // links looked at by forgetLinks
	targets   map[string][]string // hard links of out.Hards, by their targets
	at        map[string][]int    // where in out.files the facts about a path are; a forgotten one has none
	below     map[string][]string // directories above those: the paths right in them
	with      map[string]*spooled
	mains     map[string][]*want // files that wait for their companions
	kept      map[string]*spooled
	ws        []*want
}

// read reads all of r, because the source checks the digest at the end: it returns no
// facts from bytes that do not match. Damage in the tar itself is a gap, and the
// entries before it count.
func (l *layerReader) read(ctx context.Context, r io.Reader) (*layerFacts, error) {
	l.begin()
	defer l.release()
	tr := tarstream.NewReader(r)
	for n := 0; ; n++ {
		h, err := tr.Next()
		if err == nil && n == maxEntries {
			err = fmt.Errorf("more than %d entries: %w", maxEntries, assay.ErrTooLarge)
		}
		if err == nil {
			err = l.entry(ctx, h, tr)
		}
		if err == io.EOF {
			break
		}
		if errors.Is(err, assay.ErrMalformed) || errors.Is(err, assay.ErrTooLarge) {
			l.gap("", err.Error()+"; what follows in this layer is not read")
			break
		}
		if err != nil {
			return nil, err
		}
		if n&0xff == 0 {
			if err := l.charge(ctx); err != nil {
				return nil, err
			}
		}
	}
	if err := l.drain(r); err != nil {
		return nil, err
	}
	return l.end(ctx)
}

func (l *layerReader) begin() {
	l.index, l.out.Links, l.out.Hards = newIndexBuilder(), map[string]string{}, map[string]string{}
	l.targets = map[string][]string{}
	l.at, l.below = map[string][]int{}, map[string][]string{}
	l.with, l.mains = map[string]*spooled{}, map[string][]*want{}
}

// charge acquires from the budget what the layer's facts need so far, and waits while
// other scans use it. fit handles what one scan may not have.
func (l *layerReader) charge(ctx context.Context) error {
	if l.budget == nil { // no facts are kept
		return ctx.Err()
	}
	need := l.size + int64(l.linkBytes) + indexCost*int64(len(l.index.bits))
	for _, p := range l.packers {
		need += p.size
	}
	if need-l.budget.has >= chargeStep {
		_ = l.budget.resize(ctx, need)
	}
	return ctx.Err()
}

const (
	indexCost  = 48      // bytes of an entry while the index is built
	chargeStep = 1 << 20 // bytes of facts that are acquired at once
)

func (l *layerReader) release() {
	for _, h := range l.with {
		h.release()
	}
}

// end completes what was read.
func (l *layerReader) end(ctx context.Context) (*layerFacts, error) {
	l.readWaiting(ctx)
	if l.moreGaps > 0 {
		l.out.Gaps = append(l.out.Gaps, assay.Gap{What: fmt.Sprintf("%d more gaps of this kind, which are not listed", l.moreGaps)})
	}
	l.out.Files = slices.DeleteFunc(l.out.Files, func(f fileFacts) bool { return f.Path == "" })
	l.out.Again = slices.DeleteFunc(l.out.Again, func(path string) bool { _, ok := l.out.Hards[path]; return !ok })
	slices.Sort(l.out.Again)
	l.out.Asked = slices.DeleteFunc(l.out.Asked, func(path string) bool { _, ok := l.out.Links[path]; return !ok })
	l.out.transient = l.out.transient || slices.ContainsFunc(l.out.Files, func(f fileFacts) bool { return f.transient })
	l.packSections()
	l.out.Index = l.index.index()
	return &l.out, ctx.Err()
}

// drain reads to the end, where a stream reports a wrong digest. A seekable source has
// no digest to check.
func (l *layerReader) drain(r io.Reader) error {
	if _, ok := r.(io.Seeker); ok {
		return nil
	}
	_, err := io.Copy(io.Discard, r)
	return err
}

func (l *layerReader) gap(path, what string) {
	if len(l.out.Gaps) == maxLayerGaps {
		l.moreGaps++
		return
	}
	l.out.Gaps = append(l.out.Gaps, assay.Gap{Where: path, What: what})
}

func (l *layerReader) entry(ctx context.Context, h *tarstream.Header, r io.Reader) error {
	path := clean(h.Name)
	if path == "" {
		return nil
	}
	if len(path) > maxPath { // no program can create it
		short, what := path[:maxPath/64]+"…", fmt.Sprintf("path of %d bytes exceeds the limit of %d; not read", len(path), maxPath)
		if len(l.matcher.match(nil, path)) > 0 {
			l.gap(short, what)
		}
		l.notStreamed(short, what)
		return nil
	}
	dir, base := split(path)
	real, ok := l.realDir(dir)
	if real != dir {
		dir, path = real, join(real, base)
	}
	if !ok {
		l.gap(path, "symbolic links form a cycle or are nested too deeply; not read")
		return nil
	}
	if strings.HasPrefix(base, whiteoutPrefix) || strings.HasPrefix(dir, aufsPrefix) {
		l.whiteout(ctx, dir, base)
		return nil
	}
	switch h.Kind {
	case tarstream.Global:
		l.global(path)
		return nil
	case tarstream.Hardlink:
		l.resolveHardlink(h)
	}
	if err := l.replace(path, dir, h.Kind); err != nil {
		return err
	}
	switch h.Kind {
	case tarstream.Symlink:
		l.link(path, h.Link)
	case tarstream.Hardlink:
		if err := l.hardlink(ctx, path, h.Link); err != nil {
			return err
		}
	}
	streamed := len(l.streams) > 0 && l.see(ctx, header(path, h))
	if h.Kind != tarstream.File {
		return nil
	}
	if streamed && h.Sparse {
		l.streamRefuse(path, "stored as a sparse file; not read")
		streamed = false
	}
	if !streamed {
		return l.regular(ctx, path, h, r)
	}
	if err := l.regular(ctx, path, h, io.TeeReader(r, streamWriter{l, path})); err != nil {
		return err
	}
	return l.streamRest(path, r)
}

// replace records an entry in the index, and removes what the layer had at its path.
func (l *layerReader) replace(path, dir string, kind byte) error {
	l.index.addParents(dir)
	before := l.index.add(path, entryKinds[kind].bit)
	l.forgetItems(path, before, kind == tarstream.Dir)
	l.rewritten(path)
	if kind == tarstream.Dir {
		l.forgetOne(path)
		return nil
	}
	if before&bitParent != 0 {
		if err := l.forgetLinks(path); err != nil {
			return err
		}
	}
	l.forget(path)
	return nil
}

// header describes an entry of a tar to streamers.
func header(path string, h *tarstream.Header) *assay.Header {
	out := &assay.Header{Path: path, Type: entryKinds[h.Kind].entry, Mode: h.Mode, UID: h.UID, GID: h.GID, HasOwner: true}
	switch h.Kind {
	case tarstream.File:
		out.Size = h.Size
	case tarstream.Symlink:
		out.Link = h.Link
	case tarstream.Hardlink:
		out.Link = h.Link
	}
	return out
}

// entryKinds maps the kinds of entries in a tar.
var entryKinds = [...]struct {
	bit   uint8
	entry assay.EntryType
}{
	tarstream.File:     {bitFile, assay.EntryFile},
	tarstream.Dir:      {bitDir, assay.EntryDir},
	tarstream.Symlink:  {bitLink, assay.EntrySymlink},
	tarstream.Hardlink: {bitFile, assay.EntryHardlink},
	tarstream.Other:    {bitFile, assay.EntrySpecial},
}

// whiteout records what a marker deletes from lower layers.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts
func (l *layerReader) whiteout(ctx context.Context, dir, base string) {
	if strings.HasPrefix(dir, aufsPrefix) {
		return // inside a directory of aufs itself
	}
	if base == opaqueName {
		if dir != "" {
			l.seeOnce(ctx, l.index.add(dir, bitOpaque)&bitOpaque != 0, &assay.Header{Path: dir, Type: assay.EntryOpaque})
		} else {
			l.gap(base, "invalid whiteout: the root cannot be opaque; ignored")
		}
		return
	}
	if strings.HasPrefix(base, aufsPrefix) {
		return
	}
	switch name := base[len(whiteoutPrefix):]; name {
	case "", ".", "..":
		l.gap(join(dir, base), "invalid whiteout without a name; ignored")
	default:
		path := join(dir, name)
		l.seeOnce(ctx, l.index.add(path, bitWhiteout)&bitWhiteout != 0, &assay.Header{Path: path, Type: assay.EntryWhiteout})
	}
}

// seeOnce passes a whiteout to the streamers, unless the layer has it already.
func (l *layerReader) seeOnce(ctx context.Context, again bool, h *assay.Header) {
	if !again {
		l.see(ctx, h)
	}
}

// forget removes the facts of a path that occurs again, and of everything below it if
// it was a directory: the last entry wins.
func (l *layerReader) forget(path string) {
	l.forgetOne(path)
	todo, directory := l.below[path]
	if !directory {
		return
	}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], l.below[p]...)
		l.forgetOne(p)
		delete(l.at, p)
		delete(l.below, p)
	}
	delete(l.below, path)
	l.at[path] = nil
}

// forgetOne removes the facts of one path.
func (l *layerReader) forgetOne(path string) {
	l.forgetLink(path)
	delete(l.out.Hards, path)
	l.drop(l.with, path)
	l.drop(l.kept, path)
	delete(l.mains, path)
	if at := l.at[path]; len(at) > 0 {
		for _, i := range at {
			l.out.Files[i] = fileFacts{}
		}
		l.at[path] = nil
	}
}

func (l *layerReader) drop(m map[string]*spooled, path string) {
	if h := m[path]; h != nil {
		h.release()
		delete(m, path)
	}
}

// remember lets forget find path.
func (l *layerReader) remember(path string) {
	if _, known := l.at[path]; known {
		return
	}
	_, known := l.below[path]
	l.at[path] = nil
	for !known { // by the directory above
		dir, _ := split(path)
		if dir == "" {
			return
		}
		_, file := l.at[dir]
		_, directory := l.below[dir]
		known = file || directory
		l.below[dir] = append(l.below[dir], path)
		path = dir
	}
}

// add adds the facts about a file, within the limit.
func (l *layerReader) add(f fileFacts) {
	if f.bytes == 0 {
		f.bytes = f.size()
	}
	if l.size+f.bytes > maxFacts {
		f.Facts, f.Items, f.Gaps = assay.Facts{}, nil, []string{fmt.Sprintf("the facts of this layer exceed %d bytes; the facts of this file are dropped", maxFacts)}
		f.bytes = 0
	}
	l.size += f.bytes
	l.at[f.Path] = append(l.at[f.Path], len(l.out.Files))
	l.out.Files = append(l.out.Files, f)
}

// claim reports whether one more wanted file may be read.
func (l *layerReader) claim(path string) bool {
	if strings.Count(path, "/") > maxDirs {
		l.gap(path, fmt.Sprintf("more than %d nested directories; not read", maxDirs))
		return false
	}
	if l.wanted++; l.wanted > maxWanted {
		if l.wanted == maxWanted+1 {
			l.gap(path, fmt.Sprintf("more than %d files to read in this layer; this and later files are not read", maxWanted))
		}
		return false
	}
	l.remember(path)
	return true
}

// linked reports whether one more link may be recorded.
func (l *layerReader) linked(path, target string) bool {
	if len(target) > maxPath {
		l.gap(path, fmt.Sprintf("link to a path of %d bytes, over the limit of %d; not followed", len(target), maxPath))
		return false
	}
	cost := len(path) + len(target) + linkCost
	l.linkBytes += cost
	if l.linkBytes > maxLinkBytes && l.linkBytes-cost <= maxLinkBytes {
		l.gap(path, "too many links; files behind this and later links are not read")
	}
	return l.linkBytes <= maxLinkBytes
}

func (l *layerReader) link(path, target string) {
	if !l.linked(path, target) {
		return
	}
	l.out.Links[path] = target
	l.dirs = realDirs{}
	if l.ws = l.matcher.match(l.ws[:0], path); len(l.ws) > 0 {
		l.out.Asked = append(l.out.Asked, path)
	}
}

// hardlink copies the facts of the linked file to a wanted path. If no reader wanted
// the file under its first name, squashing handles the link.
func (l *layerReader) hardlink(ctx context.Context, path, target string) error {
	if l.keep {
		return l.keepHardlink(ctx, path, target)
	}
	l.ws = onePerReader(l.matcher.match(l.ws[:0], path))
	if len(l.ws) == 0 { // another link may lead here
		l.keepLink(path, target)
		return nil
	}
	if !l.claim(path) {
		return nil
	}
	for _, w := range l.ws {
		i := slices.IndexFunc(l.at[target], func(i int) bool { return l.out.Files[i].Reader == l.readers[w.reader].Name() })
		if i >= 0 {
			f := l.out.Files[l.at[target][i]]
			f.Path = path
			l.add(f)
		} else {
			l.keepLink(path, target)
		}
	}
	return nil
}

// keepLink records a hard link for squashing.
func (l *layerReader) keepLink(path, target string) {
	if _, ok := l.out.Hards[path]; !ok && l.linked(path, target) {
		l.out.Hards[path] = target
		l.targets[target] = append(l.targets[target], path)
	}
}

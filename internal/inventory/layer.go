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
	// maxEntries bounds the entries of a layer; the largest images have two
	// million files in all.
	maxEntries = 20_000_000
	// maxLinkBytes bounds what a layer's symbolic links, and hard links at
	// wanted paths, take up: half a million of usual length.
	maxLinkBytes = 64 << 20
	linkCost     = 64 // bytes of one beside its path and target
	// maxPath bounds a path and a link's target, as Linux does.
	// https://man7.org/linux/man-pages/man3/pathconf.3.html
	maxPath = 4096
	// maxDirs bounds how deep a wanted file may lie. The deepest genuine
	// one is that of a root inside a root, below twenty.
	maxDirs = 100
	// maxWanted bounds the wanted files of a layer. Databases with a file a
	// package have some thousands.
	maxWanted = 200_000
	// maxFacts bounds the bytes that a layer's facts take up: a database of
	// 200,000 packages, the most that one may have, has some 150 MB.
	maxFacts = 256 << 20
	// maxLayerGaps bounds the gaps about a layer's entries; the rest is counted.
	maxLayerGaps = 1000
)

const (
	whiteoutPrefix = ".wh."
	aufsPrefix     = ".wh..wh."
	opaqueName     = ".wh..wh..opq"
)

// layerFacts is what a layer says and does, whatever lies below it. Its fields
// with capitals are what is cached.
type layerFacts struct {
	Files []fileFacts
	Index index
	Links map[string]string // symbolic links
	Hards map[string]string // hard links at wanted paths, to what this layer did not give to their readers
	Asked []string          // symbolic links at wanted paths
	Gaps  []assay.Gap       // Where is a path, or ""

	sections  map[string]*packed `wire:"-"` // what streamers found, by kind; cached apart
	transient bool               `wire:"-"` // some of it depends on more than the layer's bytes: it is not to be cached
}

// fileFacts is what one reader made of one file. A file that could not be read
// has gaps and no facts; it still takes away what a lower layer has there.
type fileFacts struct {
	Path      string
	Reader    string
	Facts     assay.Facts
	Items     []byte // of the reader's kind, packed
	Gaps      []string
	Companion bool // no facts: it belongs to a file that is not in this layer

	bytes     int64 `wire:"-"` // its size, where that was asked for before
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
	buffer  []byte             // in which files pass
	keep    bool               // hand over the files instead of reading them
	charged int64              // bytes of the budget's facts

	progress func(assay.Progress) // of a walk; may be nil

	out       layerFacts
	index     indexBuilder
	linkBytes int
	moreGaps  int
	wanted    int                 // files that were read
	size      int64               // of the facts
	at        map[string][]int    // where in out.files the facts about a path are; a forgotten one has none
	below     map[string][]string // directories above those: the paths right in them
	with      map[string]*held
	mains     map[string][]*want // files that wait for their companions
	kept      map[string]*held
	ws        []*want
}

// read takes the whole of r, to its end, where the source checks its digest:
// no facts are returned from bytes that are not what they should be. Damage
// of the tar itself is a gap; what came before it counts.
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
	l.at, l.below = map[string][]int{}, map[string][]string{}
	l.with, l.mains = map[string]*held{}, map[string][]*want{}
}

// charge takes of the budget what the layer's facts take up so far, waiting where
// other scans have it. What is too much for one scan, fit sees to.
func (l *layerReader) charge(ctx context.Context) error {
	need := l.size + int64(l.linkBytes) + indexCost*int64(len(l.index.bits))
	if need-l.charged < chargeStep || l.keep {
		return ctx.Err()
	}
	if err := l.spool.account.take(ctx, factBytes, need-l.charged); ctx.Err() != nil {
		return ctx.Err()
	} else if err == nil {
		l.charged = need
	}
	return nil
}

const (
	indexCost  = 24      // bytes of an entry while the index is made
	chargeStep = 1 << 20 // bytes of facts that are asked for at once
)

func (l *layerReader) release() {
	for _, h := range l.with {
		h.release()
	}
}

// end puts together what was read.
func (l *layerReader) end(ctx context.Context) (*layerFacts, error) {
	l.readWaiting(ctx)
	if l.moreGaps > 0 {
		l.out.Gaps = append(l.out.Gaps, assay.Gap{What: fmt.Sprintf("%d more gaps like these", l.moreGaps)})
	}
	l.out.Files = slices.DeleteFunc(l.out.Files, func(f fileFacts) bool { return f.Path == "" })
	l.out.Asked = slices.DeleteFunc(l.out.Asked, func(path string) bool { _, ok := l.out.Links[path]; return !ok })
	l.out.transient = l.out.transient || slices.ContainsFunc(l.out.Files, func(f fileFacts) bool { return f.transient })
	l.packSections()
	l.out.Index = l.index.index()
	return &l.out, ctx.Err()
}

// drain reads to the end, where a stream tells whether its digest was right.
// What can seek has no digest to check.
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
	if len(path) > maxPath { // no program can put it there
		if len(l.matcher.match(nil, path)) > 0 {
			l.gap(path[:maxPath/64]+"…", fmt.Sprintf("a path of %d bytes, over the limit of %d; not read", len(path), maxPath))
		}
		return nil
	}
	dir, base := split(path)
	if strings.HasPrefix(base, whiteoutPrefix) || strings.HasPrefix(dir, aufsPrefix) {
		l.whiteout(ctx, dir, base)
		return nil
	}
	l.index.addParents(dir)
	before := l.index.add(path, entryKinds[h.Kind].bit)
	l.forgetItems(path, before, h.Kind == tarstream.Dir)
	if h.Kind == tarstream.Dir {
		l.forgetOne(path)
	} else {
		l.forget(path)
	}
	switch h.Kind {
	case tarstream.Symlink:
		l.link(path, h.Link)
	case tarstream.Hardlink:
		l.hardlink(path, clean(h.Link))
	}
	streamed := l.see(ctx, header(path, h))
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

// header is what streamers are told of an entry of a tar.
func header(path string, h *tarstream.Header) *assay.Header {
	out := &assay.Header{Path: path, Type: entryKinds[h.Kind].entry, Mode: h.Mode, UID: h.UID, GID: h.GID, HasOwner: true}
	switch h.Kind {
	case tarstream.File:
		out.Size = h.Size
	case tarstream.Symlink:
		out.Link = h.Link
	case tarstream.Hardlink:
		out.Link = clean(h.Link)
	}
	return out
}

// entryKinds gives what an entry is, by its kind in a tar.
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

// whiteout notes what a marker takes away from lower layers.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts
func (l *layerReader) whiteout(ctx context.Context, dir, base string) {
	if strings.HasPrefix(dir, aufsPrefix) {
		return // inside a directory of aufs's own
	}
	if base == opaqueName {
		if dir != "" {
			l.index.add(dir, bitOpaque)
			l.see(ctx, &assay.Header{Path: dir, Type: assay.EntryOpaque})
		} else {
			l.gap(base, "an opaque root is not possible; ignored")
		}
		return
	}
	if strings.HasPrefix(base, aufsPrefix) {
		return
	}
	switch name := base[len(whiteoutPrefix):]; name {
	case "", ".", "..":
		l.gap(join(dir, base), "a whiteout of nothing; ignored")
	default:
		l.index.add(join(dir, name), bitWhiteout)
		l.see(ctx, &assay.Header{Path: join(dir, name), Type: assay.EntryWhiteout})
	}
}

// forget drops what was said of a path that comes again, and of all below it
// when it was a directory: the last entry wins.
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

// forgetOne drops what was said of a path alone.
func (l *layerReader) forgetOne(path string) {
	delete(l.out.Links, path)
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

func (l *layerReader) drop(m map[string]*held, path string) {
	if h := m[path]; h != nil {
		h.release()
		delete(m, path)
	}
}

// remember makes forget find path.
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

// add keeps the facts about a file, if they are not too many.
func (l *layerReader) add(f fileFacts) {
	if f.bytes == 0 {
		f.bytes = f.size()
	}
	if l.size+f.bytes > maxFacts {
		f.Facts, f.Gaps = assay.Facts{}, []string{fmt.Sprintf("what the files of this layer say is over %d bytes; not kept", maxFacts)}
		f.bytes = 0
	}
	l.size += f.bytes
	l.at[f.Path] = append(l.at[f.Path], len(l.out.Files))
	l.out.Files = append(l.out.Files, f)
}

// claim reports whether one more wanted file may be read.
func (l *layerReader) claim(path string) bool {
	if strings.Count(path, "/") > maxDirs {
		l.gap(path, fmt.Sprintf("over %d directories deep; not read", maxDirs))
		return false
	}
	if l.wanted++; l.wanted > maxWanted {
		if l.wanted == maxWanted+1 {
			l.gap(path, fmt.Sprintf("more than %d files to read in this layer; this and later ones are not read", maxWanted))
		}
		return false
	}
	l.remember(path)
	return true
}

// linked reports whether one more link may be kept.
func (l *layerReader) linked(path, target string) bool {
	if len(target) > maxPath {
		l.gap(path, fmt.Sprintf("a link to a path of %d bytes, over the limit of %d; not followed", len(target), maxPath))
		return false
	}
	cost := len(path) + len(target) + linkCost
	l.linkBytes += cost
	if l.linkBytes > maxLinkBytes && l.linkBytes-cost <= maxLinkBytes {
		l.gap(path, "too many links; what is reached through this and later ones is not found")
	}
	return l.linkBytes <= maxLinkBytes
}

func (l *layerReader) link(path, target string) {
	if !l.linked(path, target) {
		return
	}
	l.out.Links[path] = target
	if l.ws = l.matcher.match(l.ws[:0], path); len(l.ws) > 0 {
		l.out.Asked = append(l.out.Asked, path)
	}
}

// hardlink gives a wanted path the facts of the file that it is. When that was
// not read, as nobody wanted it under its first name, squash sees to it.
func (l *layerReader) hardlink(path, target string) {
	l.ws = onePerReader(l.matcher.match(l.ws[:0], path))
	if len(l.ws) == 0 || !l.claim(path) {
		return
	}
	for _, w := range l.ws {
		i := slices.IndexFunc(l.at[target], func(i int) bool { return l.out.Files[i].Reader == l.readers[w.reader].Name() })
		if i >= 0 {
			f := l.out.Files[l.at[target][i]]
			f.Path = path
			l.add(f)
		} else if l.linked(path, target) {
			l.out.Hards[path] = target
		}
	}
}

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
	// maxFolders bounds how deep a wanted file may lie. The deepest genuine
	// one is that of a root inside a root, below twenty.
	maxFolders = 100
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

// layerFacts is what a layer says and does, whatever lies below it.
type layerFacts struct {
	files []fileFacts
	index index
	links map[string]string // symbolic links
	hards map[string]string // hard links at wanted paths, to what this layer did not give to their readers
	asked []string          // symbolic links at wanted paths
	gaps  []assay.Gap       // Where is a path, or ""

	transient bool // some of it depends on more than the layer's bytes: it is not to be cached
}

// fileFacts is what one reader made of one file. A file that could not be read
// has gaps and no facts; it still takes away what a lower layer has there.
type fileFacts struct {
	path      string
	reader    string
	facts     assay.Facts
	gaps      []string
	companion bool  // no facts: it belongs to a file that is not in this layer
	bytes     int64 // its size, where that was asked for before
}

// A layerReader reads one layer.
type layerReader struct {
	readers []assay.Reader
	matcher *matcher
	spool   *spool
	keep    bool // hand over the files instead of reading them

	progress func(assay.Progress) // of a walk; may be nil

	out       layerFacts
	index     indexBuilder
	linkBytes int
	moreGaps  int
	wanted    int                 // files that were read
	size      int64               // of the facts
	at        map[string][]int    // where in out.files the facts about a path are; a forgotten one has none
	below     map[string][]string // folders above those: the paths right in them
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
		if n&0xff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if err := l.drain(r); err != nil {
		return nil, err
	}
	return l.end(ctx)
}

func (l *layerReader) begin() {
	l.index, l.out.links, l.out.hards = newIndexBuilder(), map[string]string{}, map[string]string{}
	l.at, l.below = map[string][]int{}, map[string][]string{}
	l.with, l.mains = map[string]*held{}, map[string][]*want{}
}

func (l *layerReader) release() {
	for _, h := range l.with {
		h.release()
	}
}

// end puts together what was read.
func (l *layerReader) end(ctx context.Context) (*layerFacts, error) {
	l.readWaiting(ctx)
	if l.moreGaps > 0 {
		l.out.gaps = append(l.out.gaps, assay.Gap{What: fmt.Sprintf("%d more gaps like these", l.moreGaps)})
	}
	l.out.files = slices.DeleteFunc(l.out.files, func(f fileFacts) bool { return f.path == "" })
	l.out.asked = slices.DeleteFunc(l.out.asked, func(path string) bool { _, ok := l.out.links[path]; return !ok })
	l.out.index = l.index.index()
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
	if len(l.out.gaps) == maxLayerGaps {
		l.moreGaps++
		return
	}
	l.out.gaps = append(l.out.gaps, assay.Gap{Where: path, What: what})
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
		l.whiteout(dir, base)
		return nil
	}
	l.index.addParents(dir)
	if h.Kind == tarstream.Dir {
		l.index.add(path, bitDir)
		l.forgetOne(path)
		return nil
	}
	l.forget(path)
	switch h.Kind {
	case tarstream.Symlink:
		l.index.add(path, bitLink)
		l.link(path, h.Link)
	case tarstream.Hardlink:
		l.index.add(path, bitFile)
		l.hardlink(path, clean(h.Link))
	case tarstream.Other:
		l.index.add(path, bitFile)
	default:
		l.index.add(path, bitFile)
		return l.regular(ctx, path, h, r)
	}
	return nil
}

// whiteout notes what a marker takes away from lower layers.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts
func (l *layerReader) whiteout(dir, base string) {
	if strings.HasPrefix(dir, aufsPrefix) {
		return // inside a folder of aufs's own
	}
	if base == opaqueName {
		if dir != "" {
			l.index.add(dir, bitOpaque)
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
	}
}

// forget drops what was said of a path that comes again, and of all below it
// when it was a directory: the last entry wins.
func (l *layerReader) forget(path string) {
	l.forgetOne(path)
	todo, folder := l.below[path]
	if !folder {
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
	delete(l.out.links, path)
	delete(l.out.hards, path)
	l.drop(l.with, path)
	l.drop(l.kept, path)
	delete(l.mains, path)
	if at := l.at[path]; len(at) > 0 {
		for _, i := range at {
			l.out.files[i] = fileFacts{}
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
	for !known { // by the folder above
		dir, _ := split(path)
		if dir == "" {
			return
		}
		_, file := l.at[dir]
		_, folder := l.below[dir]
		known = file || folder
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
		f.facts, f.gaps = assay.Facts{}, []string{fmt.Sprintf("what the files of this layer say is over %d bytes; not kept", maxFacts)}
		f.bytes = 0
	}
	l.size += f.bytes
	l.at[f.path] = append(l.at[f.path], len(l.out.files))
	l.out.files = append(l.out.files, f)
}

// claim reports whether one more wanted file may be read.
func (l *layerReader) claim(path string) bool {
	if strings.Count(path, "/") > maxFolders {
		l.gap(path, fmt.Sprintf("over %d folders deep; not read", maxFolders))
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
	l.out.links[path] = target
	if l.ws = l.matcher.match(l.ws[:0], path); len(l.ws) > 0 {
		l.out.asked = append(l.out.asked, path)
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
		i := slices.IndexFunc(l.at[target], func(i int) bool { return l.out.files[i].reader == l.readers[w.reader].Name() })
		if i >= 0 {
			f := l.out.files[l.at[target][i]]
			f.path = path
			l.add(f)
		} else if l.linked(path, target) {
			l.out.hards[path] = target
		}
	}
}

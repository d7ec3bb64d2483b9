package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/tarstream"
)

const (
	// maxEntries bounds the entries of a layer; the largest images have two
	// million files in all.
	maxEntries = 20_000_000
	// maxLinkBytes bounds the paths and targets of a layer's symbolic links:
	// half a million of usual length.
	maxLinkBytes = 64 << 20
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
}

// fileFacts is what one reader made of one file. A file that could not be read
// has gaps and no facts; it still takes away what a lower layer has there.
type fileFacts struct {
	path      string
	reader    string
	facts     assay.Facts
	gaps      []string
	companion bool // no facts: it belongs to a file that is not in this layer
}

// A layerReader reads one layer.
type layerReader struct {
	readers []assay.Reader
	matcher *matcher
	spool   *spool
	keep    bool // hand over the files instead of reading them

	out       layerFacts
	index     indexBuilder
	dir       string // of the entry before
	linkBytes int
	known     map[string]bool // files with facts
	dirs      map[string]bool // directories that hold them
	with      map[string]*held
	mains     map[string][]*want // files that wait for their companions
	kept      map[string]*held
	ws        []*want
}

// read takes the whole of r, to its end, where the source checks its digest:
// no facts are returned from bytes that are not what they should be. Damage
// of the tar itself is a gap; what came before it counts.
func (l *layerReader) read(ctx context.Context, r io.Reader) (*layerFacts, error) {
	l.index, l.out.links, l.out.hards = indexBuilder{}, map[string]string{}, map[string]string{}
	l.known, l.dirs = map[string]bool{}, map[string]bool{}
	l.with, l.mains = map[string]*held{}, map[string][]*want{}
	defer func() {
		for _, h := range l.with {
			h.release()
		}
	}()
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
	l.readWaiting(ctx)
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
	l.out.gaps = append(l.out.gaps, assay.Gap{Where: path, What: what})
}

func (l *layerReader) entry(ctx context.Context, h *tarstream.Header, r io.Reader) error {
	path := clean(h.Name)
	if path == "" {
		return nil
	}
	dir, base := split(path)
	if strings.HasPrefix(base, whiteoutPrefix) || strings.Contains(dir, aufsPrefix) {
		l.whiteout(dir, base)
		return nil
	}
	if h.Kind == tarstream.Dir {
		l.index.add(path, bitDir)
		delete(l.out.links, path)
		return nil
	}
	if dir != l.dir {
		l.index.addParents(dir)
		l.dir = dir
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
		if l.ws = onePerReader(l.matcher.match(l.ws[:0], path)); len(l.ws) > 0 {
			return l.file(ctx, path, h, r)
		}
	}
	return nil
}

// whiteout notes what a marker takes away from lower layers.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts
func (l *layerReader) whiteout(dir, base string) {
	if strings.Contains(dir, aufsPrefix) {
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
	delete(l.out.links, path)
	delete(l.out.hards, path)
	l.drop(l.with, path)
	delete(l.mains, path)
	below := l.dirs[path]
	if !below && !l.known[path] {
		return
	}
	files := l.out.files[:0]
	for _, f := range l.out.files {
		if f.path != path && !(below && strings.HasPrefix(f.path, path+"/")) {
			files = append(files, f)
		}
	}
	l.out.files = files
}

func (l *layerReader) drop(m map[string]*held, path string) {
	if h := m[path]; h != nil {
		h.release()
		delete(m, path)
	}
}

// remember makes forget find path.
func (l *layerReader) remember(path string) {
	l.known[path] = true
	for dir, _ := split(path); dir != "" && !l.dirs[dir]; dir, _ = split(dir) {
		l.dirs[dir] = true
	}
}

func (l *layerReader) link(path, target string) {
	l.linkBytes += len(path) + len(target)
	if l.linkBytes > maxLinkBytes {
		if l.linkBytes-len(path)-len(target) <= maxLinkBytes {
			l.gap(path, "too many symbolic links; what is reached through this and later ones is not found")
		}
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
	for _, w := range l.ws {
		found := false
		for _, f := range l.out.files {
			if f.path == target && f.reader == l.readers[w.reader].Name() {
				f.path = path
				l.out.files = append(l.out.files, f)
				l.remember(path)
				found = true
				break
			}
		}
		if !found {
			l.out.hards[path] = target
		}
	}
}

// file reads one wanted file. Only errors of the tar are returned.
func (l *layerReader) file(ctx context.Context, path string, h *tarstream.Header, r io.Reader) error {
	l.remember(path)
	most := int64(0)
	for _, w := range l.ws {
		most = max(most, w.max)
	}
	refuse := ""
	switch {
	case h.Size > most:
		refuse = fmt.Sprintf("%d bytes, over the limit of %d for this file; not read", h.Size, most)
	case h.Sparse:
		refuse = "stored as a sparse file; not read"
	}
	if refuse != "" {
		l.refuse(path, refuse)
		return nil
	}
	f, err := l.spool.hold(path, h.Mode, h.Size, r)
	if err != nil {
		if errors.Is(err, assay.ErrMalformed) || ctx.Err() != nil {
			l.refuse(path, err.Error())
			return err
		}
		if errors.Is(err, assay.ErrTooLarge) {
			l.refuse(path, err.Error())
			return nil
		}
		return err
	}
	if l.keep {
		l.drop(l.kept, path)
		l.kept[path] = f
		return nil
	}
	wait := false
	for _, w := range l.ws {
		switch {
		case w.companion != "":
			wait = true
		case len(w.with) > 0:
			wait = true
			l.mains[path] = append(l.mains[path], w)
		default:
			l.out.files = append(l.out.files, readFile(ctx, l.readers[w.reader], &f.File))
		}
	}
	if wait {
		l.with[path] = f
	} else {
		f.release()
	}
	return nil
}

// onePerReader drops the wants of readers of which two patterns match.
func onePerReader(ws []*want) []*want {
	if len(ws) < 2 {
		return ws
	}
	out := ws[:0]
	for i, w := range ws {
		if !slices.ContainsFunc(ws[:i], func(v *want) bool { return v.reader == w.reader }) {
			out = append(out, w)
		}
	}
	return out
}

// refuse notes a wanted file that was not read.
func (l *layerReader) refuse(path, why string) {
	for _, w := range l.ws {
		l.out.files = append(l.out.files, fileFacts{path: path, reader: l.readers[w.reader].Name(), gaps: []string{why}, companion: w.companion != ""})
	}
}

// readWaiting reads the files that waited for their companions until the end
// of the layer, and notes companions without their file.
func (l *layerReader) readWaiting(ctx context.Context) {
	used := map[string]bool{}
	for path, ws := range l.mains {
		for _, w := range ws {
			f := l.with[path].File
			for _, suffix := range w.with {
				if c := l.with[path+suffix]; c != nil {
					if f.With == nil {
						f.With = map[string]*assay.File{}
					}
					f.With[suffix] = &c.File
					used[path+suffix] = true
				}
			}
			l.out.files = append(l.out.files, readFile(ctx, l.readers[w.reader], &f))
		}
	}
	for path, h := range l.with {
		if used[path] || l.mains[path] != nil || h.Size == 0 {
			continue
		}
		for _, w := range l.matcher.match(nil, path) {
			if w.companion != "" {
				l.out.files = append(l.out.files, fileFacts{path: path, reader: l.readers[w.reader].Name(), companion: true})
			}
		}
	}
}

// readFile asks a reader what a file says.
func readFile(ctx context.Context, r assay.Reader, f *assay.File) fileFacts {
	facts, err := r.Read(ctx, f)
	out := fileFacts{path: f.Path, reader: r.Name(), facts: facts}
	for _, e := range unjoin(err) {
		out.gaps = append(out.gaps, e.Error())
	}
	return out
}

// unjoin returns the errors that errors.Join joined.
func unjoin(err error) []error {
	if err == nil {
		return nil
	}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}

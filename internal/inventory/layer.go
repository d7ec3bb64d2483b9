package inventory

import (
	"bytes"
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

// regular sees who wants a regular file, by its name or because it is an
// executable, and has it read.
func (l *layerReader) regular(ctx context.Context, path string, h *tarstream.Header, r io.Reader) error {
	l.ws = l.matcher.match(l.ws[:0], path)
	if l.asks(h.Mode, h.Size) && !h.Sparse {
		begin := make([]byte, magicLen)
		if _, err := io.ReadFull(r, begin); err != nil {
			return noEOF(err)
		}
		l.known(path, h.Mode, begin)
		r = io.MultiReader(bytes.NewReader(begin), r)
	} else {
		l.known(path, 0, nil)
	}
	if l.ws = onePerReader(l.ws); len(l.ws) == 0 {
		return nil
	}
	return l.file(ctx, path, h, r)
}

// asks reports whether it matters what a file begins with.
func (l *layerReader) asks(mode uint32, size int64) bool {
	return size > magicLen && (mode&anyExec != 0 && len(l.matcher.execs) > 0 || slices.ContainsFunc(l.ws, func(w *want) bool { return w.exec }))
}

// known corrects who wants a file by what it begins with.
func (l *layerReader) known(path string, mode uint32, begin []byte) {
	if len(begin) == magicLen && isExecutable(begin) {
		if mode&anyExec != 0 {
			l.ws = l.matcher.allowed(append(l.ws, l.matcher.execs...), path)
		}
		return
	}
	if slices.ContainsFunc(l.ws, func(w *want) bool { return w.exec }) {
		l.ws = slices.DeleteFunc(l.ws, func(w *want) bool { return w.exec })
	}
}

const (
	anyExec  = 0o111
	magicLen = 4
)

// isExecutable tells by its first bytes that a file is ELF, PE or Mach-O, the
// last for one machine or for several.
// https://gabi.xinuos.com/elf/02-eheader.html#elf-identification
// https://learn.microsoft.com/windows/win32/debug/pe-format#ms-dos-stub-image-only
// https://github.com/apple-oss-distributions/xnu/blob/main/EXTERNAL_HEADERS/mach-o/loader.h
func isExecutable(begin []byte) bool {
	switch string(begin) {
	case "\x7fELF", "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe", "\xca\xfe\xba\xbe":
		return true
	}
	return string(begin[:2]) == "MZ"
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

// file reads one wanted file. Only errors of the tar are returned.
func (l *layerReader) file(ctx context.Context, path string, h *tarstream.Header, r io.Reader) error {
	if !l.claim(path) {
		return nil
	}
	if h.Sparse {
		l.refuse(path, "stored as a sparse file; not read")
		return nil
	}
	if l.fits(path, h.Size); len(l.ws) == 0 {
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
	l.offer(ctx, path, f)
	return nil
}

// offer gives a file to those who want it, now or when its companions are
// there, too.
func (l *layerReader) offer(ctx context.Context, path string, f *held) {
	if l.keep {
		l.drop(l.kept, path)
		l.kept[path] = f
		return
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
			l.add(readFile(ctx, l.readers[w.reader], &f.File))
		}
	}
	if wait {
		l.with[path] = f
	} else {
		f.release()
	}
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

// fits leaves those who want a file of that size.
func (l *layerReader) fits(path string, size int64) {
	all := l.ws
	l.ws = nil
	for _, w := range all {
		if size <= w.max {
			l.ws = append(l.ws, w)
		}
	}
	for _, w := range all {
		if size > w.max {
			l.refused(w, path, fmt.Sprintf("%d bytes, over the limit of %d for this file; not read", size, w.max))
		}
	}
}

// refuse notes a wanted file that was not read.
func (l *layerReader) refuse(path, why string) {
	for _, w := range l.ws {
		l.refused(w, path, why)
	}
}

func (l *layerReader) refused(w *want, path, why string) {
	l.add(fileFacts{path: path, reader: l.readers[w.reader].Name(), gaps: []string{why}, companion: w.companion != ""})
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
			l.add(readFile(ctx, l.readers[w.reader], &f))
		}
	}
	for path, h := range l.with {
		if used[path] || l.mains[path] != nil || h.Size == 0 {
			continue
		}
		for _, w := range l.matcher.match(nil, path) {
			if w.companion != "" {
				l.add(fileFacts{path: path, reader: l.readers[w.reader].Name(), companion: true})
			}
		}
	}
}

// size is about how many bytes f takes up in memory.
func (f *fileFacts) size() int64 {
	const each, text = 400, 16 // of a file or package, and of a string in it
	n := each + len(f.path)
	for _, s := range f.gaps {
		n += text + len(s)
	}
	for i := range f.facts.Packages {
		p := &f.facts.Packages[i]
		n += each
		for _, s := range packageStrings(p) {
			n += len(*s)
		}
		for _, s := range p.Licences {
			n += text + len(s)
		}
		for _, s := range p.DependsOn {
			n += text + len(s)
		}
		for _, s := range p.CPEs {
			n += text + len(s)
		}
		n += 4 * len(p.Symbols)
	}
	for _, o := range f.facts.Owns {
		n += 3*text + len(o.Owner) + len(o.Paths)
	}
	return int64(n)
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

// unjoin returns the errors that errors.Join joined; an error that wraps
// several in words of its own is one.
func unjoin(err error) []error {
	if err == nil {
		return nil
	}
	j, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var lines []string
	for _, e := range j.Unwrap() {
		lines = append(lines, e.Error())
	}
	if strings.Join(lines, "\n") != err.Error() {
		return []error{err}
	}
	return j.Unwrap()
}

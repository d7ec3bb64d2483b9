package inventory

import (
	"context"
	"fmt"
	"io"

	"github.com/assaysec/assay"
)

// This file passes the entries of a layer to streamers.

// A streaming is one streamer at work in one layer.
type streaming struct {
	kind     *assay.SectionKind
	streamer assay.Streamer
	out      *packer          // shared by the streamers of a kind
	w        assay.FileStream // of the current file; nil when the streamer does not want it
}

// newStreamings starts the streamers of kinds.
func newStreamings(all []*assay.SectionKind) (out []*streaming, packers map[string]*packer) {
	packers = map[string]*packer{}
	for _, kind := range all {
		if len(kind.Streamers) == 0 {
			continue
		}
		p := &packer{}
		if !kind.IsPerLayer() {
			p.at = map[string]position{}
		}
		packers[kind.Name] = p
		for _, s := range kind.Streamers {
			out = append(out, &streaming{kind: kind, streamer: s, out: p})
		}
	}
	return out, packers
}

// panicked records the error of guard.
func (l *layerReader) panicked(s *streaming, path string, caught error) {
	s.out.transient = true
	l.streamGap(s, path, caught.Error())
}

// guard calls a part and turns its panic into an error: one file must not end the scan.
func guard(call func()) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the reader panicked (%v); this is a bug in assay: please report it with the file", v)
		}
	}()
	call()
	return nil
}

// see passes an entry to the streamers. It reports whether one of them wants the
// entry's bytes.
func (l *layerReader) see(ctx context.Context, h *assay.Header) (wanted bool) {
	if len(l.streams) == 0 || l.matcher.skip.file(h.Path) || h.Type == assay.EntryDir && l.matcher.skip.dir(h.Path) {
		return false
	}
	c := classEntry
	switch h.Type {
	case assay.EntryWhiteout:
		c = classWhiteout
	case assay.EntryOpaque:
		c = classOpaque
	}
	for _, s := range l.streams {
		var facts assay.Facts
		s.w = nil
		if err := guard(func() { facts, s.w = s.streamer.Stream(ctx, h) }); err != nil {
			l.panicked(s, h.Path, err)
		}
		if h.Type != assay.EntryFile {
			s.w = nil
		}
		wanted = wanted || s.w != nil
		l.keepItems(s, c, h.Path, facts)
	}
	if h.Type == assay.EntryHardlink {
		l.linkItems(h.Path, h.Link)
	}
	return wanted
}

// keepItems keeps a streamer's items of an entry.
func (l *layerReader) keepItems(s *streaming, c class, path string, facts assay.Facts) {
	if facts.Sections == nil && facts.Gaps == nil && facts.Release == nil && facts.Packages == nil && facts.Owns == nil {
		return
	}
	if facts.Release != nil || facts.Packages != nil || facts.Owns != nil {
		l.streamGap(s, path, "streamers cannot report packages or releases; dropped")
	}
	for _, g := range facts.Gaps {
		l.streamGap(s, g.Where, g.What)
	}
	items, gaps := pack(s.kind, facts.Sections)
	for _, g := range gaps {
		l.streamGap(s, path, g)
	}
	if len(items) > 0 {
		s.out.add(c, path, items)
	}
}

// linkItems copies the items of a file to a hard link to it, for when the file's first
// name is deleted. If the file is not in this layer, squashing copies them.
func (l *layerReader) linkItems(path, target string) {
	inLayer := l.index.has(target)
	for _, p := range l.packers {
		switch {
		case p.at == nil:
		case !inLayer:
			p.add(classLink, path, []byte(target))
		default:
			if items := p.itemsAt(target); len(items) > 0 {
				p.add(classEntry, path, items)
			}
		}
	}
}

// forgetItems removes the items of a path that occurs again.
func (l *layerReader) forgetItems(path string, before uint8, isDir bool) {
	if len(l.packers) == 0 || before&bitKind == 0 && (isDir || before&bitParent == 0) {
		return
	}
	for _, p := range l.packers {
		p.forget(path, !isDir)
	}
}

func (l *layerReader) streamGap(s *streaming, path, what string) {
	s.out.gap(path, s.streamer.Name()+": "+what)
}

// notStreamed records that the streamers do not see an entry.
func (l *layerReader) notStreamed(path, what string) {
	for _, p := range l.packers {
		p.gap(path, what)
	}
}

// A streamWriter passes a file's bytes to the streamers that want them.
type streamWriter struct {
	l    *layerReader
	path string
}

func (w streamWriter) Write(p []byte) (int, error) {
	for _, s := range w.l.streams {
		if s.w == nil {
			continue
		}
		var err error
		caught := guard(func() { _, err = s.w.Write(p) })
		switch {
		case caught != nil:
			w.l.panicked(s, w.path, caught)
		case err != nil:
			w.l.streamGap(s, w.path, err.Error())
		default:
			continue
		}
		s.w = nil
	}
	return len(p), nil
}

// streamRest passes the rest of a file, and asks for its items. An error is the
// source's.
func (l *layerReader) streamRest(path string, r io.Reader) error {
	if l.buffer == nil {
		l.buffer = make([]byte, streamBuffer)
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{streamWriter{l, path}}, struct{ io.Reader }{r}, l.buffer)
	for _, s := range l.streams {
		if s.w == nil {
			continue
		}
		if err == nil {
			l.streamEnd(s, path)
		}
		s.w = nil
	}
	return err
}

// streamBuffer is the size of the pieces in which files pass, in bytes.
const streamBuffer = 64 << 10

func (l *layerReader) streamEnd(s *streaming, path string) {
	var facts assay.Facts
	var err error
	if caught := guard(func() { facts, err = s.w.Facts() }); caught != nil {
		l.panicked(s, path, caught)
		return
	}
	for _, e := range unjoin(err) {
		l.streamGap(s, path, e.Error())
	}
	l.keepItems(s, classEntry, path, facts)
}

// streamRefuse records that a file's bytes could not be passed.
func (l *layerReader) streamRefuse(path, why string) {
	for _, s := range l.streams {
		if s.w != nil {
			l.streamGap(s, path, why)
			s.w = nil
		}
	}
}

// packSections packs the layer's sections.
func (l *layerReader) packSections() {
	if len(l.packers) == 0 {
		return
	}
	l.out.sections = map[string]*packed{}
	for name, p := range l.packers {
		l.out.sections[name] = p.pack()
		delete(l.packers, name)
	}
}

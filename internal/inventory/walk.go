package inventory

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/assaysec/assay"
)

// walk reads a layer that is a directory or a disk instead of a tar. It reads files in
// place, and does not list directories that the user skips.
func (l *layerReader) walk(ctx context.Context, layer *assay.Layer) (*layerFacts, error) {
	l.begin()
	defer l.release()
	n, size := 0, int64(0)
	err := layer.Walk(ctx, func(e *assay.Entry) error {
		if n++; n > maxEntries {
			return fmt.Errorf("more than %d entries: %w", maxEntries, assay.ErrTooLarge)
		}
		if size += e.Size; n&0xff == 0 && l.progress != nil {
			l.progress(assay.Progress{Task: "Reading files", Done: size})
		}
		return l.visit(ctx, e, layer)
	})
	if l.progress != nil {
		l.progress(assay.Progress{Task: "Reading files", Done: size, End: true})
	}
	if errors.Is(err, assay.ErrMalformed) || errors.Is(err, assay.ErrTooLarge) {
		l.gap("", err.Error()+"; later files are not read")
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return l.end(ctx)
}

// visit handles one entry of a walk.
func (l *layerReader) visit(ctx context.Context, e *assay.Entry, layer *assay.Layer) error {
	if e.Path == "" {
		if e.Err != nil {
			l.gap("", e.Err.Error())
		}
		return nil
	}
	if len(e.Path) > maxPath {
		l.gap(e.Path[:maxPath/64]+"…", fmt.Sprintf("path of %d bytes exceeds the limit of %d; not read", len(e.Path), maxPath))
		return nil
	}
	dir, _ := split(e.Path)
	l.index.addParents(dir)
	switch {
	case e.Err != nil && (e.Mode.IsDir() || len(l.streams) > 0 || len(l.matcher.match(nil, e.Path)) > 0):
		l.gap(e.Path, e.Err.Error())
	case e.Err != nil:
	case e.Mode.IsDir():
		l.index.add(e.Path, bitDir)
		if l.matcher.skip.dir(e.Path) {
			return fs.SkipDir
		}
	case e.Mode&fs.ModeSymlink != 0:
		l.index.add(e.Path, bitLink)
		l.link(e.Path, e.Link)
	default:
		l.index.add(e.Path, bitFile)
		if e.Mode.IsRegular() {
			l.visitFile(ctx, e, layer)
		}
	}
	if e.Err == nil {
		if err := l.seeEntry(ctx, e); err != nil {
			l.gap(e.Path, err.Error())
		}
	}
	return l.charge(ctx)
}

// seeEntry passes an entry to the streamers. err is why a file could not be read.
func (l *layerReader) seeEntry(ctx context.Context, e *assay.Entry) error {
	if len(l.streams) == 0 || !l.see(ctx, entryHeader(e)) {
		return nil
	}
	f, err := e.Open()
	if err != nil {
		l.streamRefuse(e.Path, err.Error())
		return nil
	}
	if err := l.streamRest(e.Path, io.NewSectionReader(f, 0, e.Size)); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// entryHeader describes an entry of a walk to streamers.
func entryHeader(e *assay.Entry) *assay.Header {
	h := &assay.Header{Path: e.Path, Type: assay.EntrySpecial, Mode: unixMode(e.Mode), UID: e.UID, GID: e.GID, HasOwner: e.HasOwner, Link: e.Link}
	switch {
	case e.Mode.IsDir():
		h.Type = assay.EntryDir
	case e.Mode&fs.ModeSymlink != 0:
		h.Type = assay.EntrySymlink
	case e.Mode.IsRegular():
		h.Type, h.Size = assay.EntryFile, e.Size
	}
	return h
}

// unixMode converts a mode's permission bits to those of Unix.
func unixMode(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for _, x := range []struct {
		mode fs.FileMode
		bit  uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}} {
		if m&x.mode != 0 {
			bits |= x.bit
		}
	}
	return bits
}

// visitFile finds the readers of a regular file and reads it for them.
func (l *layerReader) visitFile(ctx context.Context, e *assay.Entry, layer *assay.Layer) {
	l.ws = l.matcher.match(l.ws[:0], e.Path)
	ask := l.needsHead(uint32(e.Mode.Perm()), e.Size)
	if len(l.ws) == 0 && !ask {
		return
	}
	r, err := e.Open()
	if err != nil {
		l.gap(e.Path, err.Error()) // it is wanted, or may be a program
		return
	}
	f := &spooled{File: assay.File{Path: e.Path, Mode: uint32(e.Mode.Perm()), Size: e.Size, ReaderAt: r, Other: layer.Other, List: layer.List, Registry: l.registry}, free: func() {
		if err := r.Close(); err != nil {
			l.gap(e.Path, err.Error())
		}
	}}
	var begin []byte
	if ask {
		begin = make([]byte, magicLen)
		if _, err := r.ReadAt(begin, 0); err != nil {
			l.gap(e.Path, err.Error())
			begin = nil
		}
	}
	l.filterByHead(e.Path, f.Mode, begin)
	if l.ws = onePerReader(l.ws); len(l.ws) == 0 || !l.claim(e.Path) {
		f.release()
		return
	}
	if l.fits(e.Path, e.Size); len(l.ws) == 0 {
		f.release()
		return
	}
	l.offerCopy(ctx, f)
}

// offerCopy offers a file. It copies one that has to wait for others, because a process
// can have few open files.
func (l *layerReader) offerCopy(ctx context.Context, f *spooled) {
	waits := l.keep
	for _, w := range l.ws {
		waits = waits || w.companion != "" || len(w.with) > 0
	}
	if !waits {
		l.offer(ctx, f.Path, f)
		return
	}
	defer f.release()
	c, err := l.spool.store(ctx, assay.File{Path: f.Path, Mode: f.Mode, Size: f.Size}, io.NewSectionReader(f, 0, f.Size))
	if err != nil {
		l.refuse(f.Path, err.Error())
		return
	}
	c.Other, c.List, c.Registry = f.Other, f.List, f.Registry
	l.offer(ctx, f.Path, c)
}

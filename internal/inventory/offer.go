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
	"github.com/assaysec/assay/internal/encoding/tarstream"
	"github.com/assaysec/assay/internal/encoding/wire"
)

// This file gives the files of a layer to those who want them.

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
	f, err := l.spool.hold(ctx, assay.File{Path: path, Mode: h.Mode, Size: h.Size}, r)
	if err != nil {
		if errors.Is(err, assay.ErrMalformed) || ctx.Err() != nil {
			l.refuse(path, err.Error())
			return err
		}
		if errors.Is(err, assay.ErrTooLarge) { // for now: there was no room beside other layers' files
			l.out.transient = true
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
			l.add(l.kinds.readFile(ctx, l.readers[w.reader], &f.File))
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
	l.add(fileFacts{Path: path, Reader: l.readers[w.reader].Name(), Gaps: []string{why}, Companion: w.companion != ""})
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
			l.add(l.kinds.readFile(ctx, l.readers[w.reader], &f))
		}
	}
	for path, h := range l.with {
		if used[path] || l.mains[path] != nil || h.Size == 0 {
			continue
		}
		for _, w := range l.matcher.match(nil, path) {
			if w.companion != "" {
				l.add(fileFacts{Path: path, Reader: l.readers[w.reader].Name(), Companion: true})
			}
		}
	}
}

// size is about how many bytes f takes up in memory.
func (f *fileFacts) size() int64 { return wire.Footprint(f) }

// readFile asks a reader what a file says.
func (k kinds) readFile(ctx context.Context, r assay.Reader, f *assay.File) fileFacts {
	out := fileFacts{Path: f.Path, Reader: r.Name()}
	var facts assay.Facts
	var err error
	if caught := guard(func() { facts, err = r.Read(ctx, f) }); caught != nil {
		facts, err, out.transient = assay.Facts{}, caught, true
	}
	for _, e := range unjoin(err) {
		out.Gaps = append(out.Gaps, e.Error())
	}
	items, gaps := pack(k.readers[r.Name()], facts.Sections)
	facts.Sections = nil
	out.Facts, out.Items, out.Gaps = facts, items, append(out.Gaps, gaps...)
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

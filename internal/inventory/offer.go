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
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/tarstream"
	"github.com/assaysec/assay/internal/encoding/wire"
	"github.com/assaysec/assay/internal/inventory/internal/location"
)

// This file passes the files of a layer to the readers that want them.

// regular finds the readers of a regular file, by its name or as an executable, and
// reads it for them.
func (l *layerReader) regular(ctx context.Context, path string, h *tarstream.Header, r io.Reader) error {
	l.ws = l.matcher.match(l.ws[:0], path)
	if l.needsHead(h.Mode, h.Size) && !h.Sparse {
		begin := make([]byte, magicLen)
		if _, err := io.ReadFull(r, begin); err != nil {
			return noEOF(err)
		}
		l.filterByHead(path, h.Mode, begin)
		r = io.MultiReader(bytes.NewReader(begin), r)
	} else {
		l.filterByHead(path, 0, nil)
	}
	if l.ws = onePerReader(l.ws); len(l.ws) == 0 {
		return nil
	}
	return l.file(ctx, path, h, r)
}

// needsHead reports whether a pattern depends on the first bytes of a file.
func (l *layerReader) needsHead(mode uint32, size int64) bool {
	return size > magicLen && (mode&anyExec != 0 && len(l.matcher.execs) > 0 || slices.ContainsFunc(l.ws, func(w *want) bool { return w.exec }))
}

// filterByHead updates who wants a file by its first bytes.
func (l *layerReader) filterByHead(path string, mode uint32, begin []byte) {
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

// isExecutable reports whether the first bytes are those of ELF, PE or Mach-O, the last
// for one architecture or several.
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

// file reads one wanted file. It returns only errors of the tar.
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
	f, err := l.spool.store(ctx, assay.File{Path: path, Mode: h.Mode, Size: h.Size}, r)
	if err != nil {
		if errors.Is(err, assay.ErrMalformed) || ctx.Err() != nil {
			l.refuse(path, err.Error())
			return err
		}
		if errors.Is(err, assay.ErrTooLarge) { // temporary: other layers' files use the spool
			l.out.transient = true
			l.refuse(path, err.Error())
			return nil
		}
		return err
	}
	l.offer(ctx, path, f)
	return nil
}

// offer passes a file to its readers, at once or when its companions are read.
func (l *layerReader) offer(ctx context.Context, path string, f *spooled) {
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
			l.add(l.readWanted(ctx, w, &f.File))
		}
	}
	if wait {
		l.with[path] = f
	} else {
		f.release()
	}
}

// onePerReader keeps one want of each reader whose patterns match more than once.
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

// fits keeps the wants whose limit the file's size does not exceed.
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

// refuse records a wanted file that was not read.
func (l *layerReader) refuse(path, why string) {
	for _, w := range l.ws {
		l.refused(w, path, why)
	}
}

func (l *layerReader) refused(w *want, path, why string) {
	l.add(fileFacts{Path: path, Reader: l.readers[w.reader].Name(), Gaps: []string{why}, Companion: w.companion != ""})
}

// readWaiting reads the files that waited for companions until the end of the layer,
// and records companions without their file.
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
			l.add(l.readWanted(ctx, w, &f))
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

// size estimates the bytes of f in memory.
func (f *fileFacts) size() int64 { return wire.Footprint(f) }

// readWanted calls the reader that wants a file, and finds the lines of its packages.
func (l *layerReader) readWanted(ctx context.Context, w *want, f *assay.File) fileFacts {
	facts := l.kinds.readFile(ctx, l.readers[w.reader], f)
	if w.lines {
		facts.locate(f)
	}
	return facts
}

// readFile calls a reader with a file.
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

// maxLocated bounds the files in which packages are located; lock files of large
// repositories have some 10 MB.
const maxLocated = 32 << 20

// locate finds the lines on which a file lists its packages.
func (f *fileFacts) locate(file *assay.File) {
	if len(f.Facts.Packages) == 0 || file.Size > maxLocated {
		return
	}
	if b, err := limit.ReadAll(file.Reader(), maxLocated); err == nil {
		location.Locate(b, f.Facts.Packages)
	}
}

// unjoin splits an error of errors.Join; an error that wraps several in a text of its
// own stays one.
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

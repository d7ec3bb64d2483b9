package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/assaysec/assay"
)

const (
	maxEntries = 200_000 // files of an archive; `docker save` writes four a layer
	maxLinks   = 16      // links followed for one name
	maxName    = 4096    // bytes of a name or a link's target, as on Linux
)

// An index lists where the files of a tar archive are. It is an fs.FS of its regular
// files, with cleaned names; links do not leave the archive.
type index struct {
	r       io.ReaderAt
	entries map[string]entry
}

// An entry is a file of the archive.
type entry struct {
	offset, size int64
	link         string // cleaned name of the target; then offset and size are unused
	regular      bool   // its content is contiguous
}

// newIndex reads the headers of the archive in r, but no content.
func newIndex(ctx context.Context, r io.ReaderAt, size int64) (*index, error) {
	x := &index{r: r, entries: map[string]entry{}}
	s := io.NewSectionReader(r, 0, size)
	t := tar.NewReader(s) // skips by seeking and does not read ahead
	for {
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return x, nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return nil, fmt.Errorf("the archive is truncated: save it again: %w: %w", err, assay.ErrMalformed)
		case err != nil && len(x.entries) == 0:
			return nil, fmt.Errorf("not a tar archive: %w: %w", err, assay.ErrMalformed)
		case err != nil:
			return nil, fmt.Errorf("archive: %w: %w", err, assay.ErrMalformed)
		case len(h.Name) > maxName || len(h.Linkname) > maxName:
			return nil, fmt.Errorf("the name %.60q… in the archive has over %d bytes: %w", h.Name, maxName, assay.ErrTooLarge)
		case len(x.entries) == maxEntries:
			return nil, fmt.Errorf("archive with over %d files: %w", maxEntries, assay.ErrTooLarge)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at, err := s.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		name := clean(h.Name)
		e := entry{offset: at, size: h.Size, regular: h.Typeflag == tar.TypeReg && h.PAXRecords["GNU.sparse.major"] == "" && h.PAXRecords["GNU.sparse.size"] == ""}
		switch h.Typeflag {
		case tar.TypeSymlink:
			e = entry{link: clean(path.Join(path.Dir(name), h.Linkname))}
		case tar.TypeLink:
			e = entry{link: clean(h.Linkname)}
		}
		if e.regular && e.size > size-at {
			return nil, fmt.Errorf("the archive is truncated in %q: save it again: %w", h.Name, assay.ErrMalformed)
		}
		x.entries[name] = e
	}
}

// clean returns a name relative to the archive's root, without "..".
func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// find returns the regular file that name is or links to.
func (x *index) find(name string) (entry, error) {
	at := name
	for range maxLinks {
		e, ok := x.entries[at]
		switch {
		case !ok:
			return entry{}, fs.ErrNotExist
		case e.link != "":
			at = e.link
		case !e.regular:
			return entry{}, fmt.Errorf("not a regular file: %w", assay.ErrMalformed)
		default:
			return e, nil
		}
	}
	return entry{}, fmt.Errorf("more than %d links: %w", maxLinks, assay.ErrMalformed)
}

// section is the content of e.
func (x *index) section(e entry) *io.SectionReader {
	return io.NewSectionReader(x.r, e.offset, e.size)
}

// Open opens a regular file.
func (x *index) Open(name string) (fs.File, error) {
	e, err := x.find(name)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return file{x.section(e), info{path.Base(name), e.size}}, nil
}

// Stat describes a regular file.
func (x *index) Stat(name string) (fs.FileInfo, error) {
	e, err := x.find(name)
	if err != nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return info{path.Base(name), e.size}, nil
}

type file struct {
	*io.SectionReader
	info info
}

func (f file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (file) Close() error                 { return nil }

type info struct {
	name string
	size int64
}

func (i info) Name() string     { return i.name }
func (i info) Size() int64      { return i.size }
func (info) Mode() fs.FileMode  { return 0o444 }
func (info) ModTime() time.Time { return time.Time{} }
func (info) IsDir() bool        { return false }
func (info) Sys() any           { return nil }

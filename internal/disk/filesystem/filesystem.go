// Package filesystem holds what the readers of file systems on disks have in
// common: what a file is, and how its bytes are put together from pieces of the
// volume.
package filesystem

import (
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sort"

	"github.com/assaysec/assay"
)

// A Label tells how a system's list of mounts may name a volume.
type Label struct {
	UUID string // "0b5c6f1e-…"
	Name string
}

// A Node is a file, directory or link, whatever names it has.
type Node struct {
	Number uint64
	Mode   fs.FileMode // kind and permissions
	Size   int64       // in bytes; of a directory, what its list takes
	Link   string      // target of a symbolic link
	UID    int64       // of the owner
	GID    int64
}

// A Name is an entry of a directory. Its text is not empty, not "." or "..", and
// has no slash and no zero byte.
type Name struct {
	Text string
	Node uint64
}

// MaxNames bounds the entries of one directory, which are held.
const MaxNames = 4_000_000

// MaxDir bounds the list of one directory, in bytes: MaxNames at the longest
// name's 264.
const MaxDir = 1 << 30

// MaxLink bounds the target of a symbolic link: PATH_MAX of Linux.
const MaxLink = 4096

// Good reports whether b may be the text of a Name.
func Good(b []byte) bool {
	switch {
	case len(b) == 0, string(b) == ".", string(b) == "..":
		return false
	}
	return !slices.ContainsFunc(b, func(c byte) bool { return c == 0 || c == '/' })
}

// Mode gives a mode as Unix keeps it; ok is false where it is of no kind.
func Mode(unix uint16) (m fs.FileMode, ok bool) {
	m = fs.FileMode(unix & 0o777)
	if unix&0o4000 != 0 {
		m |= fs.ModeSetuid
	}
	if unix&0o2000 != 0 {
		m |= fs.ModeSetgid
	}
	if unix&0o1000 != 0 {
		m |= fs.ModeSticky
	}
	switch unix >> 12 {
	case 1:
		m |= fs.ModeNamedPipe
	case 2:
		m |= fs.ModeDevice | fs.ModeCharDevice
	case 4:
		m |= fs.ModeDir
	case 6:
		m |= fs.ModeDevice
	case 8:
	case 10:
		m |= fs.ModeSymlink
	case 12:
		m |= fs.ModeSocket
	default:
		return 0, false
	}
	return m, true
}

// A Run is a piece of a file that lies in one piece on its volume.
type Run struct {
	At     int64 // in the file
	Offset int64 // on the volume
	Length int64
}

// maxRuns bounds the pieces of a file, which are held: a database of 100 GB on a
// full disk has some ten thousand.
const maxRuns = 1 << 20

// A File is the bytes of a file. Between its runs they are zero. It is safe for
// use by several goroutines if its volume is.
type File struct {
	volume io.ReaderAt
	limit  int64 // of the volume
	runs   []Run
	size   int64
}

// NewFile gives an empty file of size bytes on a volume of limit bytes, whose
// runs are to be added.
func NewFile(volume io.ReaderAt, limit, size int64) *File {
	return &File{volume: volume, limit: limit, size: size}
}

// Add adds a run behind those there are. What lies beyond the file's end is left
// out; what goes back, or is not on the volume, is ErrMalformed.
func (f *File) Add(r Run) error {
	var last Run
	if n := len(f.runs); n > 0 {
		last = f.runs[n-1]
	}
	switch end := last.At + last.Length; {
	case r.At < end || r.Length <= 0 || r.Offset < 0:
		return fmt.Errorf("the pieces of a file overlap: %w", assay.ErrMalformed)
	case r.At >= f.size:
		return nil
	case r.Offset > f.limit || min(r.Length, f.size-r.At) > f.limit-r.Offset:
		return fmt.Errorf("a piece of a file lies beyond the end of its volume: %w", assay.ErrMalformed)
	case len(f.runs) > 0 && r.At == end && r.Offset == last.Offset+last.Length:
		f.runs[len(f.runs)-1].Length += min(r.Length, f.size-r.At)
		return nil
	case len(f.runs) == maxRuns:
		return fmt.Errorf("a file of more than %d pieces: %w", maxRuns, assay.ErrTooLarge)
	}
	r.Length = min(r.Length, f.size-r.At)
	f.runs = append(f.runs, r)
	return nil
}

// Size is the file's length.
func (f *File) Size() int64 { return f.size }

// Runs are the pieces of the file, in order.
func (f *File) Runs() []Run { return f.runs }

// ReadAt is io.ReaderAt.
func (f *File) ReadAt(p []byte, at int64) (n int, err error) {
	if at < 0 {
		return 0, fmt.Errorf("offset %d: %w", at, fs.ErrInvalid)
	}
	if left := f.size - at; int64(len(p)) > left {
		p, err = p[:max(left, 0)], io.EOF
	}
	i := sort.Search(len(f.runs), func(i int) bool { return f.runs[i].At+f.runs[i].Length > at })
	for n < len(p) {
		gap := int64(len(p) - n)
		if i < len(f.runs) {
			gap = min(gap, f.runs[i].At-at)
		}
		if gap > 0 {
			clear(p[n : n+int(gap)])
			n, at = n+int(gap), at+gap
			continue
		}
		r := f.runs[i]
		skip := at - r.At
		part := p[n:min(len(p), n+int(min(r.Length-skip, int64(len(p)))))]
		if err := ReadFull(f.volume, part, r.Offset+skip); err != nil {
			return n, err
		}
		n, at, i = n+len(part), at+int64(len(part)), i+1
	}
	return n, err
}

// ReadFull reads all of p; an end before that is ErrMalformed.
func ReadFull(r io.ReaderAt, p []byte, at int64) error {
	n, err := r.ReadAt(p, at)
	switch {
	case n == len(p):
		return nil
	case err == nil || err == io.EOF || err == io.ErrUnexpectedEOF:
		return fmt.Errorf("the disk ends at byte %d of what should be there: %w", at+int64(n), assay.ErrMalformed)
	}
	return err
}

// UUID writes a UUID as systems do.
func UUID(b [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

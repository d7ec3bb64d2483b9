// Package tarstream reads the tar of an image's layer. It is fast, because a
// layer has up to a million entries of which a scan needs a few. It is lenient,
// because damage in one place must not hide the entries before it.
//
// What archive/tar accepts is read alike, because the programs that unpack images
// use it: a scan sees the files that a container has. Unlike archive/tar, it seeks
// over unwanted content if the source can seek, and reads extended headers of any
// length but stores only what it needs.
//
// Formats: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
// (ustar, pax) and
// https://www.gnu.org/software/tar/manual/html_node/Standard.html
package tarstream

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/assaysec/assay"
)

// Kinds of entries. All others, such as devices and pipes, are Other: they have
// no content.
const (
	File byte = iota + 1
	Dir
	Symlink
	Hardlink
	Other
	Global // a global extended header: no file, but an entry to archive/tar
)

const (
	blockSize = 512
	// maxName bounds a name or a link's target; Linux allows 4,096 bytes.
	maxName = 64 << 10
	// maxExtended bounds one extended header; an image has at most some hundred
	// kilobytes of extended attributes in one.
	maxExtended = 64 << 20
	// maxSparseBlocks bounds the continuation headers of an old GNU sparse
	// file, 21 extents each.
	maxSparseBlocks = 1 << 16
	bufferSize      = 64 << 10
)

// A Header describes an entry. The next call of Next overwrites it.
type Header struct {
	Name   string // as in the archive
	Link   string // target of a Symlink or Hardlink
	Kind   byte
	Mode   uint32 // permission bits
	UID    int64  // of the owner
	GID    int64
	Size   int64 // bytes of content that Read returns
	Sparse bool  // the content is sparse-encoded, so it is not the file's content
}

// A Reader reads a tar from start to end.
type Reader struct {
	r       io.Reader // buffered, unless seek is set
	buf     *bufio.Reader
	seek    io.Seeker
	left    int64 // unread bytes of the current entry's content
	pad     int64 // padding of its last block
	h       Header
	block   [blockSize]byte
	started bool
}

// NewReader reads the tar in r. If r is an io.Seeker, unread content is not read
// from r.
func NewReader(r io.Reader) *Reader {
	if s, ok := r.(io.Seeker); ok {
		return &Reader{r: r, seek: s}
	}
	b := bufio.NewReaderSize(r, bufferSize)
	return &Reader{r: b, buf: b}
}

// Next moves to the next entry. io.EOF: the archive has ended; data after its
// end marker are ignored. ErrMalformed: the rest is damaged. Any other error is
// the source's.
func (r *Reader) Next() (*Header, error) {
	r.h = Header{}
	var ext extended
	for {
		if err := r.skip(); err != nil {
			return nil, err
		}
		r.left, r.pad = 0, 0
		if err := r.readBlock(); err != nil {
			return nil, err
		}
		if isZero(r.block[:]) {
			return nil, io.EOF
		}
		if !r.started && !checksumOK(&r.block) {
			return nil, fmt.Errorf("the layer is not a tar: %w", assay.ErrMalformed)
		}
		if !checksumOK(&r.block) {
			return nil, fmt.Errorf("tar header with a wrong checksum: %w", assay.ErrMalformed)
		}
		r.started = true
		size, err := number(r.block[124:136])
		if err != nil || size < 0 {
			return nil, fmt.Errorf("tar header %q: bad size: %w", text(r.block[:100]), assay.ErrMalformed)
		}
		r.left, r.pad = size, -size&(blockSize-1)
		flag := r.block[156]
		switch flag {
		case 'x', 'L', 'K', 'g': // a global one ends the extended headers before it
			if size > maxExtended {
				return nil, fmt.Errorf("extended tar header of %d bytes: %w", size, assay.ErrTooLarge)
			}
			if flag == 'g' {
				return r.global()
			}
			if err := ext.read(r, flag); err != nil {
				return nil, err
			}
			continue
		}
		if err := r.entry(flag, &ext); err != nil {
			return nil, err
		}
		return &r.h, nil
	}
}

// global reads a global extended header.
func (r *Reader) global() (*Header, error) {
	var own extended
	r.h.Name, r.h.Kind = r.name(), Global
	if err := own.records(r); err != nil {
		return nil, err
	}
	if own.name != "" {
		r.h.Name = own.name
	}
	return &r.h, nil
}

// Read reads the content of the current entry.
func (r *Reader) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.r.Read(p)
	r.left -= int64(n)
	if err == io.EOF {
		if r.left > 0 {
			return n, truncated()
		}
		err = nil
	}
	return n, err
}

// entry fills the header from the block and the extended headers.
func (r *Reader) entry(flag byte, ext *extended) error {
	h := &r.h
	h.Name, h.Link = r.name(), text(r.block[157:257])
	if mode, err := number(r.block[100:108]); err == nil {
		h.Mode = uint32(mode) & 0o7777
	}
	r.owner(ext)
	if ext.hasSize {
		r.left, r.pad = ext.size, -ext.size&(blockSize-1)
	}
	if ext.name != "" {
		h.Name = ext.name
	}
	if ext.link != "" {
		h.Link = ext.link
	}
	if ext.longName != "" { // GNU's headers win, as in Go's reader, which unpacks images
		h.Name = ext.longName
	}
	if ext.longLink != "" {
		h.Link = ext.longLink
	}
	switch flag {
	case '1', '2', '3', '4', '5', '6':
		// These have no content, whatever their size is, as in every tar
		// program.
		r.left, r.pad = 0, 0
		h.Kind = [...]byte{Hardlink, Symlink, Other, Other, Dir, Other}[flag-'1']
		return nil
	case 'S':
		h.Sparse = true
		h.Kind = File
		h.Size = r.left
		return r.skipSparseHeaders()
	}
	h.Kind, h.Size = File, r.left
	if flag == 0 && strings.HasSuffix(h.Name, "/") { // the oldest archives mark directories this way
		h.Kind = Dir
	}
	if ext.isSparse() {
		h.Sparse = true
		if ext.sparseName != "" {
			h.Name = ext.sparseName
		}
	}
	return nil
}

// owner sets the owner of the entry; an invalid number is 0.
func (r *Reader) owner(ext *extended) {
	h := &r.h
	h.UID, _ = number(r.block[108:116])
	h.GID, _ = number(r.block[116:124])
	if ext.hasUID {
		h.UID = ext.uid
	}
	if ext.hasGID {
		h.GID = ext.gid
	}
}

// skipSparseHeaders skips the continuation of an old GNU sparse header.
func (r *Reader) skipSparseHeaders() error {
	more := r.block[482] != 0
	for n := 0; more; n++ {
		if n == maxSparseBlocks {
			return fmt.Errorf("sparse file %q: too many extents: %w", r.h.Name, assay.ErrTooLarge)
		}
		if err := r.readBlock(); err != nil {
			return noEOF(err)
		}
		more = r.block[504] != 0
	}
	return nil
}

// name returns the name in the header. Its prefix is where the format has it.
func (r *Reader) name() string {
	name, prefix := text(r.block[:100]), ""
	switch magic := string(r.block[257:265]); {
	case magic[:6] == "ustar\x00" && string(r.block[508:]) == "tar\x00": // star's
		prefix = text(r.block[345:476])
	case magic[:6] == "ustar\x00":
		prefix = text(r.block[345:500])
	case magic == "ustar  \x00":
		prefix = r.gnuPrefix()
	}
	if prefix != "" {
		return prefix + "/" + name
	}
	return name
}

// gnuPrefix returns the prefix in a header of GNU's format, which has none but times in
// its place. archive/tar takes for a prefix what is not a time, because old versions of
// it wrote one there.
func (r *Reader) gnuPrefix() string {
	for _, time := range [][]byte{r.block[345:357], r.block[357:369]} {
		if _, err := number(time); time[0] == 0 || err == nil {
			continue
		}
		prefix := text(r.block[345:500])
		if strings.IndexFunc(prefix, func(c rune) bool { return c >= 0x80 }) >= 0 {
			return ""
		}
		return prefix
	}
	return ""
}

// readBlock reads a block; at the end of the source it returns io.EOF, because
// many writers omit the end marker.
func (r *Reader) readBlock() error {
	n, err := io.ReadFull(r.r, r.block[:])
	if err == io.ErrUnexpectedEOF {
		if isZero(r.block[:n]) {
			return io.EOF
		}
		return truncated()
	}
	return err
}

// skip skips the rest of the current entry. Missing padding after its content is
// no damage.
func (r *Reader) skip() error {
	if r.left+r.pad == 0 {
		return nil
	}
	if r.seek != nil {
		return r.skipSeek()
	}
	for n := r.left + r.pad; n > 0; {
		m, err := r.buf.Discard(int(min(n, 1<<30)))
		n -= int64(m)
		if err == io.EOF && n > r.pad {
			return truncated()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// skipSeek seeks forward and checks that the content's last byte exists.
func (r *Reader) skipSeek() error {
	if r.left > 0 {
		if _, err := r.seek.Seek(r.left-1, io.SeekCurrent); err != nil {
			return err
		}
		var last [1]byte
		if _, err := io.ReadFull(r.r, last[:]); err != nil {
			return noEOF(err)
		}
	}
	_, err := r.seek.Seek(r.pad, io.SeekCurrent)
	return err
}

func truncated() error { return fmt.Errorf("truncated tar: %w", assay.ErrMalformed) }

func noEOF(err error) error {
	if err == io.EOF {
		return truncated()
	}
	return err
}

// text is a field's content up to its first NUL.
func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// checksumOK compares the header's sum with its checksum field, which counts as
// spaces; some old writers added signed bytes.
func checksumOK(b *[blockSize]byte) bool {
	want, err := number(b[148:156])
	if err != nil {
		return false
	}
	var unsigned, signed int64
	for i, c := range b {
		if i >= 148 && i < 156 {
			c = ' '
		}
		unsigned += int64(c)
		signed += int64(int8(c))
	}
	return want == unsigned || want == signed
}

// number reads octal digits, or a binary number marked by the first bit.
func number(b []byte) (int64, error) {
	if b[0]&0x80 != 0 {
		var v uint64
		inv := byte(0)
		if b[0]&0x40 != 0 {
			inv = 0xff
		}
		for i, c := range b {
			c ^= inv
			if i == 0 {
				c &= 0x7f
			}
			if v>>56 != 0 {
				return 0, assay.ErrMalformed
			}
			v = v<<8 | uint64(c)
		}
		if v>>63 != 0 {
			return 0, assay.ErrMalformed
		}
		if inv != 0 {
			return ^int64(v), nil
		}
		return int64(v), nil
	}
	b = bytes.Trim(b, " \x00")
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	var v int64
	for _, c := range b {
		if c < '0' || c > '7' || v>>60 != 0 {
			return 0, assay.ErrMalformed
		}
		v = v<<3 | int64(c-'0')
	}
	return v, nil
}

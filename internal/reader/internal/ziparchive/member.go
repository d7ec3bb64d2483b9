package ziparchive

import (
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

const (
	stored   = 0
	deflated = 8
)

// A Member is an entry of an archive's directory. Nothing that it claims was
// checked.
type Member struct {
	Name string
	Size uint64 // of the content

	packed uint64
	offset uint64
	crc    uint32
	method uint16
	flags  uint16
	n      int // place in the directory
}

// Stored reports whether the member's content lies in the archive as it is.
func (m *Member) Stored() bool { return m.method == stored && m.flags&1 == 0 && m.packed == m.Size }

// Packed is the length of the content as it lies in the archive.
func (m *Member) Packed() uint64 { return m.packed }

// Outside reports whether the member's name, as a path, leads out of the
// archive.
func (m *Member) Outside() bool {
	if strings.ContainsRune(m.Name, 0) || strings.HasPrefix(m.Name, "/") {
		return true
	}
	for part := range strings.FieldsFuncSeq(m.Name, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == ".." {
			return true
		}
	}
	return false
}

// Members yields the members that want, given the name, asks for, in the
// order of the directory. More than most members, wanted or not, are
// ErrTooLarge; a damaged directory is ErrMalformed after what comes before.
func (a *Archive) Members(most int, want func(name []byte) bool) iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		r := bufio.NewReaderSize(io.NewSectionReader(a.r, a.dir, a.size), 16<<10)
		for n, left := 0, a.size; left > 0; n++ {
			if n == most {
				yield(Member{}, fmt.Errorf("over %d members: %w", most, assay.ErrTooLarge))
				return
			}
			m, used, err := next(r, want)
			if err != nil {
				yield(Member{}, fmt.Errorf("member %d of the archive's directory: %w", n+1, err))
				return
			}
			left -= used
			m.n = n
			if m.Name != "" && !yield(m, nil) {
				return
			}
		}
	}
}

// next reads an entry of the directory; its Name is "" when it is not wanted.
func next(r *bufio.Reader, want func([]byte) bool) (m Member, used int64, err error) {
	le := binary.LittleEndian
	h, err := r.Peek(centralSize)
	if err != nil {
		return m, 0, broken(err)
	}
	if !bytes.HasPrefix(h, centralMark) {
		return m, 0, fmt.Errorf("no entry: %w", assay.ErrMalformed)
	}
	m = Member{Size: uint64(le.Uint32(h[24:])), packed: uint64(le.Uint32(h[20:])), offset: uint64(le.Uint32(h[42:])),
		crc: le.Uint32(h[16:]), method: le.Uint16(h[10:]), flags: le.Uint16(h[8:])}
	name, extra, comment := int(le.Uint16(h[28:])), int(le.Uint16(h[30:])), int(le.Uint16(h[32:]))
	used = int64(centralSize + name + extra + comment)
	if _, err := r.Discard(centralSize); err != nil {
		return m, 0, broken(err)
	}
	b, err := r.Peek(name)
	if err == bufio.ErrBufferFull { // no name that anybody wants is so long
		_, err = r.Discard(name + extra + comment)
		return m, used, broken(err)
	}
	if err != nil {
		return m, 0, broken(err)
	}
	if name > 0 && want(b) {
		m.Name = string(b)
	}
	if _, err := r.Discard(name); err != nil {
		return m, 0, broken(err)
	}
	if m.Name != "" && extra > 0 && (m.Size == math.MaxUint32 || m.packed == math.MaxUint32 || m.offset == math.MaxUint32) {
		b := make([]byte, extra)
		if _, err := io.ReadFull(r, b); err != nil {
			return m, 0, broken(err)
		}
		m.large(b)
		extra = 0
	}
	_, err = r.Discard(extra + comment)
	return m, used, broken(err)
}

func broken(err error) error {
	switch err {
	case nil:
		return nil
	case io.EOF, io.ErrUnexpectedEOF:
		return fmt.Errorf("cut off: %w", assay.ErrMalformed)
	}
	return err
}

// large takes the sizes and the offset that do not fit into 32 bits from the
// extra field.
func (m *Member) large(extra []byte) {
	le := binary.LittleEndian
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		extra = extra[4:]
		if n > len(extra) {
			return
		}
		if id == 1 {
			b := extra[:n]
			for _, v := range []*uint64{&m.Size, &m.packed, &m.offset} {
				if *v == math.MaxUint32 && len(b) >= 8 {
					*v, b = le.Uint64(b), b[8:]
				}
			}
			return
		}
		extra = extra[n:]
	}
}

// extent is where a member lies, its header included.
type extent struct {
	from, to int64
	n        int
}

// Section returns a member's bytes as they lie in the archive. It is an error
// when another member that was asked for has some of them, too.
func (a *Archive) Section(m *Member) (*io.SectionReader, error) {
	h := make([]byte, localSize)
	from := a.base + int64(m.offset)
	if m.offset > uint64(a.dir) || from < 0 || from+localSize > a.dir {
		return nil, fmt.Errorf("begins outside the archive: %w", assay.ErrMalformed)
	}
	if _, err := a.r.ReadAt(h, from); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if !bytes.HasPrefix(h, localMark) {
		return nil, fmt.Errorf("no header where the directory says: %w", assay.ErrMalformed)
	}
	le := binary.LittleEndian
	data := from + localSize + int64(le.Uint16(h[26:])) + int64(le.Uint16(h[28:]))
	if data > a.dir || m.packed > uint64(a.dir-data) {
		return nil, fmt.Errorf("ends outside the archive: %w", assay.ErrMalformed)
	}
	if err := a.take(extent{from, data + int64(m.packed), m.n}); err != nil {
		return nil, err
	}
	return io.NewSectionReader(a.r, data, int64(m.packed)), nil
}

// take notes the extent of a member, unless it is another's.
func (a *Archive) take(e extent) error {
	i, found := slices.BinarySearchFunc(a.taken, e, func(a, b extent) int { return int(min(max(a.from-b.from, -1), 1)) })
	if found && a.taken[i] == e {
		return nil
	}
	if found || i > 0 && a.taken[i-1].to > e.from || i < len(a.taken) && a.taken[i].from < e.to {
		return fmt.Errorf("shares bytes with another member: %w", assay.ErrMalformed)
	}
	a.taken = slices.Insert(a.taken, i, e)
	return nil
}

// Open returns a member's content, which is valid until the next member is
// opened. Its length and checksum are checked at the end; it is never longer
// than the directory says.
func (a *Archive) Open(m *Member) (io.Reader, error) {
	if m.flags&1 != 0 {
		return nil, fmt.Errorf("encrypted: %w", assay.ErrUnsupported)
	}
	if m.method != stored && m.method != deflated {
		return nil, fmt.Errorf("compressed by method %d: %w", m.method, assay.ErrUnsupported)
	}
	s, err := a.Section(m)
	if err != nil {
		return nil, err
	}
	c := &content{r: s, left: m.Size, crc: m.crc}
	if m.method == deflated {
		if a.inflater == nil {
			a.inflater = flate.NewReader(s)
		} else if err := a.inflater.(flate.Resetter).Reset(s, nil); err != nil {
			return nil, err
		}
		c.r = a.inflater
	}
	return c, nil
}

// content checks what is read of a member.
type content struct {
	r        io.Reader
	left     uint64
	sum, crc uint32
}

func (c *content) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if uint64(n) > c.left {
		return 0, fmt.Errorf("longer than the directory says: %w", assay.ErrMalformed)
	}
	c.left -= uint64(n)
	c.sum = crc32.Update(c.sum, crc32.IEEETable, p[:n])
	var corrupt flate.CorruptInputError
	switch {
	case err == io.EOF && c.left > 0, err == io.ErrUnexpectedEOF:
		return n, fmt.Errorf("cut off: %w", assay.ErrMalformed)
	case err == io.EOF && c.sum != c.crc:
		return n, fmt.Errorf("wrong checksum: %w", assay.ErrMalformed)
	case errors.As(err, &corrupt):
		return n, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return n, err
}

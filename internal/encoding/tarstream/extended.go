package tarstream

import (
	"bufio"
	"fmt"
	"io"
	"strconv"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// extended is the data of pax and GNU extended headers about the next entry.
type extended struct {
	longName, longLink string // GNU's

	name, link string // pax
	size       int64
	hasSize    bool
	uid, gid   int64
	hasUID     bool
	hasGID     bool

	sparseName, sparseMajor, sparseMinor string // GNU's, in pax
	sparseMap                            bool
}

// isSparse reports whether the entry is a sparse file, by the version of the format; the
// oldest has none.
// https://www.gnu.org/software/tar/manual/html_node/PAX-0.html
func (e *extended) isSparse() bool {
	switch version := e.sparseMajor + "." + e.sparseMinor; version {
	case "0.0", "0.1", "1.0":
		return true
	case ".":
		return e.sparseMap
	}
	return false
}

// read reads the extended header in the content of r's current entry.
func (e *extended) read(r *Reader, flag byte) error {
	switch flag {
	case 'L', 'K':
		b, err := limit.ReadAll(r, maxName)
		if err != nil {
			return fmt.Errorf("long name: %w", err)
		}
		if flag == 'L' {
			e.longName = text(b)
		} else {
			e.longLink = text(b)
		}
		return nil
	case 'x': // only the last one counts
		*e = extended{longName: e.longName, longLink: e.longLink}
		return e.records(r)
	}
	return nil
}

// records reads pax records, "LENGTH KEY=VALUE\n", and stores only those that
// are used.
func (e *extended) records(r *Reader) error {
	b := bufio.NewReader(r)
	for {
		digits, err := b.ReadSlice(' ')
		if err == io.EOF && isZero(digits) {
			return nil
		}
		if err != nil {
			return badRecord(err)
		}
		n, err := strconv.Atoi(string(digits[:len(digits)-1]))
		left := n - len(digits)
		if err != nil || left < 2 || n > maxExtended {
			return badRecord(nil)
		}
		key, err := b.ReadSlice('=')
		if err != nil || len(key) > left {
			return badRecord(err)
		}
		left -= len(key)
		k := string(key[:len(key)-1])
		if isSparseMap(k) {
			e.sparseMap = e.sparseMap || left > 1
		}
		if !isUsed(k) {
			if _, err := b.Discard(left); err != nil {
				return badRecord(err)
			}
			continue
		}
		if left > maxName {
			return fmt.Errorf("pax record %q of %d bytes: %w", k, left, assay.ErrTooLarge)
		}
		value := make([]byte, left)
		if _, err := io.ReadFull(b, value); err != nil || value[left-1] != '\n' {
			return badRecord(err)
		}
		if err := e.set(k, string(value[:left-1])); err != nil {
			return err
		}
	}
}

// isSparseMap reports whether a record lists the extents of a sparse file.
func isSparseMap(key string) bool {
	return key == "GNU.sparse.map" || key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes"
}

func isUsed(key string) bool {
	switch key {
	case "path", "linkpath", "size", "uid", "gid", "GNU.sparse.name", "GNU.sparse.major", "GNU.sparse.minor":
		return true
	}
	return false
}

func (e *extended) set(key, value string) error {
	switch key {
	case "path":
		e.name = value
	case "linkpath":
		e.link = value
	case "size":
		if value == "" {
			e.size, e.hasSize = 0, false
			return nil
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return fmt.Errorf("pax size %.20q: %w", value, assay.ErrMalformed)
		}
		e.size, e.hasSize = n, true
	case "uid", "gid": // damage here hides no content
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil
		}
		if key == "uid" {
			e.uid, e.hasUID = n, true
		} else {
			e.gid, e.hasGID = n, true
		}
	case "GNU.sparse.name":
		e.sparseName = value
	case "GNU.sparse.major":
		e.sparseMajor = value
	case "GNU.sparse.minor":
		e.sparseMinor = value
	}
	return nil
}

// badRecord is the error of a malformed pax record, or the source's error.
func badRecord(err error) error {
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF && err != bufio.ErrBufferFull {
		return err
	}
	return fmt.Errorf("pax record: %w", assay.ErrMalformed)
}

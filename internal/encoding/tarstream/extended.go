package tarstream

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

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
	sparse     bool
	sparseName string
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
	return nil // global: it has nothing that a scan needs; Next skips it
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
		if !used(k) {
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

func used(key string) bool {
	return key == "path" || key == "linkpath" || key == "size" || key == "uid" || key == "gid" || strings.HasPrefix(key, "GNU.sparse.")
}

func (e *extended) set(key, value string) error {
	switch key {
	case "path":
		e.name = value
	case "linkpath":
		e.link = value
	case "size":
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
		e.sparse = true
	default:
		e.sparse = true
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

// Package stanza reads the text forms of package databases: lines, and
// stanzas of "Field: value" lines with continuations, as in Debian's control
// files. https://www.debian.org/doc/debian-policy/ch-controlfields.html
package stanza

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/assaysec/assay"
)

// MaxLine bounds a line: the longest genuine ones, dependencies of a large
// package, have some ten thousand bytes. A longer line is truncated.
const MaxLine = 1 << 20

// A Line is one line of a text without its end.
type Line struct {
	N    int    // from 1
	Text string // without "\n" or "\r\n"
	Cut  bool   // it was longer than MaxLine
}

// Lines yields the lines of r. The last one needs no line break.
func Lines(r io.Reader) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		b := bufio.NewReaderSize(r, 32<<10)
		var long []byte
		for n := 1; ; n++ {
			part, err := b.ReadSlice('\n')
			cut := false
			long = long[:0]
			for err == bufio.ErrBufferFull {
				if len(long) < MaxLine {
					long = append(long, part...)
				} else {
					cut = true
				}
				part, err = b.ReadSlice('\n')
			}
			if len(long) > 0 {
				long = append(long, part...)
				part = long
			}
			if err != nil && err != io.EOF {
				yield(Line{N: n}, err)
				return
			}
			if len(part) > 0 || err == nil {
				if len(part) > MaxLine {
					part, cut = part[:MaxLine], true
				}
				part = bytes.TrimSuffix(bytes.TrimSuffix(part, []byte("\n")), []byte("\r"))
				if !yield(Line{n, string(part), cut}, nil) {
					return
				}
			}
			if err == io.EOF {
				return
			}
		}
	}
}

// A Record is a stanza.
type Record struct {
	Line   int // of its first line
	fields []field
}

type field struct{ key, value string }

// Get returns the value of a field, ignoring case; "" if it is missing. Of
// duplicate fields the last counts, as in dpkg.
func (r *Record) Get(key string) string {
	for i := len(r.fields) - 1; i >= 0; i-- {
		if strings.EqualFold(r.fields[i].key, key) {
			return r.fields[i].value
		}
	}
	return ""
}

// Records yields the stanzas of r. A line that does not belong to a stanza is
// yielded as an error with the record so far, and reading continues after it, so
// that one bad line does not hide the other packages. Only the first lines of
// fields in keep are stored.
func Records(r io.Reader, keep ...string) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		rec := &Record{}
		for line, err := range Lines(r) {
			if err != nil {
				if len(rec.fields) > 0 && !yield(rec, nil) {
					return
				}
				yield(nil, err)
				return
			}
			text := line.Text
			if strings.TrimSpace(text) == "" {
				if rec.Line > 0 && !yield(rec, nil) {
					return
				}
				rec = &Record{}
				continue
			}
			if text[0] == ' ' || text[0] == '\t' {
				continue // a continuation; none of the fields that we read has one
			}
			if rec.Line == 0 {
				rec.Line = line.N
			}
			key, value, ok := strings.Cut(text, ":")
			if !ok {
				if !yield(nil, fmt.Errorf("line %d: no colon in %.40q: %w", line.N, text, assay.ErrMalformed)) {
					return
				}
				continue
			}
			for _, k := range keep {
				if !strings.EqualFold(k, key) {
					continue
				}
				if line.Cut && !yield(nil, fmt.Errorf("line %d: %s over %d bytes: %w", line.N, key, MaxLine, assay.ErrTooLarge)) {
					return
				}
				rec.fields = append(rec.fields, field{k, strings.TrimSpace(value)})
			}
		}
		if rec.Line > 0 {
			yield(rec, nil)
		}
	}
}

// Names returns the package names of a dependency field, "a (>= 1) | b, c": the
// first of alternatives.
func Names(depends string) []string {
	if depends == "" {
		return nil
	}
	var names []string
	for part := range strings.SplitSeq(depends, ",") {
		name := strings.TrimSpace(part)
		if i := strings.IndexAny(name, " (|:\t"); i >= 0 {
			name = name[:i]
		}
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

package binary

import (
	"bytes"
	"iter"
)

// hits yields where the filter of a signature finds something: a literal, or
// the first digit of a version.
func (s *signature) hits(b []byte) iter.Seq[int] {
	if s.filter != "" {
		return versions(b, s.filter == "@nul")
	}
	return func(yield func(int) bool) {
		for _, literal := range s.literals {
			for from := 0; ; {
				i := bytes.Index(b[from:], literal)
				if i < 0 {
					break
				}
				if !yield(from + i) {
					return
				}
				from += i + 1
			}
		}
	}
}

// versions yields where something like a version begins: up to four digits, a
// dot, and a digit; where a NUL is asked for, with one before it or before the
// "v" that it has, else with a second dot.
func versions(b []byte, nul bool) iter.Seq[int] {
	return func(yield func(int) bool) {
		for from := 0; ; {
			i := bytes.IndexByte(b[from:], '.')
			if i < 0 {
				return
			}
			dot := from + i
			from = dot + 1
			first := dot
			for first > 0 && dot-first < 4 && isDigit(b[first-1]) {
				first--
			}
			if first == dot || dot+1 >= len(b) || !isDigit(b[dot+1]) {
				continue
			}
			if nul {
				before := first
				if before > 0 && b[before-1] == 'v' {
					before--
				}
				if before > 0 && b[before-1] != 0 {
					continue
				}
			} else if first > 0 && b[first-1] == '.' || !second(b[dot+1:]) {
				continue
			}
			if !yield(first) {
				return
			}
		}
	}
}

// second reports whether after some digits there comes a dot and a digit.
func second(b []byte) bool {
	n := 0
	for n < len(b) && n < 4 && isDigit(b[n]) {
		n++
	}
	return n > 0 && n+1 < len(b) && b[n] == '.' && isDigit(b[n+1])
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

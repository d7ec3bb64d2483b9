package version

import (
	"cmp"
	"strings"
)

// packagist orders versions as Composer and PHP's version_compare do: numbers
// and words, divided by anything else and where letters and digits meet. Words
// of pre-releases come before the end of the version, "patch" after it, unknown
// ones, which branches have, before all. The case of letters, a leading "v",
// "stable" with its numbers and what follows a plus do not count; "x" in the name of a branch
// ("1.x-dev") is the greatest number. Numbers that are missing are zero, for
// Composer writes four: "1.0" = "1.0.0". Branches that are named ("dev-master")
// are no releases, and match no range of them.
//
// "#" stands for any number, or none. No bytes can express that: only Compare
// orders a version that has it.
//
// Specification: https://www.php.net/version_compare,
// https://getcomposer.org/doc/articles/versions.md
type packagist struct{}

func (packagist) Name() string { return "packagist" }

// The parts of a version, as they sort.
const (
	phpUnknown byte = 1 + iota
	phpDev
	phpAlpha
	phpBeta
	phpRC
	phpEnd
	phpPatch
	phpNumber
	phpAny // "#"
)

// phpBranch is the number that Composer puts in the place of an "x".
const phpBranch = "9999999"

// Unplaced holds the branches back that have no number.
func (packagist) Unplaced(v string) string {
	if s := strings.TrimLeft(v, "vV"); s == "" || !isDigit(s[0]) {
		return "a branch, which has no order"
	}
	return ""
}

// Key is whether a part is "#", then the parts without the zeros that end the
// numbers before the first word.
func (packagist) Key(v string) (Key, error) {
	if err := check("packagist", v); err != nil {
		return "", err
	}
	s := v
	if len(s) > 1 && s[0]|0x20 == 'v' && isDigit(s[1]) {
		s = s[1:]
	}
	s, _, _ = strings.Cut(s, "+")
	branch := len(s) > 4 && strings.EqualFold(s[len(s)-4:], "-dev")
	var buf [usualKey]byte
	k, zeros := append(buf[:0], 0), 0
	words, mute := false, false // numbers follow a word, and one that does not count
	for s != "" {
		n, number := 1, ""
		switch c := s[0]; {
		case isDigit(c):
			n = digits(s)
			number = s[:n]
		case isLetter(c):
			n = letters(s)
			if branch && n == 1 && c|0x20 == 'x' {
				number = phpBranch
				break
			}
			before := len(k)
			k = appendPHPWord(k, s[:n])
			words, mute = true, len(k) == before
		case c == '*' && branch:
			number = phpBranch
		case c == '#':
			k[0] = 1
			k = append(k, phpAny)
		}
		switch {
		case number == "" || mute:
		case words:
			k = appendNumber(append(k, phpNumber), number)
		case isZero(number):
			zeros++
		default:
			for ; zeros > 0; zeros-- {
				k = append(k, phpNumber, 0)
			}
			k = appendNumber(append(k, phpNumber), number)
		}
		s = s[n:]
	}
	return Key(append(k, phpEnd)), nil
}

// appendPHPWord appends a word in any case.
func appendPHPWord(k []byte, word string) []byte {
	var buf [8]byte
	switch string(appendLower(buf[:0], word[:min(len(word), len(buf))])) {
	case "stable":
		return k
	case "dev":
		return append(k, phpDev)
	case "alpha", "a":
		return append(k, phpAlpha)
	case "beta", "b":
		return append(k, phpBeta)
	case "rc":
		return append(k, phpRC)
	case "patch", "pl", "p":
		return append(k, phpPatch)
	}
	return appendText(append(k, phpUnknown), word, lower)
}

// Compare orders two keys of the scheme.
func (packagist) Compare(a, b Key) int {
	if a == "" || b == "" || a[0]|b[0] == 0 {
		return cmp.Compare(a, b)
	}
	for x, y := a[1:], b[1:]; x != "" && y != ""; {
		xPart, yPart := phpPart(x), phpPart(y)
		xKind, yKind := xPart[0], yPart[0]
		switch {
		case xKind == phpEnd && yKind == phpEnd:
			return cmp.Compare(x, y)
		case xKind == phpAny && yKind == phpEnd:
			x = x[len(xPart):]
			continue
		case xKind == phpEnd && yKind == phpAny:
			y = y[len(yPart):]
			continue
		case xKind == phpAny && (yKind == phpAny || yKind == phpNumber), xKind == phpNumber && yKind == phpAny:
		case xKind == phpAny:
			return cmp.Compare(phpNumber, yKind)
		case yKind == phpAny:
			return cmp.Compare(xKind, phpNumber)
		case xPart != yPart:
			return cmp.Compare(xPart, yPart)
		}
		x, y = x[len(xPart):], y[len(yPart):]
	}
	return 0
}

// phpPart is the part that starts a key.
func phpPart(k Key) Key {
	n := 1
	switch k[0] {
	case phpNumber:
		n = 2 + int(k[1])
		if k[1] == 0xff {
			n = 4 + int(k[2])<<8 + int(k[3])
		}
	case phpUnknown:
		n = 2 + strings.IndexByte(string(k[1:]), 0)
	}
	return k[:n]
}

package version

import "strings"

// semver orders versions as Semantic Versioning does; Go, npm, Cargo, Hex and
// Swift do. It takes more than the specification, for installed packages and
// advisories have it: a leading "v", any count of numbers (those that are
// missing are zero), leading zeros, and a pre-release without its hyphen, whose
// letters and numbers are then identifiers of their own: "1.21rc2" is
// "1.21.0-rc.2", as the Go project has it. Build metadata does not count.
//
// Specification: https://semver.org/spec/v2.0.0.html
type semver struct{ byteOrder }

func (semver) Name() string { return "semver" }

// Key is the key of the numbers, then that of the pre-release.
func (semver) Key(v string) (Key, error) {
	var buf [usualKey]byte
	k, rest, err := appendCore(buf[:0], "semver", v)
	if err != nil {
		return "", err
	}
	pre, _, _ := strings.Cut(rest, "+")
	return Key(appendPrerelease(k, pre, asIs)), nil
}

// What follows the numbers of a version, as it sorts.
const (
	corePre byte = 1 + iota
	coreRelease
	coreNumber
)

// The identifiers of a pre-release or build, as they sort.
const (
	identifierEnd byte = iota
	identifierNumber
	identifierText
)

// appendCore appends the numbers that start v, without the zeros that end them;
// rest is empty or starts with a hyphen, a plus or a letter.
func appendCore(k []byte, scheme, v string) (_ []byte, rest string, _ error) {
	if err := check(scheme, v); err != nil {
		return k, "", err
	}
	s := v
	if s[0]|0x20 == 'v' {
		s = s[1:]
	}
	k, s, ok := appendNumbers(k, s, coreNumber)
	switch {
	case !ok:
		return k, "", bad(scheme, v, "does not start with a number")
	case s != "" && s[0] != '-' && s[0] != '+' && !isLetter(s[0]):
		return k, "", bad(scheme, v, "neither number nor pre-release nor build")
	}
	return k, s, nil
}

// appendNumbers appends the numbers divided by dots that start s, each behind
// mark, without the zeros that end them; ok is false when there are none.
func appendNumbers(k []byte, s string, mark byte) (_ []byte, rest string, ok bool) {
	zeros := 0
	for {
		n := digits(s)
		if n == 0 {
			return k, s, false
		}
		if isZero(s[:n]) {
			zeros++
		} else {
			for ; zeros > 0; zeros-- {
				k = append(k, mark, 0)
			}
			k = appendNumber(append(k, mark), s[:n])
		}
		if s = s[n:]; len(s) < 2 || s[0] != '.' || !isDigit(s[1]) {
			return k, s, true
		}
		s = s[1:]
	}
}

// appendPrerelease appends a pre-release with the hyphen before it, or without
// one; where s is empty, the release.
func appendPrerelease(k []byte, s string, spell func(byte) byte) []byte {
	if s == "" {
		return append(k, coreRelease)
	}
	if s[0] == '-' {
		return appendIdentifiers(append(k, corePre), s[1:], spell)
	}
	k = append(k, corePre)
	for s != "" {
		n := 1
		switch {
		case isDigit(s[0]):
			n = digits(s)
			k = appendNumber(append(k, identifierNumber), s[:n])
		case s[0] != '.' && s[0] != '-':
			for n < len(s) && !isDigit(s[n]) && s[n] != '.' && s[n] != '-' {
				n++
			}
			k = appendText(append(k, identifierText), s[:n], spell)
		}
		s = s[n:]
	}
	return append(k, identifierEnd)
}

// appendIdentifiers appends the identifiers between the dots of s and the end.
func appendIdentifiers(k []byte, s string, spell func(byte) byte) []byte {
	for more := true; more; {
		var id string
		id, s, more = strings.Cut(s, ".")
		if id != "" && digits(id) == len(id) {
			k = appendNumber(append(k, identifierNumber), id)
			continue
		}
		k = appendText(append(k, identifierText), id, spell)
	}
	return append(k, identifierEnd)
}

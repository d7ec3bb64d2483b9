package version

// portage orders number{.number}{letter}{_suffix{number}}{-r#} as Gentoo's
// package managers do.
//
// Specification: https://projects.gentoo.org/pms/8/pms.html#version-comparison
type portage struct{ byteOrder }

func (portage) Name() string { return "portage" }

// The parts of a version, as they sort where their predecessors are equal.
const (
	portagePre      byte = 1 + iota // and the suffix: alpha, beta, pre, rc
	portageRevision                 // always there, and last
	portagePost
	portageLetter
	portageNumber
)

var portageSuffixes = [...]string{"alpha", "beta", "pre", "rc"}

// Key is the parts.
func (portage) Key(v string) (Key, error) {
	if err := check("portage", v); err != nil {
		return "", err
	}
	n := digits(v)
	if n == 0 {
		return "", bad("portage", v, "does not start with a number")
	}
	var buf [usualKey]byte
	k, s := appendNumber(buf[:0], v[:n]), v[n:]
	for len(s) > 1 && s[0] == '.' && isDigit(s[1]) {
		n := digits(s[1:])
		k = appendFraction(append(k, portageNumber), s[1:1+n])
		s = s[1+n:]
	}
	if s != "" && 'a' <= s[0] && s[0] <= 'z' {
		k, s = append(k, portageLetter, s[0]), s[1:]
	}
	for s != "" && s[0] == '_' {
		n := letters(s[1:])
		word := s[1 : 1+n]
		s = s[1+n:]
		if k = appendPortageSuffix(k, word); k == nil {
			return "", bad("portage", v, "unknown suffix")
		}
		n = digits(s)
		k, s = appendNumber(k, s[:n]), s[n:]
	}
	revision := ""
	if len(s) > 2 && s[0] == '-' && s[1] == 'r' && digits(s[2:]) == len(s)-2 {
		revision, s = s[2:], ""
	}
	if s != "" {
		return "", bad("portage", v, "not of the form of a version")
	}
	return Key(appendNumber(append(k, portageRevision), revision)), nil
}

// appendFraction appends a number after a dot. One with a leading zero is a
// fraction, compared as text without the zeros that end it, and comes before
// those without.
func appendFraction(k []byte, digits string) []byte {
	if digits[0] != '0' {
		return appendNumber(k, digits)
	}
	n := len(digits)
	for n > 0 && digits[n-1] == '0' {
		n--
	}
	return append(append(append(k, 0), digits[:n]...), 0)
}

// appendPortageSuffix appends a suffix; it returns nil for an unknown one.
func appendPortageSuffix(k []byte, word string) []byte {
	if word == "p" {
		return append(k, portagePost)
	}
	for i, suffix := range portageSuffixes {
		if word == suffix {
			return append(k, portagePre, byte(i))
		}
	}
	return nil
}

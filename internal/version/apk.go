package version

import "strings"

// apk orders number{.number}{letter}{_suffix{number}}{~hash}{-r#} as apk-tools
// 3 does. A version that departs from the form is ordered, as apk does, by
// what precedes the departure, and then sorts before all that end or go on
// well-formed at that place; so such a version in an advisory reads older than
// its author may have meant. Two that depart at the same place are ordered by
// the rest as text with numbers, unless it starts with a hyphen: then they are
// equal. "-r" without a number is -r0.
//
// Specification: https://gitlab.alpinelinux.org/alpine/apk-tools/-/blob/v3.0.0/doc/apk-package.5.scd
type apk struct{ byteOrder }

func (apk) Name() string { return "apk" }

// The parts of a version, as they sort where their predecessors are equal.
const (
	apkPre byte = 1 + iota
	apkOdd
	apkEnd
	apkRevision
	apkHash
	apkSuffixNumber
	apkPost
	apkLetter
	apkNumber
	apkFirst
)

// apkSuffixes are the suffixes as they sort; the first apkPres are of versions
// before the release.
var apkSuffixes = [...]string{"alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"}

const apkPres = 4

// Key is a byte for each part's kind, and its value.
func (apk) Key(v string) (Key, error) {
	if err := check("apk", v); err != nil {
		return "", err
	}
	var buf [usualKey]byte
	k, s, odd := appendApkParts(buf[:0], v)
	if odd {
		return Key(appendOdd(append(k, apkOdd), s)), nil
	}
	return Key(append(k, apkEnd)), nil
}

// Doubtful reports that v departs from the form.
func (apk) Doubtful(v string) bool {
	var buf [usualKey]byte
	_, _, odd := appendApkParts(buf[:0], v)
	return odd
}

// appendApkParts appends the parts of v up to its end, or to where it departs
// from the form: then odd is true and rest is what follows.
func appendApkParts(k []byte, v string) (_ []byte, rest string, odd bool) {
	s, last := v, apkOdd
	if n := digits(s); n > 0 {
		k, s, last = appendNumber(append(k, apkFirst), s[:n]), s[n:], apkFirst
	}
	for last != apkOdd && s != "" {
		k, s, last = appendApk(k, s, last)
	}
	return k, s, last == apkOdd
}

// appendApk appends the part that starts s and returns what follows it; last
// is the part before. Where s goes on in no way that the form allows nothing
// is appended and the part is apkOdd.
func appendApk(k []byte, s string, last byte) (_ []byte, rest string, part byte) {
	switch c := s[0]; {
	case c == '.' && last >= apkNumber:
		if n := digits(s[1:]); n > 0 {
			return appendComponent(append(k, apkNumber), s[1:1+n]), s[1+n:], apkNumber
		}
	case isLower(c) && last >= apkNumber:
		return append(k, apkLetter, c), s[1:], apkLetter
	case c == '_' && (last >= apkSuffixNumber || last == apkPre):
		return appendApkSuffix(k, s)
	case isDigit(c) && (last == apkPre || last == apkPost):
		n := digits(s)
		return appendNumber(append(k, apkSuffixNumber), s[:n]), s[n:], apkSuffixNumber
	case c == '~' && last != apkHash && last != apkRevision:
		return appendApkHash(k, s)
	case strings.HasPrefix(s, "-r") && last != apkRevision:
		n := 2 + digits(s[2:])
		if n > 2 || n == len(s) || s[n] == '-' {
			return appendNumber(append(k, apkRevision), s[2:n]), s[n:], apkRevision
		}
	}
	return k, s, apkOdd
}

// appendApkSuffix appends a suffix after an underscore.
func appendApkSuffix(k []byte, s string) (_ []byte, rest string, part byte) {
	n := 0
	for n < len(s)-1 && isLower(s[1+n]) {
		n++
	}
	i := apkSuffix(s[1 : 1+n])
	if i < 0 {
		return k, s, apkOdd
	}
	part = apkPost
	if i < apkPres {
		part = apkPre
	}
	return append(k, part, byte(i)), s[1+n:], part
}

// appendApkHash appends the hash of a commit after a tilde.
func appendApkHash(k []byte, s string) (_ []byte, rest string, part byte) {
	n := 1
	for n < len(s) && (isDigit(s[n]) || 'a' <= s[n]|0x20 && s[n]|0x20 <= 'f') {
		n++
	}
	if n == 1 {
		return k, s, apkOdd
	}
	return append(append(append(k, apkHash), s[1:n]...), 0), s[n:], apkHash
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

// appendComponent appends a number after a dot. One with a leading zero is a
// fraction, compared as text, and comes before those without.
func appendComponent(k []byte, digits string) []byte {
	if digits[0] == '0' {
		return append(append(append(k, 0), digits...), 0)
	}
	return appendNumber(k, digits)
}

// apkSuffix is the place of a suffix in apkSuffixes; -1 when it is none.
func apkSuffix(s string) int {
	for i, suffix := range apkSuffixes {
		if s == suffix {
			return i
		}
	}
	return -1
}

// appendOdd appends what follows a departure from the form.
func appendOdd(k []byte, s string) []byte {
	if strings.HasPrefix(s, "-") {
		return k
	}
	for s != "" {
		if n := digits(s); n > 0 {
			k, s = appendNumber(append(k, '0'), s[:n]), s[n:]
			continue
		}
		k, s = append(k, s[0]), s[1:]
	}
	return k
}

package version

import (
	"math"
	"strconv"
	"strings"
)

// deb orders [epoch:]upstream[-revision] as dpkg does. It refuses what dpkg
// calls an error (nothing where an epoch, version or revision must be, an epoch
// that is not a number) and takes what dpkg only warns of, for advisories have it:
// any character, and an upstream version that starts with a letter.
//
// Specification: https://manpages.debian.org/bookworm/dpkg-dev/deb-version.7.en.html
type deb struct{ byteOrder }

func (deb) Name() string { return "deb" }

// Key is the number of the epoch, then the keys of version and revision.
func (deb) Key(v string) (Key, error) {
	s := strings.Trim(v, " \t\n\v\f\r")
	if err := check("deb", s); err != nil {
		return "", err
	}
	epoch := ""
	if i := strings.IndexByte(s, ':'); i >= 0 {
		if epoch = s[:i]; epoch == "" || digits(epoch) != len(epoch) {
			return "", bad("deb", v, "epoch is not a number")
		}
		if n, err := strconv.ParseInt(epoch, 10, 64); err != nil || n > math.MaxInt32 {
			return "", bad("deb", v, "epoch is too big")
		}
		s = s[i+1:]
	}
	upstream, revision, found := s, "", false
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		upstream, revision, found = s[:i], s[i+1:], true
	}
	switch {
	case upstream == "":
		return "", bad("deb", v, "no upstream version")
	case found && revision == "":
		return "", bad("deb", v, "revision is empty")
	}
	var buf [usualKey]byte
	k := appendNumber(buf[:0], epoch)
	k = appendDeb(k, upstream)
	return Key(appendDeb(k, revision)), nil
}

// debEnd is where text ends, be it at a digit or at the end of the version;
// only a tilde sorts before it.
const debEnd = 2

// appendDeb appends pairs of text and number until s is used up, then the end
// of an empty text: whatever else follows there in another version has text.
// A missing number is zero.
func appendDeb(k []byte, s string) []byte {
	for first := true; first || s != ""; first = false {
		n := 0
		for n < len(s) && !isDigit(s[n]) {
			k = append(k, debWeights[s[n]])
			n++
		}
		s = s[n:]
		n = digits(s)
		k = appendNumber(append(k, debEnd), s[:n])
		s = s[n:]
	}
	return append(k, debEnd)
}

// debWeights sorts the characters of text: tilde, end, letters, bytes over 127
// (negative numbers to dpkg), all others; by their codes within each kind.
var debWeights = func() (w [256]byte) {
	next := byte(debEnd + 1)
	rank := func(is func(c byte) bool) {
		for c := range 256 {
			if is(byte(c)) && w[c] == 0 && !isDigit(byte(c)) {
				w[c] = next
				next++
			}
		}
	}
	w['~'] = debEnd - 1
	rank(isLetter)
	rank(func(c byte) bool { return c > 127 })
	rank(func(c byte) bool { return c > ' ' && c < 127 })
	return w
}()

// Package version orders the versions of packages as their package managers
// do. A version is parsed once into a Key; what is hot compares keys, and the
// advisory database may store them beside the versions.
package version

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
)

// A Scheme is one package manager's way of ordering versions. It holds no
// state: a Scheme is comparable and safe for concurrent use.
type Scheme interface {
	// Name is the scheme's short name, as ByName takes it.
	Name() string
	// Key parses v. A version that the scheme cannot judge is ErrMalformed.
	Key(v string) (Key, error)
	// Compare orders keys that Key returned: negative where a is the older.
	Compare(a, b Key) int
}

// A Lenient is a Scheme that orders versions beyond its form.
type Lenient interface {
	Scheme
	// Doubtful reports that v is ordered, but is not of the scheme's form.
	Doubtful(v string) bool
}

// A Partial is a Scheme with versions that have a key, so that they can be sorted and
// found in lists, but no place among releases: branches, and what is not of its form.
type Partial interface {
	Scheme
	// Unplaced says why v has no place among releases; "" when it has one.
	Unplaced(v string) (why string)
}

// A Local is a Scheme whose versions have a part that counts only where the version
// that they are compared with has one, too.
type Local interface {
	Scheme
	// Public is v without that part.
	Public(v string) string
}

// A Floating is a Scheme with versions that stand for the newest one of a line.
type Floating interface {
	Scheme
	// InLine reports whether v may be what the floating version stands for.
	InLine(floating, v string) bool
}

// A Key is a parsed version: opaque bytes that only the scheme that made them
// compares. Unless the scheme's doc says otherwise the order of the keys as
// strings is the order of the versions, and equal keys are equal versions.
type Key string

// The schemes.
var (
	Actions   Scheme = actions{}
	Apk       Scheme = apk{}
	Bitnami   Scheme = bitnami{}
	CRAN      Scheme = cran{}
	Deb       Scheme = deb{}
	Gem       Scheme = gem{}
	Generic   Scheme = generic{}
	Hackage   Scheme = hackage{}
	Maven     Scheme = maven{}
	NuGet     Scheme = nuget{}
	Packagist Scheme = packagist{}
	Pacman    Scheme = pacman{}
	PEP440    Scheme = pep440{}
	Perl      Scheme = perl{}
	Portage   Scheme = portage{}
	Pub       Scheme = pub{}
	RPM       Scheme = rpm{}
	SemVer    Scheme = semver{}
)

// All lists the schemes by name.
func All() []Scheme {
	return []Scheme{
		Actions, Apk, Bitnami, CRAN, Deb, Gem, Generic, Hackage, Maven, NuGet,
		Packagist, Pacman, PEP440, Perl, Portage, Pub, RPM, SemVer,
	}
}

// ByName finds a scheme by its Name.
func ByName(name string) (_ Scheme, ok bool) {
	for _, s := range All() {
		if s.Name() == name {
			return s, true
		}
	}
	return nil, false
}

// Compare orders two versions: negative where a is the older. Equal texts are equal. Of
// others, a version that s cannot judge is ErrMalformed.
func Compare(s Scheme, a, b string) (int, error) {
	if a == b && a != "" {
		return 0, nil
	}
	x, err := s.Key(a)
	if err != nil {
		return 0, err
	}
	y, err := s.Key(b)
	if err != nil {
		return 0, err
	}
	return s.Compare(x, y), nil
}

// Doubtful reports that s orders v, though v is not in the scheme's form, so its
// author may have meant another place in the order.
func Doubtful(s Scheme, v string) bool {
	d, ok := s.(Lenient)
	return ok && d.Doubtful(v)
}

// Place returns the key of an installed version. It refuses what Key refuses, and
// versions that have no place among releases: to compare these with the bounds of an
// advisory would be a guess.
func Place(s Scheme, v string) (Key, error) {
	k, err := s.Key(v)
	if p, ok := s.(Partial); ok && err == nil {
		if why := p.Unplaced(v); why != "" {
			return "", bad(s.Name(), v, why)
		}
	}
	return k, err
}

// Public returns v without what counts only beside a version that has it, too.
func Public(s Scheme, v string) string {
	if l, ok := s.(Local); ok {
		return l.Public(v)
	}
	return v
}

// byteOrder compares the keys of schemes whose order bytes can express.
type byteOrder struct{}

func (byteOrder) Compare(a, b Key) int { return cmp.Compare(a, b) }

// maxLen bounds a version in bytes. The longest in the advisories of 2026 have
// about 150; the bound keeps a key's length prefixes at two bytes.
const maxLen = 4096

// usualKey is the size of a key that is built without growing a buffer.
const usualKey = 128

// check refuses what no package manager takes for a version.
func check(scheme, v string) error {
	switch {
	case v == "":
		return fmt.Errorf("%s version is empty: %w", scheme, assay.ErrMalformed)
	case len(v) > maxLen:
		return fmt.Errorf("%s version %.40q… is over %d bytes: %w", scheme, v, maxLen, assay.ErrMalformed)
	}
	for i := range len(v) {
		if v[i] <= ' ' || v[i] == 0x7f {
			return bad(scheme, v, "blank or control character")
		}
	}
	if IsRevision(v) {
		return bad(scheme, v, "a commit, which has no order")
	}
	return nil
}

func bad(scheme, v, why string) error {
	return fmt.Errorf("%s version %.80q: %s: %w", scheme, v, why, assay.ErrMalformed)
}

// appendNumber appends the number that the decimal digits write, of any
// length: its digits without leading zeros behind their count.
func appendNumber(k []byte, digits string) []byte {
	digits = strings.TrimLeft(digits, "0")
	if n := len(digits); n < 0xff {
		k = append(k, byte(n))
	} else {
		k = binary.BigEndian.AppendUint16(append(k, 0xff), uint16(n))
	}
	return append(k, digits...)
}

// appendText appends s in the given spelling, and an end mark.
func appendText(k []byte, s string, spell func(byte) byte) []byte {
	for i := range len(s) {
		k = append(k, spell(s[i]))
	}
	return append(k, 0)
}

// appendLower appends s in lower case.
func appendLower(k []byte, s string) []byte {
	for i := range len(s) {
		k = append(k, lower(s[i]))
	}
	return k
}

func asIs(c byte) byte { return c }

// lower is the lower case of an ASCII letter.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// isZero reports whether the decimal digits are a zero; no digits are one, too.
func isZero(digits string) bool {
	for i := range len(digits) {
		if digits[i] != '0' {
			return false
		}
	}
	return true
}

// digits returns the length of the run of decimal digits that starts s.
func digits(s string) int {
	n := 0
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

// letters returns the length of the run of ASCII letters that starts s.
func letters(s string) int {
	n := 0
	for n < len(s) && isLetter(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// splitEVR divides [epoch:]version[-release] as rpm and pacman do: the epoch
// is a run of digits before a colon, possibly empty, the release what follows
// the last hyphen.
func splitEVR(s string) (epoch, version, release string, hasRelease bool) {
	if n := digits(s); n < len(s) && s[n] == ':' {
		epoch, s = s[:n], s[n+1:]
	}
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		return epoch, s[:i], s[i+1:], true
	}
	return epoch, s, "", false
}

package version

import "strings"

// pep440 orders Python's versions, in any of the spellings that PEP 440 brings
// to its normal form. What it does not take for a version is, as pip and
// setuptools had it before 2023, a legacy version: older than all others, and
// ordered by its numbers and words.
//
// Specification: https://packaging.python.org/en/latest/specifications/version-specifiers/
type pep440 struct{ byteOrder }

func (pep440) Name() string { return "pep440" }

// The first byte of a key.
const (
	pepLegacy byte = iota
	pepVersion
)

// Key is that of the parts of the specification's order: epoch, release,
// pre-release, post-release, development release and local version.
func (pep440) Key(v string) (Key, error) {
	s := strings.Trim(v, " \t\n\v\f\r")
	if err := check("pep440", s); err != nil {
		return "", err
	}
	var buf [usualKey]byte
	if k, ok := appendPEP440(append(buf[:0], pepVersion), s); ok {
		return Key(k), nil
	}
	return Key(appendLegacy(append(buf[:0], pepLegacy), s)), nil
}

// Doubtful reports that v is a legacy version.
func (pep440) Doubtful(v string) bool {
	var buf [usualKey]byte
	_, ok := appendPEP440(buf[:0], strings.Trim(v, " \t\n\v\f\r"))
	return !ok
}

// Unplaced holds legacy versions back: pip no longer installs them.
func (s pep440) Unplaced(v string) string {
	if s.Doubtful(v) {
		return "not a version by PEP 440"
	}
	return ""
}

// Public is v without its local version, which counts only beside another one:
// "2.6.0" for "2.6.0+cu124". What is no version stays as it is.
func (s pep440) Public(v string) string {
	public, _, ok := strings.Cut(v, "+")
	if !ok || s.Doubtful(v) {
		return v
	}
	return public
}

// pepPre and pepPost are names of releases and how their kinds sort, longer
// before shorter ones.
var (
	pepPre = []pepName{
		{"alpha", 1}, {"a", 1}, {"beta", 2}, {"b", 2},
		{"preview", 3}, {"pre", 3}, {"rc", 3}, {"c", 3},
	}
	pepPost = []pepName{{"post", 1}, {"rev", 1}, {"r", 1}}
	pepDev  = []pepName{{"dev", 0}}
)

type pepName struct {
	name string
	kind byte
}

const (
	pepOnlyDev byte = 0 // no pre-release nor post-release, but a development release
	pepNoPre   byte = 4
	pepNoPost  byte = 0
	pepNoDev   byte = 1
)

// appendPEP440 appends the parts of a version; ok is false when s is none.
func appendPEP440(k []byte, s string) (_ []byte, ok bool) {
	if s != "" && s[0]|0x20 == 'v' {
		s = s[1:]
	}
	epoch := ""
	if n := digits(s); n > 0 && n < len(s) && s[n] == '!' {
		epoch, s = s[:n], s[n+1:]
	}
	if k, s, ok = appendNumbers(appendNumber(k, epoch), s, 1); !ok {
		return k, false
	}
	k = append(k, 0)
	pre, preNumber, s := pepPart(s, pepPre)
	post, postNumber, s := pepPart(s, pepPost)
	if n := 1 + digits(s[min(1, len(s)):]); post == nil && n > 1 && s[0] == '-' {
		post, postNumber, s = &pepPost[0], s[1:n], s[n:]
	}
	dev, devNumber, s := pepPart(s, pepDev)
	switch {
	case pre != nil:
		k = appendNumber(append(k, pre.kind), preNumber)
	case post == nil && dev != nil:
		k = append(k, pepOnlyDev)
	default:
		k = append(k, pepNoPre)
	}
	if post != nil {
		k = appendNumber(append(k, post.kind), postNumber)
	} else {
		k = append(k, pepNoPost)
	}
	if dev != nil {
		k = appendNumber(append(k, dev.kind), devNumber)
	} else {
		k = append(k, pepNoDev)
	}
	if s == "" {
		return append(k, identifierEnd), true
	}
	return appendPEPLocal(k, s)
}

// pepPart reads a separator, one of the names, a separator and a number, of
// which only the name must be there. name is nil where s starts with no such.
func pepPart(s string, names []pepName) (name *pepName, number, rest string) {
	t := s
	if t != "" && isPEPSeparator(t[0]) {
		t = t[1:]
	}
	for i := range names {
		n := len(names[i].name)
		if len(t) < n || !strings.EqualFold(t[:n], names[i].name) {
			continue
		}
		if t = t[n:]; t != "" && isPEPSeparator(t[0]) {
			t = t[1:]
		}
		d := digits(t)
		return &names[i], t[:d], t[d:]
	}
	return nil, "", s
}

func isPEPSeparator(c byte) bool { return c == '-' || c == '_' || c == '.' }

// appendPEPLocal appends a local version with its plus; ok is false when s is
// none.
func appendPEPLocal(k []byte, s string) (_ []byte, ok bool) {
	if s[0] != '+' {
		return k, false
	}
	for s != "" {
		n := 1
		for n < len(s) && (isDigit(s[n]) || isLetter(s[n])) {
			n++
		}
		part := s[1:n]
		switch {
		case part == "" || n < len(s) && !isPEPSeparator(s[n]):
			return k, false
		case digits(part) == len(part):
			k = appendNumber(append(k, 2), part)
		default:
			k = appendText(append(k, 1), part, lower)
		}
		s = s[n:]
	}
	return append(k, identifierEnd), true
}

// The parts of a legacy version, as they sort.
const (
	legacyWord byte = 1 + iota
	legacyNumber
)

// appendLegacy appends numbers and words, the latter as setuptools spelled
// them, and last the word "final". Zeros before a word do not count, nor do
// hyphens before a word of a pre-release, which is one before "final".
//
// Specification: setuptools before 8.0 and packaging before 22.0, LegacyVersion
func appendLegacy(k []byte, s string) []byte {
	zeros, hyphens := len(k), len(k) // where the zeros at the end of k start, and the hyphens before them
	word := func(w string) {
		if w < "final" && zeros == len(k) {
			k, zeros = k[:hyphens], hyphens
		}
		k = append(append(append(k[:zeros], legacyWord), w...), 0)
		if zeros = len(k); w != "final-" {
			hyphens = zeros
		}
	}
	for s != "" {
		n := 1
		switch c := s[0]; {
		case isDigit(c):
			n = digits(s)
			k = appendNumber(append(k, legacyNumber), s[:n])
			if !isZero(s[:n]) {
				zeros, hyphens = len(k), len(k)
			}
		case isLetter(c):
			n = letters(s)
			word(legacySpelling(s[:n]))
		case c == '-':
			word("final-")
		case c != '.':
			for n < len(s) && !isDigit(s[n]) && !isLetter(s[n]) && s[n] != '-' && s[n] != '.' {
				n++
			}
			word(s[:n])
		}
		s = s[n:]
	}
	word("final")
	return k
}

// legacySpelling is the one that has the order of a word of letters.
func legacySpelling(word string) string {
	switch word = strings.ToLower(word); word {
	case "pre", "preview", "rc":
		return "c"
	case "dev":
		return "@"
	}
	return word
}

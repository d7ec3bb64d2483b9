package version

// generic orders versions that have no specification: those of CPE names, Conan,
// Homebrew and Linux. Numbers go by value and letters by the alphabet, in any
// case; everything else only divides them. Words of pre-releases come before
// the end of the version ("1.0-rc1" < "1.0"), other letters after it
// ("1.0.2u" > "1.0.2"), numbers after both; "final", "ga", "release" and
// "stable" have no meaning, and zeros count only between numbers. A leading "v" is
// ignored. A version without digits cannot be judged.
type generic struct{ byteOrder }

func (generic) Name() string { return "generic" }

// The parts of a version, as they sort; the words of pre-releases are before
// genericEnd.
const (
	genericEnd byte = 16 + iota
	genericWord
	genericNumber
)

// Key is the parts.
func (generic) Key(v string) (Key, error) {
	if err := check("generic", v); err != nil {
		return "", err
	}
	s := v
	if len(s) > 1 && s[0]|0x20 == 'v' && isDigit(s[1]) {
		s = s[1:]
	}
	var buf [usualKey]byte
	k, significant, number := buf[:0], 0, false // what follows k[:significant] has no meaning
	for s != "" {
		n := 1
		switch c := s[0]; {
		case isDigit(c):
			n, number = digits(s), true
			k = appendNumber(append(k, genericNumber), s[:n])
			if !isZero(s[:n]) {
				significant = len(k)
			}
		case isLetter(c):
			n = letters(s)
			k = appendGenericWord(k[:significant], s[:n])
			significant = len(k)
		}
		s = s[n:]
	}
	if !number {
		return "", bad("generic", v, "no number")
	}
	return Key(append(k[:significant], genericEnd)), nil
}

// appendGenericWord appends a word.
func appendGenericWord(k []byte, word string) []byte {
	var buf [9]byte
	switch string(appendLower(buf[:0], word[:min(len(word), len(buf))])) {
	case "dev", "nightly", "snapshot", "canary":
		return append(k, 1)
	case "alpha":
		return append(k, 2)
	case "beta":
		return append(k, 3)
	case "milestone":
		return append(k, 4)
	case "pre", "preview":
		return append(k, 5)
	case "rc", "cr":
		return append(k, 6)
	case "final", "ga", "release", "stable":
		return k
	}
	return appendText(append(k, genericWord), word, lower)
}

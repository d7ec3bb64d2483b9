package version

// rpm orders [epoch:]version[-release] as rpm's rpmVersionCompare and rpmvercmp
// do. No epoch is epoch 0; no release sorts before any release, also an empty
// one. What is before a colon and is not a number belongs to the version.
//
// Specification: https://rpm-software-management.github.io/rpm/man/rpm-version.7
type rpm struct{ byteOrder }

func (rpm) Name() string { return "rpm" }

// The parts of a version, as they sort.
const (
	rpmTilde byte = 1 + iota
	rpmEnd
	rpmCaret
	rpmLetters
	rpmNumber
)

// Key is the number of the epoch, then the keys of version and release.
func (rpm) Key(v string) (Key, error) {
	if err := check("rpm", v); err != nil {
		return "", err
	}
	epoch, version, release, hasRelease := splitEVR(v)
	var buf [usualKey]byte
	k := appendNumber(buf[:0], epoch)
	k = appendRPM(k, version)
	if hasRelease {
		k = appendRPM(append(k, 1), release)
	}
	return Key(k), nil
}

// appendRPM appends the parts of s and the end. Separators only separate.
func appendRPM(k []byte, s string) []byte {
	for s != "" {
		n := 1
		switch c := s[0]; {
		case c == '~':
			k = append(k, rpmTilde)
		case c == '^':
			k = append(k, rpmCaret)
		case isDigit(c):
			n = digits(s)
			k = appendNumber(append(k, rpmNumber), s[:n])
		case isLetter(c):
			n = letters(s)
			k = append(append(append(k, rpmLetters), s[:n]...), 0)
		}
		s = s[n:]
	}
	return append(k, rpmEnd)
}

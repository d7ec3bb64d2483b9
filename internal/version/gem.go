package version

// gem orders versions as RubyGems and CocoaPods do: numbers and words, words
// before numbers and thus before the release, with as many zeros at the end as
// it takes. A hyphen is ".pre.". A word may follow a number without a dot.
//
// Specification: https://docs.ruby-lang.org/en/master/Gem/Version.html
type gem struct{ byteOrder }

func (gem) Name() string { return "gem" }

// The parts of a version, as they sort. Zeros count by what ends them: words
// make them older than the end of a version, and the fewer they are the older;
// numbers newer, and the fewer they are the newer.
const (
	gemWord byte = 1 + iota
	gemZerosWord
	gemEnd
	gemZerosNumber
	gemNumber
)

// Key is the parts without the zeros that end the numbers before the first
// word, and all.
func (gem) Key(v string) (Key, error) {
	if err := check("gem", v); err != nil {
		return "", err
	}
	if !gemForm(v) {
		return "", bad("gem", v, "not numbers and words divided by dots")
	}
	var buf [usualKey]byte
	k, zeros, words := buf[:0], 0, false
	for s := v; s != ""; {
		part := s[:1]
		switch c := s[0]; {
		case isDigit(c):
			part = s[:digits(s)]
			if isZero(part) {
				zeros++
				break
			}
			k = appendZeros(k, gemZerosNumber, zeros)
			k, zeros = appendNumber(append(k, gemNumber), part), 0
		case isLetter(c), c == '-':
			word := "pre"
			if c != '-' {
				part = s[:letters(s)]
				word = part
			}
			if words {
				k = appendZeros(k, gemZerosWord, zeros)
			}
			k = append(append(append(k, gemWord), word...), 0)
			zeros, words = 0, true
		}
		s = s[len(part):]
	}
	return Key(append(k, gemEnd)), nil
}

// appendZeros appends a run of n zeros that a part of the kind ends.
func appendZeros(k []byte, kind byte, n int) []byte {
	if n == 0 {
		return k
	}
	if kind == gemZerosNumber {
		n = 0xffff - n
	}
	return append(k, kind, byte(n>>8), byte(n))
}

// gemForm reports whether v starts with a number and consists of numbers, words,
// dots and hyphens.
func gemForm(v string) bool {
	for i := range len(v) {
		if !isDigit(v[i]) && !isLetter(v[i]) && v[i] != '.' && v[i] != '-' {
			return false
		}
	}
	return isDigit(v[0])
}

package version

import "strings"

// perl orders the versions of CPAN as version.pm does. With a leading "v" or
// two dots they are lists of numbers; otherwise decimal numbers, whose fraction
// is read in groups of three digits: "1.5" = "v1.500", and "1.10" < "1.9".
// Underscores do not count. Words that follow, which version.pm refuses and
// distributions have ("0.30-TRIAL2", "2.00b06"), are taken for pre-releases.
//
// Specification: https://perldoc.perl.org/version
type perl struct{ byteOrder }

func (perl) Name() string { return "perl" }

// Key is the numbers without the zeros that end them, then the words.
func (perl) Key(v string) (Key, error) {
	if err := check("perl", v); err != nil {
		return "", err
	}
	numbers, words := splitPerl(v)
	if strings.IndexByte(numbers, '_') >= 0 {
		numbers = strings.ReplaceAll(numbers, "_", "")
	}
	s := strings.TrimPrefix(numbers, "v")
	var buf [usualKey]byte
	k, ok := buf[:0], false
	if len(s) < len(numbers) || strings.Count(s, ".") > 1 {
		k, s, ok = appendNumbers(k, s, coreNumber)
	} else {
		k, s, ok = appendDecimal(k, s)
	}
	if !ok || s != "" {
		return "", bad("perl", v, "neither a decimal number nor numbers divided by dots")
	}
	return Key(appendPrerelease(k, words, lower)), nil
}

// Doubtful reports that words follow the number.
func (perl) Doubtful(v string) bool {
	_, words := splitPerl(v)
	return words != ""
}

// splitPerl divides a version where the first word starts, without what stands
// before it.
func splitPerl(v string) (numbers, words string) {
	for i := 1; i < len(v); i++ {
		if isLetter(v[i]) {
			return strings.TrimRight(v[:i], "-_"), v[i:]
		}
	}
	return v, ""
}

// appendDecimal appends the number before the dot and each three digits behind
// it, without the zeros that end them; ok is false when there are no digits.
func appendDecimal(k []byte, s string) (_ []byte, rest string, ok bool) {
	n := digits(s)
	ok = n > 0
	zeros := 0
	number := func(digits string) {
		if isZero(digits) {
			zeros++
			return
		}
		for ; zeros > 0; zeros-- {
			k = append(k, coreNumber, 0)
		}
		k = appendNumber(append(k, coreNumber), digits)
	}
	number(s[:n])
	if s = s[n:]; s == "" || s[0] != '.' {
		return k, s, ok
	}
	for s = s[1:]; ; s = s[n:] {
		if n = min(3, digits(s)); n == 0 {
			return k, s, ok
		}
		ok = true
		number((s[:n] + "00")[:3])
	}
}

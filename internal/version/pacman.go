package version

import (
	"cmp"
	"strings"
)

// pacman orders [epoch:]pkgver[-pkgrel] as libalpm does. No epoch is epoch 0.
// The pkgrel counts only where both versions have one, so "1-1" and "1-2" both
// equal "1" though one is older than the other; and versions with two
// separators in a row need not be ordered at all. No bytes can express that:
// the key is the normalised version, which Compare alone orders.
//
// Specification: https://man.archlinux.org/man/vercmp.8
type pacman struct{}

func (pacman) Name() string { return "pacman" }

// Key is the version with an epoch that has no leading zeros.
func (pacman) Key(v string) (Key, error) {
	if err := check("pacman", v); err != nil {
		return "", err
	}
	epoch, version, release, hasRelease := splitEVR(v)
	if version == "" {
		return "", bad("pacman", v, "no pkgver")
	}
	if epoch = strings.TrimLeft(epoch, "0"); epoch == "" {
		epoch = "0"
	}
	k := epoch + ":" + version
	if hasRelease {
		k += "-" + release
	}
	return Key(k), nil
}

// Compare orders two keys of the scheme.
func (pacman) Compare(a, b Key) int {
	aEpoch, aVersion, aRelease, aHas := splitEVR(string(a))
	bEpoch, bVersion, bRelease, bHas := splitEVR(string(b))
	c := cmp.Or(compareNumbers(aEpoch, bEpoch), compareAlpm(aVersion, bVersion))
	if c == 0 && aHas && bHas {
		return compareAlpm(aRelease, bRelease)
	}
	return c
}

func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// compareAlpm orders two versions by their runs of digits and of letters: more
// separators are newer than fewer, a number newer than letters, and of two
// where one ends the longer is the newer unless it goes on with a letter.
func compareAlpm(a, b string) int {
	if a == b {
		return 0
	}
	for a != "" && b != "" {
		aSep, bSep := separators(a), separators(b)
		a, b = a[aSep:], b[bSep:]
		if a == "" || b == "" {
			break
		}
		if aSep != bSep {
			return cmp.Compare(aSep, bSep)
		}
		run, compare := letters, cmp.Compare[string]
		if isDigit(a[0]) {
			run, compare = digits, compareNumbers
		}
		m, n := run(a), run(b)
		switch {
		case n == 0 && isDigit(a[0]):
			return 1
		case n == 0:
			return -1
		}
		if c := compare(a[:m], b[:n]); c != 0 {
			return c
		}
		a, b = a[m:], b[n:]
	}
	switch {
	case a == "" && b == "":
		return 0
	case a == "" && !isLetter(b[0]), a != "" && isLetter(a[0]):
		return -1
	}
	return 1
}

// separators returns the length of the run of neither letters nor digits that
// starts s.
func separators(s string) int {
	n := 0
	for n < len(s) && !isDigit(s[n]) && !isLetter(s[n]) {
		n++
	}
	return n
}

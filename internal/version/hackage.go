package version

import "strings"

// hackage orders lists of numbers divided by dots as Haskell's packages and GHC
// do: of two where one ends the longer is the newer, also by a zero.
//
// Specification: https://pvp.haskell.org/
type hackage struct{ byteOrder }

func (hackage) Name() string { return "hackage" }

// Key is the numbers.
func (hackage) Key(v string) (Key, error) { return listKey("hackage", v, ".") }

// listKey is the key of numbers that one of the separators divides.
func listKey(scheme, v, separators string) (Key, error) {
	if err := check(scheme, v); err != nil {
		return "", err
	}
	var buf [usualKey]byte
	k := buf[:0]
	for s := v; ; {
		n := digits(s)
		if n == 0 {
			return "", bad(scheme, v, "not a number")
		}
		k = appendNumber(append(k, 1), s[:n])
		if s = s[n:]; s == "" {
			return Key(k), nil
		}
		if strings.IndexByte(separators, s[0]) < 0 {
			return "", bad(scheme, v, "not a number")
		}
		s = s[1:]
	}
}

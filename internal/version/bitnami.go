package version

import "strings"

// bitnami orders the versions of Bitnami's packages: as semver, but a number
// after a hyphen is the revision of a packaging, which is newer than the
// release: "1.2.3" = "1.2.3-0" < "1.2.3-1". What follows the number belongs to
// the revision ("2.4.46-10.el8"), except in Go's pseudo-versions of
// pre-releases ("1.2.4-0.20240101000000-abc"): "-0." does not start one.
//
// Specification: https://github.com/bitnami/go-version
type bitnami struct{ byteOrder }

func (bitnami) Name() string { return "bitnami" }

// Key is the keys of the numbers and the pre-release, or of the numbers and the
// revision.
func (bitnami) Key(v string) (Key, error) {
	var buf [usualKey]byte
	k, rest, err := appendCore(buf[:0], "bitnami", v)
	if err != nil {
		return "", err
	}
	rest, _, _ = strings.Cut(rest, "+")
	if len(rest) < 2 || !isDigit(rest[1]) || strings.HasPrefix(rest, "-0.") {
		return Key(appendPrerelease(k, rest, asIs)), nil
	}
	k = append(k, coreRelease)
	if strings.Trim(rest, "-0") == "" {
		return Key(k), nil
	}
	return Key(appendIdentifiers(k, strings.ReplaceAll(rest[1:], "-", "."), asIs)), nil
}

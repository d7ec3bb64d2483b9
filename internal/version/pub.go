package version

import "strings"

// pub orders versions as Dart's pub does, and Julia: as semver, but builds
// count. One is newer than the same version without, and two are ordered as
// pre-releases are.
//
// Specification: https://pub.dev/documentation/pub_semver/latest/pub_semver/Version-class.html,
// https://docs.julialang.org/en/v1/manual/strings/#man-version-number-literals
type pub struct{ byteOrder }

func (pub) Name() string { return "pub" }

// Key is the keys of the numbers, the pre-release and the build.
func (pub) Key(v string) (Key, error) {
	var buf [usualKey]byte
	k, rest, err := appendCore(buf[:0], "pub", v)
	if err != nil {
		return "", err
	}
	pre, build, found := strings.Cut(rest, "+")
	k = appendPrerelease(k, pre, asIs)
	if found {
		k = appendIdentifiers(k, build, asIs)
	}
	return Key(k), nil
}

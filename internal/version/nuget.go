package version

import "strings"

// nuget orders versions as NuGet does: as semver, but the case of letters does
// not count, and four numbers are usual.
//
// Specification: https://learn.microsoft.com/en-us/nuget/concepts/package-versioning
type nuget struct{ byteOrder }

func (nuget) Name() string { return "nuget" }

// Key is the key of the numbers, then that of the pre-release.
func (nuget) Key(v string) (Key, error) {
	var buf [usualKey]byte
	k, rest, err := appendCore(buf[:0], "nuget", v)
	if err != nil {
		return "", err
	}
	pre, _, _ := strings.Cut(rest, "+")
	return Key(appendPrerelease(k, pre, lower)), nil
}

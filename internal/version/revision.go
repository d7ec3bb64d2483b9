package version

import (
	"regexp"
	"strings"
)

// date is a day, perhaps with a counter or the mark of a pre-release, as versions have
// it: "20240101", "20240101b1". So few commits look like it that it is a version.
var date = regexp.MustCompile(`^(19|20)[0-9]{2}(0[1-9]|1[0-2])[0-3][0-9][0-9a-fA-F]{0,4}$`)

// tag is the usual name of a release in a repository.
var tag = regexp.MustCompile(`^[vV]?([0-9]+(?:\.[0-9]+)+(?:[-+._]?[0-9A-Za-z][0-9A-Za-z.+_-]*)?)$`)

// OfTag returns the version that a tag of a repository names: "1.4.2" for "v1.4.2"; ""
// for branches, commits and tags that follow a line of releases, such as "v1".
func OfTag(name string) string {
	m := tag.FindStringSubmatch(name)
	if m == nil || IsRevision(name) {
		return ""
	}
	return m[1]
}

// IsRevision reports whether v names a commit: 40 or 64 hexadecimal digits, or at
// least the seven of an abbreviation with letters and digits among them, up to the
// first mark behind them ("98ed4a1-dirty"). A commit has no place in any order.
// https://git-scm.com/docs/gitrevisions
func IsRevision(v string) bool {
	if i := strings.IndexAny(v, "-+_@/:~"); i >= 0 {
		v = v[:i]
	}
	letter, digit := false, false
	for i := range len(v) {
		switch c := v[i]; {
		case isDigit(c):
			digit = true
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			letter = true
		default:
			return false
		}
	}
	switch n := len(v); {
	case n == 40 || n == 64:
		return true
	case n < 7 || n > 64:
		return false
	}
	return letter && digit && !date.MatchString(v)
}

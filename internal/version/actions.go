package version

import "strings"

// actions orders the tags of GitHub's actions: as semver, and "7.x" is the newest
// version that begins with 7, for publishers move the tag v7 to it.
//
// Specification: https://docs.github.com/en/actions/how-tos/create-and-publish-actions/using-immutable-releases-and-tags-to-manage-your-actions-releases
type actions struct{ byteOrder }

func (actions) Name() string { return "actions" }

// Key is semver's; a number of 0xff bytes is above all others.
func (actions) Key(v string) (Key, error) {
	line, ok := strings.CutSuffix(v, ".x")
	if !ok || !isNumbers(line) {
		return semver{}.Key(v)
	}
	if err := check("actions", v); err != nil {
		return "", err
	}
	var buf [usualKey]byte
	k := buf[:0]
	for number := range strings.SplitSeq(line, ".") {
		k = appendNumber(append(k, coreNumber), number)
	}
	return Key(append(k, coreNumber, 0xff, 0xff, 0xff)), nil
}

// InLine reports whether v is a version of the line that a floating tag follows: "7.0.6"
// is one of "7.x". The newest of the line may be v.
func (actions) InLine(floating, v string) bool {
	line, ok := strings.CutSuffix(floating, ".x")
	if !ok {
		return false
	}
	v = strings.TrimLeft(v, "vV")
	return v == line || strings.HasPrefix(v, line+".")
}

// isNumbers reports whether s is numbers divided by dots.
func isNumbers(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || digits(part) != len(part) {
			return false
		}
	}
	return true
}

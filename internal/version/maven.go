package version

import (
	"regexp"
	"strings"
)

// maven orders versions as Maven's specification does and, since 3.9.0, Maven:
// numbers and qualifiers, divided by dots, hyphens and where letters and digits
// meet. A number after a dot is newer than one after a hyphen, and that newer
// than a qualifier. Qualifiers of pre-releases come before the end of the
// version, "sp" and all others after it; "final", "ga" and "release"
// have no meaning. Zeros count only between numbers. A dot before a qualifier is a
// hyphen; older Mavens ordered "1.0.alpha" and "1-alpha" each in its own way,
// and some versions in a cycle.
//
// Specification: https://maven.apache.org/pom.html#version-order-specification
type maven struct{ byteOrder }

func (maven) Name() string { return "maven" }

// branch is a branch, or what stands for a version that is not known:
// "master-SNAPSHOT", Maven's LATEST, Gradle's "unspecified".
var branch = regexp.MustCompile(`(?i)^(master|main|trunk|develop|development|dev|head|default|latest|nightly|edge|snapshot|unspecified|unknown|undefined)([-.]snapshot)?$`)

// Unplaced holds branches back. Other words may be releases: "Finchley.RELEASE".
func (maven) Unplaced(v string) string {
	if branch.MatchString(v) || strings.Contains(v, "${") {
		return "a branch or a placeholder, which has no order"
	}
	return ""
}

// The parts of a version, as they sort; the qualifiers of pre-releases are
// before mavenEnd.
const (
	mavenEnd byte = 6 + iota // also a qualifier without meaning
	mavenServicePack
	mavenQualifier
	mavenHyphenNumber
	mavenDotNumber
)

// mavenPre are the qualifiers of pre-releases, as they sort from 1 on.
var mavenPre = [...]string{"alpha", "beta", "milestone", "rc", "snapshot"}

// Key is the parts, without those that have no meaning before a hyphen, a
// qualifier or the end.
func (maven) Key(v string) (Key, error) {
	if err := check("maven", v); err != nil {
		return "", err
	}
	var buf [usualKey]byte
	k, significant := buf[:0], 0 // what follows k[:significant] has no meaning
	sep := byte('.')
	for i := 0; i < len(v); {
		start := i
		for i < len(v) && v[i] != '.' && v[i] != '-' && isDigit(v[i]) == isDigit(v[start]) {
			i++
		}
		part, null := v[start:i], false
		switch {
		case part != "" && !isDigit(part[0]):
			k, null = appendMavenQualifier(k[:significant], part, i < len(v) && isDigit(v[i]))
		case sep == '-':
			k, null = appendNumber(append(k[:significant], mavenHyphenNumber), part), isZero(part)
		default:
			k, null = appendNumber(append(k, mavenDotNumber), part), isZero(part)
		}
		if !null {
			significant = len(k)
		}
		if sep = '-'; i < len(v) && (v[i] == '.' || v[i] == '-') {
			sep = v[i]
			i++
		}
	}
	return Key(append(k[:significant], mavenEnd)), nil
}

// appendMavenQualifier appends a qualifier; null is true where it has no meaning.
// Initials stand for alpha, beta and milestone where a digit follows.
func appendMavenQualifier(k []byte, q string, digitFollows bool) (_ []byte, null bool) {
	for i, name := range mavenPre {
		if strings.EqualFold(q, name) || i < 3 && digitFollows && strings.EqualFold(q, name[:1]) {
			return append(k, byte(1+i)), false
		}
	}
	switch {
	case strings.EqualFold(q, "cr"):
		return append(k, 4), false // rc
	case strings.EqualFold(q, "sp"):
		return append(k, mavenServicePack), false
	case strings.EqualFold(q, "final"), strings.EqualFold(q, "ga"), strings.EqualFold(q, "release"):
		return append(k, mavenEnd), true
	}
	return appendText(append(k, mavenQualifier), q, lower), false
}

package node

import (
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/version"
)

// A list gathers the packages of one file.
type list struct{ *listing.List }

func newList() list {
	l := listing.New(assay.TypeNPM)
	l.Name, l.Version = validName, validVersion
	return list{l}
}

const (
	maxName    = 214 // npm's own limit
	maxVersion = 256 // npm's own limit
)

// validName reports whether s can be a package's name, by the rules of npm's
// early years: later ones forbid capitals and some signs.
// https://github.com/npm/validate-npm-package-name
func validName(s string) bool {
	name := s
	if scoped, ok := strings.CutPrefix(s, "@"); ok {
		scope, rest, ok := strings.Cut(scoped, "/")
		if !ok || scope == "" {
			return false
		}
		name = rest
	}
	if name == "" || name[0] == '.' || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' || strings.IndexByte("<>\"`\\{}|^%:?#&,;=[]", s[i]) >= 0 {
			return false
		}
	}
	return strings.IndexByte(name, '/') < 0 && strings.IndexByte(name, '@') < 0
}

// validVersion reports whether s can be a version: not whether it is one by
// the rules of semantic versions, for what was installed once stays installed.
func validVersion(s string) bool {
	digit := false
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digit = true
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.IndexByte(".-+_~=", c) >= 0:
		default:
			return false
		}
	}
	return digit && len(s) <= maxVersion
}

// tarball is the version in the file name of a package's archive, as npm makes
// it: "name-1.2.3.tgz".
func tarball(address, name string) string {
	address, _, _ = strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	base := address[strings.LastIndexByte(address, '/')+1:]
	for _, suffix := range []string{".tgz", ".tar.gz"} {
		if stem, ok := strings.CutSuffix(strings.TrimPrefix(base, "file:"), suffix); ok {
			v, ok := strings.CutPrefix(stem, name[strings.LastIndexByte(name, '/')+1:]+"-")
			if ok && validVersion(v) {
				return v
			}
		}
	}
	return ""
}

// ofTag is the version that the tag in a repository's address names,
// "github:o/r#v1.2.3"; "" for branches and commits.
func ofTag(address string) string {
	_, tag, _ := strings.Cut(address, "#")
	return version.OfTag(tag)
}

// cutSpec cuts "name@range"; the name may have a scope.
func cutSpec(s string) (name, version string) {
	if s == "" {
		return "", ""
	}
	i := strings.IndexByte(s[1:], '@') + 1
	if i == 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

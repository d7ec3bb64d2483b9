package python

import (
	"encoding/binary"
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode/utf16"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// A spec is a requirement, which asks for a package.
// https://packaging.python.org/en/latest/specifications/dependency-specifiers/
type spec struct {
	wish
	pin string // the version, when it allows one only
	url string // where it is to come from
}

// parse reads a requirement, without a comment.
func parse(s string) (r spec, err error) {
	s = strings.TrimSpace(s)
	n := nameLen(s)
	if n == 0 {
		return r, fmt.Errorf("no package name in %.80q: %w", s, assay.ErrMalformed)
	}
	r.name = s[:n]
	rest := strings.TrimSpace(s[n:])
	if strings.HasPrefix(rest, "[") {
		_, after, ok := strings.Cut(rest, "]")
		if !ok {
			return r, fmt.Errorf("%s: unterminated extras: %w", r.name, assay.ErrMalformed)
		}
		rest = strings.TrimSpace(after)
	}
	if at, ok := strings.CutPrefix(rest, "@"); ok {
		r.url, _, _ = strings.Cut(strings.TrimSpace(at), " ")
		if _, v, ok := artifact(r.url, r.name); ok {
			r.pin = v
		} else {
			r.pin = ofTag(r.url)
		}
		return r, nil
	}
	for _, end := range []string{";", " -", "\t-", " @"} {
		rest, _, _ = strings.Cut(rest, end) // markers, options, an address beside a version
	}
	rest = strings.TrimSpace(rest)
	if in, ok := strings.CutPrefix(rest, "("); ok {
		rest = strings.TrimSuffix(in, ")")
	}
	return r, r.specifiers(rest)
}

// specifiers reads ">=1, <2".
func (r *spec) specifiers(text string) error {
	r.allowed = text
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		n := 0
		for n < len(part) && strings.IndexByte("=<>!~", part[n]) >= 0 {
			n++
		}
		v := strings.TrimSpace(part[n:])
		switch op := part[:n]; op {
		case "==", "===":
			if v == "" || strings.ContainsAny(v, " \t") {
				return fmt.Errorf("%s: %.80q: %w", r.name, part, assay.ErrMalformed)
			}
			if r.pin == "" && !strings.HasSuffix(v, "*") && !strings.ContainsAny(v, "${}") {
				r.pin = v
			}
		case "<", "<=", ">", ">=", "!=", "~=":
		default:
			return fmt.Errorf("%s: %.80q: %w", r.name, part, assay.ErrMalformed)
		}
	}
	return nil
}

// artifact returns name and version of the archive at an address, as its file
// name has them: a wheel's, or a source archive's of a known name.
// https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
func artifact(address, name string) (_, version string, ok bool) {
	address, _, _ = strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	base := path.Base(address)
	if un, err := url.PathUnescape(base); err == nil {
		base = un
	}
	if wheel, ok := strings.CutSuffix(base, ".whl"); ok {
		parts := strings.Split(wheel, "-")
		if len(parts) < 5 || !validName(parts[0]) || !validVersion(parts[1]) {
			return "", "", false
		}
		return parts[0], parts[1], name == "" || normal(name) == normal(parts[0])
	}
	for _, suffix := range []string{".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz"} {
		stem, ok := strings.CutSuffix(base, suffix)
		i := strings.LastIndexByte(stem, '-')
		if !ok || i < 0 || name == "" || normal(stem[:i]) != normal(name) || !validVersion(stem[i+1:]) {
			continue
		}
		return stem[:i], stem[i+1:], true
	}
	return "", "", false
}

// ofTag is the version that the tag in a repository's address names,
// "git+https://host/a.git@v1.2.3#egg=a"; "" for branches and commits.
// https://pip.pypa.io/en/stable/topics/vcs-support/
func ofTag(address string) string {
	address, _, _ = strings.Cut(address, "#")
	i := strings.LastIndexByte(address, '@')
	if !strings.Contains(address, "+") || i < strings.LastIndexByte(address, '/') {
		return ""
	}
	return version.OfTag(address[i+1:])
}

// text decodes what editors and shells write: UTF-8, or UTF-16 with a mark, as
// PowerShell's redirection has it.
func text(b []byte) string {
	var order binary.ByteOrder
	switch {
	case len(b) >= 2 && b[0] == 0xff && b[1] == 0xfe:
		order = binary.LittleEndian
	case len(b) >= 2 && b[0] == 0xfe && b[1] == 0xff:
		order = binary.BigEndian
	default:
		return strings.ToValidUTF8(strings.TrimPrefix(string(b), "\ufeff"), "\ufffd")
	}
	units := make([]uint16, 0, len(b)/2)
	for b = b[2:]; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	return string(utf16.Decode(units))
}

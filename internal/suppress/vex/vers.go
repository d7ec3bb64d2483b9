package vex

import (
	"net/url"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/version"
	"github.com/package-url/packageurl-go"
)

// maxConstraints bounds the constraints of a range: some have a hundred.
const maxConstraints = 1000

// versioned is a package URL with a version from the document; an existing
// version stays. The version of an image is its tag.
func versioned(purl, v string) string {
	u, err := ParsePURL(purl)
	if err != nil || v == "" || u.url.Version != "" {
		return purl
	}
	if u.url.Type == packageurl.TypeOCI && !strings.HasPrefix(v, "sha256:") {
		if u.qualifiers["tag"] != "" {
			return purl
		}
		u.qualifiers["tag"] = v
		u.url.Qualifiers = packageurl.QualifiersFromMap(u.qualifiers)
		return u.url.ToString()
	}
	u.url.Version = v
	return u.url.ToString()
}

// versionedCPE is a CPE name with a version from the document; an existing
// version stays. https://nvlpubs.nist.gov/nistpubs/Legacy/IR/nistir7695.pdf
func versionedCPE(cpe, v string) string {
	const at = 3 // after part, vendor and product
	prefix, escaped := "cpe:2.3:", quoteCPE(v)
	if !strings.HasPrefix(cpe, prefix) {
		prefix, escaped = "cpe:/", strings.ReplaceAll(url.PathEscape(v), ":", "%3A")
	}
	rest, ok := strings.CutPrefix(cpe, prefix)
	if !ok || v == "" {
		return cpe
	}
	parts := strings.Split(strings.ReplaceAll(rest, `\:`, "\x00"), ":")
	switch {
	case len(parts) < at:
		return cpe
	case len(parts) == at:
		parts = append(parts, escaped)
	case parts[at] == "" || parts[at] == "*":
		parts[at] = escaped
	default:
		return cpe
	}
	return prefix + strings.ReplaceAll(strings.Join(parts, ":"), "\x00", `\:`)
}

// quoteCPE quotes special characters of CPE names of version 2.3.
func quoteCPE(s string) string {
	var b strings.Builder
	for _, c := range s {
		if c < 0x80 && !strings.ContainsRune("._-", c) && !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z') {
			b.WriteByte('\\')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// A constraint is a part of a range, with the order of the judged version and
// its own.
type constraint struct {
	op     string
	key    version.Key
	public bool // it has no part that only some versions have; see version.Local
	cmp    int
}

// isSatisfied reports whether the judged version satisfies the constraint.
func (c *constraint) isSatisfied() bool {
	switch c.op {
	case "<":
		return c.cmp < 0
	case "<=":
		return c.cmp <= 0
	case ">":
		return c.cmp > 0
	}
	return c.cmp >= 0
}

func (c *constraint) upper() bool { return c.op[0] == '<' }

// registryType returns the package type of a purl's type: versions of actions, whose purls
// are of the type github, have rules of their own.
func registryType(kind string) string {
	if kind == packageurl.TypeGithub {
		return assay.TypeActions
	}
	return kind
}

// In reports whether the version of a package is in a range, such as
// "vers:pypi/>=9.0.0|<10". The result is known only for ranges in that notation
// and for the package's own ecosystem. https://github.com/package-url/vers-spec
func (p PURL) In(within string) (in, known bool) {
	rest, ok := strings.CutPrefix(within, "vers:")
	kind, list, _ := strings.Cut(rest, "/")
	e, has := ecosystem.OfType(registryType(p.url.Type))
	if !ok || !has || registryType(kind) != registryType(p.url.Type) || p.url.Version == "" || strings.Count(list, "|") >= maxConstraints {
		return false, false
	}
	if list == "*" {
		return true, true
	}
	s, v, public, ok := p.installed(e)
	if !ok {
		return false, false
	}
	equal, listed, left := false, false, false // it is one of those listed; some are; some are left out
	var bounds []constraint
	for text := range strings.SplitSeq(list, "|") {
		c, ok := parseConstraint(s, text)
		if !ok {
			return false, false
		}
		c.cmp = s.Compare(v, c.key)
		if c.public {
			c.cmp = s.Compare(public, c.key)
		}
		switch {
		case c.op == "=":
			equal, listed = equal || c.cmp == 0, true
		case c.op == "!=" && c.cmp == 0:
			return false, true
		case c.op == "!=":
			left = true
		default:
			bounds = append(bounds, c)
		}
	}
	if equal || len(bounds) == 0 {
		return equal || left && !listed, true
	}
	return between(s, bounds)
}

// installed returns the scheme and the key of the package's version, and the key for
// constraints without a local version; see version.Local.
func (p PURL) installed(e *ecosystem.Ecosystem) (s version.Scheme, key, public version.Key, ok bool) {
	s, ok = version.ByName(e.Scheme)
	if !ok {
		return nil, "", "", false
	}
	v := e.Version(p.url.Name, p.url.Version)
	key, err := version.Place(s, v)
	if err != nil {
		return nil, "", "", false
	}
	public, err = s.Key(version.Public(s, v))
	return s, key, public, err == nil
}

// parseConstraint parses a constraint: an operator, by default equality, and a
// version.
func parseConstraint(s version.Scheme, text string) (c constraint, ok bool) {
	text = strings.TrimSpace(text)
	c.op = "="
	for _, op := range []string{">=", "<=", "!=", ">", "<", "="} {
		if rest, found := strings.CutPrefix(text, op); found {
			c.op, text = op, rest
			break
		}
	}
	v, err := url.PathUnescape(strings.TrimSpace(text))
	if err != nil {
		return c, false
	}
	c.public = version.Public(s, v) == v
	c.key, err = s.Key(v)
	return c, err == nil
}

// between reports whether a version is in one of the intervals between bounds.
// Two beginnings in a row, two ends, or both at one version are not an interval.
func between(s version.Scheme, bounds []constraint) (in, known bool) {
	slices.SortStableFunc(bounds, func(a, b constraint) int { return s.Compare(a.key, b.key) })
	for i := range bounds {
		c := &bounds[i]
		if i > 0 && (bounds[i-1].upper() == c.upper() || s.Compare(bounds[i-1].key, c.key) == 0) {
			return false, false
		}
		switch {
		case c.upper() && i == 0, !c.upper() && i == len(bounds)-1:
			in = in || c.isSatisfied()
		case !c.upper():
			in = in || c.isSatisfied() && bounds[i+1].isSatisfied()
		}
	}
	return in, true
}

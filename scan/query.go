package scan

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/purl"
)

// ParseQuery parses a search term: a package URL, a CPE name, the ID of a
// vulnerability or notice, or else the name of a package.
func ParseQuery(s string) (q Query, err error) {
	switch {
	case strings.HasPrefix(s, "pkg:"):
		q.Stream, q.Package, err = purl.Lookup(s)
	case strings.HasPrefix(s, "cpe:"):
		parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(s, "cpe:2.3:"), "cpe:/"), ":")
		if len(parts) < 3 {
			return q, &OptionError{"", fmt.Errorf("%q names no vendor and product", s)}
		}
		q.Stream, q.Package = assay.StreamCPE, strings.ToLower(parts[1]+":"+parts[2])
	case isID(s):
		q.ID = s
	default:
		q.Package = s
	}
	return q, err
}

// identifier matches the IDs of vulnerabilities and notices, some also in lower
// case.
var identifier = regexp.MustCompile(`^(?i:(?:cve|go|pysec|rustsec)-\d{4}-\d+|ghsa(?:-[0-9a-z]{4}){3}|(?:dsa|dla|rhsa|usn|elsa|rlsa|alsa|alas\w*|mal|xsa)-\d\S*)$|^[A-Z]{3,}-\S*\d\S*$`)

func isID(s string) bool { return identifier.MatchString(s) }

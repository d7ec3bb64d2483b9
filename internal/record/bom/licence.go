package bom

import (
	"slices"
	"strings"

	"github.com/github/go-spdx/v2/spdxexp"
	"github.com/github/go-spdx/v2/spdxexp/spdxlicenses"
)

// maxExpression bounds a licence that is parsed as an expression.
const maxExpression = 1000

// IsLicence reports whether a licence is an identifier in SPDX's list, with its
// spelling. https://spdx.org/licenses/
func IsLicence(s string) bool {
	return slices.Contains(spdxlicenses.GetLicenses(), s) || slices.Contains(spdxlicenses.GetDeprecated(), s)
}

// IsExpression reports whether a licence is an SPDX expression.
// https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
func IsExpression(s string) bool {
	if len(s) > maxExpression {
		return false
	}
	ok, _ := spdxexp.ValidateLicenses([]string{s})
	return ok
}

// LicenceRef names a licence that is not in SPDX's list.
func LicenceRef(s string) string {
	var b strings.Builder
	b.WriteString("LicenseRef-")
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-':
			b.WriteByte(c)
		default:
			b.WriteByte('-')
		}
		if b.Len() == 100 {
			break
		}
	}
	return b.String()
}

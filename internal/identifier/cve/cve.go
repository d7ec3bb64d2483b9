// Package cve parses data that all records about CVEs share: the identifiers,
// dates and weaknesses.
//
// Identifiers: https://www.cve.org/ResourcesSupport/FAQs, record format:
// https://github.com/CVEProject/cve-schema
package cve

import (
	"slices"
	"strings"
	"time"
)

// Valid reports whether id is a CVE identifier in its canonical spelling. A
// number has four digits or more, by the rules without limit; here at most 19.
func Valid(id string) bool {
	year, number, ok := strings.Cut(strings.TrimPrefix(id, "CVE-"), "-")
	return ok && len(id) > len("CVE-") && id[:4] == "CVE-" && len(year) == 4 && digits(year) &&
		len(number) >= 4 && len(number) <= 19 && digits(number)
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// Time parses a date in the formats of NVD, the CVE list and OSV: RFC 3339, or
// without the zone and the time of day (then UTC); zero if it is invalid.
func Time(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly, "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// Weakness finds the CWE identifier in a text such as "CWE-79" or "CWE-79
// Cross-site Scripting"; "" if there is none ("NVD-CWE-Other").
func Weakness(s string) string {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "CWE-")
	if !ok {
		return ""
	}
	n := 0
	for n < len(rest) && n < 6 && rest[n] >= '0' && rest[n] <= '9' {
		n++
	}
	if n == 0 {
		return ""
	}
	return "CWE-" + rest[:n]
}

// Set sorts s and removes empty and duplicate elements.
func Set(s []string) []string {
	slices.Sort(s)
	s = slices.Compact(s)
	if len(s) > 0 && s[0] == "" {
		s = s[1:]
	}
	return slices.Clip(s)
}

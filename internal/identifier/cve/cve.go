// Package cve reads the small things that all records about CVEs share: the
// identifiers themselves, dates and weaknesses.
//
// Identifiers: https://www.cve.org/ResourcesSupport/FAQs, record format:
// https://github.com/CVEProject/cve-schema
package cve

import (
	"slices"
	"strings"
	"time"
)

// Valid says whether id is a CVE identifier in its canonical spelling. A
// number has four digits or more, without limit by the rules; here 19.
func Valid(id string) bool {
	year, number, ok := strings.Cut(strings.TrimPrefix(id, "CVE-"), "-")
	return ok && len(id) > len("CVE-") && id[:4] == "CVE-" && len(year) == 4 && digits(year) &&
		len(number) >= 4 && len(number) <= 19 && digits(number)
}

func digits(s string) bool {
	return strings.Trim(s, "0123456789") == ""
}

// Time reads a date as NVD, the CVE list and OSV write them: RFC 3339, where
// the zone and the time of day may be missing (then UTC); zero when it is none.
func Time(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly, "2006-01-02T15:04:05-0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// Weakness finds the CWE identifier in a text such as "CWE-79" or "CWE-79
// Cross-site Scripting"; "" when there is none ("NVD-CWE-Other").
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

// Set sorts s and drops what is empty or repeated.
func Set(s []string) []string {
	slices.Sort(s)
	s = slices.Compact(s)
	if len(s) > 0 && s[0] == "" {
		s = s[1:]
	}
	return slices.Clip(s)
}

package triage

import (
	"net/url"
	"strings"
)

// A cpeName is a CPE name taken apart: part, vendor, product, version, update,
// edition, language and, in 2.3 only, edition of the software, software and
// hardware that it is for, and other; "" being any.
// https://nvlpubs.nist.gov/nistpubs/Legacy/IR/nistir7695.pdf
type cpeName [11]string

// parseCPE reads a CPE name of version 2.2, "cpe:/a:vendor:product", or 2.3. One
// that does not tell part, vendor and product names nothing.
func parseCPE(s string) (n cpeName, ok bool) {
	var parts []string
	if rest, found := strings.CutPrefix(s, "cpe:2.3:"); found {
		parts = strings.Split(strings.ReplaceAll(rest, `\:`, "\x00"), ":")
		for i, p := range parts {
			parts[i] = strings.ReplaceAll(strings.ReplaceAll(p, "\x00", ":"), `\`, "")
		}
	} else if rest, found := strings.CutPrefix(s, "cpe:/"); found {
		parts = strings.Split(rest, ":")
		for i, p := range parts {
			if u, err := url.PathUnescape(p); err == nil {
				parts[i] = u
			}
		}
	}
	for i, p := range parts {
		if i < len(n) && p != "*" {
			n[i] = strings.ToLower(p)
		}
	}
	return n, n[0] != "" && n[1] != "" && n[2] != ""
}

// key is what names of one product have in common.
func (n cpeName) key() string { return n[0] + ":" + n[1] + ":" + n[2] }

// matches reports whether a pattern holds of a name.
func (n cpeName) matches(name string) bool {
	of, ok := parseCPE(name)
	if !ok {
		return false
	}
	for i, want := range n {
		if want != "" && want != of[i] {
			return false
		}
	}
	return true
}

// Package cpe parses and compares CPE names, the names of software at NVD and
// vendors, in the formats of version 2.2 ("cpe:/a:vendor:product:1.0") and 2.3
// ("cpe:2.3:a:vendor:product:1.0:*:*:*:*:*:*:*").
// https://nvlpubs.nist.gov/nistpubs/Legacy/IR/nistir7695.pdf
package cpe

import (
	"net/url"
	"strings"
)

// A Name has the attributes of a CPE name without quoting and in their original
// case. "" is any value; "-" means that the attribute does not apply. Version
// 2.2 has only the first seven: a packed edition ("~~~linux~~") is one value.
type Name struct {
	Part            string // "a" application, "o" operating system, "h" hardware
	Vendor          string
	Product         string
	Version         string
	Update          string
	Edition         string
	Language        string
	SoftwareEdition string
	TargetSoftware  string
	TargetHardware  string
	Other           string
}

// attributes is the number of attributes in version 2.3.
const attributes = 11

const prefix23, prefix22 = "cpe:2.3:", "cpe:/"

// Parse parses a name of either version. Attributes may be missing at the end,
// and more than eleven are ignored. ok is false if part, vendor or product is
// missing or any, because then it names nothing.
func Parse(s string) (n Name, ok bool) {
	if rest, found := strings.CutPrefix(s, prefix23); found {
		n.set(split(rest))
	} else if rest, found := strings.CutPrefix(s, prefix22); found {
		parts := strings.Split(rest, ":")
		for i, p := range parts {
			if u, err := url.PathUnescape(p); err == nil {
				parts[i] = u
			}
		}
		n.set(parts)
	}
	return n, n.Part != "" && n.Vendor != "" && n.Product != ""
}

// ParseFormatted parses a name of version 2.3 with all its attributes; ok is
// false for any other. Unlike Parse it accepts names of any vendor or product.
func ParseFormatted(s string) (n Name, ok bool) {
	rest, ok := strings.CutPrefix(s, prefix23)
	if !ok {
		return n, false
	}
	parts := split(rest)
	if len(parts) != attributes {
		return n, false
	}
	n.set(parts)
	return n, true
}

// all lists the attributes in the order of version 2.3.
func (n *Name) all() [attributes]*string {
	return [...]*string{&n.Part, &n.Vendor, &n.Product, &n.Version, &n.Update, &n.Edition, &n.Language, &n.SoftwareEdition, &n.TargetSoftware, &n.TargetHardware, &n.Other}
}

func (n *Name) set(parts []string) {
	for i, a := range n.all() {
		if i < len(parts) && parts[i] != "*" {
			*a = parts[i]
		}
	}
}

// split splits attributes at their colons, and removes the backslashes that
// quote characters. A quoted star is a plain one.
func split(s string) []string {
	parts := make([]string, 0, attributes)
	begin := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case ':':
			parts = append(parts, unquote(s[begin:i]))
			begin = i + 1
		}
	}
	return append(parts, unquote(s[begin:]))
}

// unquote removes the backslashes that quote characters. It copies only values that
// have one, because few do and NVD publishes millions of names.
func unquote(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			if i++; i == len(s) {
				break
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

// Key is equal for all names of one product.
func (n Name) Key() string {
	return strings.ToLower(n.Part + ":" + n.Vendor + ":" + n.Product)
}

// Matches reports whether n, a pattern in which attributes may be any, covers a
// name, ignoring case. An attribute that is any in the name matches no other
// value: a product for an unknown platform is not a product for Windows.
func (n Name) Matches(name Name) bool {
	of := name.all()
	for i, want := range n.all() {
		if *want != "" && !strings.EqualFold(*want, *of[i]) {
			return false
		}
	}
	return true
}

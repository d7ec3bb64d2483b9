package grypedb

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// advisory converts a vulnerability without what it affects. For a CVE the
// details have the rest.
func (v *vulnerability) advisory() assay.Advisory {
	a := assay.Advisory{ID: v.name, Feed: "grype-db", Published: v.published, Modified: v.modified}
	a.Severity, a.CVSS = v.ratings()
	for _, ref := range v.blob.References {
		if strings.HasPrefix(ref.URL, "http") {
			a.References = append(a.References, ref.URL)
		}
		a.VendorIDs = append(a.VendorIDs, ref.ID)
	}
	if len(a.References) > 0 {
		a.URL, a.References = a.References[0], a.References[1:]
	}
	a.Aliases = slices.Clone(v.blob.Aliases)
	if cve.Valid(v.name) {
		a.References = nil
	} else {
		a.Text = v.blob.Description
	}
	return a
}

// note adds the identifiers of a blob: the CVEs of a notice, and the notices
// about a distribution's fixes.
func (r *reader) note(b *packageBlob, distribution bool) {
	a := &r.under
	a.Aliases = append(a.Aliases, b.CVEs...)
	for i := range b.Ranges {
		if f := b.Ranges[i].Fix; distribution && f != nil && f.Detail != nil {
			for _, ref := range f.Detail.References {
				a.VendorIDs = append(a.VendorIDs, ref.ID)
			}
		}
	}
}

// flush hands over the current advisory. A distribution's notice is handed over
// once for each of its CVEs; other advisories keep their identifier.
func (r *reader) flush() error {
	a := r.under
	r.under, r.speaksOf = assay.Advisory{}, nil
	if len(a.Affected) == 0 {
		return nil
	}
	without := func(id string) func(string) bool { return func(s string) bool { return s == id } }
	a.Aliases = slices.DeleteFunc(cve.Set(a.Aliases), without(a.ID))
	a.VendorIDs = cve.Set(a.VendorIDs)
	ids := slices.DeleteFunc(slices.Clone(a.Aliases), func(id string) bool { return !cve.Valid(id) })
	if cve.Valid(a.ID) || len(ids) == 0 || !ofSystem(a.Affected[0].Stream) {
		a.VendorIDs = slices.DeleteFunc(a.VendorIDs, without(a.ID))
		return r.sink.Advisory(a)
	}
	a.VendorIDs, a.Aliases = cve.Set(append(a.VendorIDs, a.ID)), nil
	for _, id := range ids {
		a.ID = id
		if err := r.sink.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

// ofSystem reports whether a stream is a distribution's.
func ofSystem(s assay.Stream) bool {
	return slices.ContainsFunc(systems, func(p assay.Stream) bool { return p.Covers(s) })
}

// bind writes a CPE as text: part, vendor, product, edition, language, software
// edition, target software, target hardware and other.
// https://nvlpubs.nist.gov/nistpubs/Legacy/IR/nistir7695.pdf
func bind(parts []string) string {
	out := []string{"cpe", "2.3", cmp.Or(parts[0], "*"), escape(parts[1]), escape(parts[2]), "*", "*"}
	for _, p := range parts[3:] {
		out = append(out, escape(p))
	}
	return strings.Join(out, ":")
}

// escape puts a backslash before punctuation; an empty value means any. Existing
// backslashes stay.
func escape(s string) string {
	if s == "" || s == "*" || s == "-" {
		return cmp.Or(s, "*")
	}
	if strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < 0x80 && !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '-' || c == '.') {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func plain(s string) string { return strings.ReplaceAll(s, `\`, "") }

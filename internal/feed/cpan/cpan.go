// Package cpan reads the CPAN security advisory database, CPANSA:
// https://github.com/briandfoy/cpan-security-advisory
//
// A record names a distribution and its affected versions as lists of
// comparisons. Comparisons between commas must all hold, except "==", which
// counts alone. A version is affected if any entry of the list holds. If the
// list is missing, every version that is not fixed is affected. Records with the
// same identifier (an embedded library has one for each of its versions) become
// one advisory.
package cpan

import (
	"context"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/version/requirement"
)

// Document is the database as its maintainers bundle it.
const Document = "https://raw.githubusercontent.com/briandfoy/cpan-security-advisory/master/cpan-security-advisory.json"

// maxDist bounds the records of one distribution; perl has 600 kB (2026).
const maxDist = 64 << 20

// Feed reads the bundle.
type Feed struct{}

// Name is "cpan".
func (Feed) Name() string { return "cpan" }

// Streams is "cpan"; packages are distributions: "Archive-Tar", "perl".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"cpan"} }

type record struct {
	ID          string   `json:"id"`
	CVEs        []string `json:"cves"`
	Description string   `json:"description"`
	Severity    *string  `json:"severity"`
	Reported    *string  `json:"reported"`
	References  []string `json:"references"`
	Affected    []string `json:"affected_versions"`
	Fixed       []string `json:"fixed_versions"`
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	if !osv.Wants(wanted, f.Streams())("cpan") {
		return nil
	}
	return document.JSON(ctx, g, Document, maxDist, func(d *jsonstream.Decoder) (found bool, err error) {
		err = d.Object(func(key string) error {
			if key != "dists" {
				return d.Skip()
			}
			found = true
			return d.Object(func(dist string) error {
				var x struct {
					Advisories []record `json:"advisories"`
				}
				ok, err := d.Value(&x)
				if err != nil {
					return err
				}
				if !ok || dist == "" {
					s.Skip(dist, "malformed record")
					return nil
				}
				return f.emit(dist, x.Advisories, s)
			})
		})
		return found, err
	})
}

func (f Feed) emit(dist string, records []record, s assay.Sink) error {
	all, at := []assay.Advisory(nil), map[string]int{}
	for _, r := range records {
		affected, patched := alternatives(r.Affected), []string(nil)
		if len(affected) == 0 {
			affected, patched = []string{"*"}, r.Fixed
		}
		ranges, why := requirement.Ranges(requirement.Plain, "perl", affected, patched, nil)
		if r.ID == "" {
			why = "no identifier"
		}
		if why != "" {
			s.Skip(dist+" "+r.ID, why)
			continue
		}
		i, ok := at[r.ID]
		if !ok {
			i = len(all)
			at[r.ID] = i
			all = append(all, r.advisory(dist))
		}
		p := &all[i].Affected[0]
		for _, g := range ranges {
			if !slices.Contains(p.Ranges, g) {
				p.Ranges = append(p.Ranges, g)
			}
		}
	}
	for _, a := range all {
		a.Feed = f.Name()
		if err := s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

// alternatives makes each "==" of a comma-separated list an alternative of its
// own.
func alternatives(lists []string) (out []string) {
	for _, list := range lists {
		var together []string
		for _, c := range strings.Split(list, ",") {
			if c = strings.TrimSpace(c); strings.HasPrefix(c, "==") {
				out = append(out, c)
			} else {
				together = append(together, c)
			}
		}
		if len(together) > 0 {
			out = append(out, strings.Join(together, ","))
		}
	}
	return out
}

func (r *record) advisory(dist string) assay.Advisory {
	a := assay.Advisory{
		ID: r.ID, Aliases: cve.Set(r.CVEs), Text: strings.TrimSpace(r.Description), References: r.References,
		URL:      "https://github.com/briandfoy/cpan-security-advisory/blob/master/cpansa/CPANSA-" + dist + ".yml",
		Affected: []assay.Affected{{Stream: "cpan", Name: dist, Status: assay.StatusAffected}},
	}
	if r.Severity != nil {
		a.Severity, _ = assay.ParseSeverity(*r.Severity)
	}
	if r.Reported != nil {
		a.Published = cve.Time(*r.Reported)
	}
	return a
}

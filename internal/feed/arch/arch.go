// Package arch reads Arch Linux's security tracker.
//
// https://security.archlinux.org/all.json lists the groups (AVG): packages built
// from one source, their common issues, and the version that fixes them.
// https://wiki.archlinux.org/title/Arch_Security_Team explains the states.
package arch

import (
	"context"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/document"
)

// Document lists all groups.
const Document = "https://security.archlinux.org/all.json"

const page = "https://security.archlinux.org/"

const maxRecord = 1 << 20 // a group has under 10 kB

// Feed reads the tracker. Packages are binary packages. Each record is about one
// group and one of its issues; a group without issues keeps its own identifier.
// The group and its advisories (ASA) are VendorIDs.
//
// A group without a fixed version affects every version, because the tracker
// names only one affected version. A fix in the testing repositories counts as a
// fix.
type Feed struct{}

// Name is "arch".
func (Feed) Name() string { return "arch" }

// Streams is "arch".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"arch"} }

// group is a set of packages with the same issues.
type group struct {
	Name       string   `json:"name"`
	Packages   []string `json:"packages"`
	Status     string   `json:"status"`
	Severity   string   `json:"severity"`
	Type       string   `json:"type"`
	Fixed      string   `json:"fixed"`
	Issues     []string `json:"issues"`
	Advisories []string `json:"advisories"`
}

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	if wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers("arch") }) {
		return nil
	}
	return document.JSON(ctx, g, Document, maxRecord, func(d *jsonstream.Decoder) (found bool, err error) {
		n := 0
		err = d.Array(func() error {
			var r group
			ok, err := d.Value(&r)
			switch {
			case err != nil:
				return err
			case !ok:
				s.Skip(r.Name, "malformed record")
				return nil
			}
			n++
			return r.emit(s)
		})
		return n > 0, err
	})
}

func (g *group) emit(s assay.Sink) error {
	status, reason := assay.StatusAffected, ""
	fixed := g.Fixed
	switch g.Status {
	case "Fixed":
	case "Vulnerable":
	case "Testing":
		reason = "Testing"
	case "Not affected":
		status, fixed = assay.StatusNotAffected, ""
	case "Unknown":
		status = assay.StatusUnknown
	default:
		s.Skip(g.Name, "unknown status")
		return nil
	}
	if status != assay.StatusAffected || fixed == "" {
		reason = g.Status
	}
	var rows []assay.Affected
	for _, name := range cve.Set(g.Packages) {
		rows = append(rows, assay.Affected{Stream: "arch", Name: name, Status: status, Reason: reason, Ranges: []assay.Range{{Fixed: fixed}}})
	}
	switch {
	case g.Name == "" || len(rows) == 0:
		s.Skip(g.Name, "no group or package")
		return nil
	case g.Status == "Fixed" && fixed == "":
		s.Skip(g.Name, "fixed without a version")
		return nil
	}
	a := assay.Advisory{ID: g.Name, Feed: "arch", Title: g.Type, Affected: rows, URL: page + g.Name}
	a.Severity, _ = assay.ParseSeverity(g.Severity)
	issues := cve.Set(g.Issues)
	if len(issues) == 0 {
		a.VendorIDs = cve.Set(g.Advisories)
		return s.Advisory(a)
	}
	for _, id := range issues {
		a.ID, a.VendorIDs = id, append(cve.Set(slices.Clone(g.Advisories)), g.Name)
		if err := s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

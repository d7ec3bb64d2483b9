// Package azurelinux reads Microsoft's vulnerability data for Azure Linux and
// CBL-Mariner, its name before version 3.0.
//
// https://github.com/microsoft/AzureLinuxVulnerabilityData has an OVAL document
// for each release. A definition is about one source package and one CVE. A
// document is read whole. Documents of previews are not read, because the
// releases replaced them.
package azurelinux

import (
	"context"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/oval"
)

// Directory holds the documents.
const Directory = "https://raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/"

// releases lists the documents; their streams belong to one family.
var releases = []struct {
	document string
	stream   assay.Stream
}{
	{"cbl-mariner-1.0-oval.xml", "azurelinux:1.0"},
	{"cbl-mariner-2.0-oval.xml", "azurelinux:2.0"},
	{"azurelinux-3.0-oval.xml", "azurelinux:3.0"},
}

// Feed reads the documents. Packages are named by source.
//
// A patchable definition affects the versions below the fixed one; another
// affects the versions up to the newest. "Not Applicable" definitions ("This CVE
// either no longer is or was never applicable") are left out, because they do
// not state that a version is not affected. A test "greater than" begins the
// range.
type Feed struct{}

// Name is "azurelinux".
func (Feed) Name() string { return "azurelinux" }

// Streams is "azurelinux:*"; "azurelinux:2.0" is CBL-Mariner.
func (Feed) Streams() []assay.Stream { return []assay.Stream{"azurelinux:*"} }

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	for _, r := range releases {
		if wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(r.stream) }) {
			continue
		}
		if err := fetch(ctx, g, Directory+r.document, r.stream, s); err != nil {
			return err
		}
	}
	return nil
}

func fetch(ctx context.Context, g assay.Getter, url string, stream assay.Stream, s assay.Sink) error {
	return oval.Fetch(ctx, g, url, func(d *oval.Definition) error {
		a, why := advisory(d, stream)
		if why != "" {
			s.Skip(d.ID, why)
			return nil
		}
		return s.Advisory(a)
	})
}

// advisory converts a definition to an advisory; why is the reason if it cannot
// be used.
func advisory(d *oval.Definition, stream assay.Stream) (a assay.Advisory, why string) {
	m := &d.Metadata
	if m.Patchable == "Not Applicable" {
		return a, "not applicable"
	}
	i := slices.IndexFunc(m.References, func(r oval.Reference) bool { return cve.Valid(r.ID) })
	if i < 0 {
		return a, "no CVE"
	}
	if d.Missing() > 0 {
		return a, "missing test"
	}
	rows, ok := affected(d.Packages(), stream)
	if !ok {
		return a, "unsupported test"
	}
	date := cve.Time(m.AdvisoryDate)
	for i := range rows {
		if r := &rows[i]; r.Ranges[0].Fixed != "" {
			r.FixDate = date
		} else {
			r.Reason = "no patch"
		}
	}
	a = assay.Advisory{ID: m.References[i].ID, Feed: "azurelinux", URL: m.References[i].URL, Published: date, Affected: rows}
	a.Severity, _ = assay.ParseSeverity(m.Severity)
	return a, ""
}

// affected returns a row for each package; all tests of a package must hold.
func affected(packages []oval.Package, stream assay.Stream) (rows []assay.Affected, ok bool) {
	for _, p := range packages {
		v := strings.TrimPrefix(strings.ReplaceAll(p.EVR, " ", ""), "0:")
		if v == "" {
			return nil, false
		}
		for _, name := range p.Names {
			i := slices.IndexFunc(rows, func(r assay.Affected) bool { return r.Name == name })
			if i < 0 {
				i = len(rows)
				rows = append(rows, assay.Affected{Stream: stream, Name: name, Status: assay.StatusAffected, Ranges: []assay.Range{{}}})
			}
			switch r := &rows[i].Ranges[0]; p.Operation {
			case "less than":
				r.Fixed = v
			case "less than or equal":
				r.LastAffected = v
			case "greater than", "greater than or equal":
				r.Introduced = v
			default:
				return nil, false
			}
		}
	}
	for _, r := range rows {
		if r.Ranges[0].Fixed != "" && r.Ranges[0].LastAffected != "" {
			return nil, false
		}
	}
	return rows, len(rows) > 0
}

// Package photon reads Broadcom's data on vulnerabilities in Photon OS.
//
// https://packages.broadcom.com/photon/photon_cve_metadata/ has a JSON document
// for each branch, and a list of the branches. An entry is one CVE and one
// source package. The notices (PHSA) are in OVAL documents, one for each branch:
// https://packages.broadcom.com/photon/photon_oval_definitions/. They add
// identifiers and dates to the fixes, and may be missing.
package photon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/record/oval"
)

// The directories of the documents, and the list of branches.
const (
	Directory = "https://packages.broadcom.com/photon/photon_cve_metadata/"
	Branches  = Directory + "photon_versions.json"
	Notices   = "https://packages.broadcom.com/photon/photon_oval_definitions/"
)

const maxRecord = 1 << 20 // an entry has 200 bytes

// Feed reads the documents. Packages are named by source.
//
// "NA" as the affected and the fixed versions means that no version is affected,
// like the status "Not Affected". The score of an entry has no vector; its CVSS
// 3 rating is the severity.
type Feed struct{}

// Name is "photon".
func (Feed) Name() string { return "photon" }

// Streams is "photon:*": "photon:5.0".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"photon:*"} }

// branch is a release in the list.
var branch = regexp.MustCompile(`^\d+\.\d+$`)

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	var list struct {
		Branches []string `json:"branches"`
	}
	err := document.JSON(ctx, g, Branches, maxRecord, func(d *jsonstream.Decoder) (found bool, err error) {
		ok, err := d.Value(&list)
		return ok && len(list.Branches) > 0, err
	})
	if err != nil {
		return err
	}
	for _, b := range list.Branches {
		stream := assay.Stream("photon:" + b)
		switch {
		case !branch.MatchString(b):
			s.Skip(b, "unknown branch name")
		case wanted == nil || slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(stream) }):
			if err := fetch(ctx, g, b, stream, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func fetch(ctx context.Context, g assay.Getter, b string, stream assay.Stream, s assay.Sink) error {
	known, err := notices(ctx, g, b)
	if err != nil {
		return err
	}
	return document.JSON(ctx, g, Directory+"cve_data_photon"+b+".json", maxRecord, func(d *jsonstream.Decoder) (found bool, err error) {
		err = d.Array(func() error {
			var e entry
			ok, err := d.Value(&e)
			switch {
			case err != nil:
				return err
			case !ok:
				s.Skip(b, "malformed record")
				return nil
			}
			found = true
			return e.emit(stream, known, s)
		})
		return found, err
	})
}

// entry is a record of a CVE and a package in a branch's document.
type entry struct {
	ID       string  `json:"cve_id"`
	Package  string  `json:"pkg"`
	Score    float64 `json:"cve_score"`
	Affected string  `json:"aff_ver"` // "all versions before 1.2.8-5.ph1 are vulnerable", "NA"
	Fixed    string  `json:"res_ver"` // "1.2.8-5.ph1", "NA"
	Status   string  `json:"status"`  // "" in old documents
}

func (e *entry) emit(stream assay.Stream, known map[fix][]notice, s assay.Sink) error {
	a, why := e.advisory(stream)
	if why != "" {
		s.Skip(e.ID+" "+e.Package, why)
		return nil
	}
	p := &a.Affected[0]
	for _, n := range known[fix{e.ID, e.Package, p.Ranges[0].Fixed}] {
		a.VendorIDs = append(a.VendorIDs, n.id)
		if p.FixDate.IsZero() || n.issued.Before(p.FixDate) {
			p.FixDate = n.issued
		}
	}
	return s.Advisory(a)
}

const all = "all versions before "

// advisory converts an entry to an advisory; why is the reason if it cannot be
// used.
func (e *entry) advisory(stream assay.Stream) (a assay.Advisory, why string) {
	for _, v := range []*string{&e.Affected, &e.Fixed} {
		if *v = strings.TrimSpace(*v); strings.EqualFold(*v, "NA") {
			*v = ""
		}
	}
	p := assay.Affected{Stream: stream, Name: e.Package, Status: assay.StatusAffected, Reason: e.Status, Ranges: []assay.Range{{Fixed: e.Fixed}}}
	switch strings.ToLower(e.Status) {
	case "not affected":
		p.Status, p.Ranges[0].Fixed = assay.StatusNotAffected, ""
	case "under investigation":
		p.Status = assay.StatusUnderInvestigation
	case "will not fix", "won't fix":
		p.Status = assay.StatusWillNotFix
	case "", "fixed", "affected", "vulnerable", "open":
		switch {
		case e.Fixed != "":
			p.Reason = ""
		case e.Affected == "" && e.Status == "":
			p.Status, p.Reason = assay.StatusNotAffected, "NA"
		case e.Affected == "":
			return a, "no affected versions"
		case strings.HasPrefix(e.Affected, all): // no version with the fix either
			before, _, _ := strings.Cut(e.Affected[len(all):], " ")
			p.Ranges[0].Fixed = before
		case !strings.HasPrefix(e.Affected, "all versions"):
			return a, "affected versions only as text"
		}
	default:
		return a, "unknown status"
	}
	switch {
	case !cve.Valid(e.ID):
		return a, "no CVE"
	case e.Package == "":
		return a, "no package"
	}
	a = assay.Advisory{ID: e.ID, Feed: "photon", Severity: assay.CVSS{Version: "3.1", Score: e.Score}.Severity(), Affected: []assay.Affected{p}}
	return a, ""
}

// A fix is a fixed version in a notice, of a source package or of one of its
// binary packages, without a CVE.
type fix struct{ cve, name, version string }

type notice struct {
	id     string
	issued time.Time
}

// notices indexes the notices of a branch. There are none if their document is
// missing or has no definitions, because they only add to the entries.
func notices(ctx context.Context, g assay.Getter, b string) (map[fix][]notice, error) {
	major, _, _ := strings.Cut(b, ".")
	url := Notices + "com.vmware.phsa-photon" + major + ".xml.gz"
	known := map[fix][]notice{}
	add := func(d *oval.Definition) error {
		n := notice{id: identifier(d), issued: cve.Time(d.Metadata.Advisory.Issued.Date)}
		if n.id == "" {
			return nil
		}
		for _, p := range d.Packages() {
			for _, c := range d.Metadata.Advisory.CVEs {
				k := fix{c.ID, p.Names[0], strings.TrimPrefix(p.EVR, "0:")}
				if !slices.Contains(known[k], n) {
					known[k] = append(known[k], n)
				}
			}
		}
		return nil
	}
	err := document.Read(ctx, g, url, func(body io.Reader) error { return oval.Read(ctx, body, add) })
	if errors.Is(err, assay.ErrNotFound) {
		return nil, nil
	}
	return known, err
}

var reference = regexp.MustCompile(`^PHSA:\d+:(\d+\.\d+):(\d+)$`)

// identifier is the notice's name on Photon's pages, PHSA-2019-3.0-0036. It is
// built from the parts in the document: "PHSA:00001:3.0:0036" and the date of
// issue.
func identifier(d *oval.Definition) string {
	year, _, _ := strings.Cut(d.Metadata.Advisory.Issued.Date, "-")
	for _, r := range d.Metadata.References {
		if m := reference.FindStringSubmatch(r.ID); m != nil && len(year) == 4 {
			return fmt.Sprintf("PHSA-%s-%s-%04s", year, m[1], m[2])
		}
	}
	return ""
}

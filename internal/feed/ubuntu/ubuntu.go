// Package ubuntu reads Canonical's data on vulnerabilities in Ubuntu.
//
// All of it comes from the CVE tracker
// (https://git.launchpad.net/ubuntu-cve-tracker, format:
// https://git.launchpad.net/ubuntu-cve-tracker/tree/README). It has the security
// team's state of each source package in each release.
// https://security-metadata.canonical.com has documents derived from it: OSV
// records of the vulnerabilities and of the notices (USN), and OVAL documents
// for each release. The VEX documents are not read, because they name the newest
// version of a package, not the fixed one. Neither are the descriptions, which
// are NVD's.
//
// The rule for each release, vulnerability and source package:
//
//  1. The tracker decides on the releases and vulnerabilities that it has.
//  2. OSV's records of vulnerabilities decide on the rest. They have affected
//     and fixed versions, but no reason why a package is not affected.
//  3. For a release that is not in the tracker, its OVAL documents decide on
//     what OSV does not have.
//  4. The notices add identifiers and dates. If a notice has a fix where the
//     other documents have an open state or none, the fix counts.
//
// Each document may be missing, but not all.
package ubuntu

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// The documents. OVAL has one for each release, by code name.
const (
	Tracker = "https://git.launchpad.net/ubuntu-cve-tracker/snapshot/ubuntu-cve-tracker-master.tar.gz"
	OSV     = "https://security-metadata.canonical.com/osv/osv-all.tar.xz"
	OVAL    = "https://security-metadata.canonical.com/oval/"
)

const page = "https://ubuntu.com/security/"

// Feed reads the documents. Packages are named by source. A record is one
// release, one vulnerability and one package.
//
// Releases with long-term support have two streams. "ubuntu:22.04" has the fixes
// that everybody gets. "ubuntu-esm:22.04" is for machines with Expanded Security
// Maintenance (ESM, a part of Ubuntu Pro). It is complete, so such machines are
// judged by it alone: a fix for everybody counts there too, else ESM's row, else
// the plain row. Rows of packages for FIPS 140 are in both, with the Flavour
// "fips". Rows of other products (realtime kernels, robots, phones) are left
// out. The tracker calls the release under development "devel"; it is the
// release after the newest one that the tracker names.
type Feed struct{}

// Name is "ubuntu".
func (Feed) Name() string { return "ubuntu" }

// Streams is "ubuntu:*" and "ubuntu-esm:*".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"ubuntu:*", "ubuntu-esm:*"} }

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	r := &run{
		g: g, wanted: wanted, s: s, claims: newClaims(), sources: map[string]bool{}, sourceOf: map[string]string{},
		tracked: map[string]bool{}, releases: map[string]bool{}, inOSV: map[string]map[string]bool{},
	}
	found := false
	for _, read := range []func(context.Context) error{r.osvNotices, r.tracker, r.ovalNotices, r.osvVulnerabilities, r.ovalVulnerabilities} {
		switch err := read(ctx); {
		case err == nil:
			found = true
		case !errors.Is(err, assay.ErrNotFound):
			return err
		}
	}
	if !found {
		return fmt.Errorf("%s, OSV and OVAL: %w", Tracker, assay.ErrNotFound)
	}
	return r.rest()
}

// A run is one reading of the documents.
type run struct {
	g      assay.Getter
	wanted []assay.Stream
	s      assay.Sink
	claims *claims

	sources  map[string]bool            // source packages by binary package
	sourceOf map[string]string          // of binary packages
	here     map[string]string          // of binary packages, in the current release
	tracked  map[string]bool            // vulnerabilities that the tracker has
	releases map[string]bool            // releases that the tracker has
	heldRows []heldRow                  // rows of the release under development
	inOSV    map[string]map[string]bool // vulnerabilities in OSV, by release
}

// A pocket is an archive of a release's packages.
type pocket struct {
	release string // "22.04"
	esm     bool
	flavour string
}

// A say is a document's statement about a package in a pocket.
type statement struct {
	pocket
	status assay.Status
	fixed  string
	reason string
}

// A vulnerability is the data that are the same in all releases.
type vulnerability struct {
	id        string
	title     string
	severity  assay.Severity
	cvss      []assay.CVSS
	published time.Time
	notices   []string
}

func (r *run) wants(stream assay.Stream) bool {
	return r.wanted == nil || slices.ContainsFunc(r.wanted, func(w assay.Stream) bool { return w.Covers(stream) })
}

// wantsRelease reports whether any stream of a release is wanted.
func (r *run) wantsRelease(release string) bool {
	return r.wants(assay.Stream("ubuntu:"+release)) || r.wants(assay.Stream("ubuntu-esm:"+release))
}

// skip counts a record about a release that is wanted or unknown.
func (r *run) skip(release, id, name, why string) {
	if release == "" || r.wantsRelease(release) {
		r.s.Skip(id+" "+name+" "+release, why)
	}
}

// longTerm matches the number of a release with long-term support and ESM.
var longTerm = regexp.MustCompile(`^(?:1[2468]|[2-9][02468])\.04$`)

// emit hands over the statements about a package in one release.
func (r *run) emit(v *vulnerability, name, release string, statements []statement) error {
	known := r.claims.about(v.id, name, release)
	a := assay.Advisory{ID: v.id, Feed: "ubuntu", Title: v.title, Severity: v.severity, CVSS: v.cvss, Published: v.published, URL: page + v.id}
	if !cve.Valid(v.id) {
		a.URL = page + "notices/" + v.id
	}
	ids := slices.Clone(v.notices)
	for i := range known {
		known[i].used = true
		ids = append(ids, r.claims.notices[known[i].notice].id)
	}
	a.VendorIDs = slices.DeleteFunc(cve.Set(ids), func(id string) bool { return id == v.id })
	for _, row := range rows(release, statements) {
		row.Name = name
		r.applyNotices(&row, known)
		if r.wants(row.Stream) {
			a.Affected = append(a.Affected, row)
		}
	}
	if len(a.Affected) == 0 {
		return nil
	}
	return r.s.Advisory(a)
}

// rows decides the rows in the streams of a release.
func rows(release string, statements []statement) (out []assay.Affected) {
	plain, esm := assay.Stream("ubuntu:"+release), assay.Stream("ubuntu-esm:"+release)
	var of [2]*statement // for everybody, for ESM
	var flavoured []*statement
	for i := range statements {
		s := &statements[i]
		n := 0
		if s.esm {
			n = 1
		}
		switch {
		case s.flavour != "":
			flavoured = append(flavoured, s)
		case of[n] == nil, of[n].fixed == "" && s.fixed != "":
			of[n] = s
		}
	}
	if of[0] != nil {
		out = append(out, of[0].row(plain))
	}
	if of[1] == nil || of[0] != nil && of[0].fixed != "" && of[0].reason == "" {
		of[1] = of[0]
	}
	if of[1] != nil && longTerm.MatchString(release) {
		out = append(out, of[1].row(esm))
	}
	for _, s := range flavoured {
		out = append(out, s.row(plain), s.row(esm))
	}
	return out
}

func (s *statement) row(stream assay.Stream) assay.Affected {
	return assay.Affected{Stream: stream, Status: s.status, Reason: s.reason,
		Ranges: []assay.Range{{Fixed: s.fixed}}, Qualifiers: assay.Qualifiers{Flavour: s.flavour}}
}

// fix closes an open state with a notice's fix, and dates fixes.
func (r *run) applyNotices(row *assay.Affected, known []claim) {
	esm := row.Stream.Family() == "ubuntu-esm"
	fixed := &row.Ranges[0].Fixed
	best := r.claims.fix(known, row.Qualifiers.Flavour, false)
	if best == "" && esm {
		best = r.claims.fix(known, row.Qualifiers.Flavour, true)
	}
	if best != "" && row.Status != assay.StatusNotAffected && (*fixed == "" || row.Reason != "") {
		*fixed, row.Status, row.Reason = best, assay.StatusAffected, ""
	}
	if *fixed != "" {
		row.FixDate = r.claims.date(known, *fixed)
	}
}

// rest hands over the notices that belong to no record.
func (r *run) rest() error {
	return r.claims.unused(func(v *vulnerability, name, release string, known []claim) error {
		var statements []statement
		for _, c := range known {
			p := pocket{release, c.esm, r.claims.text(c.flavour)}
			if !slices.ContainsFunc(statements, func(s statement) bool { return s.pocket == p }) {
				statements = append(statements, statement{pocket: p, status: assay.StatusAffected, fixed: r.claims.fix(known, p.flavour, p.esm)})
			}
		}
		return r.emit(v, name, release, statements)
	})
}

// usn finds notices in URLs: "https://usn.ubuntu.com/usn/usn-4132-1",
// "https://ubuntu.com/security/notices/USN-4132-1",
// "https://usn.ubuntu.com/4132-1/".
var usn = regexp.MustCompile(`(?i)(?:/usn-|usn\.ubuntu\.com/)(\d+-\d+)\b`)

// notices lists the notices in URLs.
func notices(addresses string) (ids []string) {
	if !strings.Contains(addresses, "ubuntu.com") {
		return nil
	}
	for _, m := range usn.FindAllStringSubmatch(addresses, -1) {
		ids = append(ids, "USN-"+m[1])
	}
	return ids
}

// Package debian reads Debian's security tracker.
//
// https://security-tracker.debian.org/tracker/data/json has the state of each
// source package and vulnerability in each release.
// https://security-team.debian.org/security_tracker.html explains the states.
// The tracker covers the releases that Debian still builds. Older releases
// disappear from it; only the lists of notices, DSA and DLA, still cover them.
// The lists may be missing. But a list that was there before must still be there
// for whoever wants an older release.
//
// The lists of packages with limited security support
// (https://salsa.debian.org/debian/debian-security-support) are not read. They
// name no vulnerabilities, and the tracker itself marks packages whose support
// has ended for good.
package debian

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
)

// Document is the tracker's export.
const Document = "https://security-tracker.debian.org/tracker/data/json"

const page = "https://security-tracker.debian.org/tracker/"

// maxRecord bounds the record of one package and vulnerability; the largest has
// 10 kB (2026).
const maxRecord = 16 << 20

// Feed reads the tracker. A record is one source package, one vulnerability and
// one release; packages are named by source.
//
// For a release in the tracker the tracker decides. The notices about the same
// package and vulnerability are VendorIDs, and the date of the notice with the
// fixed version is the date of the fix. For other releases only the notices are
// known: versions below their fix are affected. A notice without a CVE is used
// under its own identifier if it calls itself a security update.
//
// An open vulnerability affects every version. A resolved one affects the
// versions below the fixed one, or none if that is "0". An undetermined one is
// kept with StatusUnknown, because it is unknown whether it affects anything.
type Feed struct{}

// Name is "debian".
func (Feed) Name() string { return "debian" }

// Streams is "debian:*": the numbers of the releases, and "sid".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"debian:*"} }

// entry is the tracker's record of a package and a vulnerability.
type entry struct {
	Description string                     `json:"description"`
	Releases    map[string]json.RawMessage `json:"releases"`
}

// state is the state in one release.
type state struct {
	Status       string  `json:"status"`
	FixedVersion string  `json:"fixed_version"`
	Urgency      string  `json:"urgency"`
	NoDSA        *string `json:"nodsa"`        // why there is no advisory, in prose
	NoDSAReason  *string `json:"nodsa_reason"` // "", "ignored", "postponed"
}

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	body, err := g.Get(ctx, Document)
	if err != nil {
		return err
	}
	defer body.Close()
	lists, err := readNotices(ctx, g, s)
	if err != nil {
		return err
	}
	known := map[string]bool{} // releases
	d := jsonstream.NewDecoder(ctx, body, maxRecord)
	err = d.Object(func(name string) error {
		return d.Object(func(id string) error {
			var e entry
			ok, err := d.Value(&e)
			switch {
			case err != nil:
				return err
			case !ok:
				s.Skip(name+" "+id, "malformed record")
				return nil
			case name == "" || id == "" || len(e.Releases) == 0:
				s.Skip(name+" "+id, "no package, identifier or release")
				return nil
			}
			return e.emit(name, id, lists, known, wanted, s)
		})
	})
	if err == nil {
		err = d.End()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", Document, err)
	}
	if err := lists.errorIfWanted(known, wanted); err != nil {
		return err
	}
	return lists.emit(known, wanted, s)
}

func (e *entry) emit(name, id string, lists *notices, known map[string]bool, wanted []assay.Stream, s assay.Sink) error {
	for _, codename := range slices.Sorted(maps.Keys(e.Releases)) {
		known[codename] = true
		number, ok := distro.DebianNumber(codename)
		if !ok {
			s.Skip(name+" "+id+" "+codename, "unknown release name")
			continue
		}
		stream := assay.Stream("debian:" + number)
		if wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(stream) }) {
			continue
		}
		a, why := affected(e.Releases[codename])
		if why != "" {
			s.Skip(name+" "+id+" "+codename, why)
			continue
		}
		a.Stream, a.Name = stream, name
		var ids []string
		ids, a.FixDate = lists.about(place{name, id, codename}, a.Ranges[0].Fixed)
		err := s.Advisory(assay.Advisory{
			ID: id, VendorIDs: ids, Feed: "debian", Text: e.Description, URL: page + id, Affected: []assay.Affected{a},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// affected converts the state in a release; why is the reason if it cannot be
// used.
func affected(raw json.RawMessage) (a assay.Affected, why string) {
	var st state
	if json.Unmarshal(raw, &st) != nil {
		return a, "malformed record"
	}
	a.Severity, _ = assay.ParseSeverity(strings.TrimRight(st.Urgency, "*")) // stars: the tracker's own guess
	a.Ranges = []assay.Range{{}}
	switch st.Status {
	case "resolved":
		switch st.FixedVersion {
		case "":
			return a, "resolved without a version"
		case "0":
			a.Status = assay.StatusNotAffected
		default:
			a.Status, a.Ranges[0].Fixed = assay.StatusAffected, st.FixedVersion
		}
	case "undetermined":
		a.Status, a.Reason = assay.StatusUnknown, "undetermined"
	case "open":
		a.Status, a.Reason = st.readOpenState()
	default:
		return a, "unknown status"
	}
	return a, ""
}

// readOpenState reads Debian's plan for an open vulnerability.
func (st *state) readOpenState() (assay.Status, string) {
	switch {
	case st.Urgency == "end-of-life":
		return assay.StatusEndOfLife, "end-of-life"
	case st.NoDSAReason != nil && *st.NoDSAReason == "ignored":
		return assay.StatusWillNotFix, "ignored"
	case st.NoDSAReason != nil && *st.NoDSAReason == "postponed":
		return assay.StatusFixDeferred, "postponed"
	case st.NoDSAReason != nil || st.NoDSA != nil:
		return assay.StatusAffected, "no-dsa"
	}
	return assay.StatusAffected, "open"
}

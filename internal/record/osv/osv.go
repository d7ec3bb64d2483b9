// Package osv reads records of the Open Source Vulnerability format.
//
// Specification: https://ossf.github.io/osv-schema/ (1.7). Extensions of
// databases are read if they describe what is affected or how badly. Each
// database defines their shape, so an unexpected shape counts as missing. GIT
// ranges and credits are not read.
package osv

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// A Record is one vulnerability as its database describes it.
type Record struct {
	ID         string      `json:"id"`
	Summary    string      `json:"summary"`
	Details    string      `json:"details"`
	Aliases    []string    `json:"aliases"`
	Related    []string    `json:"related"`
	Upstream   []string    `json:"upstream"`
	Published  Time        `json:"published"`
	Modified   Time        `json:"modified"`
	Withdrawn  Time        `json:"withdrawn"`
	Severity   []Severity  `json:"severity"`
	References []Reference `json:"references"`
	Affected   []Affected  `json:"affected"`
	Database   Database    `json:"database_specific"`
}

// Database is the extension of the record's own database.
type Database struct {
	Severity Word  `json:"severity"`      // GitHub, Bitnami: "MODERATE"
	CWEs     Words `json:"cwe_ids"`       // GitHub
	Review   Word  `json:"review_status"` // Go: "REVIEWED", "UNREVIEWED"
}

// UnmarshalJSON accepts any value.
func (d *Database) UnmarshalJSON(b []byte) error {
	type plain Database
	var p plain
	if json.Unmarshal(b, &p) == nil {
		*d = Database(p)
	}
	return nil
}

// Reference is a page about the record.
type Reference struct {
	Type string `json:"type"`
	URL  string `json:"url"`
}

// Severity is a rating. Type is a version of CVSS and Score its vector, or Type
// is the name of a publisher and Score the publisher's severity.
type Severity struct {
	Type  string `json:"type"`
	Score Word   `json:"score"`
}

// Affected is the record's data on one package. If a package appears several
// times, all entries apply.
type Affected struct {
	Package struct {
		Ecosystem string `json:"ecosystem"`
		Name      string `json:"name"`
		PURL      string `json:"purl"`
	} `json:"package"`
	Ranges   []Range    `json:"ranges"`
	Versions []string   `json:"versions"`
	Severity []Severity `json:"severity"`
	Extra    Extra      `json:"database_specific"`
	Parts    Parts      `json:"ecosystem_specific"`
}

// Extra is the database's extension of a package.
type Extra struct {
	LastKnown     Word  `json:"last_known_affected_version_range"` // GitHub: "<= 1.2"
	Informational Word  `json:"informational"`                     // RustSec: "unmaintained"
	Categories    Words `json:"categories"`                        // RustSec: "malicious"
	CVSS          Word  `json:"cvss"`                              // RustSec: a vector
}

// UnmarshalJSON accepts any value.
func (e *Extra) UnmarshalJSON(b []byte) error {
	type plain Extra
	var p plain
	if json.Unmarshal(b, &p) == nil {
		*e = Extra(p)
	}
	return nil
}

// Parts is the ecosystem's extension of a package: the vulnerable parts, and the
// systems.
type Parts struct {
	Imports  []Import `json:"imports"`       // Go
	Custom   []Range  `json:"custom_ranges"` // Go: versions that do not belong to the module
	Severity Word     `json:"severity"`
	Affects  struct { // RustSec
		Arches    []string `json:"arch"`
		OS        []string `json:"os"`
		Functions []string `json:"functions"`
	} `json:"affects"`
}

// UnmarshalJSON accepts any value.
func (e *Parts) UnmarshalJSON(b []byte) error {
	type plain Parts
	var p plain
	if json.Unmarshal(b, &p) == nil {
		*e = Parts(p)
	}
	return nil
}

// Import is a Go package. No symbols, systems or architectures means all.
type Import struct {
	Path    string   `json:"path"`
	Symbols []string `json:"symbols"`
	OS      []string `json:"goos"`
	Arches  []string `json:"goarch"`
}

// Range is a list of events in the order of versions.
type Range struct {
	Type   string  `json:"type"` // SEMVER, ECOSYSTEM or GIT
	Events []Event `json:"events"`
}

// Event is a change of state; one of the fields is set. LastAffected is
// inclusive. Introduced "0" is the beginning.
type Event struct {
	Introduced   string `json:"introduced"`
	Fixed        string `json:"fixed"`
	LastAffected string `json:"last_affected"`
}

// Parse reads one record. A record without an identifier is ErrMalformed.
func Parse(b []byte) (*Record, error) {
	r := new(Record)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	if r.ID == "" {
		return nil, fmt.Errorf("no id: %w", assay.ErrMalformed)
	}
	return r, nil
}

// Ecosystem separates an ecosystem from its suffix: "Debian:12" is "Debian",
// "12"; "Ubuntu:22.04:LTS" is "Ubuntu", "22.04:LTS".
func Ecosystem(s string) (name, suffix string) {
	name, suffix, _ = strings.Cut(s, ":")
	return name, suffix
}

// Intervals returns the versions in the ranges; GIT ranges are left out. Compare
// orders the ecosystem's versions. It may be nil if every range has at most one
// beginning and one end. On its error the events of that range keep their order.
func (a *Affected) Intervals(compare func(x, y string) (int, error)) []assay.Range {
	var out []assay.Range
	for _, r := range a.Ranges {
		if r.Type != "GIT" {
			out = append(out, r.intervals(compare)...)
		}
	}
	return out
}

// intervals follows the specification's evaluation: along the sorted events, the
// state is affected from an introduced to the next fixed or last_affected. At
// one version, fixed comes before introduced, and last_affected after it. But if
// nothing was affected before, introduced and fixed at one version are an empty
// interval, as RustSec writes (RUSTSEC-2022-0012, August 2026).
func (r Range) intervals(compare func(x, y string) (int, error)) []assay.Range {
	events := slices.Clone(r.Events)
	same := func(x, y string) bool { return x == y }
	if compare != nil {
		sortEvents(events, compare)
		same = func(x, y string) bool {
			if x == "" || y == "" || x == y {
				return x == y
			}
			c, err := compare(x, y)
			return err == nil && c == 0
		}
	}
	var out []assay.Range
	open, fixed := false, ""
	for _, e := range events {
		switch {
		case e.Introduced != "" && same(e.Introduced, fixed): // empty
		case e.Introduced != "" && !open:
			open = true
			out = append(out, assay.Range{Introduced: beginning(e.Introduced)})
		case e.Introduced != "": // affected already
		case (e.Fixed != "" || e.LastAffected != "") && open:
			open = false
			last := &out[len(out)-1]
			if last.Fixed, last.LastAffected = e.Fixed, e.LastAffected; e.Fixed != "" && same(e.Fixed, last.Introduced) {
				out = out[:len(out)-1]
			}
		case e.Fixed != "":
			fixed = e.Fixed
		}
	}
	return out
}

func beginning(v string) string {
	if v == "0" {
		return ""
	}
	return v
}

func sortEvents(events []Event, compare func(x, y string) (int, error)) {
	var bad error
	sorted := slices.Clone(events)
	slices.SortStableFunc(sorted, func(a, b Event) int {
		va, ra := a.key()
		vb, rb := b.key()
		if va == "0" || vb == "0" { // the beginning, in any order
			if va == vb {
				return ra - rb
			}
			return map[bool]int{true: -1, false: 1}[va == "0"]
		}
		c, err := compare(va, vb)
		if err != nil {
			bad = err
		}
		if c == 0 {
			return ra - rb
		}
		return c
	})
	if bad == nil {
		copy(events, sorted)
	}
}

func (e Event) key() (version string, rank int) {
	switch {
	case e.Fixed != "":
		return e.Fixed, 0
	case e.Introduced != "":
		return e.Introduced, 1
	}
	return e.LastAffected, 2
}

// A Time is a date; zero if the record has no valid one.
type Time struct{ time.Time }

// UnmarshalJSON takes RFC 3339 with and without fraction or zone.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		t.Time = cve.Time(s)
	}
	return nil
}

// A Word is a string; "" if the record has another type in its place, as
// database_specific may.
type Word string

// UnmarshalJSON accepts any value.
func (w *Word) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*w = Word(s)
	}
	return nil
}

// Words is a list of strings; empty if the record has another type.
type Words []string

// UnmarshalJSON accepts any value.
func (w *Words) UnmarshalJSON(b []byte) error {
	var s []string
	if json.Unmarshal(b, &s) == nil {
		*w = s
	}
	return nil
}

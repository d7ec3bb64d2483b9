package assay

import (
	"encoding/json"
	"slices"
	"time"
)

// A Finding is a vulnerability of a package of the image.
type Finding struct {
	ID             string    `json:"id"` // of the vulnerability, a CVE where there is one
	Aliases        []string  `json:"aliases,omitempty"`
	VendorIDs      []string  `json:"vendorIDs,omitempty"`
	Package        int       `json:"package"`           // index in Report.Packages
	FixedIn        string    `json:"fixedIn,omitempty"` // "" when there is no fix
	Fixes          []string  `json:"fixes,omitempty"`   // FixedIn and the fixes on other branches, as versions go
	FixDate        time.Time `json:"fixDate,omitzero"`  // when FixedIn was published; zero when that is not known
	Status         Status    `json:"status"`
	Severity       Severity  `json:"severity"`
	SeveritySource string    `json:"severitySource,omitempty"` // who says so: "debian", "nvd"
	Stream         Stream    `json:"stream"`                   // of the advisory that decided
	Feed           string    `json:"feed"`                     // that published it
	Publisher      string    `json:"publisher,omitempty"`      // whose it is, where the feed gathers others': "ghsa"
	Risk           float64   `json:"risk"`                     // 0 to 100, see docs/risk.md
	URL            string    `json:"url,omitempty"`            // the page to read first
	Because        string    `json:"because"`                  // stream, rule and versions that decided, in words a person can check
	Detail         Detail    `json:"detail,omitzero"`
}

// Suppressed is a finding that was taken out of the others, and why.
type Suppressed struct {
	Finding
	Suppression
}

// A Suppression says that a finding does not count, and who says so.
type Suppression struct {
	As     Status `json:"as"`     // what holds instead: StatusNotAffected, StatusFixed, StatusIgnored; StatusUnderInvestigation where the publisher has not decided
	By     string `json:"by"`     // who says so: SuppressedByMatch, or the file or document and the place in it: ".assayignore:3"
	Reason string `json:"reason"` // in words; "" where nobody gave one
}

// SuppressedByMatch is who took a finding out because the package has not what is
// at fault.
const SuppressedByMatch = "assay"

// A Gap is something that could not be read, compared or looked up, so that
// the report may be incomplete. Gaps are never dropped.
type Gap struct {
	Where string `json:"where"` // layer and path, package, stream or feed
	What  string `json:"what"`  // what happened and what it means
}

func (g Gap) String() string { return g.Where + ": " + g.What }

// An Inventory is what is installed in an image.
type Inventory struct {
	Release  Release
	Packages []Package // by type, name, version, architecture
	Gaps     []Gap
	SBOM     string // form of the bill of materials that tells of it; "" where it was found in files

	DevLeftOut int // packages that the bill leaves out, for only development needs them

	Sections Sections `wire:"-"` // other kinds of results that were asked for; nil when none was
}

// A Report is the result of a scan. Its JSON form is the native report.
type Report struct {
	Schema     int          `json:"schema"` // ReportSchema
	Tool       Tool         `json:"tool"`
	Created    time.Time    `json:"created"`
	AsOf       time.Time    `json:"asOf,omitzero"` // the time that it speaks of, where that is an earlier one
	Kind       TargetKind   `json:"kind"`
	Image      ImageInfo    `json:"image"`
	Release    Release      `json:"release"`
	Packages   []Package    `json:"packages"`
	Findings   []Finding    `json:"findings"`             // worst first, then by package
	Suppressed []Suppressed `json:"suppressed,omitempty"` // what advisories hold, and somebody ruled out
	LeftOut    int          `json:"leftOut,omitempty"`    // findings that the user asked not to see
	DevLeftOut int          `json:"devLeftOut,omitempty"` // packages that only development needs, and that the user did not ask for
	Sections   Sections     `json:"sections,omitempty"`   // other kinds of results, by the name of their SectionKind
	Gaps       []Gap        `json:"gaps,omitempty"`
	Database   Database     `json:"database,omitzero"`
}

// ReportSchema is the version of the native report; it grows when a reader of
// the old form would misunderstand the new one.
const ReportSchema = 1

// Tool says which program made a report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// ImageInfo is what a report keeps of the image.
type ImageInfo struct {
	Name        string          `json:"name"`
	Source      string          `json:"source"`
	ID          string          `json:"id,omitempty"`
	Digest      string          `json:"digest,omitempty"`
	Indexes     []string        `json:"indexes,omitempty"` // digests of the indexes that list the manifest, where RepoDigests does not have them
	RepoTags    []string        `json:"repoTags,omitempty"`
	RepoDigests []string        `json:"repoDigests,omitempty"`
	Platform    Platform        `json:"platform"`
	Created     time.Time       `json:"created,omitzero"`
	Size        int64           `json:"size,omitempty"` // of the layers as stored, in bytes
	Layers      []LayerInfo     `json:"layers,omitempty"`
	Config      json.RawMessage `json:"config,omitempty"`
	Repository  RepositoryInfo  `json:"repository,omitzero"` // of a repository of source code
	SBOM        string          `json:"sbom,omitempty"`      // form of a bill of materials: "cyclonedx", "spdx", "syft", "list"
	Base        *BaseImage      `json:"base,omitempty"`      // nil where it is not known
}

// BaseImage is the image on which another was built.
type BaseImage struct {
	Name   string `json:"name,omitempty"`
	Digest string `json:"digest,omitempty"` // of its manifest
	Layers int    `json:"layers"`           // how many of the image's lowest layers are its
	By     string `json:"by"`               // how that is known, in words
}

// At is the time that the report speaks of.
func (r *Report) At() time.Time {
	if r.AsOf.IsZero() {
		return r.Created
	}
	return r.AsOf
}

// Gating counts the items of further kinds of results that count for the exit code.
func (r *Report) Gating() (n int) {
	for _, s := range r.Sections {
		n += s.Gating()
	}
	return n
}

// EndOfLife reports whether the release, or a runtime among the packages, is out
// of support at the time that the report speaks of.
func (r *Report) EndOfLife() bool {
	return r.Release.EndOfLife(r.At()) || slices.ContainsFunc(r.Packages, func(p Package) bool { return ended(p.EOL, r.At()) })
}

// FromBase reports whether a package lies in a layer of the base image.
func (r *Report) FromBase(p *Package) bool {
	return r.Image.Base != nil && p.Layer.Index < r.Image.Base.Layers
}

// RepositoryInfo says which state of a repository was scanned.
type RepositoryInfo struct {
	URL       string   `json:"url,omitempty"`
	Branch    string   `json:"branch,omitempty"`
	Tags      []string `json:"tags,omitempty"`
	Commit    string   `json:"commit,omitempty"`
	Message   string   `json:"message,omitempty"`
	Author    string   `json:"author,omitempty"` // "name <address>"
	Committer string   `json:"committer,omitempty"`
}

// LayerInfo is what a report keeps of a layer.
type LayerInfo struct {
	DiffID    string `json:"diffID"`
	Digest    string `json:"digest,omitempty"`
	Size      int64  `json:"size,omitempty"`
	CreatedBy string `json:"createdBy,omitempty"`
}

// Database says which advisories a report rests on.
type Database struct {
	Digest string    `json:"digest,omitempty"` // of the index
	Built  time.Time `json:"built,omitzero"`   // when the oldest shard in use was built
	Shards []Shard   `json:"shards,omitempty"` // those that were asked
}

// A Shard is the part of the database that holds one stream.
type Shard struct {
	Stream  Stream       `json:"stream"`
	Digest  string       `json:"digest"`  // SHA-256 of the file, "sha256:…"
	Size    int64        `json:"size"`    // bytes
	Records int          `json:"records"` // advisories or details
	Built   time.Time    `json:"built"`
	Feeds   []FeedStatus `json:"feeds,omitempty"` // what it was built from
}

// FeedStatus is what a feed gave to a build.
type FeedStatus struct {
	Feed    string         `json:"feed"`
	Fetched time.Time      `json:"fetched"`           // when its publisher was last asked
	Read    int            `json:"read"`              // records in its documents
	Kept    int            `json:"kept"`              // of them in the database
	Skipped map[string]int `json:"skipped,omitempty"` // why the others are not
	Error   string         `json:"error,omitempty"`   // why the last attempt did not succeed; the data is older then
}

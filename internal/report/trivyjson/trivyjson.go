// Package trivyjson writes a report with the field names and the nesting of Trivy's
// JSON report, schema version 2, for programs that read Trivy's reports. It leaves out
// identifiers that Trivy derives from its own data structures (UID).
//
// Format: https://trivy.dev/latest/docs/configuration/reporting/#json
package trivyjson

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonwriter"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// Format is the report in Trivy's form, which has no field for gaps.
var Format = assay.Format{Name: "trivy-json", About: "JSON with Trivy's field names, for programs that read Trivy's reports", NoGaps: true, Write: write}

type report struct {
	SchemaVersion int
	CreatedAt     time.Time
	ArtifactID    string `json:",omitempty"`
	ArtifactName  string
	ArtifactType  string
	Metadata      metadata
	Results       []result `json:",omitempty"`
}

type metadata struct {
	Size        int64           `json:",omitempty"`
	OS          *operatingSys   `json:",omitempty"`
	ImageID     string          `json:",omitempty"`
	DiffIDs     []string        `json:",omitempty"`
	RepoTags    []string        `json:",omitempty"`
	RepoDigests []string        `json:",omitempty"`
	Reference   string          `json:",omitempty"`
	ImageConfig json.RawMessage `json:",omitempty"`
	Layers      []layer         `json:",omitempty"`
	RepoURL     string          `json:",omitempty"`
	Branch      string          `json:",omitempty"`
	Tags        []string        `json:",omitempty"`
	Commit      string          `json:",omitempty"`
	CommitMsg   string          `json:",omitempty"`
	Author      string          `json:",omitempty"`
	Committer   string          `json:",omitempty"`
}

type operatingSys struct {
	Family string
	Name   string
	EOSL   bool `json:",omitempty"` // out of support
}

type layer struct {
	Size      int64  `json:",omitempty"`
	Digest    string `json:",omitempty"`
	DiffID    string `json:",omitempty"`
	CreatedBy string `json:",omitempty"`
}

type result struct {
	Target          string
	Class           string
	Type            string
	Packages        []pkg           `json:",omitempty"`
	Vulnerabilities []vulnerability `json:",omitempty"`
	Modified        []modified      `json:"ExperimentalModifiedFindings,omitempty"`
}

// modified is a suppressed finding.
type modified struct {
	Type      string
	Status    string
	Statement string
	Source    string
	Finding   vulnerability
}

type identifier struct {
	PURL string `json:",omitempty"`
}

type pkg struct {
	ID              string     `json:",omitempty"`
	Name            string     `json:",omitempty"`
	Identifier      identifier `json:",omitzero"`
	Version         string     `json:",omitempty"`
	Release         string     `json:",omitempty"`
	Epoch           int        `json:",omitempty"`
	Arch            string     `json:",omitempty"`
	SrcName         string     `json:",omitempty"`
	SrcVersion      string     `json:",omitempty"`
	SrcRelease      string     `json:",omitempty"`
	SrcEpoch        int        `json:",omitempty"`
	Licenses        []string   `json:",omitempty"`
	Maintainer      string     `json:",omitempty"`
	Modularitylabel string     `json:",omitempty"`
	Dev             bool       `json:",omitempty"`
	Indirect        bool       `json:",omitempty"`
	Relationship    string     `json:",omitempty"`
	DependsOn       []string   `json:",omitempty"`
	Layer           layer      `json:",omitzero"`
	FilePath        string     `json:",omitempty"`
	Locations       []lines    `json:",omitempty"`
	AnalyzedBy      string     `json:",omitempty"`
}

type vulnerability struct {
	VulnerabilityID  string
	VendorIDs        []string    `json:",omitempty"`
	PkgID            string      `json:",omitempty"`
	PkgName          string      `json:",omitempty"`
	PkgPath          string      `json:",omitempty"`
	PkgIdentifier    identifier  `json:",omitzero"`
	InstalledVersion string      `json:",omitempty"`
	FixedVersion     string      `json:",omitempty"`
	Status           string      `json:",omitempty"`
	Layer            layer       `json:",omitzero"`
	SeveritySource   string      `json:",omitempty"`
	PrimaryURL       string      `json:",omitempty"`
	DataSource       *dataSource `json:",omitempty"`
	Fingerprint      string      `json:",omitempty"`
	Vulnerability
}

// Vulnerability contains what is known of a vulnerability, whatever it affects.
// Templates use the name.
type Vulnerability struct {
	Title            string            `json:",omitempty"`
	Description      string            `json:",omitempty"`
	Severity         string            `json:",omitempty"`
	CweIDs           []string          `json:",omitempty"`
	VendorSeverity   map[string]int    `json:",omitempty"`
	CVSS             map[string]scores `json:",omitempty"`
	References       []string          `json:",omitempty"`
	PublishedDate    *time.Time        `json:",omitempty"`
	LastModifiedDate *time.Time        `json:",omitempty"`
}

type dataSource struct{ ID, Name, URL string }

type scores struct {
	V2Vector  string  `json:",omitempty"`
	V3Vector  string  `json:",omitempty"`
	V40Vector string  `json:",omitempty"`
	V2Score   float64 `json:",omitempty"`
	V3Score   float64 `json:",omitempty"`
	V40Score  float64 `json:",omitempty"`
}

// families returns Trivy's name of a distribution where it differs from os-release's.
var families = map[string]string{
	"almalinux": "alma", "rhel": "redhat", "ol": "oracle", "amzn": "amazon", "mariner": "cbl-mariner",
}

// sources returns Trivy's names of publishers.
var sources = map[string]dataSource{
	"debian":     {"debian", "Debian Security Tracker", "https://salsa.debian.org/security-tracker-team/security-tracker"},
	"alpine":     {"alpine", "Alpine Secdb", "https://secdb.alpinelinux.org/"},
	"wolfi":      {"wolfi", "Wolfi Secdb", "https://packages.wolfi.dev/os/security.json"},
	"chainguard": {"chainguard", "Chainguard Security Data", "https://packages.cgr.dev/chainguard/security.json"},
	"almalinux":  {"alma", "AlmaLinux Product Errata", "https://errata.almalinux.org/"},
}

func write(w io.Writer, r *assay.Report, _ assay.FormatOptions) error {
	return printable.Write(w, printable.EscapeJSON, func(w io.Writer) error {
		return jsonwriter.Write(w, convert(r), "  ")
	})
}

func convert(r *assay.Report) report {
	family := r.Release.ID
	if f, ok := families[family]; ok {
		family = f
	}
	out := report{SchemaVersion: 2, CreatedAt: r.Created, ArtifactID: r.Image.ID, ArtifactName: r.Image.Name, ArtifactType: artifactType(r), Metadata: metadataOf(r)}
	if family != "" {
		out.Metadata.OS = &operatingSys{Family: family, Name: r.Release.Version, EOSL: r.Release.EndOfLife(r.At())}
		out.Results = append(out.Results, system(r, family, out.ArtifactID))
	}
	out.Results = append(out.Results, languageResults(r, out.ArtifactID)...)
	return out
}

// artifactType is Trivy's name for the kind of target; for SBOMs their format.
func artifactType(r *assay.Report) string {
	if r.Kind == assay.KindSBOM {
		return cmp.Or(r.Image.SBOM, "sbom")
	}
	return string(cmp.Or(r.Kind, assay.KindImage))
}

func metadataOf(r *assay.Report) metadata {
	repo := &r.Image.Repository
	m := metadata{Size: r.Image.Size, ImageID: r.Image.ID, RepoTags: r.Image.RepoTags, RepoDigests: r.Image.RepoDigests, ImageConfig: r.Image.Config,
		RepoURL: repo.URL, Branch: repo.Branch, Tags: repo.Tags, Commit: repo.Commit, CommitMsg: repo.Message, Author: repo.Author, Committer: repo.Committer}
	if len(r.Image.RepoTags) > 0 {
		m.Reference = r.Image.RepoTags[0]
	}
	for _, l := range r.Image.Layers {
		m.DiffIDs = append(m.DiffIDs, l.DiffID)
		m.Layers = append(m.Layers, layer{l.Size, l.Digest, l.DiffID, l.CreatedBy})
	}
	return m
}

// system returns the result for the OS packages.
func system(r *assay.Report, family, artifact string) result {
	res := result{Target: fmt.Sprintf("%s (%s %s)", r.Image.Name, family, r.Release.Version), Class: "os-pkgs", Type: family}
	for i := range r.Packages {
		if p := &r.Packages[i]; p.IsSystem() {
			res.Packages = append(res.Packages, convertPackage(p))
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if p := &r.Packages[f.Package]; p.IsSystem() {
			v := convertFinding(f, p)
			v.Fingerprint = fingerprint(artifact, res.Target, &v)
			res.Vulnerabilities = append(res.Vulnerabilities, v)
		}
	}
	sortVulnerabilities(res.Vulnerabilities)
	for i := range r.Suppressed {
		s := &r.Suppressed[i]
		if p := &r.Packages[s.Package]; p.IsSystem() {
			v := convertFinding(&s.Finding, p)
			v.Fingerprint = fingerprint(artifact, res.Target, &v)
			res.Modified = append(res.Modified, suppressed(s, v))
		}
	}
	return res
}

func suppressed(s *assay.Suppressed, v vulnerability) modified {
	return modified{Type: "vulnerability", Status: string(s.As), Statement: s.Reason, Source: s.By, Finding: v}
}

// Finding returns a finding and its class in Trivy's form, for policies written for
// Trivy.
func Finding(r *assay.Report, f *assay.Finding) any {
	p := &r.Packages[f.Package]
	v := convertFinding(f, p)
	if !p.IsSystem() {
		v = kindOf(p).finding(f, p)
	}
	return struct {
		vulnerability
		Type string
	}{v, "vulnerability"}
}

func fingerprint(artifact, target string, v *vulnerability) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{artifact, target, v.PkgID, v.VulnerabilityID}, ":")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func sortVulnerabilities(all []vulnerability) {
	slices.SortStableFunc(all, func(a, b vulnerability) int {
		return cmp.Or(strings.Compare(a.PkgName, b.PkgName), strings.Compare(a.PkgID, b.PkgID), strings.Compare(a.VulnerabilityID, b.VulnerabilityID), strings.Compare(a.PkgPath, b.PkgPath))
	})
}

// lines are those of a file that list a package, from 1.
type lines struct{ StartLine, EndLine int }

func layerOf(p *assay.Package) layer {
	return layer{Digest: p.Layer.Digest, DiffID: p.Layer.DiffID, CreatedBy: p.Layer.CreatedBy}
}

func id(p *assay.Package) string {
	v := p.Version
	if p.Type == assay.TypeRPM {
		if _, rest, ok := strings.Cut(v, ":"); ok {
			v = rest
		}
		return p.Name + "@" + v + "." + p.Arch
	}
	return p.Name + "@" + v
}

func convertPackage(p *assay.Package) pkg {
	out := pkg{ID: id(p), Name: p.Name, Identifier: identifier{p.PURL}, Arch: p.Arch, SrcName: p.SourceName(), Licenses: p.Licences,
		Maintainer: p.Vendor, Modularitylabel: p.Module, DependsOn: p.DependsOn, Layer: layerOf(p), FilePath: p.Path}
	if p.Line > 0 {
		out.Locations = []lines{{p.Line, p.Line}}
	}
	if p.Type == assay.TypeApk || p.Type == assay.TypeAlpm {
		out.Version, out.SrcVersion = p.Version, p.SourceVer()
		return out
	}
	out.Epoch, out.Version, out.Release = evr(p.Version)
	out.SrcEpoch, out.SrcVersion, out.SrcRelease = evr(p.SourceVer())
	return out
}

// evr cuts [epoch:]version[-release].
func evr(s string) (epoch int, version, release string) {
	if e, rest, ok := strings.Cut(s, ":"); ok {
		if _, err := fmt.Sscanf(e, "%d", &epoch); err == nil {
			s = rest
		}
	}
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		return epoch, s[:i], s[i+1:]
	}
	return epoch, s, ""
}

func convertFinding(f *assay.Finding, p *assay.Package) vulnerability {
	v := vulnerability{VulnerabilityID: f.ID, VendorIDs: f.VendorIDs, PkgID: id(p), PkgName: p.Name, PkgIdentifier: identifier{p.PURL},
		InstalledVersion: noEpoch(p, p.Version), FixedVersion: noEpoch(p, f.FixedIn), Status: string(f.Status), Layer: layerOf(p), SeveritySource: sourceID(f.SeveritySource),
		PrimaryURL: f.URL, Vulnerability: Vulnerability{Title: f.Detail.Title, Description: f.Detail.Text, Severity: severityName(f.Severity), CweIDs: f.Detail.CWEs,
			References: f.Detail.References, PublishedDate: date(f.Detail.Published), LastModifiedDate: date(f.Detail.Modified)}}
	if s, ok := sources[f.Feed]; ok {
		v.DataSource = &s
	}
	v.VendorSeverity = vendorSeverity(f)
	for _, c := range f.Detail.CVSS {
		if v.CVSS == nil {
			v.CVSS = map[string]scores{}
		}
		source := sourceID(c.Source)
		s := v.CVSS[source]
		switch c.Version {
		case "2.0":
			s.V2Vector, s.V2Score = c.Vector, c.Score
		case "4.0":
			s.V40Vector, s.V40Score = c.Vector, c.Score
		default:
			if s.V3Score == 0 || c.Vector > s.V3Vector { // 3.1 rather than 3.0
				s.V3Vector, s.V3Score = c.Vector, c.Score
			}
		}
		v.CVSS[source] = s
	}
	return v
}

// noEpoch is the version of an rpm package as Trivy writes it: an epoch of 0 is left out.
func noEpoch(p *assay.Package, version string) string {
	if p.Type != assay.TypeRPM {
		return version
	}
	return strings.TrimPrefix(version, "0:")
}

// vendorSeverity is the severity by source: that of the finding's source, then the
// sources' own words, then the highest of their scores.
func vendorSeverity(f *assay.Finding) map[string]int {
	out, scored := map[string]int{}, map[string]int{}
	if f.Severity != assay.SeverityUnknown {
		out[sourceID(f.SeveritySource)] = severityNumber(f.Severity)
	}
	for _, r := range f.Detail.Ratings {
		if _, ok := out[sourceID(r.Source)]; !ok && r.Severity != assay.SeverityUnknown {
			out[sourceID(r.Source)] = severityNumber(r.Severity)
		}
	}
	for _, c := range f.Detail.CVSS {
		scored[sourceID(c.Source)] = max(scored[sourceID(c.Source)], severityNumber(c.Severity()))
	}
	for source, n := range scored {
		if _, ok := out[source]; !ok && n > 0 {
			out[source] = n
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// trivyNames are Trivy's names of sources, where they differ from ours.
// https://github.com/aquasecurity/trivy-db/blob/main/pkg/vulnsrc/vulnerability/const.go
var trivyNames = map[string]string{
	"almalinux": "alma", "arch": "arch-linux", "azurelinux": "azure", "oracle": "oracle-oval", "suse": "suse-cvrf", "rubysec": "ruby-advisory-db", "phpsec": "php-security-advisories",
	"nodecore": "nodejs-security-wg", "kubernetes": "k8s",
}

// sourceID returns Trivy's name of a source.
func sourceID(source string) string { return cmp.Or(trivyNames[source], source) }

// ourName returns our name of a source of Trivy's.
func ourName(source string) string {
	for ours, theirs := range trivyNames {
		if theirs == source {
			return ours
		}
	}
	return source
}

// severityName returns Trivy's name of a severity; Trivy has no "negligible".
func severityName(s assay.Severity) string {
	if s == assay.SeverityNegligible {
		s = assay.SeverityLow
	}
	return s.String()
}

// severityNumber returns Trivy's number of a severity: 0 unknown, 1 low, … 4 critical.
func severityNumber(s assay.Severity) int {
	switch s {
	case assay.SeverityUnknown:
		return 0
	case assay.SeverityNegligible:
		return 1
	}
	return int(s) - 1
}

func date(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

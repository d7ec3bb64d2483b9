// Package sarif writes a report as SARIF 2.1.0, which GitHub's code scanning and Azure
// DevOps read: one rule for each vulnerability, one result for each finding.
//
// Specification: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
// GitHub's subset:
// https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
package sarif

import (
	"cmp"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonwriter"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/report/internal/summary"
)

// Format is the report in SARIF.
var Format = assay.Format{Name: "sarif", About: "SARIF 2.1.0, for GitHub's code scanning and others", Options: assay.OptionSuppressed, Write: write}

const (
	informationURI = "https://github.com/assaysec/assay"
	// srcRoot is the base URI that viewers replace by the root of the source code.
	srcRoot = "%SRCROOT%"
)

func write(w io.Writer, r *assay.Report, o assay.FormatOptions) error {
	return printable.Write(w, printable.EscapeJSON, func(w io.Writer) error {
		return jsonwriter.Write(w, convert(r, o), "  ")
	})
}

func convert(r *assay.Report, o assay.FormatOptions) log {
	c := converter{r: r, rules: map[string]int{}, seen: map[string]int{}}
	suppressed := o.Suppressed && len(r.Suppressed) > 0
	c.run = run{
		Tool:        tool{driver{Name: cmp.Or(r.Tool.Name, "assay"), Version: number(r.Tool.Version), Semantic: semantic(r.Tool.Version), InformationURI: informationURI, Rules: []rule{}}},
		Invocations: []invocation{{Successful: true, EndTime: endTime(r.Created), Notifications: notifications(r)}},
		ColumnKind:  "utf16CodeUnits", Results: []result{}, Properties: targetOf(r), VersionControlProvenance: provenance(r),
	}
	if isSourceCode(r) {
		c.run.OriginalURIBaseIDs = map[string]artifactLocation{srcRoot: {Description: text{Text: "The root of the scanned source code."}}}
	}
	for i := range r.Findings {
		c.add(&r.Findings[i], nil, suppressed)
	}
	if suppressed {
		for i := range r.Suppressed {
			c.add(&r.Suppressed[i].Finding, &r.Suppressed[i].Suppression, true)
		}
	}
	return log{Schema: schemaURI, Version: "2.1.0", Runs: []run{c.run}}
}

// number returns a version that begins with a digit, by which programs compare the
// versions of tools (rule SARIF2005 of Microsoft's validator); "0.0.0-" and the text for
// one without a number.
func number(version string) string {
	v := strings.TrimPrefix(version, "v")
	switch {
	case v == "":
		return ""
	case v[0] < '0' || v[0] > '9':
		return "0.0.0-" + version
	}
	return v
}

// semver is what semanticVersion may be (§3.19.12). https://semver.org
var semver = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)

// semantic is the version if it is a semantic version.
func semantic(version string) string {
	if v := number(version); semver.MatchString(v) {
		return v
	}
	return ""
}

func endTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// notifications lists what could not be read or judged, and what has reached its end of
// life.
func notifications(r *assay.Report) (out []notification) {
	for _, line := range summary.EndOfLife(r) {
		out = append(out, notification{"warning", text{Text: plain(line)}})
	}
	for _, g := range summary.Gaps(r) {
		out = append(out, notification{"warning", text{Text: plain("Not read or not judged: " + g.String())}})
	}
	return out
}

func targetOf(r *assay.Report) target {
	t := target{Name: r.Image.Name, Kind: string(r.Kind), ID: r.Image.ID, Digest: r.Image.Digest, RepoTags: r.Image.RepoTags, RepoDigests: r.Image.RepoDigests,
		Database: r.Database.Built, AsOf: r.AsOf, LeftOut: r.LeftOut}
	if p := r.Image.Platform; p.OS != "" {
		t.Platform = strings.TrimRight(p.OS+"/"+p.Arch+"/"+p.Variant, "/")
	}
	return t
}

// provenance names the repository and the commit of a run.
func provenance(r *assay.Report) []versionControl {
	repo := &r.Image.Repository
	if web(repo.URL) == "" {
		return nil
	}
	return []versionControl{{RepositoryURI: web(repo.URL), RevisionID: repo.Commit, Branch: repo.Branch}}
}

type converter struct {
	r     *assay.Report
	run   run
	rules map[string]int // by vulnerability
	seen  map[string]int // how often a fingerprint was used
}

// add adds the result of a finding. If one result has suppressions, all must have the
// field, empty where there are none (§3.27.23).
func (c *converter) add(f *assay.Finding, by *assay.Suppression, suppressions bool) {
	p := &c.r.Packages[f.Package]
	print := c.fingerprint(f, p)
	res := result{
		RuleID: id(f), RuleIndex: c.rule(f, p), Level: levels[f.Severity], Rank: min(100, max(0, f.Risk)), Message: message(c.r, f, p),
		Locations: []location{c.location(p)},
		// GitHub recognises an alert by its first fingerprint. Without one, the upload
		// action would derive it from the line, which all packages in a file share.
		PartialFingerprints: map[string]string{"primaryLocationLineHash": print, "assay/v1": print},
		Properties: resultProperties{Package: plain(p.Name), Type: p.Type, PURL: p.PURL, Version: p.Version, FixedIn: f.FixedIn, Severity: f.Severity.String(), Status: string(f.Status),
			Aliases: f.Aliases, Layer: p.Layer.DiffID},
	}
	if suppressions {
		res.Suppressions = []suppression{}
	}
	if by != nil {
		res.Suppressions = append(res.Suppressions, suppression{"external", "accepted", plain(summary.Why(*by))})
	}
	c.run.Results = append(c.run.Results, res)
}

func id(f *assay.Finding) string { return cmp.Or(printable.Text(f.ID), "unknown") }

var levels = map[assay.Severity]string{
	assay.SeverityCritical: "error", assay.SeverityHigh: "error", assay.SeverityMedium: "warning",
	assay.SeverityLow: "note", assay.SeverityNegligible: "note", assay.SeverityUnknown: "note",
}

// message describes the finding. Viewers with little space show the first sentence.
func message(r *assay.Report, f *assay.Finding, p *assay.Package) text {
	lines := []string{p.Name + " " + p.Version + ": " + f.ID + " (" + f.Severity.String() + ")."}
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, name+": "+value)
		}
	}
	add("Title", summary.Title(f))
	add("Package", p.Name)
	add("Installed version", p.Version)
	add("Fixed in", cmp.Or(f.FixedIn, summary.Status(f)))
	add("Severity", f.Severity.String())
	add("Risk", summary.Risk(f))
	add("Exploitation", summary.Exploited(f))
	add("Path", p.Place())
	if r.Kind.IsImage() {
		add("Layer", summary.Layer(p.Layer))
	}
	add("Because", f.Because)
	for i, line := range lines {
		lines[i] = plain(line)
	}
	return text{Text: strings.Join(lines, "\n")}
}

// plain returns text on one line in which viewers find no links (§3.11.6).
func plain(s string) string { return strings.ReplaceAll(printable.Text(s), "](", "] (") }

// paragraphs returns text with its line breaks.
func paragraphs(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, plain(strings.TrimRight(line, "\r\n")))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// scores lists a finding's scores: first the source of its severity, then the newest
// version, then the highest score.
func scores(f *assay.Finding) []assay.CVSS {
	all := slices.Clone(f.Detail.CVSS)
	slices.SortStableFunc(all, func(a, b assay.CVSS) int {
		return cmp.Or(-cmp.Compare(ours(a.Source == f.SeveritySource), ours(b.Source == f.SeveritySource)), -cmp.Compare(a.Version, b.Version), -cmp.Compare(a.Score, b.Score))
	})
	return all
}

func ours(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

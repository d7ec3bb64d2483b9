package triage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// Auto is the default choice of sources.
const Auto = "auto"

// sourceOrder lists the sources of severities, best first, after the publisher
// of the advisory: sources that rate every vulnerability, then distributions,
// then sources that rate only their own publications. It is Trivy's order, with
// the CNA and CISA beside NVD, which no longer repeats their scores (2024).
var sourceOrder = []string{"nvd", "cna", "cisa-adp", "redhat", "debian", "ubuntu", "alpine", "amazon", "oracle", "suse", "photon", "arch", "almalinux", "rocky",
	"azurelinux", "rubysec", "phpsec", "nodecore", "ghsa", "glad", "osv", "kubernetes", "wolfi", "chainguard", "bitnami", "govulndb", "julia", "bottlerocket", "echo", "minimos", "rootio"}

// sourceNames maps Trivy's names of sources to ours, if they differ.
var sourceNames = map[string]string{
	"alma": "almalinux", "arch-linux": "arch", "azure": "azurelinux", "cbl-mariner": "azurelinux", "mariner": "azurelinux", "redhat-oval": "redhat", "oracle-oval": "oracle",
	"suse-cvrf": "suse", "opensuse-cvrf": "suse", "ruby-advisory-db": "rubysec", "ruby": "rubysec", "php-security-advisories": "phpsec", "php": "phpsec",
	"nodejs-security-wg": "nodecore", "node": "nodecore", "k8s": "kubernetes",
}

// Sources lists the valid values of SeveritySources besides the names of feeds.
func Sources() []string {
	out := append([]string{Auto}, sourceOrder...)
	for name := range sourceNames {
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Rate gives a finding the severity of the first source that has one. No sources
// means Auto: the publisher's severity for this package, because it knows how
// the package is built and used; else its severity elsewhere; GitHub's for its
// own advisories; else the first in a fixed order. A source that has only scores
// gives the severity of its newest CVSS version.
// https://trivy.dev/latest/docs/scanner/vulnerability/#severity-selection
func Rate(f *assay.Finding, sources []string) {
	if f.Severity != assay.SeverityUnknown && f.SeveritySource != "" {
		storeRating(&f.Detail, f.SeveritySource, f.Severity)
	}
	if len(sources) == 0 {
		sources = []string{Auto}
	}
	for _, s := range sources {
		if s == Auto {
			if auto(f) {
				return
			}
		} else if v := severityBy(f, cmp.Or(sourceNames[s], s)); v != assay.SeverityUnknown {
			f.Severity, f.SeveritySource = v, cmp.Or(sourceNames[s], s)
			return
		}
	}
	f.Severity, f.SeveritySource = assay.SeverityUnknown, ""
}

// storeRating stores a source's severity among the ratings.
func storeRating(d *assay.Detail, source string, s assay.Severity) {
	if !slices.ContainsFunc(d.Ratings, func(r assay.Rating) bool { return r.Source == source }) && !slices.ContainsFunc(d.CVSS, func(c assay.CVSS) bool { return c.Source == source }) {
		d.Ratings = append(d.Ratings, assay.Rating{Source: source, Severity: s})
	}
}

// auto rates by the default choice; false if no source has a severity.
func auto(f *assay.Finding) bool {
	if f.Severity != assay.SeverityUnknown {
		return true
	}
	order := []string{f.Publisher, f.Feed}
	if strings.HasPrefix(f.ID, "GHSA-") {
		order = append(order, "ghsa")
	}
	order = append(order, sourceOrder...)
	for _, r := range f.Detail.Ratings { // unknown sources, in their order
		order = append(order, r.Source)
	}
	for _, c := range f.Detail.CVSS {
		order = append(order, c.Source)
	}
	for _, s := range order {
		if v := severityBy(f, s); s != "" && v != assay.SeverityUnknown {
			f.Severity, f.SeveritySource = v, s
			return true
		}
	}
	return false
}

// severityBy is a source's severity: its own, else that of its newest score.
func severityBy(f *assay.Finding, source string) assay.Severity {
	for _, r := range f.Detail.Ratings {
		if r.Source == source && r.Severity != assay.SeverityUnknown {
			return r.Severity
		}
	}
	var best assay.CVSS
	for _, c := range f.Detail.CVSS {
		if c.Source == source && c.Severity() != assay.SeverityUnknown && c.Version > best.Version {
			best = c
		}
	}
	return best.Severity()
}

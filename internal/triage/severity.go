package triage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// Auto is the source that stands for the usual choice.
const Auto = "auto"

// sourceOrder lists whose word counts, best first, where the publisher of the
// advisory has none: those who rate every vulnerability, then distributions,
// then those who rate what they publish only. Trivy's order, with the CNA and
// CISA beside NVD, whose scores NVD no longer doubles (2024).
var sourceOrder = []string{"nvd", "cna", "cisa-adp", "redhat", "debian", "ubuntu", "alpine", "amazon", "oracle", "suse", "photon", "arch", "almalinux", "rocky",
	"azurelinux", "rubysec", "phpsec", "nodecore", "ghsa", "glad", "osv", "kubernetes", "wolfi", "chainguard", "bitnami", "govulndb", "julia", "bottlerocket", "echo", "minimos", "rootio"}

// sourceNames gives sources by what Trivy calls them, where that is another name.
var sourceNames = map[string]string{
	"alma": "almalinux", "arch-linux": "arch", "azure": "azurelinux", "cbl-mariner": "azurelinux", "mariner": "azurelinux", "redhat-oval": "redhat", "oracle-oval": "oracle",
	"suse-cvrf": "suse", "opensuse-cvrf": "suse", "ruby-advisory-db": "rubysec", "ruby": "rubysec", "php-security-advisories": "phpsec", "php": "phpsec",
	"nodejs-security-wg": "nodecore", "node": "nodecore", "k8s": "kubernetes",
}

// Sources lists the names that SeveritySources takes besides those of feeds.
func Sources() []string {
	out := append([]string{Auto}, sourceOrder...)
	for name := range sourceNames {
		out = append(out, name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Rate gives a finding the severity that the first of the sources has for it; no
// sources are Auto: the publisher's own word for this package, for it knows how
// that is built and used; else what it says elsewhere; GitHub's of its own
// advisories; else that of the first in a fixed order who has one. What a source
// says in a score is its severity by the newest version of CVSS.
// https://trivy.dev/latest/docs/scanner/vulnerability/#severity-selection
func Rate(f *assay.Finding, sources []string) {
	if f.Severity != assay.SeverityUnknown && f.SeveritySource != "" {
		keep(&f.Detail, f.SeveritySource, f.Severity)
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

// keep has a word of a source among the ratings.
func keep(d *assay.Detail, source string, s assay.Severity) {
	if !slices.ContainsFunc(d.Ratings, func(r assay.Rating) bool { return r.Source == source }) && !slices.ContainsFunc(d.CVSS, func(c assay.CVSS) bool { return c.Source == source }) {
		d.Ratings = append(d.Ratings, assay.Rating{Source: source, Severity: s})
	}
}

// auto rates by the usual choice; false where nobody has a word.
func auto(f *assay.Finding) bool {
	if f.Severity != assay.SeverityUnknown {
		return true
	}
	order := []string{f.Publisher, f.Feed}
	if strings.HasPrefix(f.ID, "GHSA-") {
		order = append(order, "ghsa")
	}
	order = append(order, sourceOrder...)
	for _, r := range f.Detail.Ratings { // those that are not known here, as they come
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

// severityBy is what one source says: its word, else its newest score.
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

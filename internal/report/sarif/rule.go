package sarif

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/markdown"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/report/internal/summary"
)

// Limits that GitHub sets for a rule (November 2026).
const (
	maxDescription = 1000 // characters of shortDescription and fullDescription
	maxTags        = 10
	maxHelp        = 10_000 // characters: descriptions of CVEs have some hundreds
)

// rule returns the index of a finding's rule, and adds the rule if it is new. A rule
// has the severity of the worst of its findings.
func (c *converter) rule(f *assay.Finding, p *assay.Package) int {
	n, ok := c.rules[f.ID]
	if !ok {
		n = len(c.run.Tool.Driver.Rules)
		c.rules[f.ID] = n
		c.run.Tool.Driver.Rules = append(c.run.Tool.Driver.Rules, newRule(f, p))
		return n
	}
	r := &c.run.Tool.Driver.Rules[n]
	if worse := severity(f); worth(worse) > worth(r.Properties.Severity) {
		r.Properties.Severity, r.Default.Level, r.Properties.Tags = worse, levels[f.Severity], tags(f)
	}
	return n
}

func worth(score string) (v float64) {
	fmt.Sscanf(score, "%f", &v)
	return v
}

func newRule(f *assay.Finding, p *assay.Package) rule {
	title := printable.Cut(cmp.Or(plain(summary.Title(f)), id(f)), maxDescription)
	r := rule{
		ID: id(f), Name: "LanguagePackageVulnerability", ShortDescription: text{Text: title},
		FullDescription: text{Text: printable.Cut(cmp.Or(paragraphs(f.Detail.Text), title), maxDescription)},
		Default:         configuration{levels[f.Severity]}, HelpURI: web(f.URL), Help: help(f),
		Properties: ruleProperties{Precision: "very-high", Severity: severity(f), Tags: tags(f)},
	}
	if p.IsSystem() {
		r.Name = "SystemPackageVulnerability"
	}
	return r
}

// bands are the numbers for severities without a matching score. GitHub calls 9 and
// more critical, 7 high, 4 medium, the rest low.
var bands = map[assay.Severity]string{
	assay.SeverityCritical: "9.5", assay.SeverityHigh: "8.0", assay.SeverityMedium: "5.5", assay.SeverityLow: "2.0", assay.SeverityNegligible: "0.1",
}

// severity returns a finding's severity as a number that GitHub ranks as assay does:
// the score if it has the same rating, else the number of the rating; "" for an unknown
// severity.
func severity(f *assay.Finding) string {
	for _, s := range scores(f) {
		if s.Severity() == f.Severity && f.Severity != assay.SeverityUnknown && s.Score <= 10 {
			return fmt.Sprintf("%.1f", s.Score)
		}
	}
	return bands[f.Severity]
}

// tags lists the tags that GitHub filters by. Weaknesses are written as CodeQL writes
// them.
func tags(f *assay.Finding) []string {
	out := []string{"vulnerability", "security", f.Severity.String()}
	if f.Detail.KEV != nil {
		out = append(out, "known-exploited")
	}
	for _, c := range f.Detail.CWEs {
		if n, ok := strings.CutPrefix(c, "CWE-"); ok && len(out) < maxTags && n != "" && strings.Trim(n, "0123456789") == "" {
			if tag := "external/cwe/cwe-" + n; !slices.Contains(out, tag) {
				out = append(out, tag)
			}
		}
	}
	return out
}

// help is the text that viewers show beside a result.
func help(f *assay.Finding) text {
	description := printable.Cut(paragraphs(cmp.Or(f.Detail.Text, f.Detail.Title)), maxHelp)
	plainly := []string{"Vulnerability " + id(f), "Severity: " + f.Severity.String()}
	marked := []string{"**Vulnerability " + markdown.Link(markdown.Escape(f.ID), f.URL) + "**", "", "| Severity | CVSS | EPSS | Exploited |", "|---|---|---|---|"}
	cvss, epss, kev := "", "", ""
	if s := scores(f); len(s) > 0 {
		cvss = fmt.Sprintf("%.1f (%s, %s)", s[0].Score, printable.Text(s[0].Version), printable.Text(s[0].Source))
		plainly = append(plainly, "CVSS: "+cvss)
	}
	if e := f.Detail.EPSS; e != nil {
		epss = fmt.Sprintf("%.2f %%", e.Score*100)
		plainly = append(plainly, "EPSS: "+epss)
	}
	if kev = summary.Exploited(f); kev != "" {
		plainly = append(plainly, "Exploitation: "+kev)
	}
	marked = append(marked, fmt.Sprintf("| %s | %s | %s | %s |", f.Severity, markdown.Escape(cvss), epss, markdown.Escape(kev)), "")
	for line := range strings.SplitSeq(description, "\n") {
		marked = append(marked, block(line))
	}
	if u := web(f.URL); u != "" {
		plainly = append(plainly, "Link: "+u)
	}
	return text{Text: strings.Join(append(plainly, description), "\n"), Markdown: strings.TrimSpace(strings.Join(marked, "\n"))}
}

// block escapes a line so that it starts no list, quotation or heading.
func block(line string) string {
	line = strings.TrimSpace(line)
	if line != "" && strings.IndexByte("-+=0123456789", line[0]) >= 0 {
		return fmt.Sprintf("&#%d;%s", line[0], markdown.Escape(line[1:]))
	}
	return markdown.Escape(line)
}

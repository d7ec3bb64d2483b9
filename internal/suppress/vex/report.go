package vex

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// ImagePURL is the package URL of the scanned image; "" for other targets, and
// for an image without registry and name.
func ImagePURL(r *assay.Report) string {
	if !r.Kind.IsImage() {
		return ""
	}
	for _, ref := range slices.Concat(r.Image.RepoDigests, r.Image.RepoTags) {
		if img, err := ParseImage(ref); err == nil {
			return img.PURL()
		}
	}
	return ""
}

// Statements creates a statement for each finding of a report, including
// suppressed ones. Its status is the given one; if that is "", affected if there
// is a fix and else under investigation. The product is the target, with the
// package as its part, or the package if target is "". Nameless counts findings
// of packages without a package URL, which get no statement.
func Statements(r *assay.Report, target string, status assay.Status) (out []Statement, nameless int) {
	seen := map[string]bool{}
	add := func(f *assay.Finding, s Statement) {
		p := &r.Packages[f.Package]
		switch key := f.ID + " " + p.PURL; {
		case p.PURL == "":
			nameless++
			return
		case seen[key]:
			return
		default:
			seen[key] = true
		}
		s.Vulnerability, s.Aliases = f.ID, f.Aliases
		s.Products = []Product{{PURL: p.PURL}}
		if target != "" {
			s.Products = []Product{{PURL: target, Subcomponents: []string{p.PURL}}}
		}
		out = append(out, s)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		s := Statement{Status: assay.StatusUnderInvestigation}
		if f.FixedIn != "" && status == "" || status == assay.StatusAffected {
			s.Status, s.ActionStatement = assay.StatusAffected, "There is no fix yet."
			if f.FixedIn != "" {
				s.ActionStatement = fmt.Sprintf("Upgrade %s to %s.", r.Packages[f.Package].Name, f.FixedIn)
			}
		}
		add(f, s)
	}
	for i := range r.Suppressed {
		add(&r.Suppressed[i].Finding, asStatement(&r.Suppressed[i].Suppression))
	}
	return out, nameless
}

// asStatement converts a suppression to a statement. For others, a finding that
// the user ignores is under investigation.
func asStatement(r *assay.Suppression) Statement {
	switch r.As {
	case assay.StatusFixed:
		return Statement{Status: r.As, Notes: r.Reason}
	case assay.StatusNotAffected:
		s := Statement{Status: r.As, Impact: r.Reason}
		if word, rest, _ := strings.Cut(r.Reason, ": "); slices.Contains(Justifications, word) {
			s.Justification, s.Impact = word, rest
		}
		if s.Justification+s.Impact == "" {
			s.Impact = "Source: " + r.By + "."
		}
		return s
	}
	return Statement{Status: assay.StatusUnderInvestigation, Notes: r.Reason}
}

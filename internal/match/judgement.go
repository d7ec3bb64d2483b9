package match

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
)

// A Verdict is what one row of an advisory means for one installed package.
type Verdict string

// The verdicts. A package has a finding, or a suppressed entry, of a vulnerability
// exactly where one row about it has that verdict.
const (
	VerdictAffected    Verdict = "affected"     // the row makes the finding, or is part of it
	VerdictSuppressed  Verdict = "suppressed"   // the installed version is in the row, but the vulnerable code is absent
	VerdictNotAffected Verdict = "not_affected" // the row does not apply, or another one outweighs it
	VerdictUnknown     Verdict = "unknown"      // the row cannot be judged
)

// A Rule is the reason for a Judgement.
type Rule string

// The rules, with their verdicts.
const (
	RuleVersion          Rule = "version"           // affected, not affected: the installed version is, or is not, in the row's ranges
	RuleDeclared         Rule = "declared"          // not affected: the row itself says so
	RuleOutweighed       Rule = "outweighed"        // not affected: another row says so, and "not affected" wins
	RuleMinorRelease     Rule = "minor-release"     // not affected: the fix for the package's own minor release is installed
	RulePlatform         Rule = "platform"          // not affected: the row is about another architecture, module, flavour, product or operating system
	RuleRepository       Rule = "repository"        // not affected: the row is about another repository of the distribution
	RuleSourceName       Rule = "source-name"       // not affected: the row names a source package, or a binary one, and the package is the other kind
	RuleRebuilder        Rule = "rebuilder"         // not affected: the package's rebuilder has its own advisory
	RuleThirdParty       Rule = "third-party"       // not affected: the package is not the distribution's
	RuleOwner            Rule = "owner"             // not affected, suppressed: the distribution's advisories on the package's owner decide
	RuleOwnerFinding     Rule = "owner-finding"     // not affected: the owner has the finding
	RuleOtherName        Rule = "other-name"        // not affected: the package has the finding under another of its CPE names
	RuleUnreachable      Rule = "unreachable"       // suppressed: the binary does not link the vulnerable code
	RuleKernelHeaders    Rule = "kernel-headers"    // suppressed: the package contains only headers
	RuleWithdrawn        Rule = "withdrawn"         // not affected: the publisher withdrew the advisory
	RuleUnreviewed       Rule = "unreviewed"        // not affected: a reviewed advisory is about the same vulnerability
	RuleMakers           Rule = "makers"            // not affected: the makers' own database decides about the package
	RuleNotice           Rule = "notice"            // not affected: the advisory is a notice, not a vulnerability
	RuleUndetermined     Rule = "undetermined"      // unknown: the publisher has not decided
	RuleIncomparable     Rule = "incomparable"      // unknown: a version in the row cannot be compared
	RuleInstalledVersion Rule = "installed-version" // unknown: the installed version cannot be compared
	RuleFlavour          Rule = "flavour"           // unknown: no advisory is about builds of the package's flavour
)

// A Judgement is what one row of an advisory means for one installed package. Packages
// derives findings, suppressed entries and gaps from judgements; Vulnerability and
// Advisory return them. An advisory about several vulnerabilities has one judgement for
// each.
type Judgement struct {
	Package  int    // index in Inventory.Packages
	ID       string // of the vulnerability, as in its finding
	Advisory *assay.Advisory
	Row      *assay.Affected // of Advisory; Stream and Name say what it is about
	Verdict  Verdict
	Rule     Rule
	Fix      string // version to upgrade to, where Verdict is VerdictAffected or VerdictSuppressed; "" for none

	of     *target      // the package's name in its stream
	by     *assay.Range // that contains the installed version; nil for none
	cause  error        // why the row cannot be judged
	detail string       // a sentence, where the rule needs one
}

// decide sets verdict and rule.
func (j *Judgement) decide(v Verdict, r Rule) { j.Verdict, j.Rule = v, r }

// compare decides by whether the installed version is in the row, as far as all kinds
// of packages share the rules.
func (j *Judgement) compare(by *assay.Range, err error) {
	j.by, j.cause = by, err
	switch {
	case err != nil:
		j.decide(VerdictUnknown, RuleIncomparable)
	case by == nil:
		j.decide(VerdictNotAffected, RuleVersion)
	case j.Row.Status == assay.StatusNotAffected:
		j.decide(VerdictNotAffected, RuleDeclared)
	case j.Row.Status == assay.StatusUnknown:
		j.decide(VerdictUnknown, RuleUndetermined)
	default:
		j.decide(VerdictAffected, RuleVersion)
	}
}

// isVulnerable reports whether versions in the row make findings: some rows are
// notices, or list versions that are not affected or not determined.
func (j *Judgement) isVulnerable() bool {
	return j.Row.Status != assay.StatusNotAffected && j.Row.Status != assay.StatusUnknown &&
		(j.Advisory.Kind == assay.KindVulnerability || j.Advisory.Kind == assay.KindMalware)
}

// Because says in words why the judgement is so.
func (j *Judgement) Because() string {
	switch j.Rule {
	case RuleVersion:
		return j.versions()
	case RuleDeclared:
		if *j.by == (assay.Range{}) {
			return "the publisher says that the package is not affected"
		}
		return "the publisher says that the package is not affected " + interval(j.by)
	case RuleUndetermined:
		return "the publisher has not determined whether the package is affected"
	case RulePlatform:
		return "the advisory is about other builds: " + limits(&j.Row.Qualifiers)
	case RuleRepository:
		return "the advisory is about another repository: " + strings.Join(j.Row.Qualifiers.Repos, ", ")
	case RuleSourceName:
		return fmt.Sprintf("the advisory is about another package that is also named %s: one is a source package, the other a binary package", j.Row.Name)
	case RuleWithdrawn:
		return "the publisher withdrew the advisory"
	case RuleUnreviewed:
		return "the advisory is not reviewed, and a reviewed one is about the same vulnerability"
	case RuleMakers:
		return "Go's own vulnerability database decides about " + j.Row.Name + "; other advisories add names and texts only"
	case RuleNotice:
		return "the advisory is a notice, not a vulnerability (" + string(j.Advisory.Kind) + ")"
	case RuleIncomparable:
		return j.cause.Error()
	case RuleInstalledVersion:
		return fmt.Sprintf("the installed version cannot be compared: %v", j.cause)
	}
	return j.detail
}

// versions describes the comparison of the installed version with the row.
func (j *Judgement) versions() string {
	installed := "installed is " + j.of.version
	if j.of.version == "" {
		installed = unknownVersion
	}
	if j.Verdict == VerdictAffected {
		text := fmt.Sprintf("affected %s; %s", interval(j.by), installed)
		if notes := slices.DeleteFunc([]string{j.Row.Reason, j.of.note, j.detail}, func(s string) bool { return s == "" }); len(notes) > 0 {
			text += " (" + strings.Join(notes, ", ") + ")"
		}
		return text
	}
	var parts []string
	for i := range j.Row.Ranges {
		parts = append(parts, interval(&j.Row.Ranges[i]))
	}
	if len(j.Row.Versions) > 0 {
		parts = append(parts, "in "+some(j.Row.Versions, "version", "versions"))
	}
	if len(parts) == 0 {
		parts = []string{"in no version"}
	}
	status := "affected"
	if j.Row.Status == assay.StatusNotAffected {
		status = "not affected"
	}
	return fmt.Sprintf("%s only %s; %s", status, strings.Join(parts, " or "), installed)
}

const unknownVersion = "the installed version is unknown"

// limits describes the builds that a row is limited to.
func limits(q *assay.Qualifiers) string {
	var parts []string
	for _, x := range []struct {
		what string
		all  []string
	}{{"architectures", q.Arches}, {"products", q.CPEs}, {"operating systems", q.OS}, {"running on", q.RunningOn}} {
		if len(x.all) > 0 {
			parts = append(parts, some(x.all, x.what, x.what))
		}
	}
	if q.Module != "" {
		parts = append(parts, "module "+q.Module)
	}
	if q.Flavour != "" {
		parts = append(parts, "flavour "+q.Flavour)
	}
	if q.UUID != "" {
		parts = append(parts, "UUID "+q.UUID)
	}
	if len(parts) == 0 {
		return "its fix belongs to another module or flavour than the package"
	}
	return strings.Join(parts, ", ")
}

// A request selects the judgements that are wanted besides the result. A nil request
// wants none.
type request struct {
	subjects map[subject]bool      // only packages with advisories under one of these names are judged; nil: all
	names    map[string]bool       // of the vulnerability, in upper case; nil: any
	owners   map[string]bool       // PURLs of packages that are judged because they own another
	advisory func(*Judgement) bool // nil: any
	visit    func(*Judgement)
}

// wants reports whether to judge a package, by the subjects that are looked up for it.
func (r *request) wants(subjects func(*assay.Package) []subject, p *assay.Package) bool {
	return r == nil || r.subjects == nil || slices.ContainsFunc(subjects(p), func(s subject) bool { return r.subjects[s] })
}

// take visits a judgement if it is about a vulnerability with one of the names.
func (r *request) take(j *Judgement, names ...[]string) {
	if r.advisory != nil && !r.advisory(j) {
		return
	}
	if r.names == nil || r.names[strings.ToUpper(j.ID)] || slices.ContainsFunc(names, func(all []string) bool {
		return slices.ContainsFunc(all, func(n string) bool { return r.names[strings.ToUpper(n)] })
	}) {
		r.visit(j)
	}
}

// takeOwn visits a judgement by the names of its own advisory.
func (r *request) takeOwn(j *Judgement) { r.take(j, j.Advisory.Aliases, j.Advisory.VendorIDs) }

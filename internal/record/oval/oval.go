// Package oval reads documents of the Open Vulnerability and Assessment
// Language, in which publishers describe how to find vulnerable packages on a
// system.
//
// Specification:
// https://oval-community-guidelines.readthedocs.io/en/latest/oval-schema-documentation/
// (5.11). It reads definitions and the tests that publishers of package
// advisories use: names, versions, architectures, and other conditions. It does
// not read set objects, filters and computed variables.
package oval

import (
	"regexp"
	"slices"
	"strings"
)

// A Definition is the document's data on one advisory or vulnerability.
type Definition struct {
	ID         string   `xml:"id,attr"`
	Class      string   `xml:"class,attr"`      // "patch", "vulnerability", "inventory", "miscellaneous"
	Deprecated string   `xml:"deprecated,attr"` // "true"
	Metadata   Metadata `xml:"metadata"`
	Criteria   Criteria `xml:"criteria"`
}

// Metadata is the description of a definition. Each publisher uses some of it;
// texts are trimmed.
type Metadata struct {
	Title       string      `xml:"title"`
	Description string      `xml:"description"`
	Platforms   []string    `xml:"affected>platform"`
	Products    []string    `xml:"affected>product"`
	References  []Reference `xml:"reference"`
	Advisory    Advisory    `xml:"advisory"`

	// Azure Linux has these beside an advisory, not in it.
	Patchable    string `xml:"patchable"` // "true", "false", "Not Applicable"
	AdvisoryDate string `xml:"advisory_date"`
	AdvisoryID   string `xml:"advisory_id"`
	Severity     string `xml:"severity"`

	// Debian has these.
	DSA  string `xml:"debian>dsa"`
	Date string `xml:"debian>date"`
}

// A Reference is another identifier of the definition's subject.
type Reference struct {
	Source string `xml:"source,attr"` // "CVE", "RHSA", "elsa", "USN"
	ID     string `xml:"ref_id,attr"`
	URL    string `xml:"ref_url,attr"`
}

// An Advisory is the publisher's notice.
type Advisory struct {
	Severity   string   `xml:"severity"`
	Issued     Date     `xml:"issued"`
	Updated    Date     `xml:"updated"`
	PublicDate string   `xml:"public_date"`
	Refs       []string `xml:"ref"` // pages
	CVEs       []CVE    `xml:"cve"`
	CPEs       []string `xml:"affected_cpe_list>cpe"`
	Affected   struct {
		Resolutions []Resolution `xml:"resolution"`
	} `xml:"affected"`
}

// Date is a day, YYYY-MM-DD.
type Date struct {
	Date string `xml:"date,attr"`
}

// CVE is the publisher's data on a vulnerability.
type CVE struct {
	ID       string `xml:",chardata"` // SUSE adds text: "CVE-2014-8105 at NVD"
	URL      string `xml:"href,attr"`
	CVSS2    string `xml:"cvss2,attr"`       // "7.8/AV:N/…", or the vector alone
	CVSS3    string `xml:"cvss3,attr"`       // "7.5/CVSS:3.1/…"
	CVSS4    string `xml:"cvss4,attr"`       //
	Vector   string `xml:"cvss_vector,attr"` // Ubuntu's
	CWE      string `xml:"cwe,attr"`
	Impact   string `xml:"impact,attr"`
	Priority string `xml:"priority,attr"` // Ubuntu's
	Public   string `xml:"public,attr"`   // YYYYMMDD
	Test     string `xml:"test_ref,attr"` // Ubuntu's, in definitions of packages
}

// A Resolution is the publisher's plan (Red Hat: "Will not fix", "Affected",
// "Fix deferred", "Out of support scope").
type Resolution struct {
	State      string   `xml:"state,attr"`
	Components []string `xml:"component"`
}

// Criteria are conditions that must all hold, or one of them with Operator "OR".
type Criteria struct {
	Operator  string      `xml:"operator,attr"` // "AND" where empty; also ONE, XOR
	Negate    string      `xml:"negate,attr"`   // "true"
	Comment   string      `xml:"comment,attr"`
	Criterion []Criterion `xml:"criterion"`
	Extends   []Extend    `xml:"extend_definition"`
	Criteria  []Criteria  `xml:"criteria"`
}

// Extend is the condition that another definition holds.
type Extend struct {
	Definition string `xml:"definition_ref,attr"`
	Comment    string `xml:"comment,attr"`
}

// A Criterion is the condition that a test holds.
type Criterion struct {
	Ref     string `xml:"test_ref,attr"`
	Negate  string `xml:"negate,attr"`
	Comment string `xml:"comment,attr"` // that of the test if it has none itself
	Test    *Test  `xml:"-"`            // nil if the document has no test with that ID
}

// A Test checks whether the system has an object with one of Names and with the
// Fields.
type Test struct {
	Kind      string   // "rpminfo", "dpkginfo", "textfilecontent54", "uname", …
	Existence string   // check_existence: "none_exist", …; "" is at_least_one_exists
	Names     []string // of packages; patterns of lines for textfilecontent54; empty if it has no names
	Fields    []Field  // all must hold; empty: the object must only exist
}

// A Field is a property and its required value.
type Field struct {
	Name      string // "evr", "arch", "version", "signature_keyid", …
	Operation string // "equals", "less than", "pattern match", …
	Value     string
}

// Field returns the first field with a name.
func (t *Test) Field(name string) (Field, bool) {
	i := slices.IndexFunc(t.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		return Field{}, false
	}
	return t.Fields[i], true
}

// A Package is a test of a package, with other conditions.
type Package struct {
	Names     []string    // any of these
	Operation string      // "less than", "equals", …; "" if it must only be installed
	EVR       string      // epoch:version-release, or a Debian version
	Arches    []string    // that the test is limited to; empty means all
	Criterion *Criterion  // the test
	With      []Criterion // the other conditions, outermost first
}

// Packages lists the tests of packages: those of a version, and those that a
// package is installed. If the document lacks a test, its comment is read ("bind
// is earlier than 30:9.3.3-8.el5"). Tests of other objects and negated tests are
// left out.
func (d *Definition) Packages() []Package { return d.Criteria.packages(nil) }

func (c *Criteria) packages(with []Criterion) (out []Package) {
	if c.Negate == "true" {
		return nil
	}
	and := c.Operator == "" || c.Operator == "AND"
	if and {
		with = slices.Concat(with, c.Criterion)
	}
	for i := range c.Criterion {
		p, ok := c.Criterion[i].pkg()
		if !ok {
			continue
		}
		for _, w := range with {
			if w.Ref != c.Criterion[i].Ref {
				p.With = append(p.With, w)
			}
		}
		out = append(out, p)
	}
	for i := range c.Criteria {
		out = append(out, c.Criteria[i].packages(with)...)
	}
	return out
}

// earlier matches the comment of a version test.
var earlier = regexp.MustCompile(`^(\S+) is earlier than (\S+)$`)

func (c *Criterion) pkg() (p Package, ok bool) {
	if m := earlier.FindStringSubmatch(c.Comment); c.Test == nil && c.Negate != "true" && m != nil {
		return Package{Names: m[1:2], Operation: "less than", EVR: m[2], Criterion: c}, true
	}
	if c.Test == nil || c.Negate == "true" || c.Test.Existence == "none_exist" || len(c.Test.Names) == 0 {
		return p, false
	}
	evr, versioned := c.Test.Field("evr")
	if !versioned && (len(c.Test.Fields) > 0 || !packaged(c.Test.Kind)) {
		return p, false
	}
	p = Package{Names: c.Test.Names, Operation: evr.Operation, EVR: evr.Value, Criterion: c}
	if arch, ok := c.Test.Field("arch"); ok {
		p.Arches = Arches(arch.Value)
	}
	return p, true
}

// packaged reports whether tests of a kind ask for packages by name.
func packaged(kind string) bool { return kind == "rpminfo" || kind == "dpkginfo" }

// Missing counts the criteria whose tests are missing in the document, and whose
// comment Packages cannot read.
func (d *Definition) Missing() int { return d.Criteria.missing() }

func (c *Criteria) missing() (n int) {
	for i := range c.Criterion {
		if cr := &c.Criterion[i]; cr.Test == nil && !earlier.MatchString(cr.Comment) {
			n++
		}
	}
	for i := range c.Criteria {
		n += c.Criteria[i].missing()
	}
	return n
}

// Arches reads an architecture, or a pattern of alternatives:
// "(aarch64|x86_64)".
func Arches(pattern string) []string {
	return strings.FieldsFunc(pattern, func(r rune) bool { return strings.ContainsRune("|()^$ ,", r) })
}

var enabled = regexp.MustCompile(`^Module (\S+:\S+) is enabled`)

// Module is the rpm module, name:stream, that must be enabled; "" without one.
func (p *Package) Module() string {
	for _, c := range p.With {
		if m := enabled.FindStringSubmatch(c.Comment); m != nil {
			return m[1]
		}
	}
	return ""
}

var archIs = regexp.MustCompile(`\barch is (\w+)$`)

// SystemArches are the architectures that the system may have, for which Oracle
// has a test of its own; empty means all.
func (p *Package) SystemArches() []string {
	for _, c := range p.With {
		if m := archIs.FindStringSubmatch(c.Comment); m != nil {
			return m[1:]
		}
	}
	return nil
}

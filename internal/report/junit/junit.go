// Package junit writes a report as JUnit XML, which Jenkins, GitLab, Azure DevOps and
// others show as test results: vulnerable packages are failed tests; what is suppressed
// or could not be judged is skipped.
//
// There is no specification. The variants that are read:
// https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd
// https://docs.gitlab.com/ci/testing/unit_test_reports/
package junit

import (
	"bufio"
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/report/internal/summary"
)

// Format is the report as test results.
var Format = assay.Format{Name: "junit", About: "JUnit XML, for Jenkins, GitLab and Azure DevOps", Options: assay.OptionSuppressed, Write: write}

type suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Suites   []*suite `xml:"testsuite"`
}

type suite struct {
	Name       string     `xml:"name,attr"`
	Tests      int        `xml:"tests,attr"`
	Failures   int        `xml:"failures,attr"`
	Errors     int        `xml:"errors,attr"`
	Skipped    int        `xml:"skipped,attr"`
	Time       string     `xml:"time,attr"`
	Timestamp  string     `xml:"timestamp,attr,omitempty"`
	Properties []property `xml:"properties>property"`
	Cases      []testcase `xml:"testcase"`
	Stderr     *output    `xml:"system-err"`

	file string         // of source code
	seen map[string]int // names of cases in use
}

type property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type testcase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	File    string   `xml:"file,attr,omitempty"`
	Skipped *outcome `xml:"skipped"`
	Failure *outcome `xml:"failure"`
}

type outcome struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",cdata"` // printable, so that it is valid XML
}

type output struct {
	Text string `xml:",cdata"`
}

func write(w io.Writer, r *assay.Report, o assay.FormatOptions) error {
	b := bufio.NewWriter(w)
	b.WriteString(xml.Header)
	e := xml.NewEncoder(b)
	e.Indent("", "  ")
	if err := e.Encode(convert(r, o)); err != nil {
		return err
	}
	b.WriteByte('\n')
	return b.Flush()
}

func convert(r *assay.Report, o assay.FormatOptions) *suites {
	c := converter{r: r, at: map[string]*suite{}, out: &suites{Name: cmp.Or(printable.Text(r.Tool.Name), "assay") + ": " + summary.Target(r)}}
	for i := range r.Packages { // a package without findings passes
		c.suite(&r.Packages[i])
	}
	for _, s := range summary.Sections(r) {
		for i := range s.Groups {
			c.failed(&s.Groups[i])
		}
	}
	if o.Suppressed {
		for i := range r.Suppressed {
			c.skipped(&r.Suppressed[i])
		}
	}
	if len(c.out.Suites) == 0 {
		c.named("packages", "")
	}
	for _, s := range c.out.Suites {
		if len(s.Cases) == 0 {
			s.add(testcase{Class: s.Name, Name: "no vulnerabilities to report"})
		}
	}
	c.gaps()
	for _, s := range c.out.Suites {
		c.out.Tests, c.out.Failures = c.out.Tests+s.Tests, c.out.Failures+s.Failures
	}
	return c.out
}

type converter struct {
	r   *assay.Report
	out *suites
	at  map[string]*suite
}

// suite returns the suite for a package's cases: in source code one suite a file, else
// one a type of package.
func (c *converter) suite(p *assay.Package) *suite {
	name, file := p.Type, ""
	if c.r.Kind == assay.KindFilesystem || c.r.Kind == assay.KindRepository {
		if file, _, _ = strings.Cut(p.Path, "!/"); file != "" && !p.IsSystem() {
			name = file
		} else {
			file = ""
		}
	}
	return c.named(name, file)
}

func (c *converter) named(name, file string) *suite {
	key := name + "\x00" + file
	if s := c.at[key]; s != nil {
		return s
	}
	r := c.r
	s := &suite{Name: cmp.Or(printable.Text(name), "packages"), Time: "0", file: printable.Text(file), seen: map[string]int{}}
	if !r.Created.IsZero() {
		s.Timestamp = r.Created.UTC().Format("2006-01-02T15:04:05")
	}
	add := func(name, value string) {
		if value != "" {
			s.Properties = append(s.Properties, property{name, printable.Text(value)})
		}
	}
	add("target", r.Image.Name)
	add("kind", string(r.Kind))
	add("release", strings.TrimSpace(r.Release.ID+" "+r.Release.Version))
	if !r.AsOf.IsZero() {
		add("as.of", r.AsOf.Format(time.DateOnly))
	}
	add("image.id", r.Image.ID)
	add("image.digest", r.Image.Digest)
	add("tool", strings.TrimSpace(r.Tool.Name+" "+r.Tool.Version))
	if !r.Database.Built.IsZero() {
		add("database.built", r.Database.Built.UTC().Format("2006-01-02T15:04:05Z"))
	}
	c.at[key] = s
	c.out.Suites = append(c.out.Suites, s)
	return s
}

// add adds a case. GitLab identifies cases by class and name, so cases of several
// versions of a package need different names.
func (s *suite) add(t testcase) {
	key := t.Class + "\x00" + t.Name
	if s.seen[key]++; s.seen[key] > 1 {
		t.Name += fmt.Sprintf(" (%d)", s.seen[key])
	}
	t.Time, t.File = "0", s.file
	s.Tests++
	switch {
	case t.Failure != nil:
		s.Failures++
	case t.Skipped != nil:
		s.Skipped++
	}
	s.Cases = append(s.Cases, t)
}

// titled returns a case about a vulnerability of a package. Its name has no version, so
// that CI systems recognise the same failure in the next run.
func titled(f *assay.Finding, p *assay.Package) testcase {
	return testcase{Class: cmp.Or(printable.Text(p.Name), "package"), Name: fmt.Sprintf("[%s] %s", f.Severity, printable.Text(f.ID))}
}

// failed returns the failed case of a group of findings.
func (c *converter) failed(g *summary.Group) {
	p := &c.r.Packages[g.Package]
	t := titled(g.Finding, p)
	message := printable.Text(p.Name+" "+p.Version) + ": " + cmp.Or(summary.Title(g.Finding), printable.Text(g.ID))
	if g.FixedIn != "" {
		message += ", fixed in " + printable.Text(g.FixedIn)
	}
	t.Failure = &outcome{Message: message, Type: g.Severity.String(), Text: strings.Join(c.about(g), "\n")}
	c.suite(p).add(t)
}

// about lists the details of a group.
func (c *converter) about(g *summary.Group) (lines []string) {
	p := &c.r.Packages[g.Package]
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, name+": "+printable.Text(value))
		}
	}
	add("Vulnerability", g.ID)
	add("Severity", g.Severity.String())
	add("Risk", summary.Risk(g.Finding))
	add("Exploitation", summary.Exploited(g.Finding))
	add("Status", summary.Status(g.Finding))
	add("Fixed in", g.FixedIn)
	for _, n := range g.Packages {
		q := &c.r.Packages[n]
		where := ""
		if !q.IsSystem() && q.Path != "" {
			where = " in " + q.Place()
		}
		add("Package", q.Name+" "+q.Version+where)
	}
	if c.r.Kind.IsImage() {
		add("Layer", summary.Layer(p.Layer))
	}
	add("See", g.URL)
	add("Because", g.Because)
	if g.Detail.Text != "" {
		lines = append(lines, "")
		for line := range strings.Lines(g.Detail.Text) {
			lines = append(lines, printable.Text(strings.TrimRight(line, "\r\n")))
		}
	}
	return lines
}

// skipped returns the case of a suppressed finding.
func (c *converter) skipped(s *assay.Suppressed) {
	p := &c.r.Packages[s.Package]
	t := titled(&s.Finding, p)
	t.Skipped = &outcome{Message: printable.Text(p.Name+" "+p.Version) + ": " + summary.Why(s.Suppression)}
	c.suite(p).add(t)
}

// gaps adds a skipped case for each cause of gaps. They are not errors: publishers always have
// undecided cases, so no run would pass. Standard error lists them, too.
func (c *converter) gaps() {
	if len(c.r.Gaps) == 0 {
		return
	}
	s := c.named("not read or not judged", "")
	var lines []string
	for _, g := range summary.Gaps(c.r) {
		s.add(testcase{Class: "gap", Name: cmp.Or(printable.Text(g.Where), "gap"), Skipped: &outcome{Message: printable.Text(g.What), Type: "gap"}})
		lines = append(lines, printable.Text(g.String()))
	}
	s.Stderr = &output{strings.Join(lines, "\n")}
}

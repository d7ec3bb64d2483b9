package report_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// A rule says what an element of JUnit's XML may have: by junit-10.xsd of Jenkins'
// xunit plugin, and the attribute file, which GitLab reads and others pass over.
type rule struct {
	need, may []string // attributes
	holds     []string // elements
	once      []string // of them, those that come once at most
}

var junitRules = map[string]rule{
	"testsuites": {may: []string{"name", "time", "tests", "failures", "errors", "disabled"}, holds: []string{"testsuite"}},
	"testsuite": {need: []string{"name", "tests"}, may: []string{"failures", "errors", "time", "disabled", "skipped", "skips", "timestamp", "hostname", "id", "package", "assertions", "group", "file", "log", "url", "version"},
		holds: []string{"testsuite", "properties", "testcase", "system-out", "system-err"}, once: []string{"properties", "system-out", "system-err"}},
	"properties": {holds: []string{"property"}},
	"property":   {need: []string{"name", "value"}},
	"testcase": {need: []string{"name"}, may: []string{"classname", "time", "status", "assertions", "class", "group", "file", "line"},
		holds: []string{"skipped", "error", "failure", "system-out", "system-err"}, once: []string{"skipped", "error", "failure"}},
	"skipped":    {may: []string{"message", "type"}},
	"error":      {may: []string{"message", "type"}},
	"failure":    {may: []string{"message", "type"}},
	"system-out": {}, "system-err": {},
}

var junitNumbers = []string{"tests", "failures", "errors", "skipped"}

// checkJUnit says what breaks the rules, and whether the counts are right.
func checkJUnit(text []byte) error {
	type open struct {
		name   string
		attrs  map[string]string
		counts map[string]int // elements in it
	}
	d := xml.NewDecoder(bytes.NewReader(text))
	stack := []*open{{counts: map[string]int{}}}
	for {
		tok, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			if stack[0].counts["testsuites"] != 1 {
				return fmt.Errorf("the root is %v", stack[0].counts)
			}
			return nil
		case err != nil:
			return err
		}
		top := stack[len(stack)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			name := tok.Name.Local
			r, ok := junitRules[name]
			if !ok || tok.Name.Space != "" || top.name != "" && !slices.Contains(junitRules[top.name].holds, name) {
				return fmt.Errorf("%s in %s", name, top.name)
			}
			if top.counts[name]++; top.counts[name] > 1 && slices.Contains(junitRules[top.name].once, name) {
				return fmt.Errorf("%s has %s twice", top.name, name)
			}
			e := &open{name, map[string]string{}, map[string]int{}}
			for _, a := range tok.Attr {
				if !slices.Contains(r.need, a.Name.Local) && !slices.Contains(r.may, a.Name.Local) {
					return fmt.Errorf("%s has %s", name, a.Name.Local)
				}
				e.attrs[a.Name.Local] = a.Value
			}
			for _, a := range r.need {
				if _, ok := e.attrs[a]; !ok {
					return fmt.Errorf("%s without %s", name, a)
				}
			}
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
			up := stack[len(stack)-1]
			switch top.name {
			case "testsuites", "testsuite":
				top.counts["tests"] += top.counts["testcase"]
				for _, n := range junitNumbers {
					if got, ok := top.attrs[n]; ok && got != strconv.Itoa(top.counts[n]) {
						return fmt.Errorf("%s %s: %s is %s, want %d", top.name, top.attrs["name"], n, got, top.counts[n])
					}
					up.counts[n] += top.counts[n]
				}
			case "testcase":
				up.counts["failures"] += top.counts["failure"]
				up.counts["errors"] += top.counts["error"]
				up.counts["skipped"] += top.counts["skipped"]
			}
		case xml.CharData:
			if s := strings.TrimSpace(string(tok)); s != "" && !slices.Contains([]string{"failure", "error", "skipped", "system-out", "system-err"}, top.name) {
				return fmt.Errorf("text in %s: %q", top.name, s)
			}
		}
	}
}

func TestJUnitForm(t *testing.T) {
	for text, want := range map[string]string{
		`<testsuites><testsuite name="a" tests="1"/></testsuites>`: "tests is 1, want 0", `<testsuite name="a" tests="0"/>`: "the root",
		`<testsuites><testsuite tests="0"/></testsuites>`: "without name", `<testsuites><testcase name="a"/></testsuites>`: "testcase in testsuites", `<testsuites><testsuite name="a" tests="0" x="1"/></testsuites>`: "has x",
	} {
		if err := checkJUnit([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for name, r := range map[string]*assay.Report{"small": small(), "evil": evil(), "empty": {}, "packages": billed(), "ruled": ruled()} {
		for _, suppressed := range []bool{false, true} {
			if err := checkJUnit([]byte(write(t, "junit", r, assay.FormatOptions{Suppressed: suppressed}))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// cases lists the test cases of a report, a line each.
func cases(t *testing.T, r *assay.Report, o assay.FormatOptions) (out []string) {
	t.Helper()
	var d struct {
		Suites []struct {
			Name  string `xml:"name,attr"`
			Cases []struct {
				Class   string `xml:"classname,attr"`
				Name    string `xml:"name,attr"`
				File    string `xml:"file,attr"`
				Skipped *struct {
					Message string `xml:"message,attr"`
				} `xml:"skipped"`
				Failure *struct {
					Message string `xml:"message,attr"`
				} `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(write(t, "junit", r, o)), &d); err != nil {
		t.Fatal(err)
	}
	for _, s := range d.Suites {
		for _, c := range s.Cases {
			line := fmt.Sprintf("%s: %s %s %s", s.Name, c.Class, c.Name, c.File)
			switch {
			case c.Failure != nil:
				line += " failed: " + c.Failure.Message
			case c.Skipped != nil:
				line += " skipped: " + c.Skipped.Message
			}
			out = append(out, line)
		}
	}
	return out
}

func TestJUnit(t *testing.T) {
	image := ruled()
	image.Packages = append(image.Packages, assay.Package{Type: "npm", Name: "a", Version: "1", Path: "app/package-lock.json"}, assay.Package{Type: "deb", Name: "libssl-dev", Version: "1.1.1n-0+deb10u3", Source: "openssl"})
	image.Findings[0].Detail.Title = "A title"
	more := image.Findings[0]
	more.Package = 3 // of the same source: no case of its own
	image.Findings = append(image.Findings, more)
	folder := small()
	folder.Kind, folder.Gaps, folder.Findings = assay.KindFilesystem, nil, folder.Findings[:1]
	folder.Findings[0].Detail.Title = "A title"
	folder.Packages = []assay.Package{{Type: "npm", Name: "a", Version: "1", Path: "web/package-lock.json"}, {Type: "npm", Name: "a", Version: "2", Path: "web/package-lock.json"}, {Type: "golang", Name: "b", Version: "1", Path: "go.mod"}}
	second := folder.Findings[0]
	second.Package = 1
	folder.Findings = append(folder.Findings, second)
	tests := []struct {
		name string
		r    *assay.Report
		o    assay.FormatOptions
		want []string
	}{
		{"image", image, assay.FormatOptions{Suppressed: true}, []string{
			"deb: libssl1.1 [CRITICAL] CVE-2022-0001  failed: libssl1.1 1.1.1n-0+deb10u3: A title, fixed in 1.1.1n-0+deb10u4",
			"deb: zlib1g [NEGLIGIBLE] CVE-2022-0002  failed: zlib1g 1:1.2.11.dfsg-1: First sentence",
			"deb: libssl1.1 [HIGH] CVE-2022-0003  skipped: libssl1.1 1.1.1n-0+deb10u3: not_affected by .assayignore:3: not reached",
			"npm: npm no vulnerabilities to report ",
			"not read or not judged: gap layer 1: opt/a  skipped: malformed",
		}},
		{"folder", folder, assay.FormatOptions{}, []string{
			"web/package-lock.json: a [CRITICAL] CVE-2022-0001 web/package-lock.json failed: a 1: A title, fixed in 1.1.1n-0+deb10u4",
			"web/package-lock.json: a [CRITICAL] CVE-2022-0001 (2) web/package-lock.json failed: a 2: A title, fixed in 1.1.1n-0+deb10u4",
			"go.mod: go.mod no vulnerabilities to report go.mod",
		}},
		{"nothing", &assay.Report{}, assay.FormatOptions{}, []string{"packages: packages no vulnerabilities to report "}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, cases(t, tt.r, tt.o)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	text := write(t, "junit", image, assay.FormatOptions{})
	for _, part := range []string{`<property name="target" value="app:1">`, "Package: libssl-dev 1.1.1n-0+deb10u3\n", "See: https://security-tracker.debian.org/tracker/CVE-2022-0001\n", `timestamp="2024-07-02T10:00:00"`, "<system-err><![CDATA[layer 1: opt/a: malformed]]></system-err>"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, text)
		}
	}
	if strings.Contains(text, "CVE-2022-0003") {
		t.Error("a suppressed one without being asked for")
	}
}

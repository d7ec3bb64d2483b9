// Package template writes a report with a template of the user. Templates see only the
// report: no environment variables, files, network or clock. Their output and running
// time are bounded.
//
// Language: https://pkg.go.dev/text/template
package template

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/template"
	"text/template/parse"
	"time"

	"github.com/assaysec/assay"
)

const (
	// MaxTemplate bounds a template: scanners' own ones have at most 60 kB, with a
	// whole web page in them.
	MaxTemplate = 1 << 20
	// maxOutput bounds what a template writes: a page about 10,000 findings with all
	// details has 50 MB.
	maxOutput = 256 << 20
	// maxText bounds a text that a function returns, because a loop can double a
	// variable in each round.
	maxText = 64 << 20
	// maxWork bounds the work of a template: the bytes that its functions return, plus
	// callCost for each call and each round of a loop. It allows four million calls,
	// which take some seconds.
	maxWork  = 1 << 30
	callCost = 256
)

// name is the name that text/template shows in errors.
const name = "report"

// New returns the format for templates; views are functions that convert a report to
// another form.
func New(views map[string]func(*assay.Report) any) assay.Format {
	return assay.Format{
		Name: "template", About: "your own template, see --template", Options: assay.OptionTemplate,
		Check: func(o assay.FormatOptions) error {
			run := newRun(sample(), io.Discard, views)
			t, err := compile(o.Template, run)
			if err != nil {
				return err
			}
			return try(t, run)
		},
		Write: func(w io.Writer, r *assay.Report, o assay.FormatOptions) error {
			run := newRun(r, w, views)
			t, err := compile(o.Template, run)
			if err != nil {
				return err
			}
			b := bufio.NewWriter(run)
			if err := t.Execute(b, r); err != nil {
				b.Flush() // the output before the error shows where it occurred
				return fmt.Errorf("template: %w", lined{err})
			}
			return b.Flush()
		},
	}
}

// compile parses a template, and adds the steps that count the rounds of its loops and
// its calls.
func compile(text string, r *run) (*template.Template, error) {
	switch {
	case strings.TrimSpace(text) == "":
		return nil, fmt.Errorf("empty template: %w", assay.ErrMalformed)
	case len(text) > MaxTemplate:
		return nil, fmt.Errorf("template of %d bytes, more than %d: %w", len(text), MaxTemplate, assay.ErrTooLarge)
	}
	funcs := r.funcs()
	t, err := template.New(name).Funcs(funcs).Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", lined{err}, assay.ErrMalformed)
	}
	c, err := newCounter(funcs)
	if err != nil {
		return nil, err
	}
	for _, part := range t.Templates() {
		if part.Tree == nil || part.Root == nil {
			continue
		}
		if err := c.count(part.Root, 0); err != nil {
			return nil, err
		}
		part.Root.Nodes = append(append([]parse.Node{c.enter.Copy()}, part.Root.Nodes...), c.leave.Copy())
	}
	return t, nil
}

// Names of the functions that compile adds to a template.
const (
	stepFunc  = "assayStep"  // in each round of a loop
	enterFunc = "assayEnter" // at the start of a template
	leaveFunc = "assayLeave" // at its end
)

// maxNesting bounds nested loops and nested template calls: when one of them fails,
// text/template takes time quadratic in the depth.
const maxNesting = 50

type counter struct{ step, enter, leave parse.Node }

func newCounter(funcs template.FuncMap) (*counter, error) {
	trees, err := parse.Parse(name, "{{"+stepFunc+"}}{{"+enterFunc+"}}{{"+leaveFunc+"}}", "", "", funcs)
	if err != nil {
		return nil, err
	}
	n := trees[name].Root.Nodes
	return &counter{n[0], n[1], n[2]}, nil
}

// count adds the counting steps to the loops below a list; depth is the number of loops
// around it.
func (c *counter) count(list *parse.ListNode, depth int) error {
	if list == nil {
		return nil
	}
	if depth > maxNesting {
		return fmt.Errorf("more than %d nested loops: %w", maxNesting, assay.ErrTooLarge)
	}
	for _, n := range list.Nodes {
		var body, other *parse.ListNode
		in := depth
		switch n := n.(type) {
		case *parse.RangeNode:
			body, other, in = n.List, n.ElseList, depth+1
		case *parse.IfNode:
			body, other = n.List, n.ElseList
		case *parse.WithNode:
			body, other = n.List, n.ElseList
		}
		if err := c.count(body, in); err != nil {
			return err
		}
		if err := c.count(other, in); err != nil {
			return err
		}
		if in > depth {
			body.Nodes = append([]parse.Node{c.step.Copy()}, body.Nodes...)
		}
	}
	return nil
}

// tryWork is the part of maxWork that trying a template may use.
const tryWork = 1 << 24

// sample is a report with one value of each kind, so that trying a template reaches all
// of it.
func sample() *assay.Report {
	now := time.Now()
	f := assay.Finding{ID: "CVE-2024-1", VendorIDs: []string{"DSA-1"}, Aliases: []string{"GHSA-1"}, FixedIn: "2", Fixes: []string{"2"}, Detail: assay.Detail{Title: "t", Text: "t",
		CVSS: []assay.CVSS{{}}, Ratings: []assay.Rating{{}}, CWEs: []string{"CWE-1"}, References: []string{"https://example.org"}, Published: now, Modified: now, KEV: &assay.KEV{}, EPSS: &assay.EPSS{}}}
	return &assay.Report{Created: now, Image: assay.ImageInfo{Name: "a", RepoTags: []string{"a"}, RepoDigests: []string{"a"}, Layers: []assay.LayerInfo{{}}, Base: &assay.BaseImage{}}, Release: assay.Release{ID: "debian", Version: "12"},
		Packages: []assay.Package{{Type: assay.TypeDeb, Name: "a", Version: "1", Licences: []string{"MIT"}}, {Type: assay.TypeNPM, Name: "b", Version: "1", Path: "b"}},
		Findings: []assay.Finding{f, {ID: "CVE-2024-2", Package: 1, Detail: f.Detail}}, Suppressed: []assay.Suppressed{{Finding: f}}, Gaps: []assay.Gap{{}},
		Database: assay.Database{Shards: []assay.Shard{{Feeds: []assay.FeedStatus{{}}}}}}
}

// noField matches the error of text/template for a field that the type does not have:
// no report can avoid it.
var noField = regexp.MustCompile(`can't evaluate field \w+ in type (.*)$`)

// try runs a template on the sample. It reports only errors that every report causes.
func try(t *template.Template, r *run) error {
	r.work = maxWork - tryWork
	err := t.Execute(r, r.report)
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "range can't iterate over {") && strings.Contains(err.Error(), "at <.>") {
		return fmt.Errorf("%w: the report is no list: put a template for Trivy inside {{with trivyResults .}}...{{end}}: %w", lined{err}, assay.ErrMalformed)
	}
	if m := noField.FindStringSubmatch(err.Error()); m == nil || strings.HasPrefix(m[1], "map[") || m[1] == "interface {}" {
		return nil
	}
	return fmt.Errorf("%w: %w", lined{err}, assay.ErrMalformed)
}

var place = regexp.MustCompile(`^template: ` + name + `:(\d+)(:\d+)?: `)

// lined is an error of text/template whose text begins with the line.
type lined struct{ error }

func (l lined) Unwrap() error { return l.error }

func (l lined) Error() string {
	text := iterated.ReplaceAllString(l.error.Error(), "$1")
	return stepped.ReplaceAllString(place.ReplaceAllString(text, "line $1: "), "")
}

// iterated matches an error with a whole value, which may be the report.
var iterated = regexp.MustCompile(`(?s)(range can't iterate over) .*$`)

// stepped matches the part of errors that names an added function, which users do not
// know.
var stepped = regexp.MustCompile(`executing .* at <assay\w+>: error calling assay\w+: `)

// run is one execution of a template.
type run struct {
	report  *assay.Report
	views   map[string]func(*assay.Report) any
	w       io.Writer
	written int
	work    int
	depth   int            // depth of nested templates
	shown   map[string]any // converted reports, by name of the view
}

func newRun(r *assay.Report, w io.Writer, views map[string]func(*assay.Report) any) *run {
	return &run{report: r, w: w, views: views, shown: map[string]any{}}
}

func (r *run) Write(b []byte) (int, error) {
	if r.written += len(b); r.written > maxOutput {
		return 0, fmt.Errorf("the template writes more than %d bytes: %w", maxOutput, assay.ErrTooLarge)
	}
	return r.w.Write(b)
}

func (r *run) enter() (string, error) {
	if r.depth++; r.depth > maxNesting {
		return "", fmt.Errorf("more than %d nested templates: %w", maxNesting, assay.ErrTooLarge)
	}
	return "", r.spend(0)
}

func (r *run) leave() string {
	r.depth--
	return ""
}

// spend counts work.
func (r *run) spend(n int) error {
	if n > maxText {
		return fmt.Errorf("a text of %d bytes exceeds the limit of %d: %w", n, maxText, assay.ErrTooLarge)
	}
	if r.work += n + callCost; r.work > maxWork {
		return fmt.Errorf("the template takes too long: shorten its loops and texts: %w", assay.ErrTooLarge)
	}
	return nil
}

// text returns the result of a function, if the limits allow it.
func (r *run) text(s string) (string, error) {
	if err := r.spend(len(s)); err != nil {
		return "", err
	}
	return s, nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/suppress/ignore"
	"github.com/assaysec/assay/internal/suppress/policy"
	"github.com/assaysec/assay/internal/triage"
	"github.com/spf13/pflag"
)

// ruleOptions are the flags about files of rules that ignore findings.
type ruleOptions struct {
	files      []string
	whitelists []string
	policy     string

	ignored *ignore.Set
	before  counter // findings that suppressors were asked about
	after   counter // of them, those that nobody ruled out
}

// A counter is a suppressor that rules nothing out, and counts the findings of the
// last report that it is asked about.
type counter struct {
	of *assay.Report
	n  int
}

// Rule implements triage.Suppressor.
func (c *counter) Suppress(_ context.Context, r *assay.Report, _ *assay.Finding) (assay.Suppression, bool, error) {
	if c.of != r {
		*c = counter{of: r}
	}
	c.n++
	return assay.Suppression{}, false, nil
}

// watched are suppressors with what counts how much they leave.
func (o *ruleOptions) watched(all []triage.Suppressor) []triage.Suppressor {
	if len(all) == 0 {
		return nil
	}
	return slices.Concat([]triage.Suppressor{&o.before}, all, []triage.Suppressor{&o.after})
}

// usualRules are read from this folder where no other file is named.
var usualRules = []string{".assayignore", ".assayignore.yaml", ".assayignore.yml", ".trivyignore"}

func (o *ruleOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.files, "ignorefile", nil, "`FILE` of rules that ignore findings, of assay, Trivy or Grype; may be repeated (default: .assayignore, .assayignore.yaml and .trivyignore in this folder)")
	f.StringSliceVarP(&o.whitelists, "whitelist", "w", nil, "`FILE` of vulnerabilities to ignore, in clair-scanner's form; may be repeated")
	f.StringVar(&o.policy, "ignore-policy", "", "`FILE` with a policy in Rego that says which findings to ignore")
}

// set reports whether the command line names rules.
func (o *ruleOptions) set() bool { return len(o.files)+len(o.whitelists) > 0 || o.policy != "" }

// suppressors reads the files, and says what is wrong with them before anything is
// scanned: rules come before the policy.
func (o *ruleOptions) suppressors() ([]triage.Suppressor, error) {
	var files []*ignore.File
	read := func(name string, read func(string, []byte) (*ignore.File, error), optional bool) error {
		b, err := limit.ReadFile(name, ignore.MaxFile)
		if optional && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return usagef("%w", err)
		}
		f, err := read(name, b)
		if err != nil {
			return usagef("%w", err)
		}
		files = append(files, f)
		return nil
	}
	names := o.files
	if len(names) == 0 {
		names = usualRules
	}
	for _, name := range names {
		if err := read(name, ignore.Read, len(o.files) == 0); err != nil {
			return nil, err
		}
	}
	for _, name := range o.whitelists {
		if err := read(name, ignore.ReadWhitelist, false); err != nil {
			return nil, err
		}
	}
	var all []triage.Suppressor
	if len(files) > 0 {
		o.ignored = ignore.New(files...)
		all = append(all, o.ignored)
	}
	if o.policy == "" {
		return all, nil
	}
	b, err := limit.ReadFile(o.policy, policy.MaxPolicy)
	if err != nil {
		return nil, usagef("--ignore-policy: %w", err)
	}
	p, err := policy.Compile(context.Background(), o.policy, b, report.TrivyFinding)
	if err != nil {
		return nil, usagef("--ignore-policy: %w", err)
	}
	return append(all, p), nil
}

// warn says what is to be known of the rules that a report was judged by, and
// when nothing is left by them and others.
func (o *ruleOptions) warn(format assay.Format, r *assay.Report) {
	if format.SBOM {
		return
	}
	if o.ignored != nil {
		for _, w := range o.ignored.Warnings(r) {
			slog.Warn(printable.Text(w))
		}
	}
	if n := o.before.n; o.before.of == r && n > 0 && (o.after.of != r || o.after.n == 0) {
		what := fmt.Sprintf("all %d findings are", n)
		if n == 1 {
			what = "the one finding is"
		}
		slog.Warn(printable.Text(fmt.Sprintf("%s ruled out (by %s): nothing is left to report", what, strings.Join(rulersOf(r), ", "))))
	}
}

// maxRulers is how many files and documents a warning names.
const maxRulers = 8

// inFile ends what a suppression names: a line, or a statement.
var inFile = regexp.MustCompile(`(:\d+| \(statement \d+\))$`)

// rulersOf are the files and documents that ruled a report's findings out.
func rulersOf(r *assay.Report) (names []string) {
	for i := range r.Suppressed {
		if by := r.Suppressed[i].By; by != assay.SuppressedByMatch {
			names = append(names, inFile.ReplaceAllString(by, ""))
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > maxRulers {
		names = append(names[:maxRulers], fmt.Sprintf("and %d more", len(names)-maxRulers))
	}
	return names
}

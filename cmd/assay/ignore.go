package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ignore"
	"github.com/assaysec/assay/internal/limit"
	"github.com/assaysec/assay/internal/printable"
	"github.com/assaysec/assay/internal/rego"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/triage"
	"github.com/spf13/pflag"
)

// ruleOptions are the flags about files of rules that ignore findings.
type ruleOptions struct {
	files      []string
	whitelists []string
	policy     string

	ignored *ignore.Set
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

// rulers reads the files, and says what is wrong with them before anything is
// scanned: rules come before the policy.
func (o *ruleOptions) rulers() ([]triage.Ruler, error) {
	var files []*ignore.File
	read := func(name string, read func(string, []byte) (*ignore.File, error), optional bool) error {
		b, err := readBounded(name, ignore.MaxFile)
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
	var all []triage.Ruler
	if len(files) > 0 {
		o.ignored = ignore.New(files...)
		all = append(all, o.ignored)
	}
	if o.policy == "" {
		return all, nil
	}
	b, err := readBounded(o.policy, rego.MaxPolicy)
	if err != nil {
		return nil, usagef("--ignore-policy: %w", err)
	}
	p, err := rego.Compile(context.Background(), o.policy, b, report.TrivyFinding)
	if err != nil {
		return nil, usagef("--ignore-policy: %w", err)
	}
	return append(all, p), nil
}

// readBounded reads a file that the user names.
func readBounded(name string, max int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := limit.ReadAll(f, max)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return b, nil
}

// warn says what is to be known of the rules that a report was judged by.
func (o *ruleOptions) warn(format assay.Format, r *assay.Report) {
	if o.ignored == nil || format.Bill {
		return
	}
	for _, w := range o.ignored.Warnings(r) {
		slog.Warn(printable.Text(w))
	}
}

package scan

import (
	"context"
	"errors"
	"io/fs"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/suppress/ignore"
	"github.com/assaysec/assay/internal/suppress/policy"
)

// RuleOptions names the files with ignore rules and policies.
type RuleOptions struct {
	IgnoreFiles []string // of assay, Trivy or Grype
	Optional    []string // the same, read if they exist
	Whitelists  []string // clair-scanner's format
	Policy      string   // in Rego; "" means no policy
}

// LoadRules reads the files, for Request.Suppressors: rules come before the
// policy. The error is an OptionError with the file, the line and the defect.
func LoadRules(o RuleOptions) ([]assay.Suppressor, error) {
	var files []*ignore.File
	for _, l := range []struct {
		names    []string
		read     func(string, []byte) (*ignore.File, error)
		optional bool
	}{{o.IgnoreFiles, ignore.Read, false}, {o.Optional, ignore.Read, true}, {o.Whitelists, ignore.ReadWhitelist, false}} {
		for _, name := range l.names {
			open := limit.ReadFile
			if l.optional {
				open = limit.ReadRegular
			}
			b, err := open(name, ignore.MaxFile)
			if l.optional && errors.Is(err, fs.ErrNotExist) {
				continue
			}
			var f *ignore.File
			if err == nil {
				f, err = l.read(name, b)
			}
			if err != nil {
				return nil, &OptionError{"", err}
			}
			files = append(files, f)
		}
	}
	var all []assay.Suppressor
	if len(files) > 0 {
		all = append(all, ignore.New(files...))
	}
	if o.Policy == "" {
		return all, nil
	}
	b, err := limit.ReadFile(o.Policy, policy.MaxPolicy)
	if err != nil {
		return nil, &OptionError{"ignore-policy", err}
	}
	p, err := policy.Compile(context.Background(), o.Policy, b, report.TrivyFinding)
	if err != nil {
		return nil, &OptionError{"ignore-policy", err}
	}
	return append(all, p), nil
}

package main

import (
	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/pflag"
)

// ruleOptions are the flags that name ignore files.
type ruleOptions struct {
	files      []string
	whitelists []string
	policy     string
}

// usualRules are read from the current directory when --ignorefile is not given.
var usualRules = []string{".assayignore", ".assayignore.yaml", ".assayignore.yml", ".trivyignore"}

func (o *ruleOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.files, "ignorefile", nil, "`FILE` of ignore rules (assay, Trivy, Grype); may be repeated (default: .assayignore, .assayignore.yaml, .trivyignore here)")
	f.StringSliceVarP(&o.whitelists, "whitelist", "w", nil, "`FILE` with a clair-scanner whitelist; may be repeated")
	f.StringVar(&o.policy, "ignore-policy", "", "`FILE` with a Rego policy that decides which findings to ignore")
}

// set reports whether the command line names ignore files.
func (o *ruleOptions) set() bool { return len(o.files)+len(o.whitelists) > 0 || o.policy != "" }

// load reads the files; an invalid one is an error before anything is scanned.
func (o *ruleOptions) load() ([]assay.Suppressor, error) {
	rules := scan.RuleOptions{IgnoreFiles: o.files, Whitelists: o.whitelists, Policy: o.policy}
	if len(o.files) == 0 {
		rules.Optional = usualRules
	}
	return scan.LoadRules(rules)
}

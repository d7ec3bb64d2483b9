package main

import (
	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/pflag"
)

// ruleOptions are the flags about files of rules that ignore findings.
type ruleOptions struct {
	files      []string
	whitelists []string
	policy     string
}

// usualRules are read from the current directory where no other file is named.
var usualRules = []string{".assayignore", ".assayignore.yaml", ".assayignore.yml", ".trivyignore"}

func (o *ruleOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.files, "ignorefile", nil, "`FILE` of rules that ignore findings, of assay, Trivy or Grype; may be repeated (default: .assayignore, .assayignore.yaml and .trivyignore in this directory)")
	f.StringSliceVarP(&o.whitelists, "whitelist", "w", nil, "`FILE` of vulnerabilities to ignore, in clair-scanner's form; may be repeated")
	f.StringVar(&o.policy, "ignore-policy", "", "`FILE` with a policy in Rego that says which findings to ignore")
}

// set reports whether the command line names rules.
func (o *ruleOptions) set() bool { return len(o.files)+len(o.whitelists) > 0 || o.policy != "" }

// load reads the files, and says what is wrong with them before anything is
// scanned.
func (o *ruleOptions) load() ([]assay.Suppressor, error) {
	rules := scan.RuleOptions{IgnoreFiles: o.files, Whitelists: o.whitelists, Policy: o.policy}
	if len(o.files) == 0 {
		rules.Optional = usualRules
	}
	return scan.LoadRules(rules)
}

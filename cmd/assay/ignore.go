package main

import (
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/pflag"
)

// ruleOptions are the flags that name ignore files.
type ruleOptions struct {
	files      []string
	whitelists []string
	policy     string
	named      bool // use no file that only lies in the current directory

	given func(flag string) bool // whether the user set the flag
}

// usualRules are read from the current directory when --ignorefile is not given.
var usualRules = []string{".assayignore", ".assayignore.yaml", ".assayignore.yml", ".trivyignore"}

func (o *ruleOptions) flags(f *pflag.FlagSet) {
	o.given = f.Changed
	f.StringSliceVar(&o.files, "ignorefile", nil, "`FILE` of ignore rules (assay, Trivy, Grype); may be repeated (default: .assayignore, .assayignore.yaml, .trivyignore here)")
	f.BoolVar(&o.named, "no-ignore-files", false, "use no ignore file of the current directory that --ignorefile does not name")
	f.StringSliceVarP(&o.whitelists, "whitelist", "w", nil, "`FILE` with a clair-scanner whitelist; may be repeated")
	f.StringVar(&o.policy, "ignore-policy", "", "`FILE` with a Rego policy that decides which findings to ignore")
}

// distrust leaves out the ignore files of the current directory unless a flag says
// otherwise: the target is not what is in the directory.
func (o *ruleOptions) distrust(g *global) {
	if o.given("no-ignore-files") || len(o.files) > 0 {
		return
	}
	o.named = true
	for _, name := range usualRules {
		if exists(name) {
			g.notify("%s of this directory is not used for a repository's address: name it with --ignorefile", name)
		}
	}
}

// report names the ignore files of the current directory that suppress findings, for a
// report that does not.
func (o *ruleOptions) report(g *global, r *assay.Report) {
	if len(o.files) > 0 || o.named {
		return
	}
	for _, name := range usualRules {
		n := 0
		for i := range r.Suppressed {
			if strings.HasPrefix(r.Suppressed[i].By, name+":") {
				n++
			}
		}
		if n > 0 {
			g.notify("%s suppressed by %s of this directory (--no-ignore-files does without it)", printable.Count(n, "finding is", "findings are"), name)
		}
	}
}

// set reports whether the command line names ignore files.
func (o *ruleOptions) set() bool { return len(o.files)+len(o.whitelists) > 0 || o.policy != "" }

// load reads the files; an invalid one is an error before anything is scanned.
func (o *ruleOptions) load() ([]assay.Suppressor, error) {
	rules := scan.RuleOptions{IgnoreFiles: o.files, Whitelists: o.whitelists, Policy: o.policy}
	if len(o.files) == 0 && !o.named {
		rules.Optional = usualRules
	}
	return scan.LoadRules(rules)
}

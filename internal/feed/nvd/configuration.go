package nvd

import (
	"cmp"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cpe"
	"github.com/assaysec/assay/internal/version"
	"github.com/assaysec/assay/internal/version/requirement"
)

// configuration lists the affected products, some of them only together with
// others. https://nvd.nist.gov/developers/vulnerabilities
type configuration struct {
	Operator string `json:"operator"` // of the nodes: "OR" or ""; "AND"
	Negate   bool   `json:"negate"`
	Nodes    []node `json:"nodes"`
}

type node struct {
	Operator string  `json:"operator"`
	Negate   bool    `json:"negate"`
	Matches  []match `json:"cpeMatch"`
}

type match struct {
	Vulnerable bool   `json:"vulnerable"`
	Criteria   string `json:"criteria"`
	StartIn    string `json:"versionStartIncluding"`
	StartEx    string `json:"versionStartExcluding"`
	EndIn      string `json:"versionEndIncluding"`
	EndEx      string `json:"versionEndExcluding"`
}

const (
	maxBeside   = 100 // CPEs that must also be present; some configurations list every device of a vendor
	whyNegated  = "negated configuration"
	whyVersions = "configuration whose versions cannot be compared"
	whyCPE      = "configuration with a malformed CPE name"
)

// products converts configurations to one row for each affected product that is
// software. Skip receives the reason of each product that is left out.
func products(configurations []configuration, skip func(why string)) []assay.Affected {
	var out []assay.Affected
	for _, c := range configurations {
		for i, n := range c.Nodes {
			if c.Negate || n.Negate {
				skip(whyNegated)
				continue
			}
			var beside []string // one of these must also be present
			if c.Operator == "AND" {
				for j, other := range c.Nodes {
					if j != i {
						beside = append(beside, criteria(other.Matches)...)
					}
				}
			}
			out = append(out, n.rows(beside, skip)...)
		}
	}
	return out
}

func criteria(matches []match) (out []string) {
	for _, m := range matches {
		out = append(out, m.Criteria)
	}
	return out
}

// rows are the products of a node.
func (n *node) rows(beside []string, skip func(why string)) (out []assay.Affected) {
	for i := range n.Matches {
		m := &n.Matches[i]
		if !m.Vulnerable {
			continue
		}
		name, ok := cpe.ParseFormatted(m.Criteria)
		if !ok {
			skip(whyCPE)
			continue
		}
		if name.Part == "h" {
			continue
		}
		with := slices.Clone(beside)
		if n.Operator == "AND" {
			with = append(with, criteria(slices.Delete(slices.Clone(n.Matches), i, i+1))...)
		}
		if len(with) > maxBeside {
			with = with[:maxBeside:maxBeside]
		}
		a := assay.Affected{Stream: assay.StreamCPE, Name: cmp.Or(name.Vendor, "*") + ":" + cmp.Or(name.Product, "*"), Status: assay.StatusAffected,
			Qualifiers: assay.Qualifiers{CPEs: []string{m.Criteria}, RunningOn: with}}
		if err := m.versions(&a, name); err != nil {
			skip(whyVersions)
			continue
		}
		out = append(out, a)
	}
	return out
}

// versions sets the affected versions of the product: a range, one version, or
// all.
func (m *match) versions(a *assay.Affected, name cpe.Name) error {
	if v := name.Version; v != "" && v != "-" {
		if u := name.Update; u != "" && u != "-" {
			v += ":" + u
		}
		a.Versions = []string{v}
		return nil
	}
	r := assay.Range{Introduced: m.StartIn, Fixed: m.EndEx, LastAffected: m.EndIn}
	if m.StartEx != "" {
		set, err := requirement.Parse(requirement.Plain, version.Generic, ">"+m.StartEx)
		if err != nil {
			return err
		}
		behind, err := set.Ranges()
		if err != nil || len(behind) != 1 {
			return err
		}
		r.Introduced = behind[0].Introduced
	}
	a.Ranges = []assay.Range{r}
	return nil
}

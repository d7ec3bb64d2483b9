package nvd

import (
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// item is one element of a feed's list.
type item struct {
	CVE struct {
		ID           string              `json:"id"`
		Published    string              `json:"published"`
		LastModified string              `json:"lastModified"`
		Status       string              `json:"vulnStatus"`
		Descriptions []text              `json:"descriptions"`
		Metrics      map[string][]metric `json:"metrics"`
		Weaknesses   []struct {
			Description []text `json:"description"`
		} `json:"weaknesses"`
		References []struct {
			URL string `json:"url"`
		} `json:"references"`
		Configurations []configuration `json:"configurations"`
	} `json:"cve"`
}

type text struct {
	Lang  string `json:"lang"`
	Value string `json:"value"`
}

// metric is a score; its name adds nothing to its data.
type metric struct {
	Source string `json:"source"`
	Data   struct {
		Version   string  `json:"version"`
		Vector    string  `json:"vectorString"`
		BaseScore float64 `json:"baseScore"`
	} `json:"cvssData"`
}

// sources are short names of the sources of scores in NVD. Other sources keep
// NVD's identifier, mostly an email address.
// https://services.nvd.nist.gov/rest/json/source/2.0 (2026-11-23)
var sources = map[string]string{
	"nvd@nist.gov":                         "nvd",
	"134c704f-9b21-4f2e-91b3-4a467353bcc0": "cisa-adp",
	"security-advisories@github.com":       "ghsa",
}

func (i *item) detail() assay.Detail {
	c := &i.CVE
	d := assay.Detail{
		ID: c.ID, Feed: assay.FeedNVD, Published: cve.Time(c.Published), Modified: cve.Time(c.LastModified),
		Rejected: c.Status == "Rejected",
	}
	for _, t := range c.Descriptions {
		if d.Text == "" && (t.Lang == "en" || strings.HasPrefix(t.Lang, "en-")) {
			d.Text = t.Value
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(c.Metrics)) {
		for _, m := range c.Metrics[kind] {
			if m.Data.BaseScore < 0 || m.Data.BaseScore > 10 || m.Data.Version == "" {
				continue
			}
			source := m.Source
			if s, ok := sources[source]; ok {
				source = s
			}
			d.CVSS = append(d.CVSS, assay.CVSS{Source: source, Version: m.Data.Version, Vector: m.Data.Vector, Score: m.Data.BaseScore})
		}
	}
	for _, w := range c.Weaknesses {
		for _, t := range w.Description {
			d.CWEs = append(d.CWEs, cve.Weakness(t.Value))
		}
	}
	for _, r := range c.References {
		d.References = append(d.References, r.URL)
	}
	d.CWEs, d.References = cve.Set(d.CWEs), cve.Set(d.References)
	return d
}

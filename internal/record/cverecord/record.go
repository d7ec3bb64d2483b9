// Package cverecord reads CVE records in the JSON format 5, and bundles of them.
// One container comes from the authority (CNA) that assigned the number, others
// from authorised publishers (ADP) such as CISA. The affected products and
// CISA's decision points (SSVC) are not read.
//
// Format: https://github.com/CVEProject/cve-schema
package cverecord

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// record is a CVE record.
type record struct {
	Metadata struct {
		ID        string `json:"cveId"`
		State     string `json:"state"`
		Published string `json:"datePublished"`
		Updated   string `json:"dateUpdated"`
	} `json:"cveMetadata"`
	Containers struct {
		CNA container   `json:"cna"`
		ADP []container `json:"adp"`
	} `json:"containers"`
}

// container is one publisher's data on the CVE.
type container struct {
	Provider struct {
		ShortName string `json:"shortName"`
	} `json:"providerMetadata"`
	Title           string              `json:"title"`
	Descriptions    []text              `json:"descriptions"`
	RejectedReasons []text              `json:"rejectedReasons"`
	Metrics         []map[string]metric `json:"metrics"` // by format: "cvssV3_1", "other"
	ProblemTypes    []struct {
		Descriptions []struct {
			CWE         string `json:"cweId"`
			Description string `json:"description"`
		} `json:"descriptions"`
	} `json:"problemTypes"`
	References []struct {
		URL string `json:"url"`
	} `json:"references"`
}

type text struct {
	Lang  string `json:"lang"`
	Value string `json:"value"`
}

// metric is a score, or another metric, which has no version.
type metric struct {
	Version   string  `json:"version"`
	Vector    string  `json:"vectorString"`
	BaseScore float64 `json:"baseScore"`
}

// UnmarshalJSON treats anything but a score as an empty metric.
func (m *metric) UnmarshalJSON(b []byte) error {
	type plain metric
	if json.Unmarshal(b, (*plain)(m)) != nil {
		*m = metric{}
	}
	return nil
}

func (r *record) detail() assay.Detail {
	m := &r.Metadata
	d := assay.Detail{
		ID: m.ID, Published: cve.Time(m.Published), Modified: cve.Time(m.Updated),
		Rejected: m.State == "REJECTED",
		Title:    strings.Join(strings.Fields(r.Containers.CNA.Title), " "), // one line
		Text:     english(append(r.Containers.CNA.Descriptions, r.Containers.CNA.RejectedReasons...)),
	}
	r.Containers.CNA.into(&d, "cna")
	for _, c := range r.Containers.ADP {
		c.into(&d, strings.ToLower(c.Provider.ShortName))
	}
	d.CWEs, d.References = cve.Set(d.CWEs), cve.Set(d.References)
	return d
}

// into adds a container's scores, weaknesses and references to d. CISA's
// container is named "cisa-adp".
func (c *container) into(d *assay.Detail, source string) {
	for _, forms := range c.Metrics {
		for _, form := range slices.Sorted(maps.Keys(forms)) {
			m := forms[form]
			if strings.HasPrefix(form, "cvss") && m.Version != "" && m.BaseScore >= 0 && m.BaseScore <= 10 {
				d.CVSS = append(d.CVSS, assay.CVSS{Source: source, Version: m.Version, Vector: m.Vector, Score: m.BaseScore})
			}
		}
	}
	for _, p := range c.ProblemTypes {
		for _, t := range p.Descriptions {
			d.CWEs = append(d.CWEs, cve.Weakness(t.CWE), cve.Weakness(t.Description))
		}
	}
	for _, ref := range c.References {
		d.References = append(d.References, ref.URL)
	}
}

func english(texts []text) string {
	for _, t := range texts {
		if t.Lang == "en" || strings.HasPrefix(t.Lang, "en-") || strings.HasPrefix(t.Lang, "en_") {
			return t.Value
		}
	}
	return ""
}

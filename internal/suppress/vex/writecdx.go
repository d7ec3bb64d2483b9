package vex

import (
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/assaysec/assay"
)

// cdxWords are CycloneDX's terms for OpenVEX's justifications.
// https://cyclonedx.org/docs/1.6/json/#vulnerabilities_items_analysis_justification
var cdxWords = map[string]string{
	"component_not_present": "code_not_present", "vulnerable_code_not_present": "code_not_present", "vulnerable_code_not_in_execute_path": "code_not_reachable",
	"vulnerable_code_cannot_be_controlled_by_adversary": "requires_environment", "inline_mitigations_already_exist": "protected_by_mitigating_control",
}

var cdxNames = map[assay.Status]string{
	assay.StatusNotAffected: "not_affected", assay.StatusFixed: "resolved", assay.StatusAffected: "exploitable", assay.StatusUnderInvestigation: "in_triage",
}

type cdxOut struct {
	Format     string        `json:"bomFormat"`
	Spec       string        `json:"specVersion"`
	Serial     string        `json:"serialNumber"`
	Version    int           `json:"version"`
	Metadata   cdxOutMeta    `json:"metadata"`
	Components []cdxOutPart  `json:"components"`
	Vulns      []cdxOutEntry `json:"vulnerabilities"`
}

type cdxOutMeta struct {
	Timestamp string        `json:"timestamp"`
	Authors   []cdxParty    `json:"authors,omitempty"`
	Component *cdxOutTarget `json:"component,omitempty"`
}

type cdxOutTarget struct {
	Type string `json:"type"`
	Name string `json:"name"`
	PURL string `json:"purl,omitempty"`
	Ref  string `json:"bom-ref"`
}

type cdxOutPart struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl"`
	Ref     string `json:"bom-ref"`
}

type cdxOutEntry struct {
	ID         string         `json:"id"`
	References []cdxOutAlias  `json:"references,omitempty"`
	Analysis   cdxOutAnalysis `json:"analysis"`
	Recommend  string         `json:"recommendation,omitempty"`
	Affects    []cdxOutAffect `json:"affects"`
}

type cdxOutAlias struct {
	ID     string   `json:"id"`
	Source struct{} `json:"source"`
}

type cdxOutAnalysis struct {
	State         string `json:"state"`
	Justification string `json:"justification,omitempty"`
	Detail        string `json:"detail,omitempty"`
}

type cdxOutAffect struct {
	Ref string `json:"ref"`
}

// WriteCycloneDX writes statements as a VEX document of CycloneDX 1.6. Its
// products contain their subcomponents, because the format has only a status for
// components. Target is the subject of the document.
func WriteCycloneDX(w io.Writer, target Product, name, author string, at time.Time, statements []Statement) error {
	out := cdxOut{Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: cdxOutMeta{Timestamp: stamp(at), Authors: []cdxParty{{author}}},
		Components: []cdxOutPart{}, Vulns: []cdxOutEntry{}}
	if name != "" {
		out.Metadata.Component = &cdxOutTarget{Type: "container", Name: name, PURL: target.PURL, Ref: "target"}
		if target.PURL == "" {
			out.Metadata.Component.Type = "application"
		}
	}
	parts := map[string]bool{}
	for i := range statements {
		s := &statements[i]
		v := cdxOutEntry{ID: s.Vulnerability, Analysis: cdxOutAnalysis{State: cdxNames[s.Status], Justification: cdxWords[s.Justification], Detail: s.Impact},
			Recommend: s.ActionStatement, Affects: []cdxOutAffect{}}
		if v.Analysis.Detail == "" {
			v.Analysis.Detail = s.Notes
		}
		for _, a := range s.Aliases {
			v.References = append(v.References, cdxOutAlias{ID: a})
		}
		for _, p := range s.Products {
			refs := p.Subcomponents
			if len(refs) == 0 {
				refs = []string{p.stripped()} // the reader treats a package URL as a reference
			}
			for _, ref := range refs {
				parts[ref] = parts[ref] || isPURL(ref)
				v.Affects = append(v.Affects, cdxOutAffect{ref})
			}
		}
		out.Vulns = append(out.Vulns, v)
	}
	for _, ref := range slices.Sorted(maps.Keys(parts)) {
		if u, err := ParsePURL(ref); err == nil {
			out.Components = append(out.Components, cdxOutPart{Type: "library", Name: u.url.Name, Version: u.url.Version, PURL: ref, Ref: ref})
		}
	}
	sum := sha256.Sum256(encode(out)) // https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
	out.Serial = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
	return indented(w, encode(out))
}

package grypedb

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/version"
	"github.com/assaysec/assay/internal/version/requirement"
)

// vulnerabilityBlob is the blob of a row of vulnerability_handles.
type vulnerabilityBlob struct {
	Description string      `json:"description"`
	References  []reference `json:"refs"`
	Aliases     []string    `json:"aliases"`
	Severities  []severity  `json:"severities"`
}

type reference struct {
	URL string `json:"url"`
	ID  string `json:"id"` // of a publisher's advisory
}

type severity struct {
	Value  json.RawMessage `json:"value"` // a severity, or a vector with its version
	Source string          `json:"source"`
}

// packageBlob is the blob of handles of packages and CPEs.
type packageBlob struct {
	CVEs       []string    `json:"cves"`
	Qualifiers *qualifiers `json:"qualifiers"`
	Ranges     []affected  `json:"ranges"`
}

type qualifiers struct {
	Module  string     `json:"rpm_modularity"`
	CPEs    []string   `json:"platform_cpes"`
	Arches  stringList `json:"architecture"`
	RootIO  bool       `json:"rootio"`
	Imports []struct {
		Path    string   `json:"path"`
		Symbols []string `json:"symbols"`
	} `json:"go_imports"`
}

type affected struct {
	Version struct {
		Type       string `json:"type"`
		Constraint string `json:"constraint"`
	} `json:"version"`
	Fix *fix `json:"fix"`
}

type fix struct {
	Version string `json:"version"`
	State   string `json:"state"`
	Detail  *struct {
		Available *struct {
			Date string `json:"date"`
		} `json:"available"`
		References []reference `json:"references"`
	} `json:"detail"`
}

// stringList is a string or a list of strings.
type stringList []string

// UnmarshalJSON accepts both.
func (w *stringList) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		if one != "" {
			*w = stringList{one}
		}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(w))
}

// publishers maps Grype's providers and NVD's sources to our names, if they
// differ.
var publishers = map[string]string{
	"alma": "almalinux", "github": "ghsa", "mariner": "azurelinux", "rhel": "redhat", "sles": "suse",
	"nvd@nist.gov": "nvd", "134c704f-9b21-4f2e-91b3-4a467353bcc0": "cisa-adp",
}

func publisher(name string) string {
	if to, ok := publishers[name]; ok {
		return to
	}
	return name
}

// ratings reads the severities: the provider's own severity, and the scores.
// Anything else is left out.
func (v *vulnerability) ratings() (word assay.Severity, scores []assay.CVSS) {
	for _, s := range v.blob.Severities {
		var text string
		var vector struct{ Vector, Version string }
		if json.Unmarshal(s.Value, &text) == nil {
			if w, ok := assay.ParseSeverity(text); ok {
				word = max(word, w)
				continue
			}
			vector.Vector = text
		} else if json.Unmarshal(s.Value, &vector) != nil {
			continue
		}
		if vector.Version > "3" && !strings.HasPrefix(vector.Vector, "CVSS:") {
			vector.Vector = "CVSS:" + vector.Version + "/" + vector.Vector
		}
		source := s.Source
		if source == "" {
			source = v.provider
		}
		if c, err := cvss.Parse(publisher(source), vector.Vector); err == nil && !slices.Contains(scores, c) {
			scores = append(scores, c)
		}
	}
	return word, scores
}

// rangeStatus is the status of a range, with the date of the fix.
type rangeStatus struct {
	status assay.Status
	reason string
	date   time.Time
}

// status reads the status and the date of the fix.
func (a *affected) status(unaffected bool) rangeStatus {
	s := rangeStatus{status: assay.StatusAffected}
	if f := a.Fix; f != nil {
		switch f.State {
		case "wont-fix":
			s.status, s.reason = assay.StatusWillNotFix, f.State
		case "not-affected":
			s.status = assay.StatusNotAffected
		}
		if f.Detail != nil && f.Detail.Available != nil {
			s.date = cve.Time(f.Detail.Available.Date)
		}
	}
	if unaffected {
		s.status = assay.StatusNotAffected
	}
	return s
}

// fixed is the version with the fix; "" without one.
func (a *affected) fixed() string {
	if a.Fix == nil || a.Fix.State != "fixed" {
		return ""
	}
	return strings.TrimSpace(a.Fix.Version)
}

// ranges reads the versions. Without a fix, the end of a range is no fix.
func (a *affected) ranges(scheme string) (_ []assay.Range, why string) {
	text := strings.TrimSpace(a.Version.Constraint)
	if text == "" {
		return []assay.Range{{}}, ""
	}
	out, why := requirement.Ranges(requirement.Plain, scheme, []string{text}, nil, nil)
	v := a.fixed()
	for i := range out {
		r := &out[i]
		if v == "" && r.Fixed != "" {
			r.Before, r.Fixed = r.Fixed, ""
		}
	}
	if by, ok := version.ByName(scheme); ok && v != "" {
		requirement.Patch(by, out, []string{v})
	}
	return out, why
}

// isEmpty reports that no version is affected: distributions write "before 0".
func (a *affected) isEmpty() bool {
	return strings.ReplaceAll(a.Version.Constraint, " ", "") == "<0"
}

// isUnaffectedSinceFix reports that all versions from the fix on are unaffected.
func (a *affected) isUnaffectedSinceFix() bool {
	v := a.fixed()
	return v != "" && strings.ReplaceAll(a.Version.Constraint, " ", "") == ">="+v
}

// rows converts a blob about a package to one row for each status and date of a
// fix. For a distribution's builds, "unaffected from a version on" means that
// the builds before it are affected.
func (b *packageBlob) rows(scheme string, unaffected, backports bool, row assay.Affected) (out []assay.Affected, why string) {
	row.Qualifiers = b.Qualifiers.add(row.Qualifiers)
	ranges := b.Ranges
	if len(ranges) == 0 {
		ranges = []affected{{}}
	}
	add := func(s rangeStatus, ranges []assay.Range) {
		at := slices.IndexFunc(out, func(r assay.Affected) bool {
			return rangeStatus{r.Status, r.Reason, r.FixDate} == s
		})
		if at < 0 {
			at = len(out)
			row.Status, row.Reason, row.FixDate = s.status, s.reason, s.date
			out = append(out, row)
		}
		for _, g := range ranges {
			if !slices.Contains(out[at].Ranges, g) {
				out[at].Ranges = append(out[at].Ranges, g)
			}
		}
	}
	var fixes []string
	var fixed rangeStatus
	for i := range ranges {
		a := &ranges[i]
		s := a.status(unaffected)
		switch {
		case unaffected && backports && a.isUnaffectedSinceFix():
			fixed = rangeStatus{status: assay.StatusAffected, date: s.date}
			fixes = append(fixes, a.Version.Constraint)
		case a.isEmpty():
			add(rangeStatus{status: assay.StatusNotAffected}, []assay.Range{{}})
		default:
			got, bad := a.ranges(scheme)
			if bad != "" {
				why = bad
				continue
			}
			add(s, got)
		}
	}
	if fixes != nil {
		got, bad := requirement.Ranges(requirement.Plain, scheme, []string{"*"}, fixes, nil)
		if bad != "" {
			return out, bad
		}
		add(fixed, got)
	}
	return out, why
}

// add adds the limits of a row.
func (q *qualifiers) add(to assay.Qualifiers) assay.Qualifiers {
	if q == nil {
		return to
	}
	to.Module, to.Arches, to.RunningOn = q.Module, q.Arches, q.CPEs
	for _, i := range q.Imports {
		to.Imports = append(to.Imports, assay.Import{Path: i.Path, Symbols: i.Symbols})
	}
	return to
}

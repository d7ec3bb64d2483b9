package trivydb

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// vulnerability is a value in the bucket "vulnerability".
type vulnerability struct {
	Title          string
	Description    string
	CweIDs         []string
	VendorSeverity map[string]float64
	CVSS           map[string]struct {
		V2Vector, V3Vector, V40Vector string
		V2Score, V3Score, V40Score    float64
	}
	References       []string
	PublishedDate    string
	LastModifiedDate string
}

func (r *reader) detail(id string, v []byte) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if !r.wants(assay.DetailStream(id)) {
		return nil
	}
	var u vulnerability
	if json.Unmarshal(v, &u) != nil || id == "" {
		r.sink.Skip(id, whyMalformed)
		return nil
	}
	d := assay.Detail{ID: id, Title: u.Title, Text: u.Description, CWEs: cve.Set(u.CweIDs), References: u.References,
		Published: cve.Time(u.PublishedDate), Modified: cve.Time(u.LastModifiedDate)}
	for _, source := range slices.Sorted(maps.Keys(u.CVSS)) {
		c := u.CVSS[source]
		version := "3.1"
		if len(c.V3Vector) > 8 && c.V3Vector[:8] == "CVSS:3.0" {
			version = "3.0"
		}
		for _, s := range []assay.CVSS{
			{Version: "2.0", Vector: c.V2Vector, Score: c.V2Score},
			{Version: version, Vector: c.V3Vector, Score: c.V3Score},
			{Version: "4.0", Vector: c.V40Vector, Score: c.V40Score},
		} {
			if s.Vector != "" || s.Score != 0 {
				s.Source = source
				d.CVSS = append(d.CVSS, s)
			}
		}
	}
	for _, source := range slices.Sorted(maps.Keys(u.VendorSeverity)) {
		d.Ratings = append(d.Ratings, assay.Rating{Source: source, Severity: severity(u.VendorSeverity[source])})
	}
	return r.sink.Detail(d)
}

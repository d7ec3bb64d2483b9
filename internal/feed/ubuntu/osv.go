package ubuntu

import (
	"context"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/bundle"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/record/osv"
)

// A record is an OSV record with Canonical's extensions.
type record struct {
	osv.Record
	Affected []affected `json:"affected"`
}

type affected struct {
	osv.Affected
	Specific struct {
		Priority string `json:"ubuntu_priority"` // before version 1.7 of the form
		Binaries []struct {
			Name string `json:"binary_name"`
		} `json:"binaries"`
	} `json:"ecosystem_specific"`
	More struct {
		Map struct {
			CVEs []struct {
				ID       string         `json:"id"`
				Severity []osv.Severity `json:"severity"`
			} `json:"cves"`
		} `json:"cves_map"`
	} `json:"database_specific"`
}

const vulnerabilityPrefix = "UBUNTU-"

// walk visits the records whose identifiers begin with one of prefixes. S
// receives the counts of unreadable members.
func (r *run) walk(ctx context.Context, s assay.Sink, visit func(*record) error, prefixes ...string) error {
	return bundle.Walk(ctx, r.g, OSV, osv.IsRecord, s, func(name string, b []byte) error {
		for _, p := range prefixes {
			if !strings.HasPrefix(path.Base(name), p) {
				continue
			}
			var rec record
			switch err := json.Unmarshal(b, &rec); {
			case err != nil || rec.ID == "":
				r.s.Skip(bundle.Stem(name), "malformed record")
			case !rec.Withdrawn.IsZero():
				r.s.Skip(rec.ID, "withdrawn")
			default:
				return visit(&rec)
			}
			return nil
		}
		return nil
	})
}

// nothing is a sink for counts that another walk already made.
type nothing struct{}

func (nothing) Advisory(assay.Advisory) error { return nil }
func (nothing) Detail(assay.Detail) error     { return nil }
func (nothing) Skip(string, string)           {}

// osvNotices keeps what the notices say.
func (r *run) osvNotices(ctx context.Context) error {
	return r.walk(ctx, nothing{}, func(rec *record) error {
		if strings.HasPrefix(rec.ID, "LSN-") {
			r.s.Skip(rec.ID, "live patch notice")
			return nil
		}
		ids := rec.cves()
		if len(ids) == 0 && strings.Contains(rec.Summary, "vulnerabilit") { // others fix what earlier ones broke
			ids = []string{rec.ID}
		}
		if len(ids) == 0 {
			r.s.Skip(rec.ID, "notice without CVE")
			return nil
		}
		r.claims.beginNotice(rec.ID, rec.Summary, rec.Published.Time)
		for i := range rec.Affected {
			a := &rec.Affected[i]
			p, why := osvPocket(a.Package.Ecosystem)
			fixed := a.fixed()
			if why != "" || fixed == "" || a.Package.Name == "" {
				continue
			}
			r.remember(a)
			if len(a.More.Map.CVEs) == 0 {
				for _, id := range ids {
					r.claims.add(id, a.Package.Name, p, fixed, assay.SeverityUnknown, "")
				}
			}
			for _, c := range a.More.Map.CVEs {
				if id := strings.TrimPrefix(c.ID, vulnerabilityPrefix); cve.Valid(id) {
					severity, vector := rating(c.Severity)
					r.claims.add(id, a.Package.Name, p, fixed, severity, vector)
				}
			}
		}
		return nil
	}, "USN-", "LSN-")
}

// remember stores the source package of binary packages. Binary packages of
// kernels have a name for each version.
func (r *run) remember(a *affected) {
	r.sources[a.Package.Name] = true
	for _, b := range a.Specific.Binaries {
		if !strings.HasPrefix(b.Name, "linux-") {
			r.sourceOf[b.Name] = a.Package.Name
		}
	}
}

// cves lists the vulnerabilities in a notice.
func (rec *record) cves() (ids []string) {
	for _, list := range [][]string{rec.Upstream, rec.Aliases, rec.Related} {
		for _, id := range list {
			if id = strings.TrimPrefix(id, vulnerabilityPrefix); cve.Valid(id) {
				ids = append(ids, id)
			}
		}
	}
	return cve.Set(ids)
}

// fixed is the version that fixes a package; "" without a fix.
func (a *affected) fixed() string {
	all := a.Intervals(nil)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1].Fixed
}

// rating returns the severity's name, and the vector of the highest CVSS
// version.
func rating(all []osv.Severity) (word assay.Severity, vector string) {
	for _, s := range all {
		if strings.HasPrefix(s.Type, "CVSS") {
			vector = string(s.Score)
		} else if w, ok := assay.ParseSeverity(string(s.Score)); ok {
			word = w
		}
	}
	return word, vector
}

var releaseNumber = regexp.MustCompile(`^\d{1,2}\.\d\d$`)

// osvPocket reads an ecosystem: "Ubuntu:22.04:LTS", "Ubuntu:Pro:18.04:LTS",
// "Ubuntu:Pro:FIPS-updates:20.04:LTS".
func osvPocket(ecosystem string) (p pocket, why string) {
	parts := strings.Split(ecosystem, ":")
	if parts[0] != "Ubuntu" {
		return p, "not Ubuntu"
	}
	for _, part := range parts[1:] {
		switch {
		case part == "LTS":
		case part == "Pro":
			p.esm = true
		case strings.HasPrefix(part, "FIPS"):
			p.flavour = "fips"
		case releaseNumber.MatchString(part):
			p.release = part
		default:
			return p, "product other than a release"
		}
	}
	if p.flavour != "" {
		p.esm = false
	}
	if p.release == "" {
		return p, "unknown release name"
	}
	return p, ""
}

// osvVulnerabilities hands over the records of vulnerabilities, except those
// that the tracker decides.
func (r *run) osvVulnerabilities(ctx context.Context) error {
	return r.walk(ctx, r.s, func(rec *record) error {
		v := vulnerability{id: strings.TrimPrefix(rec.ID, vulnerabilityPrefix), published: rec.Published.Time}
		if !cve.Valid(v.id) {
			r.s.Skip(rec.ID, "no CVE")
			return nil
		}
		v.severity, _ = rating(rec.Severity)
		for _, s := range rec.Severity {
			if score, err := cvss.Parse("ubuntu", string(s.Score)); err == nil && !slices.Contains(v.cvss, score) {
				v.cvss = append(v.cvss, score)
			}
		}
		for _, id := range rec.Related {
			if strings.HasPrefix(id, "USN-") {
				v.notices = append(v.notices, id)
			}
		}
		return r.record(rec, v)
	}, vulnerabilityPrefix)
}

func (r *run) record(rec *record, v vulnerability) error {
	type place struct{ name, release string }
	statements := map[place][]statement{}
	severities := map[place]assay.Severity{}
	var order []place
	decided, other := 0, 0
	for i := range rec.Affected {
		a := &rec.Affected[i]
		p, why := osvPocket(a.Package.Ecosystem)
		switch {
		case why != "" || a.Package.Name == "":
			other++
			continue
		case r.releases[p.release] && r.tracked[v.id]:
			decided++
			continue
		}
		r.remember(a)
		at := place{a.Package.Name, p.release}
		if statements[at] == nil {
			order = append(order, at)
		}
		statements[at] = append(statements[at], statement{pocket: p, status: assay.StatusAffected, fixed: a.fixed()})
		if w, ok := assay.ParseSeverity(a.Specific.Priority); ok && w != assay.SeverityUnknown {
			severities[at] = w
		}
	}
	if len(order) == 0 {
		switch {
		case decided > 0:
			r.s.Skip(rec.ID, "already in the tracker")
		case other > 0:
			r.s.Skip(rec.ID, "product other than a release")
		default:
			r.s.Skip(rec.ID, "no affected package")
		}
	}
	for _, at := range order {
		if r.inOSV[at.release] == nil {
			r.inOSV[at.release] = map[string]bool{}
		}
		r.inOSV[at.release][v.id] = true
		one := v
		one.severity = max(v.severity, severities[at])
		if err := r.emit(&one, at.name, at.release, statements[at]); err != nil {
			return err
		}
	}
	return nil
}

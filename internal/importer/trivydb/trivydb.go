// Package trivydb reads Trivy's vulnerability database, schema version 2: a
// bbolt file of buckets by platform and package, with JSON values.
//
// Schema: https://github.com/aquasecurity/trivy-db/tree/main/pkg (db, types). It
// reads the advisories of distributions and ecosystems, and the details of
// vulnerabilities; the names of data sources are not used.
package trivydb

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/boltfile"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// advisory is a value below a package; Entries has the fixes of Red Hat, Oracle
// and Rocky Linux.
type advisory struct {
	VendorIDs          []string
	Arches             []string
	Status             int
	Severity           float64 // an integer, except in databases built from YAML, which have 1.0
	FixedVersion       string
	AffectedVersion    string // first affected one (Alpine)
	VulnerableVersions []string
	PatchedVersions    []string
	UnaffectedVersions []string
	Entries            []entry
}

type entry struct {
	FixedVersion string
	Arches       []string
	VendorIDs    []string `json:"VendorIds"`
	Status       int
	Affected     []int // CPEs, by number
	Cves         []struct {
		ID       string
		Severity float64
	}
}

// statuses are the names of advisory.Status.
var statuses = []assay.Status{assay.StatusAffected, assay.StatusNotAffected, assay.StatusAffected, assay.StatusAffected,
	assay.StatusUnderInvestigation, assay.StatusWillNotFix, assay.StatusFixDeferred, assay.StatusEndOfLife}

func status(n int) assay.Status {
	if n < 0 || n >= len(statuses) {
		return assay.StatusAffected
	}
	return statuses[n]
}

// severity is 0 to 4, unknown to critical.
func severity(n float64) assay.Severity {
	switch n {
	case 1:
		return assay.SeverityLow
	case 2:
		return assay.SeverityMedium
	case 3:
		return assay.SeverityHigh
	case 4:
		return assay.SeverityCritical
	}
	return assay.SeverityUnknown
}

// Reasons why records are skipped.
const (
	whyBucket    = "unknown platform"
	whyMalformed = "malformed record"
	whyNoRange   = "no affected versions that can be compared"
	whyCPE       = "Red Hat product other than RHEL"
)

// Name is "trivy-db".
func (d *DB) Name() string { return "trivy-db" }

// Date is when the database was built.
func (d *DB) Date() time.Time { return d.date }

// Streams lists all streams that such a database may have.
func (d *DB) Streams() []assay.Stream { return streams() }

// Fetch hands over the database; no Getter is needed.
func (d *DB) Fetch(ctx context.Context, _ assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	file, err := boltfile.Open(d.file, d.file.Size)
	if err != nil {
		return err
	}
	r := &reader{ctx: ctx, wanted: wanted, sink: s, cpes: map[int]string{}, sources: map[string]string{}}
	for _, step := range []func(name string, b *boltfile.Bucket) error{r.products, r.platform} {
		err := file.Root().Each(func(k, _ []byte, b *boltfile.Bucket) error {
			if b == nil {
				return nil
			}
			return step(string(k), b)
		})
		if err != nil {
			return fmt.Errorf("%s: %w", form.Name, err)
		}
	}
	return nil
}

type reader struct {
	ctx    context.Context
	wanted []assay.Stream
	sink   assay.Sink
	cpes   map[int]string // Red Hat's products

	sources map[string]string // publishers, by bucket
	source  string            // of the current bucket
}

func (r *reader) wants(s assay.Stream) bool {
	if r.wanted == nil {
		return true
	}
	for _, w := range r.wanted {
		if w.Covers(s) {
			return true
		}
	}
	return false
}

// products reads the Red Hat products, which advisories refer to by number, and
// the publishers of buckets.
func (r *reader) products(name string, b *boltfile.Bucket) error {
	if name == "data-source" {
		return b.Each(func(k, v []byte, _ *boltfile.Bucket) error {
			var s struct{ ID string }
			if json.Unmarshal(v, &s) == nil {
				r.sources[string(k)] = s.ID
			}
			return nil
		})
	}
	if name != "Red Hat CPE" {
		return nil
	}
	return b.Each(func(k, _ []byte, sub *boltfile.Bucket) error {
		if sub == nil || string(k) != "cpe" {
			return nil
		}
		return sub.Each(func(k, v []byte, _ *boltfile.Bucket) error {
			var cpe string
			if n, err := strconv.Atoi(string(k)); err == nil && json.Unmarshal(v, &cpe) == nil {
				r.cpes[n] = cpe
			}
			return nil
		})
	})
}

// platform reads a bucket with advisories.
func (r *reader) platform(name string, b *boltfile.Bucket) error {
	switch name {
	case "Red Hat CPE", "data-source":
		return nil
	case "vulnerability":
		return b.Each(func(k, v []byte, _ *boltfile.Bucket) error { return r.detail(string(k), v) })
	}
	take := r.system
	p, ok := platformOf(name)
	switch {
	case !ok:
		r.sink.Skip(name, whyBucket)
		return nil
	case name == "Red Hat":
		take = r.redhat
	case p.ecosystem != nil:
		take = r.language
	}
	if name != "Red Hat" && !r.wants(p.stream) {
		return nil
	}
	r.source = r.sources[name]
	return b.Each(func(pkg, _ []byte, sub *boltfile.Bucket) error {
		if sub == nil {
			return nil
		}
		name := string(pkg)
		return sub.Each(func(k, v []byte, _ *boltfile.Bucket) error {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			id := strings.TrimSpace(string(k))
			var a advisory
			if json.Unmarshal(v, &a) != nil || id == "" || name == "" {
				r.sink.Skip(id, whyMalformed)
				return nil
			}
			return take(p, name, id, &a)
		})
	})
}

// system hands over the fix of a distribution's package, or that there is none.
func (r *reader) system(p platform, name, id string, a *advisory) error {
	out := assay.Advisory{ID: id, Feed: "trivy-db", Publisher: r.source, VendorIDs: a.VendorIDs}
	module, name := p.module(name)
	if len(a.Entries) == 0 {
		a.Entries = []entry{{FixedVersion: a.FixedVersion, Arches: a.Arches, Status: a.Status}}
	}
	for _, e := range a.Entries {
		out.VendorIDs = append(out.VendorIDs, e.VendorIDs...)
		out.Affected = append(out.Affected, assay.Affected{
			Stream: p.stream, Name: name, Status: status(e.Status), Severity: severity(a.Severity),
			Ranges: []assay.Range{{Introduced: a.AffectedVersion, Fixed: e.FixedVersion}}, Qualifiers: assay.Qualifiers{Arches: e.Arches, Module: module},
		})
	}
	out.VendorIDs = cve.Set(out.VendorIDs)
	return r.sink.Advisory(out)
}

// redhat hands over the entries of an erratum or a CVE, each for the releases of
// its products.
func (r *reader) redhat(p platform, name, id string, a *advisory) error {
	module, name := p.module(name)
	given := false
	for _, e := range a.Entries {
		products := map[assay.Stream][]string{}
		var order []assay.Stream
		for _, n := range e.Affected {
			s := rhel(r.cpes[n])
			if s == "" {
				continue
			}
			if products[s] == nil {
				order = append(order, s)
			}
			products[s] = append(products[s], r.cpes[n])
		}
		for _, c := range e.Cves {
			out := assay.Advisory{ID: id, Feed: "trivy-db", Publisher: r.source}
			if c.ID != "" {
				out.ID, out.VendorIDs = c.ID, []string{id}
			}
			for _, s := range order {
				given = true
				if r.wants(s) {
					out.Affected = append(out.Affected, assay.Affected{
						Stream: s, Name: name, Status: status(e.Status), Severity: severity(c.Severity),
						Ranges: []assay.Range{{Fixed: e.FixedVersion}}, Qualifiers: assay.Qualifiers{Arches: e.Arches, CPEs: products[s], Module: module},
					})
				}
			}
			if len(out.Affected) > 0 {
				if err := r.sink.Advisory(out); err != nil {
					return err
				}
			}
		}
	}
	if !given {
		r.sink.Skip(id, whyCPE)
	}
	return nil
}

// language hands over the advisory of a language package.
func (r *reader) language(p platform, name, id string, a *advisory) error {
	ranges, err := p.ranges(a)
	if err != nil || len(ranges) == 0 {
		r.sink.Skip(id, whyNoRange)
		return nil
	}
	return r.sink.Advisory(assay.Advisory{ID: id, Feed: "trivy-db", Publisher: r.source, VendorIDs: a.VendorIDs, Severity: severity(a.Severity), Affected: []assay.Affected{
		{Stream: p.stream, Name: p.ecosystem.Name(name), Status: status(a.Status), Ranges: ranges, Qualifiers: assay.Qualifiers{Arches: a.Arches}},
	}})
}

// Package grypedb reads Grype's vulnerability database, schema version 6. It is
// an SQLite file in which handles join vulnerabilities, packages or CPEs, and
// releases of distributions; JSON blobs have the rest.
//
// Schema: https://github.com/anchore/grype/tree/main/grype/db/v6 (models.go,
// blobs.go). The feed reads the handles of packages and CPEs, affected and
// unaffected, and the details, CWEs, KEV and EPSS entries of CVEs. It does not
// read: rows that repeat the data of RHEL's major release for a minor one,
// end-of-life dates, CPEs of packages, and the tables of alternative names of
// releases.
//
// For releases with Red Hat's extended update support the database has only
// fixes, limited to the products of the channel; the rows of the main channel
// cover them too. AlmaLinux and Root list versions that are not affected from a
// fix on; the versions below the fix count as affected.
package grypedb

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/sqlitefile"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/version"
)

// Reasons why records are skipped.
const (
	whyMalformed = "malformed record"
	whyDangling  = "refers to a missing row"
	whyWithdrawn = osv.WhyWithdrawn
	whySystem    = "unknown distribution"
	whyChannel   = "unknown distribution channel"
	whyMinor     = "minor release covered by the major release"
	whyEcosystem = "unknown ecosystem"
	whyHardware  = "hardware"
)

// Bounds of what is kept in memory.
const (
	maxSystems  = 100_000    // releases; there are 300 (2026)
	maxAffected = 4000       // rows of one advisory; more rows become another advisory with the same identifier
	maxClaims   = 5_000_000  // rows for Ubuntu's extended security maintenance; there are 100,000 (2026)
	maxItems    = 40_000_000 // vulnerabilities and weaknesses to combine, 16 bytes each; there are 3 million (2026)
)

// Name is "grype-db".
func (d *DB) Name() string { return "grype-db" }

// Date is when the database was built.
func (d *DB) Date() time.Time { return d.date }

// Streams lists all streams that such a database may have.
func (d *DB) Streams() []assay.Stream { return streams() }

// Fetch hands over the database; no Getter is needed.
func (d *DB) Fetch(ctx context.Context, _ assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	f, err := sqlitefile.Open(d.file, d.file.Size)
	if err != nil {
		return err
	}
	r := &reader{ctx: ctx, file: f, wants: osv.Wants(wanted, d.Streams()), wanted: wanted, sink: s, systems: map[int64]system{}}
	if err := r.openTables(); err != nil {
		return fmt.Errorf("%s: %w", form.Name, err)
	}
	for _, step := range []struct {
		table string
		read  func(t string) error
	}{
		{"affected_package_handles", r.maintenance},
		{"affected_package_handles", func(t string) error { return r.packages(t, false) }},
		{"unaffected_package_handles", func(t string) error { return r.packages(t, true) }},
		{"affected_cpe_handles", func(t string) error { return r.products(t, false) }},
		{"unaffected_cpe_handles", func(t string) error { return r.products(t, true) }},
		{"vulnerability_handles", r.details},
		{"known_exploited_vulnerability_handles", r.exploited},
		{"epss_handles", r.predicted},
	} {
		if err := step.read(step.table); err != nil {
			return fmt.Errorf("%s: %s: %w", form.Name, step.table, err)
		}
	}
	return nil
}

type reader struct {
	ctx    context.Context
	file   *sqlitefile.File
	wants  func(assay.Stream) bool
	wanted []assay.Stream
	sink   assay.Sink

	blobs, names, cpes, handles *table
	row                         sqlitefile.Row // looked up last
	systems                     map[int64]system
	last                        *vulnerability

	extended map[claim]bool // keys with rows for Ubuntu's extended security maintenance itself

	under    assay.Advisory // the current advisory, not handed over yet
	speaksOf *vulnerability // its vulnerability
}

// A vulnerability is a row of vulnerability_handles with its blob.
type vulnerability struct {
	id                  int64
	name, provider      string
	gone                bool // withdrawn or rejected
	published, modified time.Time
	blob                vulnerabilityBlob
}

// openTables finds the tables that rows are joined with.
func (r *reader) openTables() error {
	for _, t := range []struct {
		to      **table
		name    string
		columns []string
	}{
		{&r.blobs, "blobs", []string{"id", "value"}},
		{&r.names, "packages", []string{"id", "ecosystem", "name"}},
		{&r.cpes, "cpes", []string{"id", "part", "vendor", "product", "edition", "language", "software_edition", "target_software", "target_hardware", "other"}},
		{&r.handles, "vulnerability_handles", []string{"id", "name", "status", "published_date", "modified_date", "withdrawn_date", "provider_id", "blob_id"}},
	} {
		var err error
		if *t.to, err = openTable(r.file, t.name, t.columns...); err != nil {
			return err
		}
	}
	t, err := openTable(r.file, "operating_systems", "id", "name", "release_id", "major_version", "minor_version", "label_version", "codename", "channel")
	if err != nil {
		return err
	}
	return r.eachRow(t, func(row *sqlitefile.Row) error {
		if len(r.systems) == maxSystems {
			return fmt.Errorf("over %d rows: %w", maxSystems, assay.ErrTooLarge)
		}
		r.systems[row.ID] = release{t.text(row, 1), t.text(row, 2), t.text(row, 3), t.text(row, 4), t.text(row, 5), t.text(row, 6), t.text(row, 7)}.system()
		return nil
	})
}

// eachRow visits the rows of a table.
func (r *reader) eachRow(t *table, visit func(*sqlitefile.Row) error) error {
	for row, err := range t.Rows() {
		if err == nil {
			err = r.ctx.Err()
		}
		if err == nil {
			err = visit(row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// optional finds a table that older databases do not have; then it is nil.
func (r *reader) optional(name string, columns ...string) (*table, error) {
	if _, err := r.file.Table(name); errors.Is(err, assay.ErrNotFound) {
		return nil, nil
	}
	return openTable(r.file, name, columns...)
}

// find looks a row up; ok is false if there is none.
func (r *reader) find(t *table, id int64) (ok bool, err error) {
	err = t.Row(id, &r.row)
	if errors.Is(err, assay.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// blob decodes a blob into v; why is the reason if it is malformed.
func (r *reader) blob(id int64, v any) (why string, err error) {
	ok, err := r.find(r.blobs, id)
	switch {
	case err != nil:
		return "", fmt.Errorf("blobs: %w", err)
	case !ok:
		return whyDangling, nil
	case json.Unmarshal(r.row.Bytes(r.blobs.columns[1]), v) != nil:
		return whyMalformed, nil
	}
	return "", nil
}

// vulnerability looks a vulnerability up; why is the reason if it cannot be
// used.
func (r *reader) vulnerability(id int64) (v *vulnerability, why string, err error) {
	if r.last == nil || r.last.id != id {
		t := r.handles
		ok, err := r.find(t, id)
		if err != nil || !ok {
			return &vulnerability{name: fmt.Sprint("vulnerability ", id)}, whyDangling, err
		}
		status := strings.ToLower(t.text(&r.row, 2))
		v = &vulnerability{
			id: id, name: strings.TrimSpace(t.text(&r.row, 1)), provider: t.text(&r.row, 6), gone: status == "rejected" || status == "withdrawn" || t.text(&r.row, 5) != "",
			published: t.time(&r.row, 3), modified: t.time(&r.row, 4),
		}
		if v.name == "" {
			v.name = fmt.Sprint("vulnerability ", id)
			return v, whyMalformed, nil
		}
		if why, err := r.blob(t.int(&r.row, 7), &v.blob); why != "" || err != nil {
			return v, why, err
		}
		r.last = v
	}
	if r.last.gone {
		return r.last, whyWithdrawn, nil
	}
	return r.last, "", nil
}

// A claim is a package in a stream and a vulnerability of a row.
type claim struct {
	stream assay.Stream
	pkg    int64
	name   string
}

func (r *reader) claim(s assay.Stream, pkg, vulnerability int64) (claim, error) {
	if r.last != nil && r.last.id == vulnerability {
		return claim{s, pkg, r.last.name}, nil
	}
	ok, err := r.find(r.handles, vulnerability)
	if !ok || err != nil {
		return claim{}, err
	}
	return claim{s, pkg, r.handles.text(&r.row, 1)}, nil
}

// maintenance collects the rows for Ubuntu's extended security maintenance
// (ESM). Machines with ESM are judged by its stream alone, so the stream also
// gets the rows for everybody if it has none of its own.
func (r *reader) maintenance(name string) error {
	r.extended = map[claim]bool{}
	t, err := r.optional(name, "vulnerability_id", "operating_system_id", "package_id")
	if t == nil || err != nil {
		return err
	}
	return r.eachRow(t, func(row *sqlitefile.Row) error {
		s, ok := r.systems[t.int(row, 1)]
		if !ok || s.stream.Family() != "ubuntu-esm" || !r.wants(s.stream) {
			return nil
		}
		if len(r.extended) == maxClaims {
			return fmt.Errorf("over %d rows of extended security maintenance: %w", maxClaims, assay.ErrTooLarge)
		}
		c, err := r.claim(s.stream, t.int(row, 2), t.int(row, 0))
		r.extended[c] = true
		return err
	})
}

// packages reads the handles of packages.
func (r *reader) packages(name string, unaffected bool) error {
	t, err := r.optional(name, "vulnerability_id", "operating_system_id", "package_id", "blob_id")
	if t == nil || err != nil {
		return err
	}
	err = r.eachRow(t, func(row *sqlitefile.Row) error {
		os, distribution := row.Int(t.columns[1])
		s, known := r.systems[os]
		switch {
		case distribution && !known:
			r.sink.Skip(fmt.Sprint("operating system ", os), whyDangling)
			return nil
		case distribution && s.why != "":
			r.sink.Skip(s.label, s.why)
			return nil
		}
		ok, err := r.find(r.names, t.int(row, 2))
		if err != nil {
			return fmt.Errorf("packages: %w", err)
		}
		kind, pkg := r.names.text(&r.row, 1), strings.TrimSpace(r.names.text(&r.row, 2))
		if !ok || pkg == "" {
			r.sink.Skip(fmt.Sprint("package ", t.int(row, 2)), whyDangling)
			return nil
		}
		if distribution && s.maintained != "" && r.wants(s.maintained) {
			own, err := r.claim(s.maintained, t.int(row, 2), t.int(row, 0))
			if err != nil {
				return err
			}
			if !r.extended[own] {
				p := place{Affected: assay.Affected{Stream: s.maintained, Name: pkg}, scheme: s.scheme, backports: true}
				if err := r.addRow(t.int(row, 0), t.int(row, 3), unaffected, p); err != nil {
					return err
				}
			}
		}
		p := place{Affected: assay.Affected{Stream: s.stream, Name: pkg, Qualifiers: assay.Qualifiers{CPEs: s.cpes}}, scheme: s.scheme, backports: true}
		if !distribution {
			e, ok := language(kind)
			if !ok {
				r.sink.Skip(kind+" "+pkg, whyEcosystem)
				return nil
			}
			p = place{Affected: assay.Affected{Stream: e.Stream, Name: e.Name(pkg)}, scheme: e.Scheme}
		}
		return r.addRow(t.int(row, 0), t.int(row, 3), unaffected, p)
	})
	return cmp.Or(err, r.flush())
}

// A place is the subject of a row.
type place struct {
	assay.Affected
	scheme    string
	backports bool // a distribution's
}

// addRow adds a row to the current advisory. Rows about Root's own builds have a
// stream of their own.
func (r *reader) addRow(vulnerability, blob int64, unaffected bool, p place) error {
	if !r.wants(p.Stream) && !r.wants("rootio:"+p.Stream) {
		return nil
	}
	v, why, err := r.vulnerability(vulnerability)
	var b packageBlob
	if why == "" && err == nil {
		why, err = r.blob(blob, &b)
	}
	if err != nil {
		return err
	}
	if why != "" {
		r.sink.Skip(v.name, why)
		return nil
	}
	backports := p.backports
	if b.Qualifiers != nil && b.Qualifiers.RootIO {
		if backports {
			p.Stream = "rootio:" + p.Stream
		}
		backports = true
	}
	if !r.wants(p.Stream) {
		return nil
	}
	rows, why := b.rows(p.scheme, unaffected, backports, p.Affected)
	if why != "" {
		r.sink.Skip(v.name, why)
	}
	if len(rows) == 0 {
		return nil
	}
	if r.speaksOf != v || len(r.under.Affected) >= maxAffected {
		if err := r.flush(); err != nil {
			return err
		}
		r.speaksOf, r.under = v, v.advisory()
	}
	r.under.Affected = append(r.under.Affected, rows...)
	r.note(&b, p.backports)
	return nil
}

// products reads the handles of CPEs.
func (r *reader) products(name string, unaffected bool) error {
	if !r.wants(assay.StreamCPE) {
		return nil
	}
	t, err := r.optional(name, "vulnerability_id", "cpe_id", "blob_id")
	if t == nil || err != nil {
		return err
	}
	err = r.eachRow(t, func(row *sqlitefile.Row) error {
		id := t.int(row, 1)
		ok, err := r.find(r.cpes, id)
		if err != nil {
			return fmt.Errorf("cpes: %w", err)
		}
		var parts []string
		for i := 1; i < len(r.cpes.columns); i++ {
			parts = append(parts, r.cpes.text(&r.row, i))
		}
		switch {
		case !ok || parts[2] == "":
			r.sink.Skip(fmt.Sprint("CPE ", id), whyDangling)
			return nil
		case parts[0] == "h":
			r.sink.Skip(parts[1]+":"+parts[2], whyHardware)
			return nil
		}
		return r.addRow(t.int(row, 0), t.int(row, 2), unaffected, place{scheme: version.Generic.Name(), Affected: assay.Affected{
			Stream: assay.StreamCPE, Name: plain(parts[1]) + ":" + plain(parts[2]), Qualifiers: assay.Qualifiers{CPEs: []string{bind(parts)}},
		}})
	})
	return cmp.Or(err, r.flush())
}

// Package osvdump reads dumps of records in the Open Source Vulnerability
// format: an archive like those of osv.dev (all.zip), or a directory of records
// and such archives.
//
// Format: https://ossf.github.io/osv-schema/. The feed uses records about
// language packages, and about packages of known releases of distributions.
// Records of distributions are handed over once for each CVE, with the CVE as
// ID; those without a CVE, and those of languages, keep their identifier.
package osvdump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/zipdoc"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/bundle"
	"github.com/assaysec/assay/internal/record/osv"
)

// Bounds of a dump.
const (
	maxRecord = 32 << 20  // of a file; the largest record known has 3 MB
	maxFiles  = 4_000_000 // in directories; osv.dev has 700,000 records (2026)
	maxOthers = 100       // JSON files or members before the first record that are not records
)

// Reasons why records are skipped.
const (
	whyMalformed  = "malformed record"
	whyUnreadable = "unreadable archive member"
	whyNoSecurity = "not a security erratum"
)

// A Dump is a verified dump.
type Dump struct {
	path string
	date time.Time
}

// Importer opens records of OSV.
var Importer = assay.Importer{
	About: "records of OSV (a zip archive, or a directory of records and archives)",
	Open:  func(ctx context.Context, path string) (assay.ImportedFeed, error) { return Open(ctx, path) },
}

// Open checks whether path is a dump and finds its date, for which it reads the
// whole dump. For anything else the error is ErrUnsupported.
func Open(ctx context.Context, path string) (*Dump, error) {
	d := &Dump{path: path}
	records, others := 0, 0
	err := d.walk(ctx, func(_ string, b []byte, err error) error {
		if err != nil {
			return nil // Fetch reports
		}
		if records == 0 && !isRecord(b) {
			if others++; others == maxOthers {
				return errNone
			}
			return nil
		}
		records++
		if at := newest(b); at.After(d.date) {
			d.date = at
		}
		return nil
	})
	if err == nil && records == 0 {
		err = errNone
	}
	if err != nil {
		return nil, err
	}
	if now := time.Now(); d.date.After(now) { // dates in the future count as now
		d.date = now
	}
	return d, nil
}

var errNone = fmt.Errorf("contains no OSV records: %w", assay.ErrUnsupported)

func isRecord(b []byte) bool {
	r, err := osv.Parse(b)
	return err == nil && !r.Modified.IsZero()
}

var modified = regexp.MustCompile(`"modified"\s*:\s*"([0-9T:.Z+-]{10,40})"`)

// newest is when a record changed. It does not decode the record, which would
// take most of the time.
func newest(b []byte) time.Time {
	m := modified.FindSubmatch(b)
	if m == nil {
		return time.Time{}
	}
	return cve.Time(string(m[1]))
}

// walk visits the records: the members of the archive, or all files below the
// directory.
func (d *Dump) walk(ctx context.Context, visit zipdoc.Visit) error {
	info, err := os.Stat(d.path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return archive(ctx, d.path, visit)
	}
	files := 0
	return filepath.WalkDir(d.path, func(file string, e fs.DirEntry, err error) error {
		switch {
		case err == nil:
			err = ctx.Err()
		case errors.Is(err, fs.ErrPermission) && file != d.path:
			return visit(file, nil, err)
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		if files++; files > maxFiles {
			return fmt.Errorf("over %d files: %w", maxFiles, assay.ErrTooLarge)
		}
		switch path.Ext(file) {
		case ".json":
			b, err := read(file)
			return visit(file, b, err)
		case ".zip":
			if err := archive(ctx, file, visit); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
		return nil
	})
}

func read(file string) ([]byte, error) {
	f, err := limit.OpenRegular(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return limit.ReadAll(f, maxRecord)
}

// archive visits the records in a zip.
func archive(ctx context.Context, file string, visit zipdoc.Visit) error {
	f, err := limit.OpenRegular(file)
	if err != nil {
		return err
	}
	defer f.Close()
	var head [4]byte
	if _, err := io.ReadFull(f, head[:]); err != nil || string(head[:]) != "PK\x03\x04" {
		return fmt.Errorf("not a zip archive: %w", assay.ErrUnsupported)
	}
	return zipdoc.Walk(ctx, f, osv.IsRecord, visit)
}

// Close does nothing: no file stays open.
func (d *Dump) Close() error { return nil }

// Name is "osv-dump".
func (d *Dump) Name() string { return "osv-dump" }

// Date is when the record that changed last did so.
func (d *Dump) Date() time.Time { return d.date }

// Streams lists all streams that a dump may have.
func (d *Dump) Streams() []assay.Stream { return streams() }

// Fetch hands over the dump; no Getter is needed.
func (d *Dump) Fetch(ctx context.Context, _ assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	wants := osv.Wants(wanted, d.Streams())
	return d.walk(ctx, func(name string, b []byte, err error) error {
		if err != nil {
			s.Skip(bundle.Stem(name), whyUnreadable)
			return nil
		}
		r, err := osv.Parse(b)
		if err != nil {
			s.Skip(bundle.Stem(name), whyMalformed)
			return nil
		}
		return d.emit(r, wants, s)
	})
}

// emit hands over a record.
func (d *Dump) emit(r *osv.Record, wants func(assay.Stream) bool, s assay.Sink) error {
	reason := ""
	a, why := osv.Publisher{Feed: d.Name(), Place: func(eco, name string) (osv.Place, bool) {
		p, why := placeOf(eco, name)
		if why != "" {
			reason = why
		}
		return p, why == ""
	}}.Advisory(r)
	if why == osv.WhyForeign && reason != "" {
		why = reason
	}
	if why == "" && (strings.HasPrefix(r.ID, "ALBA-") || strings.HasPrefix(r.ID, "ALEA-")) {
		why = whyNoSecurity
	}
	if why != "" {
		s.Skip(r.ID, why)
		return nil
	}
	var own, system []assay.Affected
	for _, p := range maintained(a.Affected) {
		switch {
		case !wants(p.Stream):
		case ofSystem(p.Stream):
			system = append(system, p)
		default:
			own = append(own, p)
		}
	}
	ids := cve.Set(slices.DeleteFunc(slices.Concat(r.Upstream, r.Aliases, r.Related, []string{r.ID}), func(id string) bool { return !cve.Valid(id) }))
	if len(ids) == 0 {
		own, system = append(own, system...), nil
	}
	if len(own) > 0 {
		a.Affected = own
		if err := s.Advisory(a); err != nil {
			return err
		}
	}
	if len(system) == 0 {
		return nil
	}
	a.Affected, a.Aliases, a.VendorIDs = system, nil, nil
	if !cve.Valid(r.ID) {
		a.VendorIDs = []string{r.ID}
	}
	for _, a.ID = range ids {
		if err := s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

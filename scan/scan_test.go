package scan_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/testimage"
	"github.com/assaysec/assay/scan"
)

// published is a database in memory: rows by stream. A stream that is not a
// key is not to be had; refused says why.
type published struct {
	rows    map[assay.Stream][]assay.Advisory
	details []assay.Detail
	refused map[assay.Stream]error
	stale   map[assay.Stream]assay.Gap
	asked   []assay.Stream
}

func (p *published) Ensure(ctx context.Context, streams []assay.Stream) (gaps []assay.Gap, err error) {
	for _, s := range streams {
		p.asked = append(p.asked, s)
		if err := p.refused[s]; err != nil {
			return gaps, err
		}
		if g, ok := p.stale[s]; ok {
			gaps = append(gaps, g)
		}
	}
	return gaps, ctx.Err()
}

func (p *published) Lookup(_ context.Context, s assay.Stream, name string) iter.Seq2[assay.Advisory, error] {
	return func(yield func(assay.Advisory, error) bool) {
		rows, ok := p.rows[s]
		if !ok {
			yield(assay.Advisory{}, fmt.Errorf("%s: %w", s, assay.ErrNotFound))
		}
		for _, a := range rows {
			if a.Affected[0].Name == name && !yield(a, nil) {
				return
			}
		}
	}
}

func (p *published) Detail(_ context.Context, id string) (assay.Detail, error) {
	for _, d := range p.details {
		if d.ID == id {
			return d, nil
		}
	}
	return assay.Detail{}, assay.ErrNotFound
}

// Session implements scan.Advisories: the database is a session of its own.
func (p *published) Session() scan.Session { return p }
func (p *published) Close() error          { return nil }

func (p *published) Search(_ context.Context, q scan.Query) iter.Seq2[assay.Advisory, error] {
	return func(yield func(assay.Advisory, error) bool) {
		for _, rows := range p.rows {
			for _, a := range rows {
				if slices.Contains(append(append([]string{a.ID}, a.Aliases...), a.VendorIDs...), q.ID) && !yield(a, nil) {
					return
				}
			}
		}
	}
}

func (p *published) Artifact(context.Context, [20]byte) ([]assay.Artifact, error) {
	return nil, assay.ErrNotFound
}

func (p *published) Used() assay.Database { return assay.Database{Digest: "sha256:00"} }

// row is an advisory of one package without a fix.
func row(id string, s assay.Stream, name string, severity assay.Severity) assay.Advisory {
	return assay.Advisory{ID: id, Feed: "test", Severity: severity, Affected: []assay.Affected{{Stream: s, Name: name, Ranges: []assay.Range{{}}, Status: assay.StatusAffected}}}
}

// ends is the end of life of a release.
func ends(product, cycle, date string) assay.Advisory {
	f := assay.Affected{Stream: assay.StreamEOL, Name: product, Versions: []string{cycle}, Status: assay.StatusEndOfLife}
	a := assay.Advisory{ID: "EOL-" + product + "-" + cycle, Feed: "eol"}
	switch date {
	case "true":
		f.Reason = date
	case "false":
		f.Reason, f.Status = date, assay.StatusNotAffected
	default:
		a.Published, _ = time.Parse(time.DateOnly, date)
	}
	a.Affected = []assay.Affected{f}
	return a
}

// image holds one package of a distribution.
func image(t *testing.T, id, version string) *assay.Image {
	return testimage.Parse(t, fmt.Sprintf(`
-- 1/etc/os-release --
ID=%s
VERSION_ID=%s
-- 1/var/lib/dpkg/status --
Package: bin
Status: install ok installed
Architecture: amd64
Source: src
Version: 1.0-1

`, id, version))
}

var today = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// result is a report in short: the end of life, findings and gaps.
func result(r *assay.Report) (out []string) {
	if r.Release.EOL != "" {
		out = append(out, "eol "+r.Release.EOL)
	}
	for _, f := range r.Findings {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", r.Packages[f.Package].Name, f.ID, f.Severity, f.SeveritySource)))
	}
	for _, g := range r.Gaps {
		out = append(out, "gap: "+g.String())
	}
	return out
}

func TestScan(t *testing.T) {
	const bookworm assay.Stream = "debian:12"
	one := map[assay.Stream][]assay.Advisory{bookworm: {row("CVE-2024-0001", bookworm, "src", assay.SeverityLow)}, assay.StreamEOL: nil}
	with := func(eol ...assay.Advisory) map[assay.Stream][]assay.Advisory {
		return map[assay.Stream][]assay.Advisory{bookworm: nil, assay.StreamEOL: eol}
	}
	tests := []struct {
		name        string
		id, version string
		db          published
		filter      scan.Filter
		want        []string
		err         error
	}{
		{"a finding", "debian", "12", published{rows: one}, scan.Filter{}, []string{"bin CVE-2024-0001 LOW test"}, nil},
		{"not asked for", "debian", "12", published{rows: one}, scan.Filter{IgnoreUnfixed: true}, nil, nil},
		{"no distribution of ours", "plan9", "4", published{}, scan.Filter{}, []string{"gap: distribution plan9 4: unsupported; 1 OS package is listed, not checked"}, nil},
		{"no feed", "debian", "12", published{rows: with(), refused: map[assay.Stream]error{bookworm: fmt.Errorf("no feed: %w", assay.ErrUnsupported)}}, scan.Filter{},
			[]string{"gap: distribution debian 12: no advisories (no feed); its packages are listed, not matched"}, nil},
		{"not in the database", "debian", "12", published{rows: with(), refused: map[assay.Stream]error{bookworm: assay.ErrNotFound}}, scan.Filter{}, nil, assay.ErrNotFound},
		{"lost from the database", "debian", "12", published{rows: map[assay.Stream][]assay.Advisory{assay.StreamEOL: nil}}, scan.Filter{}, nil, assay.ErrNotFound},
		{"old data", "debian", "12", published{rows: one, stale: map[assay.Stream]assay.Gap{bookworm: {Where: "advisories", What: "old"}}}, scan.Filter{},
			[]string{"bin CVE-2024-0001 LOW test", "gap: advisories: old"}, nil},
		{"no details", "debian", "12", published{rows: one, refused: map[assay.Stream]error{"details:2024": &scan.StreamError{Stream: "details:2024", Err: assay.ErrNotFound}}}, scan.Filter{},
			[]string{"bin CVE-2024-0001 LOW test", "gap: details of vulnerabilities: missing for some findings (details:2024): not found"}, nil},

		{"ends some day", "debian", "12", published{rows: with(ends("debian", "11", "2026-08-31"), ends("debian", "12", "2028-06-30"))}, scan.Filter{}, []string{"eol 2028-06-30"}, nil},
		{"ended, no date", "debian", "12", published{rows: with(ends("debian", "12", "true"))}, scan.Filter{}, []string{"eol ended"}, nil},
		{"goes on", "debian", "12", published{rows: with(ends("debian", "12", "false"))}, scan.Filter{}, nil, nil},
		{"not listed", "debian", "12", published{rows: with(ends("debian", "11", "2026-08-31"))}, scan.Filter{}, nil, nil},
		{"end of a distribution without feed", "opensuse-leap", "15.5", published{rows: with(ends("opensuse", "15.5", "2024-12-31")), refused: map[assay.Stream]error{"opensuse-leap:15.5": assay.ErrUnsupported}},
			scan.Filter{}, []string{"eol 2024-12-31", "gap: distribution opensuse-leap 15.5: no advisories (unsupported); its packages are listed, not matched",
				"gap: package bin: not the distribution's (a deb package on openSUSE Leap), so not covered by the advisories of opensuse-leap:15.5; 1 package is listed, not checked"}, nil},
		{"no ends of life", "debian", "12", published{rows: one, refused: map[assay.Stream]error{assay.StreamEOL: assay.ErrNotFound}}, scan.Filter{},
			[]string{"bin CVE-2024-0001 LOW test", "gap: distribution debian 12: its end of life is unknown: not found"}, nil},
		{"old ends of life", "debian", "12", published{rows: with(ends("debian", "12", "2028-06-30")), stale: map[assay.Stream]assay.Gap{assay.StreamEOL: {Where: "eol", What: "old"}}}, scan.Filter{},
			[]string{"eol 2028-06-30", "gap: eol: old"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := scan.Scan(t.Context(), scan.Request{Database: &tt.db, Filter: tt.filter, Now: func() time.Time { return today }, Image: image(t, tt.id, tt.version)})
			if !errors.Is(err, tt.err) {
				t.Fatalf("%v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, result(r)); diff != "" {
				t.Error(diff)
			}
			if len(r.Packages) != 1 || r.Findings == nil || r.Created != today || r.Database.Digest != "sha256:00" || len(r.Image.Layers) != 1 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// panicking is a suppressor with a fault.
type panicking struct{}

func (panicking) ForReport(context.Context, *assay.Report) (assay.ReportSuppressor, error) {
	panic("index out of range")
}

// TestPanic: a fault of a part ends one scan with an error that names the input,
// never the process.
func TestPanic(t *testing.T) {
	img := image(t, "debian", "12")
	img.Name = "app.tar"
	_, err := scan.Scan(t.Context(), scan.Request{Image: img, Database: &published{rows: map[assay.Stream][]assay.Advisory{"debian:12": nil, assay.StreamEOL: nil}}, Suppressors: []assay.Suppressor{panicking{}}})
	var p *scan.PanicError
	if !errors.As(err, &p) || !strings.Contains(err.Error(), "scan of app.tar: internal error: index out of range") || !strings.Contains(string(p.Stack), "ForReport") {
		t.Errorf("%v", err)
	}
	if _, err := scan.Scan(t.Context(), scan.Request{}); err == nil {
		t.Error("a scan of nothing")
	}
}

func TestScanDetails(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2024, 1, d, 0, 0, 0, 0, time.UTC) }
	nvd := assay.CVSS{Source: "nvd", Version: "3.1", Vector: "CVSS:3.1/AV:N", Score: 9.8}
	a := row("CVE-2024-0001", "debian:12", "src", assay.SeverityUnknown)
	a.Title, a.Text, a.References, a.Published, a.Modified = "Theirs", "Text", []string{"https://a", "https://b"}, day(1), day(2)
	b := row("DSA-1", "debian:12", "src", assay.SeverityUnknown)
	b.Aliases = []string{"CVE-2023-9999", "CVE-2023-0002"}
	c := row("CVE-2024-0003", "debian:12", "src", assay.SeverityMedium)
	db := &published{
		rows: map[assay.Stream][]assay.Advisory{"debian:12": {a, b, c}, assay.StreamEOL: nil},
		details: []assay.Detail{
			{ID: "CVE-2024-0001", Title: "Ours", CVSS: []assay.CVSS{nvd}, CWEs: []string{"CWE-79"}, References: []string{"https://b", "https://c"}, Modified: day(3), KEV: &assay.KEV{Added: "2024-01-05"}, EPSS: &assay.EPSS{Score: 0.5}},
			{ID: "CVE-2023-0002", CVSS: []assay.CVSS{{Source: "cna", Version: "3.1", Score: 7.1}}},
			{ID: "CVE-2024-0003", CVSS: []assay.CVSS{nvd}, Rejected: true},
		},
	}
	r, err := scan.Scan(t.Context(), scan.Request{Database: db, Image: image(t, "debian", "12")})
	if err != nil {
		t.Fatal(err)
	}
	// NVD's severity counts only where the publisher has none.
	if diff := cmp.Diff([]string{"bin CVE-2024-0001 CRITICAL nvd", "bin CVE-2024-0003 MEDIUM test", "bin DSA-1 HIGH cna"}, result(r)); diff != "" {
		t.Fatal(diff)
	}
	want := assay.Detail{ID: "CVE-2024-0001", Title: "Ours", Text: "Text", CVSS: []assay.CVSS{nvd}, CWEs: []string{"CWE-79"}, References: []string{"https://a", "https://b", "https://c"},
		Published: day(1), Modified: day(3), KEV: &assay.KEV{Added: "2024-01-05"}, EPSS: &assay.EPSS{Score: 0.5}}
	if diff := cmp.Diff(want, r.Findings[0].Detail); diff != "" {
		t.Error(diff)
	}
	if !r.Findings[1].Detail.Rejected {
		t.Error("a rejected CVE is not told")
	}
	slices.Sort(db.asked)
	if diff := cmp.Diff([]assay.Stream{"debian:12", "details:2023", "details:2024", "details:other", "eol", "epss", "kev"}, slices.Compact(db.asked)); diff != "" {
		t.Errorf("streams asked:\n%s", diff)
	}
}

func TestScanWithout(t *testing.T) {
	r, err := scan.Scan(t.Context(), scan.Request{Image: image(t, "debian", "12")})
	if err != nil || len(r.Packages) != 1 || len(r.Gaps) != 1 || r.Gaps[0].Where != "advisories" || r.Release.EOL != "" {
		t.Errorf("without a database: %v %+v", err, r)
	}
	db := &published{rows: map[assay.Stream][]assay.Advisory{assay.StreamEOL: {ends("debian", "12", "2028-06-30")}}}
	r, err = scan.Scan(t.Context(), scan.Request{Database: db, Packages: scan.Packages{NoSystem: true}, Image: image(t, "debian", "12")})
	if err != nil || len(r.Packages) != 0 || len(r.Gaps) != 0 || r.Release.EOL != "2028-06-30" {
		t.Errorf("without the system's packages: %v %+v", err, r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := scan.Scan(ctx, scan.Request{Database: db, Image: image(t, "debian", "12")}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

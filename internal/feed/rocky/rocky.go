// Package rocky reads Rocky Linux's errata.
//
// https://apollo.build.resf.org/api/v3/advisories/ is the API of Apollo
// (https://github.com/resf/distro-tools), which creates the errata. It has pages
// of errata of all releases, including old minor releases, with modules and
// scores. The updateinfo.xml of each minor release, repository and architecture
// has the same data, but in some hundred documents, and later ones drop what
// earlier ones had. If the API is missing, as on a mirror of files, the OVAL
// documents are read, https://download.rockylinux.org/oval/. They have less: no
// scores, no titles of their own, and CVEs only in the descriptions.
package rocky

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/version"
)

// Interface is the URL of the pages.
const Interface = "https://apollo.build.resf.org/api/v3/advisories/"

const (
	pageSize  = 100 // errata per page, the maximum
	maxPages  = 10_000
	maxRecord = 64 << 20 // an erratum; one of a kernel, with all builds, has 1 MB
)

// Page is the URL of a page, from 1.
func Page(n int) string { return fmt.Sprintf("%s?page=%d&size=%d", Interface, n, pageSize) }

// Feed reads the errata. Packages are binary packages. Each record is about one
// erratum (RLSA), one of its CVEs and one release: its ID is the CVE, and the
// erratum is one of VendorIDs. An erratum without a CVE keeps its own
// identifier.
//
// Builds of one source version for several minor releases all have the fix, so
// the lowest build ends the affected range. Each different source version ends a
// range of its own.
type Feed struct{}

// Name is "rocky".
func (Feed) Name() string { return "rocky" }

// Streams is "rocky:*": "rocky:9".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"rocky:*"} }

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	e := &emitter{wanted: wanted, s: s}
	seen := map[string]bool{} // new errata move others to the next page
	for n, more := 1, true; more; n++ {
		if n > maxPages {
			return fmt.Errorf("%s: over %d pages: %w", Interface, maxPages, assay.ErrTooLarge)
		}
		var err error
		more, err = page(ctx, g, Page(n), func(r *record) error {
			if seen[r.Name] {
				return nil
			}
			seen[r.Name] = true
			return e.record(r)
		}, s)
		if n == 1 && errors.Is(err, assay.ErrNotFound) {
			return e.oval(ctx, g, err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// record is an erratum in Apollo's format.
type record struct {
	Name      string    `json:"name"`
	Synopsis  string    `json:"synopsis"`
	Kind      string    `json:"kind"`
	Severity  string    `json:"severity"`
	Published time.Time `json:"published_at"`
	Updated   time.Time `json:"updated_at"`
	CVEs      []struct {
		ID     string `json:"cve"`
		Vector string `json:"cvss3_scoring_vector"`
		CWE    string `json:"cwe"`
	} `json:"cves"`
	Packages []struct {
		NEVRA   string `json:"nevra"`
		Module  string `json:"module_name"`
		Stream  string `json:"module_stream"`
		Product string `json:"product_name"`
	} `json:"packages"`
}

// page reads one page; more is true if another page follows.
func page(ctx context.Context, g assay.Getter, url string, visit func(*record) error, s assay.Sink) (more bool, err error) {
	err = document.JSON(ctx, g, url, maxRecord, func(d *jsonstream.Decoder) (found bool, err error) {
		found, more, err = read(d, visit, s)
		return found, err
	})
	return more && err == nil, err
}

// read reads the document of a page; found is true if it has errata and links.
func read(d *jsonstream.Decoder, visit func(*record) error, s assay.Sink) (found, more bool, err error) {
	errata, links := 0, false
	err = d.Object(func(key string) error {
		switch key {
		case "advisories":
			return d.Array(func() error {
				var r record
				ok, err := d.Value(&r)
				errata++
				switch {
				case err != nil:
					return err
				case !ok || r.Name == "":
					s.Skip(r.Name, "malformed record")
					return nil
				}
				return visit(&r)
			})
		case "links":
			var l struct {
				Next *string `json:"next"`
			}
			ok, err := d.Value(&l)
			links, more = ok, ok && l.Next != nil
			return err
		}
		return d.Skip()
	})
	return errata > 0 && links, more, err
}

var (
	release = regexp.MustCompile(`^Rocky Linux (\d+)(?:[. ]|$)`)
	nevra   = regexp.MustCompile(`^(\S+)-(\d+):([^:\s-]+-[^:\s-]+)\.(\w+)\.rpm$`)
)

// An emitter hands errata to s.
type emitter struct {
	wanted []assay.Stream
	s      assay.Sink
}

func (e *emitter) wants(stream assay.Stream) bool {
	return e.wanted == nil || slices.ContainsFunc(e.wanted, func(w assay.Stream) bool { return w.Covers(stream) })
}

func (e *emitter) record(r *record) error {
	if r.Kind != "Security" || !strings.HasPrefix(r.Name, "RLSA-") {
		e.s.Skip(r.Name, "not a security erratum")
		return nil
	}
	builds := builds{}
	for _, p := range r.Packages {
		of, m := release.FindStringSubmatch(p.Product), nevra.FindStringSubmatch(p.NEVRA)
		if of == nil || m == nil {
			continue
		}
		k := place{stream: assay.Stream("rocky:" + of[1]), name: m[1]}
		if p.Module != "" && p.Stream != "" {
			k.module = p.Module + ":" + p.Stream
		}
		fixed := m[3]
		if m[2] != "0" {
			fixed = m[2] + ":" + fixed
		}
		builds.add(k, m[4], fixed)
	}
	notice := erratum{id: r.Name, title: r.Synopsis, severity: r.Severity, published: r.Published, updated: r.Updated}
	for _, c := range r.CVEs {
		if !cve.Valid(c.ID) {
			continue
		}
		f := vulnerability{id: c.ID}
		if score, err := cvss.Parse("rocky", c.Vector); err == nil {
			f.scores = []assay.CVSS{score}
		}
		if w := cve.Weakness(c.CWE); w != "" {
			f.cwes = []string{w}
		}
		notice.vulnerabilities = append(notice.vulnerabilities, f)
	}
	return e.erratum(&notice, builds)
}

// An erratum is the data that both sources have.
type erratum struct {
	id, title, severity string
	published, updated  time.Time
	vulnerabilities     []vulnerability
}

type vulnerability struct {
	id     string
	scores []assay.CVSS
	cwes   []string
}

func (e *emitter) erratum(n *erratum, b builds) error {
	if len(b) == 0 {
		e.s.Skip(n.id, "no package with a fixed version")
		return nil
	}
	rows := b.rows(n.published)
	slices.SortStableFunc(n.vulnerabilities, func(a, b vulnerability) int { return strings.Compare(a.id, b.id) })
	n.vulnerabilities = slices.CompactFunc(n.vulnerabilities, func(a, b vulnerability) bool { return a.id == b.id })
	for len(rows) > 0 {
		of := 1
		for of < len(rows) && rows[of].Stream == rows[0].Stream {
			of++
		}
		if e.wants(rows[0].Stream) {
			if err := e.release(n, rows[:of:of]); err != nil {
				return err
			}
		}
		rows = rows[of:]
	}
	return nil
}

// release hands over the part of an erratum about one release.
func (e *emitter) release(n *erratum, rows []assay.Affected) error {
	a := assay.Advisory{
		ID: n.id, Feed: "rocky", Title: n.title, URL: "https://errata.rockylinux.org/" + n.id, Published: n.published, Modified: n.updated, Affected: rows,
	}
	a.Severity, _ = assay.ParseSeverity(n.severity)
	if word, title, ok := strings.Cut(n.title, ": "); ok {
		if _, ok := assay.ParseSeverity(word); ok {
			a.Title = title
		}
	}
	if len(n.vulnerabilities) == 0 {
		return e.s.Advisory(a)
	}
	for _, f := range n.vulnerabilities {
		a.ID, a.VendorIDs, a.CVSS, a.CWEs = f.id, []string{n.id}, f.scores, f.cwes
		if err := e.s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

// builds are the fixed versions of packages, with the architectures of each.
type builds map[place]map[string]map[string]bool

type place struct {
	stream       assay.Stream
	name, module string
}

func (p place) compare(q place) int {
	return slices.Compare([]string{string(p.stream), p.name, p.module}, []string{string(q.stream), q.name, q.module})
}

func (b builds) add(k place, arch, fixed string) {
	if arch == "src" || strings.HasSuffix(k.name, "-debuginfo") || strings.HasSuffix(k.name, "-debugsource") {
		return
	}
	if b[k] == nil {
		b[k] = map[string]map[string]bool{}
	}
	if b[k][fixed] == nil {
		b[k][fixed] = map[string]bool{}
	}
	b[k][fixed][arch] = true
}

// rows returns a row for each package, by stream; if the architectures have
// different versions, one row for each version.
func (b builds) rows(date time.Time) (rows []assay.Affected) {
	for _, k := range slices.SortedFunc(maps.Keys(b), place.compare) {
		fixes := map[string]map[string]bool{} // versions by architecture
		for v, arches := range b[k] {
			for a := range arches {
				if fixes[a] == nil {
					fixes[a] = map[string]bool{}
				}
				fixes[a][v] = true
			}
		}
		same := map[string][]string{} // architectures by their versions
		for a, versions := range fixes {
			all := strings.Join(lowest(slices.Sorted(maps.Keys(versions))), " ")
			same[all] = append(same[all], a)
		}
		for _, all := range slices.Sorted(maps.Keys(same)) {
			row := assay.Affected{Stream: k.stream, Name: k.name, Status: assay.StatusAffected, FixDate: date, Qualifiers: assay.Qualifiers{Module: k.module}}
			if !slices.Contains(same[all], "noarch") && !slices.Contains(same[all], "") {
				row.Qualifiers.Arches = same[all]
				slices.Sort(row.Qualifiers.Arches)
			}
			for _, v := range strings.Fields(all) {
				row.Ranges = append(row.Ranges, assay.Range{Fixed: v})
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// lowest keeps only the lowest build of each source version.
func lowest(versions []string) (out []string) {
	for _, v := range versions {
		i := slices.IndexFunc(out, func(o string) bool { return source(o) == source(v) })
		if i < 0 {
			out = append(out, v)
		} else if c, err := version.Compare(version.RPM, v, out[i]); err == nil && c < 0 {
			out[i] = v
		}
	}
	return out
}

// source is a version without the distribution's tag.
func source(v string) string {
	for _, tag := range []string{".module+el", ".el"} {
		if i := strings.LastIndex(v, tag); i > 0 {
			return v[:i]
		}
	}
	return v
}

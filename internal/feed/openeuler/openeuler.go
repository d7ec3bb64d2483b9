// Package openeuler reads openEuler's security notices.
//
// https://repo.openeuler.org/security/data/csaf/advisories/ has a CSAF document
// for each notice, and a list of them; see
// https://www.openeuler.org/en/security/. Vulnerabilities without a fix are
// missing. The documents by CVE, and the CVRF documents of the same notices, are
// not read; neither are the descriptions, which are those of the CVEs.
package openeuler

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/record/csaf"
)

// Directory is the directory of the documents; Index lists them.
const (
	Directory = "https://repo.openeuler.org/security/data/csaf/advisories/"
	Index     = Directory + "index.txt"
)

const page = "https://www.openeuler.org/en/security/security-bulletins/detail/?id="

const maxIndex = 16 << 20 // bytes; a notice has 45, and there are some thousand a year

// Feed reads the documents. Packages are binary packages. Each record is about
// one notice and one of its CVEs: its ID is the CVE, and the notice is one of
// VendorIDs.
//
// The stream is that of the release, "openeuler:22.03". Each service pack has its
// own builds, which are not comparable with those of others: Qualifiers.Flavour
// is the tag of the build, "oe2203sp3". The versions have no epochs.
//
// From a Keeper, notices of all but the last year are fetched once, because they
// do not change. Notices that are listed but missing or unreadable are counted as
// skipped, if there are others.
type Feed struct{}

// Name is "openeuler".
func (Feed) Name() string { return "openeuler" }

// Streams is "openeuler:*": "openeuler:24.03".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"openeuler:*"} }

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	paths, err := index(ctx, g)
	if err != nil {
		return err
	}
	k, keeps := g.(assay.Keeper)
	newest, used := paths[len(paths)-1][:4], false
	var failed error
	for _, p := range paths {
		var d *csaf.Document
		var err error
		if keeps && p[:4] < newest {
			d, err = read(k.GetVersion(ctx, Directory+p, "final"))
		} else {
			d, err = read(g.Get(ctx, Directory+p))
		}
		why := ""
		switch {
		case err == nil:
			used = true
			if err := emit(d, wanted, s); err != nil {
				return err
			}
			continue
		case errors.Is(err, assay.ErrNotFound):
			why = "listed but missing"
		case errors.Is(err, assay.ErrMalformed), errors.Is(err, assay.ErrTooLarge), errors.Is(err, assay.ErrUnsupported):
			why = "malformed record"
		default:
			return fmt.Errorf("%s: %w", Directory+p, err)
		}
		s.Skip(p, why)
		failed = fmt.Errorf("%s: %w", Directory+p, err)
	}
	if !used {
		return failed
	}
	return nil
}

func read(body io.ReadCloser, err error) (*csaf.Document, error) {
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return csaf.Read(body)
}

// entry is a line of the list; its directory is the year.
var entry = regexp.MustCompile(`^\d{4}/[\w.-]+\.json$`)

// index reads the list, sorted.
func index(ctx context.Context, g assay.Getter) (paths []string, err error) {
	body, err := g.Get(ctx, Index)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	lines := bufio.NewScanner(limit.Reader(body, maxIndex))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		if !entry.MatchString(line) {
			return nil, fmt.Errorf("%s: invalid notice name %.80q: %w", Index, line, assay.ErrMalformed)
		}
		paths = append(paths, line)
	}
	err = lines.Err()
	if err == nil && len(paths) == 0 || errors.Is(err, bufio.ErrTooLong) {
		err = fmt.Errorf("contains no notices: %w", assay.ErrMalformed)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Index, err)
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

func emit(d *csaf.Document, wanted []assay.Stream, s assay.Sink) error {
	switch {
	case d.Withdrawn():
		s.Skip(d.ID, "withdrawn")
		return nil
	case len(d.Vulnerabilities) == 0:
		s.Skip(d.ID, "document without a vulnerability")
		return nil
	}
	for i := range d.Vulnerabilities {
		v := &d.Vulnerabilities[i]
		rows := affected(d, v)
		if len(rows) == 0 {
			s.Skip(strings.TrimSpace(d.ID+" "+v.CVE), "no package with a fixed version")
			continue
		}
		rows = slices.DeleteFunc(rows, func(a assay.Affected) bool {
			return wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(a.Stream) })
		})
		if len(rows) == 0 {
			continue
		}
		a := assay.Advisory{
			ID: d.ID, Feed: "openeuler", Title: d.Title, Severity: severity(d, v), CVSS: v.CVSS("openeuler"), CWEs: v.Weaknesses(),
			URL: page + d.ID, Published: d.Published, Modified: d.Modified, Affected: rows,
		}
		if v.CVE != "" {
			a.ID, a.VendorIDs = v.CVE, []string{d.ID}
		}
		if err := s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

// severity is the vulnerability's severity, else that of the notice.
func severity(d *csaf.Document, v *csaf.Vulnerability) assay.Severity {
	for _, t := range v.Threats {
		if s, ok := assay.ParseSeverity(t.Details); ok && t.Category == "impact" && s != assay.SeverityUnknown {
			return s
		}
	}
	s, _ := assay.ParseSeverity(d.Severity)
	return s
}

var (
	release = regexp.MustCompile(`^openEuler-(\d+\.\d+)`)
	nvra    = regexp.MustCompile(`^(\S+)-([^\s-]+-[^\s-]+)\.(\w+)\.rpm$`)
	tag     = regexp.MustCompile(`\.(oe\d+(?:sp\d+)?)$`)
)

// affected returns a row for each package and version, by release and name, with
// the architectures of that version.
func affected(d *csaf.Document, v *csaf.Vulnerability) (rows []assay.Affected) {
	type key struct{ release, name, fixed string }
	builds := map[key]map[string]bool{}
	for _, id := range v.Products[csaf.Fixed] {
		p := d.Products[id]
		if p == nil || p.Part == nil {
			continue
		}
		of, m := release.FindStringSubmatch(p.Root().ID), nvra.FindStringSubmatch(p.Part.ID)
		if of == nil || m == nil || m[3] == "src" || strings.HasSuffix(m[1], "-debuginfo") || strings.HasSuffix(m[1], "-debugsource") {
			continue
		}
		k := key{of[1], m[1], m[2]}
		if builds[k] == nil {
			builds[k] = map[string]bool{}
		}
		builds[k][m[3]] = true
	}
	keys := slices.SortedFunc(maps.Keys(builds), func(a, b key) int {
		return cmp.Or(cmp.Compare(a.release, b.release), cmp.Compare(a.name, b.name), cmp.Compare(a.fixed, b.fixed))
	})
	for _, k := range keys {
		a := assay.Affected{
			Stream: assay.Stream("openeuler:" + k.release), Name: k.name, Status: assay.StatusAffected, FixDate: d.Published, Ranges: []assay.Range{{Fixed: k.fixed}},
		}
		if m := tag.FindStringSubmatch(k.fixed); m != nil {
			a.Qualifiers.Flavour = m[1]
		}
		if !builds[k]["noarch"] {
			a.Qualifiers.Arches = slices.Sorted(maps.Keys(builds[k]))
		}
		rows = append(rows, a)
	}
	return rows
}

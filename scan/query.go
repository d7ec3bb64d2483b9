package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"text/tabwriter"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/identifier/cpe"
	"github.com/assaysec/assay/internal/identifier/purl"
)

// ParseQuery parses a search term: a package URL, a CPE name, the ID of a
// vulnerability or notice, or else the name of a package.
func ParseQuery(s string) (q Query, err error) {
	switch {
	case strings.HasPrefix(s, "pkg:"):
		q.Stream, q.Package, err = purl.Lookup(s)
	case strings.HasPrefix(s, "cpe:"):
		name, _ := cpe.Parse(s) // of any part: applications and systems are in one stream
		if name.Vendor == "" || name.Product == "" {
			return q, &OptionError{"", fmt.Errorf("%q names no vendor and product", s)}
		}
		q.Stream, q.Package = assay.StreamCPE, strings.ToLower(name.Vendor+":"+name.Product)
	case isID(s):
		q.ID = s
	default:
		q.Package = s
	}
	return q, err
}

// identifier matches the IDs of vulnerabilities and notices, some also in lower
// case.
var identifier = regexp.MustCompile(`^(?i:(?:cve|go|pysec|rustsec)-\d{4}-\d+|ghsa(?:-[0-9a-z]{4}){3}|(?:dsa|dla|rhsa|usn|elsa|rlsa|alsa|alas\w*|mal|xsa)-\d\S*)$|^[A-Z]{3,}-\S*\d\S*$`)

func isID(s string) bool { return identifier.MatchString(s) }

// A SearchResult is what a database has on a Query.
type SearchResult struct {
	Advisories []Record      `json:"advisories"`
	Detail     *assay.Detail `json:"detail,omitempty"` // of the vulnerability that was sought; nil where none was, or nothing is known
}

// Search looks up what the database of a cache directory has. Nothing is fetched.
func Search(ctx context.Context, cacheDir string, q Query) (*SearchResult, error) {
	dir := DatabaseDir(cacheDir)
	d, err := db.Open(dir)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, fmt.Errorf("no database in %s: run `assay db update` first: %w", dir, assay.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	r := &SearchResult{Advisories: []Record{}}
	for a, err := range d.Search(ctx, db.Query(q)) {
		if err != nil {
			return nil, err
		}
		r.Advisories = append(r.Advisories, Records(&a)...)
	}
	if q.ID == "" {
		return r, nil
	}
	v, err := d.Detail(ctx, strings.ToUpper(q.ID))
	if err == nil {
		r.Detail = &v
	} else if !errors.Is(err, assay.ErrNotFound) {
		return nil, err
	}
	return r, nil
}

// Text writes the result for a person. What was sought is named where there is
// nothing on it.
func (r *SearchResult) Text(w io.Writer, sought string) error {
	if len(r.Advisories) == 0 && r.Detail == nil {
		_, err := fmt.Fprintf(w, "the database has nothing on %s (see `assay db list` for its streams)\n", printable.Text(sought))
		return err
	}
	if r.Detail != nil {
		writeDetail(w, r.Detail)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(r.Advisories) > 0 {
		fmt.Fprintln(t, "VULNERABILITY\tSTREAM\tPACKAGE\tSTATUS\tSEVERITY\tAFFECTED")
	}
	for i := range r.Advisories {
		a := &r.Advisories[i]
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", printable.Text(a.ID), a.Stream, printable.Text(a.Package), a.Status, a.Severity, printable.Text(a.Affected()))
	}
	return t.Flush()
}

func writeDetail(w io.Writer, d *assay.Detail) {
	fmt.Fprintf(w, "%s %s\n", d.ID, printable.Text(d.Title))
	for _, c := range d.CVSS {
		fmt.Fprintf(w, "  CVSS %s %.1f %s (%s)\n", c.Version, c.Score, printable.Text(c.Vector), printable.Text(c.Source))
	}
	if d.KEV != nil {
		fmt.Fprintf(w, "  known to be exploited, added %s\n", printable.Text(d.KEV.Added))
	}
	if d.EPSS != nil {
		fmt.Fprintf(w, "  EPSS %.3f%% (%s)\n", d.EPSS.Score*100, printable.Text(d.EPSS.Date))
	}
	if d.Text != "" {
		fmt.Fprintf(w, "  %s\n", printable.Cut(printable.Text(d.Text), 300))
	}
	fmt.Fprintln(w)
}

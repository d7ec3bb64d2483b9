package scan

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/match"
	"github.com/assaysec/assay/internal/record/bom"
	"github.com/assaysec/assay/internal/triage"
)

// An Explanation is everything that is known of one vulnerability, and what it
// means for what was scanned.
type Explanation struct {
	ID       string        `json:"id"`
	Names    []string      `json:"names"` // all other names of it
	Detail   *assay.Detail `json:"detail,omitempty"`
	Severity string        `json:"severity"`       // of the vulnerability itself, by the usual choice
	Source   string        `json:"severitySource"` // who says so
	Records  []Record      `json:"records"`        // what publishers say
	Target   string        `json:"target,omitempty"`
	Verdict  string        `json:"verdict,omitempty"` // of the target, in a sentence
	Found    []Found       `json:"found"`             // findings, those that were ruled out, too
	Judged   []Judged      `json:"judged"`            // each record held against each package that it names
	Gaps     []assay.Gap   `json:"gaps"`
}

// A Record is what one publisher says of one package.
type Record struct {
	ID        string         `json:"id"`
	Aliases   []string       `json:"aliases,omitempty"`
	VendorIDs []string       `json:"vendorIDs,omitempty"`
	Feed      string         `json:"feed"`
	Stream    assay.Stream   `json:"stream"`
	Package   string         `json:"package"`
	Status    assay.Status   `json:"status"`
	Severity  assay.Severity `json:"severity"`
	Reason    string         `json:"reason,omitempty"`
	Ranges    []assay.Range  `json:"ranges,omitempty"`
	Versions  []string       `json:"versions,omitempty"`
	URL       string         `json:"url,omitempty"`
}

// Records is what an advisory says, one a package.
func Records(a *assay.Advisory) (out []Record) {
	for i := range a.Affected {
		row := &a.Affected[i]
		severity := row.Severity
		if severity == assay.SeverityUnknown {
			severity = a.Severity
		}
		out = append(out, Record{a.ID, a.Aliases, a.VendorIDs, a.Feed, row.Stream, row.Name, row.Status, severity, row.Reason, row.Ranges, row.Versions, a.URL})
	}
	return out
}

// Found is a finding with its package.
type Found struct {
	assay.Finding
	Of          assay.Package      `json:"of"`
	Paths       [][]string         `json:"paths,omitempty"`       // from what nobody needs down to the package, some of them
	Suppression *assay.Suppression `json:"suppression,omitempty"` // nil where it counts
	Base        bool               `json:"base,omitempty"`        // the base image brought it
}

// Judged is a judgement with its package.
type Judged struct {
	match.Judgement
	Name    string `json:"name"`
	Version string `json:"version"`
	Path    string `json:"path,omitempty"`
}

// A Searcher is an Advisories that finds advisories by their names, too, as
// Database does. Explain needs it.
type Searcher interface {
	Advisories
	// Search yields the advisories that the query names.
	Search(ctx context.Context, q db.Query) iter.Seq2[assay.Advisory, error]
}

// Search yields the advisories in the database that a query names.
func (d *Database) Search(ctx context.Context, q db.Query) iter.Seq2[assay.Advisory, error] {
	return func(yield func(assay.Advisory, error) bool) {
		d.fetching.Lock()
		_, err := d.reopen(false)
		d.fetching.Unlock()
		c := d.newest()
		if err == nil && c == nil {
			err = fmt.Errorf("no database in %s: run `assay db update` first: %w", d.Dir, assay.ErrNotFound)
		}
		if err != nil {
			yield(assay.Advisory{}, err)
			return
		}
		c.Search(ctx, q)(yield)
	}
}

// Explain tells what is known of a vulnerability, by any of its names, and, where
// r is not nil, why its packages are affected or are not.
func (s *Scanner) Explain(ctx context.Context, id string, r *assay.Report) (*Explanation, error) {
	e := &Explanation{ID: id, Names: []string{}, Records: []Record{}, Found: []Found{}, Judged: []Judged{}, Gaps: []assay.Gap{}}
	advisories, err := s.under(ctx, e)
	if err != nil {
		return nil, err
	}
	if err := s.known(ctx, e, advisories); err != nil {
		return nil, err
	}
	if r == nil {
		return e, nil
	}
	e.Target = r.Image.Name
	for _, g := range r.Gaps {
		if !slices.Contains(e.Gaps, g) {
			e.Gaps = append(e.Gaps, g)
		}
	}
	e.findings(r)
	inv := &assay.Inventory{Release: r.Release, Packages: r.Packages}
	judged, err := match.Why(ctx, inv, advisories, s.Advisories, s.Match)
	if err != nil {
		return nil, err
	}
	for _, j := range judged {
		p := &r.Packages[j.Package]
		e.Judged = append(e.Judged, Judged{j, p.Name, p.Version, p.Path})
	}
	e.verdict(r, inv, s.Match)
	return e, nil
}

// maxNames bounds the names of one vulnerability.
const maxNames = 64

// under finds the advisories under the id, then those under the names that these
// give: aliases of one fault. Notices, which speak of several, give none.
func (s *Scanner) under(ctx context.Context, e *Explanation) ([]assay.Advisory, error) {
	where, ok := s.Advisories.(Searcher)
	if !ok {
		return nil, fmt.Errorf("the advisories cannot be searched: %w", assay.ErrUnsupported)
	}
	var out []assay.Advisory
	asked := []string{e.ID}
	for i := 0; i < len(asked) && i < maxNames; i++ {
		for a, err := range where.Search(ctx, db.Query{ID: asked[i]}) {
			if err != nil {
				return nil, err
			}
			if a.Affected != nil && a.Affected[0].Stream == assay.StreamEOL || has(out, &a) {
				continue
			}
			out = append(out, a)
			if names := cve.Set(append(slices.Clone(a.Aliases), a.ID)); slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, asked[i]) }) && oneFault(names) {
				for _, n := range names {
					if !slices.ContainsFunc(asked, func(x string) bool { return strings.EqualFold(x, n) }) {
						asked = append(asked, n)
					}
				}
			}
		}
	}
	for _, n := range asked[1:] {
		if len(e.Names) < maxNames {
			e.Names = append(e.Names, n)
		}
	}
	return out, nil
}

// oneFault reports whether names are of one vulnerability.
func oneFault(names []string) bool {
	n := 0
	for _, name := range names {
		if strings.HasPrefix(name, "CVE-") {
			n++
		}
	}
	return n <= 1
}

// has reports whether an advisory, about the same packages, is among others.
func has(all []assay.Advisory, a *assay.Advisory) bool {
	return slices.ContainsFunc(all, func(b assay.Advisory) bool {
		return a.ID == b.ID && a.Feed == b.Feed && len(a.Affected) > 0 && len(b.Affected) > 0 &&
			a.Affected[0].Stream == b.Affected[0].Stream && a.Affected[0].Name == b.Affected[0].Name && len(a.Affected) == len(b.Affected)
	})
}

// known fills in the records and the details.
func (s *Scanner) known(ctx context.Context, e *Explanation, advisories []assay.Advisory) error {
	f := assay.Finding{ID: e.ID}
	for i := range advisories {
		a := &advisories[i]
		add(&f.Detail, &assay.Detail{Title: a.Title, Text: a.Text, CVSS: a.CVSS, CWEs: a.CWEs, References: a.References, Published: a.Published, Modified: a.Modified,
			Ratings: []assay.Rating{{Source: cmp.Or(a.Publisher, a.Feed), Severity: a.Severity}}})
		e.Records = append(e.Records, Records(a)...)
	}
	ids := append([]string{strings.ToUpper(e.ID), e.ID}, e.Names...)
	streams := []assay.Stream{assay.StreamKEV, assay.StreamEPSS}
	for _, id := range ids {
		if st := assay.DetailStream(id); !slices.Contains(streams, st) {
			streams = append(streams, st)
		}
	}
	gaps, err := s.Advisories.Ensure(ctx, streams)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e.Gaps = append(e.Gaps, gaps...); err != nil {
		e.Gaps = append(e.Gaps, missingDetails(err))
	}
	found, err := s.look(ctx, &f.Detail, ids)
	if err != nil {
		return err
	}
	if found || len(advisories) > 0 {
		f.Detail.ID = e.ID
		e.Detail = &f.Detail
		triage.Rate(&f, s.Triage.SeveritySources)
		e.Severity, e.Source = f.Severity.String(), f.SeveritySource
	}
	return nil
}

// findings picks those of the vulnerability from a report.
func (e *Explanation) findings(r *assay.Report) {
	is := func(f *assay.Finding) bool {
		names := append(slices.Concat(f.Aliases, f.VendorIDs), f.ID)
		return slices.ContainsFunc(append([]string{e.ID}, e.Names...), func(id string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, id) })
		})
	}
	var by [][]int
	found := func(f *assay.Finding, suppression *assay.Suppression) {
		if by == nil {
			by = bom.Needers(r.Packages)
		}
		p := &r.Packages[f.Package]
		x := Found{Finding: *f, Of: *p, Suppression: suppression, Base: r.FromBase(p)}
		for _, way := range bom.Ways(by, f.Package, maxPaths, maxSteps) {
			var names []string
			for _, n := range way {
				names = append(names, r.Packages[n].Ref())
			}
			x.Paths = append(x.Paths, names)
		}
		e.Found = append(e.Found, x)
	}
	for i := range r.Findings {
		if is(&r.Findings[i]) {
			found(&r.Findings[i], nil)
		}
	}
	for i := range r.Suppressed {
		if x := &r.Suppressed[i]; is(&x.Finding) {
			found(&x.Finding, &x.Suppression)
		}
	}
}

// Bounds of the paths that are told.
const (
	maxPaths = 3
	maxSteps = 32
)

// verdict says in a sentence what the vulnerability means for the target.
func (e *Explanation) verdict(r *assay.Report, inv *assay.Inventory, o match.Options) {
	counts, ruled := 0, 0
	for i := range e.Found {
		if e.Found[i].Suppression == nil {
			counts++
		} else {
			ruled++
		}
	}
	streams, _ := match.Streams(inv, o)
	spoken := slices.ContainsFunc(e.Records, func(r Record) bool { return slices.Contains(streams, r.Stream) })
	switch {
	case counts > 0:
		e.Verdict = "affected: " + printable.Count(counts, "finding", "findings")
	case ruled > 0:
		e.Verdict = "not affected: the findings are ruled out"
	case slices.ContainsFunc(e.Judged, func(j Judged) bool { return j.Holds }):
		e.Verdict = "not among the findings, though a record holds: "
		if r.LeftOut > 0 {
			e.Verdict += fmt.Sprintf("filters or --as-of left %s out", printable.Count(r.LeftOut, "finding", "findings"))
		} else {
			e.Verdict += "another record outweighs it, or the report rests on other advisories"
		}
	case len(e.Judged) > 0:
		e.Verdict = "not affected: no record holds for what is installed"
	case spoken:
		e.Verdict = "not affected: no package of which the records speak is installed"
	case len(e.Records) > 0:
		e.Verdict = "nothing is said of it for this target: the records speak of other distributions and registries"
	default:
		e.Verdict = "nothing is known of it here: the database has no record of it"
	}
}

package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/match"
	"github.com/assaysec/assay/internal/record/bom"
	"github.com/assaysec/assay/internal/triage"
)

// An Explanation is everything that is known about one vulnerability, and its
// effect on the target.
type Explanation struct {
	ID       string        `json:"id"`
	Names    []string      `json:"names"` // all its aliases
	Detail   *assay.Detail `json:"detail,omitempty"`
	Severity string        `json:"severity"`       // of the vulnerability itself, by the default sources
	Source   string        `json:"severitySource"` // of Severity
	Records  []Record      `json:"records"`        // of advisories, one for each package
	Target   string        `json:"target,omitempty"`
	Verdict  string        `json:"verdict,omitempty"` // about the target, in a sentence
	Found    []Found       `json:"found"`             // findings, including suppressed ones
	Judged   []Judged      `json:"judged"`            // each row of an advisory, for each package that it names
	Gaps     []assay.Gap   `json:"gaps"`
}

// A Record is one advisory's data on one package.
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

// Records lists the data of an advisory, one record for each package.
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
	Paths       [][]string         `json:"paths,omitempty"`       // some dependency paths, from a package that no other depends on to this one
	Suppression *assay.Suppression `json:"suppression,omitempty"` // nil if the finding is not suppressed
	Base        bool               `json:"base,omitempty"`        // the package is from the base image
}

// Judged is the result of one row of an advisory for one package, as a scan
// judges it. Verdict and Rule are those of package match: "affected" is a
// finding, "suppressed" a suppressed finding, "unknown" a gap.
type Judged struct {
	Package  int          `json:"package"` // index in the report's packages
	Advisory string       `json:"advisory"`
	Feed     string       `json:"feed"`
	Stream   assay.Stream `json:"stream"`
	Holds    bool         `json:"holds"` // Verdict is "affected"
	Verdict  string       `json:"verdict"`
	Rule     string       `json:"rule"`   // that decided
	Why      string       `json:"reason"` // the rule in words
	Fix      string       `json:"fix,omitempty"`
	Name     string       `json:"name"`
	Version  string       `json:"version"`
	Path     string       `json:"path,omitempty"`
}

// judged is a judgement with its package.
func judged(j *match.Judgement, p *assay.Package) Judged {
	return Judged{j.Package, j.Advisory.ID, j.Advisory.Feed, j.Row.Stream, j.Verdict == match.VerdictAffected, string(j.Verdict), string(j.Rule), j.Because(), j.Fix, p.Name, p.Version, p.Path}
}

// Explain explains a vulnerability, by any of its names. If r is not nil, it
// also explains why packages of r are affected or not. r is the report of a scan
// by the same request, or a saved one. Explain judges the packages as Scan does,
// by the advisories that the database has now. Found includes suppressed
// findings; Verdict names findings that filters left out.
func Explain(ctx context.Context, id string, r *assay.Report, request Request) (_ *Explanation, err error) {
	defer catch(&err, "explanation of %s", id)
	s := begin(&request)
	defer s.end()
	if s.session == nil {
		return nil, fmt.Errorf("`assay explain` needs a database: %w", assay.ErrUnsupported)
	}
	e := &Explanation{ID: id, Names: []string{}, Records: []Record{}, Found: []Found{}, Judged: []Judged{}, Gaps: []assay.Gap{}}
	advisories, err := s.findAdvisories(ctx, e)
	if err != nil {
		return nil, err
	}
	if err := s.describe(ctx, e, advisories); err != nil {
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
	e.addFindings(r)
	inv := &assay.Inventory{Release: r.Release, Packages: r.Packages}
	known := &tolerantAdvisories{Advisories: s.session}
	all, err := match.Vulnerability(ctx, inv, append(slices.Clone(e.Names), e.ID), advisories, known, s.Request.match())
	if err != nil {
		return nil, err
	}
	for i := range all {
		e.Judged = append(e.Judged, judged(&all[i], &r.Packages[all[i].Package]))
	}
	for _, stream := range known.missing {
		e.Gaps = append(e.Gaps, assay.Gap{Where: string(stream), What: "the database has no advisories for this stream; judged without them"})
	}
	e.decide(r, inv, s.Request.match())
	return e, nil
}

// tolerantAdvisories answers nothing for streams that the database does not have, and
// notes them: the database that explains a report may not have all streams of
// its scan.
type tolerantAdvisories struct {
	assay.Advisories
	missing []assay.Stream
}

func (t *tolerantAdvisories) Lookup(ctx context.Context, s assay.Stream, name string) iter.Seq2[assay.Advisory, error] {
	return func(yield func(assay.Advisory, error) bool) {
		for a, err := range t.Advisories.Lookup(ctx, s, name) {
			if errors.Is(err, assay.ErrNotFound) {
				if !slices.Contains(t.missing, s) && s != assay.StreamRHELCPE { // without this stream the default repositories are assumed
					t.missing = append(t.missing, s)
				}
				return
			}
			if !yield(a, err) {
				return
			}
		}
	}
}

// Names lists the names of packages in a stream.
func (t *tolerantAdvisories) Names(ctx context.Context, s assay.Stream) iter.Seq2[string, error] {
	return namesIn(ctx, t.Advisories, s)
}

// maxNames bounds the names of one vulnerability.
const maxNames = 64

// findAdvisories finds the advisories by the ID, then by the names in those:
// aliases of one vulnerability. Notices about several vulnerabilities add no
// names.
func (s *scanner) findAdvisories(ctx context.Context, e *Explanation) ([]assay.Advisory, error) {
	var out []assay.Advisory
	asked := []string{e.ID}
	for i := 0; i < len(asked) && i < maxNames; i++ {
		for a, err := range s.session.Search(ctx, Query{ID: asked[i]}) {
			if err != nil {
				return nil, err
			}
			if a.Affected != nil && a.Affected[0].Stream == assay.StreamEOL || containsAdvisory(out, &a) {
				continue
			}
			out = append(out, a)
			if names := cve.Set(append(slices.Clone(a.Aliases), a.ID)); slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, asked[i]) }) && haveOneCVE(names) {
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

// haveOneCVE reports whether names belong to one vulnerability.
func haveOneCVE(names []string) bool {
	n := 0
	for _, name := range names {
		if strings.HasPrefix(name, "CVE-") {
			n++
		}
	}
	return n <= 1
}

// containsAdvisory reports whether an advisory about the same packages is in a list.
func containsAdvisory(all []assay.Advisory, a *assay.Advisory) bool {
	return slices.ContainsFunc(all, func(b assay.Advisory) bool {
		return a.ID == b.ID && a.Feed == b.Feed && len(a.Affected) > 0 && len(b.Affected) > 0 &&
			a.Affected[0].Stream == b.Affected[0].Stream && a.Affected[0].Name == b.Affected[0].Name && len(a.Affected) == len(b.Affected)
	})
}

// describe sets the records and the details.
func (s *scanner) describe(ctx context.Context, e *Explanation, advisories []assay.Advisory) error {
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
	gaps, err := s.session.Ensure(ctx, streams)
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
		triage.Rate(&f, s.Filter.SeveritySources)
		e.Severity, e.Source = f.Severity.String(), f.SeveritySource
	}
	return nil
}

// addFindings adds the findings of a report about the vulnerability.
func (e *Explanation) addFindings(r *assay.Report) {
	isMeant := func(f *assay.Finding) bool {
		names := append(slices.Concat(f.Aliases, f.VendorIDs), f.ID)
		return slices.ContainsFunc(append([]string{e.ID}, e.Names...), func(id string) bool {
			return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, id) })
		})
	}
	var by [][]int
	add := func(f *assay.Finding, suppression *assay.Suppression) {
		if by == nil {
			by = bom.Needers(r.Packages)
		}
		p := &r.Packages[f.Package]
		x := Found{Finding: *f, Of: *p, Suppression: suppression, Base: r.FromBase(p)}
		for _, way := range bom.DependencyPaths(by, f.Package, maxPaths, maxSteps) {
			var names []string
			for _, n := range way {
				names = append(names, r.Packages[n].Ref())
			}
			x.Paths = append(x.Paths, names)
		}
		e.Found = append(e.Found, x)
	}
	for i := range r.Findings {
		if isMeant(&r.Findings[i]) {
			add(&r.Findings[i], nil)
		}
	}
	for i := range r.Suppressed {
		if x := &r.Suppressed[i]; isMeant(&x.Finding) {
			add(&x.Finding, &x.Suppression)
		}
	}
}

// Bounds of the dependency paths.
const (
	maxPaths = 3
	maxSteps = 32
)

// decide explains the effect of the vulnerability on the target in a sentence.
func (e *Explanation) decide(r *assay.Report, inv *assay.Inventory, o match.Options) {
	suppressed := 0
	for i := range e.Found {
		if e.Found[i].Suppression != nil {
			suppressed++
		}
	}
	verdicts := map[match.Verdict]int{}
	for i := range e.Judged {
		verdicts[match.Verdict(e.Judged[i].Verdict)]++
	}
	streams, _ := match.Streams(inv, o)
	switch affected := len(e.Found) - suppressed; {
	case affected > 0:
		e.Verdict = "affected: " + printable.Count(affected, "finding", "findings")
	case suppressed == 1:
		e.Verdict = "not affected: the finding is suppressed"
	case suppressed > 1:
		e.Verdict = fmt.Sprintf("not affected: all %d findings are suppressed", suppressed)
	case verdicts[match.VerdictAffected]+verdicts[match.VerdictSuppressed] > 0:
		e.Verdict = "not among the findings, though an advisory applies: "
		if r.LeftOut > 0 {
			e.Verdict += fmt.Sprintf("filters or --as-of left %s out", printable.Count(r.LeftOut, "finding", "findings"))
		} else {
			e.Verdict += "the report was made with other advisories or options"
		}
	case verdicts[match.VerdictUnknown] > 0:
		e.Verdict = fmt.Sprintf("unknown: %s cannot be judged, and no other one applies", printable.Count(verdicts[match.VerdictUnknown], "advisory record", "advisory records"))
	case len(e.Judged) > 0:
		e.Verdict = "not affected: no advisory applies to what is installed"
	case slices.ContainsFunc(e.Records, func(r Record) bool { return slices.Contains(streams, r.Stream) }):
		e.Verdict = "not affected: no package that the advisories name is installed"
	case len(e.Records) > 0:
		e.Verdict = "unknown: the advisories are about other distributions and registries than this target's"
	default:
		e.Verdict = "unknown: the database has no advisory about it"
	}
}

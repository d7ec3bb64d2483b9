package scan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/inventory"
	"github.com/assaysec/assay/internal/match"
	"github.com/assaysec/assay/internal/reader"
	"github.com/assaysec/assay/internal/triage"
)

// Scan scans an image, a directory, an SBOM or a disk and reports its packages
// and findings. Parts that could not be read or judged are gaps of the report;
// on an error there is no usable report.
func Scan(ctx context.Context, request Request) (r *assay.Report, err error) {
	if request.Image == nil {
		return nil, errors.New("no image to scan: set Request.Image")
	}
	defer catch(&err, "scan of %s", request.Image.Name)
	s := begin(&request)
	defer s.end()
	img := *request.Image
	suppressors, gaps, err := s.suppressors(ctx, &img)
	if err != nil {
		return nil, err
	}
	img.Gaps = append(img.Gaps[:len(img.Gaps):len(img.Gaps)], gaps...)
	inv, dev, err := s.inventory(ctx, &img)
	if err != nil {
		return nil, err
	}
	r = s.report(&img, inv)
	defer func() {
		if r != nil {
			r.Gaps = tidyGaps(r.Gaps)
		}
	}()
	r.DevLeftOut = dev
	if request.ListOnly {
		return r, nil
	}
	r.Image.Base, gaps = s.base(ctx, &img)
	inv.Gaps = append(inv.Gaps, gaps...)
	if s.session == nil {
		r.Gaps = append(inv.Gaps, assay.Gap{Where: "advisories", What: "no database; packages are listed, not matched"})
		return r, nil
	}
	if err := s.identify(ctx, inv); err != nil {
		return nil, err
	}
	r.Packages, r.Gaps = inv.Packages, inv.Gaps
	if err := s.match(ctx, inv, r); err != nil {
		return nil, err
	}
	r.Database = s.session.Used()
	if err := triage.Apply(ctx, r, request.options(suppressors)); err != nil {
		return nil, err
	}
	return r, nil
}

// Rejudge applies the Filter, the Suppressors, the VEX documents and the Base of
// a request to a saved report. It scans and matches nothing. The saved report
// stays unchanged; findings that filters removed from it cannot come back.
func Rejudge(ctx context.Context, saved *assay.Report, request Request) (_ *assay.Report, err error) {
	defer catch(&err, "report on %s", saved.Image.Name)
	r := *saved
	r.Findings, r.Suppressed, r.Gaps = slices.Clone(saved.Findings), slices.Clone(saved.Suppressed), slices.Clone(saved.Gaps)
	suppressors, gaps, err := request.suppressors(ctx, request.imageOf(&r))
	if err != nil {
		return nil, err
	}
	r.Gaps = append(r.Gaps, gaps...)
	if request.Base != nil {
		request.Base.setBaseOf(&r)
	}
	if err := triage.Apply(ctx, &r, request.options(suppressors)); err != nil {
		return nil, err
	}
	r.Gaps = tidyGaps(r.Gaps)
	return &r, nil
}

// imageOf is the target of a report: the request's image, or the image's data in
// the report.
func (r *Request) imageOf(of *assay.Report) *assay.Image {
	if r.Image != nil {
		return r.Image
	}
	i := &of.Image
	return &assay.Image{Kind: of.Kind, Name: i.Name, Source: cmp.Or(i.Source, "a report"), Digest: i.Digest, Indexes: i.Indexes, RepoDigests: i.RepoDigests, Platform: i.Platform}
}

// scanner is a running request.
type scanner struct {
	*Request
	session Session // nil without a database
}

// begin begins a session with the database. The caller calls end.
func begin(r *Request) *scanner {
	s := &scanner{Request: r}
	if r.Database != nil && !r.ListOnly {
		s.session = r.Database.Session()
	}
	return s
}

func (s *scanner) end() {
	if s.session != nil {
		s.session.Close()
	}
}

func (s *scanner) suppressors(ctx context.Context, img *assay.Image) ([]assay.Suppressor, []assay.Gap, error) {
	if s.ListOnly {
		return nil, nil, nil
	}
	return s.Request.suppressors(ctx, img)
}

// inventory finds the packages, and counts the development dependencies that the
// report leaves out.
func (s *scanner) inventory(ctx context.Context, img *assay.Image) (_ *assay.Inventory, dev int, _ error) {
	o, err := s.inventoryOptions()
	if err != nil {
		return nil, 0, err
	}
	o.Readers = reader.All()
	projects := s.Maven.session(img.Kind, o)
	if projects != nil {
		defer projects.Close()
		o.Registry = projects
	}
	inv, err := inventory.Build(ctx, img, o)
	if err != nil {
		return nil, 0, err
	}
	if projects != nil {
		inv.Gaps = append(inv.Gaps, projects.Gaps()...)
	}
	if img.Kind == assay.KindSBOM && inv.SBOM == "" {
		return nil, 0, unreadable(img, inv)
	}
	covered := match.CoveredByDistro(inv, s.Request.match())
	dropOwned(inv, covered)
	return inv, s.Packages.dropUnselected(inv, covered) + inv.DevLeftOut, nil
}

// report creates a report of the packages.
func (s *scanner) report(img *assay.Image, inv *assay.Inventory) *assay.Report {
	r := &assay.Report{Schema: assay.ReportSchema, Tool: s.Tool, Created: s.now().UTC().Truncate(time.Second), Image: info(img),
		Kind: cmp.Or(img.Kind, assay.KindImage), Release: inv.Release, Packages: inv.Packages, Findings: []assay.Finding{}, Sections: inv.Sections, Gaps: inv.Gaps}
	if r.Packages == nil {
		r.Packages = []assay.Package{}
	}
	r.Image.SBOM = inv.SBOM
	return r
}

// unreadable returns why an SBOM is not readable.
func unreadable(img *assay.Image, inv *assay.Inventory) error {
	for _, g := range inv.Gaps {
		if g.Where != "target" {
			return fmt.Errorf("%s: %s", img.Name, strings.TrimPrefix(g.What, "sbom: "))
		}
	}
	return fmt.Errorf("%s: not an SBOM: %w", img.Name, assay.ErrUnsupported)
}

// tidyGaps removes repeated gaps, and credentials in URLs of lock files and mirrors.
func tidyGaps(gaps []assay.Gap) []assay.Gap {
	seen := map[assay.Gap]bool{}
	var out []assay.Gap
	for _, g := range gaps {
		g = assay.Gap{Where: printable.NoCredentials(g.Where), What: printable.NoCredentials(g.What)}
		if !seen[g] {
			seen[g] = true
			out = append(out, g)
		}
	}
	return out
}

// match adds findings and their details to the report.
func (s *scanner) match(ctx context.Context, inv *assay.Inventory, r *assay.Report) error {
	if err := s.endsOfLife(ctx, r); err != nil {
		return err
	}
	streams, gaps := match.Streams(inv, s.Request.match())
	if len(streams) == 0 {
		r.Gaps = append(r.Gaps, gaps...)
		return nil
	}
	advisories, err := s.ensure(ctx, streams, r)
	if err != nil {
		return err
	}
	found, err := match.Packages(ctx, inv, advisories, s.Request.match())
	if err != nil {
		return err
	}
	r.Gaps, r.Suppressed = append(r.Gaps, found.Gaps...), found.Suppressed
	if found.Findings != nil {
		r.Findings = found.Findings
	}
	return s.details(ctx, r)
}

// details adds the details of each vulnerability.
func (s *scanner) details(ctx context.Context, r *assay.Report) error {
	all := make([]*assay.Finding, 0, len(r.Findings)+len(r.Suppressed))
	for i := range r.Findings {
		all = append(all, &r.Findings[i])
	}
	for i := range r.Suppressed {
		all = append(all, &r.Suppressed[i].Finding)
	}
	if len(all) == 0 {
		return nil
	}
	streams := []assay.Stream{assay.StreamKEV, assay.StreamEPSS}
	for _, f := range all {
		ids := []string{f.ID}
		if !strings.HasPrefix(f.ID, "CVE-") {
			ids = append(ids, f.Aliases...)
		}
		for _, id := range ids {
			if st := assay.DetailStream(id); !slices.Contains(streams, st) {
				streams = append(streams, st)
			}
		}
	}
	slices.Sort(streams)
	gaps, err := s.session.Ensure(ctx, streams)
	r.Gaps = append(r.Gaps, gaps...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil { // findings without details are better than none
		r.Gaps = append(r.Gaps, missingDetails(err))
	}
	for _, f := range all {
		if _, err := s.look(ctx, &f.Detail, append([]string{f.ID}, f.Aliases...)); err != nil {
			return err
		}
	}
	if gap := unrated(r.Findings, s.Filter.SeveritySources); gap != nil {
		r.Gaps = append(r.Gaps, *gap)
	}
	return nil
}

// look adds the details under the first name of a vulnerability that the
// database has; ok is false without any.
func (s *scanner) look(ctx context.Context, to *assay.Detail, names []string) (ok bool, _ error) {
	for _, id := range names {
		d, err := s.session.Detail(ctx, id)
		if errors.Is(err, assay.ErrNotFound) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("details of %s: %w", id, err)
		}
		add(to, &d)
		return true, nil
	}
	return false, nil
}

// unrated reports vulnerabilities to which none of the sources gives a severity.
func unrated(findings []assay.Finding, sources []string) *assay.Gap {
	ids := map[string]bool{}
	for i := range findings {
		f := &findings[i]
		if triage.Rate(f, sources); f.Severity == assay.SeverityUnknown {
			ids[f.ID] = true
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return &assay.Gap{Where: "severity", What: fmt.Sprintf(
		"UNKNOWN for %s: neither the distribution nor the details in the database rate them (see --vuln-severity-source)", printable.Count(len(ids), "vulnerability", "vulnerabilities"))}
}

// missingDetails names the streams that cannot be asked, with the first reason.
func missingDetails(err error) assay.Gap {
	var names []string
	why, errs := err, []error{err}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		errs = j.Unwrap()
	}
	for _, e := range errs {
		var s *StreamError
		if errors.As(e, &s) {
			if len(names) == 0 {
				why = s.Err
			}
			names = append(names, string(s.Stream))
		}
	}
	slices.Sort(names)
	first, _, _ := strings.Cut(why.Error(), "\n")
	return assay.Gap{Where: "details of vulnerabilities", What: fmt.Sprintf("missing for some findings (%s): %s", strings.Join(names, ", "), first)}
}

// add adds the data of detail feeds to those of the advisory.
func add(to, d *assay.Detail) {
	if d.Title != "" {
		to.Title = d.Title
	}
	if d.Text != "" {
		to.Text = d.Text
	}
	for _, c := range d.CVSS {
		if !slices.Contains(to.CVSS, c) {
			to.CVSS = append(to.CVSS, c)
		}
	}
	for _, ref := range d.References {
		if !slices.Contains(to.References, ref) {
			to.References = append(to.References, ref)
		}
	}
	for _, cwe := range d.CWEs {
		if !slices.Contains(to.CWEs, cwe) {
			to.CWEs = append(to.CWEs, cwe)
		}
	}
	to.Ratings = ratings(to.Ratings, d.Ratings)
	to.KEV, to.EPSS, to.Rejected = d.KEV, d.EPSS, d.Rejected
	if !d.Published.IsZero() {
		to.Published = d.Published
	}
	if !d.Modified.IsZero() {
		to.Modified = d.Modified
	}
}

// ratings adds the ratings of new sources.
func ratings(to, more []assay.Rating) []assay.Rating {
	for _, r := range more {
		if !slices.ContainsFunc(to, func(x assay.Rating) bool { return x.Source == r.Source }) {
			to = append(to, r)
		}
	}
	return to
}

// info is the report's data on the image.
func info(img *assay.Image) assay.ImageInfo {
	i := assay.ImageInfo{Name: img.Name, Source: img.Source, ID: img.ID, Digest: img.Digest, Indexes: img.Indexes, RepoTags: img.RepoTags, RepoDigests: img.RepoDigests,
		Platform: img.Platform, Created: img.Created, Config: img.Config, Repository: img.Repository}
	if !img.Kind.IsImage() {
		return i // the layer has no name
	}
	for _, l := range img.Layers {
		i.Layers = append(i.Layers, assay.LayerInfo{DiffID: l.DiffID, Digest: l.Digest, Size: l.Size, CreatedBy: l.CreatedBy})
		i.Size += l.Size
	}
	return i
}

package scan_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
	"github.com/assaysec/assay/internal/source"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/scan"
)

// session is a Session by a name that is free for the method.
type session = scan.Session

// A recorder is a database that remembers what was looked up in it.
type recorder struct {
	session
	seen   map[string][]assay.Advisory // by stream and name
	absent map[string]error
}

func (r *recorder) Lookup(ctx context.Context, s assay.Stream, name string) iter.Seq2[assay.Advisory, error] {
	key := string(s) + " " + name
	if _, ok := r.seen[key]; !ok && r.absent[key] == nil {
		r.seen[key] = nil
		for a, err := range r.session.Lookup(ctx, s, name) {
			if err != nil {
				delete(r.seen, key)
				r.absent[key] = err
				break
			}
			r.seen[key] = append(r.seen[key], a)
		}
	}
	return func(yield func(assay.Advisory, error) bool) {
		if err := r.absent[key]; err != nil {
			yield(assay.Advisory{}, err)
			return
		}
		for _, a := range r.seen[key] {
			if !yield(a, nil) {
				return
			}
		}
	}
}

// Session implements scan.Advisories: there is one session, which whoever made the
// recorder closes.
func (r *recorder) Session() scan.Session { return r }
func (r *recorder) Close() error          { return nil }

// Ensure makes streams that the mirror of the feeds does not have unsupported.
func (r *recorder) Ensure(ctx context.Context, streams []assay.Stream) ([]assay.Gap, error) {
	gaps, err := r.session.Ensure(ctx, streams)
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return gaps, err
	}
	var errs []error
	for _, e := range joined.Unwrap() {
		var one *scan.StreamError
		if !errors.As(e, &one) {
			return gaps, err
		}
		errs = append(errs, &scan.StreamError{Stream: one.Stream, Err: fmt.Errorf("not in the mirror: %w", assay.ErrUnsupported)})
	}
	return gaps, errors.Join(errs...)
}

// TestExplainAgreesWithScan: for every vulnerability with an advisory that names
// an installed package, the judgements are what the scan reported: affected where
// there is a finding, suppressed where that is suppressed, else neither. So are
// the verdicts of Explain, and the packages that one advisory hits, for a sample.
func TestExplainAgreesWithScan(t *testing.T) {
	d := database(t, t.TempDir())
	directory := func(name string) func(testing.TB) *assay.Image {
		return func(t testing.TB) *assay.Image {
			img, err := source.Directory(corpus.Path(t, "conformance/"+name), assay.KindFilesystem)
			if err != nil {
				t.Fatal(err)
			}
			return img
		}
	}
	targets := map[string]func(testing.TB) *assay.Image{"trivy/repo": directory("trivy/repo"), "syft": directory("syft"),
		"minikube": func(t testing.TB) *assay.Image {
			img, err := source.SBOM(corpus.Path(t, "conformance/trivy/sbom/minikube-kbom.json"), nil)
			if err != nil {
				t.Fatal(err)
			}
			return img
		},
		"alpine-310": func(t testing.TB) *assay.Image {
			return open(t, corpus.Path(t, "conformance/trivy/images/alpine-310.tar.gz"))
		}}
	for _, name := range []string{"debian-old", "distroless", "rpm-sqlite", "rpm-ndb", "rpm-bdb", "alpine", "debian-base", "trixie-base", "httpd", "python", "java", "go", "polyglot", "node", "big"} {
		path := corpus.LargeImage
		if slices.Contains(small, name) {
			path = corpus.Image
		}
		targets[name] = func(t testing.TB) *assay.Image { return open(t, path(t, name+".docker.tar")) }
	}
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		t.Run(name, func(t *testing.T) {
			img := targets[name](t)
			for _, o := range []scan.Matching{{}, {Comprehensive: true, AllSymbols: true, KernelHeaders: true}} {
				open := d.Session()
				defer open.Close()
				known := &recorder{session: open, seen: map[string][]assay.Advisory{}, absent: map[string]error{}}
				request := scan.Request{Image: img, Database: known, Matching: o}
				r, err := scan.Scan(t.Context(), request)
				if err != nil {
					t.Fatal(err)
				}
				ids := agree(t, known, match.Options(o), r)
				if o == (scan.Matching{}) { // each is a search of the whole database
					explained(t, request, r, ids)
				}
			}
		})
	}
}

// agree compares the judgements of an inventory with its report. It returns the
// IDs of all advisories that were looked up.
func agree(t *testing.T, known *recorder, o match.Options, r *assay.Report) []string {
	t.Helper()
	byID := map[string][]assay.Advisory{}
	for _, all := range known.seen {
		for _, a := range all {
			if a.Affected[0].Stream != assay.StreamRHELCPE && a.Affected[0].Stream != assay.StreamEOL {
				byID[a.ID] = append(byID[a.ID], a)
			}
		}
	}
	ids := slices.Sorted(maps.Keys(byID))
	want, got := map[string]string{}, map[string]string{}
	for _, f := range r.Findings {
		want[fmt.Sprintf("%d %s", f.Package, f.ID)] = "affected " + f.FixedIn
	}
	for _, f := range r.Suppressed {
		key := fmt.Sprintf("%d %s", f.Package, f.ID)
		if want[key] = "suppressed " + f.FixedIn; f.As == assay.StatusUnderInvestigation {
			want[key] = "undetermined"
		}
	}
	inv := &assay.Inventory{Release: r.Release, Packages: r.Packages}
	judged, rows, hits := map[string]bool{}, 0, map[string]bool{}
	for batch := range slices.Chunk(ids, 256) { // asking for each alone takes too long for a kernel's thousands
		var names []string
		var records []assay.Advisory
		for _, id := range batch {
			for _, a := range byID[id] {
				records, names = append(records, a), append(append(names, a.ID), a.Aliases...)
			}
		}
		all, err := match.Vulnerability(t.Context(), inv, names, records, known, o)
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			j := &all[i]
			rows++
			judged[j.Advisory.ID] = true
			key := fmt.Sprintf("%d %s", j.Package, j.ID)
			switch {
			case j.Verdict == match.VerdictAffected || j.Verdict == match.VerdictSuppressed:
				got[key] = string(j.Verdict) + " " + j.Fix
			case j.Rule == match.RuleUndetermined && want[key] == "undetermined": // no other row decides
				got[key] = "undetermined"
			}
			if j.Verdict == match.VerdictAffected {
				hits[hit(j)] = true
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("findings (-scan +judgements):\n%s", d)
	}
	for _, id := range ids {
		if !judged[id] {
			t.Errorf("%s names an installed package and has no judgement", id)
		}
	}
	t.Logf("%d packages, %d findings, %d suppressed; %d vulnerabilities in %d judgements", len(r.Packages), len(r.Findings), len(r.Suppressed), len(ids), rows)
	for _, id := range every(ids) {
		for _, a := range byID[id] {
			all, err := match.Advisory(t.Context(), inv, &a, known, o)
			if err != nil {
				t.Fatal(err)
			}
			alone := map[string]bool{}
			for i := range all {
				if all[i].Verdict == match.VerdictAffected {
					alone[hit(&all[i])] = true
				}
			}
			want := maps.Clone(hits)
			maps.DeleteFunc(want, func(h string, _ bool) bool {
				return !strings.HasPrefix(h, from(&a, a.Affected[0].Stream, a.Affected[0].Name))
			})
			if d := cmp.Diff(want, alone); d != "" {
				t.Errorf("%s of %s: packages that it hits (-all advisories +alone):\n%s", a.ID, a.Feed, d)
			}
		}
	}
	return ids
}

// hit names a judgement by its row and package.
func hit(j *match.Judgement) string {
	return fmt.Sprintf("%s%d %s", from(j.Advisory, j.Row.Stream, j.Row.Name), j.Package, j.ID)
}

// from names what one advisory says of one name in a stream.
func from(a *assay.Advisory, s assay.Stream, name string) string {
	return fmt.Sprintf("%s %s %s %s: ", a.ID, a.Feed, s, name)
}

// explained compares verdicts of Explain with the report, for a sample of the
// vulnerabilities.
func explained(t *testing.T, request scan.Request, r *assay.Report, ids []string) {
	t.Helper()
	findings, suppressed := map[string]bool{}, map[string]bool{}
	var sample []string
	for i := range r.Findings {
		findings[r.Findings[i].ID] = true
	}
	for i := range r.Suppressed {
		suppressed[r.Suppressed[i].ID] = true
	}
	sample = append(sample, every(slices.Sorted(maps.Keys(findings)))...)
	sample = append(sample, every(slices.Sorted(maps.Keys(suppressed)))...)
	sample = append(sample, every(slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return findings[id] || suppressed[id] }))...)
	for _, id := range sample {
		e, err := scan.Explain(t.Context(), id, r, request)
		if err != nil {
			t.Fatal(err)
		}
		want, got := map[string]bool{}, map[string]bool{}
		for _, f := range e.Found {
			verdict := "affected"
			if f.Suppression != nil && f.Suppression.As == assay.StatusUnderInvestigation {
				continue
			}
			if f.Suppression != nil {
				verdict = "suppressed"
			}
			want[fmt.Sprintf("%d %s", f.Package, verdict)] = true
		}
		for _, j := range e.Judged {
			if j.Verdict == "affected" || j.Verdict == "suppressed" {
				got[fmt.Sprintf("%d %s", j.Package, j.Verdict)] = true
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: packages (-findings +judgements):\n%s", id, d)
		}
		prefix := "not affected: no advisory applies"
		switch {
		case slices.ContainsFunc(e.Found, func(f scan.Found) bool { return f.Suppression == nil }):
			prefix = "affected: "
		case len(e.Found) > 0:
			prefix = "not affected: "
		case slices.ContainsFunc(e.Judged, func(j scan.Judged) bool { return j.Verdict == "unknown" }):
			prefix = "unknown: "
		}
		if !strings.HasPrefix(e.Verdict, prefix) || findings[id] && len(e.Found) == 0 {
			t.Errorf("%s: verdict %q, want %q; %d found", id, e.Verdict, prefix, len(e.Found))
		}
	}
}

// every is a sample of names, spread evenly.
func every(names []string) (out []string) {
	const most = 8
	for i := 0; i < len(names); i += (len(names) + most - 1) / most {
		out = append(out, names[i])
	}
	return out
}

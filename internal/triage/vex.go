package triage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/suppress/vex"
)

// A VEXDocument is a document with its origin.
type VEXDocument struct {
	Name string // name in suppressions: a file, an attestation
	*vex.Document

	// Attached means that the document came with the target, so that a statement
	// without a product is about the target.
	Attached bool

	// OfSBOM means that the scanned SBOM names the document, which may use the
	// SBOM's references of its parts.
	OfSBOM bool
}

// A VEXSource finds more documents: those about packages, or about the target,
// by the names that vex.PURL's Names returns. Gaps report what could not be
// asked.
type VEXSource func(ctx context.Context, names []string) ([]VEXDocument, []assay.Gap, error)

// VEX is a Suppressor by VEX documents.
//
// A finding is suppressed if a statement says not affected or fixed for the
// package, for the target, or for a package on each dependency path from the
// target to the package. A statement is about a product and everything in it, or
// about the subcomponents that it names. Of several statements about one product
// the latest counts, and of the same time the last. A later statement about the
// target overrides earlier ones about its packages. Without a statement about
// the target, and for packages without a known path, nothing is suppressed. For
// a report as of an earlier day, later statements are ignored.
//
// https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md
type VEX struct {
	Documents []VEXDocument
	Source    VEXSource // nil means none
	SBOM      *vex.SBOM // the names of parts of the scanned SBOM; nil if unknown
}

// vexJudge judges one report by the documents.
type vexJudge struct {
	documents []VEXDocument // the given documents, then those of the source
	given     int
	sbom      *vex.SBOM
	index     *vexIndex
	gaps      []assay.Gap
	ways      map[string]graphAnswers // by the set of blocked packages
}

// Bounds of suppression.
const (
	maxWays  = 64         // cached answers of the graph: most findings have the same few
	maxAbove = 1000       // packages above one, beyond which all paths are searched at once: most have some tens
	maxJudge = 20_000_000 // comparisons for one report, some seconds; 10,000 findings with ten statements each need a hundredth
)

// ForReport implements assay.Suppressor.
func (v *VEX) ForReport(ctx context.Context, r *assay.Report) (assay.ReportSuppressor, error) {
	j := &vexJudge{documents: slices.Clip(v.Documents), given: len(v.Documents), sbom: v.SBOM, index: newVEXIndex(r, v.SBOM), ways: map[string]graphAnswers{}}
	if n := len(references(r)); n > maxImageNames {
		j.gaps = []assay.Gap{{Where: "names of the image", What: fmt.Sprintf("the image has %d names: only the first %d are compared with VEX documents", n, maxImageNames)}}
	}
	if v.Source != nil && len(r.Findings) > 0 {
		more, gaps, err := v.Source(ctx, j.index.names())
		if err != nil {
			return nil, err
		}
		j.documents, j.gaps = append(j.documents, more...), append(j.gaps, gaps...)
	}
	j.index.collect(r, j.documents)
	return j, nil
}

// Suppress implements assay.ReportSuppressor.
func (v *vexJudge) Suppress(ctx context.Context, f *assay.Finding) (assay.Suppression, bool, error) {
	if ctx.Err() != nil {
		return assay.Suppression{}, false, context.Cause(ctx)
	}
	s, out, err := v.judge(f)
	if err != nil || !out {
		return assay.Suppression{}, false, err
	}
	st := v.statement(s)
	var why []string
	for _, w := range []string{st.Justification, st.Impact} {
		if w != "" {
			why = append(why, w)
		}
	}
	return assay.Suppression{As: st.Status, By: fmt.Sprintf("%s (statement %d)", v.documents[s.doc].Name, s.at+1), Reason: strings.Join(why, ": ")}, true, nil
}

// Gaps lists failed look-ups about the report.
func (v *vexJudge) Gaps() []assay.Gap { return v.gaps }

func (v *vexJudge) statement(s statementRef) *vex.Statement {
	return &v.documents[s.doc].Statements[s.at]
}

// judge finds the statement that suppresses a finding.
func (v *vexJudge) judge(f *assay.Finding) (statementRef, bool, error) {
	latest, err := v.latest(f)
	if err != nil {
		return statementRef{}, false, err
	}
	x := v.index
	blocked := map[int]bool{}
	whole, onWhole := latest[x.target]
	restored := func(s statementRef) bool { return onWhole && !isCleared(v.statement(whole)) && v.later(whole, s) }
	for node, s := range latest {
		if isCleared(v.statement(s)) && !restored(s) {
			blocked[node] = true
		}
	}
	for _, node := range []int{f.Package, x.target, x.system} {
		if blocked[node] {
			return latest[node], true, nil
		}
	}
	if len(blocked) == 0 {
		return statementRef{}, false, nil
	}
	free, nearest, ok := x.graph().searchAbove(f.Package, blocked, maxAbove)
	if !ok {
		w := v.answersFor(blocked)
		free, nearest = w.reached[f.Package], int(w.nearest[f.Package])
	}
	if free || nearest < 0 {
		return statementRef{}, false, nil
	}
	return latest[nearest], true, nil
}

// latest finds the last statements about a finding, by product.
func (v *vexJudge) latest(f *assay.Finding) (map[int]statementRef, error) {
	x := v.index
	latest := map[int]statementRef{}
	for _, s := range x.statementsOn(f) {
		st := v.statement(s)
		if as := x.r.AsOf; st.Status == assay.StatusUnknown || !as.IsZero() && st.Timestamp.After(as) {
			continue
		}
		for _, h := range x.resolve(s, &v.documents[s.doc]) {
			x.judged++
			about := x.about(&h, f.Package)
			if old, ok := latest[h.node]; about && (!ok || !v.later(old, s)) {
				latest[h.node] = s
			}
		}
		if x.judged > maxJudge {
			return nil, fmt.Errorf("over %d statements and packages to compare: %w", maxJudge, assay.ErrTooLarge)
		}
	}
	return latest, nil
}

// isCleared reports whether a statement says not affected or fixed.
func isCleared(st *vex.Statement) bool {
	return st.Status == assay.StatusNotAffected || st.Status == assay.StatusFixed
}

// later reports whether a is newer than b.
func (v *vexJudge) later(a, b statementRef) bool {
	x, y := v.statement(a), v.statement(b)
	return cmp.Or(x.Timestamp.Compare(y.Timestamp), cmp.Compare(a.doc, b.doc), cmp.Compare(a.at, b.at)) > 0
}

// graphAnswers are the graph's answers for a set of blocked packages.
type graphAnswers struct {
	reached []bool
	nearest []int32
}

func (v *vexJudge) answersFor(blocked map[int]bool) graphAnswers {
	key := fmt.Sprint(slices.Sorted(maps.Keys(blocked)))
	if w, ok := v.ways[key]; ok {
		return w
	}
	if len(v.ways) == maxWays {
		clear(v.ways)
	}
	g := v.index.graph()
	w := graphAnswers{g.reachable(blocked), g.nearest(blocked)}
	v.ways[key] = w
	return w
}

// Warnings reports given documents without a statement about the report, and
// statements that are ignored because their subject is unknown.
func (v *vexJudge) Warnings(context.Context) ([]string, error) {
	var out []string
	for d := range v.given {
		used, counts := false, [reasons]int{}
		doc := &v.documents[d]
		for i := range doc.Statements {
			s := statementRef{d, i}
			about := v.index.concerns(s, doc)
			used = used || about
			switch why := v.obscure(&doc.Statements[i], doc); {
			case v.index.vague[s]:
				counts[ofRange]++
			case !about && why != plain:
				counts[why]++
			}
		}
		for why, n := range counts {
			if n > 0 {
				out = append(out, fmt.Sprintf("%s: %d of %d statements %s", doc.Name, n, len(doc.Statements), obscurities[why]))
			}
		}
		if !used {
			out = append(out, fmt.Sprintf("%s: no statement is about %s or its packages", doc.Name, v.index.r.Image.Name))
		}
	}
	return out, nil
}

// Why the subject of a statement is unknown.
const (
	plain = iota
	nameless
	private
	foreign
	ofPart
	ofRange
	reasons
)

var obscurities = [reasons]string{
	nameless: "name no product, and are ignored",
	private:  "name products without a package URL, a CPE name or a name of this target, and are ignored",
	foreign:  "name parts of other SBOMs, and are ignored",
	ofPart:   "name a part of a package (by the subpath of its package URL), and are ignored",
	ofRange:  "name a range of versions that cannot be compared, and suppress nothing",
}

// obscure returns why the subject of a statement is unknown; plain if one of its
// products is known.
func (v *vexJudge) obscure(st *vex.Statement, d *VEXDocument) (why int) {
	if len(st.Products) == 0 && !d.Attached {
		return nameless
	}
	for i := range st.Products {
		p := &st.Products[i]
		if why = v.obscureProduct(p); why == plain {
			return plain
		}
	}
	return why
}

func (v *vexJudge) obscureProduct(p *vex.Product) int {
	worst := private
	for _, s := range append([]string{p.PURL}, p.Subcomponents...) {
		if u := v.index.parse(s); u.ok && u.purl.Subpath() != "" {
			worst = ofPart
		}
	}
	known := func(s string) bool { u := v.index.parse(s); return u.ok && u.purl.Subpath() == "" }
	if len(p.Subcomponents) > 0 && !slices.ContainsFunc(p.Subcomponents, func(s string) bool { return known(s) || v.links(s) }) {
		return worst
	}
	if _, _, _, link := vex.BOMLink(p.ID); link && !v.links(p.ID) && p.PURL == "" && p.CPE == "" {
		return foreign
	}
	if known(p.PURL) || p.CPE != "" || strings.ContainsAny(p.ID, "/:@") && !strings.Contains(p.ID, "://") {
		return plain
	}
	return worst
}

// links reports whether an identifier is a BOM-Link to something in the scanned
// bill.
func (v *vexJudge) links(id string) bool {
	purl, whole := v.sbom.Find(id)
	return purl != "" || whole
}

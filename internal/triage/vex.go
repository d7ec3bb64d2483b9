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

// A VEXDocument is a document, and what is known of how it came.
type VEXDocument struct {
	Name string // as rulings call it: a file, an attestation
	*vex.Document

	// Attached says that the document came with the target, so that a statement
	// that names no product is about that.
	Attached bool

	// OfSBOM says that the scanned bill of materials names the document, which may
	// speak of parts as the bill calls them.
	OfSBOM bool
}

// A VEXSource finds further documents: those on packages, or on the target, by
// what vex.PURL's Names calls them. Gaps tell of what could not be asked.
type VEXSource func(ctx context.Context, names []string) ([]VEXDocument, []assay.Gap, error)

// VEX is a Suppressor by documents that tell whether products are affected.
//
// A finding is ruled out when a statement says that the package, the target, or
// on every way from the package up to the target one of those that hold it, is
// not affected or has the fix. A statement is about a product with all that is
// in it, or about the subcomponents that it names. Of those on one product the
// latest counts, and of the same time the last; so does what is said later of
// the target over what was said of packages in it. A target that no statement is
// about, and packages whose way up is not known, are not ruled out. Of a report
// that speaks of an earlier day, nothing counts that was said after it.
//
// https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md
type VEX struct {
	Documents []VEXDocument
	Source    VEXSource // nil means none
	SBOM      *vex.SBOM // of a scanned bill of materials: what documents call its parts; nil where that is not known
}

// vexJudge holds one report against the documents.
type vexJudge struct {
	documents []VEXDocument // those that were given, then what the source found
	given     int
	sbom      *vex.SBOM
	index     *vexIndex
	gaps      []assay.Gap
	ways      map[string]ways // by what is blocked
}

// Bounds of suppression.
const (
	maxWays  = 64         // answers of the graph that are kept: most findings have the same few
	maxAbove = 1000       // packages above one, beyond which all ways are looked at at once: most have some tens
	maxJudge = 20_000_000 // comparisons for one report, some seconds; those of 10,000 findings with ten statements on each are a hundredth
)

// ForReport implements assay.Suppressor.
func (v *VEX) ForReport(ctx context.Context, r *assay.Report) (assay.ReportSuppressor, error) {
	j := &vexJudge{documents: slices.Clip(v.Documents), given: len(v.Documents), sbom: v.SBOM, index: newVEXIndex(r, v.SBOM), ways: map[string]ways{}}
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
func (v *vexJudge) Suppress(_ context.Context, f *assay.Finding) (assay.Suppression, bool, error) {
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

// Gaps lists what could not be looked up about the report.
func (v *vexJudge) Gaps() []assay.Gap { return v.gaps }

func (v *vexJudge) statement(s said) *vex.Statement { return &v.documents[s.doc].Statements[s.at] }

// judge finds the statement that suppresses a finding.
func (v *vexJudge) judge(f *assay.Finding) (said, bool, error) {
	latest, err := v.latest(f)
	if err != nil {
		return said{}, false, err
	}
	x := v.index
	blocked := map[int]bool{}
	whole, onWhole := latest[x.target]
	restored := func(s said) bool { return onWhole && !spared(v.statement(whole)) && v.later(whole, s) }
	for node, s := range latest {
		if spared(v.statement(s)) && !restored(s) {
			blocked[node] = true
		}
	}
	for _, node := range []int{f.Package, x.target, x.system} {
		if blocked[node] {
			return latest[node], true, nil
		}
	}
	if len(blocked) == 0 {
		return said{}, false, nil
	}
	free, nearest, ok := x.graph().above(f.Package, blocked, maxAbove)
	if !ok {
		w := v.around(blocked)
		free, nearest = w.reached[f.Package], int(w.nearest[f.Package])
	}
	if free || nearest < 0 {
		return said{}, false, nil
	}
	return latest[nearest], true, nil
}

// latest finds the last statements on a finding, by the product that each is
// about.
func (v *vexJudge) latest(f *assay.Finding) (map[int]said, error) {
	x := v.index
	latest := map[int]said{}
	for _, s := range x.on(f) {
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

// spared reports whether a statement says that all is well.
func spared(st *vex.Statement) bool {
	return st.Status == assay.StatusNotAffected || st.Status == assay.StatusFixed
}

// later reports whether a was said after b.
func (v *vexJudge) later(a, b said) bool {
	x, y := v.statement(a), v.statement(b)
	return cmp.Or(x.Timestamp.Compare(y.Timestamp), cmp.Compare(a.doc, b.doc), cmp.Compare(a.at, b.at)) > 0
}

// ways are the graph's answers on what is blocked.
type ways struct {
	reached []bool
	nearest []int32
}

func (v *vexJudge) around(blocked map[int]bool) ways {
	key := fmt.Sprint(slices.Sorted(maps.Keys(blocked)))
	if w, ok := v.ways[key]; ok {
		return w
	}
	if len(v.ways) == maxWays {
		clear(v.ways)
	}
	g := v.index.graph()
	w := ways{g.reach(blocked), g.nearest(blocked)}
	v.ways[key] = w
	return w
}

// Warnings tells of given documents that say nothing about the report, and of
// statements that count for nothing since it cannot be told what they are about.
func (v *vexJudge) Warnings(context.Context) ([]string, error) {
	var out []string
	for d := range v.given {
		used, counts := false, [reasons]int{}
		doc := &v.documents[d]
		for i := range doc.Statements {
			s := said{d, i}
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

// Why it cannot be told what a statement is about.
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

// obscure tells why a statement is about nothing that can be known; plain where
// one of its products can be.
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

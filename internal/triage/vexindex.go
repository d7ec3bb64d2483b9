package triage

import (
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cpe"
	"github.com/assaysec/assay/internal/suppress/vex"
)

// statementRef identifies a statement: the at-th of the doc-th document.
type statementRef struct{ doc, at int }

// A hit is a product of a statement that is in the report: a package, or the
// target.
type hit struct {
	node  int
	parts []string // the subcomponents; nil means all
}

// A vexIndex finds the subjects of statements in one report. Packages have the
// numbers of the report; then come the target, and its distribution, which
// contains only the OS packages.
type vexIndex struct {
	r      *assay.Report
	bill   *vex.SBOM
	target int
	system int
	judged int // comparisons so far
	g      *graph

	purls   [][]vex.PURL              // of packages and target
	keys    map[string][]int          // by key of a package URL
	cpes    map[string][]int          // packages by vendor and product of their CPE names
	digests map[string][]int          // packages by digest of their file
	ids     map[string]bool           // other names of the target
	image   vex.Names                 // those that it has as an image
	by      map[string][]statementRef // statements by vulnerability
	hits    map[statementRef][]hit    // subjects of statements
	vague   map[statementRef]bool     // statements with version ranges that cannot be judged
	parts   map[string]*parsed        // subcomponents that were parsed
}

type parsed struct {
	purl vex.PURL
	ok   bool
}

func newVEXIndex(r *assay.Report, bill *vex.SBOM) *vexIndex {
	x := &vexIndex{r: r, bill: bill, target: len(r.Packages), system: len(r.Packages) + 1, purls: make([][]vex.PURL, len(r.Packages)+2), keys: map[string][]int{}, cpes: map[string][]int{}, digests: map[string][]int{},
		ids: map[string]bool{}, by: map[string][]statementRef{}, hits: map[statementRef][]hit{}, vague: map[statementRef]bool{}, parts: map[string]*parsed{}}
	for i := range r.Packages {
		p := &r.Packages[i]
		x.name(i, p.PURL)
		if p.Digest != "" {
			x.digests[p.Digest] = append(x.digests[p.Digest], i)
		}
		if p.Type == assay.TypeGo { // some statements about the standard library write v1.22.7, some 1.22.7
			if at := strings.LastIndexByte(p.PURL, '@'); at > 0 {
				if rest, ok := strings.CutPrefix(p.PURL[at+1:], "v"); ok {
					x.name(i, p.PURL[:at+1]+rest)
				} else {
					x.name(i, p.PURL[:at+1]+"v"+p.PURL[at+1:])
				}
			}
		}
		for _, c := range p.CPEs {
			if n, ok := cpe.Parse(c); ok {
				x.cpes[n.Key()] = append(x.cpes[n.Key()], i)
			}
		}
	}
	purls, image, ids := identities(r, bill)
	x.image = image
	for _, p := range purls {
		x.name(x.target, p)
	}
	for _, id := range ids {
		x.ids[id] = id != ""
	}
	return x
}

// name gives a package or the target a package URL; an invalid one is ignored.
func (x *vexIndex) name(node int, purl string) {
	if purl == "" {
		return
	}
	p, err := vex.ParsePURL(purl)
	if err != nil {
		return
	}
	x.purls[node] = append(x.purls[node], p)
	k := p.Key()
	if on := x.keys[k]; len(on) == 0 || on[len(on)-1] != node {
		x.keys[k] = append(on, node)
	}
}

// names are those under which documents may exist.
func (x *vexIndex) names() []string {
	seen := map[string]bool{}
	out := x.image.Names()
	for _, n := range out {
		seen[n] = true
	}
	for _, purls := range x.purls {
		for _, p := range purls {
			for _, n := range p.Names() {
				if !seen[n] {
					seen[n] = true
					out = append(out, n)
				}
			}
		}
	}
	return out
}

// graph is the graph of the report's packages; most reports need none.
func (x *vexIndex) graph() *graph {
	if x.g == nil {
		x.g = newGraph(x.r.Packages)
	}
	return x.g
}

func fold(id string) string { return strings.ToUpper(id) }

// collect indexes the statements about the vulnerabilities of a report.
func (x *vexIndex) collect(r *assay.Report, docs []VEXDocument) {
	wanted := map[string]bool{}
	for i := range r.Findings {
		for _, id := range identifiers(&r.Findings[i]) {
			wanted[fold(id)] = true
		}
		for _, id := range r.Findings[i].VendorIDs {
			wanted[fold(id)] = true
		}
	}
	for d := range docs {
		for i := range docs[d].Statements {
			st := &docs[d].Statements[i]
			for n, id := range append([]string{st.Vulnerability}, st.Aliases...) {
				if id = fold(id); !wanted[id] {
					continue
				}
				x.by[id] = append(x.by[id], statementRef{d, i})
				if n == 0 {
					x.by[mainIDPrefix+id] = append(x.by[mainIDPrefix+id], statementRef{d, i})
				}
			}
		}
	}
}

// mainIDPrefix is the prefix of keys for statements with this vulnerability as their
// main ID.
const mainIDPrefix = "="

func identifiers(f *assay.Finding) []string { return append([]string{f.ID}, f.Aliases...) }

// statementsOn lists the statements about the vulnerability of a finding. A vendor's
// notice is about several vulnerabilities, so an alias that is a notice does not
// extend a statement to all of them.
func (x *vexIndex) statementsOn(f *assay.Finding) []statementRef {
	var out []statementRef
	for _, id := range identifiers(f) {
		out = append(out, x.by[fold(id)]...)
	}
	for _, id := range f.VendorIDs {
		out = append(out, x.by[mainIDPrefix+fold(id)]...)
	}
	slices.SortFunc(out, func(a, b statementRef) int {
		if a.doc != b.doc {
			return a.doc - b.doc
		}
		return a.at - b.at
	})
	return slices.Compact(out)
}

// resolve finds the subject of a statement in the report.
func (x *vexIndex) resolve(s statementRef, d *VEXDocument) []hit {
	if hits, ok := x.hits[s]; ok {
		return hits
	}
	st := &d.Statements[s.at]
	var out []hit
	if len(st.Products) == 0 && d.Attached {
		out = []hit{{node: x.target}}
	}
	for i := range st.Products {
		p := &st.Products[i]
		for _, node := range x.product(p, d) {
			if p.Range != "" {
				in, known := x.isInRange(node, p.Range)
				if !known { // a statement that is only possibly about the package suppresses nothing
					in = !isCleared(st)
					x.vague[s] = x.vague[s] || !in
				}
				if !in {
					continue
				}
			}
			out = append(out, hit{node, p.Subcomponents})
		}
	}
	x.hits[s] = out
	return out
}

// isInRange reports whether a package's version is in a range.
func (x *vexIndex) isInRange(node int, within string) (in, known bool) {
	for _, p := range x.purls[node] {
		if in, known = p.In(within); known {
			return in, true
		}
	}
	return false, false
}

// A found is the set of subjects, without duplicates.
type subjects struct {
	nodes []int
	seen  map[int]bool
}

func (f *subjects) add(node int) {
	if !f.seen[node] {
		f.seen[node] = true
		f.nodes = append(f.nodes, node)
	}
}

// product finds the subjects with any of a product's identifiers.
func (x *vexIndex) product(p *vex.Product, d *VEXDocument) []int {
	out := &subjects{seen: map[int]bool{}}
	id, whole := x.bill.Find(p.ID)
	switch {
	case x.bill.Is(d.Document):
		id, whole = x.part(p.Ref+p.Local, id, whole)
	case d.OfSBOM:
		id, whole = x.part(p.Ref, id, whole)
	}
	if whole || p.ID != "" && (x.ids[p.ID] || x.ids[canonical(p.ID)]) {
		out.add(x.target)
	}
	for _, s := range []string{p.PURL, id} {
		if u := x.parse(s); u.ok {
			x.matching(out, u.purl)
		}
	}
	if c, ok := cpe.Parse(p.CPE); ok {
		for _, node := range x.cpes[c.Key()] {
			if x.judged++; x.judged > maxJudge {
				return out.nodes
			}
			if slices.ContainsFunc(x.r.Packages[node].CPEs, func(s string) bool { return covers(c, s) }) {
				out.add(node)
			}
		}
		if covers(c, x.r.Release.CPE) {
			out.add(x.system)
		}
	}
	if n, sum, ok := strings.Cut(p.ID, ":"); ok && len(out.nodes) == 0 && strings.ReplaceAll(n, "-", "") == "sha1" {
		return x.digests["sha1:"+sum]
	}
	return out.nodes
}

// covers reports whether a CPE pattern covers a name.
func covers(pattern cpe.Name, name string) bool {
	n, ok := cpe.Parse(name)
	return ok && pattern.Matches(n)
}

// part resolves a reference of the SBOM, if the identifier is a reference there.
func (x *vexIndex) part(ref, id string, whole bool) (string, bool) {
	if id != "" || whole {
		return id, whole
	}
	return x.bill.Part(ref)
}

// matching adds the subjects that match a pattern.
func (x *vexIndex) matching(to *subjects, p vex.PURL) {
	for _, node := range x.keys[p.Key()] {
		if x.judged++; x.judged > maxJudge {
			return // the caller checks this
		}
		if slices.ContainsFunc(x.purls[node], p.Matches) {
			to.add(node)
		}
	}
	if x.image.Matches(p) {
		to.add(x.target)
	}
}

// present reports whether anything matches a pattern.
func (x *vexIndex) present(p vex.PURL) bool {
	for _, node := range x.keys[p.Key()] {
		if x.judged++; x.judged > maxJudge || slices.ContainsFunc(x.purls[node], p.Matches) {
			return true
		}
	}
	return x.image.Matches(p)
}

// parse parses a package URL once.
func (x *vexIndex) parse(s string) *parsed {
	if p := x.parts[s]; p != nil {
		return p
	}
	p := &parsed{}
	if s != "" {
		u, err := vex.ParsePURL(s)
		p.purl, p.ok = u, err == nil
	}
	x.parts[s] = p
	return p
}

// about reports whether a statement about a product covers a package in it.
func (x *vexIndex) about(h *hit, pkg int) bool {
	if h.node == x.system && !x.r.Packages[pkg].IsSystem() {
		return false
	}
	if len(h.parts) == 0 {
		return true
	}
	for _, s := range h.parts {
		if x.judged++; x.judged > maxJudge {
			return false
		}
		if id, _ := x.bill.Find(s); id != "" {
			s = id
		}
		if u := x.parse(s); u.ok && slices.ContainsFunc(x.purls[pkg], u.purl.Matches) {
			return true
		}
	}
	return false
}

// concerns reports whether the report has the product of a statement and one of
// its subcomponents.
func (x *vexIndex) concerns(s statementRef, d *VEXDocument) bool {
	for _, h := range x.resolve(s, d) {
		if len(h.parts) == 0 {
			return true
		}
		for _, p := range h.parts {
			if id, _ := x.bill.Find(p); id != "" {
				p = id
			}
			if u := x.parse(p); u.ok && x.present(u.purl) {
				return true
			}
		}
	}
	return false
}

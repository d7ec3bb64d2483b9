package triage

import (
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/vex"
)

// said names a statement: of the documents, the doc-th, of its statements the
// at-th.
type said struct{ doc, at int }

// A hit is a product of a statement that the report has: a package, or the
// target.
type hit struct {
	node  int
	parts []string // what in it; nil means all
}

// A vexIndex finds what statements are about in one report. The packages are
// numbered as in the report; after them come the target, and the distribution in
// it, which holds just the packages of the system.
type vexIndex struct {
	r      *assay.Report
	bill   *vex.Bill
	target int
	system int
	judged int // comparisons so far
	g      *graph

	purls [][]vex.PURL       // of packages and target
	keys  map[string][]int   // by key of a package URL
	cpes  map[string][]int   // packages by vendor and product of their CPE names
	ids   map[string]bool    // other names of the target
	by    map[string][]said  // statements by vulnerability
	hits  map[said][]hit     // what statements are about
	parts map[string]*parsed // subcomponents that were parsed
}

type parsed struct {
	purl vex.PURL
	ok   bool
}

func newVEXIndex(r *assay.Report, bill *vex.Bill) *vexIndex {
	x := &vexIndex{r: r, bill: bill, target: len(r.Packages), system: len(r.Packages) + 1, purls: make([][]vex.PURL, len(r.Packages)+2), keys: map[string][]int{}, cpes: map[string][]int{},
		ids: map[string]bool{}, by: map[string][]said{}, hits: map[said][]hit{}, parts: map[string]*parsed{}}
	for i := range r.Packages {
		p := &r.Packages[i]
		x.name(i, p.PURL)
		if p.Type == assay.TypeGo { // of the standard library's some write v1.22.7, some 1.22.7
			if at := strings.LastIndexByte(p.PURL, '@'); at > 0 {
				if rest, ok := strings.CutPrefix(p.PURL[at+1:], "v"); ok {
					x.name(i, p.PURL[:at+1]+rest)
				} else {
					x.name(i, p.PURL[:at+1]+"v"+p.PURL[at+1:])
				}
			}
		}
		for _, c := range p.CPEs {
			if n, ok := parseCPE(c); ok {
				x.cpes[n.key()] = append(x.cpes[n.key()], i)
			}
		}
	}
	purls, ids := identities(r, bill)
	for _, p := range purls {
		x.name(x.target, p)
	}
	for _, id := range ids {
		x.ids[id] = id != ""
	}
	return x
}

// name gives a package or the target a package URL; what is none names nothing.
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

// names are those under which there may be documents.
func (x *vexIndex) names() []string {
	seen := map[string]bool{}
	var out []string
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

// graph is that of the report's packages; most reports need none.
func (x *vexIndex) graph() *graph {
	if x.g == nil {
		x.g = newGraph(x.r.Packages)
	}
	return x.g
}

func fold(id string) string { return strings.ToUpper(id) }

// collect notes the statements on the vulnerabilities of a report.
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
				x.by[id] = append(x.by[id], said{d, i})
				if n == 0 {
					x.by[named+id] = append(x.by[named+id], said{d, i})
				}
			}
		}
	}
}

// named begins the key of statements whose vulnerability itself is called so.
const named = "="

func identifiers(f *assay.Finding) []string { return append([]string{f.ID}, f.Aliases...) }

// on lists the statements on the vulnerability of a finding. A vendor's notice
// is about several, so that being another name of one in a statement does not
// make that about all.
func (x *vexIndex) on(f *assay.Finding) []said {
	var out []said
	for _, id := range identifiers(f) {
		out = append(out, x.by[fold(id)]...)
	}
	for _, id := range f.VendorIDs {
		out = append(out, x.by[named+fold(id)]...)
	}
	slices.SortFunc(out, func(a, b said) int {
		if a.doc != b.doc {
			return a.doc - b.doc
		}
		return a.at - b.at
	})
	return slices.Compact(out)
}

// resolve finds what of the report a statement is about.
func (x *vexIndex) resolve(s said, st *vex.Statement, attached bool) []hit {
	if hits, ok := x.hits[s]; ok {
		return hits
	}
	var out []hit
	if len(st.Products) == 0 && attached {
		out = []hit{{node: x.target}}
	}
	for i := range st.Products {
		p := &st.Products[i]
		for _, h := range x.product(p) {
			h.parts = p.Subcomponents
			out = append(out, h)
		}
	}
	x.hits[s] = out
	return out
}

// product finds what has any of a product's identifiers.
func (x *vexIndex) product(p *vex.Product) (out []hit) {
	seen := map[int]bool{}
	add := func(node int) {
		if !seen[node] {
			seen[node] = true
			out = append(out, hit{node: node})
		}
	}
	id, whole := x.bill.Find(p.ID)
	if whole || p.ID != "" && (x.ids[p.ID] || x.ids[canonical(p.ID)]) {
		add(x.target)
	}
	for _, s := range []string{p.PURL, id} {
		if u := x.parse(s); u.ok {
			for _, node := range x.keys[u.purl.Key()] {
				if x.judged++; x.judged > maxJudge {
					return out // which whoever asks finds out
				}
				if slices.ContainsFunc(x.purls[node], u.purl.Matches) {
					add(node)
				}
			}
		}
	}
	if c, ok := parseCPE(p.CPE); ok {
		for _, node := range x.cpes[c.key()] {
			if slices.ContainsFunc(x.r.Packages[node].CPEs, c.matches) {
				add(node)
			}
		}
		if c.matches(x.r.Release.CPE) {
			add(x.system)
		}
	}
	if len(out) == 0 && p.ID != "" {
		if n, sum, ok := strings.Cut(p.ID, ":"); ok && strings.ReplaceAll(n, "-", "") == "sha1" {
			x.judged += len(x.r.Packages)
			for i := range x.r.Packages {
				if x.judged > maxJudge {
					break
				}
				if x.r.Packages[i].Digest == "sha1:"+sum {
					add(i)
				}
			}
		}
	}
	return out
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

// about reports whether what is said of a product is about a package in it.
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

// concerns reports whether a statement is about something in the report: its
// product is there, and so is one of the subcomponents that it names.
func (x *vexIndex) concerns(s said, st *vex.Statement, attached bool) bool {
	for _, h := range x.resolve(s, st, attached) {
		if len(h.parts) == 0 {
			return true
		}
		for _, p := range h.parts {
			if id, _ := x.bill.Find(p); id != "" {
				p = id
			}
			u := x.parse(p)
			if !u.ok {
				continue
			}
			for _, node := range x.keys[u.purl.Key()] {
				x.judged++
				if x.judged > maxJudge || slices.ContainsFunc(x.purls[node], u.purl.Matches) {
					return true
				}
			}
		}
	}
	return false
}

package redhat

import (
	"cmp"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/record/csaf"
)

const page = "https://access.redhat.com/security/cve/"

// emit hands over the advisories of a document. Products with the same statement
// share a row.
func (e *emitter) emit(d *csaf.Document) error {
	switch {
	case d.Withdrawn():
		e.s.Skip(d.ID, "withdrawn")
		return nil
	case len(d.Vulnerabilities) == 0:
		e.s.Skip(d.ID, "document without a vulnerability")
		return nil
	}
	for i := range d.Vulnerabilities {
		if err := e.vulnerability(d, &d.Vulnerabilities[i]); err != nil {
			return err
		}
	}
	return nil
}

func (e *emitter) vulnerability(d *csaf.Document, v *csaf.Vulnerability) error {
	t := newTable(d, v)
	packages, places := 0, 0
	for _, group := range []string{csaf.Fixed, csaf.KnownAffected, csaf.UnderInvestigation, csaf.KnownNotAffected} {
		for _, id := range v.Products[group] {
			p, cpe, ok := t.product(d.Products[id])
			if !ok {
				continue
			}
			packages++
			releases := e.releasesOf(cpe, p.version)
			places += len(releases)
			for _, r := range releases {
				t.add(group, id, assay.Stream("rhel:"+r), cpe, p)
			}
		}
	}
	a := assay.Advisory{
		ID: cmp.Or(v.CVE, d.ID), Feed: "redhat", Title: cmp.Or(v.Title, d.Title), CVSS: v.CVSS("redhat"), CWEs: v.Weaknesses(),
		Severity: t.severity, Published: v.Released.Time, Modified: d.Modified, URL: page + cmp.Or(v.CVE, d.ID),
	}
	switch {
	case packages == 0:
		e.s.Skip(a.ID, "no RPM package")
		return nil
	case places == 0:
		e.s.Skip(a.ID, "products in no repository")
		return nil
	case len(t.cells) == 0:
		e.s.Skip(a.ID, "only packages of debug symbols or sources")
		return nil
	}
	rows := t.rows(func(s assay.Stream) bool {
		return e.wanted == nil || slices.ContainsFunc(e.wanted, func(w assay.Stream) bool { return w.Covers(s) })
	})
	for _, erratum := range slices.Sorted(maps.Keys(rows)) {
		a.Affected, a.VendorIDs = rows[erratum], nil
		if erratum != "" {
			a.VendorIDs = []string{erratum}
		}
		if err := e.s.Advisory(a); err != nil {
			return err
		}
	}
	return nil
}

// Release tags in products and versions.
var (
	releaseTag = regexp.MustCompile(`:el(\d+)$`)
	base       = regexp.MustCompile(`^cpe:/[ao]:redhat:(?:enterprise_linux|enterprise_linux_eus|rhel|rhel_(?:eus|aus|tus|e4s|els|eus_long_life|mission_critical|extras\w*|common|productivity)):(\d+)`)
	distTag    = regexp.MustCompile(`[.+]el(\d+)`)
	minor      = regexp.MustCompile(`^(cpe:/[ao]:redhat:enterprise_linux:\d+)\.\d+`)
)

// channel is a CPE without the minor release of the main channel.
func channel(cpe string) string { return minor.ReplaceAllString(cpe, "$1") }

// releasesOf are the releases of a product's packages: the release in the CPE or
// the version, else the releases whose repositories contain the product.
func (e *emitter) releasesOf(cpe, version string) []string {
	for _, mark := range []*regexp.Regexp{releaseTag, base} {
		if m := mark.FindStringSubmatch(cpe); m != nil {
			return m[1:]
		}
	}
	all, ok := e.releases[cpe]
	if !ok {
		for _, p := range e.products {
			if m := releaseTag.FindStringSubmatch(p); m != nil && distro.CoversCPE(cpe, p) {
				all = append(all, m[1])
			}
		}
		slices.Sort(all)
		all = slices.Compact(all)
		e.releases[cpe] = all
	}
	if m := distTag.FindStringSubmatch(version); m != nil && len(all) > 0 {
		return m[1:]
	}
	return all
}

// A pkg is a package in the product tree.
type pkg struct {
	name    string
	version string // epoch:version-release; "" if unknown
	arch    string // "src" for source packages; "" if unknown
	module  string // name:stream
}

var (
	nevra = regexp.MustCompile(`^(\S+)-(\d+):([^:\s-]+-[^:\s-]+)\.(\w+)(?:::\S+)?$`)
	plain = regexp.MustCompile(`^(?:([\w.+-]+:[\w.+-]+)/)?([\w.+-]+)$`) // "kernel", "nodejs:18/nodejs"
	debug = regexp.MustCompile(`-(?:debuginfo|debugsource|debuginfo-common(?:-\w+)?)$`)
)

// parse reads a component of a product; ok is false if it is not an rpm package.
func parse(p *csaf.Product) (out pkg, ok bool) {
	if p.PURL == "" { // documents of 2023
		if m := nevra.FindStringSubmatch(p.ID); m != nil {
			return pkg{m[1], evr(m[2], m[3]), m[4], ""}, true
		}
		m := plain.FindStringSubmatch(p.ID)
		if m == nil {
			return out, false
		}
		return pkg{name: m[2], arch: "src", module: m[1]}, true
	}
	rest, ok := strings.CutPrefix(p.PURL, "pkg:rpm/redhat/")
	if !ok {
		return out, false
	}
	rest, query, _ := strings.Cut(rest, "?")
	name, version, _ := strings.Cut(rest, "@")
	q, err := url.ParseQuery(query)
	if out.name, ok = unescape(name); !ok || err != nil {
		return out, false
	}
	if version, ok = unescape(version); !ok {
		return out, false
	}
	out.arch, out.module = q.Get("arch"), module(q.Get("rpmmod"))
	if _, stream, _ := strings.Cut(out.module, ":"); version != "" && version != stream { // "go-toolset@rhel8?rpmmod=go-toolset:rhel8"
		out.version = evr(q.Get("epoch"), version)
	}
	return out, out.name != "" && !strings.HasPrefix(q.Get("distro"), "hummingbird")
}

func unescape(s string) (string, bool) {
	s, err := url.PathUnescape(s)
	return s, err == nil && !strings.ContainsAny(s, " \t\n")
}

func evr(epoch, version string) string {
	if epoch == "" || epoch == "0" {
		return version
	}
	return epoch + ":" + version
}

// module converts name:stream:version:context to name:stream.
func module(label string) string {
	parts := strings.SplitN(label, ":", 3)
	if len(parts) < 2 || parts[0] == "" || parts[1] == "" {
		return ""
	}
	return parts[0] + ":" + parts[1]
}

// A table collects the statements about the packages of many products.
type table struct {
	severity assay.Severity
	own      map[string]assay.Severity // of products
	remedies map[string]*csaf.Remediation
	flags    map[string]string
	parsed   map[*csaf.Product]*pkg
	cells    map[cell]map[string]map[string]bool // CPE → architectures
}

// A cell is the part of a row that several products share.
type cell struct {
	stream                assay.Stream
	erratum               string
	name, module, version string
	source                bool
	fixed                 bool // version is a fixed version; otherwise status counts
	status                assay.Status
	reason                string
	severity              assay.Severity
	date                  time.Time
}

func (c cell) compare(d cell) int {
	return cmp.Or(
		strings.Compare(c.erratum, d.erratum), strings.Compare(string(c.stream), string(d.stream)), strings.Compare(c.name, d.name), strings.Compare(c.module, d.module),
		strings.Compare(c.version, d.version), strings.Compare(string(c.status), string(d.status)), strings.Compare(c.reason, d.reason),
		cmp.Compare(c.severity, d.severity), c.date.Compare(d.date), flag(c.source)-flag(d.source), flag(c.fixed)-flag(d.fixed),
	)
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func newTable(d *csaf.Document, v *csaf.Vulnerability) *table {
	t := &table{
		own: map[string]assay.Severity{}, remedies: map[string]*csaf.Remediation{}, flags: map[string]string{},
		parsed: map[*csaf.Product]*pkg{}, cells: map[cell]map[string]map[string]bool{},
	}
	t.severity, _ = assay.ParseSeverity(d.Severity)
	for _, th := range v.Threats {
		s, ok := assay.ParseSeverity(th.Details)
		if th.Category != "impact" || !ok {
			continue
		}
		if d.Severity == "" {
			t.severity = max(t.severity, s)
		}
		for _, id := range th.Products {
			t.own[id] = s
		}
	}
	for i := range v.Remediations {
		switch r := &v.Remediations[i]; r.Category {
		case "vendor_fix", "none_available", "no_fix_planned":
			for _, id := range r.Products {
				if t.remedies[id] == nil {
					t.remedies[id] = r
				}
			}
		}
	}
	for _, f := range v.Flags {
		for _, id := range f.Products {
			t.flags[id] = f.Label
		}
	}
	return t
}

// product returns the package of a product and the CPE of the product that
// contains it. Between them may be a module, as a product of its own.
func (t *table) product(p *csaf.Product) (*pkg, string, bool) {
	if p == nil || p.Part == nil {
		return nil, "", false
	}
	parsed, known := t.parsed[p.Part]
	if !known {
		if c, ok := parse(p.Part); ok {
			parsed = &c
		}
		t.parsed[p.Part] = parsed
	}
	cpe := p.Root().CPE
	if parsed == nil || !strings.HasPrefix(cpe, "cpe:/") {
		return nil, "", false
	}
	if label := moduleOf(purlOf(p.Whole.Part)); label != "" && parsed.module == "" {
		with := *parsed
		with.module = label
		return &with, channel(cpe), true
	}
	return parsed, channel(cpe), true
}

// moduleOf returns the module that a purl names, as name:stream; "" if it names none:
// "pkg:rpmmod/redhat/go-toolset@rhel8:8090020230627:c0?arch=x86_64",
// "pkg:rpmmod/redhat/go-toolset@rhel8?rpmmod=go-toolset:rhel8".
func moduleOf(purl string) string {
	rest, ok := strings.CutPrefix(purl, "pkg:rpmmod/redhat/")
	if !ok {
		return ""
	}
	rest, _, _ = strings.Cut(rest, "?")
	name, version, _ := strings.Cut(rest, "@")
	label, ok := unescape(name + ":" + version)
	if !ok {
		return ""
	}
	return module(label)
}

func purlOf(p *csaf.Product) string {
	if p == nil {
		return ""
	}
	return p.PURL
}

// add adds the statements about a product.
func (t *table) add(group, id string, stream assay.Stream, cpe string, p *pkg) {
	if debug.MatchString(p.name) || p.arch == "src" && p.version != "" || group == csaf.Fixed && p.version == "" {
		return
	}
	c := cell{stream: stream, name: p.name, module: p.module, version: p.version, source: p.arch == "src"}
	if s := t.own[id]; s != t.severity { // otherwise that of the advisory counts
		c.severity = s
	}
	remedy := t.remedies[id]
	if remedy == nil {
		remedy = &csaf.Remediation{}
	}
	switch group {
	case csaf.Fixed:
		c.status, c.fixed, c.date = assay.StatusAffected, true, remedy.Date.Time
		if i := strings.Index(remedy.URL, "/errata/"); i >= 0 {
			c.erratum = path.Base(remedy.URL[i:])
		}
	case csaf.KnownAffected:
		c.status, c.reason = readRemediation(remedy)
	case csaf.UnderInvestigation:
		c.status, c.reason = assay.StatusUnderInvestigation, "Under investigation"
	default:
		c.status, c.reason = assay.StatusNotAffected, t.flags[id]
	}
	if t.cells[c] == nil {
		t.cells[c] = map[string]map[string]bool{}
	}
	if t.cells[c][cpe] == nil {
		t.cells[c][cpe] = map[string]bool{}
	}
	t.cells[c][cpe][p.arch] = true
}

// readRemediation reads Red Hat's plan for an open vulnerability.
func readRemediation(r *csaf.Remediation) (assay.Status, string) {
	reason := strings.TrimSpace(r.Details)
	switch {
	case r.Category != "none_available" && r.Category != "no_fix_planned":
		return assay.StatusAffected, ""
	case strings.EqualFold(reason, "Fix deferred"):
		return assay.StatusFixDeferred, reason
	case strings.EqualFold(reason, "Out of support scope"):
		return assay.StatusEndOfLife, reason
	case r.Category == "no_fix_planned":
		return assay.StatusWillNotFix, reason
	}
	return assay.StatusAffected, reason
}

// rows returns the rows of each erratum, in order; "" is for rows without an
// erratum.
func (t *table) rows(wanted func(assay.Stream) bool) map[string][]assay.Affected {
	out := map[string][]assay.Affected{}
	for _, c := range slices.SortedFunc(maps.Keys(t.cells), cell.compare) {
		if !wanted(c.stream) {
			continue
		}
		products := map[string][]string{} // CPEs by their architectures
		for cpe, arches := range t.cells[c] {
			list := strings.Join(slices.Sorted(maps.Keys(arches)), " ")
			if arches["noarch"] || arches[""] {
				list = ""
			}
			products[list] = append(products[list], cpe)
		}
		for _, arches := range slices.Sorted(maps.Keys(products)) {
			a := assay.Affected{Stream: c.stream, Name: c.name, Status: c.status, Severity: c.severity, Reason: c.reason, FixDate: c.date}
			a.Qualifiers.Module, a.Qualifiers.Arches = c.module, strings.Fields(arches)
			slices.Sort(products[arches])
			a.Qualifiers.CPEs = products[arches]
			if len(a.Qualifiers.Arches) == 0 {
				a.Qualifiers.Arches = nil
			}
			switch {
			case c.version == "":
				a.Ranges = []assay.Range{{}}
			case c.fixed:
				a.Ranges = []assay.Range{{Fixed: c.version}}
			default:
				a.Versions = []string{c.version}
			}
			out[c.erratum] = append(out[c.erratum], a)
		}
	}
	return out
}

package sbom

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/identifier/cpe"
	"github.com/assaysec/assay/internal/identifier/purl"
	"github.com/assaysec/assay/internal/record/bom"
)

// A collector puts together what an SBOM says, in whatever form.
type collector struct {
	form     string
	head     bom.Head
	packages []assay.Package
	refs     map[string]int // packages by their name in the SBOM
	on       [][]int
	hints    []assay.Release // what the purls of packages say of the distribution
	sources  bool            // an OS package names its source package, or says that it is the same
	errs     stanza.Errors
	nameless []string
}

func newCollector(form string) *collector { return &collector{form: form, refs: map[string]int{}} }

// An entry is what a form says of one package.
type entry struct {
	ref           string
	name, version string
	purl          string
	cpes          []string
	licences      []string
	properties    []bom.Property
	software      bool // without a purl it still is one: a program, a library
}

// add takes one entry. What has neither a purl nor properties of ours, nor a
// CPE name, cannot be matched, and is told.
func (c *collector) add(e *entry) {
	if e.version == "NOASSERTION" || e.version == "NONE" {
		e.version = ""
	}
	p, hint := c.pkg(e)
	switch {
	case p.Type == "" && e.software:
		c.nameless = append(c.nameless, strings.TrimSpace(e.name+" "+e.version))
		return
	case p.Type == "" || p.Name == "":
		return
	case p.Version == "" && p.Relation != assay.RelationRoot && p.Relation != assay.RelationWorkspace && p.Digest == "":
		c.nameless = append(c.nameless, p.Name)
		return
	}
	c.hints = append(c.hints, hint)
	c.sources = c.sources || p.IsSystem() && (p.Source != "" || ours(e.properties))
	if e.ref != "" {
		c.refs[e.ref] = len(c.packages)
	}
	c.packages = append(c.packages, p)
	c.on = append(c.on, nil)
}

// pkg is the package of an entry, and what its purl says of the distribution.
func (c *collector) pkg(e *entry) (p assay.Package, hint assay.Release) {
	p = assay.Package{Name: e.name, Version: e.version, Licences: e.licences, CPEs: e.cpes}
	if e.purl != "" {
		q, r, err := purl.Parse(e.purl)
		if err != nil {
			c.errs.Add(fmt.Errorf("package %s %s: %w", e.name, e.version, err))
		} else {
			q.Licences, hint = p.Licences, r
			if q.Version == "" {
				q.Version = p.Version
			}
			if q.Type == assay.TypeGo && strings.EqualFold(q.Name, e.name) {
				q.Name = e.name // programs that follow old rules write purls in lower case
			}
			p = q
		}
	}
	for _, q := range e.properties {
		if err := bom.Apply(&p, q, c.head.Layers); err != nil {
			c.errs.Add(fmt.Errorf("package %s %s: %w", e.name, e.version, err))
		}
	}
	trivy(&p, e.properties)
	if p.Type == "" && len(e.cpes) > 0 {
		p.Type = assay.TypeGeneric
		for _, s := range e.cpes { // what is known by CPE names only may have its version there
			if n, ok := cpe.Parse(s); ok && p.Version == "" {
				p.Version = cpeVersion(n)
			}
		}
	}
	p.Dev = p.Dev || isDev(e.properties)
	if e.purl != "" && p.Type != assay.TypeGeneric && !ours(e.properties) {
		p.CPEs = nil // guesses of other scanners
	}
	return p, hint
}

// isDev reports whether properties of the official taxonomy of CycloneDX say that only
// development needs a package.
// https://github.com/CycloneDX/cyclonedx-property-taxonomy/blob/main/cdx.md
func isDev(properties []bom.Property) bool {
	return slices.ContainsFunc(properties, func(q bom.Property) bool {
		return q.Value == "true" && (q.Name == "cdx:npm:package:development" || q.Name == "cdx:composer:package:isDevRequirement")
	})
}

func ours(properties []bom.Property) bool {
	for _, q := range properties {
		if strings.HasPrefix(q.Name, bom.Prefix) {
			return true
		}
	}
	return false
}

// depend notes that one entry depends on another.
func (c *collector) depend(ref, on string) {
	i, ok := c.refs[ref]
	j, ok2 := c.refs[on]
	if ok && ok2 && i != j {
		c.on[i] = append(c.on[i], j)
	}
}

// Bounds of the packages that an error names; the rest is counted. Any of those without
// a source package may be one that is missed, so a user needs their names; a full desktop
// has 3,000.
const (
	maxNamed = 5
	maxBare  = 5000
)

// facts is what was collected.
func (c *collector) facts() (assay.Facts, error) {
	bom.Depend(c.packages, c.on)
	if len(c.nameless) > 0 {
		c.errs.Add(fmt.Errorf("without a purl, or a version, so not matched: %s", named(c.nameless, maxNamed)))
	}
	f := assay.Facts{Packages: c.packages, Release: c.head.Release, Gaps: c.head.Gaps, SBOM: c.form, DevLeftOut: c.head.DevLeftOut}
	if f.Release == nil {
		f.Release = c.hint()
	}
	c.others(f.Release)
	if bare := c.withoutSource(f.Release); len(bare) > 0 {
		c.errs.Add(fmt.Errorf("no OS package of the SBOM names its source package, which the distribution's advisories are about; those whose source has another name are not matched: %s: %w", named(bare, maxBare), assay.ErrUnsupported))
	}
	if err := bounded(len(f.Packages)); err != nil {
		f.Packages = f.Packages[:stanza.MaxPackages]
		c.errs.Add(err)
	}
	return f, c.errs.Err()
}

// withoutSource lists the OS packages whose advisories are about source packages, if the
// SBOM names none of these.
func (c *collector) withoutSource(own *assay.Release) (names []string) {
	if c.sources {
		return nil
	}
	var target assay.Release
	if own != nil {
		target, _ = distro.Identify([]assay.Release{*own})
	}
	for i := range c.packages {
		p := &c.packages[i]
		f, known := distro.Of(p.ReleaseIn(target))
		if p.Type == assay.TypeDeb || p.Type == assay.TypeApk || p.IsSystem() && known && f.BySource {
			names = append(names, p.Name)
		}
	}
	return names
}

// named shows the first of many names.
func named(names []string, most int) string {
	shown := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		shown = fmt.Sprintf("%s and %d more", shown, more)
	}
	return shown
}

// hint is the distribution that most purls name; nil when they name none.
func (c *collector) hint() *assay.Release {
	count := map[string]int{}
	best := ""
	by := map[string]assay.Release{}
	for _, r := range c.hints {
		if r.ID == "" {
			continue
		}
		key := r.ID + " " + r.Version
		count[key]++
		by[key] = r
		if count[key] > count[best] || count[key] == count[best] && key < best {
			best = key
		}
	}
	if best == "" {
		return nil
	}
	r := by[best]
	return &r
}

// others notes the releases of the OS packages that are of another distribution than the
// SBOM's own.
func (c *collector) others(own *assay.Release) {
	known := map[string]*assay.Release{} // by ID and version
	for i, r := range c.hints {
		if own == nil || r.ID == "" || !c.packages[i].IsSystem() {
			continue
		}
		key := r.ID + " " + r.Version
		other, ok := known[key]
		if !ok {
			if r, _ = distro.Identify([]assay.Release{r}); isOther(r, *own) {
				other = &r
			}
			known[key] = other
		}
		c.packages[i].Release = other
	}
}

// isOther reports whether a release has other advisories than the SBOM's own. A release
// without a version says too little.
func isOther(r, own assay.Release) bool {
	own, _ = distro.Identify([]assay.Release{own})
	f, ok := distro.Of(r)
	g, ok2 := distro.Of(own)
	switch {
	case !ok && !ok2:
		return r.ID != own.ID
	case !ok:
		return r.Version != ""
	case f.Stream(r) == "":
		return false
	}
	return !ok2 || f != g || f.Stream(r) != g.Stream(own)
}

// trivy applies what Trivy tells in properties of its own, which purls do not.
// https://trivy.dev/latest/docs/supply-chain/sbom/
func trivy(p *assay.Package, properties []bom.Property) {
	src := map[string]string{}
	for _, q := range properties {
		if name, ok := strings.CutPrefix(q.Name, "aquasecurity:trivy:"); ok {
			src[name] = q.Value
		}
	}
	if path := src["FilePath"]; path != "" && p.Path == "" {
		p.Path = path
	}
	if d := src["LayerDiffID"]; d != "" && p.Layer == (assay.LayerRef{}) {
		p.Layer = assay.LayerRef{DiffID: d, Digest: src["LayerDigest"]}
	}
	if !p.IsSystem() || src["SrcName"] == "" {
		return
	}
	p.Source, p.SourceVersion = src["SrcName"], src["SrcVersion"]
	if r := src["SrcRelease"]; r != "" {
		p.SourceVersion += "-" + r
	}
	if e := src["SrcEpoch"]; e != "" && e != "0" {
		p.SourceVersion = e + ":" + p.SourceVersion
	}
	if m := src["Modularitylabel"]; m != "" {
		p.Module = m
	}
}

package ubuntu

import (
	"cmp"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/record/oval"
)

// oldest is the first release that has OVAL documents.
const oldest = "trusty"

// eachOVALRelease calls visit for the releases that have OVAL documents and are not in the
// tracker. ErrNotFound: no such release has a document.
func (r *run) eachOVALRelease(visit func(codename, release string) error) error {
	found := false
	all := distro.UbuntuCodenames()
	for _, codename := range all[slices.Index(all, oldest):] {
		release, _ := distro.UbuntuNumber(codename)
		if r.releases[release] || !r.wantsRelease(release) {
			continue
		}
		switch err := visit(codename, release); {
		case err == nil:
			found = true
		case !errors.Is(err, assay.ErrNotFound):
			return err
		}
	}
	if !found {
		return assay.ErrNotFound
	}
	return nil
}

// ovalNotices stores the notices. From the documents of vulnerabilities it
// learns the source packages of binary packages.
func (r *run) ovalNotices(ctx context.Context) error {
	return r.eachOVALRelease(func(codename, release string) error {
		r.here = map[string]string{}
		err := r.document(ctx, codename, "cve", r.learn)
		if err != nil && !errors.Is(err, assay.ErrNotFound) {
			return err
		}
		return r.document(ctx, codename, "usn", func(d *oval.Definition) error { return r.ovalNotice(d, release) })
	})
}

// ovalVulnerabilities hands over the vulnerabilities that OSV does not have.
func (r *run) ovalVulnerabilities(ctx context.Context) error {
	return r.eachOVALRelease(func(codename, release string) error {
		return r.document(ctx, codename, "cve", func(d *oval.Definition) error { return r.definition(d, release) })
	})
}

func (r *run) learn(d *oval.Definition) error {
	for _, c := range criteria(&d.Criteria) {
		if name, _, _ := readCriterion(c); name != "" && c.Test != nil {
			for _, b := range c.Test.Names {
				r.here[manifest(b)] = name
			}
		}
	}
	return nil
}

func (r *run) document(ctx context.Context, codename, form string, visit func(*oval.Definition) error) error {
	url := OVAL + "com.ubuntu." + codename + "." + form + ".oval.xml.bz2"
	return oval.Fetch(ctx, r.g, url, func(d *oval.Definition) error {
		if d.Class == "inventory" {
			return nil
		}
		return visit(d)
	})
}

// sentence matches a criterion's text with the state of a source package:
// "openssh package in jammy was vulnerable but has been fixed (note: '1:8.9')."
var sentence = regexp.MustCompile(`^(?:\(CVE-[^)]*\) )?(\S+) package in ([^\s,]+),? (.*?)(?: \(note: '(.*)'\))?\.?$`)

// unknownYet matches the text for a vulnerability that is not triaged.
var unknownYet = regexp.MustCompile(`^The vulnerability of the '(\S+)' package in (\S+) is not known \(status: '(.*)'\)`)

// sentences maps texts to the tracker's states; the first match counts.
var sentences = []struct{ part, status string }{
	{"has been fixed", "released"},
	{"pending publication", "pending"},
	{"not affected", "not-affected"},
	{"to defer", "deferred"},
	{"to ignore", "ignored"},
	{"needs fixing", "needed"},
}

// definition hands over a vulnerability of a release, unless OSV has it.
func (r *run) definition(d *oval.Definition, release string) error {
	v, ok := vulnerabilityOf(d)
	if !ok {
		r.skip(release, d.ID, "", "no CVE")
		return nil
	}
	if r.inOSV[release][v.id] {
		r.skip(release, v.id, "", "already in OSV")
		return nil
	}
	statements := map[string][]statement{}
	var order []string
	for _, c := range criteria(&d.Criteria) {
		name, s, why := readCriterion(c)
		if name == "" && why == "" { // about the release itself
			continue
		}
		if why != "" {
			r.skip(release, v.id, name, why)
			continue
		}
		s.release = release
		if statements[name] == nil {
			order = append(order, name)
		}
		statements[name] = append(statements[name], s)
	}
	for _, name := range order {
		if err := r.emit(&v, name, release, statements[name]); err != nil {
			return err
		}
	}
	return nil
}

func vulnerabilityOf(d *oval.Definition) (v vulnerability, ok bool) {
	m := &d.Metadata
	for _, ref := range m.References {
		if cve.Valid(ref.ID) {
			v.id = ref.ID
		}
	}
	v.severity, _ = assay.ParseSeverity(m.Advisory.Severity)
	v.published = date(m.Advisory.PublicDate)
	v.notices = notices(strings.Join(m.Advisory.Refs, " "))
	for _, c := range m.Advisory.CVEs {
		if score, err := cvss.Parse("ubuntu", c.Vector); err == nil && c.ID == v.id {
			v.cvss = append(v.cvss, score)
		}
	}
	return v, v.id != ""
}

func criteria(c *oval.Criteria) []oval.Criterion {
	out := slices.Clone(c.Criterion)
	for i := range c.Criteria {
		out = append(out, criteria(&c.Criteria[i])...)
	}
	return out
}

// readCriterion reads a criterion. Only the version shows that a fix is for ESM.
func readCriterion(c oval.Criterion) (name string, s statement, why string) {
	status, detail := "", ""
	if m := unknownYet.FindStringSubmatch(c.Comment); m != nil {
		name, status = m[1], m[3]
	} else if m := sentence.FindStringSubmatch(c.Comment); m != nil {
		name, detail = m[1], m[4]
		for _, st := range sentences {
			if strings.Contains(m[3], st.part) {
				status = st.status
				break
			}
		}
	} else {
		return "", s, ""
	}
	if status == "released" && c.Test != nil { // without the epoch that versions here have
		if evr, ok := c.Test.Field("evr"); ok {
			detail = strings.TrimPrefix(evr.Value, "0:")
		}
	}
	s, why = verdict(status, detail)
	s.esm = strings.Contains(s.fixed, "esm")
	return name, s, why
}

var line = regexp.MustCompile(`^\^([a-z0-9][a-z0-9.+-]*)\(`)

// manifest is the package in a pattern for an image's manifest:
// "^libssh-4(?::\w+|)\s+(.*)$"; a plain name is returned as is.
func manifest(pattern string) string {
	if m := line.FindStringSubmatch(pattern); m != nil {
		return m[1]
	}
	return pattern
}

// ovalNotice stores a notice, which names binary packages.
func (r *run) ovalNotice(d *oval.Definition, release string) error {
	m := &d.Metadata
	id, title, _ := strings.Cut(m.Title, " -- ")
	if strings.HasPrefix(id, "LSN-") {
		r.skip(release, id, "", "live patch notice")
		return nil
	}
	all := slices.DeleteFunc(slices.Clone(m.Advisory.CVEs), func(c oval.CVE) bool { return !cve.Valid(c.ID) })
	switch {
	case !strings.HasPrefix(id, "USN-"):
		r.skip(release, d.ID, "", "not a notice")
		return nil
	case len(all) == 0 && strings.Contains(title, "vulnerabilit"):
		all = []oval.CVE{{ID: id}}
	case len(all) == 0:
		r.skip(release, id, "", "notice without CVE")
		return nil
	}
	r.claims.beginNotice(id, title, cve.Time(m.Advisory.Issued.Date))
	known := false
	for _, p := range d.Packages() {
		if p.Operation != "less than" {
			continue
		}
		known = true
		name := r.source(p.Names)
		if name == "" {
			r.skip(release, id, manifest(p.Names[0]), "unknown source package")
			continue
		}
		fixed := strings.TrimPrefix(p.EVR, "0:")
		for _, c := range all {
			severity, _ := assay.ParseSeverity(c.Priority)
			r.claims.add(c.ID, name, pocket{release: release, esm: strings.Contains(fixed, "esm")}, fixed, severity, c.Vector)
		}
	}
	if !known {
		r.skip(release, id, "", "notice about the running kernel")
	}
	return nil
}

// ends are endings that binary packages add to the name of their source package.
var ends = []string{"", "-dev", "-doc", "-source", "-bin", "-tools", "-utils", "-common", "-data"}

// source finds the source package of binary packages from one build. It uses
// another document that pairs them, or a binary package with the name of a
// source package, with or without one of a few endings. "" if none or several
// are possible.
func (r *run) source(binaries []string) string {
	var found []string
	for _, b := range binaries {
		if s := cmp.Or(r.here[manifest(b)], r.sourceOf[manifest(b)]); s != "" {
			return s
		}
	}
	for _, b := range binaries {
		for _, end := range ends {
			if s, ok := strings.CutSuffix(manifest(b), end); ok && r.sources[s] && !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

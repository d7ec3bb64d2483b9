package ubuntu

import (
	"context"
	"path"
	"regexp"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/bundle"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/version"
)

// tracker reads the tree of the tracker: a file for each vulnerability.
func (r *run) tracker(ctx context.Context) error {
	want := func(name string) bool {
		switch path.Base(path.Dir(name)) {
		case "active", "retired", "ignored":
			return strings.HasPrefix(path.Base(name), "CVE-")
		}
		return false
	}
	err := bundle.Walk(ctx, r.g, Tracker, want, r.s, func(name string, b []byte) error {
		f := parse(string(b))
		f.id = path.Base(name)
		if !cve.Valid(f.id) {
			r.s.Skip(f.id, "no CVE")
			return nil
		}
		r.tracked[f.id] = true
		return r.file(f)
	})
	if err != nil {
		return err
	}
	return r.development()
}

// A held row is about the release under development. It is handed over at the
// end, because this release is the one after the newest named release with rows.
type heldRow struct {
	v    *vulnerability
	name string
	say  statement
}

// development hands over the held rows.
func (r *run) development() error {
	release := ""
	codenames := distro.UbuntuCodenames()
	for i, codename := range codenames[:len(codenames)-1] {
		if number, _ := distro.UbuntuNumber(codename); r.releases[number] {
			release, _ = distro.UbuntuNumber(codenames[i+1])
		}
	}
	if release != "" && len(r.heldRows) > 0 {
		r.releases[release] = true
	}
	for _, h := range r.heldRows {
		if release == "" {
			r.s.Skip(h.v.id+" devel_"+h.name, "release under development")
			continue
		}
		h.say.release = release
		if err := r.emit(h.v, h.name, release, []statement{h.say}); err != nil {
			return err
		}
	}
	r.heldRows = nil
	return nil
}

// A file is the tracker's record of a vulnerability.
type file struct {
	vulnerability
	priorities map[string]string // by package; "" is for all
	rows       []row
}

// A row is the state of a package in a release.
type row struct{ where, name, status, detail string }

// parse reads a file: fields, whose value may continue on lines that begin with
// a space, and rows, which are fields named RELEASE_PACKAGE.
func parse(text string) *file {
	f := &file{priorities: map[string]string{}}
	key := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n\t ")
		switch {
		case line == "" || line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			f.readLines(key, strings.TrimSpace(line))
		default:
			head, value, _ := strings.Cut(line, ":")
			key, value = strings.TrimSpace(head), strings.TrimSpace(value)
			f.field(key, value)
			f.readLines(key, value)
		}
	}
	return f
}

// field reads a field of one line.
func (f *file) field(key, value string) {
	head, rest, cut := strings.Cut(key, "_")
	switch {
	case cut && head != "" && head[0] >= 'a' && head[0] <= 'z':
		i := strings.IndexAny(value, " ([")
		if i < 0 {
			i = len(value)
		}
		f.rows = append(f.rows, row{head, rest, value[:i], strings.Trim(value[i:], " ()[]")})
	case head == "Priority":
		f.priorities[rest], _, _ = strings.Cut(value, " ") // a reason may follow
	case key == "PublicDate":
		f.published = date(value)
	}
}

// readLines reads a field of several lines.
func (f *file) readLines(key, value string) {
	switch key {
	case "References":
		f.notices = append(f.notices, notices(value)...)
	case "CVSS":
		source, vector, _ := strings.Cut(value, ":")
		vector, _, _ = strings.Cut(strings.TrimSpace(vector), " ") // "[7.5 HIGH]" may follow
		if score, err := cvss.Parse(source, vector); err == nil {
			f.cvss = append(f.cvss, score)
		}
	}
}

// date reads "2020-03-10 20:15:00 UTC" and "2020-03-10".
func date(s string) time.Time {
	day, clock, _ := strings.Cut(s, " ")
	clock, _, _ = strings.Cut(clock, " ")
	if t := cve.Time(day + "T" + clock); !t.IsZero() {
		return t
	}
	return cve.Time(day)
}

// file hands over a file, package by package and release by release.
func (r *run) file(f *file) error {
	type place struct{ name, release string }
	statements := map[place][]statement{}
	var order []place
	for _, w := range f.rows {
		if w.where == "upstream" { // not about Ubuntu
			continue
		}
		p, why := pocketOf(w.where)
		if why != "" {
			r.s.Skip(f.id+" "+w.where+"_"+w.name, why)
			continue
		}
		s, why := verdict(w.status, w.detail)
		s.pocket = p
		if p.release != "" {
			r.releases[p.release] = true
		}
		if why != "" {
			r.skip(p.release, f.id, w.name, why)
			continue
		}
		r.sources[w.name] = true
		at := place{w.name, p.release}
		if statements[at] == nil {
			order = append(order, at)
		}
		statements[at] = append(statements[at], s)
	}
	for _, at := range order {
		v := f.vulnerabilityFor(at.name)
		if at.release == "" {
			r.heldRows = append(r.heldRows, heldRow{v, at.name, statements[at][0]})
			continue
		}
		if err := r.emit(v, at.name, at.release, statements[at]); err != nil {
			return err
		}
	}
	return nil
}

// vulnerabilityFor is the vulnerability with its priority for a package.
func (f *file) vulnerabilityFor(name string) *vulnerability {
	v := f.vulnerability
	word := f.priorities[name]
	if word == "" {
		word = f.priorities[""]
	}
	v.severity, _ = assay.ParseSeverity(word)
	return &v
}

// pocketOf reads the release of a row: "xenial", "trusty/esm",
// "esm-infra/xenial", "fips-updates/jammy"; none for "devel".
func pocketOf(where string) (p pocket, why string) {
	first, second, cut := strings.Cut(where, "/")
	codename := first
	switch {
	case where == "devel":
		return p, ""
	case !cut:
	case second == "esm":
		p.esm = true
	case strings.HasPrefix(first, "esm-"):
		p.esm, codename = true, second
	case strings.HasPrefix(first, "fips"):
		p.flavour, codename = "fips", second
	default:
		return p, "product other than a release"
	}
	number, ok := distro.UbuntuNumber(codename)
	if !ok {
		return p, "unknown release name"
	}
	p.release = number
	return p, ""
}

// endOfLifeReason matches reasons of ignored vulnerabilities: the release, or the support
// of a package in it, is at its end of life.
var endOfLifeReason = regexp.MustCompile(`(?i)\bend[ -]of[ -](?:life|line|support|standard|esm|kernel)|out of (?:standard )?support|no longer supported|\bEOL\b`)

const maxReason = 120 // the longest details are whole sentences

// verdict converts a state of the tracker; why is the reason if it cannot be
// used.
func verdict(status, detail string) (s statement, why string) {
	s.reason = status
	if detail != "" {
		s.reason += " (" + detail + ")"
	}
	s.reason = strings.ToValidUTF8(s.reason[:min(len(s.reason), maxReason)], "")
	s.status = assay.StatusAffected
	switch status {
	case "released":
		if !versionLike(detail) {
			return s, "released without a version"
		}
		s.fixed, s.reason = detail, ""
	case "needed":
	case "pending": // fixed, but not published yet
		if versionLike(detail) {
			s.fixed = detail
		}
	case "needs-triage":
		s.status = assay.StatusUnderInvestigation
	case "deferred":
		s.status = assay.StatusFixDeferred
	case "ignored":
		s.status = assay.StatusWillNotFix
		if endOfLifeReason.MatchString(detail) {
			s.status = assay.StatusEndOfLife
		}
	case "not-affected":
		s.status = assay.StatusNotAffected
	case "DNE":
		return s, "package not in the release"
	default:
		return s, "unknown status"
	}
	return s, ""
}

// versionLike matches versions, and not remarks.
func versionLike(s string) bool {
	if s == "" || s[0] < '0' || s[0] > '9' || strings.ContainsAny(s, " ,;") {
		return false
	}
	_, err := version.Deb.Key(s)
	return err == nil && !version.Doubtful(version.Deb, s)
}

// Package dpkg reads the database of Debian's package manager.
//
// Format: https://man7.org/linux/man-pages/man1/dpkg-query.1.html and
// https://www.debian.org/doc/debian-policy/ch-controlfields.html
package dpkg

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/stanza"
)

const (
	// maxStatus: a full desktop's status file has 5 MB.
	maxStatus = 256 << 20
	// maxList: the file list of the largest packages has 3 MB.
	maxList = 64 << 20
	// maxSingle bounds a file with one package's stanza, as in distroless images.
	maxSingle = 4 << 20
)

// Reader reads status (all packages), status.d (one file a package, in images built
// without dpkg), and the file lists in info and status.d.
type Reader struct{}

func (Reader) Name() string { return "dpkg" }

func (Reader) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, dir := range []string{"var/lib/dpkg", "usr/lib/dpkg"} {
		ps = append(ps,
			assay.Pattern{Glob: dir + "/status", MaxSize: maxStatus},
			assay.Pattern{Glob: dir + "/status.d/*", MaxSize: maxSingle},
			assay.Pattern{Glob: dir + "/info/*.list", MaxSize: maxList})
	}
	return ps
}

func (Reader) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	dir, base := path.Split(f.Path)
	single := strings.HasSuffix(dir, "status.d/")
	switch {
	case strings.HasSuffix(base, ".list"):
		return list(f, strings.TrimSuffix(base, ".list"), false)
	case single && strings.HasSuffix(base, ".md5sums"):
		return list(f, strings.TrimSuffix(base, ".md5sums"), true)
	case single && isScript(base):
		return assay.Facts{}, nil
	}
	return status(f, single)
}

// isScript reports whether a file in status.d is a script, not a stanza.
func isScript(base string) bool {
	switch path.Ext(base) {
	case ".preinst", ".postinst", ".prerm", ".postrm", ".conffiles", ".config", ".templates", ".triggers", ".shlibs", ".symbols":
		return true
	}
	return false
}

// status reads stanzas. In status they contain the state of the package; in status.d
// all packages are installed.
func status(f *assay.File, single bool) (facts assay.Facts, _ error) {
	var errs stanza.Errors
	n := 0
	for rec, err := range stanza.Records(f.Reader(), "Package", "Status", "Version", "Architecture", "Source", "Maintainer", "Depends", "Pre-Depends") {
		if err != nil {
			errs.Add(err)
			continue
		}
		n++
		p, err := read(rec, single)
		if err != nil {
			errs.Add(fmt.Errorf("line %d: %w", rec.Line, err))
			continue
		}
		if len(facts.Packages) == stanza.MaxPackages {
			errs.Add(fmt.Errorf("line %d: more than %d packages: %w", rec.Line, stanza.MaxPackages, assay.ErrTooLarge))
			break
		}
		if p != nil {
			facts.Packages = append(facts.Packages, *p)
		}
	}
	if single && n == 0 {
		errs.Add(fmt.Errorf("no packages: %w", assay.ErrMalformed))
	}
	return facts, errs.Err()
}

// read returns the package of a stanza; nil when it is not installed.
func read(rec *stanza.Record, single bool) (*assay.Package, error) {
	p := &assay.Package{Type: assay.TypeDeb, Name: rec.Get("Package"), Version: rec.Get("Version"), Arch: rec.Get("Architecture"), Vendor: rec.Get("Maintainer")}
	state, known, installed := stateOf(rec.Get("Status"))
	if single && rec.Get("Status") == "" {
		known, installed = true, true
	}
	switch {
	case known && !installed:
		return nil, nil
	case p.Name == "":
		return nil, fmt.Errorf("stanza without the field Package: %w", assay.ErrMalformed)
	case !isName(p.Name):
		return nil, fmt.Errorf("invalid package name %.40q: %w", p.Name, assay.ErrMalformed)
	case !known:
		return nil, fmt.Errorf("package %q: invalid status %.60q: %w", p.Name, rec.Get("Status"), assay.ErrMalformed)
	case p.Version == "":
		return nil, fmt.Errorf("package %q has no version: %w", p.Name, assay.ErrMalformed)
	}
	if state != "installed" {
		p.State = state
	}
	p.Source, p.SourceVersion = source(rec.Get("Source"))
	p.DependsOn = append(stanza.Names(rec.Get("Pre-Depends")), stanza.Names(rec.Get("Depends"))...)
	return p, nil
}

// stateOf parses "want flag state"; the third word is the state.
// https://man7.org/linux/man-pages/man1/dpkg.1.html (package states)
func stateOf(status string) (state string, known, installed bool) {
	words := strings.Fields(status)
	if len(words) != 3 {
		return "", false, false
	}
	switch words[2] {
	case "installed", "half-installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending":
		return words[2], true, true
	case "not-installed", "config-files":
		return words[2], true, false
	}
	return words[2], false, false
}

// source parses "name" or "name (version)".
func source(s string) (name, version string) {
	name, version, ok := strings.Cut(s, " (")
	if ok {
		version = strings.TrimSuffix(version, ")")
	}
	return strings.TrimSpace(name), strings.TrimSpace(version)
}

// isName follows the policy manual's rule, and also allows capitals and underscores,
// which some vendors use.
// https://www.debian.org/doc/debian-policy/ch-controlfields.html#source
func isName(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '-', c == '.', c == '_':
		default:
			return false
		}
	}
	return true
}

// list reads the file list of a package: a path a line, or a checksum and a path. A
// directory comes right before its content, and is left out.
func list(f *assay.File, owner string, sums bool) (assay.Facts, error) {
	b := make([]byte, f.Size)
	if _, err := f.ReadAt(b, 0); err != nil && err != io.EOF {
		return assay.Facts{}, err
	}
	var paths strings.Builder
	paths.Grow(len(b))
	prev := ""
	add := func(next string) {
		if prev != "" && prev != "." && !strings.HasPrefix(next, prev+"/") {
			paths.WriteString(prev)
			paths.WriteByte('\n')
		}
		prev = next
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\r\n")
		if sums {
			_, line, _ = strings.Cut(line, " ")
			line = strings.TrimLeft(line, " *")
		}
		if line = strings.TrimPrefix(line, "/"); line != "" {
			add(line)
		}
	}
	add("")
	if paths.Len() == 0 {
		return assay.Facts{}, nil
	}
	return assay.Facts{Owns: []assay.Ownership{{Type: assay.TypeDeb, Owner: owner, Paths: paths.String()}}}, nil
}

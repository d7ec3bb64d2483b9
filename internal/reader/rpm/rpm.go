// Package rpm reads the databases of rpm, and the manifest that Azure Linux
// keeps in images without one.
//
// Format: see package rpmdb, and
// https://github.com/microsoft/azurelinux/blob/3.0/toolkit/docs/how_it_works/5_misc.md
package rpm

import (
	"context"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/rpmdb"
)

const (
	// maxDatabase: a full installation of an enterprise distribution has
	// 300 to 600 MB.
	maxDatabase = 1 << 30
	// maxManifest: a line of 150 bytes a package, in images of a few dozen.
	maxManifest = 16 << 20
	// maxBroken is how many records may be broken before the rest is left: a
	// hostile database can have one in every two bytes.
	maxBroken = 10_000
)

const (
	manifest = "container-manifest-2"
	logOf    = "-wal" // suffix of an SQLite database's write-ahead log
)

// Reader reads a whole database in any of rpm's formats, whatever its name, or
// a manifest. Signing keys in a database are no packages; a package that is
// installed in two versions is two.
type Reader struct{}

// Name is "rpm".
func (Reader) Name() string { return "rpm" }

// Wants lists the database under its names in the places where distributions
// keep it, and the manifest.
func (Reader) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, dir := range []string{"var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"} {
		ps = append(ps,
			assay.Pattern{Glob: dir + "/Packages", MaxSize: maxDatabase},
			assay.Pattern{Glob: dir + "/Packages.db", MaxSize: maxDatabase},
			assay.Pattern{Glob: dir + "/rpmdb.sqlite", MaxSize: maxDatabase, With: []string{logOf}})
	}
	return append(ps, assay.Pattern{Glob: "var/lib/rpmmanifest/" + manifest, MaxSize: maxManifest})
}

// Read reads a database or a manifest. An empty one is an error: rpm itself
// never leaves one.
func (Reader) Read(ctx context.Context, f *assay.File) (assay.Facts, error) {
	if path.Base(f.Path) == manifest {
		return readManifest(f)
	}
	return database(ctx, f)
}

func database(ctx context.Context, f *assay.File) (facts assay.Facts, _ error) {
	var log *io.SectionReader
	if w := f.With[logOf]; w != nil {
		log = w.Reader()
	}
	var errs stanza.Errors
	var paths []string
	broken := 0
	for h, err := range rpmdb.Headers(f.Reader(), log) {
		if err := ctx.Err(); err != nil {
			return facts, err
		}
		if err != nil {
			errs.Add(err)
			if broken++; broken > maxBroken {
				errs.Add(fmt.Errorf("more than %d damaged records; the rest is not read: %w", maxBroken, assay.ErrTooLarge))
				break
			}
			if h.Name == "" {
				continue
			}
		}
		if isKey(h) {
			continue
		}
		p, err := pack(h)
		if err != nil {
			errs.Add(err)
			continue
		}
		facts.Packages = append(facts.Packages, p)
		paths = append(paths, h.Paths)
	}
	facts.Owns = ownerships(facts.Packages, paths)
	return facts, errs.Err()
}

// isKey reports whether h is of a signing key, which rpm keeps like a package.
func isKey(h rpmdb.Header) bool { return h.Name == "gpg-pubkey" && h.Arch == "" }

// pack makes a package of a header.
func pack(h rpmdb.Header) (assay.Package, error) {
	switch {
	case h.Name == "":
		return assay.Package{}, fmt.Errorf("header without a name: %w", assay.ErrMalformed)
	case h.Version == "" || h.Release == "":
		return assay.Package{}, fmt.Errorf("package %.100q has no version or release: %w", h.Name, assay.ErrMalformed)
	case !isWord(h.Name) || !isWord(h.Version) || !isWord(h.Release):
		return assay.Package{}, fmt.Errorf("package %.100q %.100q contains blanks or control characters: %w", h.Name, h.Version+"-"+h.Release, assay.ErrMalformed)
	}
	p := assay.Package{
		Type: assay.TypeRPM, Name: h.Name, Version: withEpoch(h.Epoch, h.Version+"-"+h.Release), Arch: h.Arch,
		Module: h.Module, Vendor: h.Vendor, DependsOn: h.Requires,
	}
	if h.License != "" {
		p.Licences = []string{h.License}
	}
	source, version := splitSource(h.SourceRPM)
	p.Source = source
	if version = withEpoch(h.Epoch, version); source != "" && version != p.Version {
		p.SourceVersion = version
	}
	return p, nil
}

// withEpoch writes a version as rpm does, but without an epoch of 0, which is
// the same to rpm as none.
func withEpoch(epoch uint32, version string) string {
	if epoch == 0 {
		return version
	}
	return strconv.FormatUint(uint64(epoch), 10) + ":" + version
}

// splitSource takes a file name apart: "bash-5.1.8-6.el9.src.rpm". The name is
// empty when it is none.
func splitSource(file string) (name, version string) {
	nvr, ok := strings.CutSuffix(file, ".src.rpm")
	if !ok {
		nvr, ok = strings.CutSuffix(file, ".nosrc.rpm")
	}
	release := strings.LastIndexByte(nvr, '-')
	if !ok || release < 0 || !isWord(nvr) {
		return "", ""
	}
	v := strings.LastIndexByte(nvr[:release], '-')
	if v <= 0 {
		return "", ""
	}
	return nvr[:v], nvr[v+1:]
}

// isWord reports whether s has neither blanks nor control characters.
func isWord(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) < 0
}

// ownerships names the owner of each list of files with its architecture where
// the same package is there for several.
func ownerships(packages []assay.Package, paths []string) []assay.Ownership {
	arches := make(map[string]string, len(packages)) // by name; "*" for several
	for _, p := range packages {
		if arch, ok := arches[p.Name]; ok && arch != p.Arch {
			arches[p.Name] = "*"
		} else {
			arches[p.Name] = p.Arch
		}
	}
	var owns []assay.Ownership
	for i, p := range packages {
		if paths[i] == "" {
			continue
		}
		owner := p.Name
		if arches[p.Name] == "*" {
			owner += ":" + p.Arch
		}
		owns = append(owns, assay.Ownership{Type: assay.TypeRPM, Owner: owner, Paths: paths[i]})
	}
	return owns
}

// manifestColumns are the columns of a manifest, divided by tabs: name,
// version-release, install time, build time, vendor, epoch, size,
// architecture, epoch number, source package.
const manifestColumns = 10

func readManifest(f *assay.File) (facts assay.Facts, _ error) {
	b, err := limit.ReadAll(f.Reader(), maxManifest)
	if err != nil {
		return facts, err
	}
	var errs stanza.Errors
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			continue
		}
		h, err := manifestLine(line)
		if err == nil && isKey(h) {
			continue
		}
		var p assay.Package
		if err == nil {
			p, err = pack(h)
		}
		if err != nil {
			errs.Add(fmt.Errorf("line %d: %w", n, err))
			continue
		}
		facts.Packages = append(facts.Packages, p)
	}
	if len(b) == 0 {
		errs.Add(fmt.Errorf("empty file: %w", assay.ErrMalformed))
	}
	return facts, errs.Err()
}

func manifestLine(line string) (rpmdb.Header, error) {
	c := strings.Split(line, "\t")
	if len(c) < manifestColumns {
		return rpmdb.Header{}, fmt.Errorf("%d columns, want %d: %w", len(c), manifestColumns, assay.ErrMalformed)
	}
	for i := range c {
		if c[i] == "(none)" {
			c[i] = ""
		}
	}
	epoch, err := strconv.ParseUint(c[8], 10, 32)
	if err != nil {
		return rpmdb.Header{}, fmt.Errorf("invalid epoch %.20q: %w", c[8], assay.ErrMalformed)
	}
	version, release, _ := strings.Cut(c[1], "-")
	return rpmdb.Header{
		Name: c[0], Epoch: uint32(epoch), Version: version, Release: release, Arch: c[7], SourceRPM: c[9], Vendor: c[4],
	}, nil
}

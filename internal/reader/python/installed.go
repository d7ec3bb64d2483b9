// Package python reads Python's packages: the metadata of installed packages,
// requirements files, the lock files of Pipenv, Poetry, PDM and uv, pylock.toml, and
// Conda's records and environments.
//
// Names are those of the files; PyPI ignores case and the difference between "-", "_"
// and ".". Where a lock file does not list the direct dependencies, pyproject.toml or
// Pipfile beside it does.
package python

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/encoding/zipdoc"
)

const (
	// maxHeader bounds the part of a metadata file in front of the description;
	// metadata before 2.1 has that inside, where half a megabyte has been seen.
	maxHeader = 4 << 20
	// maxEgg: the largest eggs hold compiled libraries of some 50 MB.
	maxEgg = 512 << 20
	// maxEggs bounds the metadata files in one egg; there should be one.
	maxEggs = 1000
)

// Installed reads the metadata of installed packages, with the names of what each
// needs to run: dist-info, egg-info as a
// directory or a file, and eggs, unpacked or not. Wheels that wait to be installed
// (ensurepip's, virtualenv's) are not reported: nothing can import them.
//
// Formats: https://packaging.python.org/en/latest/specifications/core-metadata/,
// https://setuptools.pypa.io/en/latest/deprecated/python_eggs.html
type Installed struct{}

func (Installed) Name() string { return "python-installed" }

func (Installed) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, glob := range []string{
		"**/*dist-info/METADATA", "**/*DIST-INFO/METADATA",
		"**/*egg-info/PKG-INFO", "**/*EGG-INFO/PKG-INFO",
		"**/*.egg-info",
	} {
		ps = append(ps, assay.Pattern{Glob: glob, Scope: assay.ScopeInstalled})
	}
	return append(ps, assay.Pattern{Glob: "**/*.egg", Scope: assay.ScopeInstalled, MaxSize: maxEgg})
}

// isLeftover reports whether metadata are what pip left of an uninstalled package: it
// gives the name a "~", older versions a "-", and ignores it from then on.
// https://github.com/pypa/pip/blob/25.0/src/pip/_internal/metadata/importlib/_envs.py
func isLeftover(file string) bool {
	for part := range strings.SplitSeq(file, "/") {
		lower := strings.ToLower(part)
		if (strings.HasPrefix(part, "~") || strings.HasPrefix(part, "-")) && (strings.HasSuffix(lower, ".dist-info") || strings.HasSuffix(lower, ".egg-info") || strings.HasSuffix(lower, ".egg")) {
			return true
		}
	}
	return false
}

func (Installed) Read(ctx context.Context, f *assay.File) (assay.Facts, error) {
	if isLeftover(f.Path) {
		return assay.Facts{}, nil
	}
	var magic [4]byte
	if n, _ := f.ReadAt(magic[:], 0); n == 4 && string(magic[:]) == "PK\x03\x04" {
		return egg(ctx, f)
	}
	base := path.Base(f.Path)
	if strings.HasSuffix(base, ".egg") {
		return assay.Facts{}, fmt.Errorf("not a zip archive: %w", assay.ErrMalformed)
	}
	m, err := readMetadata(f.Reader())
	if m.name == "Python" && strings.HasPrefix(base, "Python-") && strings.HasSuffix(base, ".egg-info") {
		return assay.Facts{}, nil // distutils' note on the interpreter itself, which is no package
	}
	p, bad := m.pkg()
	if bad != nil {
		return assay.Facts{}, errors.Join(bad, err)
	}
	return assay.Facts{Packages: []assay.Package{p}}, err
}

// egg reads an archive that is imported as it is.
func egg(ctx context.Context, f *assay.File) (assay.Facts, error) {
	var facts assay.Facts
	var errs stanza.Errors
	want := func(name string) bool { return strings.EqualFold(name, "EGG-INFO/PKG-INFO") }
	left := maxEggs
	err := zipdoc.Walk(ctx, f.Reader(), want, func(name string, content []byte, err error) error {
		if left--; left < 0 {
			return fmt.Errorf("more than %d metadata files: %w", maxEggs, assay.ErrTooLarge)
		}
		if errors.Is(err, zip.ErrAlgorithm) {
			err = fmt.Errorf("%w: %w", err, assay.ErrUnsupported)
		} else if err != nil && !errors.Is(err, assay.ErrTooLarge) {
			err = fmt.Errorf("%w: %w", err, assay.ErrMalformed)
		}
		if err != nil {
			errs.Add(err)
			return nil
		}
		m, err := readMetadata(strings.NewReader(string(content)))
		if err != nil {
			errs.Add(fmt.Errorf("%s: %w", name, err))
		}
		p, err := m.pkg()
		if err != nil {
			errs.Add(fmt.Errorf("%s: %w", name, err))
			return nil
		}
		if len(facts.Packages) == 0 || facts.Packages[0].Ref() != p.Ref() {
			facts.Packages = append(facts.Packages, p)
		}
		return nil
	})
	if err != nil {
		errs.Add(err)
	}
	return facts, errs.Err()
}

// metadata is what a header says of a package.
type metadata struct {
	name, version       string
	expression, licence string
	classifiers         []string
	needs               []string // names of what it needs to run
	inLicence, folded   bool     // the current line belongs to the licence; the licence has several, so it is a text
	fields              int
}

// readMetadata reads a header of "Field: value" lines up to the empty line that
// ends it.
func readMetadata(r io.Reader) (metadata, error) {
	var m metadata
	for line, err := range stanza.Lines(limit.Reader(r, maxHeader)) {
		if err != nil {
			return m, err
		}
		text := line.Text
		if line.N == 1 {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		switch key, value, ok := strings.Cut(text, ":"); {
		case text == "":
			if m.fields > 0 {
				return m, nil
			}
		case text[0] == ' ' || text[0] == '\t':
			m.folded = m.folded || m.inLicence
		case ok: // else part of a summary that was written with line breaks
			m.fields++
			m.field(key, strings.TrimSpace(value))
		}
	}
	return m, nil
}

func (m *metadata) field(key, value string) {
	m.inLicence = strings.EqualFold(key, "License")
	switch {
	case strings.EqualFold(key, "Name") && m.name == "":
		m.name = value
	case strings.EqualFold(key, "Version") && m.version == "":
		m.version = value
	case strings.EqualFold(key, "License-Expression"):
		m.expression = value
	case m.inLicence && m.licence == "":
		m.licence = value
	case strings.EqualFold(key, "Requires-Dist"):
		m.need(value)
	case strings.EqualFold(key, "Classifier"):
		// "License :: OSI Approved" alone is a group, not a licence.
		if name, ok := strings.CutPrefix(value, "License :: "); ok && name != "OSI Approved" {
			m.classifiers = append(m.classifiers, strings.TrimSpace(name[strings.LastIndex(name, ":")+1:]))
		}
	}
}

// maxNeeds bounds the requirements of a package; published ones have some
// hundred at most.
const maxNeeds = 10_000

// need adds the package that a requirement names, unless only an extra asks for
// it, which may not be installed.
func (m *metadata) need(requirement string) {
	name := requirement[:nameLen(requirement)]
	_, marker, _ := strings.Cut(requirement, ";")
	if len(m.needs) < maxNeeds && validName(name) && !strings.Contains(marker, "extra") {
		m.needs = append(m.needs, name)
	}
}

// pkg returns the package; an error when the header names none.
func (m *metadata) pkg() (assay.Package, error) {
	switch {
	case m.name == "" && m.version == "":
		return assay.Package{}, fmt.Errorf("neither a name nor a version: %w", assay.ErrMalformed)
	case !validName(m.name):
		return assay.Package{}, fmt.Errorf("invalid package name %.80q: %w", m.name, assay.ErrMalformed)
	case m.version == "":
		return assay.Package{}, fmt.Errorf("package %s has no version: %w", m.name, assay.ErrMalformed)
	case !validVersion(m.version):
		return assay.Package{}, fmt.Errorf("%s: invalid version %.80q: %w", m.name, m.version, assay.ErrMalformed)
	}
	return assay.Package{Type: assay.TypePyPI, Name: m.name, Version: m.version, Licences: m.licences(), DependsOn: m.needs}, nil
}

// licences are what the header states most clearly: an SPDX expression, else
// classifiers, else the free field when it is no text of a licence.
func (m *metadata) licences() []string {
	switch {
	case m.expression != "":
		return []string{strings.ToValidUTF8(m.expression, "\ufffd")}
	case len(m.classifiers) > 0:
		for i, c := range m.classifiers {
			m.classifiers[i] = strings.ToValidUTF8(c, "\ufffd")
		}
		return m.classifiers
	case m.licence == "" || m.licence == "UNKNOWN" || m.folded || len(m.licence) > maxWord:
		return nil
	}
	return []string{strings.ToValidUTF8(m.licence, "\ufffd")}
}

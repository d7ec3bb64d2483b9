// Package alpm reads the local database of Arch Linux's package manager.
//
// Format: https://man.archlinux.org/man/alpm-db-desc.5 (alpm.archlinux.page)
package alpm

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/stanza"
)

const (
	// maxDesc: a package's description has a few kilobytes.
	maxDesc = 4 << 20
	// maxFiles: the list of files of the largest packages has 3 MB.
	maxFiles = 64 << 20
)

// Reader reads the two files that each package has: desc and files.
type Reader struct{}

func (Reader) Name() string { return "alpm" }

func (Reader) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "var/lib/pacman/local/*/desc", MaxSize: maxDesc},
		{Glob: "var/lib/pacman/local/*/files", MaxSize: maxFiles},
	}
}

func (Reader) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	dir, base := path.Split(f.Path)
	if base == "files" {
		return files(f, owner(path.Base(dir)))
	}
	var p assay.Package
	p.Type = assay.TypeAlpm
	section := ""
	for line, err := range stanza.Lines(f.Reader()) {
		if err != nil {
			return assay.Facts{}, err
		}
		switch text := line.Text; {
		case text == "":
			section = ""
		case section == "" && text[0] == '%':
			section = text
		default:
			set(&p, section, text)
		}
	}
	switch {
	case p.Name == "":
		return assay.Facts{}, fmt.Errorf("%%NAME%% is missing: %w", assay.ErrMalformed)
	case p.Version == "":
		return assay.Facts{}, fmt.Errorf("package %q has no version: %w", p.Name, assay.ErrMalformed)
	}
	return assay.Facts{Packages: []assay.Package{p}}, nil
}

func set(p *assay.Package, section, value string) {
	switch section {
	case "%NAME%":
		p.Name = value
	case "%VERSION%":
		p.Version = value
	case "%BASE%":
		p.Source = value
	case "%ARCH%":
		p.Arch = value
	case "%PACKAGER%":
		p.Vendor = value
	case "%LICENSE%":
		p.Licences = append(p.Licences, value)
	case "%DEPENDS%":
		if i := strings.IndexAny(value, "<>=:"); i > 0 {
			value = value[:i]
		}
		p.DependsOn = append(p.DependsOn, value)
	}
}

// owner is the package that a directory "name-version-release" is about.
func owner(folder string) string {
	for range 2 {
		if i := strings.LastIndexByte(folder, '-'); i > 0 {
			folder = folder[:i]
		}
	}
	return folder
}

func files(f *assay.File, owner string) (assay.Facts, error) {
	var paths strings.Builder
	listing := false
	for line, err := range stanza.Lines(f.Reader()) {
		if err != nil {
			return assay.Facts{}, err
		}
		switch text := line.Text; {
		case text == "":
			listing = false
		case text[0] == '%':
			listing = text == "%FILES%"
		case listing && !strings.HasSuffix(text, "/"):
			paths.WriteString(text)
			paths.WriteByte('\n')
		}
	}
	if paths.Len() == 0 {
		return assay.Facts{}, nil
	}
	return assay.Facts{Owns: []assay.Ownership{{Type: assay.TypeAlpm, Owner: owner, Paths: paths.String()}}}, nil
}

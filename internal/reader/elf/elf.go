// Package elf reads the package notes of ELF executables and libraries: JSON that
// distributions' builds, and some vendors', store there.
// https://systemd.io/PACKAGE_METADATA_FOR_EXECUTABLE_FILES/
package elf

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/executable"
)

const (
	maxBinary = 4 << 30 // the largest libraries, of kernels for graphics cards, have 2 GiB
	maxNote   = 1 << 20 // some hundred bytes
)

// The note's type and owner, as the specification has them.
const (
	noteType  = 0xcafe1a7e
	noteOwner = "FDO\x00"
)

// Package reads the note. What it names is a package of the distribution, or
// of its source package (Fedora), which many files tell of; other types than
// assay knows are generic software.
type Package struct{}

func (Package) Name() string { return "elf-package" }

func (Package) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/*", Scope: assay.ScopeInstalled, Executable: true, MaxSize: maxBinary}}
}

func (Package) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	x, ok := executable.Open(f, f.Size)
	if !ok || x.Format != executable.ELF {
		return assay.Facts{}, nil
	}
	text, err := find(x)
	if text == nil || err != nil {
		return assay.Facts{}, err
	}
	p, err := read(text)
	if err != nil {
		return assay.Facts{}, fmt.Errorf("section .note.package: %w: %w", err, assay.ErrMalformed)
	}
	return assay.Facts{Packages: []assay.Package{p}}, nil
}

// find returns the note of a file: that of the section, else one among the notes of the
// segments, by which a file whose sections are missing or contradict them is loaded.
func find(x *executable.File) ([]byte, error) {
	s, named := x.Section(".note.package")
	if named {
		b, err := x.Data(s, maxNote)
		if err != nil {
			return nil, err
		}
		if text, ok := description(b, x.Order); ok {
			return text, nil
		}
	}
	for _, p := range x.Segments {
		if p.Kind == executable.SegmentNote && p.Size <= maxNote {
			if text, ok := description(x.At(p.Offset, p.Size), x.Order); ok {
				return text, nil
			}
		}
	}
	if named {
		return nil, fmt.Errorf("section .note.package: not a package note: %w", assay.ErrMalformed)
	}
	return nil, nil
}

// description finds the note among those of the section: sizes of owner and
// description, type, and both, padded to four bytes.
func description(b []byte, order binary.ByteOrder) ([]byte, bool) {
	pad := func(n uint32) uint64 { return (uint64(n) + 3) &^ 3 }
	for len(b) >= 12 {
		owner, size, kind := order.Uint32(b), order.Uint32(b[4:]), order.Uint32(b[8:])
		b = b[12:]
		if pad(owner) > uint64(len(b)) {
			return nil, false
		}
		name := string(b[:owner])
		b = b[pad(owner):]
		if uint64(size) > uint64(len(b)) {
			return nil, false
		}
		if kind == noteType && name == noteOwner {
			return bytes.TrimRight(b[:size], "\x00"), true
		}
		b = b[min(pad(size), uint64(len(b))):]
	}
	return nil, false
}

// note is the JSON; the lower fields are those of vendors' own tools.
type note struct {
	Type         string `json:"type"`
	Name         string `json:"name"`
	Version      string `json:"version"`
	Architecture string `json:"architecture"`
	OSCPE        string `json:"osCpe"`
	AppCPE       string `json:"appCpe"`
	CPE          string `json:"cpe"`
	License      string `json:"license"`
	Vendor       string `json:"vendor"`
}

func read(text []byte) (assay.Package, error) {
	var n note
	if err := json.Unmarshal(text, &n); err != nil {
		return assay.Package{}, err
	}
	if n.Name == "" || n.Version == "" {
		return assay.Package{}, fmt.Errorf("invalid name %q or version %q", n.Name, n.Version)
	}
	p := assay.Package{Type: kind(n.Type), Name: n.Name, Version: n.Version, Arch: n.Architecture, Vendor: n.Vendor}
	if n.License != "" {
		p.Licences = []string{n.License}
	}
	for _, cpe := range []string{n.CPE, n.AppCPE} {
		if strings.HasPrefix(cpe, "cpe:2.3:a:") {
			p.CPEs = append(p.CPEs, cpe)
		}
	}
	return p, nil
}

// kind is the package type of a note's.
func kind(t string) string {
	switch t = strings.ToLower(t); t {
	case assay.TypeDeb, assay.TypeRPM, assay.TypeApk, assay.TypeAlpm, assay.TypeOpkg, assay.TypeNix, assay.TypeBrew, assay.TypeConda, assay.TypeEbuild:
		return t
	case "arch", "pacman":
		return assay.TypeAlpm
	case "portage":
		return assay.TypeEbuild
	}
	return assay.TypeGeneric
}

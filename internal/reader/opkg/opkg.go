// Package opkg reads the database of the package manager of OpenWrt and of
// Yocto images.
//
// Format: https://openwrt.org/docs/guide-user/additional-software/opkg, Debian's
// control format with fewer fields.
package opkg

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/stanza"
)

// maxStatus: the systems are small; theirs has some hundred kilobytes.
const maxStatus = 64 << 20

// Reader reads status (all packages), info/*.control (one a file) and the
// lists of files.
type Reader struct{}

func (Reader) Name() string { return "opkg" }

func (Reader) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, dir := range []string{"usr/lib/opkg", "var/lib/opkg", "lib/opkg"} {
		for _, name := range []string{"/status", "/info/*.control", "/info/*.list"} {
			ps = append(ps, assay.Pattern{Glob: dir + name, MaxSize: maxStatus})
		}
	}
	return ps
}

func (Reader) Read(_ context.Context, f *assay.File) (facts assay.Facts, _ error) {
	base := path.Base(f.Path)
	if name, ok := strings.CutSuffix(base, ".list"); ok {
		return list(f, name)
	}
	var errs stanza.Errors
	for rec, err := range stanza.Records(f.Reader(), "Package", "Version", "Architecture", "Status", "Depends", "Maintainer", "License") {
		if err != nil {
			errs.Add(err)
			continue
		}
		p := assay.Package{Type: assay.TypeOpkg, Name: rec.Get("Package"), Version: rec.Get("Version"), Arch: rec.Get("Architecture"),
			Vendor: rec.Get("Maintainer"), DependsOn: stanza.Names(rec.Get("Depends"))}
		if l := rec.Get("License"); l != "" {
			p.Licences = []string{l}
		}
		if words := strings.Fields(rec.Get("Status")); len(words) == 3 {
			switch words[2] {
			case "not-installed", "config-files":
				continue
			case "installed":
			default:
				p.State = words[2]
			}
		}
		if p.Name == "" || p.Version == "" {
			errs.Add(fmt.Errorf("line %d: stanza without Package or Version: %w", rec.Line, assay.ErrMalformed))
			continue
		}
		if len(facts.Packages) == stanza.MaxPackages {
			errs.Add(fmt.Errorf("line %d: more than %d packages: %w", rec.Line, stanza.MaxPackages, assay.ErrTooLarge))
			break
		}
		facts.Packages = append(facts.Packages, p)
	}
	return facts, errs.Err()
}

func list(f *assay.File, owner string) (assay.Facts, error) {
	var paths strings.Builder
	for line, err := range stanza.Lines(f.Reader()) {
		if err != nil {
			return assay.Facts{}, err
		}
		if p := strings.TrimPrefix(line.Text, "/"); p != "" {
			paths.WriteString(p)
			paths.WriteByte('\n')
		}
	}
	if paths.Len() == 0 {
		return assay.Facts{}, nil
	}
	return assay.Facts{Owns: []assay.Ownership{{Type: assay.TypeOpkg, Owner: owner, Paths: paths.String()}}}, nil
}

// Package cos reads the list of packages of Google's Container-Optimized OS, which has
// no package database.
//
// Format: https://cloud.google.com/container-optimized-os/docs/how-to/security-vulnerabilities
package cos

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxList: some thousand packages of 100 bytes each.
const maxList = 16 << 20

// List reads the installed packages. They are built from ebuilds: names are
// "category/name". Packages of the build are not installed.
type List struct{}

func (List) Name() string { return "cos" }

func (List) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "etc/cos-package-info.json", MaxSize: maxList}}
}

func (List) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeEbuild)
	b, err := limit.ReadAll(f.Reader(), maxList)
	if err != nil {
		l.Error(err)
		return l.Facts()
	}
	var all struct {
		InstalledPackages []json.RawMessage
	}
	if err := json.Unmarshal(b, &all); err != nil {
		l.Error(fmt.Errorf("%w: %w", err, assay.ErrMalformed))
		return l.Facts()
	}
	for i, raw := range all.InstalledPackages {
		var p struct {
			Category, Name, Version string
			EbuildVersion           string `json:"ebuild_version"`
		}
		if err := json.Unmarshal(raw, &p); err != nil {
			l.Malformed("package %d: %v", i, err)
			continue
		}
		version := cmp.Or(p.EbuildVersion, p.Version)
		if p.Category == "" || p.Name == "" || version == "" {
			l.Malformed("package %d: %.80q has no category, name or version", i, p.Name)
			continue
		}
		l.Add(p.Category+"/"+p.Name, version)
	}
	if len(all.InstalledPackages) == 0 {
		l.Malformed("no installed package")
	}
	return l.Facts()
}

package rlang

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const (
	description = `Package: digest
Authors@R: c(person("A", "B"),
    person("C: x", "D"))
Version: 0.6.33
License: GPL (>= 2)
Title: A
 title
Built: R 4.3.1; x86_64-pc-linux-gnu; 2023-06-30 06:30:30 UTC; unix
`
	renv = `{"R": {"Version": "4.2.3", "Repositories": [{"Name": "CRAN", "URL": "https://cran.r-project.org"}]},
 "Packages": {
  "mime": {"Package": "mime", "Version": "0.12", "Source": "Repository", "Requirements": ["tools", "xfun"]},
  "xfun": {"Package": "xfun", "Version": "0.40", "Imports": ["grDevices", "mime (>= 0.1)"], "License": "MIT + file LICENSE"},
  "bare": {"Package": "bare"}
 }}`
	packrat = `PackratFormat: 1.4
RVersion: 3.4.0

Package: mime
Source: CRAN
Version: 0.5
Requires: xfun,
    later

Package: xfun
Source: github
Version: 0.1
`
)

func TestRead(t *testing.T) {
	cran := func(name, version, licence string, needs ...string) assay.Package {
		p := assay.Package{Type: "cran", Name: name, Version: version, DependsOn: needs}
		if licence != "" {
			p.Licences = []string{licence}
		}
		return p
	}
	for _, tt := range []struct {
		name string
		r    assay.Reader
		in   string
		want []assay.Package
		err  error
	}{
		{"installed", Installed{}, description, []assay.Package{cran("digest", "0.6.33", "GPL (>= 2)")}, nil},
		{"sources", Installed{}, description[:len(description)-60], nil, nil},
		{"another's", Installed{}, "Some prose: of\nanother kind", nil, nil},
		{"empty", Installed{}, "", nil, nil},
		{"no version", Installed{}, "Package: x\nBuilt: R 4", nil, assay.ErrUnsupported},
		{"renv", Renv{}, renv, []assay.Package{cran("mime", "0.12", "", "xfun@0.40"), cran("xfun", "0.40", "MIT + file LICENSE", "mime@0.12")}, assay.ErrUnsupported},
		{"bogus renv", Renv{}, "bogus", nil, assay.ErrMalformed},
		{"packrat", Packrat{}, packrat, []assay.Package{cran("mime", "0.5", "", "xfun@0.1"), cran("xfun", "0.1", "")}, nil},
		{"bogus packrat", Packrat{}, "bogus", nil, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, tt.r, "x", tt.in)
			if d := cmp.Diff(tt.want, facts.Packages); d != "" || !errors.Is(err, tt.err) {
				t.Error(d, err)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Installed{}, map[string]string{"usr/lib/R/library/digest/DESCRIPTION": description})
	contract.Reader(t, Renv{}, map[string]string{"renv.lock": renv})
	contract.Reader(t, Packrat{}, map[string]string{"packrat.lock": packrat})
}

func FuzzInstalled(f *testing.F) {
	f.Add(description)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Installed{}, "DESCRIPTION", content) })
}

func FuzzRenv(f *testing.F) {
	f.Add(renv)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Renv{}, "renv.lock", content) })
}

func FuzzPackrat(f *testing.F) {
	f.Add(packrat)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Packrat{}, "packrat.lock", content) })
}

// Package rlang reads R's packages: installed packages, and the lock files of renv and
// packrat.
package rlang

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const (
	maxDescription = 4 << 20
	maxLock        = 16 << 20 // the largest known have some 200 kB
)

// Installed reads DESCRIPTION of installed packages, which R itself has written
// "Built:" into; others of that name are sources, or no package of R's.
//
// Format: https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file
type Installed struct{}

func (Installed) Name() string { return "r-installed" }

func (Installed) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/DESCRIPTION", Scope: assay.ScopeInstalled, MaxSize: maxDescription}}
}

func (Installed) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeCRAN)
	for rec, err := range stanza.Records(limit.Reader(f.Reader(), maxDescription), "Package", "Version", "License", "Built") {
		if err != nil {
			continue // told by the fields that are missing
		}
		if name := rec.Get("Package"); name != "" && rec.Get("Built") != "" {
			l.Licences(l.Add(name, rec.Get("Version")), rec.Get("License"))
		}
		break
	}
	return l.Facts()
}

// Renv reads renv.lock.
//
// Format: https://rstudio.github.io/renv/reference/lockfile-api.html
type Renv struct{}

func (Renv) Name() string { return "renv-lock" }

func (Renv) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/renv.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

// words are a list of them, one, or one text with commas between them.
type words []string

func (w *words) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*w = strings.Split(one, ",")
		return nil
	}
	var many []any
	if json.Unmarshal(b, &many) == nil {
		for _, v := range many {
			if s, ok := v.(string); ok {
				*w = append(*w, s)
			}
		}
	}
	return nil
}

func (Renv) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Packages map[string]struct {
			Package      string `json:"Package"`
			Version      string `json:"Version"`
			License      string `json:"License"`
			Requirements words  `json:"Requirements"`
			Depends      words  `json:"Depends"` // since renv 1.1, as in DESCRIPTION
			Imports      words  `json:"Imports"`
			LinkingTo    words  `json:"LinkingTo"`
		} `json:"Packages"`
	}
	l := listing.New(assay.TypeCRAN)
	l.Error(listing.Decode(f, maxLock, json.Unmarshal, &doc))
	needs := map[int]words{}
	for _, key := range slices.Sorted(maps.Keys(doc.Packages)) {
		p := doc.Packages[key]
		if p.Package == "" {
			p.Package = key
		}
		if i := l.Add(p.Package, p.Version); i >= 0 {
			l.Licences(i, p.License)
			needs[i] = slices.Concat(p.Requirements, p.Depends, p.Imports, p.LinkingTo)
		}
	}
	link(l, needs)
	return l.Facts()
}

// link sets what packages need: "name (>= 1.0)".
func link(l *listing.List, needs map[int]words) {
	of := l.Names(nil)
	for i, names := range needs {
		for _, n := range names {
			n, _, _ = strings.Cut(n, "(")
			l.Need(i, of[strings.TrimSpace(n)]...)
		}
	}
}

// Packrat reads packrat.lock, the lock file of renv's predecessor.
//
// Format: https://rstudio.github.io/packrat/
type Packrat struct{}

func (Packrat) Name() string { return "packrat-lock" }

func (Packrat) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/packrat.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Packrat) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeCRAN)
	needs := map[int]words{}
	for rec, err := range stanza.Records(limit.Reader(f.Reader(), maxLock), "Package", "Version", "Requires") {
		if err != nil {
			l.Error(err)
			continue
		}
		if name := rec.Get("Package"); name != "" { // else the head
			if i := l.Add(name, rec.Get("Version")); i >= 0 {
				needs[i] = strings.Split(rec.Get("Requires"), ",")
			}
		}
	}
	link(l, needs)
	return l.Facts()
}

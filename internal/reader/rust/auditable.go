// Package rust reads the crates of Rust programs: the list that cargo-auditable stores
// in executables, and Cargo.lock.
package rust

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/executable"
	"github.com/assaysec/assay/internal/reader/internal/relation"
)

const (
	// maxBinary: no program is larger, for its parts are two GiB apart at most.
	maxBinary = 2 << 30
	// maxPacked and maxList bound the list: a thousand crates, as the largest
	// programs have, make 200 kB, or a fifth of that compressed.
	maxPacked = 8 << 20
	maxList   = 64 << 20
)

// Auditable reads the list of crates in executables that were built with
// cargo-auditable, or a distribution's equal. Crates that were needed only to
// build are not in the program and left out.
// https://github.com/rust-secure-code/cargo-auditable/blob/master/PARSING.md
type Auditable struct{}

func (Auditable) Name() string { return "cargo-auditable" }

func (Auditable) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/*", Scope: assay.ScopeInstalled, Executable: true, MaxSize: maxBinary}}
}

// listed is what the section holds.
// https://github.com/rust-secure-code/cargo-auditable/blob/master/cargo-auditable.schema.json
type listed struct {
	Packages []struct {
		Name, Version string
		Source        string // "crates.io", "git", "local", "registry"
		Kind          string // "runtime", "build"; "" is the former
		Dependencies  []int
		Root          bool
	}
}

func (Auditable) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	x, ok := executable.Open(f, f.Size)
	if !ok {
		return assay.Facts{}, nil
	}
	s, ok := x.Section(".dep-v0", ".rust-deps-v0", "rust-deps-v0")
	if !ok {
		return assay.Facts{}, nil
	}
	b, err := x.Data(s, maxPacked)
	if err != nil {
		return assay.Facts{}, err
	}
	list, err := unpack(b)
	if err != nil {
		return assay.Facts{}, fmt.Errorf("list of crates: %w", err)
	}
	return list.facts()
}

func unpack(b []byte) (listed, error) {
	var list listed
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return list, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	text, err := limit.ReadAll(z, maxList)
	if errors.Is(err, assay.ErrTooLarge) {
		return list, err
	}
	if err != nil && err != io.EOF {
		return list, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return list, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return list, nil
}

func (l *listed) facts() (assay.Facts, error) {
	var errs stanza.Errors
	ref := func(i int) string { return l.Packages[i].Name + "@" + l.Packages[i].Version }
	ps := make([]assay.Package, 0, len(l.Packages))
	seen := map[string]bool{}
	var direct []string
	for i, c := range l.Packages {
		if c.Name == "" || c.Version == "" && !c.Root {
			errs.Add(fmt.Errorf("crate %d, %q: name or version is missing: %w", i, c.Name, assay.ErrMalformed))
			continue
		}
		if c.Kind == "build" || seen[ref(i)] {
			continue
		}
		seen[ref(i)] = true
		p := assay.Package{Type: assay.TypeCargo, Name: c.Name, Version: c.Version}
		for _, d := range c.Dependencies {
			if d < 0 || d >= len(l.Packages) {
				errs.Add(fmt.Errorf("crate %s: dependency number %d of %d: %w", ref(i), d, len(l.Packages), assay.ErrMalformed))
				continue
			}
			if l.Packages[d].Kind != "build" {
				p.DependsOn = append(p.DependsOn, ref(d))
			}
		}
		switch {
		case c.Root:
			p.Relation = assay.RelationRoot
			direct = append(direct, p.DependsOn...)
		case c.Source == "local":
			p.Relation = assay.RelationWorkspace
		}
		ps = append(ps, p)
	}
	if len(direct) > 0 {
		relation.Mark(ps, direct, nil)
	}
	return assay.Facts{Packages: ps}, errs.Err()
}

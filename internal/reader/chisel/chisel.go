// Package chisel reads the manifest of images that Ubuntu's chisel made of slices of
// packages.
//
// Format: https://documentation.ubuntu.com/chisel/en/latest/reference/manifest/: lines of
// JSON, compressed by zstd.
package chisel

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
)

const (
	// maxManifest: a manifest of a hundred slices has a megabyte.
	maxManifest = 64 << 20
	// maxText bounds the manifest without its compression.
	maxText = 256 << 20
	// maxLine bounds a line: it has a path and some hashes.
	maxLine = 1 << 20
)

// Manifest reads which packages the slices were cut from. Their files are not all of
// the packages' files. Versions are those of Ubuntu's packages; the manifest does not
// name source packages.
type Manifest struct{}

func (Manifest) Name() string { return "chisel" }

func (Manifest) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "var/lib/chisel/manifest.wall", MaxSize: maxManifest}}
}

// A line is one line; which fields it has depends on its kind.
type line struct {
	Kind, Name, Version, Arch string
	JSONWall                  string
}

// Read returns the packages, and says which lines are damaged.
func (Manifest) Read(ctx context.Context, f *assay.File) (facts assay.Facts, _ error) {
	r, _, err := compression.Reader(f.Reader())
	if err != nil {
		return facts, err
	}
	defer r.Close()
	lines := bufio.NewScanner(limit.Reader(r, maxText))
	lines.Buffer(nil, maxLine)
	var errs stanza.Errors
	for n := 1; lines.Scan() && ctx.Err() == nil; n++ {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			errs.Add(fmt.Errorf("line %d: %w: %w", n, err, assay.ErrMalformed))
			continue
		}
		if n == 1 && l.JSONWall != "1.0" {
			return facts, fmt.Errorf("version %.20q of the format: %w", l.JSONWall, assay.ErrUnsupported)
		}
		if l.Kind != "package" {
			continue
		}
		if l.Name == "" || l.Version == "" || strings.ContainsAny(l.Name+l.Version, " \t\n") {
			errs.Add(fmt.Errorf("line %d: %.100q has no name or version: %w", n, l.Name, assay.ErrMalformed))
			continue
		}
		facts.Packages = append(facts.Packages, assay.Package{Type: assay.TypeDeb, Name: l.Name, Version: l.Version, Arch: l.Arch})
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		errs.Add(fmt.Errorf("a line exceeds %d bytes: %w", maxLine, assay.ErrTooLarge))
	} else if err != nil && err != io.EOF {
		errs.Add(err)
	}
	if len(facts.Packages) == 0 {
		errs.Add(fmt.Errorf("no package: %w", assay.ErrMalformed))
	}
	return facts, errs.Err()
}

// Package tool reads what tells of the packages of Tool, a made-up manager.
package tool

import (
	"context"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

const maxLock = 4 << 20 // a lock file has some kilobytes

// Lock reads tool.lock: a line a package, "name version".
type Lock struct{}

func (Lock) Name() string { return "tool-lock" }

func (Lock) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/tool.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Lock) Read(_ context.Context, f *assay.File) (facts assay.Facts, err error) {
	b, err := limit.ReadAll(f.Reader(), maxLock)
	for line := range strings.Lines(string(b)) {
		name, version, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || name == "" {
			return facts, fmt.Errorf("%.80q is no package: %w", line, assay.ErrMalformed)
		}
		facts.Packages = append(facts.Packages, assay.Package{Type: assay.TypeConan, Name: name, Version: version})
	}
	return facts, err
}

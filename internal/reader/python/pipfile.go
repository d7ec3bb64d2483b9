package python

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/limit"
)

// Pipfile reads Pipfile.lock. What the project asks for comes from Pipfile
// beside it.
//
// Format: https://pipenv.pypa.io/en/stable/pipfile.html
type Pipfile struct{}

func (Pipfile) Name() string { return "pipfile-lock" }

func (Pipfile) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/Pipfile.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Pipfile) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxLock)
	if err != nil {
		return assay.Facts{}, err
	}
	var groups map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text(b)), &groups); err != nil {
		return assay.Facts{}, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	l := newList(assay.TypePyPI)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(groups)), func(n string) bool { return n == "_meta" || n == "develop" })
	for _, name := range names {
		l.pipfileGroup(name, groups[name], false)
	}
	l.pipfileGroup("develop", groups["develop"], true)
	if err := l.pipfile(f); err != nil {
		l.errs.Add(err)
	}
	return l.facts()
}

// pipfileGroup reads "default", "develop" or a group of the project's own.
func (l *list) pipfileGroup(name string, raw json.RawMessage, dev bool) {
	var entries map[string]json.RawMessage
	if raw == nil {
		return
	}
	if err := json.Unmarshal(raw, &entries); err != nil {
		l.errs.Add(fmt.Errorf("%s: %w: %w", name, err, assay.ErrMalformed))
		return
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		var e struct {
			Version string `json:"version"`
			Path    string `json:"path"`
			File    string `json:"file"`
		}
		if err := json.Unmarshal(entries[name], &e); err != nil {
			if json.Unmarshal(entries[name], &e.Version) != nil { // pipenv before 2018: "name": "==1.0"
				l.errs.Add(fmt.Errorf("%s: %w: %w", name, err, assay.ErrMalformed))
				continue
			}
		}
		version := strings.TrimSpace(strings.TrimLeft(e.Version, "="))
		if version == "" {
			_, version, _ = artifact(e.File, name)
		}
		if version == "" && e.Path != "" && !strings.HasSuffix(e.Path, ".whl") {
			continue // a folder of the project
		}
		if version == "*" {
			version = ""
		}
		known := len(l.ps)
		if i := l.add(name, version); i == known {
			l.ps[i].Dev = dev
		}
	}
}

// pipfile marks what Pipfile asks for.
func (l *list) pipfile(f *assay.File) error {
	b, err := f.Beside("Pipfile", maxProject)
	if errors.Is(err, assay.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	var doc map[string]any
	if err := unmarshal(b, &doc); err != nil {
		return fmt.Errorf("Pipfile: %w", err)
	}
	var direct []wish
	for name, v := range doc {
		if t, ok := v.(map[string]any); ok && name != "requires" && name != "scripts" && name != "pipenv" {
			for name := range t {
				direct = append(direct, wish{name: name})
			}
		}
	}
	l.mark(direct, nil)
	return nil
}

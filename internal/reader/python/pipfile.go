package python

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
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
	if err := listing.JSON([]byte(text(b)), &groups); err != nil {
		return assay.Facts{}, err
	}
	l := newList(assay.TypePyPI)
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(groups)), func(n string) bool { return n == "_meta" || n == "develop" })
	for _, name := range names {
		l.pipfileGroup(name, groups[name], false)
	}
	l.pipfileGroup("develop", groups["develop"], true)
	l.Error(l.pipfile(f))
	return l.Facts()
}

// pipfileGroup reads "default", "develop" or a group of the project's own.
func (l *list) pipfileGroup(name string, raw json.RawMessage, dev bool) {
	var entries map[string]json.RawMessage
	if raw == nil {
		return
	}
	if err := json.Unmarshal(raw, &entries); err != nil {
		l.Malformed("%s: %v", name, err)
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
				l.Malformed("%s: %v", name, err)
				continue
			}
		}
		version := strings.TrimSpace(strings.TrimLeft(e.Version, "="))
		if version == "" {
			_, version, _ = artifact(e.File, name)
		}
		if version == "" && e.Path != "" && !strings.HasSuffix(e.Path, ".whl") {
			continue // a directory of the project
		}
		if version == "*" {
			version = ""
		}
		known := len(l.Packages)
		if i := l.Add(name, version); i == known {
			l.Packages[i].Dev = dev
		}
	}
}

// pipfile marks what Pipfile asks for.
func (l *list) pipfile(f *assay.File) error {
	var doc map[string]any
	found, err := listing.Sibling(f, "Pipfile", maxProject, tomldoc.Unmarshal, &doc)
	if !found || err != nil {
		return err
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

package php

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Project reads composer.json of a project that has no lock file; those that packages
// bring count for nobody.
//
// Format: https://getcomposer.org/doc/04-schema.md#package-links
type Project struct{}

func (Project) Name() string { return "composer-project" }

func (Project) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/composer.json", Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize}}
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if strings.Contains("/"+f.Path, "/vendor/") {
		return assay.Facts{}, nil
	}
	return manifest.Kind{Type: assay.TypeComposer, Locks: []string{"composer.lock"}, Ask: ask}.Read(f)
}

// exactly is a requirement that one version meets.
// https://getcomposer.org/doc/articles/versions.md#exact-version-constraint
var exactly = regexp.MustCompile(`^\s*={0,2}\s*(v?\d+(?:\.\d+){0,3}(?:-?(?:alpha|beta|RC|rc|patch|pl|p|a|b)[.-]?\d*)?)\s*$`)

func ask(p *manifest.Project) error {
	var m struct {
		Require json.RawMessage `json:"require"`
		Dev     json.RawMessage `json:"require-dev"`
	}
	if err := listing.DecodeBytes([]byte(p.Text), json.Unmarshal, &m); err != nil {
		return err
	}
	for _, set := range []struct {
		of  json.RawMessage
		dev bool
	}{{m.Require, false}, {m.Dev, true}} {
		var table map[string]any // PHP writes an empty one as a list
		if json.Unmarshal(set.of, &table) != nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(table)) {
			if !strings.Contains(name, "/") {
				continue // PHP itself, its extensions
			}
			version := ""
			text, _ := table[name].(string)
			if e := exactly.FindStringSubmatch(text); e != nil {
				version = e[1]
			}
			p.Ask(strings.ToLower(name), version, set.dev)
		}
	}
	return nil
}

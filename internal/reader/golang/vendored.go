package golang

import (
	"context"
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/encoding/tomldoc"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Vendored reads vendor/modules.txt, in which Go lists the modules that it copied into
// a project. Where go.mod lies above it with a list of all, as since Go 1.17, that
// tells.
//
// Format: https://go.dev/ref/mod#vendoring
type Vendored struct{}

func (Vendored) Name() string { return "go-vendor" }

func (Vendored) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/vendor/modules.txt", Scope: assay.ScopeDeclared, MaxSize: maxSum}}
}

// newGo is the directive of Go 1.17 and later.
var newGo = regexp.MustCompile(`(?m)^go\s+(?:1\.(?:1[7-9]|[2-9]\d)|[2-9])`)

func (Vendored) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if b, err := f.Sibling("../go.mod", maxSum); err == nil && newGo.Match(b) {
		return assay.Facts{}, nil
	}
	l := vendorList{listing.New(assay.TypeGo)}
	at := -1
	for line, err := range stanza.Lines(limit.Reader(f.Reader(), maxSum)) {
		if err != nil {
			l.Error(err)
			break
		}
		words := strings.Fields(line.Text)
		switch {
		case len(words) > 1 && words[0] == "##" && strings.TrimSuffix(words[1], ";") == "explicit" && at >= 0:
			l.Packages[at].Relation = assay.RelationDirect
		case len(words) > 2 && words[0] == "#":
			at = l.module(words[1:])
		}
	}
	return l.Facts()
}

type vendorList struct{ *listing.List }

// module adds what a line names, "path version", perhaps with "=> path version" behind,
// which is what was copied; -1 for a directory.
func (l vendorList) module(words []string) int {
	if i := slices.Index(words, "=>"); i >= 0 {
		words = words[i+1:]
	}
	if len(words) != 2 {
		return -1
	}
	return l.Add(words[0], words[1])
}

// Old reads the lock files of the package managers before modules: dep, Glide and
// Godep. What has a commit only is a gap. Where go.mod lies beside, that tells.
//
// Format: https://golang.github.io/dep/docs/Gopkg.lock.html,
// https://glide.readthedocs.io/en/latest/glide.yaml/, https://github.com/tools/godep
type Old struct{}

func (Old) Name() string { return "go-old-lock" }

func (Old) Wants() (ps []assay.Pattern) {
	for _, name := range []string{"Gopkg.lock", "glide.lock", "Godeps/Godeps.json"} {
		ps = append(ps, assay.Pattern{Glob: "**/" + name, Scope: assay.ScopeDeclared, MaxSize: maxSum})
	}
	return ps
}

// tagged is a version, perhaps with what git says of commits after it.
var tagged = regexp.MustCompile(`^v?\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?$`)

func (Old) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	above := "go.mod"
	if path.Base(f.Path) == "Godeps.json" {
		above = "../go.mod"
	}
	if manifest.Exists(f, above) {
		return assay.Facts{}, nil
	}
	l := listing.New(assay.TypeGo)
	add := func(name, version string) {
		if !tagged.MatchString(version) {
			version = ""
		} else if version[0] != 'v' {
			version = "v" + version
		}
		l.Add(name, version)
	}
	switch path.Base(f.Path) {
	case "Gopkg.lock":
		var doc struct {
			Projects []struct {
				Name    string `toml:"name"`
				Version string `toml:"version"`
			} `toml:"projects"`
		}
		l.Error(listing.Decode(f, maxSum, tomldoc.Unmarshal, &doc))
		for _, p := range doc.Projects {
			add(p.Name, p.Version)
		}
	case "glide.lock":
		var doc struct {
			Imports []struct {
				Name    string `yaml:"name"`
				Version string `yaml:"version"`
			} `yaml:"imports"`
		}
		l.Error(listing.Decode(f, maxSum, yamldoc.Unmarshal, &doc))
		for _, p := range doc.Imports {
			add(p.Name, p.Version)
		}
	default:
		var doc struct {
			Deps []struct{ ImportPath, Comment string }
		}
		l.Error(listing.Decode(f, maxSum, json.Unmarshal, &doc))
		for _, p := range doc.Deps {
			add(p.ImportPath, p.Comment)
		}
	}
	return l.Facts()
}

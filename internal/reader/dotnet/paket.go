package dotnet

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

// Paket reads paket.lock: the packages of its NUGET sections. Files of repositories
// have commits, which are no versions.
//
// Format: https://fsprojects.github.io/Paket/lock-file.html
type Paket struct{}

func (Paket) Name() string { return "paket-lock" }

func (Paket) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/paket.lock", Scope: assay.ScopeDeclared, MaxSize: maxJSON}}
}

// paketEntry is a package, or what the one above it needs: "Name (1.0)", "Name (>= 1.0)".
var paketEntry = regexp.MustCompile(`^( +)([A-Za-z0-9_][\w.-]*)(?: \(([^)]*)\))?`)

func (Paket) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeNuGet)
	section, files, at, depth := "", 0, -1, 0
	needs := map[int][]string{}
	for line, err := range stanza.Lines(limit.Reader(f.Reader(), maxJSON)) {
		if err != nil {
			l.Error(err)
			break
		}
		text := strings.TrimRight(strings.TrimPrefix(line.Text, "\ufeff"), " \r")
		if text != "" && text[0] != ' ' {
			section, _, _ = strings.Cut(text, " ")
			depth, at = 0, -1
			continue
		}
		m := paketEntry.FindStringSubmatch(text)
		if m == nil || strings.HasPrefix(strings.TrimSpace(text), "remote:") || strings.HasPrefix(strings.TrimSpace(text), "specs:") {
			continue
		}
		if section != "NUGET" {
			files++
			continue
		}
		if depth == 0 {
			depth = len(m[1])
		}
		if len(m[1]) <= depth {
			version, _, _ := strings.Cut(m[3], " ")
			at = l.Add(m[2], version)
		} else if at >= 0 {
			needs[at] = append(needs[at], strings.ToLower(m[2]))
		}
	}
	if files > 0 {
		l.NoVersion("files of repositories (GITHUB, GIT, HTTP)")
	}
	of := l.Names(strings.ToLower)
	for i, names := range needs {
		for _, name := range names {
			l.Need(i, of[name]...)
		}
	}
	return l.Facts()
}

// PaketProject reads paket.dependencies that has no lock file.
//
// Format: https://fsprojects.github.io/Paket/dependencies-file.html
type PaketProject struct{}

func (PaketProject) Name() string { return "paket-dependencies" }

func (PaketProject) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/paket.dependencies", Scope: assay.ScopeDeclared, MaxSize: manifest.MaxSize}}
}

var paketNeeds = regexp.MustCompile(`^\s*(nuget|clitool|github|gist|git|http)\s+(\S+)(?:\s+(?:==?\s*)?(\d[\w.-]*))?`)

func (PaketProject) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return manifest.Kind{Type: assay.TypeNuGet, Locks: []string{"paket.lock"}, Ask: func(p *manifest.Project) error {
		for _, line := range manifest.Lines(p.Text, "//", "#") {
			if m := paketNeeds.FindStringSubmatch(line); m != nil {
				if m[1] != "nuget" && m[1] != "clitool" {
					m[3] = ""
				}
				p.Ask(m[2], m[3], m[1] == "clitool")
			}
		}
		return nil
	}}.Read(f)
}

// Assets reads project.assets.json, in which NuGet notes what it restored for a
// project. Where a lock file lies beside the project, that tells.
//
// Format: https://learn.microsoft.com/nuget/concepts/package-installation-process
type Assets struct{}

func (Assets) Name() string { return "nuget-assets" }

func (Assets) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/project.assets.json", Scope: assay.ScopeDeclared, MaxSize: maxJSON}}
}

func (Assets) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if manifest.Exists(f, "../packages.lock.json") {
		return assay.Facts{}, nil
	}
	type library struct {
		Type         string            `json:"type"`
		Dependencies map[string]string `json:"dependencies"`
	}
	var doc struct {
		Targets   map[string]map[string]library `json:"targets"`
		Libraries map[string]library            `json:"libraries"`
		Project   struct {
			Frameworks map[string]struct {
				Dependencies map[string]json.RawMessage `json:"dependencies"`
			} `json:"frameworks"`
		} `json:"project"`
	}
	l := listing.New(assay.TypeNuGet)
	l.Error(listing.Decode(f, maxJSON, json.Unmarshal, &doc))
	for _, key := range slices.Sorted(maps.Keys(doc.Libraries)) {
		if name, version, ok := strings.Cut(key, "/"); ok && doc.Libraries[key].Type == "package" {
			l.Add(name, version)
		}
	}
	of := l.Names(strings.ToLower)
	for _, target := range doc.Targets {
		for key, lib := range target {
			name, version, _ := strings.Cut(key, "/")
			for need := range lib.Dependencies {
				l.Need(l.Find(name, version), of[strings.ToLower(need)]...)
			}
		}
	}
	var direct []int
	for _, framework := range doc.Project.Frameworks {
		for name := range framework.Dependencies {
			direct = append(direct, of[strings.ToLower(name)]...)
		}
	}
	if len(direct) > 0 {
		l.Mark(direct, nil)
	}
	return l.Facts()
}

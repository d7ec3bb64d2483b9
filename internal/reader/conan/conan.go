// Package conan reads the packages of Conan, a package manager for C and C++: lock
// files, conanfile.txt, and the metadata of installed packages.
package conan

import (
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

const (
	maxLock = 64 << 20 // version 1 repeats all options for each package: 10 MB for some hundred
	maxFile = 4 << 20  // conanfile.txt is written by hand; conaninfo.txt is a package's
)

// reference cuts "name/version@user/channel#revision%time:package". A version
// that is a range, "[>=1.0]", is none.
func reference(s string) (name, version string) {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "#")
	s, _, _ = strings.Cut(s, ":")
	s, _, _ = strings.Cut(s, "@")
	s, _, _ = strings.Cut(s, "%")
	name, version, _ = strings.Cut(s, "/")
	if strings.ContainsAny(version, "[]<>~^*, ") {
		version = ""
	}
	return strings.TrimSpace(name), strings.TrimSpace(version)
}

// Lock reads conan.lock: of Conan 1 a graph, of Conan 2 lists, which do not say
// what the project asks for. What is needed to build only counts as for
// development.
//
// Format: https://docs.conan.io/1/versioning/lockfiles/introduction.html,
// https://docs.conan.io/2/tutorial/versioning/lockfiles.html
type Lock struct{}

func (Lock) Name() string { return "conan-lock" }

func (Lock) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/conan.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

type node struct {
	Ref     string   `json:"ref"`
	Pref    string   `json:"pref"` // before version 0.3
	Path    string   `json:"path"` // of the project's own conanfile
	Context string   `json:"context"`
	Needs   []string `json:"requires"`
	Build   []string `json:"build_requires"`
}

func (Lock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Graph struct {
			Nodes map[string]node `json:"nodes"`
		} `json:"graph_lock"`
		Requires []string `json:"requires"`
		Build    []string `json:"build_requires"`
		Python   []string `json:"python_requires"`
		Config   []string `json:"config_requires"`
	}
	l := listing.New(assay.TypeConan)
	l.Error(listing.Decode(f, maxLock, json.Unmarshal, &doc))
	for n, refs := range [][]string{doc.Requires, doc.Build, doc.Python, doc.Config} {
		for _, r := range refs {
			name, version := reference(r)
			l.AddDev(name, version, n > 0)
		}
	}
	graph(l, doc.Graph.Nodes)
	return l.Facts()
}

// graph adds the nodes of Conan 1. The project is the node with a path, or the
// first where none has a reference of its own.
func graph(l *listing.List, nodes map[string]node) {
	ids := make([]string, 0, len(nodes))
	for id := range nodes {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { // as numbers
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	at := map[string]int{}
	var direct, dev []int
	for _, id := range ids {
		n := nodes[id]
		if n.Ref == "" {
			n.Ref = n.Pref
		}
		at[id] = -1
		if n.Ref == "" {
			continue
		}
		name, version := reference(n.Ref)
		if n.Path != "" && version == "" {
			continue // the project, which needs none
		}
		i := l.AddDev(name, version, n.Context == "build")
		at[id] = i
		if i >= 0 && n.Path != "" {
			l.Packages[i].Relation = assay.RelationRoot
		}
	}
	for _, id := range ids {
		n := nodes[id]
		for _, need := range n.Needs {
			if i, ok := at[need]; ok {
				l.Need(at[id], i)
				if at[id] < 0 || n.Path != "" {
					direct = append(direct, i)
				}
			}
		}
		for _, need := range n.Build {
			if i, ok := at[need]; ok && (at[id] < 0 || n.Path != "") {
				dev = append(dev, i)
			}
		}
	}
	if len(direct)+len(dev) > 0 {
		l.Mark(direct, dev)
	}
}

// File reads conanfile.txt. Ranges of versions are no versions.
//
// Format: https://docs.conan.io/2/reference/conanfile_txt.html
type File struct{}

func (File) Name() string { return "conanfile" }

func (File) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/conanfile.txt", Scope: assay.ScopeDeclared, MaxSize: maxFile}}
}

// sections calls visit with the lines of a file in sections.
func sections(f *assay.File, l *listing.List, visit func(section, line string)) {
	section := ""
	for line, err := range stanza.Lines(limit.Reader(f.Reader(), maxFile)) {
		if err != nil {
			l.Error(err)
			return
		}
		text, _, _ := strings.Cut(" "+strings.TrimPrefix(line.Text, "\ufeff"), " #") // a revision has no blank in front
		text = strings.TrimSpace(text)
		switch {
		case text == "":
		case text[0] == '[' && text[len(text)-1] == ']':
			section = text[1 : len(text)-1]
		default:
			visit(section, text)
		}
	}
}

func (File) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeConan)
	sections(f, l, func(section, line string) {
		switch section {
		case "requires", "build_requires", "tool_requires", "test_requires":
			name, version := reference(line)
			if i := l.AddDev(name, version, section != "requires"); i >= 0 {
				l.Packages[i].Relation = assay.RelationDirect
			}
		case "":
			l.Malformed("line before the first section: %.40q", line)
		}
	})
	facts, err := l.Facts()
	return facts, manifest.Kind{Locks: locks}.Unlocked(f, len(facts.Packages), err)
}

// Info reads conaninfo.txt of packages in Conan's cache. Of Conan 1 the path
// says which package it is, "data/name/version/user/channel/package/…", and the
// file what it needs; of Conan 2 neither does, but its needs with revisions.
//
// Format: https://docs.conan.io/1/reference/config_files/conaninfo.txt.html
type Info struct{}

func (Info) Name() string { return "conaninfo" }

func (Info) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/conaninfo.txt", Scope: assay.ScopeInstalled, MaxSize: maxFile}}
}

func (Info) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeConan)
	self := -1
	dir := strings.Split(path.Dir(f.Path), "/")
	if n := len(dir); n >= 6 && dir[n-2] == "package" {
		self = l.Add(dir[n-6], dir[n-5])
	}
	sections(f, l, func(section, line string) {
		// [requires] has versions in which what does not matter is a letter,
		// "1.2.Z", but where a revision is there it matters whole.
		if section == "full_requires" || section == "requires" && strings.Contains(line, "#") {
			name, version := reference(line)
			l.Need(self, l.Add(name, version))
		}
	})
	return l.Facts()
}

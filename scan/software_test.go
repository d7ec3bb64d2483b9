package scan_test

import (
	"context"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/scan"
)

// A software is what is really in an image's file system, by the tools of each
// kind of package: path, name and version.
type software struct {
	Npm    [][]string
	Python [][]string
	Gem    []string
	Jar    []struct {
		Path string
		Pom  [][]*string // group, artifact, version
	}
	Go map[string]*struct {
		Go   string
		Deps [][]string
	}
}

// installed reports whether a package.json is that of an installed package,
// rather than of something inside one.
func installed(file string) bool {
	up, name := path.Split(path.Dir(file))
	if up = path.Clean(up); strings.HasPrefix(path.Base(up), "@") {
		up, name = path.Split(up)
		up = path.Clean(up)
	}
	return name != "" && (path.Base(up) == "node_modules" || path.Base(up) == "nodejs")
}

// found lists packages of a type as "path name version".
func foundOf(r *assay.Report, kind string, keep func(*assay.Package) bool) (out []string) {
	for i := range r.Packages {
		if p := &r.Packages[i]; p.Type == kind && (keep == nil || keep(p)) {
			out = append(out, p.Path+" "+p.Name+" "+p.Version)
		}
	}
	slices.Sort(out)
	return out
}

// equal compares both ways: recall is whole, and nothing is made up.
func equal(t *testing.T, kind string, want, got []string) {
	t.Helper()
	slices.Sort(want)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-truth +found):\n%.4000s", kind, d)
	}
	t.Logf("%s: %d of %d found, %d more", kind, len(want), len(want), len(got)-len(want))
}

// TestSoftware compares what is found in images beside the system's packages
// with what is there.
func TestSoftware(t *testing.T) {
	for _, tt := range []struct {
		name    string
		large   bool           // CI does not build it
		owned   map[string]int // packages that the system's brought, by type
		generic []string       // bare binaries
		lists   map[string]int // packages of files that the truth does not list, by type
	}{
		{name: "httpd", generic: []string{"usr/local/apache2/bin/httpd httpd 2.4.68"}},
		{name: "python", owned: map[string]int{assay.TypePyPI: 47}},
		{name: "node", owned: map[string]int{assay.TypeNPM: 25}},
		{name: "java", owned: map[string]int{assay.TypeMaven: 208}},
		{name: "go"},
		{name: "polyglot", owned: map[string]int{assay.TypeGem: 139, assay.TypeNPM: 1}, lists: map[string]int{assay.TypeCargo: 74, assay.TypeComposer: 3}},
		{name: "big", large: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := corpus.Image
			if tt.large {
				file = corpus.LargeImage
			}
			var want software
			readJSON(t, file(t, tt.name+".truth.json"), &want)
			r, err := scan.Scan(context.Background(), scan.Request{ListOnly: true, Image: open(t, file(t, tt.name+".docker.tar"))})
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range r.Gaps {
				if !broken(g) {
					t.Errorf("gap %s", g)
				}
			}
			want.compare(t, r)
			equal(t, "bare binaries", tt.generic, foundOf(r, assay.TypeGeneric, nil))
			owned, lists := map[string]int{}, map[string]int{}
			for i := range r.Packages {
				p := &r.Packages[i]
				if p.Owner != "" {
					owned[p.Type]++
				}
				switch p.Type {
				case assay.TypeNPM, assay.TypePyPI, assay.TypeGem, assay.TypeMaven, assay.TypeGo, assay.TypeGeneric, assay.TypeDeb:
				default:
					lists[p.Type]++
				}
			}
			if tt.owned != nil {
				if d := cmp.Diff(tt.owned, owned); d != "" {
					t.Errorf("owned: %s", d)
				}
			}
			if len(tt.lists)+len(lists) > 0 {
				if d := cmp.Diff(tt.lists, lists); d != "" {
					t.Errorf("others: %s", d)
				}
			}
		})
	}
}

func (s *software) compare(t *testing.T, r *assay.Report) {
	t.Helper()
	var npm, python, gems, modules []string
	for _, p := range s.Npm {
		if file := strings.TrimPrefix(p[2], "/"); installed(file) {
			npm = append(npm, file+" "+p[0]+" "+p[1])
		}
	}
	equal(t, "npm", npm, foundOf(r, assay.TypeNPM, func(p *assay.Package) bool { return p.Relation != assay.RelationRoot }))
	for _, p := range s.Python {
		python = append(python, strings.TrimPrefix(p[2], "/")+" "+p[0]+" "+p[1])
	}
	equal(t, "python", python, foundOf(r, assay.TypePyPI, nil))
	for _, p := range s.Gem {
		gems = append(gems, strings.TrimPrefix(p, "/"))
	}
	got := foundOf(r, assay.TypeGem, nil)
	for i := range got {
		got[i], _, _ = strings.Cut(got[i], " ")
	}
	equal(t, "gem", gems, got)
	for file, b := range s.Go {
		if b != nil {
			for _, d := range b.Deps {
				modules = append(modules, strings.TrimPrefix(file, "/")+" "+d[0]+" "+d[1])
			}
			modules = append(modules, strings.TrimPrefix(file, "/")+" stdlib "+strings.TrimPrefix(b.Go, "go"))
		}
	}
	equal(t, "go", modules, foundOf(r, assay.TypeGo, func(p *assay.Package) bool { // the truth looks into folders called bin
		return p.Relation != assay.RelationRoot && p.Name != "toolchain" && strings.Contains(p.Path, "bin/")
	}))
	s.archives(t, r)
}

// archives holds that all coordinates that archives state are found, and that
// others are identified by their digest, too.
func (s *software) archives(t *testing.T, r *assay.Report) {
	t.Helper()
	want, got := map[string]bool{}, map[string]bool{}
	for _, j := range s.Jar {
		for _, p := range j.Pom {
			if p[0] != nil && p[1] != nil && p[2] != nil {
				want[*p[0]+":"+*p[1]+" "+*p[2]] = true
			}
		}
	}
	more := 0
	for i := range r.Packages {
		p := &r.Packages[i]
		if p.Type != assay.TypeMaven {
			continue
		}
		got[p.Name+" "+p.Version] = true
		if !want[p.Name+" "+p.Version] {
			more++
			if p.Digest == "" {
				t.Errorf("%s: %s %s is stated nowhere", p.Path, p.Name, p.Version)
			}
		}
	}
	for gav := range want {
		if !got[gav] {
			t.Errorf("java: %s is missing", gav)
		}
	}
	t.Logf("java: %d coordinates, all found; %d more, told by manifests and names", len(want), more)
}

package triage_test

import (
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

// TestVEXWays: what holds a package counts only where it does on every way from
// the target.
func TestVEXWays(t *testing.T) {
	const root, direct, workspace, indirect, untold = assay.RelationRoot, assay.RelationDirect, assay.RelationWorkspace, assay.RelationIndirect, assay.Relation("")
	lock := func(name string, relation assay.Relation, on ...string) assay.Package {
		return assay.Package{Type: assay.TypeNPM, Name: name, Version: "1", Path: "lock", PURL: "pkg:npm/" + name + "@1", Relation: relation, DependsOn: on}
	}
	installed := func(name string, on ...string) assay.Package {
		p := lock(name, untold, on...)
		p.Path = "app/node_modules/" + name + "/package.json"
		return p
	}
	inside := func(name string, p assay.Package) assay.Package {
		p.Path = strings.Replace(p.Path, "node_modules/", "node_modules/"+name+"/node_modules/", 1)
		return p
	}
	project := func(on ...string) assay.Package {
		p := lock("app", root, on...)
		p.Path = "app/package.json"
		return p
	}
	owned := func(p assay.Package) assay.Package { p.Owner = "pkg:deb/debian/tool@1"; return p }
	deb := func(name string, on ...string) assay.Package {
		return assay.Package{Type: assay.TypeDeb, Name: name, Version: "1", PURL: "pkg:deb/debian/" + name + "@1", DependsOn: on}
	}
	for _, tt := range []struct {
		name     string
		packages []assay.Package // of which "lib" has the finding
		says     string          // well with
		want     bool
	}{
		{"asked for, and needed", []assay.Package{lock("wrapper", direct, "lib@1"), lock("lib", direct)}, "pkg:npm/wrapper", false},
		{"of a workspace, and needed", []assay.Package{lock("wrapper", direct, "lib@1"), lock("lib", workspace)}, "pkg:npm/wrapper", false},
		{"needed alone", []assay.Package{lock("wrapper", direct, "lib@1"), lock("lib", indirect)}, "pkg:npm/wrapper", true},
		{"a root that another needs", []assay.Package{lock("wrapper", root, "lib@1"), lock("lib", root)}, "pkg:npm/wrapper", true},
		{"no root, nothing told", []assay.Package{lock("wrapper", untold, "lib@1"), lock("lib", untold)}, "pkg:npm/wrapper", false},
		{"no root, nothing told, by itself", []assay.Package{lock("wrapper", untold, "lib@1"), lock("lib", untold)}, "pkg:npm/lib", true},
		{"asked for by the root", []assay.Package{lock("app", root, "wrapper@1", "lib@1"), lock("wrapper", direct, "lib@1"), lock("lib", direct)}, "pkg:npm/wrapper", false},
		{"the root", []assay.Package{lock("app", root, "wrapper@1", "lib@1"), lock("wrapper", direct, "lib@1"), lock("lib", direct)}, "pkg:npm/app", true},
		{"asked for, which the root's edges leave out", []assay.Package{lock("app", root, "wrapper@1"), lock("wrapper", direct, "lib@1"), lock("lib", direct)}, "pkg:npm/app", false},
		{"installed, where any program finds it", []assay.Package{installed("wrapper", "lib"), installed("lib")}, "pkg:npm/wrapper", false},
		{"installed inside another", []assay.Package{installed("wrapper", "lib"), inside("wrapper", installed("lib"))}, "pkg:npm/wrapper", true},
		{"installed for a project that tells what it needs", []assay.Package{project("wrapper"), installed("wrapper", "lib"), installed("lib")}, "pkg:npm/wrapper", true},
		{"installed for a project that needs it, too", []assay.Package{project("wrapper", "lib"), installed("wrapper", "lib"), installed("lib")}, "pkg:npm/wrapper", false},
		{"installed for a project that is well", []assay.Package{project("wrapper"), installed("wrapper", "lib"), installed("lib")}, "pkg:npm/app", true},
		{"brought by the system", []assay.Package{deb("tool"), owned(lock("lib", direct))}, "pkg:deb/debian/tool", true},
		{"brought by the system, needed by another way", []assay.Package{deb("tool"), owned(lock("lib", direct)), lock("own", root, "lib@1")}, "pkg:deb/debian/tool", false},
		{"a library of the system", []assay.Package{deb("tool", "lib"), deb("lib")}, "pkg:deb/debian/tool", false},
		{"a library of the system, as a part", []assay.Package{deb("tool", "lib"), deb("lib")}, "pkg:deb/debian/tool pkg:deb/debian/lib", false},
	} {
		r := &assay.Report{Kind: assay.KindImage, Packages: tt.packages}
		for i := range tt.packages {
			if tt.packages[i].Name == "lib" {
				r.Findings = []assay.Finding{{ID: "CVE-2024-1", Package: i}}
			}
		}
		if got := suppressed(t, r, say("not_affected CVE-2024-1 "+tt.says)); (len(got) == 1) != tt.want {
			t.Errorf("%s: ruled out: %v", tt.name, got)
		}
	}
}

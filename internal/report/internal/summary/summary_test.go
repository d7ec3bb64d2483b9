package summary

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

func TestUpdates(t *testing.T) {
	tests := []struct {
		name  string
		kind  string // of the package
		os    string
		fixes []string
		want  []string
	}{
		{"numbers, not letters", assay.TypeDeb, "debian", []string{"1.0-9", "1.0-10", "1.0-2"}, []string{"1.0-10"}},
		{"the same twice", assay.TypeNPM, "", []string{"1.2.0", "1.2.0"}, []string{"1.2.0"}},
		{"a candidate is older", assay.TypeNPM, "", []string{"2.0.0", "2.0.0-rc1"}, []string{"2.0.0"}},
		{"a system that nobody knows", assay.TypeDeb, "nothing", []string{"1", "2", "1"}, []string{"1", "2"}},
		{"a type that nobody knows", "wood", "", []string{"1", "2"}, []string{"1", "2"}},
		{"no fix", assay.TypeNPM, "", []string{""}, nil},
	}
	for _, tt := range tests {
		r := &assay.Report{Release: assay.Release{ID: tt.os, Version: "12"}, Packages: []assay.Package{{Type: tt.kind, Name: "a", Version: "0"}}}
		for i, v := range tt.fixes {
			r.Findings = append(r.Findings, assay.Finding{ID: string(rune('a' + i)), FixedIn: v})
		}
		var got []string
		for _, u := range Updates(r, Groups(r, func(*assay.Package) bool { return true })) {
			if got = append(got, u.To...); u.Findings != len(tt.fixes) || len(u.Packages) != 1 {
				t.Errorf("%s: %+v", tt.name, u)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestSections(t *testing.T) {
	r := &assay.Report{Image: assay.ImageInfo{Base: &assay.BaseImage{Digest: "sha256:1", Layers: 1}},
		Packages: []assay.Package{{Type: assay.TypeDeb, Name: "a1", Source: "a"}, {Type: assay.TypeDeb, Name: "a2", Source: "a"}, {Type: assay.TypeNPM, Name: "b", Layer: assay.LayerRef{Index: 1}}},
		Findings: []assay.Finding{{ID: "1", Package: 0}, {ID: "1", Package: 1}, {ID: "1", Package: 2}, {ID: "2", Package: 1}}}
	var got []string
	for _, s := range Sections(r) {
		got = append(got, s.Title)
		for _, g := range s.Groups {
			got = append(got, g.ID+" "+g.Name(r))
		}
	}
	if diff := cmp.Diff([]string{"From your own layers", "1 b", "From the base image sha256:1", "1 a1 +1", "2 a2"}, got); diff != "" {
		t.Error(diff)
	}
}

package section

import (
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

func TestAll(t *testing.T) {
	names := map[string]bool{}
	for _, k := range All() {
		if names[k.Name] {
			t.Errorf("two kinds %s", k.Name)
		}
		names[k.Name] = true
		contract.SectionKind(t, k)
	}
	if !slices.Contains(All(), Files) {
		t.Error("the list has no files")
	}
}

func TestModeString(t *testing.T) {
	for _, tt := range []struct {
		file File
		want string
	}{
		{File{Type: "file", Mode: 0o644}, "-rw-r--r--"}, {File{Type: "directory", Mode: 0o1777}, "drwxrwxrwt"}, {File{Type: "file", Mode: 0o4755}, "-rwsr-xr-x"},
		{File{Type: "file", Mode: 0o2644}, "-rw-r-Sr--"}, {File{Type: "symlink", Mode: 0o777}, "lrwxrwxrwx"}, {File{Type: "hardlink"}, "h---------"}, {File{Change: Deleted}, ""},
	} {
		if got := tt.file.ModeString(); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.file, got, tt.want)
		}
	}
	if o := (&File{UID: 1, GID: 2}).Owner() + (&File{NoOwner: true}).Owner(); o != "1:2" {
		t.Error(o)
	}
}

// secret is a kind that has all that kinds may have.
type secret struct {
	Rule     string
	Severity assay.Severity
}

// TestFilterAndGate: by severity, path and layer; and what counts for the exit code.
func TestFilterAndGate(t *testing.T) {
	k := assay.NewSectionKind(assay.SectionKindOf[secret]{Name: "secrets", Title: "Secrets",
		Severity: func(s *secret) assay.Severity { return s.Severity },
		Gates:    func(s *secret) bool { return s.Severity >= assay.SeverityHigh }})
	s := assay.NewSection(k, slices.Values([]assay.Item{
		{Path: "a", Layer: 0, Value: &secret{"aws", assay.SeverityCritical}}, {Path: "b", Layer: 1, Value: &secret{"pem", assay.SeverityLow}}, {Path: "ab", Layer: 1, Value: &secret{"pem", assay.SeverityHigh}}}))
	for _, tt := range []struct {
		filter      assay.SectionFilter
		items, gate int
	}{
		{assay.SectionFilter{}, 3, 2},
		{assay.SectionFilter{Severities: []assay.Severity{assay.SeverityLow, assay.SeverityHigh}}, 2, 1},
		{assay.SectionFilter{Path: func(p string) bool { return strings.HasPrefix(p, "a") }}, 2, 2},
		{assay.SectionFilter{Layer: func(l int) bool { return l == 1 }, Path: func(p string) bool { return p == "b" }}, 1, 0},
	} {
		if f := s.Filter(tt.filter); f.Len() != tt.items || f.Gating() != tt.gate {
			t.Errorf("%+v: %d items, %d gate", tt.filter, f.Len(), f.Gating())
		}
	}
	r := &assay.Report{Sections: assay.Sections{"secrets": s, "unknown": {}}}
	for _, f := range []struct {
		format assay.Format
		want   string
	}{{assay.Format{}, "Secrets unknown"}, {assay.Format{AllSections: true}, ""}, {assay.Format{Sections: []string{"secrets"}}, "unknown"}} {
		if got := strings.Join(f.format.Unwritten(r), " "); got != f.want {
			t.Errorf("%+v: %q", f.format, got)
		}
	}
}

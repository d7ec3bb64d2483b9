package contract

import (
	"testing"

	"github.com/assaysec/assay"
	"github.com/google/go-cmp/cmp"
)

// A Project is a directory with a manifest, and what its reader reads of it.
type Project struct {
	Name  string
	Files map[string]string // by path; that at File is read
	File  string
	Want  string // packages as "name@version", with " dev" behind, a comma between them
	Gap   string // what the error says; "" for none
}

// Manifest holds that a reader of manifests reads projects as they say, with and
// without the lock files that lie beside, and the suite of readers.
func Manifest(t *testing.T, r assay.Reader, projects []Project) {
	t.Helper()
	samples := map[string]string{}
	for _, p := range projects {
		if samples[p.File] == "" || p.Want != "" {
			samples[p.File] = p.Files[p.File]
		}
		t.Run(p.Name, func(t *testing.T) {
			facts, errs := ReadFiles(t, r, p.Files)
			if _, ok := facts[p.File]; !ok {
				t.Fatalf("%s is not wanted", p.File)
			}
			got := ""
			for i, q := range facts[p.File].Packages {
				if i > 0 {
					got += ", "
				}
				got += q.Ref()
				if q.Dev {
					got += " dev"
				}
			}
			if d := cmp.Diff(p.Want, got); d != "" {
				t.Error(d)
			}
			Failed(t, errs[p.File], p.Gap)
		})
	}
	Reader(t, r, samples)
}

// FuzzManifest fuzzes a reader of manifests in the place of file.
func FuzzManifest(f *testing.F, r assay.Reader, file string, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		facts, _ := Read(t, r, file, content)
		if n := len(facts.Packages); n > len(content) {
			t.Errorf("%d packages in %d bytes", n, len(content))
		}
	})
}

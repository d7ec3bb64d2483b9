package alpm

import (
	"os"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

const desc = "%NAME%\ngcc-libs\n\n%VERSION%\n1:14.1.1-1\n\n%BASE%\ngcc\n\n%ARCH%\nx86_64\n\n%LICENSE%\nGPL\nLGPL\n\n%DEPENDS%\nglibc>=2.27\nlibx.so=1-64\n\n"

func TestDesc(t *testing.T) {
	facts, err := contract.Read(t, Reader{}, "var/lib/pacman/local/gcc-libs-14.1.1-1/desc", desc)
	want := assay.Facts{Packages: []assay.Package{{Type: "alpm", Name: "gcc-libs", Version: "1:14.1.1-1", Source: "gcc", Arch: "x86_64", Licences: []string{"GPL", "LGPL"}, DependsOn: []string{"glibc", "libx.so"}}}}
	if d := cmp.Diff(want, facts); d != "" || err != nil {
		t.Error(err, d)
	}
}

func TestFiles(t *testing.T) {
	facts, err := contract.Read(t, Reader{}, "var/lib/pacman/local/gcc-libs-14.1.1-1/files", "%FILES%\nusr/\nusr/lib/\nusr/lib/libgcc_s.so\n\n%BACKUP%\netc/x\t0\n")
	want := assay.Facts{Owns: []assay.Ownership{{Type: "alpm", Owner: "gcc-libs", Paths: "usr/lib/libgcc_s.so\n"}}}
	if d := cmp.Diff(want, facts); d != "" || err != nil {
		t.Error(err, d)
	}
}

func TestConformance(t *testing.T) {
	for _, tt := range []struct {
		dir, want string
		fails     bool
	}{
		{"installed/var/lib/pacman/local/emacs-29.3-3", "emacs 29.3-3", false},
		{"installed/var/lib/pacman/local/fuzzy-1.2-3", "fuzzy 1.2-3", false},
		{"installed/var/lib/pacman/local/gmp-6.2.1-2", "gmp 6.2.1-2", false},
		{"installed/var/lib/pacman/local/madeup-20.30-4", "madeup 20.30-4", false},
		{"installed/var/lib/pacman/local/tree-sitter-0.22.6-1", "tree-sitter 0.22.6-1", false},
		{"installed/var/lib/pacman/local/corrupt-0.2.1-3", "", true},
		{"glob-paths/var/lib/pacman/local/base-1.0", "", true},
	} {
		t.Run(tt.dir, func(t *testing.T) {
			b, err := os.ReadFile(corpus.Path(t, "conformance/syft/arch/"+tt.dir+"/desc"))
			if err != nil {
				t.Fatal(err)
			}
			facts, err := contract.Read(t, Reader{}, tt.dir+"/desc", string(b))
			got := ""
			for _, p := range facts.Packages {
				got += p.Name + " " + p.Version
			}
			if got != tt.want || (err != nil) != tt.fails {
				t.Errorf("%q, want %q; %v", got, tt.want, err)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Reader{}, map[string]string{"var/lib/pacman/local/a-1-1/desc": desc})
}

func FuzzRead(f *testing.F) {
	f.Add("a/desc", desc)
	f.Add("a-1-1/files", "%FILES%\na\n")
	f.Fuzz(func(t *testing.T, path, content string) { contract.Read(t, Reader{}, path, content) })
}

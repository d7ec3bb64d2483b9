package apk

import (
	"os"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

const installed = `C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
L:MIT
o:musl
m:Someone <s@example.org>
D:so:libc.musl-x86_64.so.1 busybox>=1.2 !conflict
F:lib
R:ld-musl-x86_64.so.1
Z:Q1x=
F:
R:top

P:libcrypto3
V:3.1.4-r5
o:openssl
`

func TestInstalled(t *testing.T) {
	facts, err := contract.Read(t, Reader{}, "lib/apk/db/installed", installed)
	if err != nil {
		t.Fatal(err)
	}
	want := assay.Facts{
		Packages: []assay.Package{
			{Type: "apk", Name: "musl", Version: "1.2.5-r0", Arch: "x86_64", Source: "musl", Vendor: "Someone <s@example.org>", Licences: []string{"MIT"}, DependsOn: []string{"so:libc.musl-x86_64.so.1", "busybox"}},
			{Type: "apk", Name: "libcrypto3", Version: "3.1.4-r5", Source: "openssl"},
		},
		Owns: []assay.Ownership{{Type: "apk", Owner: "musl", Paths: "lib/ld-musl-x86_64.so.1\ntop\n"}},
	}
	if d := cmp.Diff(want, facts); d != "" {
		t.Error(d)
	}
}

func TestMalformed(t *testing.T) {
	in := "P:ok\nV:1.0-r0\n\nP:nover\n\nV:1\n\nP:\nV:\n\nZ:" + strings.Repeat("z", 2<<20) + "\n\nrubbish\n\nP:last\nV:2-r1"
	facts, err := contract.Read(t, Reader{}, "lib/apk/db/installed", in)
	if len(facts.Packages) != 2 || facts.Packages[0].Name != "ok" || facts.Packages[1].Name != "last" {
		t.Errorf("packages %+v", facts.Packages)
	}
	for _, want := range []string{`line 4: package "nover" has no version`, "line 6: package without a name", "line 11: stanza", "line 13: invalid field"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestConformance(t *testing.T) {
	for _, tt := range []struct {
		file     string
		packages int
		fails    bool
	}{
		{"base", 1, false}, {"single", 1, false}, {"empty-deps-and-provides", 1, false}, {"extra-file-attributes", 1, false},
		{"multiple-1/lib/apk/db/installed", 4, false}, {"multiple-2/lib/apk/db/installed", 14, false},
		{"corrupt/lib/apk/db/installed", 1, true}, {"glob-paths/lib/apk/db/installed", 0, true},
	} {
		t.Run(tt.file, func(t *testing.T) {
			b, err := os.ReadFile(corpus.Path(t, "conformance/syft/alpine/"+tt.file))
			if err != nil {
				t.Fatal(err)
			}
			facts, err := contract.Read(t, Reader{}, "lib/apk/db/installed", string(b))
			if len(facts.Packages) != tt.packages || (err != nil) != tt.fails {
				t.Errorf("%d packages, want %d; error %v", len(facts.Packages), tt.packages, err)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Reader{}, map[string]string{"lib/apk/db/installed": installed})
}

func FuzzRead(f *testing.F) {
	f.Add(installed)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Reader{}, "lib/apk/db/installed", content) })
}

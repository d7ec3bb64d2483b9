package portage

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

func TestInstalled(t *testing.T) {
	for dir, want := range map[string]string{
		"dev-libs/openssl-3.0.8":                "dev-libs/openssl@3.0.8",
		"sys-libs/zlib-1.2.13-r1":               "sys-libs/zlib@1.2.13-r1",
		"x11-libs/gtk+-2.24.33":                 "x11-libs/gtk+@2.24.33",
		"media-fonts/font-adobe-100dpi-1.0.4":   "media-fonts/font-adobe-100dpi@1.0.4",
		"sys-devel/gcc-12.2.1_p20230428-r1":     "sys-devel/gcc@12.2.1_p20230428-r1",
		"app-misc/a-1-2b_alpha1_rc":             "app-misc/a-1@2b_alpha1_rc",
		"virtual/libc-1":                        "virtual/libc@1",
		"dev-lang/-MERGING-python-3.11.0":       "",
		"dev-lang/live-9999":                    "dev-lang/live@9999",
		"dev-perl/XML-Parser-2.460.0-r2":        "dev-perl/XML-Parser@2.460.0-r2",
		"x11-themes/hicolor-icon-theme-0.17_p2": "x11-themes/hicolor-icon-theme@0.17_p2",
	} {
		facts, err := contract.Read(t, Installed{}, "var/db/pkg/"+dir+"/CONTENTS", "dir /usr\n")
		got := ""
		for _, p := range facts.Packages {
			got = p.Ref()
		}
		if got != want || err != nil {
			t.Errorf("%s: %s, %v", dir, got, err)
		}
	}
}

func TestConformance(t *testing.T) {
	facts, errs := contract.ReadDir(t, Installed{}, corpus.Path(t, "conformance/syft/gentoo/layout"))
	file := "var/db/pkg/app-containers/skopeo-1.5.1/CONTENTS"
	want := []assay.Package{{Type: "ebuild", Name: "app-containers/skopeo", Version: "1.5.1", Licences: []string{"Apache-2.0", "BSD", "BSD-2", "CC-BY-SA-4.0", "ISC", "MIT"}}}
	if d := cmp.Diff(want, facts[file].Packages); d != "" || errs[file] != nil {
		t.Error(d, errs)
	}
	_, errs = contract.ReadDir(t, Installed{}, corpus.Path(t, "conformance/syft/gentoo/glob-paths"))
	if err := errs["var/db/pkg/x/y/CONTENTS"]; !errors.Is(err, assay.ErrMalformed) {
		t.Error(errs)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Installed{}, map[string]string{"var/db/pkg/a/b-1/CONTENTS": "", "mnt/var/db/pkg/a/b-1/CONTENTS": "dir /usr"})
}

func FuzzInstalled(f *testing.F) {
	f.Add("openssl-3.0.8")
	f.Fuzz(func(t *testing.T, dir string) {
		contract.Read(t, Installed{}, "var/db/pkg/a/"+dir+"/CONTENTS", "")
	})
}

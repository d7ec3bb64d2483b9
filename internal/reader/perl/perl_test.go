package perl

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const (
	snapshot = `# carton snapshot format: version 1.0
DISTRIBUTIONS
  Carp-Clan-6.04
    pathname: S/ST/STBEY/Carp-Clan-6.04.tar.gz
    provides:
      Carp::Clan 6.04
    requirements:
      ExtUtils::MakeMaker 0
      Sub::Uplevel 0
  Sub-Uplevel-v0.2800.1-TRIAL
    pathname: D/DA/X.tar.gz
    provides:
      Sub::Uplevel 0.2800
    requirements:
      perl 5.006
`
	install = `{"name": "Carp::Clan", "version": "6.04", "dist": "Carp-Clan-6.04", "pathname": "S/ST/STBEY/Carp-Clan-6.04.tar.gz", "provides": {"Carp::Clan": {"version": "6.04"}}, "target": "Carp::Clan"}`
	local   = `=head2 Fri Nov 24 03:00:00 2023: C<Module> L<Carp::Clan|Carp::Clan>

=over 4

=item *

C<installed into: /usr/local/share/perl/5.36.0>

=item *

C<VERSION: 6.04>

=back

=head2 Fri Nov 24 03:10:00 2023: C<Module> L<Carp::Clan|Carp::Clan>

C<VERSION: 6.08>

=head2 Fri Nov 24 03:20:00 2023: C<Module> L<Bare|Bare>
`
)

func cpan(name, version string, needs ...string) assay.Package {
	return assay.Package{Type: "cpan", Name: name, Version: version, DependsOn: needs}
}

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name string
		r    assay.Reader
		in   string
		want []assay.Package
		err  error
	}{
		{"snapshot", Snapshot{}, snapshot, []assay.Package{cpan("Carp-Clan", "6.04", "Sub-Uplevel@v0.2800.1-TRIAL"), cpan("Sub-Uplevel", "v0.2800.1-TRIAL")}, nil},
		{"bogus snapshot", Snapshot{}, "bogus", nil, assay.ErrMalformed},
		{"cpanm", Minus{}, install, []assay.Package{cpan("Carp-Clan", "6.04")}, nil},
		{"cpanm without dist", Minus{}, `{"name": "A::B", "version": 1.5}`, []assay.Package{cpan("A-B", "1.5")}, nil},
		{"cpanm without version", Minus{}, `{"name": "A::B", "version": null}`, nil, assay.ErrUnsupported},
		{"bogus cpanm", Minus{}, "bogus", nil, assay.ErrMalformed},
		{"perllocal", Local{}, local, []assay.Package{cpan("Carp-Clan", "6.08")}, assay.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, tt.r, "x", tt.in)
			if d := cmp.Diff(tt.want, facts.Packages); d != "" || !errors.Is(err, tt.err) {
				t.Error(d, err)
			}
		})
	}
}

func TestLicence(t *testing.T) {
	dir := t.TempDir()
	meta := filepath.Join(dir, ".meta", "Carp-Clan-6.04")
	if err := os.MkdirAll(meta, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{"install.json": install, "MYMETA.json": `{"license": ["perl_5"]}`} {
		if err := os.WriteFile(filepath.Join(meta, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	facts, errs := contract.ReadDir(t, Minus{}, dir)
	if got := facts[".meta/Carp-Clan-6.04/install.json"].Packages; len(got) != 1 || len(got[0].Licences) != 1 || got[0].Licences[0] != "perl_5" {
		t.Error(got, errs)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Snapshot{}, map[string]string{"cpanfile.snapshot": snapshot})
	contract.Reader(t, Minus{}, map[string]string{".meta/a/install.json": install})
	contract.Reader(t, Local{}, map[string]string{"perllocal.pod": local})
}

func FuzzSnapshot(f *testing.F) {
	f.Add(snapshot)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Snapshot{}, "cpanfile.snapshot", content) })
}

func FuzzMinus(f *testing.F) {
	f.Add(install)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Minus{}, ".meta/a/install.json", content) })
}

func FuzzLocal(f *testing.F) {
	f.Add(local)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Local{}, "perllocal.pod", content) })
}

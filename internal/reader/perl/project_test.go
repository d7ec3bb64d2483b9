package perl

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestProject(t *testing.T) {
	const cpanfile = "requires 'perl', '5.10';\nrequires 'A::B', '== 5.0';\nrequires \"C\" => \">= 1, < 2\"; # requires 'no'\nrequires 'D';\non 'test' => sub {\n  requires 'E', '== 1.0';\n};\nrequires('F', '== 2');\n"
	contract.Manifest(t, Project{}, []contract.Project{
		{Name: "no lock", File: "cpanfile", Files: map[string]string{"cpanfile": cpanfile}, Want: "A-B@5.0, E@1.0 dev, F@2", Gap: "no lock file: 2 of 5 requirements allow several versions: C, D"},
		{Name: "lock", File: "cpanfile", Files: map[string]string{"cpanfile": cpanfile, "cpanfile.snapshot": "# carton"}},
		{Name: "Makefile.PL", File: "Makefile.PL", Files: map[string]string{"Makefile.PL": "WriteMakefile(PREREQ_PM => { A => 1 });"}, Gap: "computes what it asks for"},
		{Name: "Makefile.PL beside a cpanfile", File: "Makefile.PL", Files: map[string]string{"Makefile.PL": "WriteMakefile(PREREQ_PM => { A => 1 });", "cpanfile": cpanfile}},
	})
}

func FuzzProject(f *testing.F) {
	contract.FuzzManifest(f, Project{}, "cpanfile", "requires 'A::B', '== 5.0';\n")
}

package plan_test

import (
	"context"
	"encoding/json"
	"io"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/plan"
	reports "github.com/assaysec/assay/internal/report"
)

// FuzzSaved: whatever a saved report says, it is refused or planned and compared
// without a panic, and it does not differ from itself.
func FuzzSaved(f *testing.F) {
	r := sample()
	own, err := json.Marshal(r)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(own)
	f.Add([]byte(`{"SchemaVersion":2,"ArtifactType":"container_image","Metadata":{"OS":{"Family":"debian","Name":"12"}},"Results":[{"Class":"os-pkgs","Type":"debian","Vulnerabilities":[{"VulnerabilityID":"CVE-1","PkgName":"x","InstalledVersion":"1","FixedVersion":"2","PkgIdentifier":{"PURL":"pkg:deb/debian/x@1?arch=amd64"}}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := reports.Read(b)
		if err != nil {
			return
		}
		if d := plan.Diff(r, r); len(d.Findings.Added)+len(d.Findings.Fixed)+len(d.Packages.Added)+len(d.Packages.Removed)+len(d.Packages.Changed) > 0 {
			t.Errorf("it differs from itself: %+v", d)
		}
		p, err := plan.Make(t.Context(), r, func(_ context.Context, packages []assay.Package) (*assay.Report, error) {
			out := *r
			out.Packages = packages
			out.Findings = nil
			return &out, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Text(io.Discard, 80); err != nil {
			t.Error(err)
		}
	})
}

func sample() *assay.Report {
	r := report(deb("apt", "2.6.1", ""), deb("libx", "1", "x"), npm("srv/node_modules/a", "1.0.0", "b"), npm("srv/node_modules/b", "1.0.0"))
	r.Schema = assay.ReportSchema
	r.Image.Base = &assay.BaseImage{Layers: 1}
	r.Findings = []assay.Finding{{ID: "CVE-1", Package: 1, FixedIn: "2"}, {ID: "CVE-2", Package: 3, FixedIn: "1.0.1"}, {ID: "GHSA-3", Aliases: []string{"CVE-3"}, Package: 2}}
	return r
}

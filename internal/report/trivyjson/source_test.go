package trivyjson

import (
	"bytes"
	"testing"

	"github.com/assaysec/assay"
	"github.com/google/go-cmp/cmp"
)

// TestSources: sources have Trivy's names, and ours again when the report is read.
func TestSources(t *testing.T) {
	f := assay.Finding{ID: "CVE-1", FixedIn: "0:1.2-3.el9", Severity: assay.SeverityHigh, SeveritySource: "oracle", Detail: assay.Detail{
		Ratings: []assay.Rating{{Source: "oracle", Severity: assay.SeverityHigh}, {Source: "suse", Severity: assay.SeverityLow}, {Source: "nvd", Severity: assay.SeverityMedium}, {Source: "none"}},
		CVSS:    []assay.CVSS{{Source: "nvd", Version: "3.1", Score: 9.9}, {Source: "almalinux", Version: "3.1", Score: 5.0}, {Source: "almalinux", Version: "3.0", Score: 7.5}}}}
	p := assay.Package{Type: assay.TypeRPM, Name: "a", Version: "0:1.2-1.el9"}
	v := convertFinding(&f, &p)
	if v.SeveritySource != "oracle-oval" || v.FixedVersion != "1.2-3.el9" || v.InstalledVersion != "1.2-1.el9" {
		t.Errorf("%q %q %q", v.SeveritySource, v.FixedVersion, v.InstalledVersion)
	}
	if d := cmp.Diff(map[string]int{"oracle-oval": 3, "suse-cvrf": 1, "nvd": 2, "alma": 3}, v.VendorSeverity); d != "" {
		t.Error(d)
	}
	if _, ok := v.CVSS["alma"]; !ok || len(v.CVSS) != 2 {
		t.Error(v.CVSS)
	}
	for version, want := range map[string]string{"1:1.2-3": "1:1.2-3", "0:1": "1", "10:1": "10:1"} {
		if got := noEpoch(&p, version); got != want {
			t.Errorf("%s: %s", version, got)
		}
	}
	if got := noEpoch(&assay.Package{Type: assay.TypeDeb}, "0:1"); got != "0:1" {
		t.Error(got)
	}
	var b bytes.Buffer
	r := &assay.Report{Kind: assay.KindImage, Release: assay.Release{ID: "ol", Version: "9"}, Packages: []assay.Package{p}, Findings: []assay.Finding{f}}
	if err := write(&b, r, assay.FormatOptions{}); err != nil {
		t.Fatal(err)
	}
	again, err := Read(b.Bytes())
	if err != nil || len(again.Findings) != 1 || again.Findings[0].SeveritySource != "oracle" {
		t.Errorf("%v %+v", err, again)
	}
}

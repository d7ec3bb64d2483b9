package match_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

func TestProducts(t *testing.T) {
	httpd := assay.Package{Type: assay.TypeGeneric, Name: "httpd", Version: "2.4.54", CPEs: []string{"cpe:2.3:a:apache:http_server:2.4.54:*:*:*:*:*:*:*"}}
	java := assay.Package{Type: assay.TypeGeneric, Name: "openjdk", Version: "1.8.0_352-b08", CPEs: []string{"cpe:2.3:a:oracle:openjdk:1.8.0_352-b08:*:*:*:*:*:*:*"}}
	two := assay.Package{Type: assay.TypeGeneric, Name: "nginx", Version: "1.20.0", CPEs: []string{"cpe:2.3:a:f5:nginx:1.20.0:*:*:*:*:*:*:*", "cpe:2.3:a:nginx:nginx:1.20.0:*:*:*:*:*:*:*", "cpe:bad"}}
	server := func(change func(*assay.Affected)) assay.Affected {
		return with(row(assay.StreamCPE, "apache:http_server", assay.Range{Introduced: "2.4.0", Fixed: "2.4.55"}), change)
	}
	as := func(cpe string) assay.Affected {
		return server(func(r *assay.Affected) { r.Qualifiers.CPEs = []string{cpe} })
	}
	beside := func(cpes ...string) assay.Affected {
		return server(func(r *assay.Affected) { r.Qualifiers.RunningOn = cpes })
	}
	update := func(v string) assay.Affected {
		return with(row(assay.StreamCPE, "oracle:openjdk"), func(r *assay.Affected) { r.Versions = []string{v} })
	}
	for _, tt := range []struct {
		name string
		pkg  assay.Package
		rows []assay.Affected
		want []string
	}{
		{"affected", httpd, []assay.Affected{server(func(*assay.Affected) {})}, []string{"httpd CVE-1 fixed 2.4.55"}},
		{"for any software", httpd, []assay.Affected{as("cpe:2.3:a:apache:http_server:*:*:*:*:*:*:*:*")}, []string{"httpd CVE-1 fixed 2.4.55"}},
		{"for another system's software", httpd, []assay.Affected{as("cpe:2.3:a:apache:http_server:*:*:*:*:*:windows:*:*")}, nil},
		{"on Windows only", httpd, []assay.Affected{beside("cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*")}, nil},
		{"on Windows or Linux", httpd, []assay.Affected{beside("cpe:2.3:o:microsoft:windows:-:*:*:*:*:*:*:*", "cpe:2.3:o:linux:linux_kernel:-:*:*:*:*:*:*:*")}, []string{"httpd CVE-1 fixed 2.4.55"}},
		{"on Debian", httpd, []assay.Affected{beside("cpe:2.3:o:debian:debian_linux:12.0:*:*:*:*:*:*:*")}, []string{"httpd CVE-1 fixed 2.4.55"}},
		{"on RHEL", httpd, []assay.Affected{beside("cpe:2.3:o:redhat:enterprise_linux:8.0:*:*:*:*:*:*:*")}, nil},
		{"on a system of which nothing is known", httpd, []assay.Affected{beside("cpe:2.3:o:acme:linux:1:*:*:*:*:*:*:*")}, []string{"httpd CVE-1 fixed 2.4.55"}},
		{"on Fedora only", httpd, []assay.Affected{beside("cpe:2.3:o:fedoraproject:fedora:37:*:*:*:*:*:*:*")}, nil},
		{"in a device", httpd, []assay.Affected{beside("cpe:2.3:h:siemens:sinec:-:*:*:*:*:*:*:*")}, nil},
		{"beside other software, which may be there", httpd, []assay.Affected{beside("cpe:2.3:a:php:php:*:*:*:*:*:*:*:*")}, []string{"httpd CVE-1 fixed 2.4.55"}},
		{"Java's updates", java, []assay.Affected{update("8:update352")}, []string{"openjdk CVE-1 affected"}},
		{"Java's updates, in full", java, []assay.Affected{update("1.8.0:update352")}, []string{"openjdk CVE-1 affected"}},
		{"another of Java's updates", java, []assay.Affected{update("8:update351")}, nil},
		{"Java's updates in ranges", java, []assay.Affected{row(assay.StreamCPE, "oracle:openjdk", assay.Range{Introduced: "8", LastAffected: "8:update352"})}, []string{"openjdk CVE-1 affected"}},
		{"under two names", two, []assay.Affected{row(assay.StreamCPE, "f5:nginx", assay.Range{Fixed: "1.20.1"}), row(assay.StreamCPE, "nginx:nginx", assay.Range{Fixed: "1.20.1"})}, []string{"nginx CVE-1 fixed 1.20.1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := assay.Advisory{ID: "CVE-1", Feed: "nvd"}
			for _, r := range tt.rows {
				r.Status = assay.StatusAffected
				a.Affected = append(a.Affected, r)
			}
			inv := &assay.Inventory{Release: bookworm, Packages: []assay.Package{tt.pkg, {Type: assay.TypeNPM, Name: "http_server", Version: "2.4.54"}}}
			res, err := match.Packages(t.Context(), inv, memory{a, adv("CVE-9", row("npm", "other"))}, match.Options{})
			if diff := cmp.Diff(tt.want, show(inv, res.Findings, res.Gaps)); diff != "" || err != nil {
				t.Error(diff, err)
			}
			if streams, _ := match.Streams(inv, match.Options{}); len(streams) != 2 || streams[1] != assay.StreamCPE {
				t.Errorf("%v", streams)
			}
		})
	}
}

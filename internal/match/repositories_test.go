package match_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
)

// TestRepositories: which advisories are meant depends on where packages come
// from.
func TestRepositories(t *testing.T) {
	const (
		baseos    = "cpe:/o:redhat:enterprise_linux:9::baseos"
		openshift = "cpe:/a:redhat:openshift:4.14::el9"
	)
	row := func(stream assay.Stream, name, fixed string, q assay.Qualifiers) assay.Affected {
		return assay.Affected{Stream: stream, Name: name, Ranges: []assay.Range{{Fixed: fixed}}, Qualifiers: q}
	}
	rhel := func(name, fixed string, q assay.Qualifiers) assay.Affected { return row("rhel:9", name, fixed, q) }
	notAffected := rhel("curl", "", assay.Qualifiers{CPEs: []string{"cpe:/a:redhat:openshift:4"}})
	notAffected.Status = assay.StatusNotAffected
	data := memory{
		adv("CVE-2024-0001", rhel("curl", "7.76.1-29.el9", assay.Qualifiers{CPEs: []string{"cpe:/o:redhat:enterprise_linux:9"}, Arches: []string{"x86_64"}})),
		adv("CVE-2024-0001", notAffected), // of another product
		adv("CVE-2024-0002", rhel("curl", "7.76.1-30.el9", assay.Qualifiers{CPEs: []string{"cpe:/a:redhat:openshift:4"}})),
		adv("CVE-2024-0003", rhel("curl", "", assay.Qualifiers{CPEs: []string{baseos}, Arches: []string{"src"}})), // the source package
		adv("CVE-2024-0004", rhel("libcurl", "7.76.1-26.el9_2.9", assay.Qualifiers{})),
		adv("CVE-2024-0004", rhel("libcurl", "7.76.1-26.el9_3.3", assay.Qualifiers{})),
		adv("CVE-2024-0005", rhel("httpd", "", assay.Qualifiers{})),
		adv("baseos", row("rhel-cpe", "rhel-9-for-x86_64-baseos-rpms", "", assay.Qualifiers{CPEs: []string{baseos}})),
		adv("openshift", row("rhel-cpe", "openshift-4-rpms", "", assay.Qualifiers{CPEs: []string{openshift}})),

		adv("CVE-2024-0006", row("amazon:2", "kernel", "4.14.300-1.amzn2", assay.Qualifiers{})),
		adv("CVE-2024-0007", row("amazon:2", "kernel", "5.10.210-1.amzn2", assay.Qualifiers{Repos: []string{"amzn2extra-kernel-5.10"}})),
		adv("CVE-2024-0008", row("amazon:2", "docker", "24.0.5-1.amzn2", assay.Qualifiers{Repos: []string{"amzn2extra-docker"}})),

		adv("CVE-2024-0013", row("amazon:2", "postgresql", "9.2.24-8.amzn2", assay.Qualifiers{})),
		adv("CVE-2024-0014", row("amazon:2", "postgresql", "14.8-1.amzn2", assay.Qualifiers{Repos: []string{"amzn2extra-postgresql14"}})),
		adv("CVE-2024-0015", row("amazon:2", "firefox", "91.0-1.amzn2", assay.Qualifiers{})),
		adv("CVE-2024-0016", row("amazon:2", "firefox", "115.5.0-1.amzn2", assay.Qualifiers{Repos: []string{"amzn2extra-firefox"}})),
		adv("CVE-2024-0017", row("almalinux:8", "pam", "1.3.1-37.el8_10", assay.Qualifiers{})),
		adv("CVE-2024-0017", row("almalinux:8", "pam", "1.3.1-38.el8_10", assay.Qualifiers{})),
		adv("CVE-2024-0018", rhel("podman", "", assay.Qualifiers{CPEs: []string{"cpe:/a:redhat:enterprise_linux:9::appstream"}})),
		adv("CVE-2024-0018", func() assay.Affected {
			f := rhel("podman", "", assay.Qualifiers{CPEs: []string{"cpe:/a:redhat:openshift:4"}})
			f.Status = assay.StatusNotAffected
			return f
		}()),
		adv("appstream", row("rhel-cpe", "appstream-rpms", "", assay.Qualifiers{CPEs: []string{"cpe:/a:redhat:enterprise_linux:9::appstream"}})),

		adv("CVE-2024-0009", row("openeuler:22.03", "curl", "7.79.1-20.oe2203sp1", assay.Qualifiers{Flavour: "oe2203sp1"})),
		adv("CVE-2024-0010", row("openeuler:22.03", "curl", "7.79.1-30.oe2203sp3", assay.Qualifiers{Flavour: "oe2203sp3"})),
		adv("CVE-2024-0011", row("sles:15.5", "bind", "9.16.50-150500.8.18.1", assay.Qualifiers{})),
		adv("CVE-2024-0012", row("oracle:8", "openssl", "1:1.1.1k-12.el8_9", assay.Qualifiers{})),
	}
	pkg := func(name, version string) assay.Package {
		return assay.Package{Type: "rpm", Name: name, Version: version, Arch: "x86_64"}
	}
	libcurl := func(version string) assay.Package {
		p := pkg("libcurl", version)
		p.Source = "curl"
		return p
	}
	rhel9 := func(sets ...string) assay.Release {
		return assay.Release{ID: "rhel", Version: "9.3", ContentSets: sets}
	}
	for _, tt := range []struct {
		name string
		r    assay.Release
		p    assay.Package
		want []string
		gap  string
	}{
		{"content sets of RHEL", rhel9("rhel-9-for-x86_64-baseos-rpms__9"), pkg("curl", "7.76.1-20.el9"), []string{"CVE-2024-0001", "CVE-2024-0003"}, ""},
		{"and of a layered product", rhel9("rhel-9-for-x86_64-baseos-rpms", "openshift-4-rpms"), pkg("curl", "7.76.1-29.el9"), []string{"CVE-2024-0002", "CVE-2024-0003"}, ""},
		{"no repositories named", rhel9(), pkg("curl", "7.76.1-20.el9"), []string{"CVE-2024-0001", "CVE-2024-0003"}, "does not name the repositories"},
		{"one that nobody knows", rhel9("rhel-9-for-x86_64-baseos-rpms", "secret-rpms"), pkg("curl", "7.76.1-29.el9"), []string{"CVE-2024-0003"}, "secret-rpms"},
		{"by source", rhel9("rhel-9-for-x86_64-baseos-rpms"), libcurl("7.76.1-26.el9_2.9"), []string{"CVE-2024-0003"}, ""},
		{"below the fix for its minor release", rhel9("rhel-9-for-x86_64-baseos-rpms"), libcurl("7.76.1-26.el9_2.1"), []string{"CVE-2024-0003", "CVE-2024-0004"}, ""},
		{"a kernel of the core", assay.Release{ID: "amzn", Version: "2"}, pkg("kernel", "4.14.200-1.amzn2"), []string{"CVE-2024-0006"}, ""},
		{"a kernel of the extras", assay.Release{ID: "amzn", Version: "2"}, pkg("kernel", "5.10.100-1.amzn2"), []string{"CVE-2024-0007"}, ""},
		{"what only the extras have", assay.Release{ID: "amzn", Version: "2"}, pkg("docker", "20.10.17-1.amzn2"), []string{"CVE-2024-0008"}, ""},
		{"an extra of its own line", assay.Release{ID: "amzn", Version: "2"}, pkg("postgresql", "14.5-1.amzn2"), []string{"CVE-2024-0014"}, ""},
		{"the core's line", assay.Release{ID: "amzn", Version: "2"}, pkg("postgresql", "9.2.20-1.amzn2"), []string{"CVE-2024-0013"}, ""},
		{"an extra without a line", assay.Release{ID: "amzn", Version: "2"}, pkg("firefox", "102.0-1.amzn2"), []string{"CVE-2024-0016"}, ""},
		{"below the extra's lines", assay.Release{ID: "amzn", Version: "2"}, pkg("firefox", "90.0-1.amzn2"), []string{"CVE-2024-0015"}, ""},
		{"fixed twice in one minor release", assay.Release{ID: "almalinux", Version: "8.10"}, pkg("pam", "1.3.1-37.el8_10"), []string{"CVE-2024-0017"}, ""},
		{"affected in one product, not in another", rhel9("appstream-rpms", "openshift-4-rpms"), pkg("podman", "4.0-1.el9"), []string{"CVE-2024-0018"}, ""},
		{"a service pack", assay.Release{ID: "openEuler", Version: "22.03"}, pkg("curl", "1:7.79.1-10.oe2203sp3"), []string{"CVE-2024-0010"}, ""},
		{"an epoch that advisories do not tell", assay.Release{ID: "sles", Version: "15.5"}, pkg("bind", "1:9.16.40-150500.1"), []string{"CVE-2024-0011"}, ""},
		{"a flavour without advisories", assay.Release{ID: "ol", Version: "8.9"}, pkg("openssl", "10:1.1.1k-5.el8_5_fips"), nil, "it is a fips build"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := &assay.Inventory{Release: tt.r, Packages: []assay.Package{tt.p}}
			res, err := match.Packages(t.Context(), inv, data, match.Options{})
			found, gaps := res.Findings, res.Gaps
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				got = append(got, f.ID)
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v (%v)", got, tt.want, gaps)
			}
			text := ""
			for _, g := range gaps {
				text += g.Where + ": " + g.What + "\n"
			}
			if (tt.gap == "") != (text == "") || !strings.Contains(text, tt.gap) {
				t.Errorf("gaps %q, want %q", text, tt.gap)
			}
		})
	}
}

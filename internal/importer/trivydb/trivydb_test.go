package trivydb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

func pairs(bucket string, p ...contract.Node) contract.Node {
	return contract.Node{Bucket: bucket, Pairs: p}
}

func value(key string, v any) contract.Node { return contract.Node{Key: key, Value: v} }

type object = map[string]any

var nodes = []contract.Node{
	pairs("debian 12",
		pairs("bash", value("CVE-2024-0001", object{"FixedVersion": "5.2-2", "VendorIDs": []string{"DSA-1-1"}, "Severity": 3}), value("CVE-2024-0002", object{"Status": 5})),
		pairs("zlib", value("CVE-2024-0003", "not an object"))),
	pairs("ubuntu 22.04-ESM", pairs("bash", value("CVE-2024-0001", object{"FixedVersion": "5.1"}))),
	pairs("SUSE Linux Enterprise 15-SP3", pairs("bash", value("SUSE-SU-2024:1", object{"FixedVersion": "5"}))),
	pairs("Oracle Linux 8", pairs("curl", value("CVE-2024-0004", object{"FixedVersion": "1", "Entries": []object{{"FixedVersion": "2", "Arches": []string{"x86_64"}, "VendorIds": []string{"ELSA-1"}}}}))),
	pairs("plan 9", pairs("x", value("CVE-2024-0005", object{}))),
	pairs("npm::GitHub Security Advisory Npm", pairs("left-pad",
		value("CVE-2024-0006", object{"VulnerableVersions": []string{"< 1.2.3", ">= 2.0.0, <= 2.1.0"}, "PatchedVersions": []string{"1.2.3", "2.1.1", "2.2.0"}}),
		value("CVE-2024-0007", object{"VulnerableVersions": []string{"what?"}}),
		value("CVE-2024-0008", object{}))),
	pairs("maven::GitLab Advisory Database Community", pairs("g:a", value("CVE-2024-0009", object{"VulnerableVersions": []string{"[2.9.0,2.9.10.7)"}}))),
	pairs("rubygems::ruby-advisory-db", pairs("rack", value("CVE-2024-0010", object{"PatchedVersions": []string{">= 2.0"}, "UnaffectedVersions": []string{"< 1.0"}}))),
	pairs("Red Hat", pairs("openssl", value("RHSA-2024:1", object{"Entries": []object{
		{"FixedVersion": "1:1-1.el8", "Affected": []int{1, 2, 3}, "Arches": []string{"x86_64"}, "Cves": []object{{"ID": "CVE-2024-0011", "Severity": 2.0}, {"ID": "CVE-2024-0012", "Severity": 4}}}}}),
		value("CVE-2024-0013", object{"Entries": []object{{"Status": 5, "Affected": []int{3}, "Cves": []object{{"Severity": 1}}}}})),
		pairs("nodejs:18::npm", value("RHSA-2024:2", object{"Entries": []object{{"FixedVersion": "1:9", "Affected": []int{1}, "Cves": []object{{"ID": "CVE-2024-0014"}}}}}))),
	pairs("rocky 9", pairs("nodejs:18::npm", value("CVE-2024-0014", object{"FixedVersion": "1:9"}))),
	pairs("alpine 3.20", pairs("a::b", value("CVE-2024-0014", object{"FixedVersion": "1"}))),
	pairs("conan::GitLab Advisory Database Community", pairs("pcre",
		value("CVE-2024-0015", object{"VulnerableVersions": []string{"<8.44", ">=9.0 <9.1", ">=10.0 <10.1"}, "PatchedVersions": []string{"9.1", "8.45"}}))),
	pairs("Red Hat CPE", pairs("cpe", value("1", "cpe:/o:redhat:enterprise_linux:8::baseos"), value("2", "cpe:/a:redhat:rhel_eus:9.2::appstream"), value("3", "cpe:/a:redhat:openshift:4"))),
	pairs("vulnerability", value("CVE-2024-0001", object{"Title": "t", "Description": "d", "CweIDs": []string{"CWE-1"}, "References": []string{"https://example.org/"},
		"VendorSeverity": object{"nvd": 2.0, "redhat": 1}, "PublishedDate": "2024-01-02T00:00:00Z",
		"CVSS": object{"nvd": object{"V2Vector": "AV:N", "V2Score": 5.0, "V3Vector": "CVSS:3.0/AV:N", "V3Score": 7.5}}})),
	pairs("data-source", value("debian 12", object{"ID": "debian"})),
}

func fetch(t testing.TB, path string, wanted ...assay.Stream) *contract.Records {
	t.Helper()
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	return contract.Fetch(t, d, nil, wanted...)
}

// rows writes an advisory a line for each of its affected.
func rows(r *contract.Records) []string {
	var out []string
	for _, a := range r.Advisories {
		for _, f := range a.Affected {
			s := fmt.Sprintf("%s %s %s %s %s %v", f.Stream, f.Name, a.ID, f.Status, f.Severity, a.VendorIDs)
			for _, g := range f.Ranges {
				s += fmt.Sprintf(" %s..%s,%s!,%s]", g.Introduced, g.Fixed, g.Before, g.LastAffected)
			}
			if q := f.Qualifiers; len(q.Arches)+len(q.CPEs) > 0 {
				s += fmt.Sprintf(" %v%v", q.Arches, q.CPEs)
			}
			if m := f.Qualifiers.Module; m != "" {
				s += " module " + m
			}
			out = append(out, s)
		}
	}
	return out
}

func TestFetch(t *testing.T) {
	path := contract.TrivyDB(t, nodes)
	r := fetch(t, path)
	want := []string{
		"oracle:8 curl CVE-2024-0004 affected UNKNOWN [ELSA-1] ..2,!,] [x86_64][]",
		"rhel:9 openssl CVE-2024-0011 affected MEDIUM [RHSA-2024:1] ..1:1-1.el8,!,] [x86_64][cpe:/a:redhat:rhel_eus:9.2::appstream]",
		"rhel:8 openssl CVE-2024-0011 affected MEDIUM [RHSA-2024:1] ..1:1-1.el8,!,] [x86_64][cpe:/o:redhat:enterprise_linux:8::baseos]",
		"rhel:8 openssl CVE-2024-0012 affected CRITICAL [RHSA-2024:1] ..1:1-1.el8,!,] [x86_64][cpe:/o:redhat:enterprise_linux:8::baseos]",
		"rhel:9 openssl CVE-2024-0012 affected CRITICAL [RHSA-2024:1] ..1:1-1.el8,!,] [x86_64][cpe:/a:redhat:rhel_eus:9.2::appstream]",
		"sles:15.3 bash SUSE-SU-2024:1 affected UNKNOWN [] ..5,!,]",
		"debian:12 bash CVE-2024-0001 affected HIGH [DSA-1-1] ..5.2-2,!,]",
		"debian:12 bash CVE-2024-0002 will_not_fix UNKNOWN [] ..,!,]",
		"maven g:a CVE-2024-0009 affected UNKNOWN [] 2.9.0..2.9.10.7,!,]",
		"npm left-pad CVE-2024-0006 affected UNKNOWN [] ..1.2.3,!,] 2.0.0..2.1.1,!,2.1.0]",
		"rubygems rack CVE-2024-0010 affected UNKNOWN [] 1.0..2.0,!,]",
		"rhel:8 npm CVE-2024-0014 affected UNKNOWN [RHSA-2024:2] ..1:9,!,] [][cpe:/o:redhat:enterprise_linux:8::baseos] module nodejs:18",
		"rocky:9 npm CVE-2024-0014 affected UNKNOWN [] ..1:9,!,] module nodejs:18",
		"alpine:3.20 a::b CVE-2024-0014 affected UNKNOWN [] ..1,!,]",
		"conan pcre CVE-2024-0015 affected UNKNOWN [] ..8.45,8.44!,] 9.0..9.1,!,] 10.0..,10.1!,]",
		"ubuntu-esm:22.04 bash CVE-2024-0001 affected UNKNOWN [] ..5.1,!,]",
	}
	got := rows(r)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	skips := map[string]int{whyBucket: 1, whyMalformed: 1, whyNoRange: 2, whyCPE: 1}
	if got := r.Reasons(); !maps.Equal(got, skips) {
		t.Errorf("skipped %v, want %v", got, skips)
	}
	if len(r.Details) != 1 || len(r.Details[0].CVSS) != 2 || r.Details[0].CVSS[1].Version != "3.0" || len(r.Details[0].Ratings) != 2 || r.Details[0].Ratings[0] != (assay.Rating{Source: "nvd", Severity: assay.SeverityMedium}) {
		t.Errorf("details %+v", r.Details)
	}
	if only := fetch(t, path, "debian:12"); len(only.Advisories) != 2 || len(only.Details) != 0 {
		t.Errorf("of one stream: %d advisories, %d details", len(only.Advisories), len(only.Details))
	}
}

// TestConformance takes the peer's own test database: everything in it is
// either kept or left out for a reason.
func TestConformance(t *testing.T) {
	all := contract.TrivyNodes(t)
	d, err := Open(t.Context(), contract.TrivyDB(t, all))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if want := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC); !d.Date().Equal(want) {
		t.Errorf("date %v, want %v", d.Date(), want)
	}
	r := contract.Fetch(t, d, nil)
	for why, ids := range r.Skipped {
		t.Errorf("skipped: %s: %v", why, ids)
	}
	have := map[string]bool{}
	for _, a := range r.Advisories {
		for _, f := range a.Affected {
			have[f.Name+" "+a.ID] = true
			for _, v := range a.VendorIDs {
				have[f.Name+" "+v] = true
			}
		}
	}
	for _, dt := range r.Details {
		have["vulnerability "+dt.ID] = true
	}
	n := 0
	for _, root := range all {
		if root.Bucket == "data-source" || root.Bucket == "Red Hat CPE" {
			continue
		}
		p, _ := platformOf(root.Bucket)
		for _, pkg := range root.Pairs {
			if root.Bucket == "vulnerability" {
				pkg = pairs("vulnerability", pkg)
			}
			for _, v := range pkg.Pairs {
				_, name := p.module(pkg.Bucket)
				if p.ecosystem != nil {
					name = p.ecosystem.Name(name)
				}
				if n++; !have[name+" "+strings.TrimSpace(v.Key)] {
					t.Errorf("%s: %s %s is lost", root.Bucket, pkg.Bucket, v.Key)
				}
			}
		}
	}
	t.Logf("%d records, %d advisories, %d details", n, len(r.Advisories), len(r.Details))
}

func TestOpen(t *testing.T) {
	path := contract.TrivyDB(t, nodes)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	meta := []byte(`{"Version":2,"UpdatedAt":"2025-01-02T03:04:05Z"}`)
	for _, tt := range []struct {
		name string
		in   []byte
		err  error
	}{
		{"file", raw, nil},
		{"archive", contract.TarGz(contract.Member{Name: "metadata.json", Content: string(meta)}, contract.Member{Name: "trivy.db", Content: string(raw)}), nil},
		{"archive of a newer schema", contract.TarGz(contract.Member{Name: "metadata.json", Content: `{"Version":3}`}, contract.Member{Name: "trivy.db", Content: string(raw)}), assay.ErrMalformed},
		{"archive of something else", contract.TarGz(contract.Member{Name: "x", Content: string(raw)}), assay.ErrUnsupported},
		{"archive, cut off", contract.TarGz(contract.Member{Name: "trivy.db", Content: strings.Repeat(string(raw), 20)})[:9000], assay.ErrMalformed},
		{"text", []byte("text"), assay.ErrUnsupported},
		{"nothing", nil, assay.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(file, tt.in, 0o600); err != nil {
				t.Fatal(err)
			}
			temp := t.TempDir()
			t.Setenv("TMPDIR", temp)
			d, err := Open(t.Context(), file)
			if !errors.Is(err, tt.err) {
				t.Errorf("%v, want %v", err, tt.err)
			}
			if err == nil {
				if r := contract.Fetch(t, d, nil, "debian:12"); len(r.Advisories) != 2 {
					t.Errorf("%d advisories", len(r.Advisories))
				}
				d.Close()
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	if d, err := Open(t.Context(), filepath.Dir(path)); err != nil {
		t.Errorf("its folder: %v", err)
	} else {
		d.Close()
	}
	if _, err := Open(t.Context(), t.TempDir()); !errors.Is(err, assay.ErrUnsupported) {
		t.Errorf("another folder: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	d, err := Open(t.Context(), contract.TrivyDB(t, nodes))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Fetch(ctx, nil, nil, &contract.Records{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want cancelled", err)
	}
}

package almalinux

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// bundle packs records, a line each.
func bundle(records []byte) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i, line := range bytes.Split(bytes.TrimSpace(records), []byte("\n")) {
		f, _ := w.Create(fmt.Sprintf("ALSA-%d.json", i))
		f.Write(line)
	}
	w.Close()
	return buf.Bytes()
}

// erratum is a record; packages are "release name fixed".
func erratum(id, summary string, cves []string, packages ...string) string {
	var affected []string
	for _, p := range packages {
		f := strings.Fields(p)
		affected = append(affected, fmt.Sprintf(`{"package":{"ecosystem":"AlmaLinux:%s","name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}`, f[0], f[1], f[2]))
	}
	related := `"` + strings.Join(cves, `","`) + `"`
	return fmt.Sprintf(`{"id":%q,"summary":%q,"related":[%s],"published":"2022-03-15T09:11:53Z","affected":[%s]}`,
		id, summary, related, strings.Join(affected, ","))
}

func fetch(t *testing.T, records ...string) *contract.Records {
	t.Helper()
	return contract.Fetch(t, Feed{}, contract.Documents{Document: bundle([]byte(strings.Join(records, "\n")))})
}

// brief writes advisories as "ID notices severity: stream name{module} <fixed …".
func brief(r *contract.Records) (out []string) {
	for _, a := range r.Advisories {
		for _, p := range a.Affected {
			s := fmt.Sprintf("%s %v %s: %s %s{%s}", a.ID, a.VendorIDs, a.Severity, p.Stream, p.Name, p.Qualifiers.Module)
			for _, g := range p.Ranges {
				s += " <" + g.Fixed
			}
			out = append(out, s)
		}
	}
	return out
}

func TestErrata(t *testing.T) {
	cves := []string{"CVE-2024-0002", "CVE-2024-0001", "CVE-2024-0001", "RHSA-2024:1"}
	for _, tt := range []struct {
		name, record string
		want         []string
		skipped      map[string]int
	}{
		{"two CVEs, two releases", erratum("ALSA-2024:1", "Important: x security update", cves, "8 x 1-1.el8", "9 x 1-1.el9"), []string{
			"CVE-2024-0001 [ALSA-2024:1] HIGH: almalinux:8 x{} <1-1.el8", "CVE-2024-0002 [ALSA-2024:1] HIGH: almalinux:8 x{} <1-1.el8",
			"CVE-2024-0001 [ALSA-2024:1] HIGH: almalinux:9 x{} <1-1.el9", "CVE-2024-0002 [ALSA-2024:1] HIGH: almalinux:9 x{} <1-1.el9"}, nil},
		{"no CVE", erratum("ALSA-2024:2", "Low: x security update", nil, "8 x 1-1.el8"), []string{"ALSA-2024:2 [] LOW: almalinux:8 x{} <1-1.el8"}, nil},
		{"builds for minor releases", erratum("ALSA-2024:3", "Moderate: vim security update", cves[:1], "8 vim 2:8.0-16.el8_5.13", "8 vim 2:8.0-16.el8_5.9"), []string{
			"CVE-2024-0002 [ALSA-2024:3] MEDIUM: almalinux:8 vim{} <2:8.0-16.el8_5.9"}, nil},
		{"two source versions", erratum("ALSA-2024:4", "Moderate: samba security update", cves[:1], "8 s 4.15.5-5.el8", "8 s 4.15.5-8.el8_6"), []string{
			"CVE-2024-0002 [ALSA-2024:4] MEDIUM: almalinux:8 s{} <4.15.5-5.el8 <4.15.5-8.el8_6"}, nil},
		{"module", erratum("ALSA-2024:5", "Critical: nodejs:10 security update", cves[:1], "8 nodejs 1:10.2-1.module_el8.5.0+81", "8 nodejs 1:10.2-1.module_el8.3.0+2047", "8 plain 1-1.el8"), []string{
			"CVE-2024-0002 [ALSA-2024:5] CRITICAL: almalinux:8 nodejs{nodejs:10} <1:10.2-1.module_el8.3.0+2047", "CVE-2024-0002 [ALSA-2024:5] CRITICAL: almalinux:8 plain{} <1-1.el8"}, nil},
		{"module without stream", erratum("ALSA-2024:6", "Important: varnish security update", cves[:1], "8 varnish 6-1.module_el8.5.0+81"), []string{
			"CVE-2024-0002 [ALSA-2024:6] HIGH: almalinux:8 varnish{} <6-1.module_el8.5.0+81"}, nil},
		{"a version in the title", erratum("ALSA-2024:7", "Important: pam:1.5.1 security update", cves[:1], "8 pam 1.5.1-1.el8"), []string{
			"CVE-2024-0002 [ALSA-2024:7] HIGH: almalinux:8 pam{} <1.5.1-1.el8"}, nil},
		{"word behind", erratum("ALSA-2022:5468", "ALSA-2022:5468: php:8.0 security update (Important)", cves[:1], "8 php 8-1.module_el8.6.0+1"), []string{
			"CVE-2024-0002 [ALSA-2022:5468] HIGH: almalinux:8 php{php:8.0} <8-1.module_el8.6.0+1"}, nil},
		{"bug fix", erratum("ALBA-2024:1", "x bug fix update", nil, "8 x 1-1.el8"), nil, map[string]int{"bug fix erratum": 1}},
		{"enhancement", erratum("ALEA-2024:1", "x enhancement update", nil, "8 x 1-1.el8"), nil, map[string]int{"enhancement erratum": 1}},
		{"nothing affected", erratum("ALSA-2024:8", "Low: x", cves), nil, map[string]int{"no package with a fixed version": 1}},
		{"malformed", `{"id": 5}`, nil, map[string]int{"malformed record": 1}},
		{"withdrawn", strings.Replace(erratum("ALSA-2024:9", "Low: x", cves, "8 x 1"), `"published"`, `"withdrawn":"2024-01-01T00:00:00Z","published"`, 1), nil, map[string]int{"withdrawn": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := fetch(t, tt.record)
			if diff := cmp.Diff(tt.want, brief(r)); diff != "" {
				t.Error(diff)
			}
			if len(tt.skipped) > 0 && cmp.Diff(tt.skipped, r.Reasons()) != "" || len(tt.skipped) != len(r.Skipped) {
				t.Errorf("skipped %v, want %v", r.Skipped, tt.skipped)
			}
		})
	}
}

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: bundle([]byte(erratum("ALSA-2024:1", "Low: x security update", []string{"CVE-2024-0001"}, "8 x 1-1.el8", "9 x 1-1.el9") + "\n" +
		erratum("ALSA-2024:2", "Low: y security update", []string{"CVE-2024-0002"}, "8 y 1-1.el8")))}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "almalinux:9"})
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	if diff := cmp.Diff(map[string]int{"bug fix erratum": 976, "enhancement erratum": 222}, r.Reasons()); diff != "" || r.Kept() != 14940 {
		t.Errorf("%d kept\n%s", r.Kept(), diff)
	}
	errata, cves := map[string]bool{}, 0
	for _, a := range r.Advisories {
		id := a.ID
		if len(a.VendorIDs) > 0 {
			id = a.VendorIDs[0]
			cves++
		}
		errata[id] = true
		if a.Severity == assay.SeverityUnknown || !strings.HasPrefix(a.URL, "https://errata.almalinux.org/") || a.Published.IsZero() {
			t.Errorf("incomplete: %+v", a)
		}
	}
	if len(errata) != 3968 || cves != 14934 { // six errata name no CVE
		t.Errorf("%d errata, %d of CVEs", len(errata), cves)
	}
	got := brief(&contract.Records{Advisories: pick(r.Advisories, "CVE-2022-0413", "ALSA-2022:0894")})
	want := []string{}
	for _, p := range []string{"X11{} <2:8.0.1763-16.el8_5.12", "common{} <2:8.0.1763-16.el8_5.12", "enhanced{} <2:8.0.1763-16.el8_5.12",
		"filesystem{} <2:8.0.1763-16.el8_5.12", "minimal{} <2:8.0.1763-16.el8_5.13"} { // the last is there with one build only
		want = append(want, "CVE-2022-0413 [ALSA-2022:0894] MEDIUM: almalinux:8 vim-"+p)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func pick(all []assay.Advisory, id, notice string) (out []assay.Advisory) {
	for _, a := range all {
		if a.ID == id && len(a.VendorIDs) > 0 && a.VendorIDs[0] == notice {
			out = append(out, a)
		}
	}
	return out
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, bundle, erratum("ALSA-2024:5", "Critical: nodejs:10 security update", []string{"CVE-2024-0001"}, "8 nodejs 1:10.2-1.module_el8.5.0+81"))
}

package secdb

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

var publisher = Publisher{Feed: "f", Stream: "s:1", Page: "https://page/"}

func read(t *testing.T, doc string) *contract.Records {
	t.Helper()
	var r contract.Records
	if err := Read(t.Context(), strings.NewReader(doc), publisher, &r); err != nil {
		t.Fatal(err)
	}
	return &r
}

// brief writes advisories as "ID aliases|vendor status fixed…".
func brief(r *contract.Records) (out []string) {
	for _, a := range r.Advisories {
		s := a.Affected[0].Name + " " + a.ID + " " + strings.Join(a.Aliases, ",") + "|" + strings.Join(a.VendorIDs, ",") + " " + string(a.Affected[0].Status)
		for _, g := range a.Affected[0].Ranges {
			s += " <" + g.Fixed
		}
		out = append(out, s)
	}
	return out
}

func TestRead(t *testing.T) {
	for _, tt := range []struct {
		name, fixes string
		want        []string
		skipped     map[string]int
	}{
		{"one", `{"1.2-r3": ["CVE-2020-1"]}`, []string{"p CVE-2020-1 | affected <1.2-r3"}, nil},
		{"not affected", `{"0": ["CVE-2020-1"]}`, []string{"p CVE-2020-1 | not_affected <"}, nil},
		{"not affected and fixed", `{"0": ["CVE-2020-1"], "1.2-r3": ["CVE-2020-1"]}`, []string{"p CVE-2020-1 | affected <1.2-r3"}, nil},
		{"several versions", `{"1.3-r0": ["CVE-2020-1"], "1.2-r3": ["CVE-2020-1", "CVE-2020-1"]}`, []string{"p CVE-2020-1 | affected <1.2-r3 <1.3-r0"}, nil},
		{"several in a string", `{"1-r0": ["CVE-2016-9932 XSA-200", "CVE-2017-1 CVE-2017-2 XSA-2", "CVE-2018-1 GHSA-xxxx-1"]}`, []string{
			"p CVE-2016-9932 |XSA-200 affected <1-r0", "p CVE-2017-1 |XSA-2 affected <1-r0", "p CVE-2017-2 |XSA-2 affected <1-r0", "p CVE-2018-1 GHSA-xxxx-1| affected <1-r0"}, nil},
		{"no CVE", `{"1-r0": ["XSA-207", "GHSA-xxxx-2 XSA-3"]}`, []string{"p GHSA-xxxx-2 |XSA-3 affected <1-r0", "p XSA-207 | affected <1-r0"}, nil},
		{"misspelt", `{"1-r0": ["CVE_2019-2426", "cve-2017-2616", "CVE-2020-5,CVE-2020-6"]}`, []string{
			"p CVE-2017-2616 | affected <1-r0", "p CVE-2019-2426 | affected <1-r0", "p CVE-2020-5 | affected <1-r0", "p CVE-2020-6 | affected <1-r0"}, nil},
		{"words that are none", `{"1-r0": ["CVE N/A ZBX-11023", "", "???"]}`, []string{"p ZBX-11023 | affected <1-r0"}, map[string]int{"malformed identifier or version": 2}},
		{"side by side", `{"1-r0": ["CVE-2020-1", "GHSA-xxxx-1"]}`, []string{"p CVE-2020-1 GHSA-xxxx-1| affected <1-r0"}, nil},
		{"several side by side", `{"1-r0": ["CVE-2020-1", "CVE-2020-2", "GHSA-xxxx-1"]}`, []string{"p CVE-2020-1 |GHSA-xxxx-1 affected <1-r0", "p CVE-2020-2 |GHSA-xxxx-1 affected <1-r0"}, nil},
		{"more GHSAs than CVEs", `{"1-r0": ["CVE-2020-1", "GHSA-xxxx-1", "GHSA-xxxx-2"]}`, []string{"p CVE-2020-1 | affected <1-r0", "p GHSA-xxxx-1 | affected <1-r0", "p GHSA-xxxx-2 | affected <1-r0"}, nil},
		{"side by side, not affected", `{"0": ["CVE-2020-1", "GHSA-xxxx-1"]}`, []string{"p CVE-2020-1 | not_affected <", "p GHSA-xxxx-1 | not_affected <"}, nil},
		{"odd versions", `{"1.20": ["CVE-2020-1"], "0.8.21.r2": ["CVE-2020-2"]}`, []string{"p CVE-2020-1 | affected <1.20", "p CVE-2020-2 | affected <0.8.21.r2"}, nil},
		{"no version", `{"": ["CVE-2020-1"]}`, nil, map[string]int{"malformed identifier or version": 1}},
		{"nothing", `[]`, nil, nil},
		{"nothing at a version", `{"1-r0": null, "2-r0": [], "3-r0": "CVE-2020-1"}`, []string{"p CVE-2020-1 | affected <3-r0"}, nil},
		{"unexpected value", `{"1-r0": {"a": 1}}`, nil, map[string]int{"malformed package": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := read(t, `{"packages": [{"pkg": {"name": "p", "secfixes": `+tt.fixes+`}}, {"pkg": {"name": "q"}}]}`)
			if diff := cmp.Diff(tt.want, brief(r)); diff != "" {
				t.Error(diff)
			}
			if len(tt.skipped) != len(r.Reasons()) || cmp.Diff(tt.skipped, r.Reasons()) != "" && tt.skipped != nil {
				t.Errorf("skipped %v, want %v", r.Skipped, tt.skipped)
			}
		})
	}
}

func TestWhole(t *testing.T) {
	got := read(t, `{"packages": [{"pkg": {"name": "p", "secfixes": {"1.2-r3": ["CVE-2020-1 XSA-1"]}}}]}`)
	want := []assay.Advisory{{
		ID: "CVE-2020-1", VendorIDs: []string{"XSA-1"}, Feed: "f", URL: "https://page/CVE-2020-1",
		Affected: []assay.Affected{{Stream: "s:1", Name: "p", Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: "1.2-r3"}}}},
	}}
	if diff := cmp.Diff(want, got.Advisories); diff != "" {
		t.Error(diff)
	}
}

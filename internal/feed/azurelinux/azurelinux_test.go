package azurelinux

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// document has a definition; tests are "operation version" of package curl.
func document(id, patchable string, tests ...[2]string) string {
	var criteria, all, states string
	for i, t := range tests {
		criteria += fmt.Sprintf(`<criterion test_ref="t:%d"/>`, i)
		all += fmt.Sprintf(`<l:rpminfo_test id="t:%d"><l:object object_ref="o:1"/><l:state state_ref="s:%[1]d"/></l:rpminfo_test>`, i)
		states += fmt.Sprintf(`<l:rpminfo_state id="s:%d"><l:evr datatype="evr_string" operation="%s">%s</l:evr></l:rpminfo_state>`, i, t[0], t[1])
	}
	return `<oval_definitions xmlns="urn:o" xmlns:l="urn:l"><definitions><definition class="vulnerability" id="d:1"><metadata>
		<reference ref_id="` + id + `" ref_url="https://nvd.example/` + id + `" source="CVE"/><patchable>` + patchable + `</patchable>
		<advisory_date>2024-08-14T20:43:58Z</advisory_date><severity>High</severity></metadata><criteria operator="AND">` + criteria + `</criteria></definition></definitions>
		<tests>` + all + `</tests><objects><l:rpminfo_object id="o:1"><l:name>curl</l:name></l:rpminfo_object></objects><states>` + states + `</states></oval_definitions>`
}

func documents(three string) contract.Documents {
	old := document("CVE-2020-1234", "true", [2]string{"less than", "0:7-1.cm1"})
	return contract.Documents{
		Directory + "cbl-mariner-1.0-oval.xml": []byte(old),
		Directory + "cbl-mariner-2.0-oval.xml": []byte(old),
		Directory + "azurelinux-3.0-oval.xml":  []byte(three),
	}
}

// brief writes an advisory as "ID severity: stream name status reason introduced..fixed or last".
func brief(a assay.Advisory) string {
	p := a.Affected[0]
	g := p.Ranges[0]
	return fmt.Sprintf("%s %s: %s %s %q %s..%s%s", a.ID, a.Severity, p.Stream, p.Name, p.Reason, g.Introduced, g.Fixed, g.LastAffected)
}

func TestDefinitions(t *testing.T) {
	const id = "CVE-2024-0001"
	lt, le, gt := [2]string{"less than", "0: 8-2.azl3"}, [2]string{"less than or equal", "1:8-1.azl3"}, [2]string{"greater than", "0:7"}
	for _, tt := range []struct{ name, document, want string }{
		{"patchable", document(id, "true", lt), `CVE-2024-0001 HIGH: azurelinux:3.0 curl "" ..8-2.azl3`},
		{"not patchable", document(id, "false", le), `CVE-2024-0001 HIGH: azurelinux:3.0 curl "no patch" ..1:8-1.azl3`},
		{"not applicable", document(id, "Not Applicable", lt), `not applicable`},
		{"a beginning", document(id, "true", lt, gt), `CVE-2024-0001 HIGH: azurelinux:3.0 curl "" 7..8-2.azl3`},
		{"two ends", document(id, "true", lt, le), `unsupported test`},
		{"another operation", document(id, "true", [2]string{"pattern match", "8"}), `unsupported test`},
		{"no version", document(id, "true", [2]string{"less than", ""}), `unsupported test`},
		{"no test", document(id, "true"), `unsupported test`},
		{"no CVE", document("ADV-1", "true", lt), `no CVE`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, documents(tt.document), "azurelinux:3.0")
			var got string
			for _, a := range r.Advisories {
				got += brief(a)
			}
			for why := range r.Skipped {
				got += why
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestContract(t *testing.T) {
	docs := documents(document("CVE-2024-0001", "true", [2]string{"less than", "0:8-2.azl3"}))
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "azurelinux:3.0"})
}

// TestCorpus: the numbers were counted by another program.
func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	n, facts, dated := map[string]int{}, map[string]string{}, 0
	for _, a := range r.Advisories {
		p := a.Affected[0]
		n[string(p.Stream)+" "+p.Reason]++
		facts[string(p.Stream)+" "+p.Name+" "+a.ID] = brief(a)
		if a.Severity == assay.SeverityUnknown || len(a.Affected) != 1 || p.Reason == "" && !p.FixDate.Equal(a.Published) {
			t.Fatalf("incomplete: %+v", a)
		}
		if !a.Published.IsZero() {
			dated++
		}
	}
	if diff := cmp.Diff(map[string]int{"azurelinux:1.0 ": 2048, "azurelinux:1.0 no patch": 126, "azurelinux:2.0 ": 2144, "azurelinux:2.0 no patch": 160, "azurelinux:3.0 ": 816}, n); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"not applicable": 78 + 132 + 1}, r.Reasons()); diff != "" || dated != 4830 {
		t.Errorf("%d with a date\n%s", dated, diff)
	}
	for key, want := range map[string]string{
		"azurelinux:3.0 kernel CVE-2024-42152":           `CVE-2024-42152 MEDIUM: azurelinux:3.0 kernel "" ..6.6.43.1-7.azl3`,
		"azurelinux:3.0 postgresql CVE-2024-7348":        `CVE-2024-7348 HIGH: azurelinux:3.0 postgresql "" ..16.4-1.azl3`,
		"azurelinux:1.0 syslinux CVE-2022-3857":          `CVE-2022-3857 MEDIUM: azurelinux:1.0 syslinux "no patch" ..6.04-9.cm1`,
		"azurelinux:2.0 qt5-qtbase CVE-2023-51714":       `CVE-2023-51714 CRITICAL: azurelinux:2.0 qt5-qtbase "" ..5.12.11-10.cm2`,
		"azurelinux:3.0 cloud-hypervisor CVE-2023-45853": "",
	} {
		if facts[key] != want {
			t.Errorf("%s: %s, want %s", key, facts[key], want)
		}
	}
}

// TestSamples reads excerpts in place of a release's document.
func TestSamples(t *testing.T) {
	for name, want := range map[string]string{
		"_alt/anchore+vunnel/raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/cbl-mariner-2.0-oval.xml": `4 map[not applicable:1] CVE-2023-29404 CRITICAL: azurelinux:2.0 golang "" 1.19.0.cm2..1.20.7-1.cm2`,
		"raw.githubusercontent.com/microsoft/AzureLinuxVulnerabilityData/main/cbl-mariner-2.0-preview-oval.xml":             `5 map[] CVE-2014-8139 HIGH: azurelinux:2.0 unzip "no patch" ..6.0-19.cm1`,
	} {
		b, err := os.ReadFile(corpus.Path(t, "feeds/"+name))
		if err != nil {
			t.Fatal(err)
		}
		r := contract.Fetch(t, Feed{}, contract.Documents{Directory + "cbl-mariner-2.0-oval.xml": b}, "azurelinux:2.0")
		if got := fmt.Sprintf("%d %v %s", r.Kept(), r.Reasons(), brief(r.Advisories[0])); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Directory+"cbl-mariner-1.0-oval.xml", nil, document("CVE-2024-0001", "true", [2]string{"less than", "0:8-2.azl3"}, [2]string{"greater than", "7"}))
}

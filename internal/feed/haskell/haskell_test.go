package haskell

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const member = "security-advisories-main/advisories/published/2023/HSEC-2023-0001.md"

const small = "```toml" + `
[advisory]
id = "HSEC-2023-0001"
cwe = [328, 400]
aliases = ["CVE-2022-3433"]

[[affected]]
package = "aeson"
cvss = "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H"
os = ["mingw32"]
declarations."Data.Aeson.decode" = ">= 0.4 && < 2"
[[affected.versions]]
introduced = "0"
fixed = "2.0.1.0"
[[affected.versions]]
introduced = "3"

[[affected]]
ghc-component = "ghci"
cvss = "AV:L/AC:L/Au:N/C:C/I:C/A:C"
[[affected.versions]]
introduced = "9.0"

[[references]]
type = "ARTICLE"
url = "https://x"
` + "```\n\n# Title\n\nText.\n"

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: contract.TarGz(contract.Member{Name: member, Content: small},
		contract.Member{Name: "d/published/HSEC-2.md", Content: "```toml\n[advisory]\nid='HSEC-2'\nwithdrawn=2024-01-01\n```"},
		contract.Member{Name: "d/published/HSEC-3.md", Content: "```toml\n[advisory]\nid='HSEC-3'\n```"},
		contract.Member{Name: "d/published/HSEC-4.md", Content: "# HSEC-4"},
		contract.Member{Name: "d/reserved/HSEC-5.md", Content: ""})}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "ghc"})
	want := []assay.Advisory{{
		ID: "HSEC-2023-0001", Aliases: []string{"CVE-2022-3433"}, Feed: "haskell", Title: "Title", Text: "Text.", CWEs: []string{"CWE-328", "CWE-400"},
		CVSS: []assay.CVSS{{Source: "haskell", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H", Score: 6.5}, {Source: "haskell", Version: "2.0", Vector: "AV:L/AC:L/Au:N/C:C/I:C/A:C", Score: 7.2}},
		URL:  "https://osv.dev/vulnerability/HSEC-2023-0001", References: []string{"https://x"},
		Affected: []assay.Affected{
			{Stream: "hackage", Name: "aeson", Status: assay.StatusAffected, Severity: assay.SeverityMedium, Ranges: []assay.Range{{Fixed: "2.0.1.0"}, {Introduced: "3"}}, Qualifiers: assay.Qualifiers{
				OS: []string{"windows"}, Imports: []assay.Import{{Path: "Data.Aeson.decode"}}}},
			{Stream: "ghc", Name: "ghci", Status: assay.StatusAffected, Severity: assay.SeverityHigh, Ranges: []assay.Range{{Introduced: "9.0"}}},
		},
	}}
	r := contract.Fetch(t, Feed{}, docs)
	if diff := cmp.Diff(want, r.Advisories); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"malformed record": {"HSEC-4"}, "withdrawn": {"HSEC-2"}, "no versions that can be compared": {"HSEC-3"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
}

// TestCorpus compares with the team's own export in OSV's form.
func TestCorpus(t *testing.T) {
	mirror := contract.Mirror(corpus.Path(t, "feeds"))
	r := contract.Fetch(t, Feed{}, mirror)
	if r.Kept() != 35 {
		t.Errorf("%d kept, skipped %v", r.Kept(), r.Skipped)
	}
	var export contract.Records
	if err := (osv.Publisher{Feed: "haskell"}).Fetch(t.Context(), mirror, "https://osv-vulnerabilities.storage.googleapis.com/Hackage/all.zip", &export); err != nil {
		t.Fatal(err)
	}
	theirs := map[string][]assay.Affected{}
	for _, a := range export.Advisories {
		theirs[a.ID] = a.Affected
	}
	for _, a := range r.Advisories {
		diff := cmp.Diff(theirs[a.ID], a.Affected, cmpopts.IgnoreFields(assay.Affected{}, "Qualifiers", "Severity"))
		if diff != "" {
			t.Errorf("%s: %s", a.ID, diff)
		}
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.TarGz, member), small)
}

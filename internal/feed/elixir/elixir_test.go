package elixir

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const member = "elixir-security-advisories-master/packages/plug/2017-04-17.yml"

const small = `---
id: dc96aba4
package: plug
disclosure_date: 2017-04-17
cve: 2018-1000883
link: https://x
title: |
  Header Injection
patched_versions:
  - ">= 1.3.5"
  - ~> 1.2.5
`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: contract.TarGz(contract.Member{Name: member, Content: small})}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "hex"})
}

// brief writes an advisory as "ID notices name [from,fixed) …".
func brief(a assay.Advisory) string {
	s := fmt.Sprintf("%s %v %s", a.ID, a.VendorIDs, a.Affected[0].Name)
	for _, r := range a.Affected[0].Ranges {
		s += fmt.Sprintf(" [%s,%s%s", r.Introduced, r.Fixed, r.LastAffected)
	}
	return s
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	var got []string
	for _, a := range r.Advisories {
		if a.Title == "" || a.Text == "" || a.Published.IsZero() {
			t.Errorf("incomplete: %+v", a)
		}
		got = append(got, brief(a))
	}
	want := `CVE-2018-20301 [2aae6e3a-24a3-4d5f-86ff-b964eaf7c6d1] coherence [,0.5.2
46aad699-50a3-48d8-a7ac-f248ab96b374 [] ecto [2.2.0,2.2.0
CVE-2020-15150 [75dd2048-1665-440f-b629-0149dbad5300] paginator [,1.0.0
CVE-2017-1000163 [32a198e1-8efc-40e7-9277-c6a632024767] phoenix [,1.0.5 [1.1.0-0,1.1.7 [1.2.0-0,1.2.3 [1.3.0-0,1.3.0-rc.1
298dc371-c851-456b-9af1-5adb1c07f9cb [] phoenix_html [3.0.0,3.1.0
CVE-2017-1000052 [8268e120-60b4-4efb-b9ca-4e3faca0cca6] plug [,1.0.4 [1.1.0-0,1.1.7 [1.2.0-0,1.2.3 [1.3.0-0,1.3.2
CVE-2017-1000053 [6d35c3ee-ca74-47dc-83e4-bd1604e31309] plug [,1.0.4 [1.1.0-0,1.1.7 [1.2.0-0,1.2.3 [1.3.0-0,1.3.2
CVE-2018-1000883 [dc96aba4-4462-4d3b-b73f-28b9349133d8] plug [,1.0.6 [1.1.0-0,1.1.9 [1.2.0-0,1.2.5 [1.3.0-0,1.3.5
CVE-2020-5205 [1c6dd016-838d-4255-b826-ca63fa66a1c9] pow [,1.0.16
CVE-2019-16764 [bcdf62ae-14a8-4179-a0ff-a92d0ca06ceb] pow_assent [,0.4.4
CVE-2019-15160 [fb810971-a5c6-4268-9bd7-d931f72a87ec] sweet_xml [,0.7.0
CVE-2018-20302 [0469cde7-c10e-43fd-83f6-11aef00cc8d9] xain [,0.6.2`
	if diff := cmp.Diff(strings.Split(want, "\n"), got); diff != "" || len(r.Skipped) > 0 {
		t.Errorf("skipped %v\n%s", r.Skipped, diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.TarGz, member), small)
}

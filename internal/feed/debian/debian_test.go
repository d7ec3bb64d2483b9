package debian

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/contract"
	"github.com/assaysec/assay/internal/corpus"
)

// tracker is an export with one package, vulnerability and release.
func tracker(codename, state string) contract.Documents {
	return contract.Documents{Document: []byte(`{"curl": {"CVE-2024-1": {"description": "Words.", "releases": {"` + codename + `": ` + state + `}}}}`)}
}

// brief writes an advisory as "stream status severity reason <fixed".
func brief(a assay.Advisory) string {
	p := a.Affected[0]
	return fmt.Sprintf("%s %s %s %q <%s", p.Stream, p.Status, p.Severity, p.Reason, p.Ranges[0].Fixed)
}

func TestStates(t *testing.T) {
	for _, tt := range []struct{ name, codename, state, want string }{
		{"resolved", "bookworm", `{"status":"resolved","fixed_version":"1:7.8-1","urgency":"not yet assigned"}`, `debian:12 affected UNKNOWN "" <1:7.8-1`},
		{"never there", "bookworm", `{"status":"resolved","fixed_version":"0","urgency":"unimportant"}`, `debian:12 not_affected NEGLIGIBLE "" <`},
		{"resolved, who knows when", "jessie", `{"status":"resolved","urgency":"low**"}`, `resolved without a version`},
		{"open", "trixie", `{"status":"open","urgency":"high**"}`, `debian:13 affected HIGH "open" <`},
		{"open, no advisory", "bookworm", `{"status":"open","urgency":"medium","nodsa":"Minor issue","nodsa_reason":""}`, `debian:12 affected MEDIUM "no-dsa" <`},
		{"ignored", "bookworm", `{"status":"open","urgency":"low","nodsa":"x","nodsa_reason":"ignored"}`, `debian:12 will_not_fix LOW "ignored" <`},
		{"postponed", "bookworm", `{"status":"open","urgency":"low","nodsa":"x","nodsa_reason":"postponed"}`, `debian:12 fix_deferred LOW "postponed" <`},
		{"out of support", "buster", `{"status":"open","urgency":"end-of-life"}`, `debian:10 end_of_life UNKNOWN "end-of-life" <`},
		{"undetermined", "sid", `{"status":"undetermined","urgency":"not yet assigned"}`, `debian:sid unknown UNKNOWN "undetermined" <`},
		{"a new status", "sid", `{"status":"solved"}`, `unknown status`},
		{"a new release", "nobody", `{"status":"open"}`, `release of unknown name`},
		{"another shape", "sid", `["open"]`, `malformed record`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, tracker(tt.codename, tt.state))
			var got string
			for _, a := range r.Advisories {
				got = brief(a)
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

const small = `{
	"curl": {
		"CVE-2024-1": {"description": "Words.", "releases": {
			"bookworm": {"status": "resolved", "fixed_version": "7.8-1", "urgency": "low"},
			"sid": {"status": "open", "urgency": "low"}}},
		"TEMP-0841856-B18BAF": {"releases": {"bookworm": {"status": "open", "urgency": "unimportant"}}},
		"CVE-2024-2": {"releases": []},
		"CVE-2024-3": "odd"
	},
	"empty": {}
}`

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: contract.Documents{Document: []byte(small)}, Wanted: "debian:12"})
}

func TestWhole(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Documents{Document: []byte(small)}, "debian:12")
	want := []assay.Advisory{{
		ID: "CVE-2024-1", Feed: "debian", Text: "Words.", URL: page + "CVE-2024-1",
		Affected: []assay.Affected{{Stream: "debian:12", Name: "curl", Status: assay.StatusAffected, Severity: assay.SeverityLow, Ranges: []assay.Range{{Fixed: "7.8-1"}}}},
	}, {
		ID: "TEMP-0841856-B18BAF", Feed: "debian", URL: page + "TEMP-0841856-B18BAF",
		Affected: []assay.Affected{{Stream: "debian:12", Name: "curl", Status: assay.StatusAffected, Severity: assay.SeverityNegligible, Reason: "open", Ranges: []assay.Range{{}}}},
	}}
	if diff := cmp.Diff(want, r.Advisories); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"malformed record": {"curl CVE-2024-2", "curl CVE-2024-3"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	n := map[string]int{}
	for _, a := range r.Advisories {
		n[string(a.Affected[0].Stream)+" "+string(a.Affected[0].Status)]++
	}
	want := map[string]int{
		"debian:10 affected": 3905, "debian:11 affected": 6530, "debian:11 unknown": 3117,
		"debian:12 affected": 7209, "debian:12 unknown": 636, "debian:13 affected": 4537, "debian:13 unknown": 71,
	}
	if diff := cmp.Diff(want, n); diff != "" || len(r.Skipped) != 0 {
		t.Errorf("skipped %v\n%s", r.Skipped, diff)
	}
	for _, a := range r.Advisories {
		if p := a.Affected[0]; p.Name == "openssl" && p.Stream == "debian:12" && a.ID == "CVE-2022-0778" && p.Ranges[0].Fixed != "3.0.2-1" {
			t.Errorf("%+v", a)
		}
	}
}

// TestSamples reads excerpts of the tracker's own export.
func TestSamples(t *testing.T) {
	for sample, want := range map[string]struct {
		kept    int
		skipped map[string]int
	}{
		"anchore+vunnel":   {25, map[string]int{"malformed record": 1}},          // "releases": []
		"stackrox+scanner": {6, map[string]int{"resolved without a version": 1}}, // wheezy
	} {
		b, err := os.ReadFile(corpus.Path(t, "feeds/_alt/"+sample+"/security-tracker.debian.org/tracker/data/json"))
		if err != nil {
			t.Fatal(err)
		}
		r := contract.Fetch(t, Feed{}, contract.Documents{Document: b})
		if r.Kept() != want.kept || cmp.Diff(want.skipped, r.Reasons()) != "" {
			var all []string
			for _, a := range r.Advisories {
				all = append(all, a.ID+" "+brief(a))
			}
			t.Errorf("%s: %d kept, skipped %v\n%s", sample, r.Kept(), r.Skipped, strings.Join(all, "\n"))
		}
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, nil, small) }

package debian

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
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
		{"a new release", "nobody", `{"status":"open"}`, `unknown release name`},
		{"unexpected value", "sid", `["open"]`, `malformed record`},
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

const dsa = `[29 Mar 2023] DSA-5380-2 curl - regression update
	[bookworm] - curl 7.9-1
[27 Mar 2023] DSA-5380-1 curl - security update
	{CVE-2024-1 CVE-2023-2}
	[bookworm] - curl 7.8-1
	[jessie] - curl 7.4-1 (bug #1)
	[jessie] - libcurl <not-affected> (Vulnerable code not present)
	NOTE: see there
[26 Mar 2023] DSA-5379-1 curl - security update
	[jessie] - curl 7.10-1
	{CVE-2023-2}
	[jessie] - old <end-of-life>
	[jessie] - open <unfixed>
	[jessie] - odd <new>
	[nobody] - curl 1
[25 Mar 2023] DSA-5378-1 jessie end-of-life
[24 Mar 2023] DSA-5377-1 x - security update
	{CVE-2023-3}
[01 Jul 2002] MALFORMED HEADER
`

const dla = `[01 Apr 2023] DLA-3380-1 zip - security update
	[jessie] - zip 1-1
`

func TestNotices(t *testing.T) {
	docs := contract.Documents{Document: []byte(small), DSA: []byte(dsa), DLA: []byte(dla)}
	r := contract.Fetch(t, Feed{}, docs)
	var got []string
	for _, a := range r.Advisories {
		got = append(got, fmt.Sprintf("%s %s %v: %s %s", a.ID, a.Affected[0].Name, a.VendorIDs, brief(a), a.Affected[0].FixDate.Format("0102")))
	}
	want := []string{
		`CVE-2024-1 curl [DSA-5380-1]: debian:12 affected LOW "" <7.8-1 0327`,
		`CVE-2024-1 curl []: debian:sid affected LOW "open" < 0101`,
		`TEMP-0841856-B18BAF curl []: debian:12 affected NEGLIGIBLE "open" < 0101`,
		`CVE-2024-1 curl [DSA-5380-1]: debian:8 affected UNKNOWN "" <7.4-1 0327`,
		`CVE-2023-2 curl [DSA-5379-1 DSA-5380-1]: debian:8 affected UNKNOWN "" <7.10-1 0326`,
		`CVE-2024-1 libcurl [DSA-5380-1]: debian:8 not_affected UNKNOWN "not-affected" < 0101`,
		`CVE-2023-2 libcurl [DSA-5380-1]: debian:8 not_affected UNKNOWN "not-affected" < 0101`,
		`CVE-2023-2 old [DSA-5379-1]: debian:8 end_of_life UNKNOWN "end-of-life" < 0101`,
		`CVE-2023-2 open [DSA-5379-1]: debian:8 affected UNKNOWN "unfixed" < 0101`,
		`CVE-2023-2 odd [DSA-5379-1]: debian:8 unknown UNKNOWN "new" < 0101`,
		`DLA-3380-1 zip []: debian:8 affected UNKNOWN "" <1-1 0401`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{
		"malformed record":                    {"curl CVE-2024-2", "curl CVE-2024-3"},
		"notice without CVE":                  {"DSA-5380-2", "DSA-5378-1"},
		"notice without package":              {"DSA-5377-1"},
		"malformed line in a list of notices": {"[01 Jul 2002] MALFORMED HEADER"},
		"unknown release name":                {"curl CVE-2023-2 nobody"},
	}, r.Skipped); diff != "" {
		t.Error(diff)
	}
	if r := contract.Fetch(t, Feed{}, docs, "debian:8"); len(r.Advisories) != 8 {
		t.Errorf("%d for debian:8, want 8", len(r.Advisories))
	}
	for _, b := range []string{"", "<!DOCTYPE html>", "[29 Mar", strings.Repeat("x", maxLine+1)} {
		err := Feed{}.Fetch(t.Context(), contract.Documents{Document: []byte(small), DLA: []byte(b)}, nil, &contract.Records{})
		if !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), DLA) {
			t.Errorf("%.20q: %v", b, err)
		}
	}
}

// TestCorpus: the tracker there is derived and has four releases; the lists are
// genuine, of 2023. Their numbers were counted by another program.
func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	n, vendor, dated := map[string]int{}, 0, 0
	for _, a := range r.Advisories {
		p := a.Affected[0]
		n[string(p.Stream)+" "+string(p.Status)]++
		if p.Stream == "debian:10" || p.Stream == "debian:11" {
			vendor += min(1, len(a.VendorIDs))
			if !p.FixDate.IsZero() {
				dated++
			}
		}
	}
	want := map[string]int{
		"debian:10 affected": 3905, "debian:11 affected": 6530, "debian:11 unknown": 3117,
		"debian:12 affected": 7209, "debian:12 unknown": 636, "debian:13 affected": 4537, "debian:13 unknown": 71,
		"debian:3.0 affected": 1527, "debian:3.0 not_affected": 66, "debian:3.1 affected": 2491, "debian:3.1 not_affected": 12,
		"debian:4 affected": 1886, "debian:4 not_affected": 2, "debian:5 affected": 1587, "debian:5 not_affected": 3,
		"debian:6 affected": 2948, "debian:7 affected": 5717, "debian:8 affected": 6393, "debian:9 affected": 5586,
	}
	if diff := cmp.Diff(want, n); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"notice without CVE": 336, "notice without package": 8}, r.Reasons()); diff != "" || vendor != 5897 || dated != 5897 {
		t.Errorf("%d with notices, %d with a date\n%s", vendor, dated, diff)
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

// TestListSamples reads excerpts of the lists with a tracker that has no such
// releases.
func TestListSamples(t *testing.T) {
	for sample, want := range map[string]string{
		"anchore+vunnel/salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DSA/list":                "8 map[malformed record:2 notice without CVE:4]",
		"aquasecurity+vuln-list-update/salsa.debian.org/security-tracker-team/security-tracker/-/raw/master/data/DLA/list": "4 map[malformed line in a list of notices:2 malformed record:2]",
	} {
		b, err := os.ReadFile(corpus.Path(t, "feeds/_alt/"+sample))
		if err != nil {
			t.Fatal(err)
		}
		r := contract.Fetch(t, Feed{}, contract.Documents{Document: []byte(small), DSA: b})
		if got := fmt.Sprint(r.Kept()-3, r.Reasons()); got != want {
			t.Errorf("%s: %s, want %s", sample, got, want)
		}
	}
}

func FuzzLists(f *testing.F) {
	f.Add([]byte(dsa))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := &notices{claims: map[place][]claim{}}
		var r contract.Records
		if err := n.read(t.Context(), bytes.NewReader(b), &r); err == nil {
			n.emit(nil, nil, &r)
		}
		for _, a := range r.Advisories {
			if a.ID == "" || a.Affected[0].Name == "" || a.Affected[0].Status == "" {
				t.Errorf("%+v", a)
			}
		}
	})
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, nil, small) }

// lists is a mirror whose lists of notices are not to be had; held are those
// that were.
type lists struct {
	contract.Documents
	err  error
	held contract.Documents
}

func (l lists) Get(ctx context.Context, url string) (io.ReadCloser, error) {
	if url == DSA || url == DLA {
		return nil, fmt.Errorf("%s: %w", url, l.err)
	}
	return l.Documents.Get(ctx, url)
}

func (l lists) Cached(ctx context.Context, url string) (io.ReadCloser, error) {
	return l.held.Get(ctx, url)
}

func (l lists) GetVersion(ctx context.Context, url, _ string) (io.ReadCloser, error) {
	return l.Get(ctx, url)
}

// TestListsUnreachable: without its lists of notices the tracker is read all the
// same, and that they lack is counted; but what only they tell is not lost in
// silence.
func TestListsUnreachable(t *testing.T) {
	docs := contract.Documents{Document: []byte(`{"openssl": {"CVE-2022-0001": {"releases": {"bullseye": {"status": "resolved", "fixed_version": "1"}}}}}`)}
	down, before := errors.New("no such host"), contract.Documents{DLA: []byte(dla)}
	for _, tt := range []struct {
		name    string
		err     error
		held    contract.Documents
		wanted  []assay.Stream
		skipped int
		fails   string
	}{
		{"down, release of the tracker", down, nil, []assay.Stream{"debian:11"}, 2, ""},
		{"down, release of the lists", down, nil, []assay.Stream{"debian:11", "debian:8"}, 0, DLA},
		{"down, all of Debian", down, nil, []assay.Stream{"debian:*"}, 0, DLA},
		{"down, all", down, nil, nil, 0, DLA},
		{"never there", assay.ErrNotFound, nil, nil, 0, ""},
		{"gone, all", assay.ErrNotFound, before, nil, 0, DLA},
		{"gone, release of the tracker", assay.ErrNotFound, before, []assay.Stream{"debian:11"}, 1, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var r contract.Records
			err := Feed{}.Fetch(t.Context(), lists{docs, tt.err, tt.held}, tt.wanted, &r)
			if tt.fails != "" {
				if !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("%v, want one about %s", err, tt.fails)
				}
				return
			}
			if err != nil || len(r.Advisories) != 1 || r.Reasons()[whyUnreachable] != tt.skipped {
				t.Errorf("%v, %d advisories, skipped %v", err, len(r.Advisories), r.Skipped)
			}
		})
	}
}

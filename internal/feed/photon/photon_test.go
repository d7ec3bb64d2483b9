package photon

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const oval5 = `<oval_definitions xmlns="urn:o"><definitions><definition class="patch" id="d:1"><metadata><title>PHSA-2024:00001 curl Security Update. (Important)</title>
	<reference ref_id="PHSA:00001:5.0:184" source="PHSA"/><advisory><issued date="2024-01-04"/><cve>CVE-2023-0001</cve></advisory></metadata>
	<criteria operator="OR"><criterion test_ref="t:1" comment="curl is earlier than 0:8-1.ph5"/><criterion test_ref="t:2" comment="curl-devel is earlier than 0:8-1.ph5"/></criteria></definition></definitions></oval_definitions>`

func documents(entries ...string) contract.Documents {
	return contract.Documents{
		Branches:                                   []byte(`{"branches": ["5.0", "4.0"]}`),
		Directory + "cve_data_photon4.0.json":      []byte(`[{"cve_id": "CVE-2020-0001", "pkg": "zlib", "cve_score": 7.5, "aff_ver": "all versions before 1-2.ph4 are vulnerable", "res_ver": "1-2.ph4"}]`),
		Directory + "cve_data_photon5.0.json":      []byte("[" + strings.Join(entries, ",") + "]"),
		Notices + "com.vmware.phsa-photon5.xml.gz": []byte(oval5),
	}
}

// entryOf is an entry about curl.
func entryOf(id, affected, fixed, status string) string {
	return fmt.Sprintf(`{"cve_id": %q, "pkg": "curl", "cve_score": 9.1, "aff_ver": %q, "res_ver": %q, "status": %q}`, id, affected, fixed, status)
}

// brief writes an advisory as "ID notices severity: stream name status reason <fixed date".
func brief(a assay.Advisory) string {
	p := a.Affected[0]
	s := fmt.Sprintf("%s %v %s: %s %s %s %q <%s", a.ID, a.VendorIDs, a.Severity, p.Stream, p.Name, p.Status, p.Reason, p.Ranges[0].Fixed)
	if !p.FixDate.IsZero() {
		s += p.FixDate.Format(" 2006-01-02")
	}
	return s
}

func TestEntries(t *testing.T) {
	const id, before = "CVE-2023-0001", "all versions before 8-1.ph5 are vulnerable"
	for _, tt := range []struct{ name, entry, want string }{
		{"fixed", entryOf(id, before, "8-1.ph5", "Fixed"), `CVE-2023-0001 [PHSA-2024-5.0-0184] CRITICAL: photon:5.0 curl affected "" <8-1.ph5 2024-01-04`},
		{"of old", entryOf(id, before, "8-2.ph5", ""), `CVE-2023-0001 [] CRITICAL: photon:5.0 curl affected "" <8-2.ph5`},
		{"not affected", entryOf(id, "NA", "NA", "Not Affected"), `CVE-2023-0001 [] CRITICAL: photon:5.0 curl not_affected "Not Affected" <`},
		{"not affected, of old", entryOf(id, "NA", "NA", ""), `CVE-2023-0001 [] CRITICAL: photon:5.0 curl not_affected "NA" <`},
		{"no release yet", entryOf(id, before, "NA", "Open"), `CVE-2023-0001 [PHSA-2024-5.0-0184] CRITICAL: photon:5.0 curl affected "Open" <8-1.ph5 2024-01-04`},
		{"all", entryOf(id, "all versions are vulnerable", "NA", ""), `CVE-2023-0001 [] CRITICAL: photon:5.0 curl affected "" <`},
		{"in words", entryOf(id, "8 to 9", "NA", ""), `affected versions only as text`},
		{"investigated", entryOf(id, "NA", "NA", "Under Investigation"), `CVE-2023-0001 [] CRITICAL: photon:5.0 curl under_investigation "Under Investigation" <`},
		{"never", entryOf(id, "NA", "NA", "Will Not Fix"), `CVE-2023-0001 [] CRITICAL: photon:5.0 curl will_not_fix "Will Not Fix" <`},
		{"a fix that is none", entryOf(id, "NA", "NA", "Fixed"), `no affected versions`},
		{"a new status", entryOf(id, "NA", "NA", "Solved"), `unknown status`},
		{"no CVE", entryOf("UNK-1", "NA", "NA", "Not Affected"), `no CVE`},
		{"no package", `{"cve_id": "CVE-2023-0001", "res_ver": "1"}`, `no package`},
		{"unexpected value", `["x"], ` + entryOf("", "NA", "NA", ""), `no CVEmalformed record`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, documents(tt.entry), "photon:5.0")
			var got string
			for _, a := range r.Advisories {
				got += brief(a)
			}
			for _, why := range slices.Backward(slices.Sorted(maps.Keys(r.Skipped))) {
				got += why
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestContract(t *testing.T) {
	docs := documents(entryOf("CVE-2023-0001", "NA", "8-1.ph5", "Fixed"))
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "photon:4.0"})
}

// TestNoNotices: entries are kept where a branch has no notices.
func TestNoNotices(t *testing.T) {
	docs := documents(entryOf("CVE-2023-0001", "NA", "8-1.ph5", "Fixed"))
	docs[Notices+"com.vmware.phsa-photon5.xml.gz"] = []byte(`<oval_definitions xmlns="urn:o"><definitions/></oval_definitions>`)
	empty := contract.Fetch(t, Feed{}, docs)
	delete(docs, Notices+"com.vmware.phsa-photon5.xml.gz")
	missing := contract.Fetch(t, Feed{}, docs)
	if diff := cmp.Diff(missing, empty); diff != "" || empty.Kept() != 2 {
		t.Errorf("%d entries with an empty document, want the 2 without one:\n%s", empty.Kept(), diff)
	}
}

func TestBranches(t *testing.T) {
	docs := documents(entryOf("CVE-2023-0001", "NA", "8-1.ph5", "Fixed"))
	docs[Branches] = []byte(`{"branches": ["../x", "5.0"]}`)
	if r := contract.Fetch(t, Feed{}, docs); r.Kept() != 1 || len(r.Skipped["unknown branch name"]) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	n := map[string]int{}
	for _, a := range r.Advisories {
		n[string(a.Affected[0].Stream)+" "+string(a.Affected[0].Status)]++
	}
	if diff := cmp.Diff(map[string]int{"photon:1.0 affected": 5, "photon:2.0 affected": 5, "photon:3.0 affected": 4, "photon:3.0 not_affected": 1}, n); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{"no CVE": {"UNK-1 curl-libs"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
	if got, want := brief(r.Advisories[0]), `CVE-2016-9843 [] HIGH: photon:1.0 zlib affected "" <1.2.8-5.ph1`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestSamples reads other excerpts, and the notices of Photon 3 with an entry
// that is made to fit.
func TestSamples(t *testing.T) {
	for origin, want := range map[string]string{
		"MaineK00n+vuls-data-update": `2 CVE-2020-11979 [] HIGH: photon:1.0 apache-ant affected "" <1.10.8-2.ph1`,
		"anchore+vunnel":             `3 CVE-2016-1238 [] HIGH: photon:1.0 perl affected "" <5.22.1-4.ph1`,
	} {
		b, err := os.ReadFile(corpus.Path(t, "feeds/_alt/"+origin+"/packages.broadcom.com/photon/photon_cve_metadata/cve_data_photon1.0.json"))
		if err != nil {
			t.Fatal(err)
		}
		r := contract.Fetch(t, Feed{}, contract.Documents{Branches: []byte(`{"branches":["1.0"]}`), Directory + "cve_data_photon1.0.json": b})
		if got := fmt.Sprint(len(r.Advisories), " ", brief(r.Advisories[0])); got != want {
			t.Errorf("%s: %s, want %s", origin, got, want)
		}
	}
	b, err := os.ReadFile(corpus.Path(t, "feeds/packages.broadcom.com/photon/photon_oval_definitions/com.vmware.phsa-photon3.xml"))
	if err != nil {
		t.Fatal(err)
	}
	known, err := notices(t.Context(), contract.Documents{Notices + "com.vmware.phsa-photon3.xml.gz": b}, "3.0")
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, all := range known {
		for _, n := range all {
			ids[n.id] = true
		}
	}
	if all := known[fix{"CVE-2019-16168", "sqlite", "3.27.2-5.ph3"}]; len(all) != 1 || all[0].id != "PHSA-2019-3.0-0036" || len(ids) != 52 {
		t.Errorf("%v, %d notices", all, len(ids))
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, one{}, Directory+"cve_data_photon5.0.json", nil, "["+entryOf("CVE-2023-0001", "NA", "8-1.ph5", "Fixed")+"]")
}

// one is the feed where the list of branches has one.
type one struct{ Feed }

func (o one) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	d := maps.Clone(g.(contract.Documents))
	d[Branches] = []byte(`{"branches": ["5.0"]}`)
	return o.Feed.Fetch(ctx, d, wanted, s)
}

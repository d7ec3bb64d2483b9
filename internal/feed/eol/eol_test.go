package eol

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/distro/lifecycle"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const full = `{"schema_version": "1.2.0", "total": 2, "result": [
 {"name": "debian", "label": "Debian", "labels": {"eoas": null, "eol": "Debian Security Support", "eoes": "Debian LTS"}, "releases": [
  {"name": "12", "isEol": false, "eolFrom": "2026-06-10", "isEoes": false, "eoesFrom": "2028-06-30", "isMaintained": true},
  {"name": "13", "isEol": false, "eolFrom": "2028-08-09", "isEoes": null, "eoesFrom": null},
  {"name": "14", "isEol": true, "eolFrom": "2030-08-09", "isEoes": false, "eoesFrom": null},
  {"name": "5", "isEol": true, "eolFrom": "2012-02-06", "isEoes": true, "eoesFrom": "2012-02-06"}]},
 {"name": "ubuntu", "label": "Ubuntu", "labels": {"eoes": "Expanded Security Maintenance"}, "releases": [
  {"name": "22.04", "isEol": false, "eolFrom": "2027-04-01", "isEoes": false, "eoesFrom": "2032-04-09"}]},
 {"name": "photon", "label": "VMware Photon", "labels": null, "releases": [
  {"name": "5.0", "isEol": false, "eolFrom": null},
  {"name": "1.0", "isEol": true},
  {"name": "6.0"},
  {"name": 7, "isEol": true},
  {"name": "", "isEol": true},
  {"name": "2.0", "eolFrom": "2022-13-01"},
  {"name": "3.0", "eolFrom": "2024-03-01", "latest": null}]},
 {"name": "../evil", "releases": [{"name": "1", "isEol": true}]},
 {"name": "odd", "releases": {}}
]}`

const single = `[{"cycle": "10", "releaseDate": "2019-07-06", "eol": "2022-09-10", "extendedSupport": "2024-06-30", "lts": false},
 {"cycle": "11", "eol": true}, {"cycle": "12", "eol": false, "extendedSupport": true}, {"cycle": "13"}, {"cycle": "14", "eol": 3}, 5]`

// line is an advisory in short.
func line(a assay.Advisory) string {
	f := a.Affected[0]
	date := "-"
	if !a.Published.IsZero() {
		date = a.Published.Format("2006-01-02")
	}
	return fmt.Sprintf("%s %s %s %s %s %s", f.Name, f.Versions[0], f.Status, date, f.Reason, a.Text)
}

func lines(r *contract.Records) (out []string) {
	for _, a := range r.Advisories {
		out = append(out, line(a))
	}
	return out
}

func TestFetch(t *testing.T) {
	tests := []struct {
		name    string
		docs    contract.Documents
		want    []string
		skipped map[string][]string
	}{
		{"all products", contract.Documents{Document: []byte(full)}, []string{
			"debian 12 end_of_life 2028-06-30  ",
			"debian 13 end_of_life 2028-08-09  ",
			"debian 14 not_affected - false ",
			"debian 5 end_of_life 2012-02-06  ",
			"ubuntu 22.04 end_of_life 2027-04-01  Expanded Security Maintenance ends on 2032-04-09 and is not available to all users.",
			"photon 5.0 not_affected - false ",
			"photon 1.0 end_of_life - true ",
			"photon 3.0 end_of_life 2024-03-01  ",
		}, map[string][]string{
			"no end-of-life date": {"photon 6.0"}, "malformed release": {"photon ", "photon "}, "malformed date": {"photon 2.0"},
			"malformed product": {"../evil", "odd"},
		}},
		{"single products", contract.Documents{product + "debian.json": []byte(single), product + "unknown.json": []byte("[]")}, []string{
			"debian 10 end_of_life 2024-06-30  ",
			"debian 11 end_of_life - true ",
			"debian 12 not_affected - false ",
		}, map[string][]string{"no end-of-life date": {"debian 13", "debian 14"}, "malformed release": {"debian "}}},
		{"a part of both", contract.Documents{
			Document:                  []byte(`{"result": [{"name": "debian", "releases": [{"name": "9", "isEol": true}]}]}`),
			product + "debian.json":   []byte(single),
			product + "rhel.json":     []byte(`[{"cycle": "7", "eol": "2024-06-30", "extendedSupport": "2029-05-31"}]`),
			product + "opensuse.json": []byte(`[{"cycle": "15.6", "eol": "2026-04-30"}]`),
		}, []string{
			"debian 9 end_of_life - true ",
			"opensuse 15.6 end_of_life 2026-04-30  ",
			"rhel 7 end_of_life 2024-06-30  Extended support ends on 2029-05-31 and is not available to all users.",
		}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, tt.docs)
			if diff := cmp.Diff(tt.want, lines(r)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.skipped, r.Skipped); diff != "" {
				t.Error(diff)
			}
		})
	}
	a := contract.Fetch(t, Feed{}, tests[0].docs).Advisories[0]
	if a.ID != "EOL-debian-12" || a.URL != "https://endoflife.date/debian" || a.Title != "Debian 12 reaches its end of life on 2028-06-30" {
		t.Errorf("%+v", a)
	}
}

func TestContract(t *testing.T) {
	for _, docs := range []contract.Documents{
		{Document: []byte(full)},
		{product + "debian.json": []byte(single)},
	} {
		contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: assay.StreamEOL})
	}
}

// TestCorpus reads genuine documents: all of the distributions of package
// distro that are there, and the dates that are known otherwise.
func TestCorpus(t *testing.T) {
	docs := contract.Documents{}
	read := func(url, name string) {
		b, err := os.ReadFile(corpus.Path(t, "feeds/"+name))
		if err != nil {
			t.Fatal(err)
		}
		docs[url] = b
	}
	read(Document, "endoflife.date/api/v1/products/full")
	missing := map[string]bool{"azure-linux": true, "openeuler": true, "openwrt": true, "photon": true, "suse-linux-micro": true}
	for _, p := range append(distro.Products(), lifecycle.Products()...) {
		if p != "ubuntu" && !missing[p] {
			read(product+p+".json", "endoflife.date/api/"+p+".json")
		}
	}
	r := contract.Fetch(t, Feed{}, docs)
	if len(r.Skipped) > 0 || len(r.Advisories) < 250 {
		t.Errorf("%d records, skipped %v", len(r.Advisories), r.Skipped)
	}
	got := map[string]string{}
	for _, a := range r.Advisories {
		got[a.ID] = a.Published.Format("2006-01-02")
	}
	want := map[string]string{
		"EOL-debian-10": "2024-06-30", "EOL-ubuntu-18.04": "2023-05-31", "EOL-alpine-linux-3.18": "2025-05-09", "EOL-centos-7": "2024-06-30",
		"EOL-centos-stream-8": "2024-05-31", "EOL-rhel-7": "2024-06-30", "EOL-sles-15.3": "2022-12-31", "EOL-opensuse-15.5": "2024-12-31",
		"EOL-amazon-linux-2018.03": "2023-12-31", "EOL-fedora-39": "2024-11-26", "EOL-oracle-linux-7": "2024-12-31", "EOL-rocky-linux-9": "2032-05-31",
		"EOL-oracle-linux-10": "0001-01-01", "EOL-nodejs-16": "2023-09-11", "EOL-python-3.8": "2024-10-07", "EOL-almalinux-8": "2029-05-31", "EOL-sles-15.0": "2019-12-31",
	}
	for id, date := range want {
		if got[id] != date {
			t.Errorf("%s: %q, want %s", id, got[id], date)
		}
	}
	for _, name := range []string{"eoldata", "valid-eol-response"} {
		read(Document, "endoflife.date/_more/"+name+".json")
		if r := contract.Fetch(t, Feed{}, contract.Documents{Document: docs[Document]}); len(r.Advisories) < 5 || len(r.Skipped) > 0 {
			t.Errorf("%s: %d records, skipped %v", name, len(r.Advisories), r.Skipped)
		}
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, nil, full, `{"result": [null]}`)
}

func FuzzCycles(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, product+"debian.json", nil, single)
}

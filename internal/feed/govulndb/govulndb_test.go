package govulndb

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func bundle(record []byte) []byte {
	return contract.Zip(contract.Member{Name: "ID/GO-2024-1.json", Content: string(record)}, contract.Member{Name: "index/vulns.json", Content: "[]"})
}

const small = `{"id":"GO-2024-1","summary":"S","aliases":["CVE-2024-0001"],"affected":[
	{"package":{"ecosystem":"Go","name":"stdlib"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.21.1"},{"introduced":"1.22.0-0"}]}],
	 "ecosystem_specific":{"imports":[{"path":"os/exec","symbols":["Cmd.Start"],"goos":["windows"]}]}},
	{"package":{"ecosystem":"Go","name":"stdlib"},"ranges":[{"type":"SEMVER","events":[{"introduced":"1.30.0"}]}]}],
	"database_specific":{"review_status":"UNREVIEWED"}}`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: bundle([]byte(small))}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "go"})
	want := []assay.Affected{
		{Stream: "go", Name: "stdlib", Status: assay.StatusAffected, Reason: "unreviewed", Ranges: []assay.Range{{Fixed: "1.21.1"}, {Introduced: "1.22.0-0"}},
			Qualifiers: assay.Qualifiers{Imports: []assay.Import{{Path: "os/exec", Symbols: []string{"Cmd.Start"}, OS: []string{"windows"}}}}},
		{Stream: "go", Name: "stdlib", Status: assay.StatusAffected, Reason: "unreviewed", Ranges: []assay.Range{{Introduced: "1.30.0"}}},
	}
	if diff := cmp.Diff(want, contract.Fetch(t, Feed{}, docs).Advisories[0].Affected); diff != "" {
		t.Error(diff)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	n := map[string]int{}
	for _, a := range r.Advisories {
		for _, p := range a.Affected {
			if p.Name == "stdlib" || p.Name == "toolchain" {
				n[p.Name]++
			}
			n[p.Reason]++
			for _, i := range p.Qualifiers.Imports {
				n["imports"]++
				n["symbols"] += len(i.Symbols)
				if i.OS != nil {
					n["goos"]++
				}
				if i.Arches != nil {
					n["goarch"]++
				}
			}
		}
	}
	// Counted apart.
	want := map[string]int{"stdlib": 158, "toolchain": 30, "unreviewed": 4170, "": 1192, "imports": 1197, "symbols": 8616, "goos": 38, "goarch": 7}
	if diff := cmp.Diff(want, n); diff != "" || r.Kept() != 3777 || cmp.Diff(map[string]int{"withdrawn": 9}, r.Reasons()) != "" {
		t.Errorf("%d kept, skipped %v\n%s", r.Kept(), r.Skipped, diff)
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, bundle, small) }

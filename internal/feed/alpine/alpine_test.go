package alpine

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func sampleDocument(name, fixes string) []byte {
	return []byte(`{"packages": [{"pkg": {"name": "` + name + `", "secfixes": ` + fixes + `}}]}`)
}

var documents = contract.Documents{
	Index + "v3.19/main.json":      sampleDocument("openssl", `{"3.1.0-r1": ["CVE-2023-0001"]}`),
	Index + "v3.20/main.json":      sampleDocument("openssl", `{"3.3.0-r1": ["CVE-2023-0001", "CVE-2024-0002"]}`),
	Index + "v3.20/community.json": sampleDocument("go", `{"1.22-r0": ["CVE-2024-0003"], "0": ["CVE-2024-0004"]}`),
	Index + "edge/main.json":       sampleDocument("openssl", `{"3.3.0-r1": ["CVE-2023-0001"]}`),
	Index + "last-update":          nil,
}

func TestContract(t *testing.T) {
	d := contract.Documents{}
	for u, b := range documents {
		if b != nil {
			d[u] = b
		}
	}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: d, Wanted: "alpine:3.20"})
}

func streams(r *contract.Records) map[assay.Stream]int {
	n := map[assay.Stream]int{}
	for _, a := range r.Advisories {
		n[a.Affected[0].Stream]++
	}
	return n
}

// plain cannot list directories.
type plain struct{ assay.Getter }

func TestBranches(t *testing.T) {
	for _, tt := range []struct {
		name   string
		getter assay.Getter
		wanted []assay.Stream
		want   map[assay.Stream]int
	}{
		{"all by index", documents, nil, map[assay.Stream]int{"alpine:3.19": 1, "alpine:3.20": 4, "alpine:edge": 1}},
		{"all by pattern", documents, []assay.Stream{"alpine:*"}, map[assay.Stream]int{"alpine:3.19": 1, "alpine:3.20": 4, "alpine:edge": 1}},
		{"wanted", plain{documents}, []assay.Stream{"alpine:edge", "alpine:3.20"}, map[assay.Stream]int{"alpine:3.20": 4, "alpine:edge": 1}},
		{"all by trying", plain{contract.Documents{
			Index + "v3.3/main.json": sampleDocument("a", `{"1-r0": ["CVE-2020-1"]}`), Index + "v3.6/main.json": sampleDocument("a", `{"1-r0": ["CVE-2020-1"]}`),
			Index + "v3.10/main.json": sampleDocument("a", `{"1-r0": ["CVE-2020-1"]}`), // after three that are not there
		}}, nil, map[assay.Stream]int{"alpine:3.3": 1, "alpine:3.6": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, streams(contract.Fetch(t, Feed{}, tt.getter, tt.wanted...))); diff != "" {
				t.Error(diff)
			}
		})
	}
	r := contract.Fetch(t, Feed{}, documents, "alpine:3.20", "alpine:9.9")
	if diff := cmp.Diff(map[string][]string{"branch not published": {"alpine:9.9"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	n := streams(r)
	// 85,171 strings; some name two CVEs, more are there twice in a package, and nine are GHSAs beside their CVE.
	if r.Kept() != 84_913 || len(r.Skipped) != 0 || len(n) != 21 || n["alpine:3.20"] != 7_849 || n["alpine:3.2"] != 305 {
		t.Errorf("%d kept, %v skipped, %v", r.Kept(), r.Reasons(), n)
	}
	not := 0
	var ssl []assay.Range
	for _, a := range r.Advisories {
		p := a.Affected[0]
		if p.Status == assay.StatusNotAffected {
			not++
		}
		if p.Stream == "alpine:3.20" && p.Name == "openssl" && a.ID == "CVE-2024-6119" {
			ssl = p.Ranges
		}
	}
	if diff := cmp.Diff([]assay.Range{{Fixed: "3.3.2-r0"}}, ssl); not != 552 || diff != "" {
		t.Errorf("%d not affected\n%s", not, diff)
	}
	xen := slices.IndexFunc(r.Advisories, func(a assay.Advisory) bool {
		return a.ID == "CVE-2016-9932" && a.Affected[0].Stream == "alpine:3.20"
	})
	if xen < 0 || !slices.Equal(r.Advisories[xen].VendorIDs, []string{"XSA-200"}) {
		t.Errorf("CVE-2016-9932: %d", xen)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Index+"edge/main.json", nil, string(documents[Index+"edge/main.json"]))
}

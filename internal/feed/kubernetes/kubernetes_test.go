package kubernetes

import (
	"archive/zip"
	"io/fs"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const member = "cve-feed-osv-main/vulns/CVE-2024-0001.json"

const small = `{"id":"CVE-2024-0001","modified":"2024-01-02T00:00:00Z","aliases":["CVE-2024-0001"],"affected":[{"package":{"ecosystem":"kubernetes","name":"k8s.io/apiserver"},"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"5.15.14"}]},{"type":"SEMVER","events":[{"introduced":"5.16.0"},{"last_affected":"5.16.0"}]}]}]}`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: contract.TarGz(contract.Member{Name: member, Content: small})}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "kubernetes"})
}

func TestCorpus(t *testing.T) {
	z, err := zip.OpenReader(corpus.Path(t, "feeds/osv-vulnerabilities.storage.googleapis.com/Kubernetes/all.zip")) // the same records
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var members []contract.Member
	for _, f := range z.File {
		b, err := fs.ReadFile(z, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		members = append(members, contract.Member{Name: "cve-feed-osv-main/vulns/" + f.Name, Content: string(b)})
	}
	r := contract.Fetch(t, Feed{}, contract.Documents{Document: contract.TarGz(members...)})
	if diff := cmp.Diff(map[string]int{}, r.Reasons()); diff != "" || r.Kept() != 47 {
		t.Errorf("%d kept\n%s", r.Kept(), diff)
	}
	i := slices.IndexFunc(r.Advisories, func(a assay.Advisory) bool { return a.ID == "CVE-2018-1002105" })
	if i < 0 {
		t.Fatal("CVE-2018-1002105 is not there")
	}
	a := r.Advisories[i]
	want := []assay.Affected{{Stream: "kubernetes", Name: "k8s.io/apiserver", Status: assay.StatusAffected, Ranges: []assay.Range{{Introduced: "1.0.0", Fixed: "1.10.11"}, {Introduced: "1.11.0", Fixed: "1.11.5"}, {Introduced: "1.12.0", Fixed: "1.12.3"}}}}
	if diff := cmp.Diff(want, a.Affected); diff != "" {
		t.Errorf("%v\n%s", a.Aliases, diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.TarGz, member), small)
}

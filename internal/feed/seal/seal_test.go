package seal

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const member = "CVE-2022-22822.json"

const small = `{"id":"CVE-2022-22822","affected":[
	{"package":{"ecosystem":"Red Hat:6","name":"seal-expat"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.0.1-15.el6_10+sp1"},{"fixed":"2.0.1-15.el6_10+sp999"}]}]},
	{"package":{"ecosystem":"npm","name":"@seal-security/ejs"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.7.4-sp1"},{"fixed":"2.7.4-sp2"}]}]},
	{"package":{"ecosystem":"npm","name":"ejs"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}`

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: contract.Zip(contract.Member{Name: member, Content: small})}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "seal:rhel:6"})
	want := []string{"CVE-2022-22822 seal:rhel:6 seal-expat 2.0.1-15.el6_10+sp1<2.0.1-15.el6_10+sp999", "CVE-2022-22822 npm @seal-security/ejs 2.7.4-sp1<2.7.4-sp2"}
	if diff := cmp.Diff(want, brief(contract.Fetch(t, Feed{}, docs))); diff != "" {
		t.Error(diff)
	}
}

// brief writes advisories as "ID stream name introduced<fixed …".
func brief(r *contract.Records) (out []string) {
	for _, a := range r.Advisories {
		for _, p := range a.Affected {
			s := fmt.Sprintf("%s %s %s", a.ID, p.Stream, p.Name)
			for _, g := range p.Ranges {
				s += " " + g.Introduced + "<" + g.Fixed
			}
			out = append(out, s)
		}
	}
	return out
}

// TestCorpus reads samples of the records, as OSV's bucket would have them.
func TestCorpus(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "feeds/osv-vulnerabilities.storage.googleapis.com/Seal/all.zip"))
	if err != nil {
		t.Fatal(err)
	}
	r := contract.Fetch(t, Feed{}, contract.Documents{Document: b})
	want := []string{
		"CVE-2022-22822 seal:rhel:6 seal-expat 2.0.1-15.el6_10+sp1<2.0.1-15.el6_10+sp999",
		"CVE-2022-22822 seal:rhel:7 seal-expat 2.1.0-15.el7_9+sp1<2.1.0-15.el7_9+sp999",
		"CVE-2023-32681 pypi seal-requests 2.14.2+sp1<2.14.2+sp999",
		"CVE-2023-6780 seal:debian seal-glibc 2.36-9+deb12u3<2.36-9+deb12u3+sp999",
		"CVE-2023-6992 seal:alpine seal-zlib 1.2.8-r2<1.2.8-r25341999",
		"CVE-2025-22869 go sealsecurity.io/golang.org/x/crypto 0.26.0-sp1<0.26.0-sp2",
		"CVE-2025-46803 seal:rhel:6 seal-screen 4.0.3-19.el6<4.0.3-19.el6+sp999",
		"CVE-2025-46803 seal:rhel:7 seal-screen 4.1.0-0.27.20120314git3c2946.el7_9<4.1.0-0.27.20120314git3c2946.el7_9+sp999",
		"CVE-2025-61780 rubygems seal-rack 2.0.7.0.1.sp1<2.0.7.0.1.sp999 2.2.6.2.0.1.sp1<2.2.6.2.0.1.sp999",
	}
	if diff := cmp.Diff(want, brief(r)); diff != "" || len(r.Skipped) > 0 {
		t.Errorf("skipped %v\n%s", r.Skipped, diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.Zip, member), small)
}

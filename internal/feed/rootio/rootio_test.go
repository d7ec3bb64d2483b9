package rootio

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `{"debian": [{"distroversion": "12", "packages": [{"pkg": {"name": "mbedtls", "cves": {
	"CVE-2024-23775": {"vulnerable_ranges": ["<2.28.3-1~deb12u1.root.io.1", ">=3, <3.1"], "fixed_versions": ["2.28.3-1~deb12u1.root.io.1"], "severity": "high"},
	"CVE-2024-23776": {"vulnerable_ranges": []}}}}]}],
	"plan9": []}`

const record = `{"id":"ROOT-OS-DEBIAN-1","aliases":["CVE-2025-1111"],"affected":[{"package":{"ecosystem":"Root:Debian:12","name":"rootio-gnupg2"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.2.27-3ubuntu2.4.root.io.1"}]}]}]}`

func docs() contract.Documents {
	return contract.Documents{Patches: []byte(small), Records: contract.Zip(contract.Member{Name: "ROOT-OS-DEBIAN-1.json", Content: record})}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs(), Wanted: "rootio:debian:12"})
}

// brief writes an advisory as "ID notices severity stream name <fixed …".
func brief(r *contract.Records) (out []string) {
	for _, a := range r.Advisories {
		for _, p := range a.Affected {
			s := fmt.Sprintf("%s %v %s %s %s", a.ID, a.VendorIDs, a.Severity, p.Stream, p.Name)
			for _, g := range p.Ranges {
				s += " " + g.Introduced + "<" + g.Fixed
			}
			out = append(out, s)
		}
	}
	return out
}

func TestSmall(t *testing.T) {
	r := contract.Fetch(t, Feed{}, docs())
	want := []string{
		"CVE-2024-23775 [] HIGH rootio:debian:12 mbedtls <2.28.3-1~deb12u1.root.io.1 3<3.1",
		"CVE-2025-1111 [ROOT-OS-DEBIAN-1] UNKNOWN rootio:debian:12 rootio-gnupg2 <2.2.27-3ubuntu2.4.root.io.1",
	}
	if diff := cmp.Diff(want, brief(r)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"no version is affected": 1, "unknown distribution name": 1}, r.Reasons()); diff != "" {
		t.Error(diff)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	want := []string{
		"CVE-2024-50382 [] UNKNOWN rootio:alpine:3.19 botan <2.19.5-r00071",
		"CVE-2024-23775 [] UNKNOWN rootio:debian:12 mbedtls <2.28.3-1.root.io.1",
		"ROOT-APP-NPM-CVE-2022-25883 [] UNKNOWN npm @rootio/semver <7.5.2-root.io.1",
		"ROOT-APP-PYPI-CVE-2025-30473 [] UNKNOWN pypi rootio-requests <2.31.0+root.io.1",
		"CVE-2025-53014 [ROOT-OS-DEBIAN-bookworm-CVE-2025-53014] UNKNOWN rootio:debian:12 rootio-imagemagick <8:6.9.11.60+dfsg-1.6+deb12u3.root.io.1",
		"CVE-2025-68973 [ROOT-OS-UBUNTU-2204-CVE-2025-68973] HIGH rootio:ubuntu:22.04 rootio-gnupg2 <2.2.27-3ubuntu2.4.root.io.1",
	}
	if diff := cmp.Diff(want, brief(r)); diff != "" || len(r.Skipped) > 0 {
		t.Errorf("skipped %v\n%s", r.Skipped, diff)
	}
	if r := contract.Fetch(t, Feed{}, contract.Documents{Records: docs()[Records]}, assay.Stream("npm")); r.Kept() != 0 { // does not ask for the patch feed
		t.Errorf("%+v", r.Advisories)
	}
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte(small), []byte(record))
	f.Fuzz(func(t *testing.T, patches, record []byte) {
		d := contract.Documents{Patches: patches, Records: contract.Zip(contract.Member{Name: "a.json", Content: string(record)})}
		var r contract.Records
		if err := (Feed{}).Fetch(t.Context(), d, nil, &r); err != nil && !errors.Is(err, assay.ErrMalformed) {
			t.Error(err)
		}
		for _, a := range r.Advisories {
			if a.ID == "" || len(a.Affected) == 0 {
				t.Errorf("incomplete: %+v", a)
			}
		}
	})
}

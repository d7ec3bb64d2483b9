package glad

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `---
identifier: "CVE-2021-41269"
identifiers: ["CVE-2021-41269", "GHSA-p9m8-27x8-rg87"]
package_slug: "%s/%s"
title: "T"
date: "2021-11-19"
pubdate: "2021-11-15"
affected_range: "%s"
urls: ["https://x"]
cvss_v2: "AV:N/AC:M/Au:N/C:P/I:P/A:P"
cvss_v3: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
cwe_ids: ["CWE-1035", "CWE-937", "CWE-94"]
`

func url(directory string) string { return fmt.Sprintf(Document, directory) }

func member(directory, content string) contract.Member {
	return contract.Member{Name: "advisories-community-main-" + directory + "/" + directory + "/x/CVE-2021-41269.yml", Content: content}
}

// all has a record in each directory.
func all(affected map[string]string) contract.Documents {
	docs := contract.Documents{}
	for _, d := range directories {
		r := affected[d.name]
		if r == "" {
			r = "<1.0.0"
		}
		docs[url(d.name)] = contract.TarGz(member(d.name, fmt.Sprintf(small, d.name, "X.y/z", r)))
	}
	return docs
}

// brief writes advisories as "stream name [from,fixed …", with "!" where the
// end is no fix.
func brief(r *contract.Records) (out []string) {
	for _, a := range r.Advisories {
		p := a.Affected[0]
		s := string(p.Stream) + " " + p.Name
		for _, g := range p.Ranges {
			s += " [" + g.Introduced + ","
			switch {
			case g.LastAffected != "":
				s += g.LastAffected + "]"
			case g.Before != "":
				s += g.Before + "!"
			}
			s += g.Fixed
		}
		out = append(out, s)
	}
	return out
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: all(nil), Wanted: "conan"})
	r := contract.Fetch(t, Feed{}, all(map[string]string{
		"conan": ">=1.2 <1.2.11||=2", "gem": "~>1.2.3", "go": "<v3.7.1", "maven": "(,9.1.6),[10]", "npm": ">=1.0.0 <2.0.0||^3.0.0", "nuget": "[1.0,2.0]", "packagist": ">=1.0,<1.2||2.0.*", "pypi": ">=2.0,<2.1||==3.0",
	}))
	want := []string{
		"conan X.y/z [1.2,1.2.11 [2,2]", "rubygems X.y/z [1.2.3,1.3.a!", "go X.y/z [,3.7.1", "maven X.y:z [,9.1.6 [10,10]", "npm X.y/z [1.0.0,2.0.0 [3.0.0,4.0.0-0!",
		"nuget x.y/z [1.0,2.0]", "packagist x.y/z [1.0,1.2 [2.0.0-dev,2.1.0-dev!", "pypi x-y/z [2.0,2.1 [3.0,3.0]",
	}
	if diff := cmp.Diff(want, brief(r)); diff != "" || len(r.Skipped) > 0 {
		t.Errorf("skipped %v\n%s", r.Skipped, diff)
	}
	a := r.Advisories[0]
	if a.ID != "CVE-2021-41269" || a.Aliases[0] != "GHSA-p9m8-27x8-rg87" || len(a.CVSS) != 2 || a.CVSS[1].Score != 9.8 || len(a.CWEs) != 1 || a.Published.IsZero() || a.Modified.IsZero() {
		t.Errorf("%+v", a)
	}
}

func TestSkipped(t *testing.T) {
	for _, tt := range []struct{ name, record, why string }{
		{"another folder's", fmt.Sprintf(small, "npm", "x", "<1"), "no package of a known ecosystem"},
		{"malformed range", fmt.Sprintf(small, "conan", "x", "<"), "malformed requirement on versions"},
		{"none", "- x", "malformed record"},
	} {
		r := contract.Fetch(t, Feed{}, contract.Documents{url("conan"): contract.TarGz(member("conan", tt.record))}, "conan")
		if r.Kept() != 0 || len(r.Skipped[tt.why]) != 1 {
			t.Errorf("%s: %v, skipped %v", tt.name, brief(r), r.Skipped)
		}
	}
}

func TestCorpus(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile(corpus.Path(t, "feeds/gitlab.com/gitlab-org/advisories-community/-/"+name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	docs := contract.Documents{}
	for directory, file := range map[string]string{"gem": "gem", "npm": "npm", "pypi": "pypi"} {
		docs[url(directory)] = contract.TarGz(member(directory, string(read("raw/main/"+file+".yaml"))))
	}
	for _, directory := range []string{"go", "maven"} {
		docs[url(directory)] = read("archive/main/advisories-community-main-" + directory + ".tar.gz")
	}
	r := contract.Fetch(t, Feed{}, docs, "rubygems", "npm", "pypi", "go", "maven")
	want := []string{
		"rubygems activejob [4.2.0.beta1,4.2.0.beta1]4.2.0.beta2",
		"go code.cloudfoundry.org/archiver [,0.0.0-20180523222229-09b5706aa936",
		"go code.cloudfoundry.org/archiver/extractor [,0.0.0-20180523222229-09b5706aa936",
		"go github.com/1Panel-dev/1Panel [1.4.3,1.4.3]1.5.0",
		"maven aendter.jenkins.plugins:filesystem-list-parameter-plugin [,0.0.7]",
		"npm apollo-server-express [,2.14.2",
		"pypi flask [,1.0",
	}
	if diff := cmp.Diff(want, brief(r)); diff != "" || len(r.Skipped) > 0 {
		t.Errorf("skipped %v\n%s", r.Skipped, diff)
	}
	for file, want := range map[string]string{"golang": "go go.mozilla.org/sops/v3 [,3.7.1", "maven": "maven com.cronutils:cron-utils [,9.1.6"} {
		directory, _, _ := strings.Cut(want, " ")
		r := contract.Fetch(t, Feed{}, contract.Documents{url(directory): contract.TarGz(member(directory, string(read("raw/main/"+file+".yaml"))))}, assay.Stream(directory))
		if diff := cmp.Diff([]string{want}, brief(r)); diff != "" {
			t.Error(diff)
		}
	}
}

func FuzzFeed(f *testing.F) {
	for _, d := range directories {
		f.Add(d.name, ">=1.0 <2.0||[1,2)")
	}
	f.Fuzz(func(t *testing.T, directory, affected string) {
		for _, d := range directories {
			var r contract.Records
			docs := contract.Documents{url(d.name): contract.TarGz(member("x", fmt.Sprintf(small, directory, "x", affected)))}
			if err := (Feed{}).Fetch(t.Context(), docs, []assay.Stream{d.stream}, &r); err != nil || r.Kept()+len(r.Skipped) != 1 {
				t.Errorf("%v, %d kept, skipped %v", err, r.Kept(), r.Skipped)
			}
		}
	})
}

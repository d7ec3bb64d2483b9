package gentoo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// bundled packs advisories, one after the other.
func bundled(all ...[]byte) contract.Documents {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	for i, b := range all {
		w.WriteHeader(&tar.Header{Name: fmt.Sprintf("glsa-master/glsa-200001-%02d.xml", i), Mode: 0o644, Size: int64(len(b))})
		w.Write(b)
	}
	w.WriteHeader(&tar.Header{Name: "glsa-master/README", Mode: 0o644})
	w.Close()
	z.Close()
	return contract.Documents{Document: buf.Bytes()}
}

func advisory(references, bounds string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE glsa SYSTEM "http://www.gentoo.org/dtd/glsa.dtd"><glsa id="200001-01"><title>a:
		b</title><synopsis>c</synopsis><product type="ebuild">a</product><announced>May 22, 2006</announced><revised count="1">2006-05-23</revised>
		<affected><package name="app/a" arch="*">` + bounds + `</package></affected><impact type="normal"/><references>` + references + `</references></glsa>`
}

// brief writes advisories as "ID notices severity: name[arches] status from-fixed~last".
func brief(all []assay.Advisory) (out []string) {
	for _, a := range all {
		s := fmt.Sprintf("%s %v %s:", a.ID, a.VendorIDs, a.Severity)
		for _, p := range a.Affected {
			s += fmt.Sprintf(" %s%v %s", p.Name, p.Qualifiers.Arches, p.Status)
			for _, r := range p.Ranges {
				s += fmt.Sprintf(" %s-%s~%s", r.Introduced, r.Fixed, r.LastAffected)
			}
		}
		out = append(out, s)
	}
	return out
}

func TestAdvisories(t *testing.T) {
	const refs = `<uri link="http://cve.mitre.org/cgi-bin/cvename.cgi?name=CAN-2005-1234">CAN-2005-1234</uri><uri link="https://nvd.nist.gov/vuln/detail/CVE-2005-1111"/>`
	one := func(s string) []string { return []string{"GLSA-200001-01 [] MEDIUM: app/a[] " + s} }
	for _, tt := range []struct {
		name, advisory string
		want           []string
		skipped        string
	}{
		{"candidates", advisory(refs, `<unaffected range="ge">1.2</unaffected><vulnerable range="lt">1.2</vulnerable>`), []string{
			"CVE-2005-1111 [GLSA-200001-01] MEDIUM: app/a[] affected -1.2~", "CVE-2005-1234 [GLSA-200001-01] MEDIUM: app/a[] affected -1.2~"}, ""},
		{"no CVE", advisory("", `<vulnerable range="lt">1.2</vulnerable>`), one("affected -1.2~"), ""},
		{"to a version", advisory("", `<unaffected range="ge">1.2</unaffected><vulnerable range="le">1.1-r3</vulnerable>`), one("affected -1.2~"), ""},
		{"removed", advisory("", `<vulnerable range="le">1.1-r3</vulnerable>`), one("affected -~1.1-r3"), ""},
		{"revisions", advisory("", `<unaffected range="ge">2.0</unaffected><unaffected range="rge">1.1-r3</unaffected><vulnerable range="lt">2.0</vulnerable>`),
			one("affected -2.0~ app/a[] not_affected 1.1-r3-~1.1-r999999999"), ""},
		{"revisions of one", advisory("", `<vulnerable range="rlt">1.1-r3</vulnerable><vulnerable range="rle">1.2-r1</vulnerable><vulnerable range="eq">1.0</vulnerable>`),
			one("affected 1.1-1.1-r3~ 1.2-~1.2-r1 1.0-~1.0"), ""},
		{"slots", advisory("", `<unaffected range="ge" slot="7.1">7.1.5</unaffected><unaffected range="ge" slot="legacy">6</unaffected><unaffected range="ge" slot="*">7.2.3</unaffected><vulnerable range="lt">7.2.3</vulnerable>`),
			one("affected -7.2.3~ app/a[] not_affected 7.1.5-7.2~"), ""},
		{"a vulnerable slot", advisory("", `<unaffected range="ge" slot="3">3.2</unaffected><vulnerable range="lt" slot="3">3.2</vulnerable>`), one("affected 3-3.2~"), ""},
		{"architectures", strings.Replace(advisory("", `<vulnerable range="ge">1</vulnerable>`), `arch="*"`, `arch="amd64 x86"`, 1), []string{
			"GLSA-200001-01 [] MEDIUM: app/a[amd64 x86] affected 1-~"}, ""},
		{"a new range", advisory("", `<vulnerable range="ne">1.2</vulnerable>`), nil, "unsupported form of range"},
		{"a pattern", advisory("", `<vulnerable range="lt">1.*</vulnerable>`), nil, "unsupported form of range"},
		{"nothing", advisory("", ``), nil, "no vulnerable package"},
		{"infrastructure", strings.Replace(advisory("", `<vulnerable range="ge">1</vulnerable>`), "ebuild", "infrastructure", 1), nil, "not about packages"},
		{"malformed", "<glsa", nil, "malformed record"},
		{"something else", "<html/>", nil, "malformed record"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, bundled([]byte(tt.advisory)))
			if diff := cmp.Diff(tt.want, brief(r.Advisories)); diff != "" {
				t.Error(diff)
			}
			if len(r.Skipped[tt.skipped]) != len(r.Skipped) {
				t.Errorf("skipped %v, want %s", r.Skipped, tt.skipped)
			}
			for _, a := range r.Advisories {
				if a.Published.Format("0102") != "0522" || a.Modified.Format("0102") != "0523" || a.Title != "a: b" {
					t.Errorf("%+v", a)
				}
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: bundled([]byte(advisory("", `<vulnerable range="lt">1.2</vulnerable>`))), Wanted: "gentoo"})
}

// TestSample reads the one advisory that there is, packed as the publisher does.
func TestSample(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "feeds/gitweb.gentoo.org/data/glsa.git/snapshot/glsa/data/glsa-202305-28.xml"))
	if err != nil {
		t.Fatal(err)
	}
	r := contract.Fetch(t, Feed{}, bundled(b))
	var want []string
	for _, n := range []string{"2017-18640", "2022-38749", "2022-38750", "2022-38751", "2022-38752"} {
		want = append(want, "CVE-"+n+" [GLSA-202305-28] LOW: dev-java/snakeyaml[] affected -1.33~")
	}
	if diff := cmp.Diff(want, brief(r.Advisories)); diff != "" {
		t.Error(diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, func(b []byte) []byte { return bundled(b)[Document] }, advisory("", `<unaffected range="rge" slot="1">1.1-r3</unaffected><vulnerable range="lt">2.0</vulnerable>`))
}

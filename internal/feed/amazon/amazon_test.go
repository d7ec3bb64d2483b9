package amazon

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/updateinfo"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// add puts a repository with updates at base, which mirrors names.
func add(d contract.Documents, mirrors, base string, doc []byte) {
	d[mirrors] = []byte(base + "\n")
	d[base+"/"+updateinfo.Index] = fmt.Appendf(nil, `<repomd><data type="updateinfo"><checksum type="sha256">%x</checksum><location href="repodata/updateinfo.xml.gz"/></data></repomd>`, sha256.Sum256(doc))
	d[base+"/repodata/updateinfo.xml.gz"] = doc
}

func packed(updates ...string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	fmt.Fprintf(z, "<updates>%s</updates>", strings.Join(updates, ""))
	z.Close()
	return b.Bytes()
}

func update(id, kind, cves, name, release string) string {
	refs := ""
	for _, c := range strings.Fields(cves) {
		refs += `<reference id="` + c + `" type="cve"/>`
	}
	return `<update type="` + kind + `"><id>` + id + `</id><title>Amazon Linux - ` + id + `: important priority package update</title><issued date="2024-01-02 03:04"/><severity>important</severity><references>` + refs +
		`</references><pkglist><collection><package name="` + name + `" epoch="1" version="2" release="` + release + `" arch="x86_64"/></collection></pkglist></update>`
}

const (
	core2, core2023 = "https://example.org/2", "https://example.org/2023"
	catalogue       = `{"version": 1, "topics": [{"n": "docker", "versions": ["1"]}, {"n": "gone"}, {"n": "../odd"}, 7]}`
)

func docs() contract.Documents {
	d := contract.Documents{Catalog: []byte(catalogue)}
	add(d, repositories[1].mirrors, core2, packed(update("ALAS2-2024-1", "security", "CVE-2024-0002 CVE-2024-0001", "curl", "3.amzn2"), update("ALAS2-2024-2", "bugfix", "", "curl", "4")))
	add(d, Extras+"docker/latest/x86_64/mirror.list", "http://example.org/docker", packed(update("ALAS2DOCKER-2024-001", "security", "", "docker", "3.amzn2")))
	add(d, repositories[3].mirrors, core2023, packed(update("ALAS2023-2024-126", "security", "CVE-2024-0001", "curl", "3.amzn2023")))
	add(d, repositories[4].mirrors, core2023+"/livepatch", packed(update("ALAS2023LIVEPATCH-2024-001", "security", "CVE-2024-0003", "kernel-livepatch-6.1", "3.amzn2023"), update("ALAS2023-2", "security", "", "", "")))
	return d
}

func brief(all []assay.Advisory) (out []string) {
	for _, a := range all {
		for _, p := range a.Affected {
			out = append(out, fmt.Sprintf("%s %v %s: %s %s%v <%s %s", a.ID, a.VendorIDs, a.Severity, p.Stream, p.Name, p.Qualifiers.Repos, p.Ranges[len(p.Ranges)-1].Fixed, a.URL))
		}
	}
	return out
}

func TestRepositories(t *testing.T) {
	r := contract.Fetch(t, Feed{}, docs())
	want := []string{
		"CVE-2024-0001 [ALAS2-2024-1] HIGH: amazon:2 curl[] <1:2-3.amzn2 https://alas.aws.amazon.com/AL2/ALAS-2024-1.html",
		"CVE-2024-0002 [ALAS2-2024-1] HIGH: amazon:2 curl[] <1:2-3.amzn2 https://alas.aws.amazon.com/AL2/ALAS-2024-1.html",
		"ALAS2DOCKER-2024-001 [] HIGH: amazon:2 docker[amzn2extra-docker] <1:2-3.amzn2 https://alas.aws.amazon.com/AL2/ALASDOCKER-2024-001.html",
		"CVE-2024-0001 [ALAS2023-2024-126] HIGH: amazon:2023 curl[] <1:2-3.amzn2023 https://alas.aws.amazon.com/AL2023/ALAS-2024-126.html",
		"CVE-2024-0003 [ALAS2023LIVEPATCH-2024-001] HIGH: amazon:2023 kernel-livepatch-6.1[kernel-livepatch] <1:2-3.amzn2023 https://alas.aws.amazon.com/AL2023/ALASLIVEPATCH-2024-001.html",
	}
	if diff := cmp.Diff(want, brief(r.Advisories)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{
		"not a security notice": {"ALAS2-2024-2"}, "no package with a fixed version": {"ALAS2023-2"}, "malformed catalogue entry": {"../odd", ""},
		"repository missing": {"amazon:1 ", "amzn2extra-gone", "amazon:2022 ", "amazon:2023 amazonlinux-nvidia"},
	}, r.Skipped); diff != "" {
		t.Error(diff)
	}
	if r.Advisories[0].Title != "important priority package update" || r.Advisories[0].Affected[0].FixDate.Year() != 2024 {
		t.Errorf("%+v", r.Advisories[0])
	}
}

func TestMirrors(t *testing.T) {
	d := docs()
	d[repositories[3].mirrors] = []byte("https://example.org/gone\n\n" + core2023 + "/\n")
	if r := contract.Fetch(t, Feed{}, d, "amazon:2023"); r.Kept() != 2 {
		t.Errorf("%d kept", r.Kept())
	}
	for _, list := range []string{"", "ftp://example.org/\n", "/2023\n", "https://example.org/gone\n", "https://example.org/?x\n"} {
		d[repositories[3].mirrors] = []byte(list)
		if err := (Feed{}).Fetch(t.Context(), d, []assay.Stream{"amazon:2023"}, &contract.Records{}); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%q: %v", list, err)
		}
	}
	delete(d, repositories[3].mirrors)
	if err := (Feed{}).Fetch(t.Context(), d, []assay.Stream{"amazon:2023"}, &contract.Records{}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("the core repository is missing: %v", err)
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs(), Wanted: "amazon:2023"})
}

// plain maps http to https, as a mirror's directory has no schemes.
type plain struct{ contract.Mirror }

func (p plain) Get(ctx context.Context, url string) (io.ReadCloser, error) {
	return p.Mirror.Get(ctx, strings.Replace(url, "http://", "https://", 1))
}

// TestCorpus reads all samples of updates under the addresses of their
// repositories, for which there is no index.
func TestCorpus(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile(corpus.Path(t, "feeds/"+name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	d := contract.Documents{Catalog: read("amazonlinux.default.amazonaws.com/2/extras-catalog-x86_64-v2.json")}
	add(d, repositories[0].mirrors, "http://example.org/1", read("cdn.amazonlinux.com/_more/amazon_linux_1_updateinfo.xml"))
	add(d, repositories[1].mirrors, "https://example.org/2", read("cdn.amazonlinux.com/_more/amazon_linux_2_updateinfo.xml"))
	add(d, Extras+"emacs/latest/x86_64/mirror.list", "https://example.org/e", read("cdn.amazonlinux.com/_more/trivy-updateinfo_2_items.xml.gz"))
	add(d, repositories[3].mirrors, "https://example.org/3", read("cdn.amazonlinux.com/al2023/core/guids/46ff4933b89b948580f3b223b826fee3c1830b85885db3f7f90502c0ac99698c/x86_64/repodata/updateinfo.xml.gz"))
	add(d, repositories[4].mirrors, "https://example.org/4", read("cdn.amazonlinux.com/_more/updateinfo_2023_kernel-livepatch.xml.gz"))
	add(d, repositories[5].mirrors, "https://example.org/5", read("cdn.amazonlinux.com/_more/updateinfo_2023_nvidia.xml.gz"))
	r := contract.Fetch(t, Feed{}, d)
	n := map[string]int{}
	for _, a := range r.Advisories {
		n[fmt.Sprint(a.ID, a.VendorIDs, a.Affected[0].Qualifiers.Repos)] += len(a.Affected)
	}
	for id, want := range map[string]int{
		"CVE-2011-3192[ALAS-2011-1] []": 5, "CVE-2011-3208[ALAS-2011-2] []": 3, "CVE-2017-5715[ALAS2-2018-939] []": 9, "CVE-2017-5715[ALAS2-2018-942] [amzn2extra-emacs]": 4,
		"CVE-2018-2678[ALAS2-2018-949] [amzn2extra-emacs]": 16, "CVE-2014-3634[ALAS2023-2023-001] []": 11, "CVE-2022-24903[ALAS2023-2023-001] []": 11,
		"CVE-2023-26545[ALAS2023LIVEPATCH-2023-001] [kernel-livepatch]": 1, "CVE-2025-23359[ALAS2023NVIDIA-2025-001] [amazonlinux-nvidia]": 5,
	} {
		if n[id] != want {
			t.Errorf("%s: %d packages, want %d", id, n[id], want)
		}
	}
	if diff := cmp.Diff(map[string][]string{"repository missing": {"amzn2extra-kernel-5.15", "amazon:2022 "}}, r.Skipped); diff != "" || len(n) != 25 {
		t.Errorf("%d\n%s", len(n), diff)
	}
	// The addresses of the repositories are as the publisher writes them.
	for i, want := range map[int]string{0: "http://packages.us-west-2.amazonaws.com/2018.03/updates/c539f2128d87/x86_64/",
		1: "https://cdn.amazonlinux.com/2/core/2.0/x86_64/221a4af09d96ac4e34202cc7bdfa252410419542548cc685dc86ed1c17ca4204/",
		3: "https://cdn.amazonlinux.com/al2023/core/guids/46ff4933b89b948580f3b223b826fee3c1830b85885db3f7f90502c0ac99698c/x86_64/"} {
		got, err := repositories[i].list(t.Context(), plain{contract.Mirror(corpus.Path(t, "feeds"))})
		if err != nil || got[0] != want {
			t.Errorf("%v %v, want %s", got, err, want)
		}
	}
}

// before is what there is now, and what is held from before.
type before struct {
	contract.Documents
	held contract.Documents
}

func (b before) Cached(ctx context.Context, url string) (io.ReadCloser, error) {
	return b.held.Get(ctx, url)
}

func (b before) GetVersion(ctx context.Context, url, _ string) (io.ReadCloser, error) {
	return b.Get(ctx, url)
}

// TestGone: a repository that was there before does not go in silence.
func TestGone(t *testing.T) {
	for _, url := range []string{Extras + "docker/latest/x86_64/mirror.list", repositories[4].mirrors} {
		now := docs()
		delete(now, url)
		if err := (Feed{}).Fetch(t.Context(), before{now, docs()}, nil, &contract.Records{}); !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), url) {
			t.Errorf("%s is gone: %v", url, err)
		}
		delete(now, url)
		if r := contract.Fetch(t, Feed{}, before{now, nil}); len(r.Skipped["repository missing"]) != 5 {
			t.Errorf("%s was never there: skipped %v", url, r.Skipped)
		}
	}
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte("<updates>" + update("ALAS2-2024-1", "security", "CVE-2024-0002", "curl", "3.amzn2") + "</updates>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := contract.Documents{}
		add(d, repositories[3].mirrors, core2023, b)
		var r contract.Records
		Feed{}.Fetch(t.Context(), d, []assay.Stream{"amazon:2023"}, &r)
		for _, a := range r.Advisories {
			if a.ID == "" || a.Affected[0].Name == "" || a.Affected[0].Ranges[0].Fixed == "" {
				t.Errorf("%+v", a)
			}
		}
	})
}

package openeuler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// notice is a document about CVEs; builds are "release file".
func notice(id, cves string, builds ...string) string {
	var products, relations, fixed, all []string
	for i, b := range builds {
		release, file, _ := strings.Cut(b, " ")
		name := fmt.Sprintf("%s:%d", release, i)
		products = append(products, fmt.Sprintf(`{"category":"product_version","name":"p","product":{"product_id":%q,"name":"p"}}`, file), fmt.Sprintf(`{"category":"product_version","name":"r","product":{"product_id":%q,"name":"r"}}`, release))
		relations = append(relations, fmt.Sprintf(`{"category":"default_component_of","full_product_name":{"product_id":%q,"name":"n"},"product_reference":%q,"relates_to_product_reference":%q}`, name, file, release))
		fixed = append(fixed, fmt.Sprintf("%q", name))
	}
	for _, c := range strings.Fields(cves) {
		all = append(all, fmt.Sprintf(`{"cve":%q,"product_status":{"fixed":[%s]},"threats":[{"category":"impact","details":"Medium"}],"scores":[{"products":[],"cvss_v3":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}}]}`, c, strings.Join(fixed, ",")))
	}
	return fmt.Sprintf(`{"document":{"category":"csaf_vex","csaf_version":"2.0","title":"T","aggregate_severity":{"text":"High"},"tracking":{"id":%q,"status":"final","initial_release_date":"2025-04-01T00:00:00+08:00"}},
		"product_tree":{"branches":[{"category":"vendor","name":"openEuler","branches":[%s]}],"relationships":[%s]},"vulnerabilities":[%s]}`, id, strings.Join(products, ","), strings.Join(relations, ","), strings.Join(all, ","))
}

func docs(all ...string) contract.Documents {
	d := contract.Documents{}
	for i, n := range all {
		p := fmt.Sprintf("%d/csaf-%d.json", 2024+i, i)
		d[Index] = append(d[Index], p+"\n"...)
		if n != "" {
			d[Directory+p] = []byte(n)
		}
	}
	return d
}

func brief(all []assay.Advisory) (out []string) {
	for _, a := range all {
		for _, p := range a.Affected {
			out = append(out, fmt.Sprintf("%s %v %s: %s %s{%s}%v <%s", a.ID, a.VendorIDs, a.Severity, p.Stream, p.Name, p.Qualifiers.Flavour, p.Qualifiers.Arches, p.Ranges[0].Fixed))
		}
	}
	return out
}

func TestNotices(t *testing.T) {
	r := contract.Fetch(t, Feed{}, docs(
		notice("openEuler-SA-2024-1", "CVE-2024-0001 CVE-2024-0002", "openEuler-22.03-LTS-SP3 vim-9.0-33.oe2203sp3.x86_64.rpm", "openEuler-22.03-LTS-SP3 vim-9.0-33.oe2203sp3.aarch64.rpm", "openEuler-22.03-LTS-SP4 vim-9.0-33.oe2203sp4.noarch.rpm",
			"openEuler-20.03-LTS vim-9.0-33.oe1.x86_64.rpm", "openEuler-20.03-LTS vim-9.0-33.oe1.src.rpm", "openEuler-20.03-LTS vim-debuginfo-9.0-33.oe1.x86_64.rpm"),
		"", "{}", notice("openEuler-SA-2024-2", ""), notice("openEuler-SA-2024-3", "CVE-2024-0003", "other x-1-1.x86_64.rpm"), strings.Replace(notice("openEuler-SA-2024-4", "CVE-2024-0004"), "final", "deleted", 1)))
	var want []string
	for _, id := range []string{"CVE-2024-0001", "CVE-2024-0002"} {
		for _, s := range []string{"openeuler:20.03 vim{oe1}[x86_64] <9.0-33.oe1", "openeuler:22.03 vim{oe2203sp3}[aarch64 x86_64] <9.0-33.oe2203sp3", "openeuler:22.03 vim{oe2203sp4}[] <9.0-33.oe2203sp4"} {
			want = append(want, id+" [openEuler-SA-2024-1] MEDIUM: "+s)
		}
	}
	if diff := cmp.Diff(want, brief(r.Advisories)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{
		"listed but missing": {"2025/csaf-1.json"}, "malformed record": {"2026/csaf-2.json"}, "document without a vulnerability": {"openEuler-SA-2024-2"},
		"no package with a fixed version": {"openEuler-SA-2024-3 CVE-2024-0003"}, "withdrawn": {"openEuler-SA-2024-4"},
	}, r.Skipped); diff != "" {
		t.Error(diff)
	}
	a := r.Advisories[0]
	if a.Title != "T" || a.URL != page+"openEuler-SA-2024-1" || a.CVSS[0].Score != 7.5 || a.Published.IsZero() || a.Affected[0].FixDate.IsZero() {
		t.Errorf("%+v", a)
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Wanted: "openeuler:22.03", Documents: docs(notice("openEuler-SA-2024-1", "CVE-2024-0001", "openEuler-22.03-LTS-SP3 vim-9.0-33.oe2203sp3.x86_64.rpm", "openEuler-24.03-LTS vim-9.0-33.oe2403.x86_64.rpm"))})
}

// keeper notes what is got by edition.
type keeper struct {
	contract.Documents
	got []string
}

func (k *keeper) Cached(context.Context, string) (io.ReadCloser, error) {
	return nil, assay.ErrNotFound
}

func (k *keeper) GetVersion(ctx context.Context, url, version string) (io.ReadCloser, error) {
	k.got = append(k.got, strings.TrimPrefix(url, Directory)+" "+version)
	return k.Documents.Get(ctx, url)
}

func TestKeeper(t *testing.T) {
	n := notice("openEuler-SA-2024-1", "CVE-2024-0001", "openEuler-22.03-LTS vim-9.0-33.oe2203.x86_64.rpm")
	k := &keeper{Documents: docs(n, n)}
	if r := contract.Fetch(t, Feed{}, k); r.Kept() != 2 || fmt.Sprint(k.got) != "[2024/csaf-0.json final]" {
		t.Errorf("%d, %v", r.Kept(), k.got)
	}
	if err := (Feed{}).Fetch(t.Context(), docs("", ""), nil, &contract.Records{}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("no notice is there: %v", err)
	}
}

// TestCorpus reads the notice that is there of the two that its list names, and
// a document by CVE, which has the same form.
func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	if n := len(brief(r.Advisories)); n != 25 || len(r.Skipped["listed but missing"]) != 1 {
		t.Errorf("%d %v\n%s", n, r.Skipped, strings.Join(brief(r.Advisories), "\n"))
	}
	b, err := os.ReadFile(corpus.Path(t, "feeds/repo.openeuler.org/security/data/csaf/cve/2025/csaf-openeuler-cve-2025-30346.json"))
	if err != nil {
		t.Fatal(err)
	}
	if got := brief(contract.Fetch(t, Feed{}, docs(string(b))).Advisories); len(got) != 15 {
		t.Error(strings.Join(got, "\n"))
	}
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte(notice("openEuler-SA-2024-1", "CVE-2024-0001", "openEuler-22.03-LTS-SP3 vim-9.0-33.oe2203sp3.x86_64.rpm")))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r contract.Records
		Feed{}.Fetch(t.Context(), docs(string(b)), nil, &r)
		for _, a := range r.Advisories {
			if a.ID == "" || a.Affected[0].Name == "" || a.Affected[0].Ranges[0].Fixed == "" {
				t.Errorf("%+v", a)
			}
		}
	})
}

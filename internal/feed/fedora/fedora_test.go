package fedora

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/updateinfo"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// add puts a release's updates in a directory.
func add(d contract.Documents, directory string, release int, doc []byte) contract.Documents {
	base := Base(directory, release)
	d[base+updateinfo.Index] = fmt.Appendf(nil, `<repomd><data type="updateinfo"><checksum type="sha256">%x</checksum><location href="repodata/updateinfo.xml"/></data></repomd>`, sha256.Sum256(doc))
	d[base+"repodata/updateinfo.xml"] = doc
	return d
}

func update(id, kind, title, description, release string) string {
	return `<update status="stable" type="` + kind + `"><id>` + id + `</id><title>` + id + `</title><issued date="2024-02-27 02:07:15"/><severity>Important</severity><description>` + description + `</description>
	<references><reference id="2264297" type="bugzilla" title="` + title + `"/></references><pkglist><collection short="F"><package name="a" version="1" release="` + release + `" epoch="0" arch="x86_64"/></collection></pkglist></update>`
}

func docs() contract.Documents {
	d := add(contract.Documents{}, Current, 43, []byte("<updates>"+update("FEDORA-2025-1", "security", "CVE-2024-24989 CVE-2024-24990 nginx: NULL", "CVE-2024-0001", "1.fc43")+
		update("FEDORA-2025-2", "bugfix", "", "", "1.fc43")+update("FEDORA-2025-3", "security", "a", "b", "1.fc43")+`<update type="security"><id>FEDORA-2025-4</id></update></updates>`))
	return add(d, Archive, 38, []byte("<updates>"+update("FEDORA-2023-1", "security", "bug", "(CVE-2024-24989).", "1.fc38")+"</updates>"))
}

func brief(all []assay.Advisory) (out []string) {
	for _, a := range all {
		p := a.Affected[0]
		out = append(out, fmt.Sprintf("%s %v %s: %s %s <%s", a.ID, a.VendorIDs, a.Severity, p.Stream, p.Name, p.Ranges[0].Fixed))
	}
	return out
}

// unlisted hides that a Getter can list.
type unlisted struct{ d contract.Documents }

func (u unlisted) Get(ctx context.Context, url string) (io.ReadCloser, error) {
	return u.d.Get(ctx, url)
}

func TestUpdates(t *testing.T) {
	want := []string{
		"CVE-2024-24989 [FEDORA-2023-1] HIGH: fedora:38 a <1-1.fc38",
		"CVE-2024-24989 [FEDORA-2025-1] HIGH: fedora:43 a <1-1.fc43", "CVE-2024-24990 [FEDORA-2025-1] HIGH: fedora:43 a <1-1.fc43", "FEDORA-2025-3 [] HIGH: fedora:43 a <1-1.fc43",
	}
	for _, g := range []assay.Getter{docs(), unlisted{docs()}} {
		r := contract.Fetch(t, Feed{}, g)
		if diff := cmp.Diff(want, brief(r.Advisories)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(map[string][]string{"not a security update": {"FEDORA-2025-2"}, "no package with a fixed version": {"FEDORA-2025-4"}}, r.Skipped); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff(want[:1], brief(contract.Fetch(t, Feed{}, docs(), "fedora:38", "debian:12").Advisories)); diff != "" {
		t.Error(diff)
	}
	if err := (Feed{}).Fetch(t.Context(), docs(), []assay.Stream{"fedora:38", "fedora:39"}, &contract.Records{}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("a release asked for is missing: %v", err)
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs(), Wanted: "fedora:43"})
}

// TestCorpus reads the samples under the addresses of their repositories, whose
// indexes are of other versions.
func TestCorpus(t *testing.T) {
	d := contract.Documents{}
	for name, at := range map[string]struct {
		folder  string
		release int
	}{
		"dl.fedoraproject.org/pub/fedora/linux/updates/43/Everything/x86_64/repodata/74f58a91baa4a290e7ab058c6298b46ef49fc5ee990ede14d181340e5d22fca9-updateinfo.xml.zst":           {Current, 43},
		"archives.fedoraproject.org/pub/archive/fedora/linux/updates/38/Modular/x86_64/repodata/5018295245e031a2d51db78a23935461d067cdbc1b6e43d8575983c5f6893252-updateinfo.xml.xz": {Archive, 38},
	} {
		b, err := os.ReadFile(corpus.Path(t, "feeds/"+name))
		if err != nil {
			t.Fatal(err)
		}
		add(d, at.folder, at.release, b)
	}
	r := contract.Fetch(t, Feed{}, d)
	if len(r.Advisories) != 0 { // neither is about a package's vulnerability
		t.Errorf("%v", brief(r.Advisories))
	}
	if diff := cmp.Diff(map[string][]string{"not a security update": {"FEDORA-2025-4a08954c02"}, "no package with a fixed version": {"FEDORA-MODULAR-2024-deafa21e1d"}}, r.Skipped); diff != "" {
		t.Error(diff)
	}
	if got, err := list(t.Context(), contract.Mirror(corpus.Path(t, "feeds"))); err != nil || fmt.Sprint(got) != "[43 38]" {
		t.Errorf("%v %v", got, err)
	}
}

func FuzzFeed(f *testing.F) {
	f.Add([]byte(update("FEDORA-2025-1", "security", "CVE-2024-24989", "", "1.fc43")))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r contract.Records
		Feed{}.Fetch(t.Context(), add(contract.Documents{}, Current, 43, b), []assay.Stream{"fedora:43"}, &r)
		for _, a := range r.Advisories {
			if a.ID == "" || a.Affected[0].Name == "" || a.Affected[0].Ranges[0].Fixed == "" {
				t.Errorf("%+v", a)
			}
		}
	})
}

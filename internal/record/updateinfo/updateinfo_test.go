package updateinfo_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/updateinfo"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `<?xml version="1.0" encoding="UTF-8"?>
<updates>
  <update from="x" status="final" type="security" version="2.0">
    <id> A-1 </id><title>T</title><issued date="2018-01-11 21:05"/><updated date="2018-01-16T01:28:03Z"/><severity>Important</severity><description>
      D &amp; E</description>
    <references><reference href="https://example.org" id="CVE-2024-0002" type="cve"/><reference id="7" type="bugzilla" title="CVE-2024-0001 a: b, CVE-2024-0002[all]; RHSA-2024:1"/></references>
    <pkglist>
      <collection short="c"><name>C</name><module name="m" stream="1" version="2" context="3" arch="x86_64"/>
        <package name="a" epoch="0" version="1" release="2.module+el8" arch="x86_64"/><package name="a" epoch="0" version="1" release="2.module+el8" arch="aarch64"/></collection>
      <collection short="d"><package name="a" epoch="1" version="1" release="2" arch="x86_64"><filename>f</filename></package><package name="a" version="2" arch="x86_64"/><package name="a" version="3" arch="src"/>
        <package name="a-debuginfo" version="3" arch="x86_64"/><package name="b" arch="x86_64"/></collection>
    </pkglist>
  </update>
  <other><update/></other>
  <update type="bugfix"><id>A-2</id><severity>None</severity></update>
</updates>
`

func read(t *testing.T, doc string) (all []*updateinfo.Update) {
	t.Helper()
	if err := updateinfo.Read(t.Context(), strings.NewReader(doc), func(u *updateinfo.Update) error { all = append(all, u); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRead(t *testing.T) {
	all := read(t, small)
	if len(all) != 2 {
		t.Fatalf("%d updates", len(all))
	}
	u := all[0]
	if u.ID != "A-1" || u.Type != "security" || u.Status != "final" || u.Description != "D & E" || u.Issued().Format("2006-01-02 15:04") != "2018-01-11 21:05" || u.Updated().Second() != 3 || !all[1].Issued().IsZero() {
		t.Errorf("%+v", u)
	}
	if diff := cmp.Diff([]string{"CVE-2024-0001", "CVE-2024-0002"}, u.CVEs()); diff != "" {
		t.Error(diff)
	}
	row := func(module string, fixed ...string) assay.Affected {
		a := assay.Affected{Stream: "s", Name: "a", Status: assay.StatusAffected, FixDate: u.Issued(), Qualifiers: assay.Qualifiers{Module: module}}
		for _, f := range fixed {
			a.Ranges = append(a.Ranges, assay.Range{Fixed: f})
		}
		return a
	}
	if diff := cmp.Diff([]assay.Affected{row("m:1", "1-2.module+el8"), row("", "1:1-2", "2")}, u.Affected("s")); diff != "" {
		t.Error(diff)
	}
	var r contract.Records
	for _, u := range all {
		if err := u.Emit(assay.Advisory{Feed: "f"}, u.CVEs(), &r); err != nil {
			t.Error(err)
		}
	}
	var got []string
	for _, a := range r.Advisories {
		got = append(got, fmt.Sprint(a.ID, a.VendorIDs, a.Severity, a.Published.Year()))
	}
	if diff := cmp.Diff([]string{"CVE-2024-0001[A-1] HIGH 2018", "CVE-2024-0002[A-1] HIGH 2018", "A-2[] UNKNOWN 1"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBroken(t *testing.T) {
	for name, tt := range map[string]struct {
		in   string
		want error
	}{
		"empty":           {"", assay.ErrMalformed},
		"a page":          {"<!DOCTYPE html><html><title>Sign in</title></html>", assay.ErrMalformed},
		"cut":             {small[:len(small)/2], assay.ErrMalformed},
		"two":             {small + small, assay.ErrMalformed},
		"an entity":       {strings.Replace(small, "D &amp; E", "&bomb;", 1), assay.ErrMalformed},
		"another charset": {strings.Replace(small, "UTF-8", "koi8-r", 1), assay.ErrUnsupported},
		"a large update":  {"<updates><update><title>" + strings.Repeat("x", 17<<20) + "</title></update></updates>", assay.ErrTooLarge},
		"deep":            {"<updates><update>" + strings.Repeat("<a>", 20_000), assay.ErrMalformed},
	} {
		if err := updateinfo.Read(t.Context(), strings.NewReader(tt.in), func(*updateinfo.Update) error { return nil }); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	full := errors.New("full")
	if err := updateinfo.Read(t.Context(), strings.NewReader(small), func(*updateinfo.Update) error { return full }); err != full {
		t.Errorf("%v, want the visitor's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := updateinfo.Read(ctx, strings.NewReader(small), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

const base = "https://example.org/repo/"

// index is a repository's.
func index(href, kind string, content []byte) string {
	return fmt.Sprintf(`<?xml version="1.0"?><repomd><revision>1</revision><data type="primary"><location href="repodata/primary.xml.gz"/></data>
		<data type="updateinfo"><checksum type="%s">%x</checksum><location href="%s"/></data></repomd>`, kind, sha256.Sum256(content), href)
}

func TestFetch(t *testing.T) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(small))
	z.Close()
	at := "repodata/updateinfo.xml.gz"
	for _, tt := range []struct {
		name, index string
		doc         []byte
		n           int
		want        error
	}{
		{"whole", index(at, "sha256", b.Bytes()), b.Bytes(), 2, nil},
		{"no updates", `<repomd><data type="primary"/></repomd>`, nil, 0, nil},
		{"zchunk only", index(at+".zck", "sha256", nil), nil, 0, nil},
		{"nothing", `<repomd></repomd>`, nil, 0, assay.ErrMalformed},
		{"a page", `<html></html>`, nil, 0, assay.ErrMalformed},
		{"another edition", index(at, "sha256", []byte("x")), b.Bytes(), 2, assay.ErrMalformed},
		{"cut", index(at, "sha256", b.Bytes()), b.Bytes()[:b.Len()-20], 1, assay.ErrMalformed},
		{"missing", index(at, "sha256", b.Bytes()), nil, 0, assay.ErrNotFound},
		{"another sum", index(at, "md5", b.Bytes()), b.Bytes(), 0, assay.ErrUnsupported},
		{"outside", index("../"+at, "sha256", b.Bytes()), b.Bytes(), 0, assay.ErrMalformed},
		{"elsewhere", index("https://example.com/a", "sha256", b.Bytes()), b.Bytes(), 0, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := contract.Documents{base + updateinfo.Index: []byte(tt.index)}
			if tt.doc != nil {
				d[base+at] = tt.doc
			}
			n := 0
			err := updateinfo.Fetch(t.Context(), d, base, func(*updateinfo.Update) error { n++; return nil })
			if !errors.Is(err, tt.want) || n != tt.n {
				t.Errorf("%d updates, %v; want %d, %v", n, err, tt.n, tt.want)
			}
		})
	}
	if err := updateinfo.Fetch(t.Context(), contract.Documents{}, base, nil); !errors.Is(err, assay.ErrNotFound) {
		t.Error(err)
	}
}

// TestCorpus counts what documents in all compressions have; the numbers were
// counted by another program.
func TestCorpus(t *testing.T) {
	for name, want := range map[string]string{
		"centos/_more/updateinfo-cefs.xml":                        "427 7428",
		"linux-update.oracle.com/updateinfo.xml.gz":               "2494 28717",
		"cdn.amazonlinux.com/_more/amazon_linux_1_updateinfo.xml": "2 19",
		"archives.fedoraproject.org/pub/archive/epel/6.2017-11-07/SRPMS/repodata/804c7236e6d341cbb68a257bf8b984a140c1f1d2006e35ba9f6d2383b1a50ab0-updateinfo.xml.bz2":               "1 33",
		"archives.fedoraproject.org/pub/archive/fedora/linux/updates/38/Modular/x86_64/repodata/5018295245e031a2d51db78a23935461d067cdbc1b6e43d8575983c5f6893252-updateinfo.xml.xz": "1 0",
		"dl.fedoraproject.org/pub/fedora/linux/updates/43/Everything/x86_64/repodata/74f58a91baa4a290e7ab058c6298b46ef49fc5ee990ede14d181340e5d22fca9-updateinfo.xml.zst":           "1 6",
	} {
		f, err := os.Open(corpus.Path(t, "feeds/"+name))
		if err != nil {
			t.Fatal(err)
		}
		updates, packages := 0, 0
		err = updateinfo.Read(t.Context(), f, func(u *updateinfo.Update) error {
			updates++
			for _, c := range u.Collections {
				packages += len(c.Packages)
			}
			if u.ID == "" || u.Issued().IsZero() {
				t.Errorf("%s: %+v", name, u)
			}
			return nil
		})
		f.Close()
		if got := fmt.Sprint(updates, packages); got != want || err != nil {
			t.Errorf("%s: %s %v, want %s", name, got, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, b []byte) {
		updateinfo.Read(t.Context(), bytes.NewReader(b), func(u *updateinfo.Update) error {
			for _, a := range u.Affected("s") {
				if a.Name == "" || len(a.Ranges) == 0 || a.Ranges[0].Fixed == "" {
					t.Errorf("%+v", a)
				}
			}
			u.CVEs()
			return nil
		})
	})
}

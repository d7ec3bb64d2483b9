package csaf_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tardoc"
	"github.com/assaysec/assay/internal/record/csaf"
	"github.com/assaysec/assay/internal/test/corpus"
)

const small = `{"document": {"category": "csaf_vex", "csaf_version": "2.0", "title": "T", "publisher": {"name": "P", "namespace": "https://example.org", "category": "vendor"},
	"aggregate_severity": {"text": "low"}, "tracking": {"id": "CVE-2024-1", "status": "final", "initial_release_date": "2024-01-01T00:00:00Z", "current_release_date": "odd"},
	"notes": [{"category": "summary", "text": "N"}], "references": [{"category": "self", "url": "https://example.org/1"}]},
"product_tree": {
	"branches": [{"category": "vendor", "name": "V", "branches": [
		{"category": "product_name", "name": "OS 9", "product": {"product_id": "os9", "name": "OS 9", "product_identification_helper": {"cpe": "cpe:/o:v:os:9"}}},
		{"category": "architecture", "name": "x86_64", "branches": [{"category": "product_version", "name": "a-1", "product": {"product_id": "a-1", "name": "a-1", "product_identification_helper": {"purl": "pkg:rpm/v/a@1"}}}]}]}],
	"full_product_names": [{"product_id": "lib", "name": "lib", "product_identification_helper": {"purls": ["pkg:npm/lib"]}}, {"product_id": "lib", "name": "again"}],
	"product_groups": [{"group_id": "g", "product_ids": ["os9:a-1", "os9:lib"]}],
	"relationships": [
		{"category": "default_component_of", "full_product_name": {"product_id": "os9:a-1", "name": "a in OS"}, "product_reference": "a-1", "relates_to_product_reference": "os9"},
		{"category": "installed_on", "full_product_name": {"product_id": "host", "name": "h"}, "product_reference": "gone", "relates_to_product_reference": "os9:a-1"},
		{"category": "installed_on", "full_product_name": {"product_id": "ring", "name": "r"}, "product_reference": "ring", "relates_to_product_reference": "ring"}]},
"vulnerabilities": [{"cve": "CVE-2024-1", "cwe": {"id": "CWE-79", "name": "X"}, "cwes": [{"id": "CWE-80"}, {"id": "CWE-79"}], "release_date": "2024-01-02T00:00:00Z",
	"product_status": {"fixed": ["os9:a-1"], "known_not_affected": ["lib"]},
	"remediations": [{"category": "vendor_fix", "details": "D", "url": "https://example.org/E-1", "date": "2024-01-03T00:00:00Z", "product_ids": ["lib"], "group_ids": ["g", "none"]}],
	"threats": [{"category": "impact", "details": "Low", "group_ids": ["g"]}], "flags": [{"label": "component_not_present", "group_ids": ["g"]}],
	"scores": [{"products": ["os9:a-1"], "cvss_v3": {"vectorString": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H", "baseScore": 5.9, "baseSeverity": "MEDIUM"}},
		{"products": ["lib"], "cvss_v2": {"vectorString": "AV:N/AC:L/Au:N/C:N/I:N/A:P"}, "cvss_v3": {"vectorString": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H"}, "cvss_v4": {"vectorString": "odd"}}]}]}`

func TestParse(t *testing.T) {
	d, err := csaf.Read(strings.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	if d.ID != "CVE-2024-1" || d.Category != "csaf_vex" || d.Title != "T" || d.Publisher.Name != "P" || d.Severity != "low" || d.Withdrawn() ||
		d.Published.Year() != 2024 || !d.Modified.IsZero() || d.Notes[0].Text != "N" || d.References[0].URL != "https://example.org/1" || len(d.Products) != 6 {
		t.Errorf("%+v", d)
	}
	a := d.Products["os9:a-1"]
	if a.Part.PURL != "pkg:rpm/v/a@1" || a.Whole.CPE != "cpe:/o:v:os:9" || a.Root() != d.Products["os9"] || a.Relation != "default_component_of" ||
		ancestor(a.Part.Branch, "architecture") != "x86_64" || ancestor(a.Part.Branch, "vendor") != "V" || ancestor(a.Part.Branch, "product_family") != "" {
		t.Errorf("%+v", a)
	}
	if h := d.Products["host"]; h.Part.ID != "gone" || h.Root() != d.Products["os9"] || d.Products["ring"].Root() == nil {
		t.Errorf("%+v", h)
	}
	if p := d.Products["lib"]; p.PURL != "pkg:npm/lib" || p.Name != "lib" || ancestor(p.Branch, "vendor") != "" {
		t.Errorf("%+v", p)
	}
	v := &d.Vulnerabilities[0]
	var scores []string
	for _, c := range v.CVSS("v") {
		scores = append(scores, fmt.Sprint(c.Source, " ", c.Version, " ", c.Score))
	}
	if diff := cmp.Diff([]string{"v 3.1 5.9", "v 2.0 5"}, scores); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"CWE-79", "CWE-80"}, v.Weaknesses()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string][]string{csaf.Fixed: {"os9:a-1"}, csaf.KnownNotAffected: {"lib"}}, v.Products); diff != "" {
		t.Error(diff)
	}
	r, group := v.Remediations[0], []string{"os9:a-1", "os9:lib"}
	if diff := cmp.Diff([][]string{{"lib", "os9:a-1", "os9:lib"}, group, group}, [][]string{r.Products, v.Threats[0].Products, v.Flags[0].Products}); diff != "" {
		t.Error(diff)
	}
	if !r.Date.Equal(time.Date(2024, 1, 3, 0, 0, 0, 0, time.UTC)) || r.URL != "https://example.org/E-1" || v.Released.Day() != 2 {
		t.Errorf("%+v", v)
	}
}

func TestBroken(t *testing.T) {
	deep := strings.Repeat(`[{"branches":`, 65) + "[]" + strings.Repeat(`}]`, 65)
	header := `{"document":{"tracking":{"id":"x"}},`
	for name, tt := range map[string]struct {
		in   string
		want error
	}{
		"empty":            {"", assay.ErrMalformed},
		"a page":           {"<!DOCTYPE html>", assay.ErrMalformed},
		"cut":              {small[:len(small)/2], assay.ErrMalformed},
		"no identifier":    {`{"document":{}}`, assay.ErrMalformed},
		"unexpected value": {`{"document":{"tracking":{"id":["x"]}}}`, assay.ErrMalformed},
		"version 1":        {`{"document":{"csaf_version":"1.2","tracking":{"id":"x"}}}`, assay.ErrUnsupported},
		"deep":             {header + `"product_tree":{"branches":` + deep + `}}`, assay.ErrTooLarge},
		"deeper":           {strings.Repeat("[", 100_000), assay.ErrMalformed},
		"many objects":     {header + `"vulnerabilities":[` + strings.Repeat("{},", 1_000_000) + `{}]}`, assay.ErrTooLarge},
		"large":            {strings.Repeat(" ", 64<<20+1), assay.ErrTooLarge},
		"groups of groups": {header + `"product_tree":{"product_groups":[{"group_id":"g","product_ids":[` + strings.Repeat(`"",`, 9999) + `""]}]},"vulnerabilities":[{"flags":[{"group_ids":[` +
			strings.Repeat(`"g",`, 999) + `"g"]}]}]}`, assay.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := csaf.Read(strings.NewReader(tt.in)); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	d, err := csaf.Parse([]byte(`{"document":{"tracking":{"id":"CVE-2024-1","status":"deleted"}}}`))
	if err != nil || !d.Withdrawn() {
		t.Errorf("%+v %v", d, err)
	}
}

func TestChanges(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"two", "\"2023/cve-1.json\",\"2024-01-02T03:04:05+00:00\"\n\"2023/cve-2.json\",\"2024-01-01T00:00:00Z\"", "map[2023/cve-1.json:0102 2023/cve-2.json:0101]"},
		{"twice", "a.json,2024-01-01\na.json,2024-01-03\na.json,2024-01-02\n", "map[a.json:0103]"},
		{"empty", "", "malformed"},
		{"a page", "<!DOCTYPE html>", "malformed"},
		{"no time", "a.json,now", "malformed"},
		{"outside", "../a.json,2024-01-01", "malformed"},
		{"a host", "//example.org/a.json,2024-01-01", "malformed"},
		{"cut", "\"a.json\",\"2024-01-01", "malformed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, err := csaf.Changes(strings.NewReader(tt.in))
			got := map[string]string{}
			for p, at := range list {
				got[p] = at.Format("0102")
			}
			if s := fmt.Sprint(got); err == nil && s != tt.want || errors.Is(err, assay.ErrMalformed) != (tt.want == "malformed") {
				t.Errorf("%s %v, want %s", s, err, tt.want)
			}
		})
	}
}

// TestCorpus reads the documents of three publishers, as files and in bundles:
// each product that a status names must be in the tree.
func TestCorpus(t *testing.T) {
	root := corpus.Path(t, "feeds")
	documents, products := 0, 0
	check := func(name string, b []byte) {
		d, err := csaf.Parse(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		documents++
		for i := range d.Vulnerabilities {
			for _, ids := range d.Vulnerabilities[i].Products {
				for _, id := range ids {
					if products++; d.Products[id] == nil {
						t.Errorf("%s: %s is in no tree", name, id)
						return
					}
				}
			}
		}
	}
	for _, dir := range []string{"security.access.redhat.com/data/csaf", "repo.openeuler.org/security/data/csaf"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, e fs.DirEntry, err error) error {
			if filepath.Ext(path) != ".json" {
				return err
			}
			b, err := os.ReadFile(path)
			check(path, b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, bundle := range []string{"security.access.redhat.com/data/csaf/v2/vex/csaf_vex_2024-08-04.tar.zst", "security.access.redhat.com/data/csaf/v2/vex/csaf_vex_2023-10-31.tar.zst",
		"ftp.suse.com/pub/projects/security/csaf-vex.tar.bz2", "ftp.suse.com/pub/projects/security/csaf.tar.bz2"} {
		f, err := os.Open(filepath.Join(root, bundle))
		if err != nil {
			t.Fatal(err)
		}
		err = tardoc.Walk(t.Context(), f, func(name string) bool { return strings.HasSuffix(name, ".json") }, func(name string, b []byte, err error) error {
			check(bundle+" "+name, b)
			return err
		})
		f.Close()
		if err != nil {
			t.Errorf("%s: %v", bundle, err)
		}
	}
	if documents != 39 || products != 22505 {
		t.Errorf("%d documents, %d products", documents, products)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := csaf.Parse(b)
		if err != nil {
			return
		}
		for _, p := range d.Products {
			p.Root()
			ancestor(p.Branch, "vendor")
		}
		for i := range d.Vulnerabilities {
			d.Vulnerabilities[i].CVSS("x")
			d.Vulnerabilities[i].Weaknesses()
		}
	})
}

func FuzzChanges(f *testing.F) {
	f.Add([]byte("\"a/b.json\",\"2024-01-01T00:00:00Z\"\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if list, err := csaf.Changes(bytes.NewReader(b)); err == nil && len(list) == 0 {
			t.Error("empty and no error")
		}
	})
}

func BenchmarkParse(b *testing.B) {
	doc, err := os.ReadFile(corpus.Path(b, "feeds/security.access.redhat.com/data/csaf/v2/vex/2025/cve-2025-6176.json"))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if _, err := csaf.Parse(doc); err != nil {
			b.Fatal(err)
		}
	}
}

// ancestor returns the name of the nearest branch of a category; "" when there
// is none.
func ancestor(b *csaf.Branch, category string) string {
	for ; b != nil; b = b.Parent {
		if b.Category == category {
			return b.Name
		}
	}
	return ""
}

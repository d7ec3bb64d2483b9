package nvd

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func pack(b []byte) []byte {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	z.Write(b)
	z.Close()
	return buf.Bytes()
}

// file is a feed's file with records, each a JSON text.
func plain(records ...string) []byte {
	return []byte(`{"resultsPerPage": 1, "vulnerabilities": [` + strings.Join(records, ",") + `]}`)
}

func record(id, modified string) string {
	return fmt.Sprintf(`{"cve": {"id": %q, "lastModified": %q, "descriptions": [{"lang": "en", "value": "Words."}]}}`, id, modified)
}

func meta(b []byte) []byte {
	return fmt.Appendf(nil, "lastModifiedDate:2025-06-25T03:01:03-04:00\r\nsize:%d\r\nsha256:%X\r\n", len(b), sha256.Sum256(b))
}

const whole = `{"cve": {"id": "CVE-2021-23814", "published": "2021-12-17T20:15:08.340", "lastModified": "2025-06-17T12:15:20.773", "vulnStatus": "Modified",
	"descriptions": [{"lang": "es", "value": "Palabras."}, {"lang": "en", "value": "Words."}],
	"metrics": {
		"cvssMetricV31": [
			{"source": "report@snyk.io", "type": "Secondary", "cvssData": {"version": "3.1", "vectorString": "CVSS:3.1/AV:N", "baseScore": 6.7}},
			{"source": "nvd@nist.gov", "type": "Primary", "cvssData": {"version": "3.1", "vectorString": "CVSS:3.1/AV:N/AC:L", "baseScore": 8.8}},
			{"source": "x@y", "cvssData": {"version": "3.1", "baseScore": 88}}],
		"cvssMetricV2": [{"source": "nvd@nist.gov", "cvssData": {"version": "2.0", "vectorString": "AV:N", "baseScore": 6.5}}],
		"cvssMetricV40": [{"source": "134c704f-9b21-4f2e-91b3-4a467353bcc0", "cvssData": {"version": "4.0", "vectorString": "CVSS:4.0/AV:N", "baseScore": 9.3}}]},
	"weaknesses": [{"description": [{"lang": "en", "value": "CWE-94"}]}, {"description": [{"lang": "en", "value": "CWE-434"}, {"lang": "en", "value": "NVD-CWE-noinfo"}]}],
	"references": [{"url": "https://b/"}, {"url": "https://a/"}, {"url": "https://b/"}]}}`

func TestWhole(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Documents{Base + "2021.json.gz": pack(plain(whole))}, "details:2021")
	want := []assay.Detail{{
		ID: "CVE-2021-23814", Feed: "nvd", Text: "Words.", CWEs: []string{"CWE-434", "CWE-94"}, References: []string{"https://a/", "https://b/"},
		Published: time.Date(2021, 12, 17, 20, 15, 8, 340e6, time.UTC), Modified: time.Date(2025, 6, 17, 12, 15, 20, 773e6, time.UTC),
		CVSS: []assay.CVSS{
			{Source: "nvd", Version: "2.0", Vector: "AV:N", Score: 6.5},
			{Source: "report@snyk.io", Version: "3.1", Vector: "CVSS:3.1/AV:N", Score: 6.7},
			{Source: "nvd", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L", Score: 8.8},
			{Source: "cisa-adp", Version: "4.0", Vector: "CVSS:4.0/AV:N", Score: 9.3},
		},
	}}
	if diff := cmp.Diff(want, r.Details); diff != "" {
		t.Error(diff)
	}
}

func year(y int) Feed {
	return Feed{Now: func() time.Time { return time.Date(y, 6, 1, 0, 0, 0, 0, time.UTC) }}
}

func TestContract(t *testing.T) {
	y2002, y2003 := plain(record("CVE-1999-0001", ""), record("CVE-2002-0002", "")), plain(record("CVE-2003-0003", ""))
	contract.Feed(t, contract.FeedCase{Feed: year(2003), Wanted: "details:2003", Documents: contract.Documents{
		Base + "2002.json.gz": pack(y2002), Base + "2003.json.gz": pack(y2003),
		Base + "modified.json": plain(record("CVE-2003-0003", "2025-01-01T00:00:00")),
	}})
}

func TestYears(t *testing.T) {
	docs := contract.Documents{
		Base + "2002.json.gz":   pack(plain(record("CVE-1999-0001", ""), record("CVE-2002-0002", ""))),
		Base + "2003.json.gz":   pack(plain(record("CVE-2003-0003", ""), `{"cve": {"id": "CVE-2003-4"}}`, `[]`)),
		Base + "recent.json.gz": pack(plain(record("CVE-2004-0005", ""))),
	}
	ids := func(r *contract.Records) string {
		var s []string
		for _, d := range r.Details {
			s = append(s, d.ID)
		}
		return strings.Join(s, " ")
	}
	for _, tt := range []struct {
		name    string
		wanted  []assay.Stream
		want    string
		skipped map[string]int
	}{
		{"all", nil, "CVE-2004-0005 CVE-1999-0001 CVE-2002-0002 CVE-2003-0003", map[string]int{"year not published": 2, "file of changes not published": 1, "malformed record": 2}},
		{"one year", []assay.Stream{"details:2003"}, "CVE-2003-0003", map[string]int{"file of changes not published": 1, "malformed record": 2}},
		{"before the first", []assay.Stream{"details:1999"}, "CVE-1999-0001", map[string]int{"file of changes not published": 1}},
		{"not published", []assay.Stream{"details:2004"}, "CVE-2004-0005", map[string]int{"year not published": 1, "file of changes not published": 1}},
		{"no year", []assay.Stream{"details:other"}, "", map[string]int{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, year(2005), docs, tt.wanted...)
			if got := ids(r); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if diff := cmp.Diff(tt.skipped, r.Reasons()); diff != "" {
				t.Error(diff)
			}
		})
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

// TestGone: a year that was there before does not go in silence.
func TestGone(t *testing.T) {
	b := plain(record("CVE-2002-0002", ""))
	now := contract.Documents{Base + "2002.json.gz": pack(b)}
	for _, name := range []string{"2003.json.gz", "2003.json"} {
		err := year(2003).Fetch(t.Context(), before{now, contract.Documents{Base + name: b}}, nil, &contract.Records{})
		if !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), Base+"2003.json") {
			t.Errorf("%s is gone: %v", name, err)
		}
	}
	held := contract.Documents{Base + "2002.json": b, Base + "recent.json.gz": b}
	if r := contract.Fetch(t, year(2003), before{now, held}); r.Kept() != 1 || r.Reasons()["year not published"] != 1 {
		t.Errorf("%d kept, skipped %v", r.Kept(), r.Skipped)
	}
}

func TestChecksum(t *testing.T) {
	b := plain(record("CVE-2003-0003", ""))
	docs := contract.Documents{Base + "2003.json.gz": pack(b), Base + "2003.meta": meta(append(b, ' '))}
	err := year(2003).Fetch(t.Context(), docs, []assay.Stream{"details:2003"}, &contract.Records{})
	if err == nil || !strings.Contains(err.Error(), "2003.json.gz") || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("%v, want a mismatch", err)
	}
	docs[Base+"2003.meta"] = []byte("size:5\r\n")
	err = year(2003).Fetch(t.Context(), docs, []assay.Stream{"details:2003"}, &contract.Records{})
	if !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), "2003.meta") {
		t.Errorf("%v, want a malformed .meta", err)
	}
	docs[Base+"2003.meta"] = meta(b)
	contract.Fetch(t, year(2003), docs, "details:2003")
}

func TestRejected(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Documents{Base + "2021.json": plain(`{"cve": {"id": "CVE-2021-0001", "vulnStatus": "Rejected"}}`)}, "details:2021")
	if len(r.Details) != 1 || !r.Details[0].Rejected {
		t.Errorf("%+v", r.Details)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, year(2026), contract.Mirror(corpus.Path(t, "feeds")))
	// 2021: 3, 2025: 4, modified: 2, recent: 94; one of them twice.
	if diff := cmp.Diff(map[string]int{"year not published": 23, "replaced by a newer record in another file": 1}, r.Reasons()); diff != "" || len(r.Details) != 102 {
		t.Errorf("%d kept\n%s", len(r.Details), diff)
	}
	scores := map[string]int{}
	rejected := 0
	for _, d := range r.Details {
		for _, c := range d.CVSS {
			scores[c.Version]++
		}
		if d.Rejected {
			rejected++
		}
		if d.ID == "CVE-2021-44228" && (d.CVSS[0] != assay.CVSS{Source: "nvd", Version: "2.0", Vector: "AV:N/AC:M/Au:N/C:C/I:C/A:C", Score: 9.3}) {
			t.Errorf("%+v", d.CVSS)
		}
	}
	if diff := cmp.Diff(map[string]int{"2.0": 27, "3.1": 74, "4.0": 50}, scores); diff != "" || rejected != 2 {
		t.Errorf("%d rejected\n%s", rejected, diff)
	}
}

// TestNewest: a record of a year's file gives way to the same that changed.
func TestNewest(t *testing.T) {
	product := func(modified, vendor string) string {
		return fmt.Sprintf(`{"cve": {"id": "CVE-2003-0003", "lastModified": %q, "configurations": [{"nodes": [{"cpeMatch": [
			{"vulnerable": true, "criteria": "cpe:2.3:a:%s:x:*:*:*:*:*:*:*:*"}]}]}]}}`, modified, vendor)
	}
	docs := contract.Documents{Base + "2003.json": plain(product("2024-01-01", "old")), Base + "modified.json": plain(product("2024-02-01", "new"))}
	r := contract.Fetch(t, year(2003), docs)
	if len(r.Details) != 1 || len(r.Advisories) != 1 || r.Advisories[0].Affected[0].Name != "new:x" || r.Reasons()["replaced by a newer record in another file"] != 1 {
		t.Errorf("%+v %+v, skipped %v", r.Details, r.Advisories, r.Skipped)
	}
	if r := contract.Fetch(t, year(2003), docs, assay.StreamCPE); len(r.Details) != 0 || len(r.Advisories) != 1 {
		t.Errorf("of products alone: %d details, %d advisories", len(r.Details), len(r.Advisories))
	}
}

func TestProducts(t *testing.T) {
	cpe := func(name string) string { return "cpe:2.3:" + name + ":*:*:*:*:*:*" }
	for _, tt := range []struct{ name, in, want string }{
		{"a range", `[{"nodes":[{"operator":"OR","cpeMatch":[{"vulnerable":true,"criteria":"` + cpe("a:apache:http_server:*:*") + `","versionStartIncluding":"2.4.0","versionEndExcluding":"2.4.50"}]}]}]`,
			"apache:http_server [{2.4.0 2.4.50  }] [] []"},
		{"behind a version, up to another", `[{"nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"` + cpe("a:v:p:*:*") + `","versionStartExcluding":"1.0","versionEndIncluding":"1.9"}]}]}]`,
			"v:p [{1.0.0.0.1   1.9}] [] []"},
		{"one version, an update of another", `[{"nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"` + cpe("a:v:p:1.0:*") + `"},{"vulnerable":true,"criteria":"` + cpe("o:v:p:2.0:rc1") + `"}]}]}]`,
			"v:p [] [1.0] []; v:p [] [2.0:rc1] []"},
		{"all versions", `[{"nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"` + cpe("a:v:p:-:*") + `"}]}]}]`, "v:p [{   }] [] []"},
		{"colons and signs in names", `[{"nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"` + cpe(`a:v\\:w:p\\+\\+:*:*`) + `"}]}]}]`, "v:w:p++ [{   }] [] []"},
		{"hardware", `[{"nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"` + cpe("h:v:p:-:*") + `"}]}]}]`, ""},
		{"beside another", `[{"operator":"AND","nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"` + cpe("a:v:p:*:*") + `"}]},{"cpeMatch":[{"vulnerable":false,"criteria":"` + cpe("o:w:os:*:*") + `"}]}]}]`,
			"v:p [{   }] [] [" + cpe("o:w:os:*:*") + "]"},
		{"both of a node", `[{"nodes":[{"operator":"AND","cpeMatch":[{"vulnerable":true,"criteria":"` + cpe("a:v:p:*:*") + `"},{"vulnerable":false,"criteria":"` + cpe("o:w:os:*:*") + `"}]}]}]`,
			"v:p [{   }] [] [" + cpe("o:w:os:*:*") + "]"},
		{"negated", `[{"nodes":[{"negate":true,"cpeMatch":[{"vulnerable":true,"criteria":"` + cpe("a:v:p:*:*") + `"}]}]}]`, "skip " + whyNegated},
		{"no versions", `[{"nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"` + cpe("a:v:p:*:*") + `","versionStartExcluding":"a b"}]}]}]`, "skip " + whyVersions},
		{"no CPE", `[{"nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"cpe"}]}]}]`, "skip " + whyCPE},
		{"a backslash in a name", `[{"nodes":[{"cpeMatch":[{"vulnerable":true,"criteria":"` + cpe(`a:v:p\\\\q:*:*`) + `"}]}]}]`, `v:p\q [{   }] [] []`},
	} {
		var c []configuration
		if err := json.Unmarshal([]byte(tt.in), &c); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range products(c, func(why string) { got = append(got, "skip "+why) }) {
			got = append(got, fmt.Sprint(a.Name, " ", a.Ranges, " ", a.Versions, " ", a.Qualifiers.RunningOn))
		}
		if s := strings.Join(got, "; "); s != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, s, tt.want)
		}
	}
}

// TestProductsOfCorpus counts the rows of NVD's own records, read another way.
func TestProductsOfCorpus(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(corpus.Path(t, "feeds/services.nvd.nist.gov/rest/json/cves/2.0"), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	total := 0
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(b, []byte(`"vulnerabilities"`)) {
			continue
		}
		docs := contract.Documents{Base + "recent.json": b}
		r := contract.Fetch(t, year(2002), docs, assay.StreamCPE)
		got := 0
		for _, a := range r.Advisories {
			got += len(a.Affected)
		}
		want := 0
		for _, m := range vulnerable.FindAll(b, -1) {
			if !bytes.Contains(m, []byte(":h:")) {
				want++
			}
		}
		if total += got; got != want {
			t.Errorf("%s: %d products, want %d", filepath.Base(f), got, want)
		}
	}
	if total < 100 {
		t.Errorf("only %d products in all", total)
	}
}

// vulnerable finds a criterion of software or hardware that is at fault.
var vulnerable = regexp.MustCompile(`"vulnerable"\s*:\s*true\s*,\s*"criteria"\s*:\s*"cpe:2\.3:[aoh]:[^"]*"`)

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, year(2003), Base+"2003.json.gz", pack, string(plain(whole, record("CVE-2003-0003", ""))))
}

// TestExpected holds what the feed gives against what the authors of the samples
// expect of them.
func TestExpected(t *testing.T) {
	const folder = "feeds/services.nvd.nist.gov/rest/json/cves/2.0/"
	read := func(name string) []byte {
		b, err := os.ReadFile(corpus.Path(t, folder+name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	var expected []struct {
		Aliases    []string
		Summary    string
		Published  time.Time `json:"date_published"`
		Weaknesses []int
		References []struct {
			ID         string `json:"reference_id"`
			URL        string
			Severities []struct {
				System, Value string
				Elements      string `json:"scoring_elements"`
			}
		}
	}
	if err := json.Unmarshal(read("vc-nvd-expected.json"), &expected); err != nil || len(expected) == 0 {
		t.Fatal(err)
	}
	r := contract.Fetch(t, year(2002), contract.Documents{Base + "recent.json": read("vc-nvd_test.json")})
	details := map[string]assay.Detail{}
	for _, d := range r.Details {
		details[d.ID] = d
	}
	cpes := map[string]bool{}
	for _, a := range r.Advisories {
		for _, f := range a.Affected {
			cpes[a.ID+" "+f.Qualifiers.CPEs[0]] = true
		}
	}
	for _, want := range expected {
		id := want.Aliases[0]
		d, ok := details[id]
		if !ok || d.Text != want.Summary || !d.Published.Equal(want.Published.Truncate(time.Millisecond)) {
			t.Errorf("%s: %+v, want %+v", id, d, want)
		}
		for _, w := range want.Weaknesses {
			if !slices.Contains(d.CWEs, fmt.Sprint("CWE-", w)) {
				t.Errorf("%s: weaknesses %v, want %v", id, d.CWEs, want.Weaknesses)
			}
		}
		for _, ref := range want.References {
			if strings.HasPrefix(ref.ID, "cpe:") {
				if !cpes[id+" "+ref.ID] {
					t.Errorf("%s: no row of %s", id, ref.ID)
				}
			} else if ref.ID == "" && !slices.Contains(d.References, ref.URL) {
				t.Errorf("%s: no reference %s", id, ref.URL)
			}
			for _, s := range ref.Severities {
				if !slices.ContainsFunc(d.CVSS, func(c assay.CVSS) bool { return c.Vector == s.Elements && fmt.Sprintf("%.1f", c.Score) == s.Value }) {
					t.Errorf("%s: %v, want a score %+v in it", id, d.CVSS, s)
				}
			}
		}
	}
}

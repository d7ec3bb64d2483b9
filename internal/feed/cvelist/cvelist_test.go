package cvelist

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func record(id string) string {
	return fmt.Sprintf(`{"cveMetadata": {"cveId": %q, "state": "PUBLISHED", "dateUpdated": "2024-08-06T20:50:16.917Z"}, "containers": {"cna": {
		"descriptions": [{"lang": "en", "value": "Words."}], "metrics": [{"cvssV3_1": {"version": "3.1", "vectorString": "CVSS:3.1/AV:N", "baseScore": 7.5}}]}}}`, id)
}

func bundle(members ...string) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := 0; i < len(members); i += 2 {
		f, _ := w.Create("cvelistV5-main/" + members[i])
		f.Write([]byte(members[i+1]))
	}
	w.Close()
	return buf.Bytes()
}

var small = bundle("README.md", "x", "cves/delta.json", "{}", "cves/2012/4xxx/CVE-2012-4792.json", record("CVE-2012-4792"), "cves/2024/0xxx/CVE-2024-0002.json", record("CVE-2024-0002"))

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: contract.Documents{Document: small}, Wanted: "details:2012"})
}

func TestFiles(t *testing.T) {
	docs := contract.Documents{
		Directory + "2012/4xxx/CVE-2012-4792.json": []byte(record("CVE-2012-4792")),
		Directory + "2024/0xxx/CVE-2024-0002.json": []byte(record("CVE-2024-0002")),
		Directory + "2024/0xxx/CVE-2024-0003.json": []byte("{"),
		Directory + "delta.json":                   []byte("{}"),
	}
	r := contract.Fetch(t, Feed{}, docs)
	if len(r.Details) != 2 || r.Reasons()["malformed record"] != 1 || r.Details[0].CVSS[0].Source != "cna" {
		t.Errorf("%+v, skipped %v", r.Details, r.Skipped)
	}
	if r := contract.Fetch(t, Feed{}, docs, "details:2012"); len(r.Details) != 1 {
		t.Errorf("of one year: %+v", r.Details)
	}
	if err := (Feed{}).Fetch(t.Context(), contract.Documents{}, nil, &contract.Records{}); !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("nothing: %v", err)
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	if len(r.Details) != 7 || len(r.Skipped) != 0 {
		t.Errorf("%d kept, skipped %v", len(r.Details), r.Skipped)
	}
	for _, d := range r.Details {
		if d.Text == "" || d.Modified.IsZero() {
			t.Errorf("incomplete: %+v", d)
		}
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, func(b []byte) []byte { return bundle("cves/2012/4xxx/CVE-2012-4792.json", string(b)) }, record("CVE-2012-4792"))
}

package epss

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"strings"
	"testing"

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

const small = "#model_version:v2023.03.01,score_date:2023-03-07T00:00:00+0000\ncve,epss,percentile\nCVE-2020-5902,0.97567,0.99995\nCVE-2018-19571,0.00113,0.43131\n"

func TestForms(t *testing.T) {
	for _, tt := range []struct {
		name, table string
		want        []assay.EPSS
		skipped     int
	}{
		{"2021-04", "cve,epss\nCVE-2020-5902,0.65117\n", []assay.EPSS{{Score: 0.65117}}, 0},
		{"2021-09", "cve,epss,percentile\r\nCVE-2020-5902,0.65117,0.9981063485700858\r\n", []assay.EPSS{{Score: 0.65117, Percentile: 0.9981063485700858}}, 0},
		{"2022", small, []assay.EPSS{{Score: 0.97567, Percentile: 0.99995, Date: "2023-03-07"}, {Score: 0.00113, Percentile: 0.43131, Date: "2023-03-07"}}, 0},
		{"2025", "#model_version:v2025.03.14,score_date:2025-12-26T12:55:00Z\ncve,epss,percentile\nCVE-1999-0001,0.01151,0.7802", []assay.EPSS{{Score: 0.01151, Percentile: 0.7802, Date: "2025-12-26"}}, 0},
		{"bad rows", "cve,epss,percentile\nCVE-2020-5902,1.5,0.5\nCVE-2020-5902,NaN,0.5\nCVE-2020-5902\nX,0.5,0.5\nCVE-2020-5902,0.5,\nCVE-2020-5902,0.5,1,2\n\nCVE-2020-5902,1,0\n", []assay.EPSS{{Score: 1}}, 6},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contract.Fetch(t, Feed{}, contract.Documents{Document: pack([]byte(tt.table))})
			var got []assay.EPSS
			for _, d := range r.Details {
				got = append(got, *d.EPSS)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || r.Reasons()["malformed row"] != tt.skipped {
				t.Errorf("skipped %v\n%s", r.Skipped, diff)
			}
		})
	}
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: contract.Documents{Document: pack([]byte(small))}, Wanted: "epss"})
}

func TestDated(t *testing.T) {
	docs := contract.Documents{
		Directory + "epss_scores-2021-04-14.csv.gz": pack([]byte("cve,epss\nCVE-2020-5902,0.1\n")),
		Directory + "epss_scores-2021-09-01.csv.gz": pack([]byte("cve,epss\nCVE-2020-5902,0.2\n")),
		Directory + "epss_scores-latest.csv.gz":     {},
	}
	r := contract.Fetch(t, Feed{}, docs)
	if diff := cmp.Diff(&assay.EPSS{Score: 0.2, Date: "2021-09-01"}, r.Details[0].EPSS); diff != "" {
		t.Error(diff)
	}
}

func TestBroken(t *testing.T) {
	for name, b := range map[string][]byte{
		"no table":    pack([]byte("id;score\n")),
		"nothing":     pack(nil),
		"only broken": pack([]byte("cve,epss\n\"CVE-2024-1,0.1\n")),
		"a long line": pack([]byte("cve,epss\n" + strings.Repeat("x", maxLine+1))),
		"checksum":    append(pack([]byte(small))[:len(pack([]byte(small)))-8], 0, 0, 0, 0, 0, 0, 0, 0),
	} {
		err := Feed{}.Fetch(t.Context(), contract.Documents{Document: b}, nil, &contract.Records{})
		if !errors.Is(err, assay.ErrMalformed) || !strings.Contains(err.Error(), Document) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCorpus(t *testing.T) {
	m := contract.Mirror(corpus.Path(t, "feeds"))
	r := contract.Fetch(t, Feed{}, m) // the newest of three dated ones
	if diff := cmp.Diff(&assay.EPSS{Score: 0.97567, Percentile: 0.99995, Date: "2023-03-07"}, r.Details[0].EPSS); diff != "" || len(r.Details) != 2 {
		t.Error(diff)
	}
	for name, want := range map[string]int{"data.csv": 29, "epss_scores-2025-x-x.csv": 27} {
		b, err := os.ReadFile(corpus.Path(t, "feeds/epss.empiricalsecurity.com/_more/"+name))
		if err != nil {
			t.Fatal(err)
		}
		if r := contract.Fetch(t, Feed{}, contract.Documents{Document: pack(b)}); len(r.Details) != want || len(r.Skipped) != 0 {
			t.Errorf("%s: %d kept, skipped %v", name, len(r.Details), r.Skipped)
		}
	}
}

func FuzzFeed(f *testing.F) { contract.FuzzFeed(f, Feed{}, Document, pack, small) }

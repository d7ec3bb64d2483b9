package osv

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// bundle packs records, a line each.
func bundle(records []byte) []byte {
	var members []contract.Member
	for i, line := range strings.Split(strings.TrimSpace(string(records)), "\n") {
		members = append(members, contract.Member{Name: fmt.Sprintf("X-%d.json", i), Content: line})
	}
	return contract.Zip(members...)
}

func record(id, modified, eco, name, fixed string) string {
	return fmt.Sprintf(`{"id":%q,"modified":%q,"related":["CVE-2024-0002","CVE-2024-0001"],"affected":[{"package":{"ecosystem":%q,"name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":%q}]}]}]}`,
		id, modified, eco, name, fixed)
}

const day = "2024-01-02T00:00:00Z"

// small has a record in each directory.
func small() contract.Documents {
	docs := contract.Documents{}
	for _, d := range directories {
		eco := d.name
		if strings.HasSuffix(string(d.stream), ":*") {
			eco += ":9"
		}
		docs[d.url("all.zip")] = bundle([]byte(record("X-1", day, eco, "x", "2") + "\n" + record("X-2", day, "Elsewhere", "x", "2")))
	}
	return docs
}

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: small(), Wanted: "npm"})
}

func TestDistribution(t *testing.T) {
	r := contract.Fetch(t, Feed{}, small(), "mageia:9")
	if len(r.Advisories) != 2 || r.Advisories[0].ID != "CVE-2024-0001" || r.Advisories[1].ID != "CVE-2024-0002" ||
		cmp.Diff([]string{"X-1"}, r.Advisories[0].VendorIDs) != "" || r.Advisories[0].Affected[0].Stream != "mageia:9" {
		t.Errorf("%+v", r.Advisories)
	}
	if r := contract.Fetch(t, Feed{}, small(), "mageia:8"); r.Kept() != 0 {
		t.Errorf("%+v", r.Advisories)
	}
}

// keeper holds an archive and counts what is got.
type keeper struct {
	contract.Documents
	held contract.Documents
	got  []string
}

func (k *keeper) Get(ctx context.Context, url string) (io.ReadCloser, error) {
	k.got = append(k.got, strings.TrimPrefix(url, Bucket))
	return k.Documents.Get(ctx, url)
}

func (k *keeper) Cached(ctx context.Context, url string) (io.ReadCloser, error) {
	return k.held.Get(ctx, url)
}

func (k *keeper) GetVersion(ctx context.Context, url, version string) (io.ReadCloser, error) {
	if version != "" && !strings.HasSuffix(url, ".json") {
		version = "of an edition"
	}
	k.got = append(k.got, strings.TrimPrefix(url, Bucket)+" "+version)
	return k.Documents.Get(ctx, url)
}

func TestChanges(t *testing.T) {
	const later = "2024-02-02T00:00:00.5Z"
	old := bundle([]byte(strings.Join([]string{
		record("X-1", day, "PyPI", "same", "1"), record("X-2", day, "PyPI", "changed", "1"), record("X-3", day, "PyPI", "gone", "1"), `{"id":7}`}, "\n")))
	today := bundle([]byte(record("X-1", day, "PyPI", "today", "1")))
	many := ""
	for i := range maxChanged + 1 {
		many += fmt.Sprintf("%s,Y-%d\n", later, i)
	}
	for _, tt := range []struct {
		name, list string
		held       []byte
		want, got  []string
		skipped    string
	}{
		{"nothing held", later + ",X-1\n", nil, []string{"X-1 today"}, []string{"PyPI/modified_id.csv", "PyPI/all.zip of an edition"}, ""},
		{"no list", "", old, []string{"X-1 same"}, []string{"PyPI/modified_id.csv", "PyPI/all.zip"}, ""},
		{"little", later + ",X-2\n" + later + ",X-4\n" + later + ",X-5\n" + day + ",X-1\n", old,
			[]string{"X-1 same", "X-2 now", "X-4 new"},
			[]string{"PyPI/modified_id.csv", "PyPI/X-2.json " + later, "PyPI/X-4.json " + later, "PyPI/X-5.json " + later}, "listed but missing [X-5], no longer listed [X-3]"},
		{"changed and not there", later + ",X-3\n" + later + ",X-6\n" + day + ",X-1\n" + day + ",X-2\n", old, []string{"X-1 same", "X-2 changed", "X-3 gone"},
			[]string{"PyPI/modified_id.csv", "PyPI/X-3.json " + later, "PyPI/X-6.json " + later}, "listed but missing [X-3], malformed record [X-6]"},
		{"nothing", day + ",X-1\r\n" + day + ",X-2\n", old, []string{"X-1 same", "X-2 changed"}, []string{"PyPI/modified_id.csv"}, "no longer listed [X-3]"},
		{"much", many, old, []string{"X-1 today"}, []string{"PyPI/modified_id.csv", "PyPI/all.zip of an edition"}, ""},
		{"held is damaged", day + ",X-1\n", []byte("PK"), []string{"X-1 today"}, []string{"PyPI/modified_id.csv", "PyPI/all.zip of an edition"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := &keeper{Documents: contract.Documents{
				Bucket + "PyPI/all.zip":  today,
				Bucket + "PyPI/X-2.json": []byte(record("X-2", later, "PyPI", "now", "1")), Bucket + "PyPI/X-4.json": []byte(record("X-4", later, "PyPI", "new", "1")),
				Bucket + "PyPI/X-6.json": []byte(`{"id":6}`),
			}, held: contract.Documents{}}
			if tt.held != nil {
				k.held[Bucket+"PyPI/all.zip"] = tt.held
			}
			if tt.list != "" {
				k.Documents[Bucket+"PyPI/modified_id.csv"] = []byte(tt.list)
			} else {
				k.Documents[Bucket+"PyPI/all.zip"] = bundle([]byte(record("X-1", day, "PyPI", "same", "1")))
			}
			r := contract.Fetch(t, Feed{}, k, "pypi")
			var got []string
			for _, a := range r.Advisories {
				got = append(got, a.ID+" "+a.Affected[0].Name)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.got, k.got); diff != "" {
				t.Error(diff)
			}
			var skipped []string
			for _, why := range slices.Sorted(maps.Keys(r.Skipped)) {
				skipped = append(skipped, fmt.Sprint(why, " ", r.Skipped[why]))
			}
			if got := strings.Join(skipped, ", "); got != tt.skipped {
				t.Errorf("skipped %s, want %s", got, tt.skipped)
			}
		})
	}
	k := &keeper{Documents: contract.Documents{Bucket + "PyPI/modified_id.csv": []byte("<html>")}, held: contract.Documents{Bucket + "PyPI/all.zip": old}}
	if err := (Feed{}).Fetch(t.Context(), k, []assay.Stream{"pypi"}, &contract.Records{}); err == nil || !strings.Contains(err.Error(), "modified_id.csv") {
		t.Errorf("%v", err)
	}
}

// unescaped finds directories with blanks in a mirror.
type unescaped struct{ contract.Mirror }

func (u unescaped) Get(ctx context.Context, address string) (io.ReadCloser, error) {
	if p, err := url.PathUnescape(address); err == nil {
		address = p
	}
	return u.Mirror.Get(ctx, address)
}

func TestCorpus(t *testing.T) {
	mirror := unescaped{contract.Mirror(corpus.Path(t, "feeds"))}
	type count struct {
		Kept    int
		Skipped map[string]int
	}
	none := map[string]int{}
	got := map[string]count{}
	for _, d := range directories {
		r := contract.Fetch(t, Feed{}, mirror, d.stream)
		got[d.name] = count{r.Kept(), r.Reasons()}
		for _, a := range r.Advisories {
			for _, p := range a.Affected {
				if !d.stream.Covers(p.Stream) {
					t.Errorf("%s: %+v", d.name, p)
				}
			}
		}
	}
	withdrawn := func(n int) map[string]int { return map[string]int{"withdrawn": n} }
	want := map[string]count{ // counted apart, by the rules of the specification
		"CRAN": {14, none}, "GHC": {1, none}, "GitHub Actions": {2, none}, "Hex": {2, none}, "Linux": {1, none}, "Maven": {252, none},
		"NuGet": {7, none}, "Packagist": {4, none}, "Pub": {1, none}, "SwiftURL": {4, none}, "VSCode": {1, none}, "opam": {1, none},
		"Alpaquita": {2, none}, "BellSoft Hardened Containers": {1, none}, "Mageia": {1, none},
		"Go":        {3790, map[string]int{"withdrawn": 9, "no versions that can be compared": 1}},
		"Hackage":   {32, map[string]int{"no package of a known ecosystem": 3}}, // of GHC
		"PyPI":      {2629, withdrawn(10)},
		"RubyGems":  {5, withdrawn(1)},
		"crates.io": {1123, withdrawn(13)},
		"npm":       {8, map[string]int{"no versions that can be compared": 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Bucket+"npm/all.zip", bundle, record("GHSA-1", day, "npm", "x", "2"))
}

package vexhub

import (
	"archive/zip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/suppress/vex"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

const (
	manifest       = `{"name":"H","versions":[{"spec_version":"1.0","locations":[{"url":"https://h.example/1.zip"}]},{"spec_version":"0.1","locations":[{"url":"ftp://h.example/0"},{"url":"https://h.example/vex.tar.gz//hub"}]}]}`
	index          = `{"updated_at":"2025-01-02T00:00:00Z","packages":[{"id":"pkg:golang/h.example/a","location":"./pkg/golang/h.example/a/vex.json"}]}`
	sampleDocument = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"d","author":"H","timestamp":"2025-01-02T00:00:00Z","statements":[
{"vulnerability":{"name":"GO-2025-1","aliases":["CVE-2025-0001"]},"products":[{"@id":"pkg:golang/h.example/A@v1.2.3","subcomponents":[{"@id":"pkg:golang/stdlib@v1.22.7"}]}],"status":"not_affected","justification":"vulnerable_code_not_present","impact_statement":"Not called."}]}`
	list    = `{"version":1,"entries":[{"id":"pypi/b.openvex.json","modified":"2025-01-02T00:00:00Z"}]}`
	library = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"b","author":"C","timestamp":"2025-01-02T00:00:00Z","statements":[
{"vulnerability":{"name":"CGA-1","aliases":["CVE-2025-0002"]},"products":[{"identifiers":{"purl":"pkg:pypi/b@1.0%2Bcgr.1"}}],"status":"fixed"}]}`
)

var member = contract.Member{Name: "hub/pkg/golang/h.example/a/vex.json", Content: sampleDocument}

func documents() contract.Documents {
	return contract.Documents{
		Aqua.Manifest:                      []byte(manifest),
		"https://h.example/vex.tar.gz":     contract.TarGz(contract.Member{Name: "hub/index.json", Content: index}, member),
		archiveURL(Rancher):                contract.Zip(contract.Member{Name: "vexhub-main/pkg/golang/h.example/a/vex.json", Content: sampleDocument}),
		Rancher.Index:                      []byte(index),
		ChainguardList:                     []byte(list),
		Chainguard + "pypi/b.openvex.json": []byte(library),
	}
}

func archiveURL(r Repository) string { return strings.TrimSuffix(r.Archive, "//vexhub-main") }

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: documents(), Wanted: Stream})
}

func TestRecord(t *testing.T) {
	day := time.Date(2025, 1, 2, 0, 0, 0, 0, time.UTC)
	first := assay.Advisory{
		ID: "GO-2025-1", Aliases: []string{"CVE-2025-0001"}, Feed: "vexhub", Text: "Not called.", Published: day, Modified: day,
		URL: Aqua.Page + "pkg/golang/h.example/a/vex.json",
		Affected: []assay.Affected{{
			Stream: Stream, Name: "pkg:golang/h.example/a", Versions: []string{"v1.2.3"}, Status: assay.StatusNotAffected,
			Reason: "vulnerable_code_not_present", Qualifiers: assay.Qualifiers{Imports: []assay.Import{{Path: "pkg:golang/stdlib@v1.22.7"}}},
		}},
	}
	second := first
	second.URL = Rancher.Page + "pkg/golang/h.example/a/vex.json"
	third := assay.Advisory{
		ID: "CGA-1", Aliases: []string{"CVE-2025-0002"}, Feed: "vexhub", Published: day, Modified: day, URL: Chainguard + "pypi/b.openvex.json",
		Affected: []assay.Affected{{Stream: Stream, Name: "pkg:pypi/b", Versions: []string{"1.0+cgr.1"}, Status: assay.StatusFixed}},
	}
	if diff := cmp.Diff(&contract.Records{Advisories: []assay.Advisory{first, second, third}}, contract.Fetch(t, Feed{}, documents())); diff != "" {
		t.Error(diff)
	}
}

// TestSkipped: what is not used is reported, and the rest is used.
func TestSkipped(t *testing.T) {
	about := func(product string) string {
		return `{"vulnerability":"CVE-2025-1","status":"fixed","products":[` + product + `]}`
	}
	statements := []string{
		about(`"pkg:golang/h.example/a"`),
		about(`"pkg:golang/h.example/victim"`),
		about(`"h.example/a"`),
		about(`"pkg:golang/h.example/a?os=linux"`),
		about(`"pkg:golang/h.example/a@2?arch=amd64"`),
		about(`{"@id":"pkg:golang/h.example/a","subcomponents":[{"@id":"stdlib"}]}`),
		about(`"pkg:golang/"`),
		`{"vulnerability":"CVE-2025-1","status":"fixed"}`,
		`{"vulnerability":"CVE-2025-1","status":"cured","products":["pkg:golang/h.example/a"]}`,
		`7`,
	}
	doc := `{"@context":"https://openvex.dev/ns","statements":[` + strings.Join(statements, ",") + `]}`
	index := `{"packages":[{"id":"pkg:golang/h.example/a","location":"pkg/a.json"},{"id":"pkg:golang/h.example/b","location":"pkg/b.json"},{"id":"pkg:golang/h.example/c","location":"pkg/c.json"},{"id":"c","location":"pkg/c.json"}]}`
	d := contract.Documents{
		Aqua.Manifest: []byte(`{"versions":[{"spec_version":"v0.1","locations":[{"url":"https://h.example/vex.zip"}]}]}`),
		"https://h.example/vex.zip": contract.Zip(contract.Member{Name: "pkg/a.json", Content: doc}, contract.Member{Name: "index.json", Content: index},
			contract.Member{Name: "pkg/b.json", Content: "{"}, contract.Member{Name: "pkg/d.json", Content: sampleDocument}, contract.Member{Name: "pkg/manifest.json", Content: "{}"}),
	}
	r := contract.Fetch(t, Feed{[]Repository{{Manifest: Aqua.Manifest}}}, d)
	want := map[string]int{
		"product not in the index": 1, "product without package URL": 1, "product with qualifiers": 1, "subcomponent without package URL": 1,
		"malformed package URL": 1, "no product": 1, "unknown status": 1, "unexpected value": 1,
		"malformed document": 1, "document not in the archive": 1, "document not in the index": 1, "malformed index entry": 1,
	}
	if diff := cmp.Diff(want, r.Reasons()); diff != "" || len(r.Advisories) != 2 {
		t.Fatalf("%d kept\n%s", len(r.Advisories), diff)
	}
	if diff := cmp.Diff([]string{"amd64"}, r.Advisories[1].Affected[0].Qualifiers.Arches); diff != "" {
		t.Error(diff)
	}
	if got, want := r.Advisories[0].URL, "https://h.example/vex.zip/pkg/a.json"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// A hub's archive as it is shared: JSON documents by their path.
func shared(t *testing.T, r Repository) (raw []byte, docs map[string][]byte) {
	t.Helper()
	file := filepath.Join(corpus.Path(t, "feeds"), filepath.FromSlash(strings.TrimPrefix(archiveURL(r), scheme)))
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	docs = map[string][]byte{}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		m, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(m)
		if m.Close(); err != nil {
			t.Fatal(err)
		}
		docs[strings.TrimPrefix(f.Name, "vexhub-main/")] = b
	}
	return raw, docs
}

// tally is what a hub says: products of its statements, by what decides.
type tally map[string]int

// count reads a document without the help of the code under test. What one in
// the directory of an image says of others is left to theirs.
func (n tally) count(t *testing.T, name string, b []byte) (others int) {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	for _, s := range doc["statements"].([]any) {
		s := s.(map[string]any)
		n["statements"]++
		for _, p := range s["products"].([]any) {
			p := p.(map[string]any)
			id, _ := p["@id"].(string)
			if ids, ok := p["identifiers"].(map[string]any); ok {
				id = ids["purl"].(string)
			}
			if place, ok := strings.CutPrefix(path.Dir(name), "pkg/oci/"); ok && !strings.HasSuffix(strings.ReplaceAll(id, "%2F", "/"), "="+place) {
				others++
				continue
			}
			key := s["status"].(string) + " " + strings.SplitN(id, "/", 2)[0]
			if j, ok := s["justification"].(string); ok {
				key += " " + j
			}
			if strings.Contains(id, "@") {
				key += " version"
			}
			n[key]++
			if parts, ok := p["subcomponents"].([]any); ok {
				n["subcomponents"] += len(parts)
			}
		}
	}
	return others
}

// kept is the same of what the feed handed over.
func kept(all []assay.Advisory) tally {
	n := tally{}
	for _, a := range all {
		n["statements"]++
		for _, p := range a.Affected {
			key := string(p.Status) + " " + strings.SplitN(p.Name, "/", 2)[0]
			if p.Reason != "" {
				key += " " + p.Reason
			}
			if len(p.Versions) > 0 {
				key += " version"
			}
			n[key]++
			n["subcomponents"] += len(p.Qualifiers.Imports)
		}
	}
	return n
}

func TestCorpus(t *testing.T) {
	want := tally{}
	_, aqua := shared(t, Aqua)
	_, rancher := shared(t, Rancher)
	left, others := 0, 0
	for name, b := range aqua {
		switch {
		case strings.Contains(name, "inspektor-gadget/v0."): // not in the index
			left++
		case strings.HasSuffix(name, "vex.json"):
			others += want.count(t, name, b)
		}
	}
	for name, b := range rancher {
		others += want.count(t, name, b)
	}
	if len(aqua) != 118 || len(rancher) != 300 || left != 2 || others != 42 {
		t.Fatalf("%d, %d, %d documents, %d products of others; want 118, 300, 2, 42", len(aqua), len(rancher), left, others)
	}
	g := contract.Mirror(corpus.Path(t, "feeds"))
	for _, name := range []string{"pypi/urllib3", "maven/spring-security-web"} {
		b, err := os.ReadFile(filepath.Join(string(g), "libraries.cgr.dev/openvex/v1", name+".openvex.json"))
		if err != nil {
			t.Fatal(err)
		}
		want.count(t, name, b)
	}
	r := contract.Fetch(t, Feed{}, g)
	if diff := cmp.Diff(want, kept(r.Advisories)); diff != "" {
		t.Error(diff)
	}
	skipped := map[string]int{"document not in the index": 2, "document not in the archive": 818, "document missing": 1, "product not in the index": others}
	if diff := cmp.Diff(skipped, r.Reasons()); diff != "" {
		t.Error(diff)
	}
}

// TestPlaces has documents where their publishers have them: the manifest names
// the archive, whose kind its content tells.
func TestPlaces(t *testing.T) {
	raw, _ := shared(t, Rancher)
	d := contract.Documents{
		Rancher.Manifest: []byte(`{"versions":[{"spec_version":"0.1","locations":[{"url":"https://github.com/rancher/vexhub/archive/refs/heads/main.tar.gz//vexhub-main"}]}]}`),
		"https://github.com/rancher/vexhub/archive/refs/heads/main.tar.gz": raw,
	}
	index, err := os.ReadFile(filepath.Join(corpus.Path(t, "feeds"), "raw.githubusercontent.com/rancher/vexhub/main/index.json"))
	if err != nil {
		t.Fatal(err)
	}
	d[Rancher.Index] = index
	own := contract.Fetch(t, Feed{[]Repository{Rancher}}, d)
	if own.Kept() != 8701 {
		t.Errorf("%d kept of Rancher's", own.Kept())
	}
}

// TestFacts checks statements that a person read in the documents.
func TestFacts(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	for _, tt := range []struct {
		name, id, product, version, reason, part string
		status                                   assay.Status
	}{
		{"of a module in any version", "GO-2021-0356", "pkg:golang/github.com/harvester/webhook", "", "vulnerable_code_not_present", "pkg:golang/golang.org/x/crypto@0.0.0-20220214200702-86341886e292", assay.StatusNotAffected},
		{"of an image", "CVE-2024-5535", "pkg:oci/trivy?repository_url=index.docker.io%2Faquasec%2Ftrivy", "", "vulnerable_code_cannot_be_controlled_by_adversary", "pkg:apk/alpine/libssl3", assay.StatusNotAffected},
		{"of a part in any version", "GO-2024-2575", "pkg:golang/github.com/aquasecurity/trivy", "", "", "pkg:golang/helm.sh/helm/v3", assay.StatusNotAffected},
		{"of the standard library", "CVE-2025-22873", "pkg:golang/datadog-lambda-extension/recorder-extension", "", "", "pkg:golang/stdlib@v1.22.7", assay.StatusNotAffected},
		{"of a rebuilt library", "CGA-7qjw-ggh3-pp9f", "pkg:pypi/urllib3", "1.26.16+cgr.1", "", "", assay.StatusFixed},
		{"of a rebuilt archive", "CGA-3mj7-wxw9-qjx2", "pkg:maven/org.springframework.security/spring-security-web", "5.8.16-0.cgr.1", "", "", assay.StatusFixed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := false
			for _, a := range r.Advisories {
				for _, p := range a.Affected {
					if a.ID != tt.id || p.Name != tt.product || tt.version != "" && (len(p.Versions) != 1 || p.Versions[0] != tt.version) {
						continue
					}
					for _, i := range append(p.Qualifiers.Imports, assay.Import{}) {
						found = found || i.Path == tt.part && p.Status == tt.status && (tt.reason == "" || p.Reason == tt.reason)
					}
				}
			}
			if !found {
				t.Error("not there")
			}
		})
	}
	names := map[string]int{}
	for _, a := range r.Advisories {
		for _, p := range a.Affected {
			if u, err := vex.ParsePURL(p.Name); err != nil || u.Name() != p.Name {
				t.Errorf("%s: %q is no name: %v", a.ID, p.Name, err)
			}
			if strings.HasPrefix(p.Name, "pkg:oci/") {
				names[p.Name]++
			}
		}
	}
	want := map[string]int{
		"pkg:oci/trivy?repository_url=ghcr.io%2Faquasecurity%2Ftrivy":        7,
		"pkg:oci/trivy?repository_url=index.docker.io%2Faquasec%2Ftrivy":     7,
		"pkg:oci/trivy?repository_url=public.ecr.aws%2Faquasecurity%2Ftrivy": 7,
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// keeper notes the versions that it is asked for.
type keeper struct {
	contract.Documents
	editions []string
}

func (k *keeper) Cached(ctx context.Context, url string) (io.ReadCloser, error) {
	return nil, assay.ErrNotFound
}

func (k *keeper) GetVersion(ctx context.Context, url, version string) (io.ReadCloser, error) {
	k.editions = append(k.editions, url+" "+version)
	return k.Get(ctx, url)
}

func TestVersions(t *testing.T) {
	k := &keeper{Documents: documents()}
	contract.Fetch(t, Feed{}, k)
	if diff := cmp.Diff([]string{Chainguard + "pypi/b.openvex.json 2025-01-02T00:00:00Z"}, k.editions); diff != "" {
		t.Error(diff)
	}
}

// TestPaths: the list leads nowhere else.
func TestPaths(t *testing.T) {
	d := documents()
	d[ChainguardList] = []byte(`{"entries":[{"id":"../../x.json"},{"id":"https://h.example/x.json"},{"id":"/x.json"},{"id":"pypi/b.openvex.json"}]}`)
	r := contract.Fetch(t, Feed{}, d)
	if diff := cmp.Diff(map[string]int{"malformed list entry": 3}, r.Reasons()); diff != "" {
		t.Error(diff)
	}
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, single{}, Chainguard+"b.json", nil, library, sampleDocument)
}

// single is the feed of one document, and no archive, which takes time.
type single struct{ Feed }

func (single) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	e := &emitter{g, s, "vexhub"}
	return e.single(ctx, "b.json", "")
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(index))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := contract.Documents{
			"https://h.example/vex.zip":    contract.Zip(member),
			"https://h.example/index.json": b,
		}
		var r contract.Records
		err := Feed{[]Repository{{Archive: "https://h.example/vex.zip//hub", Index: "https://h.example/index.json"}}}.Fetch(t.Context(), d, nil, &r)
		if err == nil && r.Kept()+len(r.Skipped) == 0 {
			t.Error("nothing kept nor skipped, and no error")
		}
	})
}

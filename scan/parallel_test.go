package scan_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/scan"
)

// atOnce is how many scans run side by side in one process.
const atOnce = 16

// job is a scan, by the target that it opens.
type job struct {
	name string
	kind assay.TargetKind
	open func(testing.TB) *assay.Image
}

// smallJobs are scans that are quick also under the race detector: of real images,
// and of the SBOMs that are made of them.
func smallJobs(t testing.TB) (jobs []job) {
	dir := t.TempDir()
	for _, name := range []string{"debian-old", "distroless", "alpine", "rpm-ndb"} {
		path := corpus.Image(t, name+".docker.tar")
		jobs = append(jobs, job{name, assay.KindImage, func(t testing.TB) *assay.Image { return open(t, path) }})
		r, err := scan.Scan(t.Context(), scan.Request{Image: open(t, path), ListOnly: true, Now: fixed})
		if err != nil {
			t.Fatal(err)
		}
		sbom := filepath.Join(dir, name+".cdx.json")
		var b bytes.Buffer
		if err := scan.Write(&b, r, "cyclonedx", assay.FormatOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(sbom, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, job{name + " SBOM", assay.KindSBOM, func(t testing.TB) *assay.Image {
			img, err := scan.OpenSBOM(sbom, nil)
			if err != nil {
				t.Fatal(err)
			}
			return img
		}})
	}
	return jobs
}

func fixed() time.Time { return today }

// suppressing is a request with ignore rules, a policy and VEX documents of which
// each suppresses something.
func suppressing(t testing.TB, kind assay.TargetKind) scan.Request {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	suppressors, err := scan.LoadRules(scan.RuleOptions{
		IgnoreFiles: []string{write("rules.yaml", "- {package: 'lib*', status: [affected, fixed], severity-below: CRITICAL}\n- {id: CVE-2019-0001, expires: 2020-01-01}\n")},
		Policy:      write("p.rego", "package trivy\nignore if {\n  startswith(input.VulnerabilityID, \"CVE-2026\")\n  count([x | some x in numbers.range(1, 200)]) == 200\n}\n"),
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := scan.OpenVEX(t.Context(), scan.VEXOptions{Target: kind, Sources: []string{write("d.openvex.json", `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://a.test/1","author":"a","timestamp":"2024-01-01T00:00:00Z","version":1,
"statements":[{"vulnerability":{"name":"CVE-2025-9230"},"products":[{"@id":"pkg:deb/debian/openssl"}],"status":"not_affected","justification":"vulnerable_code_not_present"}]}`)}})
	if err != nil {
		t.Fatal(err)
	}
	return scan.Request{Suppressors: suppressors, VEX: v, Now: fixed}
}

// reportOn is the JSON of a scan, with its warnings.
func reportOn(ctx context.Context, t testing.TB, j job, request scan.Request) string {
	t.Helper()
	request.Image = j.open(t)
	var warned []string
	request.Warn = func(text string) { warned = append(warned, text) }
	r, err := scan.Scan(ctx, request)
	if err != nil {
		t.Errorf("%s: %v", j.name, err)
		return ""
	}
	var b strings.Builder
	if err := scan.Write(&b, r, "json", assay.FormatOptions{}); err != nil {
		t.Errorf("%s: %v", j.name, err)
	}
	return b.String() + strings.Join(warned, "\n")
}

// TestAtOnce: scans that share a database, a cache, rules, a policy and VEX
// documents give byte for byte the reports that they give alone, also while the
// database is built anew.
func TestAtOnce(t *testing.T) {
	jobs := smallJobs(t)
	dir := t.TempDir()
	database := database(t, dir)
	cache := scan.LayerCache(t.TempDir())
	requests := map[assay.TargetKind]scan.Request{}
	for _, kind := range []assay.TargetKind{assay.KindImage, assay.KindSBOM} {
		r := suppressing(t, kind)
		r.Database = database
		requests[kind] = r
	}
	alone := map[string]string{}
	for range 2 { // the first one fetches, which the second need not
		for _, j := range jobs {
			alone[j.name] = reportOn(t.Context(), t, j, requests[j.kind])
		}
	}
	for _, by := range []string{"rules.yaml:", "p.rego", "d.openvex.json (statement"} {
		if !strings.Contains(alone["debian-old"], by) {
			t.Errorf("%s suppresses nothing, so that it is not tried", by)
		}
	}
	for round, with := range []assay.Cache{nil, cache, cache} {
		done := make(chan struct{})
		var rebuilding sync.WaitGroup
		if round == 2 {
			rebuilding.Go(func() { buildAgain(t, dir, done) })
		}
		var all sync.WaitGroup
		for i := range atOnce {
			j := jobs[i%len(jobs)]
			request := requests[j.kind]
			request.Cache = with
			all.Go(func() {
				if got := reportOn(t.Context(), t, j, request); unbuilt(got) != unbuilt(alone[j.name]) {
					t.Errorf("round %d: the report on %s is another than the one made alone", round, j.name)
				}
			})
		}
		all.Wait()
		close(done)
		rebuilding.Wait()
	}
}

// unbuilt takes from a report when the database was built, which differs in each
// shard: the same documents make the same shards at another time.
func unbuilt(report string) string {
	var out []string
	for line := range strings.Lines(report) {
		if at := strings.TrimSpace(line); !strings.HasPrefix(at, `"built"`) && !strings.HasPrefix(at, `"fetched"`) && !strings.HasPrefix(at, `"digest"`) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// buildAgain builds the database anew until it gets a signal to stop.
func buildAgain(t *testing.T, dir string, done <-chan struct{}) {
	for {
		streams, err := scan.StreamsIn(dir)
		if err != nil {
			t.Error(err)
			return
		}
		streams = slices.DeleteFunc(streams, func(s assay.Stream) bool { return s.Family() == assay.StreamDetails }) // large ones
		if _, err := scan.Update(t.Context(), scan.UpdateOptions{CacheDir: dir, Streams: streams, Force: true, Fetch: scan.FetchOptions{Mirrors: []string{corpus.Path(t, "feeds")}}}); err != nil {
			t.Log(err) // some publishers' documents are not in the mirror
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// memoryJobs names the images of TestAtOnceMemory, the largest first.
var memoryJobs = []string{"httpd", "node", "java", "python", "go", "polyglot"}

// TestAtOnceMemory: scans side by side hold at most half as much again as the one
// that holds most. Each case is a process of its own, whose peak the system
// counts.
func TestAtOnceMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("peaks are read from /proc")
	}
	if images := os.Getenv("ASSAY_TEST_ATONCE"); images != "" {
		scanAll(t, strings.Split(images, ","))
		return
	}
	for _, name := range memoryJobs {
		corpus.Image(t, name+".docker.tar")
	}
	most := 0
	for _, name := range memoryJobs {
		most = max(most, peakOf(t, name))
	}
	var all []string
	for i := range atOnce {
		all = append(all, memoryJobs[i%len(memoryJobs)])
	}
	together := peakOf(t, all...)
	t.Logf("the largest alone %d MB, %d at once %d MB: %.2f", most>>10, atOnce, together>>10, float64(together)/float64(most))
	if together > most*3/2 {
		t.Errorf("%d at once hold %d MB, more than 1.5 times %d MB", atOnce, together>>10, most>>10)
	}
}

// scanAll scans images at once without a cache, and prints the peak in kB.
func scanAll(t *testing.T, names []string) {
	var all sync.WaitGroup
	for _, name := range names {
		img := open(t, corpus.Image(t, name+".docker.tar"))
		all.Go(func() {
			if _, err := scan.Scan(t.Context(), scan.Request{Image: img, ListOnly: true}); err != nil {
				t.Error(name, err)
			}
		})
	}
	all.Wait()
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmHWM:")
	fmt.Printf("peak %s\n", strings.Fields(rest)[0])
}

// peakOf is the peak in kB of a process that scans images at once.
func peakOf(t *testing.T, names ...string) int {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestAtOnceMemory$")
	cmd.Env = append(os.Environ(), "ASSAY_TEST_ATONCE="+strings.Join(names, ","))
	out, err := cmd.CombinedOutput()
	_, rest, ok := strings.Cut(string(out), "peak ")
	if err != nil || !ok {
		t.Fatalf("%v: %v\n%s", names, err, out)
	}
	n, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

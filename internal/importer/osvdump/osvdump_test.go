package osvdump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

func record(id, rest string) contract.Member {
	return contract.Member{Name: id + ".json", Content: fmt.Sprintf(`{"id":%q,"modified":"2024-05-06T07:08:09.5Z",%s}`, id, rest)}
}

func affected(eco, name, events string) string {
	return fmt.Sprintf(`{"package":{"ecosystem":%q,"name":%q},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}%s]}]}`, eco, name, events)
}

func fixed(v string) string { return fmt.Sprintf(`,{"fixed":%q}`, v) }

var members = []contract.Member{
	{Name: "modified_id.csv", Content: "x"},
	record("GHSA-1", `"aliases":["CVE-2024-0001"],"affected":[`+affected("PyPI", "Py_Drive", fixed("2"))+`,`+affected("Debian:12", "py", fixed("2-1"))+`]`),
	record("UBUNTU-CVE-2024-0002", `"upstream":["CVE-2024-0002"],"affected":[`+affected("Ubuntu:18.04:LTS", "a", "")+`,`+affected("Ubuntu:Pro:18.04:LTS", "a", fixed("1~esm1"))+`,`+affected("Ubuntu:18.04:LTS", "b", fixed("2"))+`,`+affected("Ubuntu:25.10", "b", fixed("3"))+`,`+affected("Ubuntu:Pro:FIPS:18.04:LTS", "b", fixed("4"))+`]`),
	record("ALSA-2024:1", `"related":["CVE-2024-0003","CVE-2024-0004"],"affected":[`+affected("AlmaLinux:9", "c", fixed("1-1.el9"))+`]`),
	record("ALBA-2024:1", `"affected":[`+affected("AlmaLinux:9", "c", fixed("1-1.el9"))+`]`),
	record("RLSA-2024:1", `"affected":[`+affected("Rocky Linux:9", "c", fixed("1-1.el9"))+`]`),
	record("CVE-2024-0005", `"affected":[`+affected("Root:Debian:12", "rootio-d", fixed("1"))+`,`+affected("Root:npm", "@rootio/d", fixed("1"))+`]`),
	record("SUSE-1", `"affected":[`+affected("SUSE:Package Hub 12", "e", fixed("1"))+`]`),
	record("A-1", `"affected":[`+affected("Android", "e", fixed("1"))+`]`),
	record("D-1", `"affected":[`+affected("Debian", "e", fixed("1"))+`]`),
	record("W-1", `"withdrawn":"2024-01-01T00:00:00Z"`),
	{Name: "broken.json", Content: "{"},
	{Name: "late.json", Content: `{"id":"LATE-1","modified":"2024-06-07T00:00:00Z"}`},
}

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func fetch(t testing.TB, path string, wanted ...assay.Stream) *contract.Records {
	t.Helper()
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	return contract.Fetch(t, d, nil, wanted...)
}

func rows(r *contract.Records) (out []string) {
	for _, a := range r.Advisories {
		for _, p := range a.Affected {
			s := fmt.Sprintf("%s %s %s", p.Stream, p.Name, a.ID)
			for _, g := range p.Ranges {
				s += " <" + g.Fixed
			}
			out = append(out, s+fmt.Sprint(" ", a.VendorIDs, a.Aliases))
		}
	}
	return out
}

func TestFetch(t *testing.T) {
	want := []string{
		"pypi py-drive GHSA-1 <2 [] [CVE-2024-0001]",
		"debian:12 py CVE-2024-0001 <2-1 [GHSA-1] []",
		"ubuntu:18.04 a CVE-2024-0002 < [UBUNTU-CVE-2024-0002] []",
		"ubuntu-esm:18.04 a CVE-2024-0002 <1~esm1 [UBUNTU-CVE-2024-0002] []",
		"ubuntu:18.04 b CVE-2024-0002 <2 [UBUNTU-CVE-2024-0002] []",
		"ubuntu:25.10 b CVE-2024-0002 <3 [UBUNTU-CVE-2024-0002] []",
		"ubuntu-esm:18.04 b CVE-2024-0002 <2 [UBUNTU-CVE-2024-0002] []",
		"almalinux:9 c CVE-2024-0003 <1-1.el9 [ALSA-2024:1] []",
		"almalinux:9 c CVE-2024-0004 <1-1.el9 [ALSA-2024:1] []",
		"rocky:9 c RLSA-2024:1 <1-1.el9 [] []",
		"npm @rootio/d CVE-2024-0005 <1 [] []",
		"rootio:debian:12 rootio-d CVE-2024-0005 <1 [] []",
	}
	skips := map[string]int{whyNoSecurity: 1, whyProduct: 1, whyRelease: 1, osv.WhyForeign: 2, osv.WhyWithdrawn: 1, whyMalformed: 1}
	zip := write(t, "all.zip", contract.Zip(members...))
	folder := t.TempDir()
	for i, m := range members {
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%02d %s", i, m.Name)), []byte(m.Content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bucket := t.TempDir()
	if err := os.MkdirAll(filepath.Join(bucket, "PyPI"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bucket, "PyPI", "all.zip"), contract.Zip(members...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{zip, folder, bucket} {
		d, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		r := contract.Fetch(t, d, nil)
		if diff := cmp.Diff(want, rows(r)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
		if diff := cmp.Diff(skips, r.Reasons()); diff != "" {
			t.Errorf("%s: %s%v", path, diff, r.Skipped)
		}
		if at := time.Date(2024, 6, 7, 0, 0, 0, 0, time.UTC); !d.Date().Equal(at) {
			t.Errorf("%s: of %v", path, d.Date())
		}
	}
	if r := fetch(t, zip, "ubuntu-esm:18.04"); len(r.Advisories) != 1 || len(r.Advisories[0].Affected) != 2 {
		t.Errorf("of one stream: %q", rows(r))
	}
}

func TestPlaceOf(t *testing.T) {
	for _, tt := range []struct {
		eco  string
		want assay.Stream
		why  string
	}{
		{"Debian:12", "debian:12", ""}, {"Debian:6.0", "debian:6", ""}, {"Debian:x", "", whyRelease}, {"Alpine:v3.20", "alpine:3.20", ""}, {"Alpine:edge", "alpine:edge", ""}, {"AlmaLinux:9", "almalinux:9", ""}, {"Rocky Linux:9", "rocky:9", ""},
		{"Ubuntu:22.04:LTS", "ubuntu:22.04", ""}, {"Ubuntu:25.10", "ubuntu:25.10", ""}, {"Ubuntu:Pro:14.04:LTS", "ubuntu-esm:14.04", ""}, {"Ubuntu:Pro:FIPS-updates:20.04:LTS", "", whyProduct}, {"Ubuntu", "", whyProduct},
		{"Wolfi", "wolfi", ""}, {"Chainguard", "chainguard", ""}, {"MinimOS", "minimos", ""}, {"Echo", "echo", ""}, {"Mageia:9", "mageia:9", ""}, {"Photon OS:5.0", "photon:5.0", ""}, {"Azure Linux:3", "azurelinux:3.0", ""},
		{"Alpaquita:stream", "alpaquita:stream", ""}, {"BellSoft Hardened Containers:23", "bellsoft-hardened-containers:23", ""},
		{"Red Hat:enterprise_linux:9::appstream", "rhel:9", ""}, {"Red Hat:enterprise_linux:10.0", "rhel:10", ""}, {"Red Hat:rhel_eus:9.2::appstream", "", whyProduct}, {"Red Hat:openshift:4.12::el8", "", whyProduct},
		{"SUSE:Linux Enterprise Server 15 SP5", "sles:15.5", ""}, {"SUSE:Linux Enterprise Server 12", "sles:12", ""}, {"SUSE:Linux Enterprise Module for Basesystem 15 SP6", "sles:15.6", ""}, {"SUSE:Linux Enterprise Micro 5.5", "sle-micro:5.5", ""},
		{"SUSE:Linux Enterprise Desktop 12 SP1", "", whyProduct}, {"SUSE:Linux Enterprise Server for SAP Applications 12", "", whyProduct},
		{"openSUSE:Leap 15.6", "opensuse-leap:15.6", ""}, {"openSUSE:Tumbleweed", "opensuse-tumbleweed", ""}, {"openSUSE:Leap Micro 5.5", "", whyProduct},
		{"Root:Alpine:3.19", "rootio:alpine:3.19", ""}, {"Root:PyPI", "pypi", ""}, {"npm", "npm", ""}, {"crates.io", "crates.io", ""}, {"OSS-Fuzz", "", osv.WhyForeign}, {"Seal:Debian", "", osv.WhyForeign}, {"", "", osv.WhyForeign},
	} {
		p, why := placeOf(tt.eco, "x")
		if p.Stream != tt.want || why != tt.why {
			t.Errorf("%s: %s %q, want %s %q", tt.eco, p.Stream, why, tt.want, tt.why)
		}
		if why == "" && (p.Scheme == "" || !slices.ContainsFunc(streams(), func(s assay.Stream) bool { return s.Covers(p.Stream) })) {
			t.Errorf("%s: %+v is not among the streams", tt.eco, p)
		}
	}
}

func TestOpen(t *testing.T) {
	whole := contract.Zip(members...)
	many := make([]contract.Member, 150)
	for i := range many {
		many[i] = contract.Member{Name: fmt.Sprint(i, ".json"), Content: `{"cveMetadata":{}}`}
	}
	many = append(many, members[1])
	for name, tt := range map[string]struct {
		in  []byte
		err error
	}{
		"zip":                       {whole, nil},
		"cut off":                   {whole[:len(whole)-30], assay.ErrMalformed},
		"zip of other JSON":         {contract.Zip(many...), assay.ErrUnsupported},
		"zip of nothing":            {contract.Zip(), assay.ErrUnsupported},
		"zip of one that is broken": {contract.Zip(contract.Member{Name: "x.json", Content: "{"}), assay.ErrUnsupported},
		"text":                      {[]byte("some text"), assay.ErrUnsupported},
		"nothing":                   {nil, assay.ErrUnsupported},
	} {
		if d, err := Open(t.Context(), write(t, "x.zip", tt.in)); !errors.Is(err, tt.err) || (d == nil) != (tt.err != nil) {
			t.Errorf("%s: %v, want %v", name, err, tt.err)
		}
	}
	if _, err := Open(t.Context(), t.TempDir()); !errors.Is(err, assay.ErrUnsupported) {
		t.Errorf("an empty folder: %v", err)
	}
	later := write(t, "x.zip", contract.Zip(contract.Member{Name: "x.json", Content: `{"id":"X","modified":"9999-01-01T00:00:00Z"}`}))
	if d, err := Open(t.Context(), later); err != nil || d.Date().After(time.Now()) {
		t.Errorf("of the future: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, write(t, "x.zip", whole)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want cancelled", err)
	}
}

// TestDamaged holds that a member which is damaged is reported, and the others are
// read.
func TestDamaged(t *testing.T) {
	raw := contract.Zip(record("X-1", `"affected":[`+affected("npm", "x", "")+`]`), record("X-2", `"affected":[`+affected("npm", "x", "")+`]`))
	raw[bytes.Index(raw, []byte("PK\x07\x08"))-1] ^= 1
	if r := fetch(t, write(t, "x.zip", raw)); len(r.Advisories) != 1 || len(r.Skipped[whyUnreadable]) != 1 {
		t.Errorf("%q, skipped %v", rows(r), r.Skipped)
	}
}

// small is a bucket of the archives that are small.
func small(t *testing.T, bucket string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(bucket, "*", "all.zip"))
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	for _, path := range all {
		if info, err := os.Stat(path); err != nil || info.Size() > 500_000 {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(out, filepath.Base(filepath.Dir(path)))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "all.zip"), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestCorpus reads osv.dev's own archives, one and many at once.
func TestCorpus(t *testing.T) {
	bucket := corpus.Path(t, "feeds/osv-vulnerabilities.storage.googleapis.com")
	r := fetch(t, filepath.Join(bucket, "AlmaLinux", "all.zip"))
	n := map[string]bool{}
	for _, a := range r.Advisories {
		for _, id := range append(a.VendorIDs, a.ID) {
			if strings.HasPrefix(id, "A") {
				n[id] = true
			}
		}
	}
	skipped := 0
	for why, ids := range r.Skipped {
		if skipped += len(ids); why != whyNoSecurity {
			t.Errorf("skipped: %s: %v", why, ids)
		}
	}
	if len(n)+skipped != 5166 || len(n) < 2000 {
		t.Errorf("%d errata, %d skipped", len(n), skipped)
	}
	d, err := Open(t.Context(), small(t, bucket))
	if err != nil {
		t.Fatal(err)
	}
	all := contract.Fetch(t, d, nil)
	streams := map[assay.Stream]int{}
	for _, a := range all.Advisories {
		for _, p := range a.Affected {
			streams[p.Stream]++
		}
	}
	for _, s := range []assay.Stream{"alpine:3.20", "debian:13", "ubuntu:25.10", "ubuntu-esm:26.04", "rocky:9", "sles:12", "sles:12.1", "openeuler:20.03", "wolfi", "npm", "maven", "nuget", "rootio:debian:12", "mageia:9", "chainguard"} {
		if streams[s] == 0 {
			t.Errorf("nothing of %s", s)
		}
	}
	t.Logf("%d advisories of %d streams, of %v, skipped %v", len(all.Advisories), len(streams), d.Date(), all.Reasons())
}

func FuzzEmit(f *testing.F) {
	for _, m := range members[1:] {
		f.Add([]byte(m.Content))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := osv.Parse(b)
		if err != nil {
			return
		}
		var s contract.Records
		(&Dump{}).emit(r, func(assay.Stream) bool { return true }, &s)
		for _, a := range s.Advisories {
			if a.ID == "" || len(a.Affected) == 0 {
				t.Fatalf("%+v", a)
			}
		}
	})
}

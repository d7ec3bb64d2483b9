package rustsec

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/internal/version"
)

const member = "advisory-db-main/crates/x/RUSTSEC-2024-0001.md"

const small = "```toml" + `
[advisory]
id = "RUSTSEC-2024-0001"
package = "x"
aliases = ["GHSA-x", "CVE-2024-0001"]
cvss = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"
date = 2024-01-02
url = "https://x"
references = ["https://y"]
informational = "unsound"

[affected]
os = ["macos"]
arch = ["x86"]
[affected.functions]
"x::g" = ["< 2"]
"x::f" = ["< 2"]

[versions]
patched = ["^1.2.3", ">= 2.0.0"]
unaffected = ["< 0.5.0"]
` + "```\n\n# Title\n\nText.\n"

func TestContract(t *testing.T) {
	docs := contract.Documents{Document: contract.TarGz(contract.Member{Name: member, Content: small})}
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Documents: docs, Wanted: "crates.io"})
	want := []assay.Advisory{{
		ID: "RUSTSEC-2024-0001", Aliases: []string{"CVE-2024-0001", "GHSA-x"}, Feed: "rustsec", Title: "Title", Text: "Text.",
		CVSS: []assay.CVSS{{Source: "rustsec", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Score: 7.5}},
		URL:  "https://rustsec.org/advisories/RUSTSEC-2024-0001.html", References: []string{"https://x", "https://y"}, Published: time.Date(2024, 1, 2, 0, 0, 0, 0, time.UTC),
		Affected: []assay.Affected{{Stream: "crates.io", Name: "x", Status: assay.StatusAffected, Ranges: []assay.Range{{Introduced: "0.5.0", Fixed: "1.2.3"}}, Qualifiers: assay.Qualifiers{
			Arches: []string{"x86"}, OS: []string{"darwin"}, Imports: []assay.Import{{Path: "x::f"}, {Path: "x::g"}}}}},
	}}
	got := contract.Fetch(t, Feed{}, docs).Advisories
	if diff := cmp.Diff(want[0].Affected[0].Ranges, got[0].Affected[0].Ranges[:1]); diff != "" {
		t.Error(diff)
	}
	got[0].Affected[0].Ranges = got[0].Affected[0].Ranges[:1] // pre-releases of 2.0.0 are neither patched nor unaffected
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSkipped(t *testing.T) {
	for _, tt := range []struct{ name, member, record, why string }{
		{"withdrawn", "crates/x/R.md", strings.Replace(small, "[affected]", "withdrawn = 2024-02-01\n[affected]", 1), "withdrawn"},
		{"toolchain", "rust/std/R.md", small, "about the toolchain, not a crate"},
		{"malformed requirement", "crates/x/R.md", strings.Replace(small, ">= 2.0.0", ">= two", 1), "malformed requirement on versions"},
		{"all patched", "crates/x/R.md", strings.Replace(small, ">= 2.0.0", "*", 1), "no version is affected"},
		{"no block", "crates/x/R.md", "# Title", "malformed record"},
		{"no toml", "crates/x/R.md", "```toml\n[\n```", "malformed record"},
	} {
		r := contract.Fetch(t, Feed{}, contract.Documents{Document: contract.TarGz(contract.Member{Name: "d/" + tt.member, Content: tt.record})})
		if r.Kept() != 0 || cmp.Diff(map[string]int{tt.why: 1}, r.Reasons()) != "" {
			t.Errorf("%s: %+v, skipped %v", tt.name, r.Advisories, r.Skipped)
		}
	}
}

func TestCorpus(t *testing.T) {
	r := contract.Fetch(t, Feed{}, contract.Mirror(corpus.Path(t, "feeds")))
	n := map[string]int{}
	for _, a := range r.Advisories {
		n["kind "+string(a.Kind)]++
		q := a.Affected[0].Qualifiers
		for name, on := range map[string]bool{"functions": len(q.Imports) > 0, "os": len(q.OS) > 0, "arch": len(q.Arches) > 0, "cvss": len(a.CVSS) > 0} {
			if on {
				n[name]++
			}
		}
		if a.Title == "" || a.Published.IsZero() {
			t.Errorf("incomplete: %+v", a)
		}
	}
	want := map[string]int{"kind ": 669, "kind malware": 68, "kind notice": 5, "kind unmaintained": 243, "kind unsound": 128, "functions": 236, "os": 26, "arch": 7, "cvss": 390}
	if diff := cmp.Diff(want, n); diff != "" || r.Kept() != 1113 || cmp.Diff(map[string]int{"about the toolchain, not a crate": 20, "withdrawn": 13}, r.Reasons()) != "" {
		t.Errorf("%d kept, skipped %v\n%s", r.Kept(), r.Skipped, diff)
	}
}

// TestOSV compares with what RustSec itself publishes in OSV's form.
func TestOSV(t *testing.T) {
	mirror := contract.Mirror(corpus.Path(t, "feeds"))
	theirs := map[string]assay.Advisory{}
	var other contract.Records
	p := osv.Publisher{Feed: "rustsec"}
	if err := p.Fetch(t.Context(), mirror, "https://osv-vulnerabilities.storage.googleapis.com/crates.io/all.zip", &other); err != nil {
		t.Fatal(err)
	}
	for _, a := range other.Advisories {
		if strings.HasPrefix(a.ID, "RUSTSEC-") {
			theirs[a.ID] = a
		}
	}
	both := 0
	for _, a := range contract.Fetch(t, Feed{}, mirror).Advisories {
		b, ok := theirs[a.ID]
		if !ok {
			t.Errorf("%s is not in OSV's archive", a.ID)
			continue
		}
		both++
		delete(theirs, a.ID)
		if a.Kind != b.Kind || cmp.Diff(a.Affected[0].Qualifiers, b.Affected[0].Qualifiers) != "" || a.Affected[0].Name != b.Affected[0].Name {
			t.Errorf("%s: %+v, OSV has %+v", a.ID, a, b)
		}
		for _, v := range probes(a.Affected[0].Ranges, b.Affected[0].Ranges) {
			if x, y := holds(t, a.Affected[0].Ranges, v), holds(t, b.Affected[0].Ranges, v); x != y {
				t.Errorf("%s %s: affected %t, in OSV %t\n%+v\n%+v", a.ID, v, x, y, a.Affected[0].Ranges, b.Affected[0].Ranges)
			}
		}
	}
	if len(theirs) != 1 || theirs["RUSTSEC-2025-0000"].ID == "" || both != 1113 { // RUSTSEC-2025-0000 is another database's sample
		t.Errorf("%d in both; only in OSV's archive: %v", both, theirs)
	}
}

// probes are versions at and around the ends of ranges.
func probes(sets ...[]assay.Range) []string {
	out := []string{"0.0.0", "0.0.1", "0.1.0", "1.0.0", "99.0.0"}
	for _, r := range slices.Concat(sets...) {
		for _, v := range []string{r.Introduced, r.Fixed, r.Before, r.LastAffected} {
			core, _, _ := strings.Cut(v, "-")
			var x, y, z int
			if n, _ := fmt.Sscanf(core, "%d.%d.%d", &x, &y, &z); n < 3 {
				continue
			}
			out = append(out, v, core, fmt.Sprintf("%d.%d.%d", x, y, z+1), fmt.Sprintf("%d.%d.0", x, y+1), fmt.Sprintf("%d.0.0", x+1))
			if z > 0 {
				out = append(out, fmt.Sprintf("%d.%d.%d", x, y, z-1))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func holds(t *testing.T, ranges []assay.Range, v string) bool {
	scheme, _ := version.ByName("semver")
	compare := func(bound string) int {
		c, err := version.Compare(scheme, v, bound)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return slices.ContainsFunc(ranges, func(r assay.Range) bool {
		return (r.Introduced == "" || compare(r.Introduced) >= 0) && (r.Fixed == "" || compare(r.Fixed) < 0) && (r.Before == "" || compare(r.Before) < 0) && (r.LastAffected == "" || compare(r.LastAffected) <= 0)
	})
}

func FuzzFeed(f *testing.F) {
	contract.FuzzFeed(f, Feed{}, Document, contract.Packed(contract.TarGz, member), small)
}

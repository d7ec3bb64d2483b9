package report_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

func TestMarkdown(t *testing.T) {
	const want = `## Vulnerabilities in app:1 (debian 10.13)

**debian 10.13 reached its end of life on 2024-06-30: its advisories are no longer complete; move to a supported release.**

2 vulnerabilities in 2 packages, 1 with a fix.

| CRITICAL | NEGLIGIBLE |
|--:|--:|
| 1 | 1 |

### What to do

- Update ` + "`openssl` from `1.1.1n-0+deb10u3` to `1.1.1n-0+deb10u4` (`libssl1.1`)" + `: fixes 1 finding, the worst CRITICAL.
- Watch 1 finding without a fix, or suppress what does not affect you.

### Not read or not judged (1)

- **layer 1: opt/a**: malformed

### Findings

| Package | Vulnerability | Severity | Risk | Status | Installed | Fixed in | Title |
|---|---|---|--:|---|---|---|---|
| ` + "`libssl1.1` | [CVE-2022-0001](https://security-tracker.debian.org/tracker/CVE-2022-0001) | CRITICAL | 20.3 | fixed | `1.1.1n-0+deb10u3` | `1.1.1n-0+deb10u4`" + ` | A title that goes on and on, longer than any terminal that is eighty columns wide would have room for |
| ` + "`zlib1g` | CVE-2022-0002 | NEGLIGIBLE |  | won't fix | `1:1.2.11.dfsg-1`" + ` |  | First sentence |

<details>
<summary>Suppressed (1)</summary>

| Package | Vulnerability | Severity | Suppressed as | By | Reason |
|---|---|---|---|---|---|
| ` + "`libssl1.1` `1.1.1n-0+deb10u3`" + ` | [CVE-2022-0003](https://security-tracker.debian.org/tracker/CVE-2022-0001) | HIGH | not&#95;affected | .assayignore:3 | not reached |

</details>

<sub>1 finding is suppressed by .assayignore.<br>
1 gap: something could not be read or judged, so this report may be incomplete.<br>
Advisories: debian:10 (2 records, built 3 hours ago).<br>
By assay 1, 2024-07-02 10:00 UTC.</sub>
`
	if diff := cmp.Diff(want, write(t, "markdown", ruled(), assay.FormatOptions{Suppressed: true})); diff != "" {
		t.Error(diff)
	}
	if got := write(t, "markdown", ruled(), assay.FormatOptions{ShowLayers: true}); strings.Contains(got, "CVE-2022-0003") || !strings.Contains(got, "| `libssl1.1`<br>layer 1: apt-get install -y openssl |") || !strings.Contains(got, "with --show-suppressed") {
		t.Error(got)
	}
}

// TestMarkdownUpdates: an update is told once, to the newest of the fixes.
func TestMarkdownUpdates(t *testing.T) {
	r := small()
	r.Packages = append(r.Packages, assay.Package{Type: "npm", Name: "@a/b", Version: "1.9.0", Path: "web/package-lock.json"}, assay.Package{Type: "npm", Name: "@a/b", Version: "1.9.0", Path: "api/package-lock.json"})
	fixed := func(id string, pkg int, v string) assay.Finding {
		return assay.Finding{ID: id, Package: pkg, FixedIn: v, Status: assay.StatusFixed, Severity: assay.SeverityHigh}
	}
	r.Findings = []assay.Finding{fixed("CVE-1", 0, "1.1.1n-0+deb10u9"), fixed("CVE-2", 0, "1.1.1n-0+deb10u10"), fixed("CVE-3", 2, "1.10.0"), fixed("CVE-4", 2, "1.9.1"), fixed("CVE-4", 3, "1.9.1")}
	got := write(t, "markdown", r, assay.FormatOptions{})
	for _, want := range []string{
		"\n- Update `openssl` from `1.1.1n-0+deb10u3` to `1.1.1n-0+deb10u10` (`libssl1.1`): fixes 2 findings, the worst HIGH.\n",
		"\n- Update `@a/b` from `1.9.0` to `1.10.0` in `web/package-lock.json`, `api/package-lock.json`: fixes 3 findings, the worst HIGH.\n",
		"\n| `@a/b`<br>in `web/package-lock.json` and 1 more | CVE-4 | HIGH |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	r.Image.Base = &assay.BaseImage{Name: "debian:10", Layers: 2}
	r.Packages[2].Layer.Index, r.Packages[3].Layer.Index = 2, 2
	got = write(t, "markdown", r, assay.FormatOptions{})
	for _, want := range []string{"\n- **Update the base image**, or rebuild it: 2 findings are from it.\n", "\n### From your own layers: 3 findings\n", "\n### From the base image debian:10: 2 findings\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestMarkdownTame(t *testing.T) {
	for _, bad := range []string{"a <b>", "| a | b | c | d | e | f | g | h | i |", "[a](javascript:b)", "a @b", "a `b"} {
		if contract.CheckMarkdown([]byte(bad)) == nil {
			t.Errorf("%q is tame", bad)
		}
	}
	for _, o := range []assay.FormatOptions{{Suppressed: true, ShowLayers: true}, {MaxChars: 8192, Suppressed: true}} {
		for name, r := range map[string]*assay.Report{"evil": evil(), "small": small(), "empty": {}, "packages": billed()} {
			if err := contract.CheckMarkdown([]byte(write(t, "markdown", r, o))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

var left = regexp.MustCompile(`(?m)^\*… and (\d+) more rows: see the full report\.\*$`)

func TestMarkdownMaxChars(t *testing.T) {
	r := evil()
	for i := range 600 {
		f := r.Findings[i%2]
		f.ID = fmt.Sprintf("CVE-2024-%d", i)
		r.Findings = append(r.Findings, f)
		r.Gaps = append(r.Gaps, r.Gaps[0])
		r.Suppressed = append(r.Suppressed, r.Suppressed[0])
	}
	for _, most := range []int{8192, 10_000, 65_536, 100_000_000} {
		text := write(t, "markdown", r, assay.FormatOptions{MaxChars: most, Suppressed: true})
		if n := utf8.RuneCountInString(text); n > most {
			t.Errorf("%d characters of %d", n, most)
		}
		shown := strings.Count(text, "| CVE-2024-") + strings.Count(text, "[CVE-2024-")
		cut := 0
		if m := left.FindStringSubmatch(text); m != nil {
			cut, _ = strconv.Atoi(m[1])
		}
		if total := shown + cut; total < 600 || total > 602 { // the first two have hostile names
			t.Errorf("%d characters: %d shown, %d left out", most, shown, cut)
		}
		if (most < 1_000_000) != (cut > 0) {
			t.Errorf("%d characters: %d left out", most, cut)
		}
	}
	if err := format(t, "markdown").Check(assay.FormatOptions{MaxChars: 100}); err == nil {
		t.Error("100 characters are enough")
	}
}

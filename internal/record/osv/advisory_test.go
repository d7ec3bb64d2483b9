package osv

import (
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

func TestAdvisory(t *testing.T) {
	rec, err := Parse([]byte(`{"id":"GHSA-x","summary":" Two\nlines ","details":"Words.","aliases":["CVE-2024-2","CVE-2024-1","GHSA-x"],"upstream":["CVE-2024-3"],
		"published":"2024-01-02T03:04:05Z","modified":"2024-01-03T00:00:00Z","references":[{"type":"WEB","url":"https://x"},{"url":"mailto:y"}],
		"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},{"type":"CVSS_V3","score":"odd"}],
		"database_specific":{"severity":"MODERATE","cwe_ids":["CWE-79"]},
		"affected":[
			{"package":{"ecosystem":"PyPI","name":"Py_Drive.2"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]},{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2"}]}],"versions":["9"]},
			{"package":{"ecosystem":"PyPI","name":"py-drive-2"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"3"}]}],"database_specific":{"last_known_affected_version_range":"<= 4"}},
			{"package":{"ecosystem":"Go","name":"stdlib"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"}]}],"database_specific":{"last_known_affected_version_range":"< 1.2.3"},
				"ecosystem_specific":{"imports":[{"path":"net/http","symbols":["Get"],"goos":["windows"],"goarch":["386"]}]}},
			{"package":{"ecosystem":"crates.io","name":"c"},"versions":["1"],"ecosystem_specific":{"affects":{"arch":["x86"],"os":["macos","linux"],"functions":["c::f"]}}},
			{"package":{"ecosystem":"Nowhere","name":"c"},"versions":["1"]},
			{"package":{"ecosystem":"npm","name":"none"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := assay.Advisory{
		ID: "GHSA-x", Aliases: []string{"CVE-2024-1", "CVE-2024-2", "CVE-2024-3"}, Feed: "f", Title: "Two lines", Text: "Words.",
		Severity: assay.SeverityMedium, CWEs: []string{"CWE-79"}, URL: "https://page/GHSA-x", References: []string{"https://x"},
		CVSS:      []assay.CVSS{{Source: "ghsa", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8}},
		Published: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), Modified: time.Date(2024, 1, 3, 0, 0, 0, 0, time.UTC),
		Affected: []assay.Affected{
			{Stream: "pypi", Name: "py-drive-2", Status: assay.StatusAffected, Ranges: []assay.Range{{Fixed: "2"}, {Introduced: "3", LastAffected: "4"}}, Versions: []string{"9"}},
			{Stream: "go", Name: "stdlib", Status: assay.StatusAffected, Ranges: []assay.Range{{Before: "1.2.3"}}, Qualifiers: assay.Qualifiers{
				Imports: []assay.Import{{Path: "net/http", Symbols: []string{"Get"}, OS: []string{"windows"}, Arches: []string{"386"}}}}},
			{Stream: "crates.io", Name: "c", Status: assay.StatusAffected, Versions: []string{"1"}, Qualifiers: assay.Qualifiers{
				OS: []string{"darwin", "linux"}, Arches: []string{"x86"}, Imports: []assay.Import{{Path: "c::f"}}}},
		},
	}
	got, why := Publisher{Feed: "f", Page: "https://page/"}.Advisory(rec)
	if diff := gocmp.Diff(want, got); diff != "" || why != "" {
		t.Errorf("why %q\n%s", why, diff)
	}
	got, why = Publisher{Feed: "f", Wanted: Wants(nil, []assay.Stream{"crates.io"})}.Advisory(rec)
	if len(got.Affected) != 1 || why != "" || got.URL != "https://osv.dev/vulnerability/GHSA-x" {
		t.Errorf("why %q, %+v", why, got)
	}
}

func TestAdvisoryWhy(t *testing.T) {
	for _, tt := range []struct {
		name, record, why string
		kind              assay.Kind
		severity          assay.Severity // of the first package
	}{
		{"withdrawn", `{"id":"X","withdrawn":"2024-01-01T00:00:00Z"}`, WhyWithdrawn, "", 0},
		{"unknown ecosystem", `{"id":"X","affected":[{"package":{"ecosystem":"Debian:12","name":"x"},"versions":["1"]}]}`, WhyForeign, "", 0},
		{"git only", `{"id":"X","affected":[{"package":{"ecosystem":"npm","name":"x"},"ranges":[{"type":"GIT","events":[{"introduced":"0"}]}]}]}`, WhyVersions, "", 0},
		{"not wanted", `{"id":"X","affected":[{"package":{"ecosystem":"PyPI","name":"x"},"versions":["1"]}]}`, "", "", 0},
		{"malware", `{"id":"MAL-1","affected":[{"package":{"ecosystem":"npm","name":"x"},"ranges":[{"events":[{"introduced":"0"}]}],"versions":["1"]}]}`, "", assay.KindMalware, 0},
		{"malware by GitHub", `{"id":"GHSA-1","database_specific":{"cwe_ids":["CWE-506"]},"affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"]}]}`, "", assay.KindMalware, 0},
		{"unsound", `{"id":"X","affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"],"database_specific":{"informational":"unsound"}}]}`, "", assay.KindUnsound, 0},
		{"unsound, with a CVE", `{"id":"X","aliases":["CVE-2024-1234"],"affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"],"database_specific":{"informational":"unsound"}}]}`, "", "", 0},
		{"a notice with a CVE", `{"id":"X","aliases":["CVE-2024-1234"],"affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"],"database_specific":{"informational":"notice"}}]}`, "", "", 0},
		{"unsound, by GitHub's name", `{"id":"X","aliases":["GHSA-1"],"affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"],"database_specific":{"informational":"unsound"}}]}`, "", assay.KindUnsound, 0},
		{"unmaintained, with a CVE", `{"id":"X","aliases":["CVE-2024-1234"],"affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"],"database_specific":{"informational":"unmaintained"}}]}`, "", assay.KindUnmaintained, 0},
		{"odd extras", `{"id":"X","database_specific":[],"affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"],"database_specific":"x","ecosystem_specific":[1]}]}`, "", "", 0},
		{"own severities", `{"id":"X","affected":[{"package":{"ecosystem":"npm","name":"x"},"versions":["1"],"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}]},{"package":{"ecosystem":"npm","name":"y"},"versions":["1"]}]}`, "", "", assay.SeverityCritical},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rec, err := Parse([]byte(tt.record))
			if err != nil {
				t.Fatal(err)
			}
			a, why := Publisher{Wanted: Wants(nil, []assay.Stream{"npm"})}.Advisory(rec)
			if why != tt.why || a.Kind != tt.kind {
				t.Errorf("why %q, want %q; kind %q, want %q", why, tt.why, a.Kind, tt.kind)
			}
			if tt.severity != 0 && a.Affected[0].Severity != tt.severity {
				t.Errorf("%+v", a.Affected)
			}
		})
	}
}

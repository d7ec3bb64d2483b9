package grypedb

import (
	"archive/tar"
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/testsqlite"
)

// schema is Grype's, without its indexes, which it does not publish either.
const schema = "CREATE TABLE `blobs` (`id` integer PRIMARY KEY AUTOINCREMENT,`value` text NOT NULL);" +
	"CREATE TABLE `db_metadata` (`build_timestamp` datetime NOT NULL,`model` integer NOT NULL,`revision` integer NOT NULL,`addition` integer NOT NULL);" +
	"CREATE TABLE `providers` (`id` text,`version` text,`processor` text,`date_captured` datetime,`input_digest` text,PRIMARY KEY (`id`));" +
	"CREATE TABLE `vulnerability_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`name` text NOT NULL,`status` text NOT NULL,`published_date` datetime,`modified_date` datetime,`withdrawn_date` datetime,`provider_id` text NOT NULL,`blob_id` integer);" +
	"CREATE TABLE `operating_systems` (`id` integer PRIMARY KEY AUTOINCREMENT,`name` text,`release_id` text,`major_version` text,`minor_version` text,`label_version` text,`codename` text,`channel` text,`eol_date` datetime,`eoas_date` datetime);" +
	"CREATE TABLE `packages` (`id` integer PRIMARY KEY AUTOINCREMENT,`ecosystem` text,`name` text);" +
	"CREATE TABLE `affected_package_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`vulnerability_id` integer NOT NULL,`operating_system_id` integer,`package_id` integer,`blob_id` integer);" +
	"CREATE TABLE `unaffected_package_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`vulnerability_id` integer NOT NULL,`operating_system_id` integer,`package_id` integer,`blob_id` integer);" +
	"CREATE TABLE `cpes` (`id` integer PRIMARY KEY AUTOINCREMENT,`part` text NOT NULL,`vendor` text,`product` text NOT NULL,`edition` text,`language` text,`software_edition` text,`target_hardware` text,`target_software` text,`other` text);" +
	"CREATE TABLE `affected_cpe_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`vulnerability_id` integer NOT NULL,`cpe_id` integer,`blob_id` integer);" +
	"CREATE TABLE `known_exploited_vulnerability_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`cve` text NOT NULL,`blob_id` integer);" +
	"CREATE TABLE `epss_metadata` (`date` datetime NOT NULL);" +
	"CREATE TABLE `epss_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`cve` text NOT NULL,`epss` real NOT NULL,`percentile` real NOT NULL);" +
	"CREATE TABLE `cwe_handles` (`id` integer PRIMARY KEY AUTOINCREMENT,`cve` text NOT NULL,`cwe` text NOT NULL,`source` text,`type` text)"

// A builder fills a database.
type builder struct {
	t  testing.TB
	db *sql.DB
}

func (b *builder) insert(table string, values ...any) int64 {
	b.t.Helper()
	r, err := b.db.Exec("INSERT INTO "+table+" VALUES ("+strings.TrimSuffix(strings.Repeat("?,", len(values)), ",")+")", values...)
	if err != nil {
		b.t.Fatalf("%s %v: %v", table, values, err)
	}
	id, _ := r.LastInsertId()
	return id
}

func (b *builder) blob(json string) int64 { return b.insert("blobs", nil, json) }

func (b *builder) vulnerability(name, status, provider, json string) int64 {
	return b.insert("vulnerability_handles", nil, name, status, "2024-01-02 03:04:05+00:00", time.Date(2024, 2, 3, 0, 0, 0, 0, time.UTC).Format("2006-01-02 15:04:05-07:00"), nil, provider, b.blob(json))
}

func (b *builder) system(name, major, minor, label, channel string) any {
	return b.insert("operating_systems", nil, name, "", major, minor, label, "", channel, nil, nil)
}

func (b *builder) affected(v int64, os any, ecosystem, pkg, json string) {
	b.insert("affected_package_handles", nil, v, os, b.insert("packages", nil, ecosystem, pkg), b.blob(json))
}

func (b *builder) unaffected(v int64, os any, ecosystem, pkg, json string) {
	b.insert("unaffected_package_handles", nil, v, os, b.insert("packages", nil, ecosystem, pkg), b.blob(json))
}

func (b *builder) product(v int64, vendor, product, json string) {
	b.insert("affected_cpe_handles", nil, v, b.insert("cpes", nil, "a", vendor, product, "*", "*", "*", "*", "node.js", "*"), b.blob(json))
}

// rng is a range of a package's blob.
func rng(kind, constraint, fix string) string {
	return fmt.Sprintf(`{"version":{"type":%q,"constraint":%q},"fix":%s}`, kind, constraint, fix)
}

func blob(ranges ...string) string { return `{"ranges":[` + strings.Join(ranges, ",") + `]}` }

func fixedIn(v string) string {
	return fmt.Sprintf(`{"version":%q,"state":"fixed","detail":{"available":{"date":"2024-05-06T00:00:00Z","kind":"advisory"},"references":[{"id":"DSA-1-1","url":"https://x/"}]}}`, v)
}

const (
	notFixed = `{"state":"not-fixed"}`
	wontFix  = `{"state":"wont-fix"}`
)

// build makes a database with rows of each kind.
func build(t testing.TB) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "vulnerability.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	b := &builder{t, db}
	for _, s := range append([]string{"pragma synchronous=off"}, strings.Split(schema, ";")...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	db.Exec("begin")
	b.insert("db_metadata", "2025-09-01 04:12:33.5+00:00", 6, 1, 9)
	b.systems()
	b.languages()
	b.cpes()
	b.insert("known_exploited_vulnerability_handles", nil, "CVE-2024-0001", b.blob(`{"cve":"CVE-2024-0001","date_added":"2024-03-04T00:00:00Z","due_date":"2024-04-05T00:00:00Z","required_action":"Mend it.","known_ransomware_campaign_use":"known","urls":["https://k/"],"cwes":["CWE-79"]}`))
	b.insert("known_exploited_vulnerability_handles", nil, "CVE-2024-0002", b.blob(`[]`))
	b.insert("epss_metadata", "2025-08-31 00:00:00+00:00")
	b.insert("epss_handles", nil, "CVE-2024-0001", 0.5, 1)
	b.insert("epss_handles", nil, "CVE-2024-0002", 7, 1)
	b.insert("cwe_handles", nil, "CVE-2024-0001", "CWE-89", "nvd@nist.gov", "Primary")
	b.insert("cwe_handles", nil, "CVE-2024-0001", "NVD-CWE-Other", "nvd@nist.gov", "Primary")
	b.insert("cwe_handles", nil, "CVE-1999-0009", "CWE-1", "nvd@nist.gov", "Primary")
	if _, err := db.Exec("commit"); err != nil {
		t.Fatal(err)
	}
	return path
}

func (b *builder) systems() {
	debian, ubuntu, esm := b.system("debian", "12", "", "", ""), b.system("ubuntu", "18", "4", "", ""), b.system("ubuntu", "18", "4", "", "esm")
	rhel, minor, eus := b.system("redhat", "9", "", "", ""), b.system("redhat", "9", "4", "", ""), b.system("redhat", "9", "4", "", "eus")
	alma, windows, odd := b.system("almalinux", "9", "", "", ""), b.system("windows", "10", "", "", ""), b.system("debian", "12", "", "", "odd")

	v := b.vulnerability("CVE-2024-0001", "active", "debian", `{"id":"CVE-2024-0001","description":"Debian's words.","refs":[{"url":"https://d/"}],"severities":[{"scheme":"CHMLN","value":"high","rank":1}]}`)
	b.affected(v, debian, "deb", "bash", blob(rng("deb", "< 5.2-2", fixedIn("5.2-2"))))
	b.affected(v, debian, "deb", "zsh", blob(rng("deb", "", wontFix)))
	b.affected(v, debian, "deb", "dash", blob(rng("deb", "< 0", fixedIn("0"))))
	b.affected(v, debian, "deb", "ksh", blob(rng("deb", "", notFixed)))
	b.affected(v, windows, "msrc-kb", "10", blob(rng("kb", "", notFixed)))
	b.affected(v, odd, "deb", "bash", blob(rng("deb", "", notFixed)))
	b.affected(v, int64(999), "deb", "bash", blob())
	v = b.vulnerability("CVE-2024-0001", "active", "ubuntu", `{"id":"CVE-2024-0001","severities":[{"scheme":"CHMLN","value":"low","rank":1}]}`)
	pkg := b.insert("packages", nil, "deb", "bash")
	b.insert("affected_package_handles", nil, v, ubuntu, pkg, b.blob(blob(rng("deb", "< 5.1", notFixed))))
	b.affected(v, ubuntu, "deb", "zsh", blob(rng("deb", "< 6.1", notFixed)))
	b.insert("affected_package_handles", nil, v, esm, pkg, b.blob(blob(rng("deb", "< 5.0~esm1", `{"version":"5.0~esm1","state":"fixed"}`))))
	v = b.vulnerability("CVE-2024-0003", "active", "rhel", `{"id":"CVE-2024-0003","severities":[{"scheme":"CVSS","value":{"vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","version":"3.1"},"rank":2}]}`)
	b.affected(v, rhel, "rpm", "nodejs", `{"qualifiers":{"rpm_modularity":"nodejs:18","architecture":"x86_64"},"ranges":[`+rng("rpm", "< 1:2-1.el9 || >= 1:3, < 1:3-4.el9", `{"version":"1:3-4.el9","state":"fixed"}`)+`]}`)
	b.affected(v, minor, "rpm", "nodejs", blob(rng("rpm", "< 1:2-1.el9", notFixed)))
	b.affected(v, eus, "rpm", "nodejs", blob(rng("rpm", "< 1:2-1.el9_4", `{"version":"1:2-1.el9_4","state":"fixed"}`)))
	b.unaffected(v, rhel, "rpm", "zlib", blob(rng("rpm", "", `{"version":"0","state":"not-affected"}`)))
	v = b.vulnerability("ALSA-2024:1", "active", "alma", `{"id":"ALSA-2024:1","aliases":["CVE-2024-0004","CVE-2024-0005"],"refs":[{"id":"ALSA-2024:1","url":"https://a/"}]}`)
	b.unaffected(v, alma, "rpm", "curl", blob(rng("rpm", ">= 7-1.el9", `{"version":"7-1.el9","state":"fixed"}`)))
	v = b.vulnerability("ROOT-OS-DEBIAN-12-CVE-2024-0006", "active", "rootio", `{"aliases":["CVE-2024-0006"]}`)
	b.unaffected(v, debian, "deb", "rootio-bash", `{"qualifiers":{"rootio":true},"ranges":[`+rng("ecosystem", ">= 5.2-1.root.io.1", `{"version":"5.2-1.root.io.1","state":"fixed"}`)+`]}`)
}

func (b *builder) languages() {
	v := b.vulnerability("GHSA-aaaa-bbbb-cccc", "active", "github", `{"id":"GHSA-aaaa-bbbb-cccc","description":"Words.","refs":[{"url":"https://g/"},{"url":"https://h/"}],"aliases":["CVE-2024-0007"],"severities":[{"scheme":"CHML","value":"critical"},{"scheme":"CVSS","value":{"vector":"AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","version":"3.1"}}]}`)
	b.affected(v, nil, "python", "Py_Drive", blob(rng("python", ">=1.0,<1.2.3", fixedIn("1.2.3")), rng("python", ">=2.0,<=2.1", fixedIn("2.2")), rng("python", "<0.5", notFixed)))
	b.affected(v, nil, "go-module", "golang.org/x/text", `{"qualifiers":{"go_imports":[{"path":"golang.org/x/text/language","symbols":["Parse"]}]},"ranges":[`+rng("go", "<0.3.7", fixedIn("0.3.7"))+`]}`)
	b.affected(v, nil, "python", "odd", blob(rng("python", "<", notFixed)))
	b.affected(v, nil, "lua-rocks", "x", blob(rng("", "", notFixed)))
	b.affected(v, nil, "npm", "broken", "{")
	b.affected(v, nil, "npm", "all", "{}")
	v = b.vulnerability("GHSA-dddd-eeee-ffff", "rejected", "github", `{}`)
	b.affected(v, nil, "npm", "gone", blob(rng("semver", "", notFixed)))
	b.affected(4242, nil, "npm", "lost", blob(rng("semver", "", notFixed)))
}

func (b *builder) cpes() {
	v := b.vulnerability("CVE-2024-0001", "analyzing", "nvd", `{"id":"CVE-2024-0001","description":"NVD's words.","refs":[{"url":"https://nvd.nist.gov/vuln/detail/CVE-2024-0001"}],"severities":[{"scheme":"CVSS","value":{"vector":"AV:N/AC:L/Au:N/C:P/I:P/A:P","version":"2.0"},"source":"nvd@nist.gov","rank":1}]}`)
	b.product(v, "f5", "nginx+", `{"qualifiers":{"platform_cpes":["cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*"]},"ranges":[`+rng("", ">= 1.0, < 1.25", fixedIn("1.25"))+","+rng("", "= 2.0", "null")+`]}`)
	b.insert("affected_cpe_handles", nil, v, b.insert("cpes", nil, "h", "f5", "box", "*", "*", "*", "*", "*", "*"), b.blob("{}"))
	b.insert("affected_cpe_handles", nil, v, 77777, 1)
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

// rows writes a line for each affected of advisories.
func rows(r *contract.Records) (out []string) {
	for _, a := range r.Advisories {
		for _, f := range a.Affected {
			s := fmt.Sprintf("%s %s %s %s", f.Stream, f.Name, a.ID, f.Status)
			for _, g := range f.Ranges {
				s += fmt.Sprintf(" %s..%s,%s!,%s]", g.Introduced, g.Fixed, g.Before, g.LastAffected)
			}
			if !f.FixDate.IsZero() {
				s += " " + f.FixDate.Format(time.DateOnly)
			}
			if q := f.Qualifiers; q.Module != "" || len(q.Arches)+len(q.CPEs)+len(q.Imports)+len(q.RunningOn) > 0 {
				s += fmt.Sprint(" ", q.Module, q.Arches, q.CPEs, q.Imports, q.RunningOn)
			}
			if len(a.VendorIDs)+len(a.Aliases) > 0 {
				s += fmt.Sprint(" ", a.VendorIDs, a.Aliases)
			}
			out = append(out, s)
		}
	}
	return out
}

func TestFetch(t *testing.T) {
	path := build(t)
	r := fetch(t, path)
	want := []string{
		"debian:12 bash CVE-2024-0001 affected ..5.2-2,!,] 2024-05-06 [DSA-1-1] []",
		"debian:12 zsh CVE-2024-0001 will_not_fix ..,!,] [DSA-1-1] []",
		"debian:12 dash CVE-2024-0001 not_affected ..,!,] [DSA-1-1] []",
		"debian:12 ksh CVE-2024-0001 affected ..,!,] [DSA-1-1] []",
		"ubuntu:18.04 bash CVE-2024-0001 affected ..,5.1!,]",
		"ubuntu-esm:18.04 zsh CVE-2024-0001 affected ..,6.1!,]",
		"ubuntu:18.04 zsh CVE-2024-0001 affected ..,6.1!,]",
		"ubuntu-esm:18.04 bash CVE-2024-0001 affected ..5.0~esm1,!,]",
		"rhel:9 nodejs CVE-2024-0003 affected ..1:2-1.el9,!,] 1:3..1:3-4.el9,!,] nodejs:18[x86_64] [] [] []",
		"rhel:9 nodejs CVE-2024-0003 affected ..1:2-1.el9_4,!,] [] [cpe:/a:redhat:rhel_eus:9.4 cpe:/o:redhat:rhel_eus:9.4] [] []",
		"pypi py-drive GHSA-aaaa-bbbb-cccc affected 1.0..1.2.3,!,] 2.0..2.2,!,2.1] 2024-05-06 [] [CVE-2024-0007]",
		"pypi py-drive GHSA-aaaa-bbbb-cccc affected ..,0.5!,] [] [CVE-2024-0007]",
		"go golang.org/x/text GHSA-aaaa-bbbb-cccc affected ..0.3.7,!,] 2024-05-06 [] [] [{golang.org/x/text/language [Parse] [] []}] [] [] [CVE-2024-0007]",
		"npm all GHSA-aaaa-bbbb-cccc affected ..,!,] [] [CVE-2024-0007]",
		"rhel:9 zlib CVE-2024-0003 not_affected ..,!,]",
		"almalinux:9 curl CVE-2024-0004 affected ..7-1.el9,!,] [ALSA-2024:1] []",
		"almalinux:9 curl CVE-2024-0005 affected ..7-1.el9,!,] [ALSA-2024:1] []",
		"rootio:debian:12 rootio-bash CVE-2024-0006 affected ..5.2-1.root.io.1,!,] [ROOT-OS-DEBIAN-12-CVE-2024-0006] []",
		`nvd-cpe f5:nginx+ CVE-2024-0001 affected 1.0..1.25,!,] 2024-05-06 [] [cpe:2.3:a:f5:nginx\+:*:*:*:*:*:node.js:*:*] [] [cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*]`,
		`nvd-cpe f5:nginx+ CVE-2024-0001 affected 2.0..,!,2.0] [] [cpe:2.3:a:f5:nginx\+:*:*:*:*:*:node.js:*:*] [] [cpe:2.3:o:linux:linux_kernel:*:*:*:*:*:*:*:*]`,
	}
	if diff := cmp.Diff(want, rows(r)); diff != "" {
		t.Error(diff)
	}
	skips := map[string]int{whySystem: 1, whyChannel: 1, whyMinor: 1, whyDangling: 3, whyEcosystem: 1, whyHardware: 1, whyMalformed: 3, whyWithdrawn: 1, "malformed requirement on versions": 1}
	if diff := cmp.Diff(skips, r.Reasons()); diff != "" {
		t.Errorf("%s%v", diff, r.Skipped)
	}
	for _, a := range r.Advisories {
		if a.ID == "GHSA-aaaa-bbbb-cccc" && (a.Text != "Words." || a.URL != "https://g/" || len(a.References) != 1 || a.Severity != assay.SeverityCritical || len(a.CVSS) != 1 || a.CVSS[0].Score != 9.8 || a.CVSS[0].Source != "ghsa") {
			t.Errorf("%+v", a)
		}
	}
	if only := fetch(t, path, "debian:12"); len(only.Advisories) != 1 || len(only.Details) != 0 {
		t.Errorf("of one stream: %d advisories, %d details", len(only.Advisories), len(only.Details))
	}
	if only := fetch(t, path, "rootio:debian:12"); len(only.Advisories) != 1 {
		t.Errorf("of Root's: %d advisories", len(only.Advisories))
	}
}

func TestDetails(t *testing.T) {
	r := fetch(t, build(t), "details:2024", assay.StreamKEV, assay.StreamEPSS)
	want := []assay.Detail{
		{ID: "CVE-2024-0001", Feed: "grype-db", Text: "NVD's words.", CVSS: []assay.CVSS{{Source: "nvd", Version: "2.0", Vector: "AV:N/AC:L/Au:N/C:P/I:P/A:P", Score: 7.5}},
			Ratings: []assay.Rating{{Source: "debian", Severity: assay.SeverityHigh}, {Source: "ubuntu", Severity: assay.SeverityLow}}, CWEs: []string{"CWE-89"},
			References: []string{"https://d/", "https://nvd.nist.gov/vuln/detail/CVE-2024-0001"}, Published: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), Modified: time.Date(2024, 2, 3, 0, 0, 0, 0, time.UTC)},
		{ID: "CVE-2024-0003", Feed: "grype-db", CVSS: []assay.CVSS{{Source: "redhat", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8}}, Published: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), Modified: time.Date(2024, 2, 3, 0, 0, 0, 0, time.UTC)},
		{ID: "CVE-2024-0001", Feed: "grype-db", References: []string{"https://k/"}, CWEs: []string{"CWE-79"}, KEV: &assay.KEV{Added: "2024-03-04", Due: "2024-04-05", Action: "Mend it.", Ransomware: true}},
		{ID: "CVE-2024-0001", Feed: "grype-db", EPSS: &assay.EPSS{Score: 0.5, Percentile: 1, Date: "2025-08-31"}},
	}
	if diff := cmp.Diff(want, r.Details); diff != "" || len(r.Advisories) != 0 {
		t.Errorf("%d advisories\n%s", len(r.Advisories), diff)
	}
}

func TestSystems(t *testing.T) {
	for _, tt := range []struct {
		release
		want assay.Stream
		why  string
	}{
		{release{name: "debian", major: "12"}, "debian:12", ""}, {release{name: "debian", label: "unstable"}, "debian:sid", ""}, {release{name: "ubuntu", major: "24", minor: "10"}, "ubuntu:24.10", ""},
		{release{name: "alpine", major: "3", minor: "20"}, "alpine:3.20", ""}, {release{name: "alpine", label: "edge"}, "alpine:edge", ""}, {release{name: "amazonlinux", major: "2018", minor: "3"}, "amazon:1", ""},
		{release{name: "amazonlinux", major: "2023"}, "amazon:2023", ""}, {release{name: "oraclelinux", major: "8"}, "oracle:8", ""}, {release{name: "sles", major: "15", minor: "5"}, "sles:15.5", ""}, {release{name: "sles", major: "15"}, "sles:15", ""},
		{release{name: "mariner", major: "2"}, "azurelinux:2.0", ""}, {release{name: "azurelinux", major: "3", minor: "0"}, "azurelinux:3.0", ""}, {release{name: "wolfi", label: "rolling"}, "wolfi", ""}, {release{name: "chainguard", label: "rolling"}, "chainguard", ""},
		{release{name: "minimos", label: "rolling"}, "minimos", ""}, {release{name: "echo", label: "rolling"}, "echo", ""}, {release{name: "archlinux", label: "rolling"}, "arch", ""}, {release{name: "photon", major: "5"}, "photon:5.0", ""},
		{release{name: "fedora", major: "40"}, "fedora:40", ""}, {release{name: "rockylinux", major: "9"}, "rocky:9", ""}, {release{name: "almalinux", major: "9"}, "almalinux:9", ""}, {release{name: "redhat", major: "8"}, "rhel:8", ""},
		{release{name: "windows", major: "10"}, "", whySystem}, {release{name: "debian"}, "", whySystem}, {release{name: "debian", major: "12", channel: "x"}, "debian:12", whyChannel},
	} {
		if s := tt.system(); s.stream != tt.want || s.why != tt.why {
			t.Errorf("%+v: %s %q, want %s %q", tt.release, s.stream, s.why, tt.want, tt.why)
		}
	}
	for name, want := range map[string]assay.Stream{"java-archive": "maven", "npm": "npm", "python": "pypi", "Rust-crate": "crates.io", "hex": "hex", "composer": "packagist", "bitnami": "bitnami", "PyPI": "pypi", "deb": ""} {
		if e, ok := language(name); ok != (want != "") || ok && e.Stream != want {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func archive(t testing.TB, compress func([]byte) []byte, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(files[name])), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		w.Write(files[name])
	}
	w.Close()
	return compress(b.Bytes())
}

func zst(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

func gz(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func TestOpen(t *testing.T) {
	path := build(t)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	older := testsqlite.Make(t, "create table id (x)", "create table vulnerability (x)", "create table vulnerability_metadata (x)")
	another := testsqlite.Make(t, "create table artifacts (x)")
	newer := testsqlite.Make(t, append(strings.Split(schema, ";"), "insert into db_metadata values ('2025-01-01 00:00:00', 7, 0, 0)")...)
	bare := testsqlite.Make(t, append(strings.Split(schema, ";"), "insert into db_metadata values ('2025-01-01 00:00:00', 6, 0, 0)", "drop table packages")...)
	whole := archive(t, zst, map[string][]byte{"vulnerability.db": raw})
	for _, tt := range []struct {
		name       string
		in         []byte
		err, fetch error
	}{
		{"file", raw, nil, nil},
		{"tar.zst", whole, nil, nil},
		{"tar.gz", archive(t, gz, map[string][]byte{"vulnerability.db": raw}), nil, nil},
		{"archive, cut off", whole[:len(whole)/2], assay.ErrMalformed, nil},
		{"archive, checksum cut off", whole[:len(whole)-1], assay.ErrMalformed, nil},
		{"archive of something else", archive(t, zst, map[string][]byte{"x": raw}), assay.ErrUnsupported, nil},
		{"archive of another large file", archive(t, zst, map[string][]byte{"a": make([]byte, 2<<20), "vulnerability.db": raw}), assay.ErrUnsupported, nil},
		{"archive with text", archive(t, zst, map[string][]byte{"vulnerability.db": []byte("text")}), assay.ErrUnsupported, nil},
		{"older schema", older, assay.ErrMalformed, nil},
		{"newer schema", newer, assay.ErrMalformed, nil},
		{"another database", another, assay.ErrUnsupported, nil},
		{"cut off", raw[:len(raw)/2], assay.ErrMalformed, nil},
		{"a page destroyed", append(bytes.Clone(raw[:len(raw)-4096]), bytes.Repeat([]byte("x"), 4096)...), nil, assay.ErrMalformed},
		{"a table missing", bare, nil, assay.ErrMalformed},
		{"text", []byte("text"), assay.ErrUnsupported, nil},
		{"nothing", nil, assay.ErrUnsupported, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(file, tt.in, 0o600); err != nil {
				t.Fatal(err)
			}
			temp := t.TempDir()
			t.Setenv("TMPDIR", temp)
			d, err := Open(t.Context(), file)
			if !errors.Is(err, tt.err) {
				t.Errorf("%v, want %v", err, tt.err)
			}
			if err == nil {
				r := &contract.Records{}
				if err := d.Fetch(t.Context(), nil, nil, r); !errors.Is(err, tt.fetch) {
					t.Errorf("fetch: %v, want %v", err, tt.fetch)
				}
				if want := time.Date(2025, 9, 1, 4, 12, 33, 5e8, time.UTC); tt.fetch == nil && (len(r.Advisories) < 9 || !d.Date().Equal(want)) {
					t.Errorf("%d advisories of %v", len(r.Advisories), d.Date())
				}
				d.Close()
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
	cache := t.TempDir()
	if err := os.MkdirAll(filepath.Join(cache, "db", "6"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cache, "db", "6", "vulnerability.db"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{filepath.Dir(path), cache, filepath.Join(cache, "db"), filepath.Join(cache, "db", "6")} {
		d, err := Open(t.Context(), folder)
		if err != nil {
			t.Errorf("folder %s: %v", folder, err)
			continue
		}
		d.Close()
	}
	if _, err := Open(t.Context(), t.TempDir()); !errors.Is(err, assay.ErrUnsupported) {
		t.Errorf("another folder: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	d, err := Open(t.Context(), build(t))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Fetch(ctx, nil, nil, &contract.Records{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want cancelled", err)
	}
}

// full is a sink that takes nothing.
type full struct{ contract.Records }

var errFull = errors.New("full")

func (*full) Advisory(assay.Advisory) error { return errFull }

func TestStops(t *testing.T) {
	d, err := Open(t.Context(), build(t))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Fetch(t.Context(), nil, nil, &full{}); !errors.Is(err, errFull) {
		t.Errorf("%v, want the sink's error", err)
	}
}

// FuzzFetch reads files that are damaged somewhere, and blobs of any content.
func FuzzFetch(f *testing.F) {
	path := build(f)
	whole, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(5000), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, at uint32, with []byte) {
		raw := bytes.Clone(whole)
		copy(raw[int(at)%len(raw):], with)
		file := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(t.Context(), file)
		if err != nil {
			return
		}
		defer d.Close()
		r := &contract.Records{}
		d.Fetch(t.Context(), nil, nil, r)
		for _, a := range r.Advisories {
			for _, p := range a.Affected {
				if a.ID == "" || p.Name == "" || p.Stream == "" || p.Status == "" || len(p.Ranges) == 0 {
					t.Fatalf("%+v", a)
				}
			}
		}
	})
}

package scan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/test/testimage"
	"github.com/assaysec/assay/scan"
)

// stanza is a package in dpkg's database, of a source package.
func stanza(name, source, version, more string) string {
	if source != "" {
		source = "Source: " + source + "\n"
	}
	return fmt.Sprintf("Package: %s\nStatus: install ok installed\nArchitecture: amd64\n%s%sVersion: %s\n\n", name, source, more, version)
}

// metadata is a package of Python's.
func metadata(name, version string) string {
	return fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version)
}

// says is an advisory about a package below a fix; "" is none yet.
func says(id string, s assay.Stream, name, fixed string, aliases ...string) assay.Advisory {
	a := row(id, s, name, assay.SeverityHigh)
	a.Affected[0].Ranges[0].Fixed, a.Aliases = fixed, aliases
	return a
}

// TestWholeImages: what an image is found to have, from its files on.
func TestWholeImages(t *testing.T) {
	const release = "-- 1/etc/os-release --\nID=debian\nVERSION_ID=12\n"
	const status = "-- 1/var/lib/dpkg/status --\n"
	const dist, local = "usr/lib/python3/dist-packages/requests-2.28.1.dist-info/METADATA", "usr/local/lib/python3.11/site-packages/requests-2.28.1.dist-info/METADATA"
	requests := stanza("python3-requests", "requests", "2.28.1+dfsg-1", "")
	python := "-- 1/var/lib/dpkg/info/python3-requests.list --\n/.\n/" + dist + "\n-- 1/" + dist + " --\n" + metadata("requests", "2.28.1")
	pypi := []assay.Advisory{says("PYSEC-2023-74", "pypi", "requests", "2.31.0", "CVE-2023-0001", "GHSA-1"), says("GHSA-1", "pypi", "requests", "2.31.0", "CVE-2023-0001")}
	for _, tt := range []struct {
		name, image string
		rows        []assay.Advisory
		o           scan.Matching
		want        []string
	}{
		{"Distroless: files of status.d, by the source's name and version",
			"-- 1/etc/os-release -> ../usr/lib/os-release --\n-- 1/usr/lib/os-release --\nNAME=\"Debian GNU/Linux\"\nPRETTY_NAME=\"Distroless\"\nID=debian\nVERSION_ID=12\n-- 1/var/lib/dpkg/status.d/libssl3 --\nPackage: libssl3\nSource: openssl\nVersion: 3.0.11-1\nArchitecture: amd64\n-- 1/var/lib/dpkg/status.d/libssl3.md5sums --\n0123  usr/lib/libssl.so.3\n",
			[]assay.Advisory{says("CVE-2023-0001", "debian:12", "openssl", "3.0.13-1"), says("CVE-2023-0002", "debian:12", "libssl3", "")}, scan.Matching{}, []string{"libssl3 CVE-2023-0001 HIGH test"}},
		{"Debian: a package that was removed is none", release + status + strings.Replace(stanza("curl", "", "1-1", ""), "install ok installed", "deinstall ok config-files", 1) + stanza("bash", "", "1-1", ""),
			[]assay.Advisory{says("CVE-2023-0001", "debian:12", "curl", "")}, scan.Matching{}, nil},
		{"Alpine: a system upgraded by its repositories", "-- 1/etc/os-release --\nID=alpine\nVERSION_ID=3.19.1\n-- 1/etc/apk/repositories --\nhttps://dl-cdn.alpinelinux.org/alpine/v3.20/main\n-- 1/lib/apk/db/installed --\nP:libcrypto3\nV:3.3.1-r0\no:openssl\n\n",
			[]assay.Advisory{says("CVE-2023-0001", "alpine:3.20", "openssl", "3.3.2-r0"), says("CVE-2023-0002", "alpine:3.19", "openssl", "")}, scan.Matching{},
			[]string{"libcrypto3 CVE-2023-0001 HIGH test", "gap: etc/os-release: names release 3.19.1, but packages come from v3.20 (etc/apk/repositories); matched with v3.20"}},
		{"Bottlerocket: packages by the inventory, for there is no database", "-- 1/usr/lib/os-release --\nID=bottlerocket\nVERSION_ID=1.20.0\n-- 1/usr/share/bottlerocket/application-inventory.json --\n{\"Content\": [{\"Name\": \"kernel-6.1\", \"Publisher\": \"Bottlerocket\", \"Version\": \"6.1.1\", \"Release\": \"1.br1\", \"Epoch\": \"0\", \"Architecture\": \"x86_64\"}]}\n",
			[]assay.Advisory{says("CVE-2023-0001", "bottlerocket", "kernel-6.1", "6.1.2-1"), says("CVE-2023-0002", "bottlerocket", "kernel-6.1", "6.1.1-1")}, scan.Matching{}, []string{"kernel-6.1 CVE-2023-0001 HIGH test"}},
		{"Third parties: they are listed and told, not matched", release + status + stanza("docker-ce", "", "5:24", "Maintainer: Docker <support@docker.com>\n"), []assay.Advisory{says("CVE-2023-0001", "debian:12", "docker-ce", "")}, scan.Matching{},
			[]string{"gap: package docker-ce: not the distribution's (published by Docker <support@docker.com>), so not covered by the advisories of debian:12; 1 package is listed, not checked"}},
		{"Root: from the version that it gives to the stream that it publishes", release + status + stanza("libmbedtls14", "mbedtls", "2.28.3-1.root.io.1", "Maintainer: Debian IoT Maintainers <x@lists.debian.org>\n"),
			[]assay.Advisory{says("CVE-2023-0001", "debian:12", "mbedtls", ""), says("CVE-2023-0001", "rootio:debian:12", "mbedtls", "2.28.3-1.root.io.1"), says("CVE-2023-0002", "rootio:debian:12", "mbedtls", "2.28.3-1.root.io.2")}, scan.Matching{},
			[]string{"libmbedtls14 CVE-2023-0002 HIGH test"}},
		{"Noise: headers of the kernel have none of its faults", release + status + stanza("linux-libc-dev", "linux", "6.1.55-1", "") + stanza("linux-headers-6.1.0-13-amd64", "linux", "6.1.55-1", "") + stanza("linux-image-6.1.0-13-amd64", "linux", "6.1.55-1", ""),
			[]assay.Advisory{says("CVE-2023-0001", "debian:12", "linux", "")}, scan.Matching{}, []string{"linux-image-6.1.0-13-amd64 CVE-2023-0001 HIGH test", "not: linux-headers-6.1.0-13-amd64 CVE-2023-0001", "not: linux-libc-dev CVE-2023-0001"}},
		{"Noise: headers of the kernel count where they are asked for", release + status + stanza("linux-libc-dev", "linux", "6.1.55-1", ""), []assay.Advisory{says("CVE-2023-0001", "debian:12", "linux", "")}, scan.Matching{KernelHeaders: true},
			[]string{"linux-libc-dev CVE-2023-0001 HIGH test"}},
		{"Noise: a package of Python's that Debian mended is not below PyPI's fix", release + status + requests + python, append(pypi, says("CVE-2023-0001", "debian:12", "requests", "2.28.1+dfsg-1")), scan.Matching{}, nil},
		{"Noise: what pip put beside it is", release + status + requests + python + "-- 2/" + local + " --\n" + metadata("requests", "2.28.1"), append(pypi, says("CVE-2023-0001", "debian:12", "requests", "2.28.1+dfsg-1")), scan.Matching{}, []string{"requests CVE-2023-0001 HIGH test"}},
		{"Noise: what a later layer put in its place is", release + status + requests + python + "-- 2/" + dist + " --\n" + metadata("requests", "2.28.2"), append(pypi, says("CVE-2023-0001", "debian:12", "requests", "2.28.1+dfsg-1")), scan.Matching{}, []string{"requests CVE-2023-0001 HIGH test"}},
		{"Noise: a CVE, a GHSA and a publisher's own name are one finding", "-- 1/" + local + " --\n" + metadata("requests", "2.28.1"), pypi, scan.Matching{}, []string{"requests CVE-2023-0001 HIGH test"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := scanned(t, tt.image, tt.o, tt.rows...)
			got := result(r)
			for _, f := range r.Suppressed {
				if f.Reason == "" || f.By != assay.SuppressedByMatch {
					t.Errorf("%s was ruled out by %q for %q", f.ID, f.By, f.Reason)
				}
				got = append(got, "not: "+r.Packages[f.Package].Name+" "+f.ID)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// scanned is the report on an image by advisories, whose streams are all to be had.
func scanned(t *testing.T, image string, o scan.Matching, rows ...assay.Advisory) *assay.Report {
	t.Helper()
	db := &published{rows: map[assay.Stream][]assay.Advisory{"debian:12": nil, "pypi": nil, assay.StreamEOL: nil}}
	for _, a := range rows {
		db.rows[a.Affected[0].Stream] = append(db.rows[a.Affected[0].Stream], a)
	}
	r, err := scan.Scan(t.Context(), scan.Request{Database: db, Matching: o, Image: testimage.Parse(t, image)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestOneLineAFault: "Noise: a source of many binaries is one line of the table,
// and a finding for each in JSON".
func TestOneLineAFault(t *testing.T) {
	image := "-- 1/etc/os-release --\nID=debian\nVERSION_ID=12\n-- 1/var/lib/dpkg/status --\n"
	binaries := []string{"curl", "libcurl3-gnutls", "libcurl4", "libcurl4-doc", "libcurl4-openssl-dev"}
	for _, b := range binaries {
		image += stanza(b, "curl", "7.88.1-10", "")
	}
	r := scanned(t, image, scan.Matching{}, says("CVE-2023-0001", "debian:12", "curl", "7.88.1-11"), says("CVE-2023-0002", "debian:12", "curl", ""))
	text := map[string]string{}
	for _, f := range report.All() {
		if f.Name != "table" && f.Name != "json" {
			continue
		}
		var b bytes.Buffer
		if err := f.Write(&b, r, f.Keep(assay.FormatOptions{Width: 160})); err != nil {
			t.Fatal(err)
		}
		text[f.Name] = b.String()
	}
	for _, id := range []string{"CVE-2023-0001", "CVE-2023-0002"} {
		if n := strings.Count(text["table"], id); n != 1 {
			t.Errorf("%s is %d times in the table:\n%s", id, n, text["table"])
		}
	}
	if !strings.Contains(text["table"], "curl +4") || !strings.Contains(text["table"], "also libcurl3-gnutls, libcurl4, libcurl4-doc") {
		t.Error(text["table"])
	}
	var native struct {
		Packages []struct{ Name string }
		Findings []struct {
			ID      string
			Package int
		}
	}
	if err := json.Unmarshal([]byte(text["json"]), &native); err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, f := range native.Findings {
		found[f.ID] = append(found[f.ID], native.Packages[f.Package].Name)
	}
	for _, names := range found {
		slices.Sort(names)
	}
	if diff := cmp.Diff(map[string][]string{"CVE-2023-0001": binaries, "CVE-2023-0002": binaries}, found); diff != "" {
		t.Error(diff)
	}
}

// TestNothingOfRoot: if Root has no data on a release, only the distribution's
// advisories are matched, and a gap reports that.
func TestNothingOfRoot(t *testing.T) {
	db := &published{rows: map[assay.Stream][]assay.Advisory{"debian:12": {says("CVE-2023-0001", "debian:12", "mbedtls", "")}, assay.StreamEOL: nil},
		refused: map[assay.Stream]error{"rootio:debian:12": &scan.StreamError{Stream: "rootio:debian:12", Err: fmt.Errorf("the publisher has no advisories for it: %w", assay.ErrUnsupported)}}}
	r, err := scan.Scan(t.Context(), scan.Request{Database: db, Image: testimage.Parse(t, "-- 1/etc/os-release --\nID=debian\nVERSION_ID=12\n-- 1/var/lib/dpkg/status --\n"+stanza("libmbedtls14", "mbedtls", "2.28.3-1.root.io.1", ""))})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"libmbedtls14 CVE-2023-0001 HIGH test", "gap: packages that Root rebuilt: no advisories (rootio:debian:12: the publisher has no advisories for it); only the distribution's are matched with them"}
	if diff := cmp.Diff(want, result(r)); diff != "" {
		t.Error(diff)
	}
}

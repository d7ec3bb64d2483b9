package scan

import (
	"testing"

	"github.com/assaysec/assay"
)

// TestParseCPE: names are looked up as NVD's feed stores them.
func TestParseCPE(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"2.3", "cpe:2.3:a:apache:http_server:2.4.50:*:*:*:*:*:*:*", "apache:http_server"},
		{"cut", "cpe:2.3:a:apache:http_server", "apache:http_server"},
		{"2.2", "cpe:/a:apache:http_server", "apache:http_server"},
		{"upper case", "cpe:2.3:a:Apache:HTTP_Server", "apache:http_server"},
		{"any part", "cpe:2.3:*:apache:http_server", "apache:http_server"},
		{"signs", `cpe:2.3:a:acme:c\+\+lib:1.0:*:*:*:*:*:*:*`, "acme:c++lib"},
		{"a colon", `cpe:2.3:a:ac\:me:lib`, "ac:me:lib"},
		{"2.2, signs", "cpe:/a:acme:c%2b%2blib", "acme:c++lib"},
		{"no product", "cpe:2.3:a:acme", ""},
		{"any product", "cpe:2.3:a:acme:*", ""},
		{"no prefix", "cpe:a:acme:lib", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q, err := ParseQuery(tt.in)
			if q.Package != tt.want || (err != nil) != (tt.want == "") || err == nil && q.Stream != assay.StreamCPE {
				t.Errorf("%+v, %v, want %q", q, err, tt.want)
			}
		})
	}
}

func TestIsID(t *testing.T) {
	for s, want := range map[string]bool{
		"CVE-2022-0778": true, "cve-2022-0778": true, "GHSA-jfh8-c2jp-5v3q": true, "GO-2022-0001": true, "DSA-5000-1": true, "TEMP-0000000-ABCDEF": true, "RHSA-2024:1": true, "SUSE-SU-2024:1-1": true, "ALAS2023-2024-1": true,
		"openssl": false, "go-md2man-2": false, "lib32gcc-s1": false, "python3-pip": false, "X-1": false, "libstdc++-12-dev": false,
	} {
		if isID(s) != want {
			t.Errorf("isID(%q) = %v", s, !want)
		}
	}
}

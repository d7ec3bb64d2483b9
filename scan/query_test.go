package scan

import "testing"

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

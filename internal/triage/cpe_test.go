package triage

import "testing"

// TestCPEMatches: a pattern that names a platform holds of no other's.
func TestCPEMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"cpe:2.3:a:acme:widget:*:*:*:*:*:*:*:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:linux:*:*", true},
		{"cpe:/a:acme:widget", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:linux:*:*", true},
		{"cpe:2.3:a:acme:widget:*:*:*:*:*:linux:*:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:linux:*:*", true},
		{"cpe:2.3:a:acme:widget:*:*:*:*:*:windows:*:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:linux:*:*", false},
		{"cpe:2.3:a:acme:widget:*:*:*:*:*:windows:*:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:*:*:*", false},
		{"cpe:2.3:a:acme:widget:*:*:*:*:*:*:x64:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:*:arm64:*", false},
		{"cpe:2.3:a:acme:widget:2.0:*:*:*:*:*:*:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:*:*:*", false},
	} {
		p, ok := parseCPE(tt.pattern)
		if got := ok && p.matches(tt.name); got != tt.want {
			t.Errorf("%s of %s: %v", tt.pattern, tt.name, got)
		}
	}
}

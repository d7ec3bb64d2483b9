package cpe

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/assaysec/assay/internal/test/corpus"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, in       string
		want           Name
		ok, isComplete bool
	}{
		{"2.3", "cpe:2.3:a:acme:widget:1.0:beta:*:*:*:linux:x64:-", Name{Part: "a", Vendor: "acme", Product: "widget", Version: "1.0", Update: "beta", TargetSoftware: "linux", TargetHardware: "x64", Other: "-"}, true, true},
		{"2.2", "cpe:/o:acme:widget:1.0::~~~linux~~", Name{Part: "o", Vendor: "acme", Product: "widget", Version: "1.0", Edition: "~~~linux~~"}, true, false},
		{"2.2, escaped", "cpe:/a:acme:wid%3aget:1%2b2", Name{Part: "a", Vendor: "acme", Product: "wid:get", Version: "1+2"}, true, false},
		{"2.2, badly escaped", "cpe:/a:acme:wid%zzget", Name{Part: "a", Vendor: "acme", Product: "wid%zzget"}, true, false},
		{"quoted", `cpe:2.3:a:acme:wid\:get:1\.0\\:*:*:*:*:*:*:*`, Name{Part: "a", Vendor: "acme", Product: "wid:get", Version: `1.0\`}, true, true},
		{"case is kept", "cpe:2.3:a:Acme:Widget:1.0-RC1:*:*:*:*:*:*:*", Name{Part: "a", Vendor: "Acme", Product: "Widget", Version: "1.0-RC1"}, true, true},
		{"cut", "cpe:2.3:a:acme:widget", Name{Part: "a", Vendor: "acme", Product: "widget"}, true, false},
		{"too long", "cpe:2.3:a:acme:widget:1:2:3:4:5:6:7:8:9", Name{"a", "acme", "widget", "1", "2", "3", "4", "5", "6", "7", "8"}, true, false},
		{"no product", "cpe:2.3:a:acme", Name{Part: "a", Vendor: "acme"}, false, false},
		{"any product", "cpe:2.3:a:acme:*:*:*:*:*:*:*:*:*", Name{Part: "a", Vendor: "acme"}, false, true},
		{"a backslash at the end", `cpe:2.3:a:acme:widget:1\`, Name{Part: "a", Vendor: "acme", Product: "widget", Version: "1"}, true, false},
		{"nothing", "", Name{}, false, false},
		{"no CPE", "pkg:deb/debian/curl", Name{}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if n, ok := Parse(tt.in); n != tt.want || ok != tt.ok {
				t.Errorf("%+v, %v", n, ok)
			}
			n, ok := ParseFormatted(tt.in)
			if ok != tt.isComplete || ok && n != tt.want {
				t.Errorf("formatted: %+v, %v", n, ok)
			}
		})
	}
}

// TestConformance: Clair's examples are one name in both forms.
func TestConformance(t *testing.T) {
	b, err := os.ReadFile(corpus.Path(t, "conformance/clair/examples/cpe.json"))
	if err != nil {
		t.Fatal(err)
	}
	var names []Name
	for line := range strings.Lines(string(b)) {
		var s string
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		n, ok := Parse(s)
		if !ok || n.Key() != "a:microsoft:internet_explorer" || n.Version != "8.0.6001" || n.Update != "beta" {
			t.Errorf("%s: %+v", s, n)
		}
		names = append(names, n)
	}
	if len(names) != 2 || !names[0].Matches(names[1]) || !names[1].Matches(names[0]) {
		t.Errorf("%+v", names)
	}
}

// TestMatches: a pattern that names a platform covers no other.
func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, name string
		want          bool
	}{
		{"cpe:2.3:a:acme:widget:*:*:*:*:*:*:*:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:linux:*:*", true},
		{"cpe:/a:acme:widget", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:linux:*:*", true},
		{"cpe:/a:Acme:Widget:1.0-rc1", "cpe:2.3:a:acme:widget:1.0-RC1:*:*:*:*:linux:*:*", true},
		{"cpe:2.3:a:acme:widget:*:*:*:*:*:linux:*:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:linux:*:*", true},
		{"cpe:2.3:a:acme:widget:*:*:*:*:*:windows:*:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:linux:*:*", false},
		{"cpe:2.3:a:acme:widget:*:*:*:*:*:windows:*:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:*:*:*", false},
		{"cpe:2.3:a:acme:widget:*:*:*:*:*:*:x64:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:*:arm64:*", false},
		{"cpe:2.3:a:acme:widget:2.0:*:*:*:*:*:*:*", "cpe:2.3:a:acme:widget:1.0:*:*:*:*:*:*:*", false},
	} {
		p, ok := Parse(tt.pattern)
		n, ok2 := Parse(tt.name)
		if !ok || !ok2 || p.Matches(n) != tt.want {
			t.Errorf("%s of %s: %v %v, want %v", tt.pattern, tt.name, ok, ok2, tt.want)
		}
	}
}

func BenchmarkParseFormatted(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := ParseFormatted("cpe:2.3:a:apache:http_server:2.4.50:*:*:*:*:*:*:*"); !ok {
			b.Fatal("no name")
		}
	}
}

// FuzzParse: a name matches itself, and both readers agree on what both take.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "cpe:/", "cpe:/a:microsoft:internet_explorer:8.0.6001:beta", "cpe:2.3:a:microsoft:internet_explorer:8.0.6001:beta:*:*:*:*:*:*", `cpe:2.3:a:a\:b:c\\:*:*:*:*:*:*:*:*`, `cpe:2.3:\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := Parse(s)
		if !n.Matches(n) {
			t.Errorf("%+v does not match itself", n)
		}
		if ok && strings.Count(n.Key(), ":") < 2 {
			t.Errorf("key %q", n.Key())
		}
		if full, complete := ParseFormatted(s); complete && full != n {
			t.Errorf("%+v and %+v", full, n)
		}
		if !strings.HasPrefix(s, "cpe:") && (ok || n != Name{}) {
			t.Errorf("%+v of no CPE", n)
		}
	})
}

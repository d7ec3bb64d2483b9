package report_test

import (
	"bytes"
	stdjson "encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

func TestTemplate(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"report", `{{.Image.Name}} {{.Release.ID}} {{len .Findings}}`, "app:1 debian 2"},
		{"findings", `{{range .Findings}}{{.ID}}={{.Severity}},{{rank .Severity}},{{(pkg .).Name}};{{end}}`, "CVE-2022-0001=CRITICAL,5,libssl1.1;CVE-2022-0002=NEGLIGIBLE,1,zlib1g;"},
		{"package by its long name", `{{with package (index .Findings 1)}}{{.Version}} {{.SourceName}}{{end}}`, "1:1.2.11.dfsg-1 zlib"},
		{"suppressed", `{{range .Suppressed}}{{.ID}} {{.By}} {{(pkg .).Name}}{{end}}`, "CVE-2022-0003 .assayignore:3 libssl1.1"},
		{"groups", `{{range groups .}}{{.ID}} {{len .Packages}} {{(pkg .).Name}};{{end}}`, "CVE-2022-0001 1 libssl1.1;CVE-2022-0002 1 zlib1g;"},
		{"gaps", `{{range .Gaps}}{{.}}{{end}}`, "layer 1: opt/a: malformed"},
		{"end of life", `{{.EndOfLife}}`, "true"},
		{"case", `{{upper "aB"}} {{lower "aB"}} {{title "it's a cve"}} {{toLower "A"}} {{toUpper "b"}}`, "AB ab It's A Cve a B"},
		{"trim", `{{trim " a "}}|{{trimAll "*" "*a*"}}|{{trimPrefix "a" "ab"}}|{{trimSuffix "b" "ab"}}`, "a|a|b|a"},
		{"cut", `{{trunc 2 "äöü"}} {{trunc -2 "äöü"}} {{trunc 9 "äöü"}} {{abbrev 5 "abcdefgh"}} {{abbrev 9 "abc"}} {{trunc -9223372036854775808 "abc"}}`, "äö öü äöü ab... abc abc"},
		{"lists", `{{split "," "a,b" | join "+"}} {{list "x" 1 "x" | uniq | join "-"}} {{first (list 1 2)}}{{last (list 1 2)}} {{sortAlpha (list "b" "a")}} {{(splitList ":" "c:d") | len}}`, "a+b x-1 12 [a b] 2"},
		{"join of any list", `{{join "," severities}}`, "CRITICAL,HIGH,MEDIUM,LOW,NEGLIGIBLE,UNKNOWN"},
		{"first of nothing", `{{first .Release.IDLike | default "none"}}`, "none"},
		{"tests", `{{contains "b" "abc"}} {{hasPrefix "a" "abc"}} {{hasSuffix "c" "abc"}} {{empty ""}} {{empty 1}} {{ternary "y" "n" true}}`, "true true true true false y"},
		{"default", `{{"" | default "x"}} {{"y" | default "x"}}`, "x y"},
		{"replace", `{{replace "a" "b" "aXa"}} {{regexReplaceAll "([0-9]+)" "a12" "<$1>"}} {{regexFind "[^ ]+" "ab cd"}} {{regexMatch "^a" "ab"}}`, "bXb a<12> ab true"},
		{"numbers", `{{add 1 2 3}} {{sub 5 2}} {{mul 2 3}} {{div 7 2}} {{mod 7 2}} {{max 1 3 2}} {{min 3 1 2}} {{add (len .Gaps) "4"}}`, "6 3 6 3 1 3 1 5"},
		{"escapes", `{{escapeXML "<a>&\""}} {{escapeString "<a>&\""}} {{escapeMarkdown "a|b"}} {{html "<"}} {{quote "a\"b"}} {{squote "a"}} {{urlquery "a b"}} {{printable "\x1b"}}`, `&lt;a&gt;&amp;&#34; &lt;a&gt;&amp;&#34; a&#124;b &lt; "a\"b" 'a' a+b \u001b`},
		{"json", `{{toJson (index .Gaps 0)}} {{(index .Findings 0).Severity | toJson}}`, `{"where":"layer 1: opt/a","what":"malformed"} "CRITICAL"`},
		{"hashes", `{{sha1sum "a"}} {{sha256sum "a" | trunc 8}}`, "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8 ca978112"},
		{"time is the report's", `{{now | date "2006-01-02"}} {{getCurrentTime}} {{.Created.Year}} {{appVersion}}`, "2024-07-02 2024-07-02T10:00:00Z 2024 1"},
		{"print", `{{print "a" 1}} {{printf "%s-%03d" "x" 7}} {{println "y"}}`, "a1 x-007 y\n"},
		{"parts of its own", `{{define "row"}}[{{.}}]{{end}}{{range $i, $e := severities}}{{if lt $i 2}}{{template "row" $e}}{{else}}{{break}}{{end}}{{end}}`, "[CRITICAL][HIGH]"},
	}
	for _, tt := range tests {
		if f := format(t, "template"); f.Check(assay.FormatOptions{Template: tt.text}) != nil {
			t.Errorf("%s: refused: %v", tt.name, f.Check(assay.FormatOptions{Template: tt.text}))
			continue
		}
		if diff := cmp.Diff(tt.want, write(t, "template", ruled(), assay.FormatOptions{Template: tt.text})); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// TestTemplateTrivy: what a template for Trivy asks for is there, in a with.
func TestTemplateTrivy(t *testing.T) {
	const text = `{{with trivyResults .}}{{range .}}
{{- escapeXML .Target}}|{{.Class}}|{{.Type}}|{{len .Vulnerabilities}}|{{len .Misconfigurations}}|{{len .Secrets}}|{{if .MisconfSummary}}{{.MisconfSummary.Failures}}{{end}}
{{range .Vulnerabilities}}{{.VulnerabilityID}} {{.PkgName}} {{.PkgPath}} {{.InstalledVersion}} {{.FixedVersion}} {{.Severity}} {{.Vulnerability.Severity}} {{.Layer.DiffID}} {{.PrimaryURL}} {{.Title | abbrev 12 | printf "%q"}} {{index .Vulnerability.References 0}} {{(index .CVSS "nvd").V3Score}}
{{break}}{{end}}{{end}}{{end}}`
	const want = `app:1 (debian 10.13)|os-pkgs|debian|2|0|0|
CVE-2022-0001 libssl1.1  1.1.1n-0+deb10u3 1.1.1n-0+deb10u4 CRITICAL CRITICAL sha256:11 https://security-tracker.debian.org/tracker/CVE-2022-0001 "A title t..." https://example.org 9.8
`
	if err := format(t, "template").Check(assay.FormatOptions{Template: text}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, write(t, "template", small(), assay.FormatOptions{Template: text})); diff != "" {
		t.Error(diff)
	}
}

// TestTemplateRefused: what is wrong whatever the report says is refused before there is one.
func TestTemplateRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "empty template",
		" \n":                                  "empty template",
		"a\n{{nope}}":                          `line 2: function "nope" not defined`,
		"\n\n{{range .Findings}}":              "line 3: unexpected EOF",
		"{{env \"HOME\"}}":                     `function "env" not defined`,
		"{{getEnv \"HOME\"}}":                  `function "getEnv" not defined`,
		"{{readFile \"/etc/passwd\"}}":         "not defined",
		"a\n{{.Nope}}":                         "line 2:",
		"{{range .Findings}}\n{{.Pkg}}{{end}}": "can't evaluate field Pkg in type assay.Finding",
		strings.Repeat("x", 1<<20+1):           "1048577 bytes",
	} {
		err := format(t, "template").Check(assay.FormatOptions{Template: text})
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) || strings.Contains(err.Error(), "template: report") {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}

// TestTemplateBounds: no template runs on and on, or writes without end.
func TestTemplateBounds(t *testing.T) {
	const long = `{{$x := "0123456789"}}{{range 12}}{{$x = print $x $x}}{{end}}`
	for name, text := range map[string]string{
		"a loop without output":   `{{range $i := 1000000000000}}{{end}}`,
		"loops in loops":          long + `{{range 100000}}{{range 100000}}{{if true}}{{range 10}}{{$y := lower $x}}{{end}}{{end}}{{end}}{{end}}`,
		"a loop in an else":       long + `{{range .Suppressed}}{{else}}{{with .}}{{range 100000000000}}{{$y := lower $x}}{{continue}}{{end}}{{end}}{{end}}`,
		"a part that uses itself": `{{define "a"}}{{range 1000}}{{template "a"}}{{end}}{{end}}{{template "a"}}`,
		"loops in each other":     strings.Repeat("{{range 2}}", 1000) + strings.Repeat("{{end}}", 1000),
		"a text that doubles":     `{{$x := "0123456789"}}{{range 100}}{{$x = print $x $x}}{{end}}`,
		"many texts":              `{{$x := "0123456789"}}{{range 22}}{{$x = printf "%s%s" $x $x}}{{end}}{{range 1000}}{{$y := upper $x}}{{end}}`,
		"a wide number":           `{{printf "%99999d" 1}}`,
		"a width of a value":      `{{printf "%*d" 99999 1}}`,
		"a value many times":      `{{$x := "0123456789"}}{{range 22}}{{$x = print $x $x}}{{end}}{{printf "%[1]s%[1]s%[1]s" $x}}`,
		"a join":                  `{{$x := "0123456789"}}{{range 22}}{{$x = print $x $x}}{{end}}{{join $x (list 1 2 3 4)}}`,
		"a replacement":           `{{$x := "0123456789"}}{{range 20}}{{$x = print $x $x}}{{end}}{{replace "0" $x $x}}`,
		"an expression":           `{{$x := "0123456789"}}{{range 16}}{{$x = print $x $x}}{{end}}{{regexReplaceAll "" $x $x}}`,
		"a long expression":       `{{$x := "0123456789"}}{{range 20}}{{$x = print $x $x}}{{end}}{{regexFind "a+" $x}}`,
		"lists of findings":       `{{range 1000000}}{{$y := sortAlpha $.Findings}}{{end}}`,
		"lists without doubles":   `{{range 1000000}}{{$y := uniq $.Packages | len}}{{end}}`,
		"views of the report":     `{{range 10000000}}{{$y := groups $}}{{end}}`,
		"questions of long texts": `{{$x := "0123456789"}}{{range 20}}{{$x = print $x $x}}{{end}}{{range 1000000}}{{$y := contains "x" $x}}{{end}}`,
		"cuts of long texts":      `{{$x := "0123456789"}}{{range 20}}{{$x = print $x $x}}{{end}}{{range 1000000}}{{$y := trunc -9223372036854775808 $x}}{{$z := trimPrefix "0" $x}}{{end}}`,
		"output":                  `{{$x := "0123456789"}}{{range 20}}{{$x = print $x $x}}{{end}}{{range 100000}}{{$x}}{{end}}`,
	} {
		if name == "output" && testing.Short() {
			continue
		}
		begin := time.Now()
		err := format(t, "template").Write(io.Discard, small(), assay.FormatOptions{Template: text})
		if !errors.Is(err, assay.ErrTooLarge) || strings.Contains(err.Error(), "assayStep") {
			t.Errorf("%s: %v", name, err)
		}
		t.Logf("%s: %v: %.100v", name, time.Since(begin).Round(time.Millisecond), err)
	}
}

// TestTemplateHostile: what the escapes make of hostile text is well formed.
func TestTemplateHostile(t *testing.T) {
	r := evil()
	d := xml.NewDecoder(strings.NewReader(write(t, "template", r, assay.FormatOptions{Template: `<a>{{range .Findings}}<b c="{{escapeXML .ID}}">{{escapeXML (pkg .).Name}}</b>{{end}}</a>`})))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if text := write(t, "template", r, assay.FormatOptions{Template: `{{toJson .}}`}); !stdjson.Valid([]byte(text)) {
		t.Error("no JSON")
	}
	if text := write(t, "template", r, assay.FormatOptions{Template: `{{range .Packages}}{{printable .Name}}{{end}}`}); strings.ContainsAny(text, "\x1b\r\n") {
		t.Errorf("not printable: %q", text)
	}
}

func FuzzTemplate(f *testing.F) {
	for _, text := range []string{`{{range .Findings}}{{(pkg .).Name | upper}}{{end}}`, `{{toJson .}}`, `{{define "a"}}{{template "a"}}{{end}}{{template "a"}}`, `{{range 9}}{{printf "%9d" .}}{{end}}`, `{{with trivyResults .}}{{index . 0}}{{end}}`, `{{regexReplaceAll "a*" "b" "$0"}}`} {
		f.Add(text)
	}
	r := evil()
	f.Fuzz(func(t *testing.T, text string) {
		o := assay.FormatOptions{Template: text}
		refused := format(t, "template").Check(o)
		var b bytes.Buffer
		if err := format(t, "template").Write(&b, r, o); refused != nil && err == nil && !strings.Contains(refused.Error(), "field") {
			t.Errorf("%q is written, and was refused: %v", text, refused)
		}
	})
}

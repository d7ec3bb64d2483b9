package policy

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/memory"
)

func report() *assay.Report {
	return &assay.Report{
		Created:  time.Date(2026, 6, 30, 12, 0, 0, 0, time.UTC),
		Image:    assay.ImageInfo{Name: "app:1"},
		Packages: []assay.Package{{Type: "deb", Name: "openssl", Version: "3.0"}},
		Findings: []assay.Finding{{ID: "CVE-2024-0001", Severity: assay.SeverityLow, Status: assay.StatusAffected}},
	}
}

// trivy is a finding as Trivy's reports have it, in part.
func trivy(r *assay.Report, f *assay.Finding) any {
	return map[string]any{"VulnerabilityID": f.ID, "PkgName": r.Packages[f.Package].Name, "Severity": f.Severity.String(), "Type": "vulnerability", "CweIDs": []string{"CWE-352"},
		"CVSS": map[string]any{"nvd": map[string]any{"V3Vector": "CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:H/I:N/A:L", "V2Vector": "AV:N/AC:M/Au:N/C:P/I:N/A:C"}}}
}

func judged(t testing.TB, text string) (assay.Suppression, bool, error) {
	t.Helper()
	p, err := Compile(t.Context(), "p.rego", []byte(text), trivy)
	if err != nil {
		t.Fatal(err)
	}
	r := report()
	return ask(t, p, r)
}

// ask asks a policy about the first finding of a report.
func ask(t testing.TB, p *Policy, r *assay.Report) (assay.Suppression, bool, error) {
	t.Helper()
	j, err := p.ForReport(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return j.Suppress(t.Context(), &r.Findings[0])
}

func TestRule(t *testing.T) {
	for _, tt := range []struct {
		name, policy string
		want         bool
		reason       string
	}{
		{"version 0", "package trivy\nimport data.lib.trivy\ndefault ignore = false\nignore {\n input.PkgName == \"openssl\"\n}\n", true, ""},
		{"version 0, otherwise", "package trivy\ndefault ignore = false\nignore {\n input.PkgName == \"curl\"\n}\n", false, ""},
		{"version 0 with the words of 1", "package trivy\nimport rego.v1\nignore if input.Severity in {\"LOW\", \"MEDIUM\"}\n", true, ""},
		{"version 1", "package trivy\ndefault ignore := false\nignore if input.CweIDs[_] == \"CWE-352\"\n", true, ""},
		{"undefined", "package trivy\nignore if input.PkgName == \"curl\"\n", false, ""},
		{"vectors", "package trivy\nimport data.lib.trivy\nignore if {\n v := trivy.parse_cvss_vector_v3(input.CVSS.nvd.V3Vector)\n v.AttackVector == \"Local\"\n v.UserInteraction == \"Required\"\n v.Scope == \"Unchanged\"\n v.Availability == \"Low\"\n}\n", true, ""},
		{"vectors of version 2", "package trivy\nimport data.lib.trivy\nignore if {\n v := trivy.parse_cvss_vector_v2(input.CVSS.nvd.V2Vector)\n v.AccessComplexity == \"Medium\"\n v.Authentication == \"None\"\n v.Availability == \"Complete\"\n}\n", true, ""},
		{"the report's time", "package trivy\nignore if time.now_ns() < time.parse_rfc3339_ns(\"2026-07-01T00:00:00Z\")\n", true, ""},
		{"the report's time, later", "package trivy\nignore if time.now_ns() >= time.parse_rfc3339_ns(\"2026-07-01T00:00:00Z\")\n", false, ""},
		{"a reason", "package trivy\nignore := true\nreason := sprintf(\"%s of %s\", [input.VulnerabilityID, input.PkgName])\n", true, "CVE-2024-0001 of openssl"},
		{"a reason at times", "package trivy\nignore := true\nreason := \"x\" if input.PkgName == \"curl\"\n", true, ""},
		{"our own form", "package assay\nignore if {\n input.package.name == \"openssl\"\n input.finding.id == \"CVE-2024-0001\"\n input.image == \"app:1\"\n input.finding.severity == \"LOW\"\n}\n", true, ""},
		{"functions", "package trivy\nignore if {\n regex.match(`^CVE-\\d+`, input.VulnerabilityID)\n startswith(input.PkgName, \"open\")\n semver.compare(\"1.0.0\", \"1.0.1\") == -1\n print(\"x\")\n replace(\"a\", \"a\", \"b\") == \"b\"\n}\n", true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			suppression, out, err := judged(t, tt.policy)
			want := assay.Suppression{}
			if tt.want {
				want = assay.Suppression{As: assay.StatusIgnored, By: "p.rego", Reason: tt.reason}
			}
			if d := cmp.Diff(want, suppression); d != "" || out != tt.want || err != nil {
				t.Errorf("%v %v %s", out, err, d)
			}
		})
	}
}

func TestCompile(t *testing.T) {
	for _, tt := range []struct {
		name, policy, want string
		is                 error
	}{
		{"nothing", "", "p.rego: empty: malformed", assay.ErrMalformed},
		{"a comment", "# x\n", "p.rego: empty: malformed", assay.ErrMalformed},
		{"another package", "# x\npackage main\nignore := true\n", "p.rego:2: package is main, want trivy or assay", assay.ErrUnsupported},
		{"no rule", "package trivy\nallow := true\n", "p.rego: has no rule trivy.ignore", assay.ErrMalformed},
		{"syntax", "package trivy\n\nignore if {\n input.x ==\n}\n", "p.rego:5: ", assay.ErrMalformed},
		{"syntax of version 0", "package trivy\nignore {\n input.x == = 1\n}\n", "p.rego:3: ", assay.ErrMalformed},
		{"a variable", "package trivy\nignore if x == 1\n", "p.rego:2: var x is unsafe", assay.ErrMalformed},
		{"recursion", "package trivy\nignore if ignore\n", "p.rego:2: rule data.trivy.ignore is recursive", assay.ErrMalformed},
		{"network", "package trivy\nignore if http.send({\"method\": \"GET\", \"url\": \"http://x\"}).status_code == 200\n", "p.rego:2: undefined function http.send", assay.ErrMalformed},
		{"environment", "package trivy\nignore if opa.runtime().env.HOME\n", "p.rego:2: undefined function opa.runtime", assay.ErrMalformed},
		{"names", "package trivy\nignore if net.lookup_ip_addr(\"x\")\n", "p.rego:2: undefined function net.lookup_ip_addr", assay.ErrMalformed},
		{"chance", "package trivy\nignore if rand.intn(\"x\", 2) == 1\n", "p.rego:2: undefined function rand.intn", assay.ErrMalformed},
		{"policies", "package trivy\nignore if rego.parse_module(\"x\", \"package x\")\n", "p.rego:2: undefined function rego.parse_module", assay.ErrMalformed},
		{"shifts", "package trivy\nignore if bits.lsh(1, 1000000000000) == 1\n", "p.rego:2: undefined function bits.lsh", assay.ErrMalformed},
		{"a long number", "package trivy\nignore if 1e9999 > 1\n", "p.rego:2: a number of more than 1000 digits", assay.ErrTooLarge},
		{"too large", "package trivy\n#" + strings.Repeat(" ", MaxPolicy), "p.rego: over", assay.ErrTooLarge},
		{"nested too deep", "package trivy\nignore := " + strings.Repeat("[", 10_000), "p.rego:2: brackets nest", assay.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile(t.Context(), "p.rego", []byte(tt.policy), trivy)
			if err == nil || !errors.Is(err, tt.is) || !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestWrong(t *testing.T) {
	for policy, want := range map[string]string{
		"package trivy\nignore := \"yes\"\n":                                                   `p.rego: ignore is "yes", neither true nor false`,
		"package trivy\nignore := true\nreason := 1\n":                                         `p.rego: reason is 1, want text`,
		"package trivy\nignore := x if x := input.PkgName == \"openssl\"\nignore := false\n":   `p.rego:3: rule data.trivy.ignore produced conflicting values: true at`,
		"package trivy\nignore contains input.PkgName\n":                                       `p.rego: ignore is {"openssl"}, neither true nor false`,
		"package trivy\nignore if f(1) == 1\nf(x) := 1 if x > 0\nf(x) := 2 if input.PkgName\n": `p.rego:4: `,
	} {
		if _, out, err := judged(t, policy); err == nil || out || !strings.HasPrefix(err.Error(), want) || !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%s: %v %v, want %s", policy, out, err, want)
		}
	}
}

// TestHostile holds that no policy runs for long, nor takes all memory.
func TestHostile(t *testing.T) {
	double := "s0 := \"" + strings.Repeat("x", 1000) + "\"\n"
	dag := "s0 := [1]\n"
	squares := "s0 := 12345678901234567890\n"
	lists, each, objects := "", "", ""
	for i := range 40 {
		lists += fmt.Sprintf("s%d := array.concat(s%d, s%d)\n", i+1, i, i)
		each += fmt.Sprintf("s%d := [x | some x in s%d; some _ in [1, 2]]\n", i+1, i)
		objects += fmt.Sprintf("s%d := {\"a\": s%d, \"b\": s%d}\n", i+1, i, i)
		double += fmt.Sprintf("s%d := concat(\"\", [s%d, s%d])\n", i+1, i, i)
		dag += fmt.Sprintf("s%d := [s%d, s%d]\n", i+1, i, i)
		squares += fmt.Sprintf("s%d := s%d * s%d\n", i+1, i, i)
	}
	for name, policy := range map[string]string{
		"a product":        "ignore if {\n some a in numbers.range(1, 3000)\n some b in numbers.range(1, 3000)\n some c in numbers.range(1, 3000)\n a + b + c == 0\n}\n",
		"a comprehension":  "ignore if count([x | some a in numbers.range(1, 100000); some b in numbers.range(1, 100000); x := [a, b]]) == 0\n",
		"numbers":          "ignore if count(numbers.range(1, 1000000000000)) == 0\n",
		"walk":             "ignore if count([1 | walk(numbers.range(1, 1000000), _); walk(numbers.range(1, 1000000), _)]) == 0\n",
		"an expression":    "ignore if regex.match(`((a{1,100}){1,100}b{1,100})`, concat(\"\", [\"a\" | some _ in numbers.range(1, 1000000)]))\n ignore if count([1 | some _ in numbers.range(1, 100000); regex.match(`(a?){500}`, concat(\"\", [\"a\" | some _ in numbers.range(1, 10000)]))]) == 0\n",
		"texts":            double + "ignore if count(s40) == 0\n",
		"joined at once":   double + "ignore if count(concat(\"\", [s14 | some _ in numbers.range(1, 100000)])) == 0\n",
		"joined":           double + "ignore if count(concat(\"\", [s15 | some _ in numbers.range(1, 1000000)])) == 0\n",
		"replaced":         double + "ignore if count(replace(s10, \"x\", s10)) == 0\n",
		"widths":           "ignore if count(sprintf(\"" + strings.Repeat("%[1]999999d", 20_000) + "\", [1])) == 0\n",
		"written":          dag + "ignore if count(json.marshal(s40)) == 0\n",
		"compared":         dag + "ignore if [s40, 1] == [json.unmarshal(\"[1]\"), s40]\nignore if s40 < s39\n",
		"squares":          squares + "ignore if s40 == 0\n",
		"joined once":      "s0 := \"" + strings.Repeat("x", 100_000) + "\"\nignore if count(concat(\"\", [s0 | some _ in numbers.range(1, 10000)])) == 0\n",
		"lists":            "s0 := numbers.range(1, 1000)\n" + lists + "ignore if count(s30) == 0\n",
		"comprehensions":   "s0 := numbers.range(1, 10000)\n" + each + "ignore if count(s30) == 0\n",
		"objects":          "s0 := {\"a\": 1}\n" + objects + "ignore if count(object.union(s40, s39)) == 0\n",
		"shown":            dag + "ignore := s40\n",
		"told":             dag + "ignore := true\nreason := s40\n",
		"long chain":       "ignore if 0 == " + strings.Repeat("1 + ", 50_000) + "1\n",
		"many conditions":  "ignore if {\n" + strings.Repeat("input.x[_] == input.x[_]\n", 9000) + "}\n",
		"many else":        "ignore := false if input.x else := false if input.y" + strings.Repeat("\nelse := false if input.y", 8000) + "\n",
		"long reference":   "ignore if input" + strings.Repeat(".a", 100_000) + "\n",
		"many negations":   "ignore if " + strings.Repeat("not ", 50_000) + "input.x\n",
		"deep from a text": "ignore if json.unmarshal(concat(\"\", [\"[\" | some _ in numbers.range(1, 5000000)]))\n",
	} {
		t.Run(name, func(t *testing.T) {
			peak := memory.Peak()
			p, err := compile(t.Context(), "p.rego", []byte("package trivy\n"+policy), trivy, bounds{300 * time.Millisecond, 10 * time.Second, budget{maxEachSteps, maxEachBytes}, maxAllSteps})
			out := false
			if err == nil {
				r := report()
				_, out, err = ask(t, p, r)
			}
			if most := peak(); out || most > maxPeak {
				t.Errorf("suppressed %v, with %d MB", out, most>>20)
			} else {
				t.Logf("%.150v, with %d MB", err, most>>20)
			}
			if err != nil && !errors.Is(err, assay.ErrTooLarge) && !errors.Is(err, assay.ErrMalformed) {
				t.Errorf("error %v wraps no sentinel", err)
			}
		})
	}
}

// TestMeasured holds that functions refuse what is out of proportion before they
// do it, and do the rest as ever.
func TestMeasured(t *testing.T) {
	long := `s := concat("", ["` + strings.Repeat("x", 10_000) + `" | some _ in numbers.range(1, 500)])` + "\n" // 5 MB
	list := "l := numbers.range(1, 50000)\n"
	for _, tt := range []struct{ policy, want string }{
		{long + `ignore := count(s) == 5000000`, ""},
		{long + `ignore := count(concat("", [s, s])) == 1`, "3: concat creates more than 8 MB at once"},
		{long + `ignore := count(concat("", {s, concat("", [s])})) == 1`, ""},
		{long + `ignore := count(replace(s, "x", "xx")) == 1`, "3: replace creates"},
		{long + `ignore := count(replace(s, "y", "xx")) == 5000000`, ""},
		{long + `ignore := count(replace("x", "", s)) == 1`, "3: replace creates"},
		{long + `ignore := count(split(s, "")) == 1`, "3: split creates"},
		{long + `ignore := count(split(s, "y")) == 1`, ""},
		{long + `ignore := count(indexof_n(s, "x")) == 1`, "3: indexof_n creates"},
		{long + `ignore := count(indexof_n(s, "xx")) == 1`, "3: indexof_n creates"},
		{long + `ignore := count(regex.replace(s, "x", "yy")) == 1`, "3: regex.replace creates"},
		{long + `ignore := count(regex.find_n("x", s, -1)) == 1`, "3: regex.find_n creates"},
		{long + `ignore := count(regex.split("x", s)) == 1`, "3: regex.split creates"},
		{long + `ignore := count(sprintf("%s", [s])) == 1`, "3: sprintf creates"},
		{long + `ignore := count(sprintf("", [s])) == 1`, "3: sprintf creates"},
		{`ignore := count(sprintf("", ["` + strings.Repeat("x", 10_000) + `" | some _ in numbers.range(1, 100)])) == 1`, "2: sprintf creates"},
		{long + `ignore := count(indexof_n(s, "` + strings.Repeat("xx", 1000) + `")) == 1`, "3: indexof_n creates"},
		{`ignore := count(format_int(to_number("0x1p999999"), 10)) == 1`, ""},
		{`ignore := count(format_int(to_number("0x1p900"), 10)) == 1`, "2: format_int: number"},
		{long + `ignore := count($"{s}{s}") == 1`, "3: internal.template_string creates"},
		{long + `ignore := count(json.marshal(s)) == 1`, "3: json.marshal creates"},
		{long + `ignore := count(base64.encode(s)) == 1`, "3: base64.encode creates"},
		{long + `ignore := count(hex.encode(s)) == 1`, "3: hex.encode creates"},
		{long + `ignore := count(urlquery.encode(s)) == 1`, "3: urlquery.encode creates"},
		{list + `ignore := count(l) == 50000`, ""},
		{list + `ignore := count(array.concat(l, l)) == 1`, "3: array.concat creates"},
		{list + `ignore := count(array.flatten([l, l])) == 1`, "3: array.flatten creates"},
		{list + `ignore := count(json.unmarshal(concat("", ["[", concat(",", ["1" | some _ in numbers.range(1, 80000); true]), ",1,1,1,1,1,1]"]))) == 80006`, ""},
		{list + `ignore := count(json.unmarshal(concat(",", ["1" | some _ in l; some _ in [1, 2]]))) == 1`, "3: json.unmarshal creates"},
		{`ignore := count(numbers.range(1, 1000000000)) == 1`, "2: numbers.range creates"},
		{`ignore := count(numbers.range(1000000000, 1)) == 1`, "2: numbers.range creates"},
		{`ignore := count(numbers.range_step(1, 1000000000, 100)) == 1`, "2: numbers.range_step creates"},
		{`ignore := numbers.range_step(1, 1000000000, 500000000) == [1, 500000001]`, ""},
		{`ignore := count(sprintf("%999999d%999999d%999999d%999999d%999999d", [1])) == 1`, "2: sprintf creates"},
		{`ignore := count(sprintf("%*d%*d%*d%*d%*d", [999999, 1])) == 1`, "2: sprintf creates"},
		{`ignore := sprintf("%d %s %v", [1, "a", {"b"}]) == "1 a {\"b\"}"`, ""},
		{`ignore := to_number("1e99999999") > 0`, "2: to_number: number of more than 1000 digits"},
		{`ignore := json.unmarshal("[1e99999999]")[0] > 0`, "2: json.unmarshal: number"},
		{`ignore := units.parse("1e99999999") > 0`, "2: units.parse: number"},
		{`ignore := product([1e900 | some _ in numbers.range(1, 5000)]) > 0`, "2: product: number"},
		{`ignore := regex.match("` + strings.Repeat("(a?){900}", 30) + `", "aaa")`, "2: regex.match: expression of more than"},
		{`ignore if regex.match("a", "a") with regex.match as replaced` + "\nreplaced(_, _) := false", ""},
		{`ignore if count(replaced("x")) == 1 with replaced as base64.encode` + "\nreplaced(_) := \"\"", ""},
	} {
		_, _, err := judged(t, "package trivy\n"+tt.policy+"\n")
		if (err == nil) != (tt.want == "") || err != nil && (!strings.HasPrefix(err.Error(), "p.rego:"+tt.want) || !errors.Is(err, assay.ErrTooLarge)) {
			t.Errorf("%.150s: %v, want %s", strings.TrimPrefix(tt.policy, long), err, tt.want)
		}
	}
}

// TestMeasures holds that each function that is measured is one that policies may
// call.
func TestMeasures(t *testing.T) {
	may := map[string]bool{}
	for _, b := range capabilities(ast.RegoV1).Builtins {
		may[b.Name] = true
	}
	for name := range measures() {
		if !may[name] {
			t.Errorf("%s is no function of policies", name)
		}
	}
}

// maxPeak bounds the memory that a hostile policy takes.
const maxPeak = 512 << 20

// TestManySteps holds that a policy which does much for each finding ends, too.
func TestManySteps(t *testing.T) {
	p, err := Compile(t.Context(), "p.rego", []byte("package trivy\nignore if count([1 | some _ in numbers.range(1, 3000)]) == 0\n"), trivy)
	if err != nil {
		t.Fatal(err)
	}
	p.bounds.steps = 100_000
	r := report()
	j, err := p.ForReport(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for ; err == nil && asked < 1000; asked++ {
		_, _, err = j.Suppress(t.Context(), &r.Findings[0])
	}
	if !errors.Is(err, assay.ErrTooLarge) || !strings.Contains(err.Error(), "over the findings so far") || asked < 5 {
		t.Error(asked, err)
	}
	if _, _, err := ask(t, p, r); err != nil {
		t.Errorf("another report has its own count: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := j.Suppress(ctx, &r.Findings[0]); !errors.Is(err, assay.ErrTooLarge) {
		t.Errorf("once too much, always too much: %v", err)
	}
	if j, err = p.ForReport(ctx, r); err != nil {
		t.Fatal(err)
	}
	if _, _, err := j.Suppress(ctx, &r.Findings[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}

// TestAtOnce holds that reports are judged at once by one policy, and that memory
// which others hold makes none of them fail.
func TestAtOnce(t *testing.T) {
	p, err := Compile(t.Context(), "p.rego", []byte("package trivy\nignore if count([x | some x in numbers.range(1, 5000)]) == 5000\n"), trivy)
	if err != nil {
		t.Fatal(err)
	}
	held := make([]byte, 600<<20) // as much as several large scans
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, suppressed, err := ask(t, p, report()); err != nil || !suppressed {
				t.Error(suppressed, err)
			}
		})
	}
	all.Wait()
	runtime.KeepAlive(held)
}

func FuzzCompile(f *testing.F) {
	f.Add("package trivy\nimport data.lib.trivy\ndefault ignore = false\nignore { input.PkgName == \"openssl\" }\n")
	f.Add("package assay\nignore if { some x in input.finding.fixes; x != \"\" } else := false\nreason := sprintf(\"%v\", [1])\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := compile(t.Context(), "p.rego", []byte(text), trivy, bounds{time.Second, time.Second, budget{10_000, 10 << 20}, maxAllSteps})
		if err == nil {
			r := report()
			_, _, err = ask(t, p, r)
		}
		if err != nil && !errors.Is(err, assay.ErrTooLarge) && !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrUnsupported) {
			t.Errorf("error %v wraps no sentinel", err)
		}
	})
}

// BenchmarkRule judges one finding.
func BenchmarkRule(b *testing.B) {
	p, err := Compile(b.Context(), "p.rego", []byte("package trivy\nimport data.lib.trivy\ndefault ignore = false\nignore { input.PkgName == \"curl\" }\nignore { v := trivy.parse_cvss_vector_v3(input.CVSS.nvd.V3Vector); v.AttackVector == \"Physical\" }\n"), trivy)
	if err != nil {
		b.Fatal(err)
	}
	p.bounds.steps = math.MaxInt
	r := report()
	j, err := p.ForReport(b.Context(), r)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, out, err := j.Suppress(b.Context(), &r.Findings[0]); err != nil || out {
			b.Fatal(out, err)
		}
	}
}

// TestUndated: a rule that has an end applies to no report without a date.
func TestUndated(t *testing.T) {
	p, err := Compile(t.Context(), "p.rego", []byte("package trivy\nignore if time.now_ns() < time.parse_rfc3339_ns(\"2200-01-01T00:00:00Z\")\n"), trivy)
	if err != nil {
		t.Fatal(err)
	}
	r := report()
	r.Created = time.Time{}
	if _, ok, err := ask(t, p, r); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
}

package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/memory"
)

// A FormatCase is a format, and how documents of its form are read.
type FormatCase struct {
	Format assay.Format
	// Options are those without which it writes nothing, as a template.
	Options assay.FormatOptions
	// Check says what is wrong with a document by the grammar of the form; nil
	// where it has none, as text for people.
	Check func(document []byte) error
}

// Format checks that the format keeps its contract: that the same report gives
// the same bytes and stays as it was, that hostile text in any field leaves a
// document of the form which controls no terminal, that each kind of gap is in
// it, that errors of the writer come back, and that the options that it declares
// are those that have an effect.
func Format(t *testing.T, c FormatCase) {
	if c.Format.Name == "" || c.Format.About == "" || strings.ContainsAny(c.Format.Name, " @,") {
		t.Errorf("name %q, about %q", c.Format.Name, c.Format.About)
	}
	t.Run("same", func(t *testing.T) {
		r := Report()
		first := c.write(t, r, c.Options)
		if diff := cmp.Diff(Report(), r); diff != "" {
			t.Errorf("writing changed the report:\n%s", diff)
		}
		if !bytes.Equal(first, c.write(t, Report(), c.Options)) {
			t.Error("the same report gives other bytes")
		}
		c.check(t, "report", first)
		c.check(t, "empty report", c.write(t, &assay.Report{}, c.Options))
	})
	if t.Failed() {
		return
	}
	t.Run("hostile", func(t *testing.T) { c.hostile(t) })
	t.Run("gaps", func(t *testing.T) { c.gaps(t) })
	t.Run("writer", func(t *testing.T) { c.writer(t) })
	t.Run("options", func(t *testing.T) { c.options(t) })
}

func (c *FormatCase) write(t *testing.T, r *assay.Report, o assay.FormatOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := c.Format.Write(&b, r, o); err != nil {
		t.Fatalf("%s: %v", c.Format.Name, err)
	}
	return b.Bytes()
}

// check holds that a document is of the form and controls no terminal.
func (c *FormatCase) check(t *testing.T, name string, document []byte) {
	t.Helper()
	if !utf8.Valid(document) {
		t.Errorf("%s: no UTF-8", name)
	}
	isHostile := func(r rune) bool {
		return r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}
	if i := bytes.IndexFunc(document, isHostile); i >= 0 {
		t.Errorf("%s: %q is in it", name, document[max(0, i-40):min(len(document), i+10)])
	}
	if c.Check == nil {
		return
	}
	if err := c.Check(document); err != nil {
		t.Errorf("%s: %v\n%.2000s", name, err, document)
	}
}

// hostiles are texts that images and publishers may have in any field.
var hostiles = map[string]string{
	"control characters": "a\x01\x02\x08\x0b\x0c\x0e\x1f\x7f\u0080\u0085\u009bb",
	"ANSI escapes":       "a\x1b[31m\x1b]8;;http://x\x07\x1b[2J\u009b1Ab",
	"line breaks":        "a\r\nb\nc\rd\u2028e\u2029\tf",
	"HTML":               "<script>alert(1)</script><img src=x onerror=y>&amp;&#x3c;</details><!-- -->",
	"XML":                "]]><!DOCTYPE a [<!ENTITY b \"c\">]>&b;<?x y?>\"'",
	"Markdown":           "[a](javascript:b) ![c](http://d) `e` ```\n# f\n| g | @h #1 ~~i~~ __j__\n- [ ] k",
	"bidi":               "a\u202eb\u2066c\u2069\u200f\u061cd",
	"NUL":                "a\x00b",
	"no UTF-8":           "a\xff\xfe\xc3b\xed\xa0\x80",
	"no characters":      "a\ufffe\uffff\ufeffb\U000e0001",
	"templates":          "{{.}}{{end}}${a}%s%!d(%n){0}",
	"quotes":             "\"a\\\"b\\'c\\",
	"paths":              "../../a!/b%zz C:\\d",
	"empty":              "",
}

// long is a text longer than any bound of a line, a cell or a name.
var long = strings.Repeat("wörd <b>|`[x](y)\x1b\u202e ", 3000)

// grows checks that twice the text takes about twice the memory to write, not its
// square.
func (c *FormatCase) grows(t *testing.T) {
	t.Helper()
	write := func(text string) uint64 {
		r := Report()
		texts(r, func(_ string, set func(string)) { set(text) })
		allocated := memory.Allocated()
		c.write(t, r, c.everything())
		return allocated()
	}
	once, twice := write(long[:len(long)/2]), write(long)
	if twice > 3*once+(1<<20) {
		t.Errorf("%d bytes allocated for long texts, %d for those of twice the length", once, twice)
	}
}

// hostile fills all text of a report with each hostile text, and each field
// alone with all of them.
func (c *FormatCase) hostile(t *testing.T) {
	all := ""
	for name, text := range hostiles {
		all += text
		r := Report()
		texts(r, func(_ string, set func(string)) { set(text) })
		c.check(t, name, c.write(t, r, c.everything()))
	}
	r := Report()
	texts(r, func(_ string, set func(string)) { set(long) })
	c.check(t, "long", c.write(t, r, c.everything()))
	c.grows(t)
	var names []string
	texts(Report(), func(name string, _ func(string)) { names = append(names, name) })
	for i, name := range names {
		if later.MatchString(name) {
			continue
		}
		r, n := Report(), 0
		texts(r, func(_ string, set func(string)) {
			if n == i {
				set(all)
			}
			n++
		})
		c.check(t, name, c.write(t, r, c.everything()))
	}
}

// later are fields of what comes after the third of its kind, which is written as
// the others are.
var later = regexp.MustCompile(`\[[3-9]\]`)

// everything shows as much as the format can, without colours.
func (c *FormatCase) everything() assay.FormatOptions {
	o := c.Options
	o.ShowLayers, o.AllPkgs, o.Tree, o.Suppressed = true, true, true, true
	return c.Format.Keep(o)
}

// texts visits every text in a report; names are paths of fields.
func texts(r *assay.Report, visit func(name string, set func(string))) {
	walk(reflect.ValueOf(r).Elem(), "Report", visit)
}

func walk(v reflect.Value, name string, visit func(name string, set func(string))) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Type() == reflect.TypeFor[json.RawMessage]():
		visit(name, func(s string) {
			b, _ := json.Marshal(map[string]string{"text": s}) // of a text: it cannot fail
			v.SetBytes(b)
		})
	case v.Kind() == reflect.String:
		visit(name, v.SetString)
	case v.Kind() == reflect.Pointer && !v.IsNil():
		walk(v.Elem(), name, visit)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		for i := range v.Len() {
			walk(v.Index(i), fmt.Sprintf("%s[%d]", name, i), visit)
		}
	case v.Kind() == reflect.Map && v.Type().Elem().Kind() == reflect.String:
		for _, k := range v.MapKeys() {
			visit(fmt.Sprintf("%s[%v]", name, k), func(s string) { v.SetMapIndex(k, reflect.ValueOf(s)) })
		}
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			walk(v.Field(i), name+"."+v.Type().Field(i).Name, visit)
		}
	}
}

// gapKinds are gaps of each kind: about a layer's file, a package, a stream, a
// feed, a rule, and the target.
var gapKinds = []assay.Gap{
	{Where: "layer 3: usr/gapfile", What: "gapunread"},
	{Where: "pkg:npm/gappackage@1", What: "gapuncompared"},
	{Where: "debian:gapstream", What: "gapnostream"},
	{Where: "advisories of feed gapfeed", What: "gapold"},
	{Where: ".gaprules:3", What: "gaprule"},
	{Where: "gaptarget", What: "gapnorelease"},
}

func (c *FormatCase) gaps(t *testing.T) {
	if c.Format.NoGaps {
		without, with := Report(), Report()
		without.Gaps, with.Gaps = nil, gapKinds
		if !bytes.Equal(c.write(t, without, c.Options), c.write(t, with, c.Options)) {
			t.Error("gaps make another document, though the form has no place for them")
		}
		return
	}
	for name, r := range map[string]*assay.Report{"with findings": Report(), "empty": {}} {
		r.Gaps = gapKinds
		document := string(c.write(t, r, c.Options))
		for _, g := range r.Gaps {
			for _, word := range strings.FieldsFunc(g.Where+" "+g.What, func(r rune) bool { return r < 'a' || r > 'z' }) {
				if strings.HasPrefix(word, "gap") && !strings.Contains(document, word) {
					t.Errorf("%s: the gap %q is not in the document: no %s", name, g, word)
				}
			}
		}
	}
}

// brokenWriter takes some bytes and fails then.
type brokenWriter struct {
	left int
	err  error
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	if len(p) > w.left {
		n := w.left
		w.left = 0
		return n, w.err
	}
	w.left -= len(p)
	return len(p), nil
}

func (c *FormatCase) writer(t *testing.T) {
	size := len(c.write(t, Report(), c.Options))
	for _, n := range []int{0, 1, size / 2, size - 1} {
		w := &brokenWriter{n, errors.New("no room")}
		if err := c.Format.Write(w, Report(), c.Options); !errors.Is(err, w.err) {
			t.Errorf("after %d of %d bytes: %v, want %v", n, size, err, w.err)
		}
	}
}

// optionValues sets each option alone.
var optionValues = map[assay.FormatOption]assay.FormatOptions{
	assay.OptionWidth: {Width: 60}, assay.OptionColor: {Color: true}, assay.OptionShowLayers: {ShowLayers: true}, assay.OptionAllPkgs: {AllPkgs: true},
	assay.OptionTree: {Tree: true}, assay.OptionSuppressed: {Suppressed: true}, assay.OptionTemplate: {Template: "x"}, assay.OptionMaxChars: {MaxChars: 8192},
}

func (c *FormatCase) options(t *testing.T) {
	r := Report()
	for i := range 200 {
		f := r.Findings[0]
		f.ID = fmt.Sprintf("CVE-2024-%d", i)
		r.Findings = append(r.Findings, f)
	}
	plain := c.write(t, r, c.Options)
	for option, o := range optionValues {
		if !c.Format.Takes(option) {
			if err := c.Format.CheckOptions(o); !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), option.String()) {
				t.Errorf("option %s, which is not declared: %v, want %v that names it", option, err, assay.ErrUnsupported)
			}
			if o = merge(c.Options, o); !bytes.Equal(plain, c.write(t, r, o)) {
				t.Errorf("option %s is not declared, and has an effect", option)
			}
			continue
		}
		if err := c.Format.CheckOptions(o); err != nil {
			t.Errorf("option %s: %v", option, err)
		}
		if o = merge(c.Options, o); bytes.Equal(plain, c.write(t, r, o)) {
			t.Errorf("option %s is declared, and has no effect", option)
		}
	}
	for _, v := range c.Format.Versions {
		o := c.Options
		o.Version = v
		if document := c.write(t, r, o); !bytes.Contains(document, []byte(v)) {
			t.Errorf("version %s is not in the document", v)
		}
	}
	o := c.Options
	o.Version = "0.0.0"
	if err := c.Format.CheckOptions(o); !errors.Is(err, assay.ErrUnsupported) {
		t.Errorf("version 0.0.0: %v, want %v", err, assay.ErrUnsupported)
	}
}

// merge is one of the options, which needs others besides.
func merge(need, o assay.FormatOptions) assay.FormatOptions {
	if o.Template == "" {
		o.Template = need.Template
	}
	return o
}

// Report is a report with every field set: packages of a distribution and of
// languages, findings of the base image and above it, a suppressed one, gaps.
func Report() *assay.Report {
	day := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	base := assay.LayerRef{Index: 0, DiffID: "sha256:a0", Digest: "sha256:b0", CreatedBy: "FROM debian"}
	own := assay.LayerRef{Index: 1, DiffID: "sha256:a1", Digest: "sha256:b1", CreatedBy: "RUN npm install"}
	pkg := func(kind, name, version string, layer assay.LayerRef) assay.Package {
		return assay.Package{Type: kind, Name: name, Version: version, Arch: "amd64", OS: "linux", Source: name + "-src", SourceVersion: version, Module: "m:1:2:c:amd64", Vendor: "vendor",
			Licences: []string{"MIT", "a licence of its own", "MIT OR Apache-2.0"}, State: "unpacked", ThirdParty: "another vendor", Path: "srv/" + name + "/lock", PURL: "pkg:" + kind + "/" + name + "@" + version,
			FoundBy: "reader", Relation: assay.RelationIndirect, Owner: "pkg:deb/debian/owner@1", CPEs: []string{"cpe:2.3:a:v:" + name + ":1:*:*:*:*:*:*:*"}, Digest: "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",
			EOL: "2024-01-01", Layer: layer}
	}
	packages := []assay.Package{pkg(assay.TypeDeb, "libssl3", "3.0.1-1", base), pkg(assay.TypeDeb, "openssl", "3.0.1-1", base), pkg(assay.TypeNPM, "left", "1.0.0", own), pkg(assay.TypeNPM, "right", "2.0.0", own),
		pkg(assay.TypeGo, "example.com/x", "v1.0.0", own), pkg(assay.TypeMaven, "g:a", "1", own), pkg(assay.TypeGeneric, "httpd", "2", own)}
	packages[3].DependsOn, packages[3].Relation, packages[3].Dev = []string{"left@1.0.0"}, assay.RelationDirect, true
	packages[2].Path = packages[3].Path
	finding := func(id string, n int, s assay.Severity, fix string) assay.Finding {
		return assay.Finding{ID: id, Aliases: []string{"GHSA-1"}, VendorIDs: []string{"DSA-1"}, Package: n, FixedIn: fix, Fixes: []string{fix}, FixDate: day, Status: assay.StatusFixed, Severity: s, SeveritySource: "nvd",
			Stream: "debian:12", Feed: "debian", Publisher: "publisher", Risk: 50, URL: "https://example.org/" + id, Because: "debian:12: below " + fix,
			Detail: assay.Detail{ID: id, Title: "A title", Text: "A sentence. Another.", CVSS: []assay.CVSS{{Source: "nvd", Version: "3.1", Vector: "CVSS:3.1/AV:N", Score: 9.8}}, Ratings: []assay.Rating{{Source: "redhat", Severity: s}},
				CWEs: []string{"CWE-79"}, References: []string{"https://example.org/ref"}, Published: day, Modified: day, KEV: &assay.KEV{Added: "2026-01-01", Due: "2026-01-02", Ransomware: true, Action: "patch"},
				EPSS: &assay.EPSS{Score: 0.9, Percentile: 0.99, Date: "2026-01-01"}}}
	}
	return &assay.Report{
		Schema: assay.ReportSchema, Tool: assay.Tool{Name: "assay", Version: "1"}, Created: day, AsOf: day.AddDate(0, 0, -1), Kind: assay.KindImage,
		Image: assay.ImageInfo{Name: "app:1", Source: "registry", ID: "sha256:cc", Digest: "sha256:dd", RepoTags: []string{"example.org/app:1"}, RepoDigests: []string{"example.org/app@sha256:dd"},
			Platform: assay.Platform{OS: "linux", Arch: "arm64", Variant: "v8"}, Created: day, Size: 3000, Config: json.RawMessage(`{"os":"linux"}`), SBOM: "cyclonedx",
			Layers:     []assay.LayerInfo{{DiffID: base.DiffID, Digest: base.Digest, Size: 1, CreatedBy: base.CreatedBy}, {DiffID: own.DiffID, Digest: own.Digest, Size: 2, CreatedBy: own.CreatedBy}},
			Repository: assay.RepositoryInfo{URL: "https://example.org/a.git", Branch: "main", Tags: []string{"v1"}, Commit: "0a", Message: "message", Author: "a <a@b>", Committer: "c <c@d>"},
			Base:       &assay.BaseImage{Name: "debian:12", Digest: "sha256:ee", Layers: 1, By: "label"}},
		Release: assay.Release{ID: "debian", IDLike: []string{"like"}, Version: "12", Codename: "bookworm", Name: "Debian", Variant: "variant", CPE: "cpe:/o:debian:12", Repos: []string{"v3"},
			ContentSets: []string{"set"}, NVR: "a-1-1", Path: "etc/os-release", EOL: "2025-01-01"},
		Packages: packages,
		Findings: []assay.Finding{finding("CVE-2024-0001", 0, assay.SeverityCritical, "3.0.2"), finding("CVE-2024-0001", 1, assay.SeverityCritical, "3.0.2"), finding("CVE-2024-0002", 2, assay.SeverityHigh, ""),
			finding("CVE-2024-0003", 4, assay.SeverityMedium, "v1.1.0"), finding("CVE-2024-0004", 5, assay.SeverityLow, "2")},
		Suppressed: []assay.Suppressed{
			{Finding: finding("CVE-2024-0005", 3, assay.SeverityHigh, "3"), Suppression: assay.Suppression{As: assay.StatusNotAffected, By: ".assayignore:3", Reason: "not reached"}},
			{Finding: finding("CVE-2024-0006", 4, assay.SeverityHigh, "3"), Suppression: assay.Suppression{As: assay.StatusNotAffected, By: assay.SuppressedByMatch, Reason: "not linked"}},
		},
		LeftOut: 1, DevLeftOut: 2, Gaps: []assay.Gap{{Where: "layer 1: opt/a", What: "malformed"}},
		Database: assay.Database{Digest: "sha256:ff", Built: day, Shards: []assay.Shard{{Stream: "debian:12", Digest: "sha256:01", Size: 1, Records: 2, Built: day.Add(-time.Hour),
			Feeds: []assay.FeedStatus{{Feed: "debian", Fetched: day, Read: 2, Kept: 1, Skipped: map[string]int{"why": 1}, Error: "error"}}}}},
	}
}

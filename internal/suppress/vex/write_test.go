package vex

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// TestWrite: what is written is read as it was meant, by the same name for the
// same content.
func TestWrite(t *testing.T) {
	statements := []Statement{
		{Vulnerability: "CVE-2024-1", Aliases: []string{"GHSA-1"}, Status: assay.StatusNotAffected, Justification: Justifications[2], Impact: "Not called.",
			Products: []Product{{PURL: "pkg:oci/app@sha256%3A12", Subcomponents: []string{"pkg:npm/a@1", "pkg:npm/b@1"}}, {PURL: "pkg:npm/c"}}},
		{Vulnerability: "CVE-2024-2", Status: assay.StatusAffected, ActionStatement: "Upgrade <soon> & test.", Products: []Product{{PURL: "pkg:npm/a@1"}}},
		{Vulnerability: "CVE-2024-3", Status: assay.StatusUnderInvestigation, Products: []Product{{PURL: "pkg:npm/a@1"}}},
		{Vulnerability: "CVE-2024-4", Status: assay.StatusFixed, Products: []Product{{PURL: "pkg:npm/a@1"}}},
	}
	write := func(author string) string {
		d := NewOpenVEX(author, "assay", day)
		d.Add(day, statements...)
		var out bytes.Buffer
		if err := d.Write(&out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	text := write("H")
	if text != write("H") || write("H")[:150] == write("I")[:150] {
		t.Error("names are not of the content")
	}
	got, err := Read(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := &Document{Format: "openvex", ID: got.ID, Author: "H", Timestamp: day}
	for _, s := range statements {
		s.Timestamp = day
		want.Statements = append(want.Statements, s)
	}
	if d := cmp.Diff(want, got); d != "" || !strings.HasPrefix(got.ID, "https://openvex.dev/docs/public/vex-") {
		t.Error(got.ID, d)
	}
	var out bytes.Buffer
	if err := WriteCycloneDX(&out, statements[0].Products[0], "app:1", "H", day, statements); err != nil {
		t.Fatal(err)
	}
	got, err = Read(&out)
	if err != nil {
		t.Fatal(err)
	}
	if s := got.Statements[0]; len(got.Statements) != 4 || s.Status != assay.StatusNotAffected || len(s.Products) != 3 || s.Products[0].PURL != "pkg:npm/a@1" || s.Justification != "code_not_reachable" ||
		got.Statements[1].ActionStatement != statements[1].ActionStatement || got.Statements[3].Status != assay.StatusFixed {
		t.Errorf("%+v", got)
	}
}

// TestAdd: what somebody else wrote stays, and what is added counts from then on.
func TestAdd(t *testing.T) {
	const theirs = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://h.example/1","author":"H","role":"R","timestamp":"2024-01-02T00:00:00Z","version":7,"x-more":{"b":1,"a":[2]},
"statements":[{"@id":"s1","vulnerability":{"name":"CVE-2024-1","description":"<b>"},"products":[{"@id":"pkg:npm/a@1"}],"status":"affected","action_statement":"Wait.","supplier":"S"}]}`
	d, err := ReadOpenVEX([]byte(theirs))
	if err != nil {
		t.Fatal(err)
	}
	d.Add(later, Statement{Vulnerability: "CVE-2024-1", Status: assay.StatusFixed, Products: []Product{{PURL: "pkg:npm/a@1"}}})
	var out bytes.Buffer
	if err := d.Write(&out); err != nil {
		t.Fatal(err)
	}
	var before, after map[string]any
	if json.Unmarshal([]byte(theirs), &before) != nil || json.Unmarshal(out.Bytes(), &after) != nil {
		t.Fatal(out.String())
	}
	list := before["statements"].([]any)
	before["version"], before["last_updated"] = 8.0, "2024-01-03T00:00:00Z"
	before["statements"] = append(list, map[string]any{"vulnerability": map[string]any{"name": "CVE-2024-1"}, "timestamp": "2024-01-03T00:00:00Z",
		"products": []any{map[string]any{"@id": "pkg:npm/a@1"}}, "status": "fixed"})
	if d := cmp.Diff(before, after); d != "" {
		t.Error(d)
	}
	for version, want := range map[string]string{`"3"`: `"4"`, `null`: `1`, `"x"`: `"1"`} {
		d, err := ReadOpenVEX([]byte(`{"statements":[],"version":` + version + `}`))
		if err != nil {
			t.Fatal(err)
		}
		d.Add(day)
		if got := string(d.members["version"]); got != want {
			t.Errorf("after version %s: %s", version, got)
		}
	}
	for _, bad := range []string{"", csafDoc, cyclonedx, `{"statements":[7]}`, `{"statements":{}}`} {
		if _, err := ReadOpenVEX([]byte(bad)); err == nil {
			t.Errorf("%.40q is added to", bad)
		}
	}
}

func TestCheck(t *testing.T) {
	ok := func(change func(*Statement)) Statement {
		s := Statement{Vulnerability: "CVE-1", Products: []Product{{PURL: "pkg:npm/a"}}, Status: assay.StatusNotAffected, Justification: Justifications[0]}
		change(&s)
		return s
	}
	for _, tt := range []struct{ s Statement }{
		{ok(func(s *Statement) { s.Vulnerability = "" })},
		{ok(func(s *Statement) { s.Products = nil })},
		{ok(func(s *Statement) { s.Products = []Product{{PURL: "pkg:npm"}} })},
		{ok(func(s *Statement) { s.Products[0].Subcomponents = []string{"pkg:npm"} })},
		{ok(func(s *Statement) { s.Status = "" })},
		{ok(func(s *Statement) { s.Status = assay.StatusWillNotFix })},
		{ok(func(s *Statement) { s.Justification = "" })},
		{ok(func(s *Statement) { s.Justification = "because" })},
		{ok(func(s *Statement) { s.Status = assay.StatusFixed })},
	} {
		if _, err := tt.s.Check(); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%+v: %v", tt.s, err)
		}
	}
	for _, tt := range []struct {
		s      Statement
		advice bool
	}{
		{ok(func(*Statement) {}), false},
		{ok(func(s *Statement) { s.Justification, s.Impact = "", "Why." }), false},
		{ok(func(s *Statement) { s.Status, s.Justification = assay.StatusAffected, "" }), true},
		{ok(func(s *Statement) {
			s.Status, s.Justification, s.ActionStatement = assay.StatusAffected, "", "Do."
		}), false},
	} {
		if advice, err := tt.s.Check(); err != nil || (advice != "") != tt.advice {
			t.Errorf("%+v: %q, %v", tt.s, advice, err)
		}
	}
}

func TestParseImage(t *testing.T) {
	for ref, want := range map[string]Image{
		"alpine":                        {Repository: "docker.io/library/alpine"},
		"alpine:3.20":                   {Repository: "docker.io/library/alpine", Tag: "3.20"},
		"org/app@sha256:12":             {Repository: "docker.io/org/app", Digest: "sha256:12"},
		"index.docker.io/org/app:1":     {Repository: "docker.io/org/app", Tag: "1"},
		"localhost/app":                 {Repository: "localhost/app"},
		"h.example:5000/a/b:1@sha256:2": {Repository: "h.example:5000/a/b", Tag: "1", Digest: "sha256:2"},
	} {
		if got, err := ParseImage(ref); err != nil || got != want {
			t.Errorf("%s: %+v, %v", ref, got, err)
		}
	}
	for _, ref := range []string{"", "a b", "https://h.example/a", "./foo", "../a", "/a", "a/./b", "-a", "a\x00b", "a\u202eb", "App", "a:\t1", "a@sha256:", "a@b", "a:", "a/", ":1"} {
		if got, err := ParseImage(ref); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%q: %+v", ref, got)
		}
	}
	img := Image{Repository: "docker.io/library/alpine", Tag: "3.20", Digest: "sha256:12", Arch: "arm64"}
	want := []string{"pkg:oci/alpine@sha256%3A12?arch=arm64&repository_url=docker.io%2Flibrary%2Falpine&tag=3.20", "pkg:docker/alpine@sha256%3A12?repository_url=docker.io", "pkg:docker/alpine@3.20?repository_url=docker.io",
		"pkg:oci/alpine@sha256%3A12?arch=arm64&repository_url=index.docker.io%2Flibrary%2Falpine&tag=3.20", "pkg:docker/alpine@sha256%3A12?repository_url=index.docker.io", "pkg:docker/alpine@3.20?repository_url=index.docker.io"}
	var names Names
	names.Add(img)
	for _, w := range append(want, "pkg:oci/alpine", "pkg:oci/alpine?tag=3.20", "pkg:docker/alpine@3.20", "pkg:docker/library/alpine@3.20", "pkg:docker/library/alpine") {
		if u, err := ParsePURL(w); err != nil || !names.Matches(u) {
			t.Errorf("it is not called %s (%v)", w, err)
		}
	}
	if len(names.Names()) != 5 {
		t.Errorf("%d names: %v", len(names.Names()), names.Names())
	}
	names = Names{}
	names.Add(Image{Repository: "ghcr.io/team/app", Tag: "1"})
	names.Add(Image{Repository: "h.example/app", Tag: "2"})
	for _, p := range []string{"pkg:docker/team/app@1", "pkg:docker/app@2", "pkg:docker/app", "pkg:docker/library/app?repository_url=h.example", "pkg:oci/app?tag=3", "pkg:oci/app?arch=amd64",
		"pkg:oci/app?repository_url=ghcr.io/team/app&tag=2", "pkg:oci/app@1", "pkg:oci/team/app", "pkg:oci/app#part", "pkg:npm/app"} {
		if u, err := ParsePURL(p); err != nil || names.Matches(u) {
			t.Errorf("it is called %s (%v)", p, err)
		}
	}
	if u, err := ParsePURL("pkg:oci/app"); err != nil || (&Names{}).Matches(u) {
		t.Error("no image is called so", err)
	}
}

func TestParseSBOM(t *testing.T) {
	const text = `{"bomFormat":"CycloneDX","serialNumber":"urn:uuid:3e67","version":2,"metadata":{"component":{"bom-ref":"app","purl":"pkg:oci/app@sha256%3A12","externalReferences":[{"type":"exploitability-statement","url":"https://h.example/a.json"}]}},
"components":[{"bom-ref":"lib","purl":"pkg:npm/b@2","components":[{"bom-ref":"in","purl":"pkg:npm/c@2"}]},7],"externalReferences":[{"type":"vcs","url":"https://h.example"},{"type":"exploitability-statement","url":"https://h.example/b.json"}]}`
	b, err := ParseSBOM([]byte(text))
	want := &SBOM{Serial: "urn:uuid:3e67", Version: "2", Root: "app", PURLs: map[string]string{"app": "pkg:oci/app@sha256%3A12", "lib": "pkg:npm/b@2", "in": "pkg:npm/c@2"},
		Documents: []string{"https://h.example/a.json", "https://h.example/b.json"}}
	if d := cmp.Diff(want, b); d != "" || err != nil {
		t.Fatal(err, d)
	}
	for id, purl := range map[string]string{"lib": "", "urn:cdx:3e67/2#lib": "pkg:npm/b@2", "urn:cdx:3e67/2#in": "pkg:npm/c@2", "urn:cdx:3e67/2#pkg%3Anpm%2Fx": "pkg:npm/x", "urn:cdx:3e67/1#pkg:npm/x": "", "pkg:npm/b@2": "", "urn:cdx:3e67/1#in": "", "urn:cdx:1/2#in": "", "other": "", "": ""} {
		if got, whole := b.Find(id); got != purl || whole {
			t.Errorf("%s: %q %t", id, got, whole)
		}
	}
	for _, id := range []string{"urn:cdx:3e67/2", "urn:cdx:3e67/2#app", "urn:uuid:3e67"} {
		if _, whole := b.Find(id); !whole {
			t.Errorf("%s is not all of it", id)
		}
	}
	for ref, want := range map[string]string{"lib": "pkg:npm/b@2", "other": "", "": ""} {
		if got, whole := b.Part(ref); got != want || whole {
			t.Errorf("part %s: %q %t", ref, got, whole)
		}
	}
	if _, whole := b.Part("app"); !whole {
		t.Error("app is not all of it")
	}
	for id, want := range map[string]bool{"urn:uuid:3e67/2": true, "urn:uuid:3e67": false, "urn:uuid:3e67/1": false, "urn:uuid:1/2": false, "": false} {
		if b.Is(&Document{Format: "cyclonedx", ID: id}) != want || b.Is(&Document{Format: "csaf", ID: id}) {
			t.Errorf("document %q", id)
		}
	}
	for _, bad := range []string{"", "{}", openvex, "{\"bomFormat\":\"CycloneDX\","} {
		if _, err := ParseSBOM([]byte(bad)); err == nil {
			t.Errorf("%.40q is one", bad)
		}
	}
}

func FuzzSBOM(f *testing.F) {
	f.Add([]byte(cyclonedx), "urn:cdx:3e67-41/2#lib")
	f.Fuzz(func(t *testing.T, b []byte, id string) {
		if bill, err := ParseSBOM(b); err == nil {
			bill.Find(id)
		}
	})
}

func FuzzReadOpenVEX(f *testing.F) {
	f.Add([]byte(openvex))
	f.Add([]byte(openvexOld))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ReadOpenVEX(b)
		if err != nil {
			return
		}
		before := len(d.statements)
		d.Add(time.Unix(0, 0), Statement{Vulnerability: "CVE-1", Status: assay.StatusFixed, Products: []Product{{PURL: "pkg:npm/a"}}})
		var out bytes.Buffer
		if err := d.Write(&out); err != nil {
			t.Fatal(err)
		}
		again, err := ReadOpenVEX(out.Bytes())
		if err != nil || len(again.statements) != before+1 {
			t.Errorf("%v: %s", err, out.Bytes())
		}
	})
}

func FuzzImage(f *testing.F) {
	f.Add("h.example:5000/a/b:1@sha256:2")
	f.Fuzz(func(t *testing.T, ref string) {
		img, err := ParseImage(ref)
		if err != nil {
			return
		}
		ParsePURL(img.PURL())
		var n Names
		n.Add(img)
		for _, name := range n.Names() {
			if u, err := ParsePURL(name); err != nil || u.url.Type == "oci" && !n.Matches(u) {
				t.Errorf("%q: not called %s (%v)", ref, name, err)
			}
		}
	})
}

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay/internal/test/corpus"
)

// TestConvertTrivy: a report of Trivy's converted to its own format is the same:
// every field of ours that it has, it has with the same value.
func TestConvertTrivy(t *testing.T) {
	for _, name := range []string{"npm", "npm-with-suppressed"} {
		golden := corpus.Path(t, "conformance/trivy/convert/"+name+".json.golden")
		b, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(leaves(t, b), leaves(t, runAssay(t, 0, "convert", golden, "-f", "trivy-json"))); d != "" {
			t.Errorf("%s (-golden +ours):\n%s", name, d)
		}
	}
}

// leaves lists the values of a report by their path, except for what identifies
// Trivy's own data, lines of files, and what is empty.
func leaves(t *testing.T, b []byte) (out []string) {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		for _, skip := range []string{".UID", ".Locations", ".AnalyzedBy", ".ImageConfig", ".Fingerprint", ".DataSource", ".VendorSeverity", ".Identifier.", ".FixedVersion"} {
			if strings.Contains(path+".", skip) {
				return
			}
		}
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				walk(path+"."+k, x)
			}
		case []any:
			for _, x := range v {
				walk(path+"[]", x)
			}
		default:
			s, _ := json.Marshal(v)
			out = append(out, path+" = "+string(s))
		}
	}
	walk("", v)
	slices.Sort(out)
	return out
}

// TestConvert: assay's own format comes back unchanged, and filters apply to it.
func TestConvert(t *testing.T) {
	golden := corpus.Path(t, "conformance/trivy/convert/npm.json.golden")
	own := filepath.Join(t.TempDir(), "own.json")
	runAssay(t, 0, "convert", golden, "-f", "json", "-o", own)
	if out := string(runAssay(t, 7, "convert", own, "--exit-code", "7")); !strings.Contains(out, "CVE-2019-11358") {
		t.Error(out)
	}
	if out := string(runAssay(t, 0, "convert", own, "--severity", "CRITICAL", "--exit-code", "7")); strings.Contains(out, "CVE-2019-11358") {
		t.Error(out)
	}
	for text, want := range map[string]string{"{}": "neither a report", "{": "malformed", `{"schema": 9}`: "schema 9", `{"schema": 1, "findings": [{"id": "a", "package": 3}]}`: "package 3", `{"SchemaVersion": 1}`: "schema version 1"} {
		if err := os.WriteFile(own, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		if code := run(t.Context(), []string{"convert", own}, streams{strings.NewReader(""), &out, &errs, nil}); code != 3 || !strings.Contains(errs.String(), want) || !strings.Contains(errs.String(), own) || out.Len() > 0 {
			t.Errorf("%s: exit code %d, %s", text, code, errs.String())
		}
	}
}

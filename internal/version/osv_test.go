package version_test

import (
	"archive/zip"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/internal/version"
)

// unjudged are the versions of OSV's records that are none of their ecosystem.
var unjudged = map[string]string{
	"nightly.2026-03-10.0": "a nightly build of Mastodon, which no number precedes",
}

// backwards are the records that fix before they introduce, by mistake.
var backwards = map[string]string{
	"BIT-gitlab-2024-6685":  "17.3.0 to 17.2.5",
	"BIT-kibana-2025-25014": "8.18.0 to 8.17.10",
	"BIT-redis-2025-21605":  "7.3.0 to 6.2.18",
	"BIT-sass-2022-43357":   "from a commit after 3.6.5 to 3.6.5",
	"BIT-sass-2022-43358":   "from a commit after 3.6.5 to 3.6.5",
}

type osvRecord struct {
	ID       string
	Affected []struct {
		Package  struct{ Ecosystem string }
		Versions []string
		Ranges   []struct {
			Type   string
			Events []map[string]string
		}
	}
}

// TestOSV holds that every version of OSV's records can be judged, and that none
// is fixed before the version that the publisher lists as its introduction.
// "0" is before all versions, which no scheme knows.
func TestOSV(t *testing.T) {
	for _, name := range []string{
		"Bitnami", "CRAN", "GHC", "GitHub Actions", "Go", "Hackage", "Hex", "Julia", "Linux", "Maven", "NuGet", "Packagist", "Pub",
		"PyPI", "RubyGems", "SwiftURL", "VSCode", "bitnami", "crates.io", "kubernetes", "npm", "opam",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, ok := ecosystem.OfOSV(name)
			if !ok {
				t.Fatal("unknown ecosystem")
			}
			s, ok := version.ByName(e.Scheme)
			if !ok {
				t.Fatalf("no scheme %q", e.Scheme)
			}
			c := osvCheck{t: t, name: name, scheme: s, keys: map[string]version.Key{}}
			for r := range osvRecords(t, name) {
				c.record(r)
			}
			if len(c.keys) == 0 {
				t.Error("no versions")
			}
		})
	}
}

type osvCheck struct {
	t      *testing.T
	name   string
	scheme version.Scheme
	keys   map[string]version.Key
}

func (c *osvCheck) record(r osvRecord) {
	for _, a := range r.Affected {
		if name, _, _ := strings.Cut(a.Package.Ecosystem, ":"); name != c.name {
			continue
		}
		for _, v := range a.Versions {
			c.key(r.ID, v)
		}
		for _, rg := range a.Ranges {
			if rg.Type == "GIT" {
				continue
			}
			introduced := version.Key("")
			for _, e := range rg.Events {
				v, fix := e["introduced"], e["fixed"]+e["last_affected"]
				k, ok := c.key(r.ID, v+fix)
				switch {
				case !ok || v == "0":
					introduced = ""
				case v != "":
					introduced = k
				case introduced != "" && c.scheme.Compare(introduced, k) > 0 && backwards[r.ID] == "":
					c.t.Errorf("%s: %s is before its introduction", r.ID, fix)
					fallthrough
				default:
					introduced = ""
				}
			}
		}
	}
}

func (c *osvCheck) key(id, v string) (version.Key, bool) {
	if k, ok := c.keys[v]; ok || v == "" || unjudged[v] != "" {
		return k, ok
	}
	k, err := c.scheme.Key(v)
	if err != nil {
		c.t.Errorf("%s: %v", id, err)
		return "", false
	}
	c.keys[v] = k
	return k, true
}

func osvRecords(t *testing.T, name string) func(yield func(osvRecord) bool) {
	return func(yield func(osvRecord) bool) {
		z, err := zip.OpenReader(corpus.Path(t, "feeds/osv-vulnerabilities.storage.googleapis.com/"+name+"/all.zip"))
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for _, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			r.Close()
			var record osvRecord
			if err == nil {
				err = json.Unmarshal(b, &record)
			}
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			if !yield(record) {
				return
			}
		}
	}
}

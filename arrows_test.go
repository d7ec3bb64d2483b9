package assay_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/assaysec/assay"

// The house: what kind of package each folder is. A folder below one of lists
// is a part of it; everything else below internal must be named here.
var (
	lists   = []string{"internal/source", "internal/reader", "internal/feed", "internal/importer", "internal/report"}
	engines = []string{"internal/inventory", "internal/match", "internal/plan", "internal/triage", "internal/db", "internal/publish", "internal/fetch", "internal/cache", "internal/attestation", "internal/vexhub"}
	leaves  = []string{"internal/boltfile", "internal/bom", "internal/bundle", "internal/compression", "internal/csaf", "internal/cve", "internal/cverecord", "internal/cvss", "internal/dbfile", "internal/distribution", "internal/distro", "internal/ecosystem", "internal/executable", "internal/ext4", "internal/filesystem", "internal/ignore", "internal/jsonstream", "internal/lifecycle", "internal/limit", "internal/listing", "internal/markdown", "internal/oci", "internal/osv", "internal/oval", "internal/partition",
		"internal/printable", "internal/prose", "internal/purl", "internal/rego", "internal/relation", "internal/requirement", "internal/rpmdb", "internal/secdb", "internal/signature", "internal/sqlitefile", "internal/stanza", "internal/tardoc", "internal/tarstream", "internal/tomldoc", "internal/updateinfo", "internal/version", "internal/vex", "internal/virtualdisk", "internal/xfs", "internal/xmlstream", "internal/yamldoc", "internal/ziparchive", "internal/zipdoc"}
	testOnly = []string{"internal/contract", "internal/corpus", "internal/testdisk", "internal/testimage"}
)

// thirdParty says which modules may be imported where; docs/dependencies.md
// says why each is there.
var thirdParty = map[string][]string{
	"github.com/containerd/containerd/api":   {"internal/source/containerd"},
	"google.golang.org/grpc":                 {"internal/source/containerd"},
	"github.com/moby/moby/client":            {"internal/source/docker"},
	"github.com/containerd/errdefs":          {"internal/source/docker"},
	"github.com/google/go-containerregistry": {"bench/database", "internal/distribution", "internal/publish", "internal/source/registry"},
	"github.com/klauspost/compress":          {"internal/compression", "internal/cache", "internal/db", "internal/publish", "internal/virtualdisk"},
	"github.com/klauspost/readahead":         {"internal/oci"},
	"github.com/ulikunitz/xz":                {"internal/compression"},
	"go.etcd.io/bbolt":                       {"bench/database", "internal/contract", "internal/db"},
	"modernc.org/sqlite":                     {"bench/database", "internal/contract"},
	"google.golang.org/protobuf":             {"internal/db", "internal/inventory"},
	"github.com/CycloneDX/cyclonedx-go":      {"internal/reader/sbom", "internal/report/cyclonedx"},
	"github.com/spdx/tools-golang":           {"internal/report/spdx"},
	"github.com/github/go-spdx/v2":           {"internal/bom"},
	"github.com/gofrs/flock":                 {"internal/db", "internal/fetch"},
	"github.com/bmatcuk/doublestar/v4":       {"internal/ignore", "internal/inventory"},
	"golang.org/x/sync":                      {"internal/db", "internal/feed/debianchangelogs", "internal/inventory", "bench", "cmd/assay"},
	"github.com/package-url/packageurl-go":   {"internal/purl", "internal/vex"},
	"github.com/jedib0t/go-pretty/v6":        {"internal/report/table"},
	"github.com/spf13/cobra":                 {"cmd/assay"},
	"github.com/spf13/pflag":                 {"cmd/assay"},
	"github.com/vbauerster/mpb/v8":           {"cmd/assay"},
	"github.com/pelletier/go-toml/v2":        {"internal/tomldoc"},
	"go.yaml.in/yaml/v4":                     {"cmd/assay", "internal/contract", "internal/ignore", "internal/osv", "internal/reader/actions", "internal/reader/cocoapods", "internal/reader/haskell", "internal/vexhub", "internal/yamldoc"},
	"github.com/open-policy-agent/opa":       {"internal/rego"},
	"golang.org/x/term":                      {"cmd/assay"},
	"golang.org/x/tools/txtar":               {"internal/testimage"},
	"github.com/google/go-cmp":               {"internal/contract"},
}

// kind is the place of a package in the house.
func kind(pkg string) string {
	switch {
	case pkg == "":
		return "root"
	case pkg == "scan":
		return "scan"
	case strings.HasPrefix(pkg, "cmd/"), strings.HasPrefix(pkg, "bench"):
		return "cmd"
	case slices.Contains(lists, pkg):
		return "list"
	case slices.Contains(engines, pkg):
		return "engine"
	case slices.Contains(leaves, pkg):
		return "leaf"
	case slices.Contains(testOnly, pkg):
		return "test"
	}
	for _, l := range lists {
		if strings.HasPrefix(pkg, l+"/") {
			return "part"
		}
	}
	return ""
}

// may lists what a kind of package imports; a list's own parts, and a leaf's
// leaves, are checked apart.
var may = map[string][]string{
	"root":   {},
	"leaf":   {"root", "leaf"},
	"part":   {"root", "leaf"},
	"engine": {"root", "leaf"},
	"list":   {"root", "leaf", "part"},
	"test":   {"root", "leaf", "test"},
	"scan":   {"root", "leaf", "engine", "list"},
	"cmd":    {"root", "leaf", "engine", "list", "scan"},
}

// TestImportsGoOneWay holds the arrows of ARCHITECTURE.md.
func TestImportsGoOneWay(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "examples") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		pkg := strings.Trim(filepath.ToSlash(filepath.Dir(file)), ".")
		seen[pkg] = true
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range f.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if why := breach(pkg, imported); why != "" {
				t.Errorf("%s imports %s: %s", file, imported, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range slices.Concat(lists, engines, leaves, testOnly) {
		if !seen[pkg] {
			t.Errorf("%s is named in this test and is not there", pkg)
		}
	}
	for m, where := range thirdParty {
		for _, pkg := range where {
			if !seen[pkg] {
				t.Errorf("%s may import %s and is not there", pkg, m)
			}
		}
	}
}

// breach says what is wrong with an import; "" when nothing is.
func breach(pkg, imported string) string {
	from := kind(pkg)
	if from == "" {
		return "the importing package has no place in the house: name it in this test"
	}
	ours, ok := strings.CutPrefix(imported, module)
	if !ok {
		if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
			return "" // standard library
		}
		for m, where := range thirdParty {
			if imported == m || strings.HasPrefix(imported, m+"/") {
				if slices.Contains(where, pkg) {
					return ""
				}
				return "this module is for " + strings.Join(where, ", ")
			}
		}
		return "not a module that docs/dependencies.md and this test know"
	}
	to := strings.TrimPrefix(ours, "/")
	switch k := kind(to); {
	case k == "":
		return "the imported package has no place in the house"
	case !slices.Contains(may[from], k):
		return "a " + from + " must not import a " + k
	case k == "part" && path.Dir(to) != pkg:
		return "a list imports its own parts only"
	}
	return ""
}

package assay_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/assaysec/assay"

// The layout: which kind of package lies in each directory of internal. A
// directory counts for all below it; the longest name decides.
//
//   - list: the list of one kind of part. Each directory below it is a part, and
//     what lies in its directory internal is a leaf for these parts alone.
//   - engine: does the work of a scan, on values that it is given.
//   - leaf: knows one format, standard or rule, and no other part.
//   - test: for tests only.
var layout = map[string]string{
	"internal/source":   "list",
	"internal/reader":   "list",
	"internal/feed":     "list",
	"internal/importer": "list",
	"internal/report":   "list",
	"internal/section":  "list",

	"internal/cache":                "engine",
	"internal/database":             "engine",
	"internal/inventory":            "engine",
	"internal/match":                "engine",
	"internal/plan":                 "engine",
	"internal/suppress/attestation": "engine",
	"internal/suppress/vexhub":      "engine",
	"internal/triage":               "engine",

	"internal/disk":               "leaf",
	"internal/distro":             "leaf",
	"internal/ecosystem":          "leaf",
	"internal/encoding":           "leaf",
	"internal/identifier":         "leaf",
	"internal/inventory/internal": "leaf",
	"internal/oci":                "leaf",
	"internal/record":             "leaf",
	"internal/suppress/ignore":    "leaf",
	"internal/suppress/policy":    "leaf",
	"internal/suppress/vex":       "leaf",
	"internal/version":            "leaf",

	"internal/test": "test",
}

// maxRooms bounds the directories at the first level of internal: a table of
// contents is read at one glance.
const maxRooms = 25

// thirdParty says which modules may be imported where; docs/dependencies.md
// says why each is there.
var thirdParty = map[string][]string{
	"github.com/containerd/containerd/api":   {"internal/source/containerd"},
	"google.golang.org/grpc":                 {"internal/source/containerd"},
	"github.com/moby/moby/client":            {"internal/source/docker"},
	"github.com/containerd/errdefs":          {"internal/source/docker"},
	"github.com/google/go-containerregistry": {"bench/database", "internal/oci/registryclient", "internal/database/publish", "internal/source/registry"},
	"github.com/klauspost/compress":          {"internal/encoding/compression", "internal/cache", "internal/database/db", "internal/database/publish", "internal/disk/virtualdisk"},
	"github.com/klauspost/readahead":         {"internal/oci"},
	"github.com/ulikunitz/xz":                {"internal/encoding/compression"},
	"go.etcd.io/bbolt":                       {"bench/database", "internal/test/contract", "internal/database/db"},
	"modernc.org/sqlite":                     {"bench/database", "internal/test/testsqlite"},
	"google.golang.org/protobuf":             {"internal/database/db"},
	"github.com/CycloneDX/cyclonedx-go":      {"internal/reader/sbom", "internal/report/cyclonedx"},
	"github.com/spdx/tools-golang":           {"internal/report/spdx"},
	"github.com/github/go-spdx/v2":           {"internal/record/bom"},
	"github.com/gofrs/flock":                 {"internal/database/db", "internal/database/fetch"},
	"github.com/bmatcuk/doublestar/v4":       {"internal/suppress/ignore", "internal/inventory"},
	"golang.org/x/sync":                      {"internal/database/db", "internal/feed/debianchangelogs", "internal/inventory", "bench", "scan"},
	"github.com/package-url/packageurl-go":   {"internal/identifier/purl", "internal/suppress/vex"},
	"github.com/jedib0t/go-pretty/v6":        {"internal/report/table"},
	"github.com/spf13/cobra":                 {"cmd/assay"},
	"github.com/spf13/pflag":                 {"cmd/assay"},
	"github.com/vbauerster/mpb/v8":           {"cmd/assay"},
	"github.com/pelletier/go-toml/v2":        {"internal/encoding/tomldoc"},
	"go.yaml.in/yaml/v4":                     {"cmd/assay", "internal/test/contract", "internal/suppress/ignore", "internal/record/osv", "internal/reader/actions", "internal/reader/cocoapods", "internal/reader/haskell", "internal/suppress/vexhub", "internal/encoding/yamldoc"},
	"github.com/open-policy-agent/opa":       {"internal/suppress/policy"},
	"golang.org/x/term":                      {"cmd/assay"},
	"golang.org/x/tools/txtar":               {"internal/test/testimage"},
	"github.com/google/go-cmp":               {"internal/test/contract"},
}

// kind is the kind of a package by the layout; "" when it has no place there.
func kind(pkg string) string {
	switch {
	case pkg == "":
		return "root"
	case pkg == "scan":
		return "scan"
	case strings.HasPrefix(pkg, "cmd/"), strings.HasPrefix(pkg, "bench"):
		return "cmd"
	}
	for dir := pkg; dir != "."; dir = path.Dir(dir) {
		switch k := layout[dir]; {
		case k == "list" && dir == pkg:
			return "list"
		case k == "list" && strings.HasPrefix(pkg, dir+"/internal/"):
			return "leaf"
		case k == "list":
			return "part"
		case k != "":
			return k
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

// isModule reports whether a directory is a module of its own.
func isModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// TestImportsGoOneWay holds the arrows of ARCHITECTURE.md.
func TestImportsGoOneWay(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isModule(file)) {
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
	for dir := range layout {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(seen)), func(pkg string) bool { return pkg == dir || strings.HasPrefix(pkg, dir+"/") }) {
			t.Errorf("the layout names %s, which is not there", dir)
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

// TestRooms holds the number of directories at the first level of internal.
func TestRooms(t *testing.T) {
	rooms, err := os.ReadDir("internal")
	if err != nil {
		t.Fatal(err)
	}
	if len(rooms) > maxRooms {
		t.Errorf("internal has %d directories, more than %d: nest what belongs together", len(rooms), maxRooms)
	}
}

// breach says what is wrong with an import; "" when nothing is.
func breach(pkg, imported string) string {
	from := kind(pkg)
	if from == "" {
		return "the importing package is not in the layout of this test"
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
		return "the imported package is not in the layout of this test"
	case !slices.Contains(may[from], k):
		return "a " + from + " must not import a " + k
	case k == "part" && path.Dir(to) != pkg:
		return "a list imports its own parts only"
	}
	return ""
}

package java

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/assaysec/assay"
)

// maxRelease: the file names all modules in 2 kB; what is longer is not it.
const maxRelease = 256 << 10

// Machine reads the file "release" by which Java machines tell what they are.
// No registry has them, so they bear the names by which NVD knows them. A file
// of that name that tells no version of Java is something else.
//
// Format: https://openjdk.org/jeps/223 for versions; the file itself is not
// specified.
type Machine struct{}

func (Machine) Name() string { return "java-machine" }

func (Machine) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/release", Scope: assay.ScopeInstalled, MaxSize: assay.DefaultMaxSize}}
}

func (Machine) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, min(f.Size, maxRelease)))
	if err != nil {
		return assay.Facts{}, err
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			fields[key] = strings.Trim(value, `"`)
		}
	}
	if fields["JAVA_VERSION"] == "" {
		return assay.Facts{}, nil
	}
	version := first(fields["JAVA_RUNTIME_VERSION"], fields["FULL_VERSION"], fields["SEMANTIC_VERSION"], fields["JAVA_VERSION"])
	if !isVersion(version) {
		return assay.Facts{}, fmt.Errorf("invalid version of Java %.40q: %w", version, assay.ErrMalformed)
	}
	m := maker(fields, f.Path)
	pkg := assay.Package{Type: assay.TypeGeneric, Name: m.name, Version: version, Vendor: fields["IMPLEMENTOR"]}
	for _, product := range m.products {
		pkg.CPEs = append(pkg.CPEs, cpe(product, first(m.version, fields["JAVA_VERSION"])))
	}
	return assay.Facts{Packages: []assay.Package{pkg}}, nil
}

// made is which machine a release is of.
type made struct {
	name     string
	products []string // NVD's "vendor:product"
	version  string   // NVD's, when not Java's
}

func maker(fields map[string]string, file string) made {
	who := strings.ToLower(fields["IMPLEMENTOR"] + " " + fields["IMPLEMENTOR_VERSION"])
	where := strings.ToLower(path.Dir(file))
	kit := "jre"
	if strings.EqualFold(fields["IMAGE_TYPE"], "JDK") || strings.Contains(path.Base(where), "jdk") || strings.Contains(fields["MODULES"], "jdk.compiler") {
		kit = "jdk"
	}
	switch {
	case fields["GRAALVM_VERSION"] != "" || strings.Contains(who, "graalvm"):
		if strings.Contains(who, "oracle") || fields["BUILD_TYPE"] == "commercial" {
			return made{"graalvm", []string{"oracle:graalvm_for_jdk", "oracle:graalvm"}, fields["GRAALVM_VERSION"]}
		}
		return made{"graalvm-community", []string{"oracle:graalvm"}, fields["GRAALVM_VERSION"]}
	case strings.Contains(who, "azul") || strings.Contains(where, "zulu"):
		return made{name: "zulu", products: []string{"azul:zulu", "oracle:openjdk"}}
	case strings.Contains(who, "ibm") || strings.Contains(who, "international business machines"):
		return made{name: "ibm-java", products: []string{"ibm:java"}}
	case strings.HasPrefix(who, "oracle") || fields["BUILD_TYPE"] == "commercial" || strings.Contains(where, "oracle"):
		return made{name: "oracle-" + kit, products: []string{"oracle:" + kit, "oracle:java_se"}}
	}
	return made{name: "openjdk", products: []string{"oracle:openjdk"}}
}

// cpe is a name of NVD. Updates of Java 8 and before have a place of their own:
// "1.8.0_411" is 1.8.0 update 411.
func cpe(product, version string) string {
	version, update, ok := strings.Cut(version, "_")
	if update, _, _ = strings.Cut(update, "-"); ok && update != "" {
		update = "update" + update
	} else {
		update = "*"
	}
	version, _, _ = strings.Cut(version, "+")
	version, _, _ = strings.Cut(version, "-")
	return "cpe:2.3:a:" + product + ":" + version + ":" + update + ":*:*:*:*:*:*"
}

package dotnet

import (
	"context"
	"path"
	"strings"

	"github.com/assaysec/assay"
)

// maxImage: assemblies are read in a few places, not held; what comes with a
// whole application in it is larger than anything else.
const maxImage = 4 << 30

// Assembly reads the version resource of .NET assemblies. It is the last
// resort: where a .deps.json lies beside the file that knows better, and who
// has both should believe that. Left out are native libraries, of which nobody
// keeps a registry; translations; what the framework itself consists of, which
// its own .deps.json tells; and what bears the signs of an application of the
// image's maker, whose name is no package.
type Assembly struct{}

func (Assembly) Name() string { return "dotnet-assembly" }

func (Assembly) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, ending := range []string{"dll", "exe", "bpl", "DLL", "EXE", "BPL", "Dll", "Exe"} {
		ps = append(ps, assay.Pattern{Glob: "**/*." + ending, Scope: assay.ScopeInstalled, Executable: true, UnlessSibling: "*.deps.json", MaxSize: maxImage})
	}
	return ps
}

func (Assembly) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if ofFramework(f.Path) {
		return assay.Facts{}, nil
	}
	m, err := openImage(f)
	if err != nil || m == nil || !m.managed() {
		return assay.Facts{}, err
	}
	v, err := m.version()
	if err != nil || len(v) == 0 {
		return assay.Facts{}, err
	}
	name := assemblyName(v, f.Path)
	version := normal(v["ProductVersion"])
	if version == "" {
		version = normal(v["FileVersion"])
	}
	company, product := strings.TrimSpace(v["CompanyName"]), strings.TrimSpace(v["ProductName"])
	unsaid := func(s string) bool { return s == "" || strings.EqualFold(s, name) } // as the tools fill it in
	switch {
	case name == "", version == "",
		strings.HasSuffix(strings.ToLower(name), ".resources"),
		strings.HasPrefix(product, "Microsoft® .NET"), strings.HasPrefix(product, "Microsoft (R) .NET"), strings.HasPrefix(product, "Mono Common Language"),
		unsaid(company) && unsaid(product):
		return assay.Facts{}, nil
	}
	return assay.Facts{Packages: []assay.Package{{Type: assay.TypeNuGet, Name: name, Version: version, Vendor: company}}}, nil
}

// ofFramework reports whether a path is inside an installation of .NET.
func ofFramework(file string) bool {
	dir := "/" + strings.ToLower(path.Dir(file)) + "/"
	for _, part := range []string{"/shared/microsoft.", "/dotnet/sdk/", "/dotnet/packs/", "/dotnet/host/", "/dotnet/sdk-manifests/", "/reference assemblies/", "/lib/mono/", "/microsoft.net/framework"} {
		if strings.Contains(dir, part) {
			return true
		}
	}
	return false
}

// assemblyName is the name that the compiler wrote, which a renamed file keeps.
func assemblyName(v map[string]string, file string) string {
	for _, name := range []string{v["OriginalFilename"], v["InternalName"], path.Base(file)} {
		name = strings.TrimSpace(name)
		for _, ending := range []string{".dll", ".exe"} {
			if n := len(name) - len(ending); n > 0 && strings.EqualFold(name[n:], ending) {
				return name[:n]
			}
		}
	}
	return ""
}

// normal is a version as NuGet writes it: without what was built from, and
// without a fourth number that is zero; "" when it is none.
func normal(v string) string {
	v, _, _ = strings.Cut(strings.TrimSpace(v), " ")
	v, _, _ = strings.Cut(v, "+")
	if strings.Count(v, ".") == 3 {
		v = strings.TrimSuffix(v, ".0")
	}
	if v == "" || v[0] < '0' || v[0] > '9' || len(v) > 64 || v == "0.0.0" || strings.ContainsAny(v, ",;@/\\") {
		return ""
	}
	return v
}

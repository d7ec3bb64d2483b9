// Package golang reads the modules of Go programs: the module information that the
// linker stores in executables, and go.mod.
package golang

import (
	"cmp"
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/executable"
)

// maxBinary: no Go program is larger, for its parts are two GiB apart at most;
// the largest known have 400 MB.
const maxBinary = 2 << 30

// Binary reads the module information of Go programs: the main module, those
// it was built with, and the standard library ("stdlib"), all with the names
// of the functions that are linked. https://pkg.go.dev/debug/buildinfo
//
// Programs of toolchains before Go 1.13, and such as UPX has packed, are
// unsupported and make an error. What stands in for a module with a directory of
// the builder's own keeps its name and version.
type Binary struct{}

func (Binary) Name() string { return "go-binary" }

func (Binary) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/*", Scope: assay.ScopeInstalled, Executable: true, MaxSize: maxBinary}}
}

func (Binary) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	x, ok := executable.Open(f, f.Size)
	if !ok {
		return assay.Facts{}, nil
	}
	if err := packed(x, f.Size); err != nil {
		return assay.Facts{}, err
	}
	if ok, err := isGo(x, f.Size); !ok {
		return assay.Facts{}, err
	}
	info, err := readInfo(x, f)
	if err != nil {
		return assay.Facts{}, fmt.Errorf("build information: %w: %w", err, assay.ErrMalformed)
	}
	if info.GoVersion == "" {
		return assay.Facts{}, fmt.Errorf("build information without a Go version: %w", assay.ErrMalformed)
	}
	modules := modulesOf(info)
	if table, err := functionNames(x, f.Size); err == nil {
		assign(modules, info.Path, table)
	}
	facts := assay.Facts{}
	for _, m := range modules {
		if m.report {
			facts.Packages = append(facts.Packages, m.Package)
		}
	}
	return facts, nil
}

// readInfo reads the build information; of an ELF file whose sections do not lead to it, by
// its segments.
func readInfo(x *executable.File, f io.ReaderAt) (*debug.BuildInfo, error) {
	info, err := buildinfo.Read(f)
	if err != nil && x.Format == executable.ELF {
		if other, bad := buildinfo.Read(x.WithoutSections()); bad == nil {
			return other, nil
		}
	}
	return info, err
}

// magic begins the build information.
const magic = "\xff Go buildinf:"

// isGo looks for what Go's linker leaves behind: the sections name it, unless they are
// missing, damaged or renamed.
func isGo(x *executable.File, size int64) (bool, error) {
	if _, ok := x.Section(".go.buildinfo", "__go_buildinfo"); ok {
		return true, nil
	}
	switch {
	case x.Format == executable.PE: // it is in no section of its own
		for _, s := range x.Sections {
			if s.Name == ".data" {
				return x.Find(magic, s.Offset, s.Offset+s.Size) >= 0, nil
			}
		}
		return false, nil
	case len(x.Sections) == 0 || x.Partial:
		return x.Find(magic, 0, size) >= 0, nil
	}
	const head = 64 << 10 // the linker puts it first into the data
	for _, s := range x.Segments {
		if s.Kind == executable.SegmentLoad && s.Flags&executable.Writable != 0 && x.Find(magic, s.Offset, s.Offset+min(s.Size, head)) >= 0 {
			return true, nil // the sections have other names
		}
	}
	if _, ok := x.Section(".gopclntab", "__gopclntab"); ok {
		return false, fmt.Errorf("no build information in a Go program, as built before Go 1.13: %w", assay.ErrUnsupported)
	}
	return false, nil
}

// packed tells of an executable that UPX packed: what it is made of cannot be
// seen. https://github.com/upx/upx/blob/devel/src/stub/src/include/linux.h
func packed(x *executable.File, size int64) error {
	const head = 1 << 10 // the marker follows the headers
	_, sections := x.Section("UPX0", "UPX1")
	if sections || len(x.Sections) == 0 && x.Find("UPX!", 0, min(size, head)) >= 0 {
		return fmt.Errorf("packed by UPX, so its modules cannot be read: %w", assay.ErrUnsupported)
	}
	return nil
}

// A module is a package to be, with the import path by which the program's
// functions know it.
type module struct {
	assay.Package
	path   string
	report bool
}

// modulesOf lists the modules of a program; the last is the standard library.
func modulesOf(info *debug.BuildInfo) []*module {
	var arch, system, flags string
	for _, s := range info.Settings {
		switch s.Key {
		case "GOARCH":
			arch = s.Value
		case "GOOS":
			system = s.Value
		case "-ldflags":
			flags = s.Value
		}
	}
	var modules []*module
	seen := map[string]bool{}
	add := func(path, name, version string, r assay.Relation) {
		if seen["path "+path] {
			return
		}
		m := &module{assay.Package{Type: assay.TypeGo, Name: name, Version: version, Arch: arch, OS: system, Relation: r}, path, false}
		m.report = !seen[m.Ref()] && (version != "" || r != "")
		seen[m.Ref()], seen["path "+path] = true, true
		modules = append(modules, m)
	}
	if info.Main.Path != "" {
		add(info.Main.Path, info.Main.Path, mainVersion(&info.Main, flags), assay.RelationRoot)
	}
	for _, d := range info.Deps {
		if d == nil || d.Path == "" {
			continue
		}
		name, version, relation := d.Path, released(d.Version), assay.Relation("")
		switch r := d.Replace; {
		case r == nil:
		case local(r.Path) || released(r.Version) == "":
			version, relation = "", assay.RelationWorkspace
		default:
			name, version = r.Path, r.Version
		}
		add(d.Path, name, version, relation)
	}
	version := toolchain(info.GoVersion)
	if info.Path == "cmd/go" { // a part of the toolchain, which has advisories of its own
		add("cmd", "toolchain", version, assay.RelationRoot)
	}
	add("", "stdlib", version, "")
	return modules
}

// released is the version of a module; "" for one that is built where it is
// written.
func released(v string) string {
	if v == "(devel)" {
		return ""
	}
	return v
}

// local reports whether a replacement is a directory.
// https://go.dev/ref/mod#go-mod-file-replace
func local(path string) bool {
	return strings.HasPrefix(path, ".") || strings.HasPrefix(path, "/") || strings.HasPrefix(path, `\`) || len(path) > 1 && path[1] == ':'
}

// toolchain is the version of the standard library of a toolchain: "1.22.3" of
// "go1.22.3 X:boringcrypto"; what is between releases keeps its words, "devel
// go1.25-d524e1e".
func toolchain(v string) string {
	rest, ok := strings.CutPrefix(v, "go")
	if !ok {
		return v
	}
	rest, _, _ = strings.Cut(rest, " ")
	return rest
}

var (
	// unreleased is a pseudo-version before any release: it orders below all
	// of them whatever it holds.
	unreleased = regexp.MustCompile(`^v0\.0\.0-(0\.)?\d{14}-[0-9a-f]{12}(\+dirty)?$`)
	// semantic is a version that somebody may give on the command line.
	semantic = regexp.MustCompile(`^v?\d+\.\d+\.\d+([-+][0-9A-Za-z.+-]+)?$`)
	// variable sets a variable: -X importpath.name=value.
	variable = regexp.MustCompile(`(?:^|[\s'"])-{1,2}X[\s=]+["']?([^\s'"=]+)\.(\w+)=([^\s'"]*)`)
	// versionName is what variables that hold the program's version are called.
	versionName = regexp.MustCompile(`(?i)^(app|build|git|release|program|binary|product|full|semantic)?_?(version|ver|semver|tag)(str|string|num|number)?$`)
)

// mainVersion is the version of the main module: what the toolchain says, else
// what the linker was told to put into a variable named after it. "" when
// neither is known, or it is but a commit's.
func mainVersion(m *debug.Module, flags string) string {
	v := released(m.Version)
	if v != "" && !unreleased.MatchString(v) {
		return v
	}
	type candidate struct {
		rank    int
		version string
	}
	var found []candidate
	for _, s := range variable.FindAllStringSubmatch(flags, -1) {
		if !versionName.MatchString(s[2]) || !semantic.MatchString(s[3]) {
			continue
		}
		rank := 2 // a library's, which many programs set to their own version
		if s[1] == "main" {
			rank = 0
		} else if s[1] == m.Path || strings.HasPrefix(s[1], m.Path+"/") {
			rank = 1
		}
		found = append(found, candidate{rank, "v" + strings.TrimPrefix(s[3], "v")})
	}
	if len(found) == 0 {
		return ""
	}
	return slices.MinFunc(found, func(a, b candidate) int { return cmp.Compare(a.rank, b.rank) }).version
}

// errNoTable: the functions' names are not to be had, so it is not known which
// are linked.
var errNoTable = errors.New("no table of functions")

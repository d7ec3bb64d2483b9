package dotnet

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

const (
	maxXML    = 8 << 20 // a project; the largest known have 1 MB
	maxLevels = 16      // directories above a project in which MSBuild looks for central versions
	maxExpand = 30      // properties in one value, those in their values included
	maxValue  = 4 << 10 // a value when expanded
)

// Config reads packages.config, in which projects listed what they use before
// projects did so themselves: all packages, with nothing on who asked.
//
// Format: https://learn.microsoft.com/nuget/reference/packages-config
type Config struct{}

func (Config) Name() string { return "nuget-config" }

func (Config) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/packages.config", Scope: both, MaxSize: maxXML}, {Glob: "**/Packages.config", Scope: both, MaxSize: maxXML}}
}

func (Config) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxXML)
	if err != nil {
		return assay.Facts{}, err
	}
	var doc struct {
		XMLName  xml.Name
		Packages []struct {
			ID      string `xml:"id,attr"`
			Version string `xml:"version,attr"`
			Dev     string `xml:"developmentDependency,attr"`
		} `xml:"package"`
	}
	if err := decode(b, &doc); err != nil {
		return assay.Facts{}, err
	}
	if doc.XMLName.Local != "packages" {
		return assay.Facts{}, fmt.Errorf("<%s> where <packages> should be: %w", doc.XMLName.Local, assay.ErrMalformed)
	}
	d := newDeclared()
	for _, p := range doc.Packages {
		d.add(reference{name: p.ID, version: p.Version, dev: strings.EqualFold(p.Dev, "true")}, "")
	}
	return d.Facts()
}

// Props reads the files in which projects share versions
// (Directory.Packages.props and others of that ending). Properties that the
// file does not set itself are not known.
//
// Format: https://learn.microsoft.com/nuget/consume-packages/central-package-management
type Props struct{}

func (Props) Name() string { return "nuget-props" }

func (Props) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, ending := range []string{"Packages.props", "packages.props", "Packages.Props", "packages.Props", "PACKAGES.PROPS"} {
		ps = append(ps, assay.Pattern{Glob: "**/*" + ending, Scope: both, MaxSize: maxXML})
	}
	return ps
}

func (Props) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxXML)
	if err != nil {
		return assay.Facts{}, err
	}
	m, err := parseProject(b)
	if err != nil {
		return assay.Facts{}, err
	}
	d := newDeclared()
	for _, r := range slices.Concat(m.versions, m.references) {
		d.add(m.expandIn(r), "")
	}
	return d.Facts()
}

// locks are what NuGet writes beside a project with all that it needs in turn: the lock
// file, or what it restored.
var locks = []string{"packages.lock.json", "obj/project.assets.json"}

// Project reads projects of MSBuild that name what they need themselves. Where
// a lock file lies beside one it is that which tells. A version is the least
// that will do, which is the one that NuGet takes.
//
// Format: https://learn.microsoft.com/nuget/consume-packages/package-references-in-project-files
type Project struct{}

func (Project) Name() string { return "msbuild-project" }

func (Project) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, ending := range []string{"csproj", "fsproj", "vbproj"} {
		ps = append(ps, assay.Pattern{Glob: "**/*." + ending, Scope: assay.ScopeDeclared, MaxSize: maxXML})
	}
	return ps
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxXML)
	if err != nil {
		return assay.Facts{}, err
	}
	m, err := parseProject(b)
	if err != nil || len(m.references) == 0 {
		return assay.Facts{}, err
	}
	if (manifest.Kind{Locks: locks}).Locked(f) {
		return assay.Facts{}, nil
	}
	central := centralVersions(f)
	name := strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))
	for _, key := range []string{"PackageId", "AssemblyName"} {
		if v := m.expand(m.properties[strings.ToLower(key)]); v != "" && !strings.Contains(v, "$(") {
			name = v
			break
		}
	}
	root := assay.Package{Type: assay.TypeNuGet, Name: name, Relation: assay.RelationRoot}
	if v := m.expand(m.properties["version"]); !strings.Contains(v, "$(") {
		root.Version = v
	}
	d := newDeclared()
	for _, r := range m.references {
		r = m.expandIn(r)
		if r.version == "" {
			r.version = central[strings.ToLower(r.name)]
		}
		d.add(r, assay.RelationDirect)
	}
	facts, err := d.Facts()
	err = manifest.Kind{}.Unlocked(f, len(facts.Packages), err)
	for _, p := range facts.Packages {
		root.DependsOn = append(root.DependsOn, p.Ref())
	}
	facts.Packages = append([]assay.Package{root}, facts.Packages...)
	return facts, err
}

// centralVersions are those of the nearest Directory.Packages.props.
func centralVersions(f *assay.File) map[string]string {
	name := "Directory.Packages.props"
	for range maxLevels {
		b, err := f.Sibling(name, maxXML)
		if errors.Is(err, assay.ErrNotFound) {
			name = "../" + name
			continue
		}
		if err != nil {
			return nil
		}
		m, err := parseProject(b)
		if err != nil {
			return nil // told where the file itself is read
		}
		versions := map[string]string{}
		for _, r := range m.versions {
			if r = m.expandIn(r); r.name != "" {
				versions[strings.ToLower(r.name)] = r.version
			}
		}
		return versions
	}
	return nil
}

// reference is a package that is asked for.
type reference struct {
	name, version string
	dev           bool
}

// declared is what a file asks for.
type declared struct{ *listing.List }

func newDeclared() declared { return declared{listing.New(assay.TypeNuGet)} }

func (d declared) add(r reference, relation assay.Relation) {
	version := least(r.version)
	for name := range strings.SplitSeq(r.name, ";") {
		name = strings.TrimSpace(name)
		if name == "" && r.name != "" {
			continue // "a;b;"
		}
		if name == "" || version == "" || strings.Contains(name, "$(") {
			d.NoVersion(strings.TrimSpace(name + " " + r.version))
		} else if i := d.AddDev(name, version, r.dev); i >= 0 {
			d.Packages[i].Relation = relation
		}
	}
}

// least is the least version that a requirement allows, which NuGet takes; ""
// where the requirement leaves that to the registry.
// https://learn.microsoft.com/nuget/concepts/package-versioning
func least(v string) string {
	v = strings.TrimSpace(v)
	if rest, ok := strings.CutPrefix(v, "["); ok {
		v, _, _ = strings.Cut(strings.TrimRight(rest, "])"), ",")
		v = strings.TrimSpace(v)
	}
	if v == "" || v[0] < '0' || v[0] > '9' || strings.ContainsAny(v, "*$()[], ") {
		return ""
	}
	return v
}

// decode reads an XML document that may be UTF-16, as Windows writes it.
func decode(b []byte, doc any) error {
	d := xml.NewDecoder(bytes.NewReader(utf8Of(b)))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // names and versions are ASCII in all
	if err := d.Decode(doc); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return nil
}

// utf8Of is b, which may be UTF-16 with a mark in front, as UTF-8.
func utf8Of(b []byte) []byte {
	if len(b) < 2 || b[0] != 0xff || b[1] != 0xfe {
		return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	}
	units := make([]uint16, 0, len(b)/2)
	for i := 2; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i])|uint16(b[i+1])<<8)
	}
	return []byte(string(utf16.Decode(units)))
}

package assay

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"strconv"
	"time"
)

// Package types, which are also purl types.
// https://github.com/package-url/purl-spec/blob/main/PURL-TYPES.rst
const (
	TypeDeb  = "deb"
	TypeApk  = "apk"
	TypeRPM  = "rpm"
	TypeAlpm = "alpm"
	TypeOpkg = "opkg"

	TypeBitnami   = "bitnami"
	TypeBrew      = "brew"
	TypeCargo     = "cargo"
	TypeCocoaPods = "cocoapods"
	TypeComposer  = "composer"
	TypeConan     = "conan"
	TypeConda     = "conda"
	TypeCPAN      = "cpan"
	TypeCRAN      = "cran"
	TypeEbuild    = "ebuild" // Gentoo's
	TypeFlatpak   = "flatpak"
	TypeGem       = "gem"
	TypeGeneric   = "generic" // software that no package manager installed: bare binaries, kernels
	TypeActions   = "githubactions"
	TypeGo        = "golang"
	TypeHackage   = "hackage"
	TypeHex       = "hex"
	TypeJSR       = "jsr" // JavaScript's registry of Deno
	TypeJulia     = "julia"
	TypeK8s       = "k8s"
	TypeLuaRocks  = "luarocks"
	TypeMaven     = "maven"
	TypeNix       = "nix"
	TypeNPM       = "npm"
	TypeNuGet     = "nuget"
	TypeOpam      = "opam"
	TypeOTP       = "otp" // applications of Erlang
	TypePEAR      = "pear"
	TypePub       = "pub"
	TypePyPI      = "pypi"
	TypeSnap      = "snap"
	TypeSwift     = "swift"
	TypeTerraform = "terraform"
	TypeVcpkg     = "vcpkg"
	TypeWordPress = "wordpress-plugin"
)

// A Release describes the distribution of an image. Readers provide parts of it, one a
// file; package distro combines them.
type Release struct {
	ID          string   `json:"id,omitempty"`          // "debian", as os-release's ID
	IDLike      []string `json:"idLike,omitempty"`      // as os-release's ID_LIKE
	Version     string   `json:"version,omitempty"`     // "12", "3.20.3", as os-release's VERSION_ID
	Codename    string   `json:"codename,omitempty"`    // "bookworm"
	Name        string   `json:"name,omitempty"`        // "Debian GNU/Linux 12 (bookworm)"
	Variant     string   `json:"variant,omitempty"`     // as os-release's VARIANT_ID
	CPE         string   `json:"cpe,omitempty"`         // as os-release's CPE_NAME
	ESM         bool     `json:"esm,omitempty"`         // Ubuntu: extended security maintenance is enabled
	Repos       []string `json:"repos,omitempty"`       // Alpine: branches of the package repositories, "v3.20", "edge"
	ContentSets []string `json:"contentSets,omitempty"` // Red Hat: repositories that the image was built from
	NVR         string   `json:"nvr,omitempty"`         // Red Hat: name-version-release of the image, before content sets
	Path        string   `json:"path,omitempty"`        // the file that names the release
	EOL         string   `json:"eol,omitempty"`         // date of its end of life, YYYY-MM-DD; "ended" when only that is known
}

// EndOfLife reports whether the release has reached its end of life at a time.
func (r Release) EndOfLife(at time.Time) bool { return ended(r.EOL, at) }

// ended reports whether the end of life eol is before a time.
func ended(eol string, at time.Time) bool {
	end, err := time.Parse(time.DateOnly, eol)
	return eol == "ended" || err == nil && at.After(end.AddDate(0, 0, 1))
}

// A Package is an installed package, or a dependency of source code.
type Package struct {
	Type          string   `json:"type"`                    // TypeDeb, …
	Name          string   `json:"name"`                    //
	Version       string   `json:"version"`                 // in full, as its manager prints it: "1:2.3-4"
	Arch          string   `json:"arch,omitempty"`          //
	OS            string   `json:"os,omitempty"`            // that a binary is built for, as GOOS names it
	Source        string   `json:"source,omitempty"`        // source package; "" when the manager names none (then it is Name)
	SourceVersion string   `json:"sourceVersion,omitempty"` // "" when it is Version
	Module        string   `json:"module,omitempty"`        // rpm modularity label, "name:stream:version:context:arch"
	Vendor        string   `json:"vendor,omitempty"`        // rpm vendor, deb and apk maintainer
	Licences      []string `json:"licences,omitempty"`      // as the package states them
	DependsOn     []string `json:"dependsOn,omitempty"`     // OS packages: names, as the package lists them; others: Ref of packages in the same file
	State         string   `json:"state,omitempty"`         // when not plainly installed: "half-installed", "unpacked", …
	ThirdParty    string   `json:"thirdParty,omitempty"`    // why the distribution's advisories do not cover it; "" when they do
	Path          string   `json:"path,omitempty"`          // the file that lists it; "a.war!/lib/b.jar" inside an archive
	Line          int      `json:"line,omitempty"`          // of Path, from 1, where a lock file or a manifest lists it; 0 when unknown
	PURL          string   `json:"purl,omitempty"`          //
	FoundBy       string   `json:"foundBy,omitempty"`       // name of the reader
	Relation      Relation `json:"relation,omitempty"`      // to the project whose file lists it; "" when unknown
	Dev           bool     `json:"dev,omitempty"`           // only development needs it
	Owner         string   `json:"owner,omitempty"`         // PURL of the OS package that owns Path; "" when none does
	CPEs          []string `json:"cpes,omitempty"`          // its name at NVD, where it is in no registry: CPE 2.3 with the version
	Digest        string   `json:"digest,omitempty"`        // of the file, "sha1:…", where that identifies the package
	ClassRoot     string   `json:"classRoot,omitempty"`     // of a Java archive without a group: the Java package that contains all its classes
	Symbols       Symbols  `json:"symbols,omitzero"`        // of a Go module: the functions that the binary links; nil when unknown
	EOL           string   `json:"eol,omitempty"`           // of a runtime or server that no distribution maintains: as Release.EOL
	Layer         LayerRef `json:"layer,omitzero"`          // the layer that added it
	Release       *Release `json:"release,omitempty"`       // of an OS package of another distribution than the target's: SBOMs may list several
}

// ReleaseIn returns the release that an OS package of a target belongs to.
func (p *Package) ReleaseIn(target Release) Release {
	if p.Release != nil {
		return *p.Release
	}
	return target
}

// EndOfLife reports whether a runtime has reached its end of life at a time.
func (p *Package) EndOfLife(at time.Time) bool { return ended(p.EOL, at) }

// Place returns where the package is listed: its path, and its line where that is known,
// "web/package-lock.json:12".
func (p *Package) Place() string {
	if p.Line == 0 {
		return p.Path
	}
	return p.Path + ":" + strconv.Itoa(p.Line)
}

// IsSystem reports whether the package is an OS package, by its type.
func (p *Package) IsSystem() bool {
	switch p.Type {
	case TypeDeb, TypeApk, TypeRPM, TypeAlpm, TypeOpkg:
		return true
	}
	return false
}

// SourceName returns the name of the source package, also where the package manager
// records none.
func (p *Package) SourceName() string {
	if p.Source != "" {
		return p.Source
	}
	return p.Name
}

// SourceVer returns the version of the source package.
func (p *Package) SourceVer() string {
	if p.SourceVersion != "" {
		return p.SourceVersion
	}
	return p.Version
}

// Ref identifies the package among those of one file: "name@version".
func (p *Package) Ref() string { return p.Name + "@" + p.Version }

// A Relation is what a package is to the project whose lock file, manifest or build
// lists it.
type Relation string

// The words are those of Trivy's --pkg-relationships.
const (
	RelationRoot      Relation = "root"      // the project itself
	RelationWorkspace Relation = "workspace" // another part of the project
	RelationDirect    Relation = "direct"    // direct dependency of the project
	RelationIndirect  Relation = "indirect"  // needed by other packages
)

// Symbols is a set of function names, "import/path.Type.Method", and of their import
// paths, each reduced to a number by SymbolHash; sorted. Two names with the same number
// both count as present, which hides no finding.
type Symbols []uint32

// MarshalText encodes the numbers in base64, little-endian, four bytes each.
func (s Symbols) MarshalText() ([]byte, error) {
	b := make([]byte, 0, 4*len(s))
	for _, n := range s {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText decodes what MarshalText writes. Other text is ErrMalformed.
func (s *Symbols) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil || len(b)%4 != 0 {
		return fmt.Errorf("functions of a Go module: not base64 of numbers of four bytes: %w", ErrMalformed)
	}
	*s = make(Symbols, len(b)/4)
	for i := range *s {
		(*s)[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return nil
}

// SymbolHash is the number of a function's name: FNV-1a.
func SymbolHash(name string) uint32 {
	h := fnv.New32a()
	io.WriteString(h, name)
	return h.Sum32()
}

// Has reports whether a function of that name may be in the set.
func (s Symbols) Has(name string) bool {
	_, ok := slices.BinarySearch(s, SymbolHash(name))
	return ok
}

// A LayerRef names a layer of the image that a report is about.
type LayerRef struct {
	Index     int    `json:"index"` // from 0, lowest first
	DiffID    string `json:"diffID,omitempty"`
	Digest    string `json:"digest,omitempty"`
	CreatedBy string `json:"createdBy,omitempty"` // the instruction that made it
}

// Facts is what one file contains.
type Facts struct {
	Release  *Release
	Packages []Package
	Owns     []Ownership
	Gaps     []Gap  // recorded in an SBOM
	SBOM     string // format of an SBOM: "cyclonedx", "spdx"

	DevLeftOut int // development dependencies that the SBOM says it leaves out

	// Sections are results of other kinds, by the kind's name: pointers to the
	// kind's type. Kind and Add say more.
	Sections map[string][]any `wire:"-"`
}

// An Ownership lists the files of an OS package.
type Ownership struct {
	Type  string // of the owner: TypeDeb, …
	Owner string // its name; "name:arch" where several architectures are installed side by side
	Paths string // inside the image, no leading slash, one a line, as the manager lists them
}

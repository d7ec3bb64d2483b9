package assay

import (
	"hash/fnv"
	"io"
	"slices"
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
	TypeGeneric   = "generic" // software that no package manager brought: bare binaries, kernels
	TypeActions   = "githubactions"
	TypeGo        = "golang"
	TypeHackage   = "hackage"
	TypeHex       = "hex"
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

// A Release is what an image says about the distribution it holds. Readers
// give parts of it, one a file; the whole is put together by package distro.
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
	Path        string   `json:"path,omitempty"`        // the file that says so
	EOL         string   `json:"eol,omitempty"`         // when its support ends or ended, YYYY-MM-DD; "ended" when that is all that is known
}

// EndOfLife reports whether the release is out of support at a time.
func (r Release) EndOfLife(at time.Time) bool { return ended(r.EOL, at) }

// ended reports whether support that ends as EOL says has ended at a time.
func ended(eol string, at time.Time) bool {
	end, err := time.Parse(time.DateOnly, eol)
	return eol == "ended" || err == nil && at.After(end.AddDate(0, 0, 1))
}

// A Package is something installed.
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
	DependsOn     []string `json:"dependsOn,omitempty"`     // of the system: names, as the package states them; else Ref of packages that the same file tells of
	State         string   `json:"state,omitempty"`         // when not plainly installed: "half-installed", "unpacked", …
	ThirdParty    string   `json:"thirdParty,omitempty"`    // why the distribution's advisories do not speak of it; "" when they do
	Path          string   `json:"path,omitempty"`          // the file that says it is installed; "a.war!/lib/b.jar" inside an archive
	PURL          string   `json:"purl,omitempty"`          //
	FoundBy       string   `json:"foundBy,omitempty"`       // name of the reader
	Relation      Relation `json:"relation,omitempty"`      // to the project whose file tells of it; "" when that is not told
	Dev           bool     `json:"dev,omitempty"`           // needed for development only
	Owner         string   `json:"owner,omitempty"`         // PURL of the package of the system that brought Path; "" when none did
	CPEs          []string `json:"cpes,omitempty"`          // by which NVD knows it, where no registry does: CPE 2.3 with the version
	Digest        string   `json:"digest,omitempty"`        // of the file, "sha1:…", where that identifies it
	Symbols       Symbols  `json:"-"`                       // of a Go module: the functions that the binary links; nil when that is not known
	EOL           string   `json:"eol,omitempty"`           // of a runtime or server that no distribution looks after: as Release.EOL
	Layer         LayerRef `json:"layer,omitzero"`          // the layer that brought it
}

// EndOfLife reports whether a runtime is out of support at a time.
func (p *Package) EndOfLife(at time.Time) bool { return ended(p.EOL, at) }

// IsSystem reports whether the package is a distribution's, by its type.
func (p *Package) IsSystem() bool {
	switch p.Type {
	case TypeDeb, TypeApk, TypeRPM, TypeAlpm, TypeOpkg:
		return true
	}
	return false
}

// SourceName is the name of the source package, whether or not the manager
// wrote it down.
func (p *Package) SourceName() string {
	if p.Source != "" {
		return p.Source
	}
	return p.Name
}

// SourceVer is the version of the source package.
func (p *Package) SourceVer() string {
	if p.SourceVersion != "" {
		return p.SourceVersion
	}
	return p.Version
}

// Ref names the package among those that one file tells of: "name@version".
func (p *Package) Ref() string { return p.Name + "@" + p.Version }

// A Relation is what a package is to the project whose lock file, manifest or
// build tells of it.
type Relation string

// The words are those of Trivy's --pkg-relationships.
const (
	RelationRoot      Relation = "root"      // the project itself
	RelationWorkspace Relation = "workspace" // another part of the project
	RelationDirect    Relation = "direct"    // asked for by the project
	RelationIndirect  Relation = "indirect"  // needed by others
)

// Symbols is a set of function names, "import/path.Type.Method", and of their
// import paths, each cut to a number by SymbolHash; sorted. Two names of one number make one of them count
// as present, which hides nothing.
type Symbols []uint32

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

// Facts is what one file says.
type Facts struct {
	Release  *Release
	Packages []Package
	Owns     []Ownership
	Gaps     []Gap  // that a bill of materials tells of
	SBOM     string // form of a bill of materials: "cyclonedx", "spdx"

	DevLeftOut int // packages that the bill leaves out

	// Sections are results of other kinds, by the kind's name: pointers to the
	// kind's type. Kind and Add say more.
	Sections map[string][]any `wire:"-"`
}

// An Ownership says which files a package of the system brought.
type Ownership struct {
	Type  string // of the owner: TypeDeb, …
	Owner string // its name; "name:arch" where several architectures are installed side by side
	Paths string // inside the image, no leading slash, one a line, as the manager lists them
}

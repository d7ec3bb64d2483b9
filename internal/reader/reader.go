// Package reader lists the file readers.
package reader

import (
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/actions"
	"github.com/assaysec/assay/internal/reader/alpm"
	"github.com/assaysec/assay/internal/reader/apk"
	"github.com/assaysec/assay/internal/reader/beam"
	"github.com/assaysec/assay/internal/reader/binary"
	"github.com/assaysec/assay/internal/reader/bitnami"
	"github.com/assaysec/assay/internal/reader/bottlerocket"
	"github.com/assaysec/assay/internal/reader/chisel"
	"github.com/assaysec/assay/internal/reader/cocoapods"
	"github.com/assaysec/assay/internal/reader/conan"
	"github.com/assaysec/assay/internal/reader/cos"
	"github.com/assaysec/assay/internal/reader/dart"
	"github.com/assaysec/assay/internal/reader/dotnet"
	"github.com/assaysec/assay/internal/reader/dpkg"
	"github.com/assaysec/assay/internal/reader/elf"
	"github.com/assaysec/assay/internal/reader/flatpak"
	"github.com/assaysec/assay/internal/reader/golang"
	"github.com/assaysec/assay/internal/reader/haskell"
	"github.com/assaysec/assay/internal/reader/homebrew"
	"github.com/assaysec/assay/internal/reader/java"
	"github.com/assaysec/assay/internal/reader/julia"
	"github.com/assaysec/assay/internal/reader/kernel"
	"github.com/assaysec/assay/internal/reader/lua"
	"github.com/assaysec/assay/internal/reader/nix"
	"github.com/assaysec/assay/internal/reader/node"
	"github.com/assaysec/assay/internal/reader/opam"
	"github.com/assaysec/assay/internal/reader/opkg"
	"github.com/assaysec/assay/internal/reader/osrelease"
	"github.com/assaysec/assay/internal/reader/perl"
	"github.com/assaysec/assay/internal/reader/php"
	"github.com/assaysec/assay/internal/reader/portage"
	"github.com/assaysec/assay/internal/reader/python"
	"github.com/assaysec/assay/internal/reader/rlang"
	"github.com/assaysec/assay/internal/reader/rpm"
	"github.com/assaysec/assay/internal/reader/ruby"
	"github.com/assaysec/assay/internal/reader/rust"
	"github.com/assaysec/assay/internal/reader/sbom"
	"github.com/assaysec/assay/internal/reader/snap"
	"github.com/assaysec/assay/internal/reader/swift"
	"github.com/assaysec/assay/internal/reader/terraform"
	"github.com/assaysec/assay/internal/reader/unread"
	"github.com/assaysec/assay/internal/reader/vcpkg"
	"github.com/assaysec/assay/internal/reader/wordpress"
)

// All lists the readers, in the order in which they are offered files.
func All() []assay.Reader {
	return slices.Concat(systems, languages, others)
}

// systems read the release and the OS packages.
var systems = []assay.Reader{
	osrelease.Reader{}, dpkg.Reader{}, apk.Reader{}, rpm.Reader{}, bottlerocket.Reader{}, chisel.Manifest{}, cos.List{}, alpm.Reader{}, opkg.Reader{},
	snap.Base{}, portage.Installed{},
}

// languages read language packages.
var languages = []assay.Reader{
	java.Archive{}, java.Machine{}, java.Pom{}, java.Gradle{}, java.SBT{}, java.Nebula{}, java.Bazel{}, java.Verification{},
	java.Build{}, java.Catalog{}, java.Scala{}, java.Clojure{},
	dotnet.Deps{}, dotnet.Lock{}, dotnet.Config{}, dotnet.Props{}, dotnet.Project{}, dotnet.Assembly{}, dotnet.Bundle{}, dotnet.Paket{}, dotnet.PaketProject{}, dotnet.Assets{},
	python.Installed{}, python.Requirements{}, python.Poetry{}, python.Pipfile{}, python.UV{}, python.PDM{}, python.Pylock{}, python.Conda{}, python.Environment{},
	python.Pyproject{}, python.PipfileProject{}, python.Setup{}, python.RequirementsIn{}, python.CondaLock{}, python.Pixi{}, python.PixiProject{},
	node.Installed{}, node.NPM{}, node.Yarn{}, node.PNPM{}, node.Bun{}, node.Deno{}, node.Project{}, node.DenoProject{},
	golang.Binary{}, golang.Mod{}, golang.Vendored{}, golang.Old{},
	rust.Auditable{}, rust.Lock{}, rust.Project{},
	ruby.Installed{}, ruby.Lock{}, ruby.Project{},
	php.Lock{}, php.Installed{}, php.PEAR{}, php.Project{},
	swift.Resolved{}, swift.Project{}, swift.Carthage{}, swift.Cartfile{}, cocoapods.Lock{}, cocoapods.Project{},
	dart.Lock{}, dart.Project{},
	beam.Mix{}, beam.Rebar{}, beam.App{}, beam.Metadata{}, beam.Project{}, beam.Gleam{},
	haskell.Stack{}, haskell.StackLock{}, haskell.Freeze{}, haskell.Project{},
	rlang.Installed{}, rlang.Renv{}, rlang.Packrat{},
	julia.Manifest{}, julia.Project{},
	lua.Installed{}, lua.Lock{},
	conan.Lock{}, conan.File{}, conan.Info{}, conan.Recipe{},
	vcpkg.Status{}, vcpkg.Manifest{},
	opam.Switch{}, opam.Project{},
	perl.Snapshot{}, perl.Minus{}, perl.Local{}, perl.Project{},
	wordpress.Plugin{}, wordpress.Core{},
}

// others read software that is installed in other ways.
var others = []assay.Reader{
	actions.Workflow{}, terraform.Lock{}, unread.Reader{},
	homebrew.Keg{}, homebrew.Cask{}, nix.Store{}, snap.Snap{}, flatpak.Deployed{}, bitnami.Components{},
	kernel.Modules{}, kernel.Image{},
	elf.Package{}, binary.Classifier{},
	sbom.Reader{}, sbom.Embedded{},
}

// Package reader is the list of file readers.
package reader

import (
	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/alpm"
	"github.com/assaysec/assay/internal/reader/apk"
	"github.com/assaysec/assay/internal/reader/binary"
	"github.com/assaysec/assay/internal/reader/dotnet"
	"github.com/assaysec/assay/internal/reader/dpkg"
	"github.com/assaysec/assay/internal/reader/elf"
	"github.com/assaysec/assay/internal/reader/golang"
	"github.com/assaysec/assay/internal/reader/java"
	"github.com/assaysec/assay/internal/reader/node"
	"github.com/assaysec/assay/internal/reader/opkg"
	"github.com/assaysec/assay/internal/reader/osrelease"
	"github.com/assaysec/assay/internal/reader/python"
	"github.com/assaysec/assay/internal/reader/rpm"
	"github.com/assaysec/assay/internal/reader/rust"
	"github.com/assaysec/assay/internal/reader/sbom"
)

// All lists the readers, in the order in which files are offered to them.
func All() []assay.Reader {
	return []assay.Reader{osrelease.Reader{}, dpkg.Reader{}, apk.Reader{}, rpm.Reader{}, alpm.Reader{}, opkg.Reader{}, java.Archive{}, java.Machine{}, java.Pom{}, java.Gradle{}, java.SBT{},
		dotnet.Deps{}, dotnet.Lock{}, dotnet.Config{}, dotnet.Props{}, dotnet.Project{}, dotnet.Assembly{}, dotnet.Bundle{},
		python.Installed{}, python.Requirements{}, python.Poetry{}, python.Pipfile{}, python.UV{}, python.PDM{}, python.Pylock{}, python.Conda{}, python.Environment{},
		node.Installed{}, node.NPM{}, node.Yarn{}, node.PNPM{}, node.Bun{}, node.Deno{},
		golang.Binary{}, golang.Mod{}, rust.Auditable{}, rust.Lock{}, elf.Package{}, binary.Classifier{},
		sbom.Reader{}, sbom.Embedded{}}
}

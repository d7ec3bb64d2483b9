// Package homebrew reads the packages that Homebrew installed: kegs of formulae, and
// casks.
package homebrew

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const (
	maxReceipt = 16 << 20
	maxFormula = 4 << 20 // formulae are programs of some hundred lines
)

// Keg reads installed formulae: Cellar has a directory for each, "name/version",
// with a receipt. The version has the formula's revision behind it, "3.1.4_1".
// The licence is that of the formula, which lies beside the receipt.
//
// Format: https://docs.brew.sh/Formula-Cookbook#homebrew-terminology
type Keg struct{}

func (Keg) Name() string { return "homebrew" }

func (Keg) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/Cellar/*/*/INSTALL_RECEIPT.json", Scope: assay.ScopeInstalled, MaxSize: maxReceipt},
	}
}

func (Keg) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	dir := path.Dir(f.Path)
	name := path.Base(path.Dir(dir))
	var receipt struct {
		OnRequest    *bool `json:"installed_on_request"`
		AsDependency bool  `json:"installed_as_dependency"`
	}
	l := listing.New(assay.TypeBrew)
	l.Error(listing.Decode(f, maxReceipt, json.Unmarshal, &receipt))
	i := l.Add(name, path.Base(dir))
	if i < 0 {
		return l.Facts()
	}
	switch {
	case receipt.OnRequest != nil && *receipt.OnRequest:
		l.Packages[i].Relation = assay.RelationDirect
	case receipt.AsDependency:
		l.Packages[i].Relation = assay.RelationIndirect
	}
	b, err := f.Sibling(".brew/"+name+".rb", maxFormula)
	if err != nil && !errors.Is(err, assay.ErrNotFound) {
		l.Error(err)
	}
	if m := licence.FindSubmatch(b); m != nil {
		l.Licences(i, string(m[1]))
	}
	return l.Facts()
}

// licence is the plain form; lists ("any_of: …") are left out.
var licence = regexp.MustCompile(`(?m)^\s*license\s+"([^"]+)"`)

// Cask reads installed casks, of which Caskroom keeps the definition in a
// directory of the version. One whose version is "latest" has none.
//
// Format: https://docs.brew.sh/Cask-Cookbook
type Cask struct{}

func (Cask) Name() string { return "homebrew-cask" }

func (Cask) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/Caskroom/*/.metadata/*/*/Casks/*.rb", Scope: assay.ScopeInstalled, MaxSize: maxFormula},
		{Glob: "**/Caskroom/*/.metadata/*/*/Casks/*.json", Scope: assay.ScopeInstalled, MaxSize: maxFormula},
	}
}

func (Cask) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	parts := strings.Split(f.Path, "/")
	l := listing.New(assay.TypeBrew)
	if len(parts) < 6 {
		return l.Facts()
	}
	parts = parts[len(parts)-6:]
	version := parts[2]
	if version == "latest" {
		version = ""
	}
	l.Add(parts[0], version)
	return l.Facts()
}

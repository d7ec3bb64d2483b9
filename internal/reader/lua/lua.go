// Package lua reads Lua's packages: the rockspecs of installed packages, and the lock
// file of LuaRocks.
package lua

import (
	"context"
	"path"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxFile: rockspecs and lock files have some kilobytes.
const maxFile = 4 << 20

// Installed reads the rockspecs of installed rocks. LuaRocks has a directory for
// each, "rocks-5.4/name/version", which counts before the rockspec, because that
// is a program. The version has the rockspec's revision behind it, "3.0-1".
//
// Format: https://github.com/luarocks/luarocks/blob/main/docs/rockspec_format.md
type Installed struct{}

func (Installed) Name() string { return "luarocks" }

func (Installed) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/rocks-*/*/*/*.rockspec", Scope: assay.ScopeInstalled, MaxSize: maxFile},
		{Glob: "**/rocks/*/*/*.rockspec", Scope: assay.ScopeInstalled, MaxSize: maxFile}, // of one version of Lua only
	}
}

var (
	licence = regexp.MustCompile(`(?m)[{,;\s]license\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')`)
	comment = regexp.MustCompile(`--[^\n]*`)
)

func (Installed) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	version := path.Dir(f.Path)
	name := path.Dir(version)
	l := listing.New(assay.TypeLuaRocks)
	if path.Base(f.Path) != path.Base(name)+"-"+path.Base(version)+".rockspec" {
		return l.Facts() // one that the rock brings, for others
	}
	i := l.Add(path.Base(name), path.Base(version))
	b, err := limit.ReadAll(f.Reader(), maxFile)
	l.Error(err)
	if m := licence.FindSubmatch(comment.ReplaceAll(b, nil)); m != nil {
		l.Licences(i, string(m[1])+string(m[2]))
	}
	return l.Facts()
}

// Lock reads luarocks.lock.
//
// Format: https://github.com/luarocks/luarocks/blob/main/docs/pinning_versions_with_a_lock_file.md
type Lock struct{}

func (Lock) Name() string { return "luarocks-lock" }

func (Lock) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/luarocks.lock", Scope: assay.ScopeDeclared, MaxSize: maxFile}}
}

var (
	table = regexp.MustCompile(`^\s*(?:\["(\w+)"\]|(\w+))\s*=\s*\{`)
	rock  = regexp.MustCompile(`(?:\[\s*["']([^"']+)["']\s*\]|(\w+))\s*=\s*["']([^"']*)["']`)
)

func (Lock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeLuaRocks)
	b, err := limit.ReadAll(f.Reader(), maxFile)
	if err != nil {
		return assay.Facts{}, err
	}
	section, known := "", false
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "--")
		known = known || strings.HasPrefix(strings.TrimSpace(line), "return")
		if m := table.FindStringSubmatch(strings.TrimPrefix(strings.TrimSpace(line), "return {")); m != nil {
			section = m[1] + m[2]
		}
		if section != "" {
			for _, m := range rock.FindAllStringSubmatch(line, -1) {
				l.AddDev(m[1]+m[2], m[3], section != "dependencies")
			}
		}
		if strings.Contains(line, "}") {
			section = ""
		}
	}
	if !known && len(strings.TrimSpace(string(b))) > 0 {
		l.Malformed("the file returns no table")
	}
	return l.Facts()
}

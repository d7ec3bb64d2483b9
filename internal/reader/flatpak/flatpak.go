// Package flatpak reads which applications and runtimes Flatpak installed.
package flatpak

import (
	"bytes"
	"context"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxDeploy: the file has a kilobyte, and more where it lists subpaths.
const maxDeploy = 4 << 20

// Deployed reads the deploy file of what is installed, "app/id/arch/branch/
// commit/deploy": it has the version from the application's metainfo. A
// runtime without has that of its branch, "23.08".
//
// Format: https://docs.flatpak.org/en/latest/under-the-hood.html; the file is a
// GVariant, https://docs.gtk.org/glib/gvariant-specification-1.0.html, of type
// (ssasta{sv}).
type Deployed struct{}

func (Deployed) Name() string { return "flatpak" }

func (Deployed) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/flatpak/app/*/*/*/*/deploy", Scope: assay.ScopeInstalled, MaxSize: maxDeploy},
		{Glob: "**/flatpak/runtime/*/*/*/*/deploy", Scope: assay.ScopeInstalled, MaxSize: maxDeploy},
	}
}

func (Deployed) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxDeploy)
	if err != nil {
		return assay.Facts{}, err
	}
	parts := strings.Split(f.Path, "/")
	if len(parts) < 6 {
		return assay.Facts{}, nil
	}
	parts = parts[len(parts)-6:]
	l := listing.New(assay.TypeFlatpak)
	version := text(b, "appdata-version")
	if branch := parts[3]; version == "" && strings.IndexAny(branch, "0123456789") == 0 {
		version = branch
	}
	i := l.Add(parts[1], version)
	if i >= 0 {
		l.Packages[i].Arch = parts[2]
	}
	l.Licences(i, text(b, "appdata-license"))
	return l.Facts()
}

// text is the string under a key of the dictionary. An entry is the key, ended
// by a zero, zeros up to a multiple of eight, the string, a zero, a zero and
// the type "s".
func text(b []byte, key string) string {
	_, rest, ok := bytes.Cut(b, []byte(key+"\x00"))
	if !ok {
		return ""
	}
	rest = bytes.TrimLeft(rest[:min(len(rest), 512)], "\x00")
	value, _, ok := bytes.Cut(rest, []byte("\x00\x00s"))
	if !ok || bytes.IndexByte(value, 0) >= 0 {
		return ""
	}
	return string(value)
}

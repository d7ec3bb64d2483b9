// Package portage reads the database of Gentoo's package manager.
package portage

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const (
	maxContents = 256 << 20 // kernel sources have 10 MB
	maxLicence  = 64 << 10  // is a line
)

// Installed reads which packages are installed: var/db/pkg has a directory for
// each, "category/name-version", and CONTENTS in each. Names are
// "category/name".
//
// Format: https://wiki.gentoo.org/wiki/Handbook:AMD64/Working/Portage,
// https://projects.gentoo.org/pms/8/pms.html#version-specifications
type Installed struct{}

func (Installed) Name() string { return "portage" }

func (Installed) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/var/db/pkg/*/*/CONTENTS", Scope: assay.ScopeInstalled, MaxSize: maxContents}}
}

// directory is "name-version-revision", as the specification's section 3.2 has it.
var folder = regexp.MustCompile(`^(.+?)-([0-9]+(?:\.[0-9]+)*[a-z]?(?:_(?:alpha|beta|pre|rc|p)[0-9]*)*(?:-r[0-9]+)?)$`)

func (Installed) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	dir := path.Dir(f.Path)
	l := listing.New(assay.TypeEbuild)
	if strings.HasPrefix(path.Base(dir), "-MERGING-") {
		return assay.Facts{}, nil // an installation that did not end; the old version has its own directory
	}
	m := folder.FindStringSubmatch(path.Base(dir))
	if m == nil {
		l.Malformed("the directory name %.80q has no version", path.Base(dir))
		return l.Facts()
	}
	i := l.Add(path.Base(path.Dir(dir))+"/"+m[1], m[2])
	b, err := f.Sibling("LICENSE", maxLicence)
	if err != nil && !errors.Is(err, assay.ErrNotFound) {
		l.Error(fmt.Errorf("LICENSE: %w", err))
	}
	for word := range strings.FieldsSeq(string(b)) {
		// What is chosen by the user's settings is written as in an ebuild:
		// "|| ( GPL-2 MIT )", "doc? ( FDL-1.2 )".
		if word != "||" && word != "(" && word != ")" && !strings.HasSuffix(word, "?") {
			l.Licences(i, word)
		}
	}
	return l.Facts()
}

// Package apk reads the database of Alpine's package manager.
//
// Format: https://wiki.alpinelinux.org/wiki/Apk_spec#Installed_Database_V2
package apk

import (
	"context"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/stanza"
)

// maxInstalled: a root with two thousand packages has 20 MB.
const maxInstalled = 256 << 20

// Reader reads the list of installed packages.
type Reader struct{}

func (Reader) Name() string { return "apk" }

func (Reader) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "lib/apk/db/installed", MaxSize: maxInstalled},
		{Glob: "usr/lib/apk/db/installed", MaxSize: maxInstalled}, // since apk-tools 3 and merged /usr
	}
}

func (Reader) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var d database
	for line, err := range stanza.Lines(f.Reader()) {
		if err != nil {
			d.end()
			return d.facts, err
		}
		if len(d.facts.Packages) == stanza.MaxPackages {
			d.errs.Add(fmt.Errorf("line %d: more than %d packages: %w", line.N, stanza.MaxPackages, assay.ErrTooLarge))
			break
		}
		d.line(line)
	}
	d.end()
	return d.facts, d.errs.Err()
}

// database is what has been read so far.
type database struct {
	facts assay.Facts
	errs  stanza.Errors

	p     assay.Package // the current one
	first int           // its first line; 0 between packages
	dir   string
	paths strings.Builder
}

func (d *database) bad(n int, format string, args ...any) {
	d.errs.Add(fmt.Errorf("line %d: %s: %w", n, fmt.Sprintf(format, args...), assay.ErrMalformed))
}

func (d *database) line(l stanza.Line) {
	if l.Text == "" {
		d.end()
		return
	}
	if d.first == 0 {
		d.first = l.N
	}
	if len(l.Text) < 2 || l.Text[1] != ':' {
		d.bad(l.N, "invalid field %.40q", l.Text)
		return
	}
	v := l.Text[2:]
	if l.Cut && strings.IndexByte("PVAoFR", l.Text[0]) >= 0 {
		d.bad(l.N, "over %d bytes", stanza.MaxLine)
		return
	}
	switch l.Text[0] {
	case 'P':
		d.p.Name = v
	case 'V':
		d.p.Version = v
	case 'A':
		d.p.Arch = v
	case 'o':
		d.p.Source = v
	case 'm':
		d.p.Vendor = v
	case 'L':
		if v != "" {
			d.p.Licences = []string{v}
		}
	case 'D':
		d.p.DependsOn = depends(v)
	case 'F':
		d.dir = v
	case 'R':
		if d.dir != "" {
			d.paths.WriteString(d.dir)
			d.paths.WriteByte('/')
		}
		d.paths.WriteString(v)
		d.paths.WriteByte('\n')
	}
}

// end closes a package.
func (d *database) end() {
	if d.first == 0 {
		return
	}
	p, n := d.p, d.first
	paths := d.paths.String()
	d.p, d.first, d.dir = assay.Package{}, 0, ""
	d.paths.Reset()
	switch {
	case p.Name == "" && p.Version == "" && paths == "":
		d.bad(n, "stanza without a package")
		return
	case p.Name == "":
		d.bad(n, "package without a name")
		return
	case p.Version == "":
		d.bad(n, "package %q has no version", p.Name)
		return
	}
	p.Type = assay.TypeApk
	d.facts.Packages = append(d.facts.Packages, p)
	if paths != "" {
		d.facts.Owns = append(d.facts.Owns, assay.Ownership{Type: assay.TypeApk, Owner: p.Name, Paths: paths})
	}
}

// depends returns what a package asks for: names, and what others provide
// ("so:libc.musl-x86_64.so.1"); conflicts ("!name") are none.
func depends(s string) []string {
	var names []string
	for word := range strings.FieldsSeq(s) {
		if word[0] == '!' {
			continue
		}
		if i := strings.IndexAny(word, "<>=~"); i > 0 {
			word = word[:i]
		}
		names = append(names, word)
	}
	return names
}

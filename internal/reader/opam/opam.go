// Package opam reads the packages of opam, OCaml's package manager: the installed
// packages of a switch, lock files, and the manifests of projects.
package opam

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

const maxFile = 2 << 20 // a switch has some thousand packages, in 100 kB; every sign costs 24 bytes

// Switch reads the state of a switch, an installation of OCaml with packages.
// The roots are what its user asked for.
//
// Format: https://opam.ocaml.org/doc/Manual.html#switch-state
type Switch struct{}

func (Switch) Name() string { return "opam" }

func (Switch) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/.opam-switch/switch-state", Scope: assay.ScopeInstalled, MaxSize: maxFile}}
}

func (Switch) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeOpam)
	fields, err := read(f)
	l.Error(err)
	roots := map[string]bool{}
	for _, t := range fields["roots"] {
		roots[t.text] = true
	}
	known := false
	for _, t := range fields["installed"] {
		known = true
		if !t.quoted {
			continue
		}
		name, version, _ := strings.Cut(t.text, ".")
		if i := l.Add(name, version); i >= 0 && fields["roots"] != nil {
			l.Packages[i].Relation = assay.RelationIndirect
			if roots[t.text] {
				l.Packages[i].Relation = assay.RelationDirect
			}
		}
	}
	if _, ok := fields["opam-version"]; !ok && !known && err == nil && len(fields) > 0 {
		l.Malformed("not the state of a switch")
	}
	return l.Facts()
}

// Project reads the opam files of projects and their lock files. Only what is
// asked for at one version is a package; lock files do that with all.
//
// Format: https://opam.ocaml.org/doc/Manual.html#opam, https://opam.ocaml.org/doc/man/opam-lock.html
type Project struct{}

func (Project) Name() string { return "opam-project" }

func (Project) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, glob := range []string{"**/*.opam", "**/*.opam.locked", "**/opam.locked"} {
		ps = append(ps, assay.Pattern{Glob: glob, Scope: assay.ScopeDeclared, MaxSize: maxFile})
	}
	return ps
}

func (Project) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	k := manifest.Kind{Locks: []string{path.Base(f.Path) + ".locked", "opam.locked"}}
	locked := strings.HasSuffix(path.Base(f.Path), ".locked")
	if !locked && k.Locked(f) {
		return assay.Facts{}, nil
	}
	l := listing.New(assay.TypeOpam)
	fields, err := read(f)
	l.Error(err)
	depends(l, fields, locked)
	facts, err := l.Facts()
	if locked || err != nil {
		return facts, err
	}
	return facts, k.Unlocked(f, len(facts.Packages), nil)
}

// depends adds what a project asks for.
func depends(l *listing.List, fields map[string][]token, locked bool) {
	own := map[string]bool{} // the project's other packages, which it pins to its directory
	for _, t := range fields["pin-depends"] {
		name, _, _ := strings.Cut(t.text, ".")
		own[name] = true
	}
	for i, ts := 0, fields["depends"]; i < len(ts); i++ {
		name := ts[i]
		if !name.quoted {
			continue
		}
		version, dev := "", false
		if i+1 < len(ts) && ts[i+1].is("{") {
			for i += 2; i < len(ts) && !ts[i].is("}"); i++ {
				switch {
				case ts[i].is("=") && i+1 < len(ts) && ts[i+1].quoted:
					version = ts[i+1].text
				case ts[i].is("=") && i+1 < len(ts) && ts[i+1].is("version"):
					own[name.text] = true
				case ts[i].is("with-test"), ts[i].is("with-doc"), ts[i].is("with-dev-setup"), ts[i].is("dev"):
					dev = true
				}
			}
		}
		if version == "" && own[name.text] {
			continue
		}
		if j := l.AddDev(name.text, version, dev); j >= 0 && !locked {
			l.Packages[j].Relation = assay.RelationDirect
		}
	}
}

// A token is a string, a word or a sign.
type token struct {
	text   string
	quoted bool
}

func (t token) is(word string) bool { return !t.quoted && t.text == word }

// read reads the fields at the top of a file, each as the tokens of its value.
func read(f *assay.File) (map[string][]token, error) {
	b, err := limit.ReadAll(f.Reader(), maxFile)
	if err != nil {
		return nil, err
	}
	fields := map[string][]token{}
	s := strings.TrimPrefix(string(b), "\ufeff")
	field, depth := "", 0
	var last token
	for s != "" {
		var t token
		var ok bool
		if t, s, ok = next(s); !ok {
			break
		}
		switch {
		case !t.quoted && (t.text == "[" || t.text == "{" || t.text == "("):
			depth++
		case !t.quoted && (t.text == "]" || t.text == "}" || t.text == ")"):
			depth--
		case depth == 0 && t.is(":") && !last.quoted:
			if n := len(fields[field]); n > 0 {
				fields[field] = fields[field][:n-1] // the name of this one
			}
			field = last.text
			fields[field] = []token{}
			last = t
			continue
		}
		fields[field] = append(fields[field], t)
		last = t
	}
	delete(fields, "")
	if depth != 0 || len(fields) == 0 && strings.TrimSpace(string(b)) != "" {
		err = fmt.Errorf("no fields, or unbalanced brackets: %w", assay.ErrMalformed)
	}
	return fields, err
}

// next cuts the next token.
func next(s string) (t token, rest string, ok bool) {
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		switch {
		case s == "":
			return t, "", false
		case s[0] == '#':
			_, s, _ = strings.Cut(s, "\n")
			continue
		case strings.HasPrefix(s, "(*"):
			_, s, _ = strings.Cut(s, "*)")
			continue
		case strings.HasPrefix(s, `"""`):
			text, rest, _ := strings.Cut(s[3:], `"""`)
			return token{text, true}, rest, true
		case s[0] == '"':
			i := 1
			for i < len(s) && s[i] != '"' {
				if s[i] == '\\' {
					i++
				}
				i++
			}
			i = min(i, len(s))
			return token{s[1:i], true}, s[min(i+1, len(s)):], true
		}
		i := 0
		for i < len(s) && (s[i]|0x20 >= 'a' && s[i]|0x20 <= 'z' || s[i] >= '0' && s[i] <= '9' || strings.IndexByte("_-+.", s[i]) >= 0) {
			i++
		}
		if i == 0 {
			i = max(1, len(s)-len(strings.TrimLeft(s, "<>=!")))
		}
		return token{s[:i], false}, s[i:], true
	}
}

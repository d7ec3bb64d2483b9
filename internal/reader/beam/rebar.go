package beam

import (
	"context"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/version"
)

// Rebar reads rebar.lock of all versions. Packages at level 0 are those that
// the project asks for.
//
// Format: https://rebar3.org/docs/workflow/lock_files
type Rebar struct{}

func (Rebar) Name() string { return "rebar-lock" }

func (Rebar) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/rebar.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Rebar) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if fetched(f.Path) {
		return assay.Facts{}, nil
	}
	l := listing.New(assay.TypeHex)
	doc, err := first(f, maxLock)
	l.Error(err)
	// Since version 1.0.0: {Version, Packages}. before: Packages.
	if doc.kind == '(' && len(doc.items) > 1 {
		doc = doc.items[1]
	}
	if doc.kind != '[' && doc.kind != 0 {
		l.Malformed("not a list of packages")
	}
	for _, p := range doc.items {
		if p.kind != '(' || len(p.items) < 2 {
			continue
		}
		name, v, source := p.items[0].text, "", p.items[1]
		switch {
		case source.tuple("pkg", 3):
			name, v = source.items[1].text, source.items[2].text
		case source.tuple("raw", 2), source.tuple("git", 3), source.tuple("git_subdir", 3), source.tuple("hg", 3):
			v = repositoryVersion(source)
		}
		i := l.Add(name, v)
		if i < 0 || len(p.items) < 3 {
			continue
		}
		l.Packages[i].Relation = assay.RelationIndirect
		if p.items[2].text == "0" {
			l.Packages[i].Relation = assay.RelationDirect
		}
	}
	return l.Facts()
}

// repositoryVersion is the version that a tag says.
func repositoryVersion(source term) string {
	for _, t := range source.items {
		if t.tuple("tag", 2) {
			return version.OfTag(t.items[1].text)
		}
	}
	return ""
}

// first reads the first term of a file of Erlang's.
func first(f *assay.File, most int64) (term, error) {
	b, err := limit.ReadAll(f.Reader(), most)
	if err != nil || len(strings.TrimSpace(string(b))) == 0 {
		return term{}, err
	}
	p := parser{s: strings.TrimPrefix(string(b), "\ufeff")}
	return p.term(0)
}

// App reads the resource files of installed applications, those of Erlang
// itself among them. Elixir's applications have them, too. Whether one came
// from Hex the file does not say.
//
// Format: https://www.erlang.org/doc/apps/kernel/app.html
type App struct{}

func (App) Name() string { return "otp-app" }

func (App) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/ebin/*.app", Scope: assay.ScopeInstalled, MaxSize: maxApp}}
}

func (App) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeOTP)
	doc, err := first(f, maxApp)
	l.Error(err)
	switch {
	case doc.tuple("application", 3) && doc.items[2].kind == '[':
		if vsn := doc.items[2].get("vsn"); vsn.kind == 's' {
			l.Add(doc.items[1].text, vsn.text)
		} else {
			l.NoVersion(doc.items[1].text)
		}
	case err == nil:
		l.Malformed("not a resource file of an application")
	}
	return l.Facts()
}

// Metadata reads hex_metadata.config, which Hex puts into every package that
// it unpacks.
//
// Format: https://github.com/hexpm/specifications/blob/main/package_metadata.md
type Metadata struct{}

func (Metadata) Name() string { return "hex-metadata" }

func (Metadata) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/hex_metadata.config", Scope: assay.ScopeInstalled, MaxSize: maxManifest}}
}

func (Metadata) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeHex)
	b, err := limit.ReadAll(f.Reader(), maxManifest)
	if err != nil {
		return assay.Facts{}, err
	}
	p := parser{s: string(b)}
	var name, v string
	var licences []string
	for p.space(); p.at < len(p.s); p.space() {
		t, err := p.term(0)
		if err != nil {
			l.Error(err)
			break
		}
		switch {
		case t.tuple("name", 2):
			name = t.items[1].text
		case t.tuple("version", 2):
			v = t.items[1].text
		case t.tuple("licenses", 2):
			for _, i := range t.items[1].items {
				licences = append(licences, i.text)
			}
		}
		p.take(".")
	}
	if name == "" {
		l.Malformed("package name is missing")
		return l.Facts()
	}
	l.Licences(l.Add(name, v), licences...)
	return l.Facts()
}

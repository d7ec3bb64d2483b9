// Package wordpress reads the version of WordPress, and its plugins and themes.
package wordpress

import (
	"context"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxHead is as much of a file as WordPress itself reads for its header.
// https://developer.wordpress.org/reference/functions/get_file_data/
const maxHead = 8 << 10

// maxVersion: wp-includes/version.php has a kilobyte.
const maxVersion = 64 << 10

// maxFile: what is read is the head, so that any size will do.
const maxFile = 1 << 30

// head reads the first bytes of a file.
func head(f *assay.File, n int64) (string, error) {
	b, err := io.ReadAll(io.NewSectionReader(f, 0, min(n, f.Size)))
	return strings.ReplaceAll(string(b), "\r", "\n"), err
}

// field is what a header says: "Plugin Name: …" within a comment.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimLeft(line, " \t/*#@<?ph")
		if len(line) > len(name) && strings.EqualFold(line[:len(name)], name) && line[len(name)] == ':' {
			v, _, _ := strings.Cut(line[len(name)+1:], "*/")
			v, _, _ = strings.Cut(v, "?>")
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// Plugin reads the headers of plugins and themes. A package's name is its
// directory, by which wordpress.org knows it, or the name of a file that is a
// plugin by itself.
//
// Format: https://developer.wordpress.org/plugins/plugin-basics/header-requirements/,
// https://developer.wordpress.org/themes/basics/main-stylesheet-style-css/
type Plugin struct{}

func (Plugin) Name() string { return "wordpress-plugin" }

func (Plugin) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, glob := range []string{
		"**/wp-content/plugins/*/*.php", "**/wp-content/plugins/*.php", "**/wp-content/mu-plugins/*.php",
		"**/wp-content/themes/*/style.css",
	} {
		ps = append(ps, assay.Pattern{Glob: glob, Scope: assay.ScopeInstalled, MaxSize: maxFile})
	}
	return ps
}

func (Plugin) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	title, name := "Plugin Name", path.Base(path.Dir(f.Path))
	if path.Base(f.Path) == "style.css" {
		title = "Theme Name"
	}
	if name == "plugins" || name == "mu-plugins" {
		if name = strings.TrimSuffix(path.Base(f.Path), ".php"); name == "hello" {
			name = "hello-dolly" // which WordPress brings; wordpress.org calls it so
		}
	}
	text, err := head(f, maxHead)
	if err != nil {
		return assay.Facts{}, err
	}
	l := listing.New(assay.TypeWordPress)
	if field(text, title) != "" {
		l.Licences(l.Add(name, field(text, "Version")), field(text, "License"))
	}
	return l.Facts()
}

// Core reads the version of WordPress itself.
//
// Format: https://github.com/WordPress/WordPress/blob/master/wp-includes/version.php
type Core struct{}

func (Core) Name() string { return "wordpress" }

func (Core) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/wp-includes/version.php", Scope: assay.ScopeInstalled, MaxSize: maxFile}}
}

var release = regexp.MustCompile(`(?m)^\s*\$wp_version\s*=\s*['"]([0-9][0-9A-Za-z.-]*)['"]`)

// comment finds comments of PHP, and strings, in which there are none.
// https://www.php.net/manual/en/language.basic-syntax.comments.php
var comment = regexp.MustCompile(`(?s)/\*.*?(?:\*/|$)|(?://|#)[^\n]*|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"`)

// uncomment removes a comment and keeps a string.
func uncomment(s string) string {
	if s[0] == '\'' || s[0] == '"' {
		return s
	}
	return ""
}

func (Core) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	text, err := head(f, maxVersion)
	if err != nil {
		return assay.Facts{}, err
	}
	l := listing.New(assay.TypeGeneric)
	m := release.FindStringSubmatch(comment.ReplaceAllStringFunc(text, uncomment))
	if m == nil {
		l.Malformed("WordPress version is missing")
		return l.Facts()
	}
	if i := l.Add("wordpress", m[1]); i >= 0 {
		number, _, _ := strings.Cut(m[1], "-") // "6.4-RC1-56789"
		l.Packages[i].CPEs = []string{"cpe:2.3:a:wordpress:wordpress:" + number + ":*:*:*:*:*:*:*"}
	}
	return l.Facts()
}

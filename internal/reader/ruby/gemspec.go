// Package ruby reads Ruby's gems: the specifications of installed gems, and the lock
// files of Bundler.
package ruby

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxSpec: the longest specifications list some ten thousand files in 1 MB.
const maxSpec = 16 << 20

// Installed reads the specifications of installed gems. RubyGems writes them
// in a fixed way, with a comment on top that says the most important; those
// that others wrote by hand are read as far as they give plain strings, else
// the name of the file tells the version. Gems that Bundler took from a
// repository have theirs, rewritten by Bundler, in their own directory.
//
// Format: https://guides.rubygems.org/specification-reference/; the comment is
// that of Gem::StubSpecification.
type Installed struct{}

func (Installed) Name() string { return "gemspec" }

func (Installed) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, glob := range []string{
		"**/specifications/*.gemspec",
		"**/specifications/*/*.gemspec", // default/, and what distributions add
		"**/bundler/gems/*/*.gemspec",
		"**/bundler/gems/*/*/*.gemspec", // of a repository with several
	} {
		ps = append(ps, assay.Pattern{Glob: glob, Scope: assay.ScopeInstalled, MaxSize: maxSpec})
	}
	return ps
}

func (Installed) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxSpec)
	if err != nil {
		return assay.Facts{}, err
	}
	s := readSpec(b)
	if !s.stub && strings.Contains("/"+f.Path, "/bundler/gems/") {
		return assay.Facts{}, nil // not written by Bundler: a file of the gem's own, for its tests or templates
	}
	s.fromFile(path.Base(f.Path))
	switch {
	case s.name == "" && s.version == "":
		return assay.Facts{}, fmt.Errorf("not a specification of a gem: %w", assay.ErrMalformed)
	case s.name == "":
		return assay.Facts{}, fmt.Errorf("gem name is missing: %w", assay.ErrMalformed)
	}
	l := listing.New(assay.TypeGem)
	l.Licences(l.Add(s.name, s.version), s.licences...)
	return l.Facts()
}

// A spec is what a specification says.
type spec struct {
	name, version string
	licences      []string
	stub          bool // the comment on top is there
}

// An assignment to the gem's attributes: s.name = …; the variable may have any
// name.
var assignment = regexp.MustCompile(`^\s*[a-z_]\w*\.(name|version|licen[sc]es?)\s*=\s*(.*)`)

// stubLine is "# stub: name version platform paths". It may follow other
// comments, which are about the encoding.
const stubLine = "# stub: "

func readSpec(b []byte) (s spec) {
	for head := true; len(b) > 0; {
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		line = bytes.TrimRight(line, "\r")
		head = head && len(line) > 0 && line[0] == '#'
		if head && !s.stub {
			if words := bytes.Fields(bytes.TrimPrefix(line, []byte(stubLine))); bytes.HasPrefix(line, []byte(stubLine)) && len(words) >= 2 {
				s.stub, s.name, s.version = true, string(words[0]), string(words[1])
			}
		}
		// A specification is thousands of names of files in a few lines; most
		// lines are out of the question without a regular expression.
		if i := bytes.IndexByte(line, '.'); i >= 0 && i+1 < len(line) && strings.IndexByte("nvl", line[i+1]) >= 0 && i < 80 {
			s.assign(line, b)
		}
		b = rest
	}
	return s
}

// assign takes an assignment; text begins with its line, and lists may go on
// in the lines after it.
func (s *spec) assign(line, text []byte) {
	at := assignment.FindSubmatchIndex(line)
	if at == nil {
		return
	}
	values := literals(string(text[at[4]:min(len(text), at[4]+maxLicences)]))
	if len(values) == 0 {
		return
	}
	switch line[at[2]] {
	case 'n':
		if s.name == "" {
			s.name = values[0]
		}
	case 'v':
		if s.version == "" {
			s.version = values[0]
		}
	case 'l':
		s.licences = values
	}
}

// maxLicences bounds the text of an assignment that is read.
const maxLicences = 4 << 10

// number is the version that a rest of a file's name begins with.
var number = regexp.MustCompile(`^[0-9]+(?:\.[0-9A-Za-z]+)*`)

// fromFile takes a version that the specification computes from the name of its
// file, "name-version-platform.gemspec".
func (s *spec) fromFile(base string) {
	base = strings.TrimSuffix(base, ".gemspec")
	if rest, ok := strings.CutPrefix(base, s.name+"-"); ok && s.name != "" && s.version == "" {
		s.version = number.FindString(rest)
	}
}

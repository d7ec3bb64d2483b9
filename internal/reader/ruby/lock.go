package ruby

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const (
	maxLock    = 16 << 20 // the largest projects have some 100 kB
	maxGemfile = 4 << 20  // is written by hand
)

// Lock reads the lock files of Bundler: Gemfile.lock, Gemfile.next.lock of
// projects that try two sets of versions, and gems.locked. Gems of the project
// itself, or beside it, are its workspaces. What is for development only comes
// from the groups of the Gemfile beside. The version under BUNDLED WITH is that
// of who wrote the file, and no package.
//
// Format: https://bundler.io/guides/rationale.html, and Bundler::LockfileParser.
type Lock struct{}

func (Lock) Name() string { return "gemfile-lock" }

func (Lock) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, glob := range []string{"**/Gemfile.lock", "**/Gemfile.next.lock", "**/gems.locked"} {
		ps = append(ps, assay.Pattern{Glob: glob, Scope: assay.ScopeDeclared, MaxSize: maxLock})
	}
	return ps
}

func (Lock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if strings.Contains("/"+f.Path, "/vendor/bundle/") {
		return assay.Facts{}, nil // lies in an installed gem
	}
	k := lock{List: listing.New(assay.TypeGem), needs: map[int][]string{}}
	for line, err := range stanza.Lines(limit.Reader(f.Reader(), maxLock)) {
		if err != nil {
			k.Error(err)
			break
		}
		k.line(line)
	}
	if !k.known && k.lines {
		k.Malformed("not a Gemfile.lock: it has no known section")
	}
	dev, err := gemfile(f)
	k.Error(err)
	k.link(dev)
	return k.Facts()
}

// lock is what has been read so far.
type lock struct {
	*listing.List
	section string
	known   bool // some section was one
	lines   bool // there was something
	current int  // the gem whose needs follow; -1 for none
	needs   map[int][]string
	asked   []string
}

// entry is a gem in a section: "    name (1.2.3-platform)", with "!" or a
// checksum after it in some. Versions in lock files have no "-".
var entry = regexp.MustCompile(`^( *)([^\s(!]+)(?: \(([^-)]*)(?:-[^)]*)?\))?(!)?`)

func (k *lock) line(l stanza.Line) {
	text := strings.TrimPrefix(l.Text, "\ufeff")
	if strings.TrimSpace(text) == "" {
		return
	}
	k.lines = true
	if text[0] != ' ' {
		k.section, k.current = text, -1
		switch text {
		case "GEM", "GIT", "PATH", "PLUGIN SOURCE", "PLATFORMS", "DEPENDENCIES", "CHECKSUMS", "RUBY VERSION", "BUNDLED WITH":
			k.known = true
		}
		for _, mark := range []string{"<<<<<<<", "=======", ">>>>>>>"} {
			if strings.HasPrefix(text, mark) {
				k.Malformed("line %d: unresolved merge conflict", l.N)
			}
		}
		return
	}
	m := entry.FindStringSubmatch(text)
	if m == nil {
		return
	}
	switch k.section {
	case "GEM", "GIT", "PATH", "PLUGIN SOURCE":
		switch len(m[1]) {
		case 4:
			k.current = k.Add(m[2], m[3])
			if k.current >= 0 && k.section == "PATH" {
				k.Packages[k.current].Relation = assay.RelationWorkspace
			}
		case 6:
			if k.current >= 0 {
				k.needs[k.current] = append(k.needs[k.current], m[2])
			}
		}
	case "DEPENDENCIES":
		if len(m[1]) == 2 {
			k.asked = append(k.asked, m[2])
		}
	}
}

// link sets what gems need, and what the project asks for: what its Gemfile
// names, and what its own gems need.
func (k *lock) link(dev map[string]bool) {
	of := k.Names(nil)
	var direct, forDev []int
	for _, name := range k.asked {
		if dev[name] {
			forDev = append(forDev, of[name]...)
		} else {
			direct = append(direct, of[name]...)
		}
	}
	for i := range k.Packages {
		for _, name := range k.needs[i] {
			k.Need(i, of[name]...)
			if k.Packages[i].Relation == assay.RelationWorkspace {
				direct = append(direct, of[name]...)
			}
		}
	}
	if k.known {
		k.Mark(direct, forDev)
	}
}

// gemfile tells which gems the Gemfile beside a lock file has in groups for
// development only. A Gemfile is a program; what is not plain in it counts as
// needed.
func gemfile(f *assay.File) (map[string]bool, error) {
	name := map[string]string{"gems.locked": "gems.rb"}[path.Base(f.Path)]
	if name == "" {
		name = "Gemfile"
	}
	b, err := f.Sibling(name, maxGemfile)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return groups(string(b)), nil
}

var (
	groupStart = regexp.MustCompile(`^group[ (]+(.*?)\)?\s+do\b`)
	blockStart = regexp.MustCompile(`^(if|unless|case|while|until|begin|def|class|module|for)\b|\bdo\b(\s*\|[^|]*\|)?$`)
	gemLine    = regexp.MustCompile(`^gem[ (]+["']([^"']+)["'](.*)$`)
	gemGroups  = regexp.MustCompile(`(?:\bgroups?:|:groups?\s*=>)\s*(\[[^\]]*\]|[:"'][\w"']+)`)
	symbol     = regexp.MustCompile(`\w+`)
)

// groups tells by name which gems are in groups for development only.
func groups(text string) map[string]bool {
	dev := map[string]bool{}
	var open []bool // blocks around the line: whether each is such a group
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if i := strings.Index(line, " #"); i >= 0 {
			line = strings.TrimSpace(line[:i])
		}
		inside := len(open) > 0 && open[len(open)-1]
		if m := groupStart.FindStringSubmatch(line); m != nil {
			open = append(open, inside || forDev(m[1]))
			continue
		}
		if m := gemLine.FindStringSubmatch(line); m != nil {
			isDev := inside
			if g := gemGroups.FindStringSubmatch(m[2]); g != nil {
				isDev = forDev(g[1])
			}
			before, known := dev[m[1]]
			dev[m[1]] = isDev && (!known || before)
			continue
		}
		switch {
		case line == "end" || strings.HasPrefix(line, "end "):
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case blockStart.MatchString(line):
			open = append(open, inside)
		}
	}
	return dev
}

// forDev reports whether groups, ":development, :test", are all for
// development.
func forDev(list string) bool {
	names := symbol.FindAllString(list, -1)
	for _, n := range names {
		switch n {
		case "development", "test", "dev", "tests", "lint", "rubocop", "optional", "true":
		default:
			return false
		}
	}
	return len(names) > 0
}

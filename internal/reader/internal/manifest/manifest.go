// Package manifest reads manifests that no lock file goes with. It has the one rule for
// all of them: what a manifest pins exactly is a package, and that the rest of what the
// project needs is unknown is a gap.
package manifest

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const (
	// MaxSize bounds a manifest, which is written by hand: the largest known have
	// some hundred kilobytes.
	MaxSize = 4 << 20
	// maxAbove bounds the directories above a manifest in which the lock file of a
	// workspace is looked for.
	maxAbove = 16
)

// A Kind is a kind of manifest.
type Kind struct {
	Type string // of its packages, see package assay

	// Locks are the files that pin what the manifest asks for, relative to its
	// directory. "*" in the last component stands for anything.
	Locks []string

	// Covers reports whether a project in a directory above, "../..", has the
	// manifest's directory as one of its parts, called dir there: "apps/web". Its
	// lock file is then the manifest's, too. Nil means never.
	Covers func(p *Project, up, dir string) bool

	// Ask reads what the manifest asks for.
	Ask func(p *Project) error

	// Asks matches where a manifest that is a program asks for packages, so that
	// it is a gap where Ask understands nothing of it.
	Asks *regexp.Regexp
}

// A Project is a manifest, and what it asks for.
type Project struct {
	*listing.List
	File *assay.File
	Text string // of the manifest

	seen     map[string]bool
	open     []string // what has no exact version
	computed bool
	read     bool // what it computes is in files that are read
}

// Read reads a manifest. Where a lock file pins what it asks for, or it asks for
// nothing, there are no facts.
func (k Kind) Read(f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), MaxSize)
	if err != nil {
		return assay.Facts{}, err
	}
	text := strings.ToValidUTF8(strings.TrimPrefix(string(b), "\ufeff"), "\ufffd")
	p := &Project{List: listing.New(k.Type), File: f, Text: text, seen: map[string]bool{}}
	if k.locked(p) {
		return assay.Facts{}, nil
	}
	p.Error(k.Ask(p))
	if len(p.seen) == 0 && !p.read && k.Asks != nil && k.Asks.MatchString(text) {
		p.computed = true
	}
	p.Error(p.gap())
	return p.Facts()
}

// Locked reports whether a lock file beside a manifest, or above it, pins what it asks
// for.
func (k Kind) Locked(f *assay.File) bool { return k.locked(&Project{File: f}) }

func (k Kind) locked(p *Project) bool {
	if k.lockIn(p.File, ".") {
		return true
	}
	up, dir := ".", path.Dir(p.File.Path)
	for n := 0; k.Covers != nil && n < maxAbove && dir != "."; n++ {
		up, dir = path.Join(up, ".."), path.Dir(dir)
		own := strings.TrimPrefix(strings.TrimPrefix(path.Dir(p.File.Path), dir), "/")
		if dir == "." {
			own = path.Dir(p.File.Path)
		}
		if k.Covers(p, up, own) && k.lockIn(p.File, up) {
			return true
		}
	}
	return false
}

// lockIn reports whether a directory, relative to the manifest's, has one of the lock
// files.
func (k Kind) lockIn(f *assay.File, dir string) bool {
	for _, name := range k.Locks {
		if Exists(f, path.Join(dir, name)) {
			return true
		}
	}
	return false
}

// Exists reports whether a file is at name relative to f's directory; "*" in its last
// component stands for anything.
func Exists(f *assay.File, name string) bool {
	dir, base := path.Split(name)
	if !strings.Contains(base, "*") {
		_, err := f.Sibling(name, 1) // too large is there, too
		return err == nil || !errors.Is(err, assay.ErrNotFound)
	}
	p := path.Join(path.Dir(f.Path), dir)
	if f.List == nil || p == ".." || strings.HasPrefix(p, "../") {
		return false
	}
	names, err := f.List(p)
	if err != nil {
		return false
	}
	for _, n := range names {
		if ok, _ := path.Match(base, n); ok {
			return true
		}
	}
	return false
}

// Ask notes that the project asks for a package at an exact version, or "" where it
// allows several, and returns the package's index; -1 where there is none.
func (p *Project) Ask(name, version string, dev bool) int {
	first := !p.seen[name]
	p.seen[name] = true
	if version == "" || strings.ContainsAny(name+version, "${}") {
		if first {
			p.open = append(p.open, name)
		}
		return -1
	}
	i := p.AddDev(name, version, dev)
	if i >= 0 {
		p.Packages[i].Relation = assay.RelationDirect
	}
	return i
}

// Computed notes that the project computes what it asks for, or that it says so in
// another file that is not read.
func (p *Project) Computed() { p.computed = true }

// Elsewhere notes that what the project computes is in a file that is read for itself.
func (p *Project) Elsewhere() { p.read = true }

// gap is what cannot be known of a project without a lock file; nil where it asks for
// nothing.
func (p *Project) gap() error {
	slices.Sort(p.open)
	all, what := len(p.seen), ""
	switch {
	case all == 0 && !p.computed:
		return nil
	case all == 0:
		what = "it computes what it asks for"
	case len(p.open) > 0:
		what = fmt.Sprintf("%d of %d requirements allow several versions: %s", len(p.open), all, listing.Some(p.open))
	case all == 1:
		what = "what the package that it asks for needs in turn is unknown"
	default:
		what = fmt.Sprintf("what the %d packages that it asks for need in turn is unknown", all)
	}
	if all > 0 && p.computed {
		what += "; more is computed"
	}
	return fmt.Errorf("no lock file: %s: %w", what, assay.ErrUnsupported)
}

// Unlocked is Read's gap for readers that read a manifest in ways of their own: it adds
// to facts that the n packages of a project need others that nothing lists.
func (k Kind) Unlocked(f *assay.File, n int, err error) error {
	if n == 0 || k.Locked(f) {
		return err
	}
	p := Project{seen: map[string]bool{}}
	for i := range n {
		p.seen[fmt.Sprint(i)] = true
	}
	return errors.Join(err, p.gap())
}

// Lines yields the lines of a program without comments, which begin with one of marks
// outside of quotes; "/*" among the marks stands for those that end with "*/".
func Lines(text string, marks ...string) []string {
	var out []string
	inside := false
	for line := range strings.SplitSeq(text, "\n") {
		out = append(out, uncomment(strings.TrimRight(line, "\r"), marks, &inside))
	}
	return out
}

func uncomment(line string, marks []string, inside *bool) string {
	var b strings.Builder
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case *inside:
			if strings.HasPrefix(line[i:], "*/") {
				*inside = false
				i++
			}
			continue
		case quote != 0:
			if c == '\\' && i+1 < len(line) {
				b.WriteByte(c)
				i++
				c = line[i]
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		default:
			for _, m := range marks {
				if !strings.HasPrefix(line[i:], m) {
					continue
				}
				if m != "/*" {
					return b.String()
				}
				*inside = true
			}
			if *inside {
				i++
				continue
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}

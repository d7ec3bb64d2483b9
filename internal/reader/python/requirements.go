package python

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/manifest"
)

const (
	// maxRequirements: with hashes a line has some ten kilobytes at most.
	maxRequirements = 16 << 20
	// maxIncludes bounds the files that one file includes, those in turn
	// included among them, maxIncluded how deep, maxMore after how many bytes no other is read.
	maxIncludes, maxIncluded, maxMore = 100, 10, 16 << 20
)

// Requirements reads requirements files. It reports what is pinned to one
// version, by "==", by a constraints file or by the name of a wheel; the rest is
// told in one error. Whether a file is for development its name may hint, but
// the format does not tell.
//
// Format: https://pip.pypa.io/en/stable/reference/requirements-file-format/
type Requirements struct{}

func (Requirements) Name() string { return "requirements" }

func (Requirements) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/*requirements*.txt", Scope: assay.ScopeDeclared, MaxSize: maxRequirements},
		{Glob: "**/requirements/*.txt", Scope: assay.ScopeDeclared, MaxSize: maxRequirements},
	}
}

// isRequirements reports whether a file is read for itself.
func isRequirements(file string) bool {
	dir, base := path.Split(file)
	return strings.HasSuffix(base, ".txt") && (strings.Contains(base, "requirements") || path.Base(dir) == "requirements")
}

func (Requirements) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxRequirements)
	if err != nil {
		return assay.Facts{}, err
	}
	r := asked{list: newList(assay.TypePyPI), f: f, pins: map[string]string{}, got: map[string]bool{}}
	r.read("", text(b), 0, false)
	r.settle()
	return r.Facts()
}

// asked is what a requirements file asks for, with those that it includes.
type asked struct {
	*list
	f    *assay.File
	pins map[string]string // versions that constraints allow, by name
	open []string          // what names no version itself
	got  map[string]bool   // included files
	more int               // their bytes
}

// read reads the text of an included file, named relative to f's directory, or of
// f itself. A constraint asks for nothing, it only says which version.
func (r *asked) read(file, text string, depth int, constraint bool) {
	for n, line := range logical(text) {
		err := r.line(path.Dir(file), line, depth, constraint)
		switch {
		case err != nil && file != "":
			r.Error(fmt.Errorf("%s: line %d: %w", file, n, err))
		case err != nil:
			r.Error(fmt.Errorf("line %d: %w", n, err))
		}
	}
}

func (r *asked) line(dir, line string, depth int, constraint bool) error {
	switch {
	case line == "":
		return nil
	case line[0] == '-':
		return r.option(dir, line, depth, constraint)
	case isAddress(line):
		return r.address(dir, line)
	}
	s, err := parse(line)
	switch {
	case err != nil:
		return err
	case constraint:
		if s.pin != "" {
			r.pins[normal(s.name)] = s.pin
		}
	case s.pin != "":
		r.Add(s.name, s.pin)
	default:
		r.open = append(r.open, s.name)
	}
	return nil
}

// option follows what is included; other options say nothing of packages.
func (r *asked) option(dir, line string, depth int, constraint bool) error {
	for _, o := range []struct {
		names      []string
		constraint bool
	}{{[]string{"--requirement", "-r"}, constraint}, {[]string{"--constraint", "-c"}, true}} {
		for _, name := range o.names {
			arg, ok := strings.CutPrefix(line, name)
			if !ok || len(name) > 2 && arg != "" && !strings.ContainsRune(" \t=", rune(arg[0])) {
				continue
			}
			arg = strings.Trim(strings.TrimLeft(arg, " \t="), `"' `+"\t")
			return r.include(dir, arg, depth, o.constraint)
		}
	}
	for _, name := range []string{"--editable", "-e"} {
		if arg, ok := strings.CutPrefix(line, name); ok {
			return r.address(dir, strings.TrimLeft(arg, " \t="))
		}
	}
	return nil
}

func (r *asked) include(dir, name string, depth int, constraint bool) error {
	file := path.Join(dir, name)
	whole := path.Join(path.Dir(r.f.Path), file)
	key := fmt.Sprint(constraint, whole)
	switch {
	case name == "" || r.got[key]:
		return nil
	case strings.Contains(name, "://") || path.IsAbs(name):
		return fmt.Errorf("includes %.200s, which is not read: %w", name, assay.ErrUnsupported)
	case !constraint && isRequirements(whole):
		if !manifest.Exists(r.f, file) {
			return missing(name)
		}
		return nil // read for itself
	}
	if depth == maxIncluded || len(r.got) == maxIncludes || r.more >= maxMore {
		return fmt.Errorf("%s: too many included files; not read: %w", name, assay.ErrTooLarge)
	}
	r.got[key] = true
	b, err := r.f.Sibling(file, maxRequirements)
	if errors.Is(err, assay.ErrNotFound) {
		return missing(name)
	}
	if err != nil {
		return err
	}
	r.more += len(b)
	r.read(file, text(b), depth+1, constraint)
	return nil
}

// missing is the error for an included file that cannot be read.
func missing(name string) error {
	return fmt.Errorf("includes %.200s, which is missing or outside of the scanned directory: %w", name, assay.ErrUnsupported)
}

// isAddress reports whether a line names a place instead of a package.
func isAddress(line string) bool {
	word := line
	if i := strings.IndexAny(line, " \t;"); i >= 0 {
		word = line[:i]
	}
	if i := strings.IndexAny(word, "@=<>!~["); i >= 0 && !strings.Contains(word[:i], "/") && nameLen(word[:i]) == i && i > 0 {
		return false // "name@https://…", "name==1"
	}
	return strings.Contains(word, "/") || strings.HasPrefix(word, ".") || strings.HasSuffix(word, ".whl")
}

// address notes a package that comes from an address. A directory is a part of
// the project itself, and read for itself unless it lies outside of what is scanned.
func (r *asked) address(dir, line string) error {
	word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
	if name, version, ok := artifact(word, ""); ok {
		r.Add(name, version)
		return nil
	}
	address, fragment, _ := strings.Cut(word, "#")
	for part := range strings.SplitSeq(fragment, "&") {
		if egg, ok := strings.CutPrefix(part, "egg="); ok {
			egg, _, _ = strings.Cut(egg, "[")
			if validName(egg) {
				r.Add(egg, ofTag(word))
				return nil
			}
		}
	}
	if strings.Contains(address, "://") && !strings.HasPrefix(address, "file:") {
		r.NoVersion(address)
		return nil
	}
	place, _, _ := strings.Cut(strings.TrimPrefix(address, "file:"), "[")
	place = strings.TrimPrefix(place, "//")
	whole := path.Join(path.Dir(r.f.Path), dir, place)
	if path.IsAbs(place) || whole == ".." || strings.HasPrefix(whole, "../") {
		return fmt.Errorf("asks for the project in %.200s, which is outside of the scanned directory: %w", place, assay.ErrUnsupported)
	}
	return nil
}

// settle gives what names no version the one that a constraint allows.
func (r *asked) settle() {
	named := r.Names(normal)
	for _, name := range r.open {
		if len(named[normal(name)]) == 0 || r.pins[normal(name)] != "" {
			r.Add(name, r.pins[normal(name)])
		}
	}
}

// logical yields the lines of a file by the number of the first of each, with
// continuations joined and comments cut off, as pip does.
func logical(text string) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
		var joined strings.Builder
		first, n := 1, 0
		for line := range strings.SplitSeq(text, "\n") {
			n++
			comment := strings.HasPrefix(strings.TrimSpace(line), "#")
			if comment {
				line = " " + line
			}
			if part, ok := strings.CutSuffix(line, `\`); ok && !comment {
				joined.WriteString(part)
				continue
			}
			joined.WriteString(line)
			if !yield(first, uncomment(joined.String())) {
				return
			}
			joined.Reset()
			first = n + 1
		}
		if joined.Len() > 0 {
			yield(first, uncomment(joined.String()))
		}
	}
}

// uncomment cuts a comment off: "#" at the start or behind a blank.
func uncomment(line string) string {
	for i := range len(line) {
		if line[i] == '#' && (i == 0 || line[i-1] == ' ' || line[i-1] == '\t') {
			line = line[:i]
			break
		}
	}
	return strings.TrimSpace(line)
}

// Package location finds the lines on which a lock file or a manifest lists packages.
//
// It knows three syntaxes: JSON, XML, and text in which indentation or a heading in
// brackets makes blocks (YAML, TOML, HCL, yarn.lock, Gemfile.lock, requirements.txt, …).
// An entry is an object, an element or a block with the name of a package and its
// version, or one text with both. A line is only given where one entry alone can be
// meant.
package location

import (
	"bytes"
	"strings"

	"github.com/assaysec/assay"
)

const (
	maxDepth  = 200 // open objects; what is deeper has no position
	maxValues = 64  // values of an object that are compared
	maxSame   = 64  // packages of one name that have a position
)

// Locate sets Line of the packages in content.
func Locate(content []byte, packages []assay.Package) {
	f := finder{packages: packages, byName: make(map[string][]int, len(packages)), found: make([]place, len(packages))}
	for i := range packages {
		if name := fold(packages[i].Name); len(f.byName[name]) < maxSame {
			f.byName[name] = append(f.byName[name], i)
		}
	}
	text := bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	switch first := bytes.TrimLeft(text, " \t\r\n"); {
	case bytes.HasPrefix(first, []byte("{")), bytes.HasPrefix(first, []byte("[\n")):
		readJSON(text, &f)
	case bytes.HasPrefix(first, []byte("<")):
		readXML(text, &f)
	default:
		readText(text, &f)
	}
	for i := range packages {
		if p := f.found[i]; p.rank >= pairOfText || p.count == 1 {
			packages[i].Line = p.line
		}
	}
}

// How certain a place is. Places with the name alone count only where there is one.
const (
	nameOfText   = 1 + iota // a text has the name
	nameOfObject            // an object has the name
	pairOfText              // a text, or a member and its value, have name and version
	pairOfObject            // an object has the name and the version
)

// A place is the best that was found of a package.
type place struct {
	rank, line, count int
}

// A finder compares what a syntax yields with the packages.
type finder struct {
	packages []assay.Package
	byName   map[string][]int // indexes by folded names
	found    []place
	stack    []object
	deeper   int // objects that are open beyond maxDepth
}

// An object is an object, element or block that is open.
type object struct {
	key    string
	line   int
	names  []member // values that may be names
	values []string // values that may be versions
}

type member struct {
	key, value string
	line       int
}

// fold makes names equal that some ecosystems hold for equal.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == '_' || r == '.':
			return '-'
		}
		return r
	}, name)
}

// open begins an object; key is "" for an element of a list.
func (f *finder) open(key string, line int) {
	if len(f.stack) == maxDepth {
		f.deeper++
		return
	}
	f.stack = append(f.stack, object{key: key, line: line})
}

// close ends the object that was opened last.
func (f *finder) close() {
	if f.deeper > 0 {
		f.deeper--
		return
	}
	if len(f.stack) == 0 {
		return
	}
	o := &f.stack[len(f.stack)-1]
	f.stack = f.stack[:len(f.stack)-1]
	f.entry(o.key, o.line, o.values, nameOfObject, pairOfObject)
	group := ""
	for _, m := range o.names {
		switch m.key {
		case "groupId", "group":
			group = m.value
		}
	}
	for _, m := range o.names {
		f.entry(m.value, m.line, o.values, nameOfObject, pairOfObject)
		if group != "" {
			f.entry(group+":"+m.value, m.line, o.values, nameOfObject, pairOfObject)
		}
	}
}

// nameKeys are the keys of members that name what their object is.
var nameKeys = map[string]bool{
	"name": true, "package": true, "identity": true, "module": true, "id": true, "include": true, "update": true, "artifactid": true, "artifact": true,
	"groupid": true, "group": true, "coord": true, "location": true, "repositoryurl": true, "conda": true, "pypi": true, "lib": true, "ref": true, "sourcefile": true,
}

// pair is a member of the open object with a text as its value.
func (f *finder) pair(key, value string, line int) {
	if len(f.stack) > 0 && f.deeper == 0 {
		o := &f.stack[len(f.stack)-1]
		if len(o.values) < maxValues {
			o.values = append(o.values, value)
		}
		if nameKeys[strings.ToLower(key)] && len(o.names) < maxValues {
			o.names = append(o.names, member{key, value, line})
		}
	}
	f.entry(key, line, []string{value}, nameOfText, pairOfText)
	f.text(value, line)
}

// text is a text that may have both a name and a version.
func (f *finder) text(value string, line int) {
	words := strings.FieldsFunc(value, isBetween)
	if len(words) > maxValues {
		words = words[:maxValues]
	}
	for _, w := range words {
		f.entry(w, line, words, nameOfText, pairOfText)
	}
}

// isBetween reports whether a character is neither of a name nor of a version.
func isBetween(r rune) bool {
	switch r {
	case ' ', '\t', '"', '\'', '`', '(', ')', '[', ']', '{', '}', '<', '>', '=', ',', ';', '~', '^', '!', '#', '|':
		return true
	}
	return false
}

// entry compares one entry: a text with a name in it, and what may be its version.
func (f *finder) entry(text string, line int, values []string, name, pair int) {
	for n, version := range readings(text) {
		for _, i := range f.byName[fold(n)] {
			p := &f.packages[i]
			rank := name
			if isVersion(version, p.Version) {
				rank = pair
			}
			for _, v := range values {
				if isVersion(v, p.Version) {
					rank = pair
					break
				}
			}
			f.found[i].take(rank, line)
		}
	}
}

// take notes a place, if it is better than what there is. Of equal ones the first counts.
func (p *place) take(rank, line int) {
	switch {
	case rank > p.rank:
		*p = place{rank, line, 1}
	case rank == p.rank && line != p.line:
		p.count++
	}
}

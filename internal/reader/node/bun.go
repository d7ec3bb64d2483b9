package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// Bun reads bun.lock. The binary bun.lockb of before Bun 1.2 is told as one
// that is not read, unless bun.lock lies beside it.
//
// Format: https://bun.com/docs/pm/lockfile
type Bun struct{}

func (Bun) Name() string { return "bun-lock" }

func (Bun) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/bun.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock},
		{Glob: "**/bun.lockb", Scope: assay.ScopeDeclared, MaxSize: maxLock},
	}
}

type bunLock struct {
	Workspaces map[string]*struct {
		Name         string                     `json:"name"`
		Version      string                     `json:"version"`
		Dependencies map[string]json.RawMessage `json:"dependencies"`
		Optional     map[string]json.RawMessage `json:"optionalDependencies"`
		Peer         map[string]json.RawMessage `json:"peerDependencies"`
		Dev          map[string]json.RawMessage `json:"devDependencies"`
	} `json:"workspaces"`
	// By the name that it is imported by, behind the names of those in whose
	// node_modules directories it lies: "parent/@scope/name".
	Packages map[string][]json.RawMessage `json:"packages"`
}

func (Bun) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if strings.HasSuffix(f.Path, ".lockb") {
		if _, err := f.Sibling("bun.lock", maxLock); !errors.Is(err, assay.ErrNotFound) {
			return assay.Facts{}, nil
		}
		return assay.Facts{}, fmt.Errorf("binary lock files are unsupported: convert it with `bun install --save-text-lockfile`: %w", assay.ErrUnsupported)
	}
	b, err := limit.ReadAll(f.Reader(), maxLock)
	if err != nil {
		return assay.Facts{}, err
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		return assay.Facts{}, nil
	}
	l := newList()
	var doc bunLock
	if err := listing.JSON(plain(b), &doc); err != nil {
		if doc.Packages == nil {
			return assay.Facts{}, err
		}
		l.Error(err)
	}
	bun := bun{list: l, doc: &doc, inside: map[string]map[string]int{}, dirs: map[string][]map[string]json.RawMessage{}}
	bun.add()
	bun.link()
	l.licences(f, hoisted)
	return l.Facts()
}

// bun is the packages of a bun.lock.
type bun struct {
	list
	doc *bunLock
	// Packages by name, by the key of what has the node_modules directory, "" for
	// the project; -1 for what is none.
	inside map[string]map[string]int
	dirs   map[string][]map[string]json.RawMessage // what directories ask for, by their keys
}

func (b *bun) add() {
	for _, key := range slices.Sorted(maps.Keys(b.doc.Packages)) {
		dir, name := cutKey(key)
		if b.inside[dir] == nil {
			b.inside[dir] = map[string]int{}
		}
		if len(b.doc.Packages[key]) == 0 { // null
			b.NoVersion(name)
		}
		b.inside[dir][name] = b.entry(b.doc.Packages[key])
	}
	if root := b.doc.Workspaces[""]; root != nil && root.Name != "" && root.Version != "" {
		b.local(root.Name, root.Version, assay.RelationRoot)
	}
}

// entry adds the package of an entry; -1 when it is none.
func (b *bun) entry(fields []json.RawMessage) int {
	if len(fields) == 0 {
		return -1
	}
	spec, _ := str(fields[0])
	name, from := cutSpec(spec)
	if place, ok := strings.CutPrefix(from, "workspace:"); ok {
		if w := b.doc.Workspaces[place]; w != nil && w.Version != "" {
			return b.local(name, w.Version, assay.RelationWorkspace)
		}
		return -1
	}
	if strings.HasPrefix(from, "link:") || from == "root:" {
		return -1
	}
	version := strings.TrimPrefix(from, "npm:")
	if strings.ContainsAny(version, ":/#") {
		if version = tarball(from, name); version == "" && strings.HasPrefix(from, "file:") {
			return -1 // a directory of the project
		}
	}
	return b.Add(name, version)
}

func (b *bun) local(name, version string, r assay.Relation) int {
	i := b.Add(name, version)
	if i >= 0 {
		b.Packages[i].Relation = r
	}
	return i
}

// maxFields bounds those of an entry that are looked at; there are four.
const maxFields = 8

func (b *bun) link() {
	for key, fields := range b.doc.Packages {
		dir, name := cutKey(key)
		for _, field := range fields[:min(len(fields), maxFields)] {
			var needs struct {
				Dependencies map[string]json.RawMessage `json:"dependencies"`
				Optional     map[string]json.RawMessage `json:"optionalDependencies"`
				Peer         map[string]json.RawMessage `json:"peerDependencies"`
			}
			if field[0] != '{' || json.Unmarshal(field, &needs) != nil {
				continue
			}
			if b.inside[dir][name] < 0 {
				b.dirs[key] = []map[string]json.RawMessage{needs.Dependencies, needs.Optional, needs.Peer}
			}
			b.Need(b.inside[dir][name], b.found(key, needs.Dependencies, needs.Optional, needs.Peer)...)
		}
	}
	b.mark()
}

// mark says what the project asks for: itself, its workspaces, and through directories
// that are no packages themselves.
func (b *bun) mark() {
	var direct, dev []int
	for place, w := range b.doc.Workspaces {
		if w == nil {
			continue
		}
		from := w.Name
		if place == "" {
			from = ""
		}
		asked := b.reach(from, w.Dependencies, w.Optional, w.Peer)
		direct, dev = append(direct, asked...), append(dev, b.reach(from, w.Dev)...)
		b.Need(b.Find(w.Name, w.Version), asked...)
	}
	if len(direct)+len(dev) > 0 {
		b.Mark(direct, dev)
	}
}

// found are the packages that names mean inside the package of a key, -1 for
// none.
func (b *bun) found(key string, tables ...map[string]json.RawMessage) (is []int) {
	var near []map[string]int // nearest first
	for range maxNested {
		if key == "" {
			break
		}
		if in := b.inside[key]; in != nil {
			near = append(near, in)
		}
		key, _ = cutKey(key)
	}
	near = append(near, b.inside[""])
	for _, t := range tables {
		for name := range t {
			if b.Enough() {
				return is
			}
			is = append(is, findIn(near, name))
		}
	}
	return is
}

// reach is found, and what directories among the found ask for in turn.
func (b *bun) reach(key string, tables ...map[string]json.RawMessage) (is []int) {
	type asks struct {
		key    string
		tables []map[string]json.RawMessage
	}
	todo, seen := []asks{{key, tables}}, map[string]bool{}
	for len(todo) > 0 && !b.Enough() {
		at := todo[0]
		todo = todo[1:]
		is = append(is, b.found(at.key, at.tables...)...)
		for _, t := range at.tables {
			for name := range t {
				for _, next := range []string{at.key + "/" + name, name} {
					if of, ok := b.dirs[next]; ok && !seen[next] {
						seen[next] = true
						todo = append(todo, asks{next, of})
						break
					}
				}
			}
		}
	}
	return is
}

func findIn(near []map[string]int, name string) int {
	for _, in := range near {
		if i, ok := in[name]; ok {
			return i
		}
	}
	return -1
}

// cutKey cuts the last name of a key off, which may have a scope.
func cutKey(key string) (dir, name string) {
	cut := strings.LastIndexByte(key, '/')
	if up := strings.LastIndexByte(key[:max(cut, 0)], '/'); cut > 0 && key[up+1] == '@' {
		cut = up
	}
	return key[:max(cut, 0)], key[cut+1:]
}

// plain makes JSON of JSON with comments and with commas in front of closing
// brackets. It writes blanks over them, so that offsets stay.
func plain(b []byte) []byte {
	b = slices.Clone(b)
	comma := -1 // of which nothing but blanks follows so far
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == '"':
			if i = quoted(b, i); i < 0 {
				return b
			}
			comma = -1
			continue
		case c == '/' && i+1 < len(b) && (b[i+1] == '/' || b[i+1] == '*'):
			i = erase(b, i)
			continue
		case c == ',':
			comma = i
		case (c == '}' || c == ']') && comma >= 0:
			b[comma], comma = ' ', -1
		case c != ' ' && c != '\n' && c != '\r' && c != '\t':
			comma = -1
		}
		i++
	}
	return b
}

// erase blanks out the comment at i and returns the index behind it.
func erase(b []byte, i int) int {
	end := len(b)
	if b[i+1] == '/' {
		if n := bytes.IndexByte(b[i:], '\n'); n >= 0 {
			end = i + n
		}
	} else if n := bytes.Index(b[i+2:], []byte("*/")); n >= 0 {
		end = i + 2 + n + 2
	}
	for ; i < end; i++ {
		if b[i] != '\n' {
			b[i] = ' '
		}
	}
	return end
}

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
	"github.com/assaysec/assay/internal/limit"
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
	// node_modules folders it lies: "parent/@scope/name".
	Packages map[string][]json.RawMessage `json:"packages"`
}

func (Bun) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if inModules(f.Path) {
		return assay.Facts{}, nil
	}
	if strings.HasSuffix(f.Path, ".lockb") {
		if _, err := f.Beside("bun.lock", maxLock); !errors.Is(err, assay.ErrNotFound) {
			return assay.Facts{}, nil
		}
		return assay.Facts{}, fmt.Errorf("the binary form, of which `bun install --save-text-lockfile` makes a text: %w", assay.ErrUnsupported)
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
	if err := parseJSON(plain(b), &doc); err != nil {
		if doc.Packages == nil {
			return assay.Facts{}, err
		}
		l.errs.Add(err)
	}
	bun := bun{list: l, doc: &doc, at: map[string]int{}}
	bun.add()
	bun.link()
	l.licences(f, hoisted)
	return l.facts()
}

// bun is the packages of a bun.lock.
type bun struct {
	*list
	doc *bunLock
	at  map[string]int // by key; -1 for what is no package
}

func (b *bun) add() {
	for _, key := range slices.Sorted(maps.Keys(b.doc.Packages)) {
		b.at[key] = -1
		fields := b.doc.Packages[key]
		if len(fields) == 0 {
			continue
		}
		spec, _ := str(fields[0])
		name, from := cutSpec(spec)
		if place, ok := strings.CutPrefix(from, "workspace:"); ok {
			if w := b.doc.Workspaces[place]; w != nil && w.Version != "" {
				b.at[key] = b.local(name, w.Version, assay.RelationWorkspace)
			}
			continue
		}
		if strings.HasPrefix(from, "link:") || from == "root:" {
			continue
		}
		version := strings.TrimPrefix(from, "npm:")
		if strings.ContainsAny(version, ":/#") {
			if version = tarball(from, name); version == "" && strings.HasPrefix(from, "file:") {
				continue // a folder of the project
			}
		}
		b.at[key] = b.list.add(name, version)
	}
	if root := b.doc.Workspaces[""]; root != nil && root.Name != "" && root.Version != "" {
		b.local(root.Name, root.Version, assay.RelationRoot)
	}
}

func (b *bun) local(name, version string, r assay.Relation) int {
	i := b.list.add(name, version)
	if i >= 0 {
		b.ps[i].Relation = r
	}
	return i
}

func (b *bun) link() {
	for key, fields := range b.doc.Packages {
		for _, field := range fields {
			var needs struct {
				Dependencies map[string]json.RawMessage `json:"dependencies"`
				Optional     map[string]json.RawMessage `json:"optionalDependencies"`
				Peer         map[string]json.RawMessage `json:"peerDependencies"`
			}
			if field[0] != '{' || json.Unmarshal(field, &needs) != nil {
				continue
			}
			for _, i := range b.found(key, needs.Dependencies, needs.Optional, needs.Peer) {
				b.need(b.at[key], i)
			}
		}
	}
	var direct, dev []int
	for place, w := range b.doc.Workspaces {
		if w == nil {
			continue
		}
		from := w.Name
		if place == "" {
			from = ""
		}
		asked := b.found(from, w.Dependencies, w.Optional, w.Peer)
		direct, dev = append(direct, asked...), append(dev, b.found(from, w.Dev)...)
		if i, ok := b.list.at[w.Name+"@"+w.Version]; ok {
			for _, other := range asked {
				b.need(i, other)
			}
		}
	}
	if len(direct)+len(dev) > 0 {
		b.mark(direct, dev)
	}
}

// found are the packages that names mean inside the package of a key.
func (b *bun) found(key string, tables ...map[string]json.RawMessage) (is []int) {
	for _, t := range tables {
		for name := range t {
			if i := b.find(key, name); i >= 0 {
				is = append(is, i)
			}
		}
	}
	return is
}

func (b *bun) find(key, name string) int {
	for range maxNested {
		if key == "" {
			break
		}
		if i, ok := b.at[key+"/"+name]; ok {
			return i
		}
		cut := strings.LastIndexByte(key, '/')
		if cut > 0 && key[strings.LastIndexByte(key[:cut], '/')+1] == '@' {
			cut = strings.LastIndexByte(key[:cut], '/') // the last name has a scope
		}
		key = key[:max(cut, 0)]
	}
	if i, ok := b.at[name]; ok {
		return i
	}
	return -1
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

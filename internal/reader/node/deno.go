package node

import (
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

// Deno reads what deno.lock, versions 2 to 5, has of npm's and of JSR's packages. All that
// the project or a module from elsewhere asks for counts as asked for directly.
//
// Format: https://docs.deno.com/runtime/fundamentals/modules/#integrity-checking-and-lock-files
type Deno struct{}

func (Deno) Name() string { return "deno-lock" }

func (Deno) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/deno.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

// denoPackages is the part that has packages, "name@1.0.0_peer@2.0.0" by key.
// Since version 4 it is the document itself, in version 3 its "packages", in
// version 2 its "npm".
type denoPackages struct {
	Specifiers map[string]string     `json:"specifiers"`
	NPM        map[string]*denoEntry `json:"npm"`
	JSR        map[string]*denoEntry `json:"jsr"`
	Packages   map[string]*denoEntry `json:"packages"` // version 2
}

type denoEntry struct {
	Dependencies json.RawMessage `json:"dependencies"` // keys by name; since version 4 a list of "name" or keys
	Optional     json.RawMessage `json:"optionalDependencies"`
}

func (Deno) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxLock)
	if err != nil {
		return assay.Facts{}, err
	}
	var doc struct {
		Version    json.RawMessage   `json:"version"`
		Specifiers map[string]string `json:"specifiers"`
		Packages   json.RawMessage   `json:"packages"`
		NPM        json.RawMessage   `json:"npm"`
		JSR        json.RawMessage   `json:"jsr"`
	}
	if err := listing.JSON(b, &doc); err != nil {
		return assay.Facts{}, err
	}
	in := denoPackages{Specifiers: doc.Specifiers}
	var parts []error
	switch version := strings.Trim(string(doc.Version), `"`); {
	case doc.Packages != nil:
		parts = append(parts, listing.JSON(doc.Packages, &in))
	case doc.NPM == nil:
	case version == "2":
		parts = append(parts, listing.JSON(doc.NPM, &in))
		in.NPM = in.Packages
	default:
		parts = append(parts, listing.JSON(doc.NPM, &in.NPM))
	}
	l := newList()
	for _, err := range parts {
		if err != nil {
			l.Error(fmt.Errorf("npm: %w", err))
		}
	}
	if doc.JSR != nil && doc.Packages == nil {
		if err := listing.JSON(doc.JSR, &in.JSR); err != nil {
			l.Error(fmt.Errorf("jsr: %w", err))
		}
	}
	d := deno{list: l, at: map[string]int{}, named: map[string][]int{}}
	d.add(in)
	facts, err := l.Facts()
	more, err2 := jsr(in)
	facts.Packages = append(facts.Packages, more.Packages...)
	return facts, errors.Join(err, err2)
}

// jsr lists the packages of JSR, "@scope/name@1.0.0" by key. What of npm's they need is
// among what the file says that the project asks for.
func jsr(in denoPackages) (assay.Facts, error) {
	l := listing.New(assay.TypeJSR)
	l.Name, l.Version = validName, validVersion
	for _, key := range slices.Sorted(maps.Keys(in.JSR)) {
		l.Add(cutSpec(key))
	}
	at := l.Names(nil)
	var direct []int
	for spec := range in.Specifiers {
		if name, ok := strings.CutPrefix(spec, "jsr:"); ok {
			name, _ = cutSpec(name)
			direct = append(direct, at[name]...)
		}
	}
	for key, e := range in.JSR {
		if e == nil {
			continue
		}
		for _, need := range needed(e.Dependencies) {
			if name, ok := strings.CutPrefix(need, "jsr:"); ok {
				name, _ = cutSpec(name)
				l.Need(l.Find(cutSpec(key)), at[name]...)
			}
		}
	}
	l.Mark(direct, nil)
	return l.Facts()
}

// deno is the packages of a deno.lock.
type deno struct {
	list
	at    map[string]int   // by key
	named map[string][]int // by name
}

func (d *deno) add(in denoPackages) {
	keys := slices.Sorted(maps.Keys(in.NPM))
	for _, key := range keys {
		name, version := cutSpec(key)
		version, _, _ = strings.Cut(version, "_")
		if i := d.Add(name, version); i >= 0 {
			d.at[key] = i
			d.named[name] = append(d.named[name], i)
		}
	}
	for _, key := range keys {
		if i, ok := d.at[key]; ok && in.NPM[key] != nil {
			e := in.NPM[key]
			for _, raw := range []json.RawMessage{e.Dependencies, e.Optional} {
				for _, need := range needed(raw) {
					d.Need(i, d.find(need))
				}
			}
		}
	}
	var direct []int
	for spec, version := range in.Specifiers {
		if name, ok := strings.CutPrefix(spec, "npm:"); ok {
			name, _ = cutSpec(name)
			key := strings.TrimPrefix(version, "npm:")
			if i, ok := d.at[key]; ok {
				direct = append(direct, i)
				continue
			}
			direct = append(direct, d.find(name+"@"+key))
		} else if i, ok := d.at[version]; ok { // version 2 leaves "npm:" out
			direct = append(direct, i)
		}
	}
	if len(direct) > 0 {
		d.Mark(direct, nil)
	}
}

// needed reads both forms of what a package needs.
func needed(raw json.RawMessage) []string {
	if raw == nil {
		return nil
	}
	var list []string
	var table map[string]string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	if json.Unmarshal(raw, &table) == nil {
		return slices.Collect(maps.Values(table))
	}
	return nil
}

// find is the package of a key, or of a name that only one has.
func (d *deno) find(need string) int {
	if i, ok := d.at[need]; ok {
		return i
	}
	name, _ := cutSpec(need)
	if of := d.named[name]; len(of) == 1 {
		return of[0]
	}
	return -1
}

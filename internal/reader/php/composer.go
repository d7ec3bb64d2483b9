// Package php reads PHP's packages: Composer's lock file and list of installed
// packages, and the registry of PEAR and PECL.
package php

import (
	"bytes"
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const (
	maxLock     = 64 << 20 // the largest known have some 3 MB
	maxManifest = 4 << 20  // is written by hand
)

// Lock reads composer.lock of projects; those that packages bring count for
// nobody. What the project asks for comes from composer.json beside it.
//
// Format: https://getcomposer.org/doc/01-basic-usage.md#commit-your-composer-lock-file-to-version-control
type Lock struct{}

func (Lock) Name() string { return "composer-lock" }

func (Lock) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/composer.lock", Scope: assay.ScopeDeclared, MaxSize: maxLock}}
}

func (Lock) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	if strings.Contains("/"+f.Path, "/vendor/") {
		return assay.Facts{}, nil
	}
	var doc struct {
		Packages []entry `json:"packages"`
		Dev      []entry `json:"packages-dev"`
	}
	c := composer{List: listing.New(assay.TypeComposer)}
	c.Error(listing.Decode(f, maxLock, json.Unmarshal, &doc))
	c.add(doc.Packages, func(string) bool { return false })
	c.add(doc.Dev, func(string) bool { return true })
	c.link()
	var m struct {
		Require object `json:"require"`
		Dev     object `json:"require-dev"`
	}
	found, err := listing.Sibling(f, "composer.json", maxManifest, json.Unmarshal, &m)
	c.Error(err)
	if found && err == nil {
		c.Mark(c.found(m.Require), c.found(m.Dev))
	}
	return c.Facts()
}

// Installed reads installed.json, in which Composer notes what it installed:
// the list of version 1, the object of version 2. Files of that name which are
// none of Composer's are passed over, unless they lie where Composer's does.
//
// Format: https://getcomposer.org/doc/06-config.md#vendor-dir, and
// Composer\Repository\FilesystemRepository.
type Installed struct{}

func (Installed) Name() string { return "composer-installed" }

func (Installed) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/installed.json", Scope: assay.ScopeInstalled, MaxSize: maxLock}}
}

func (Installed) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	ours := path.Base(path.Dir(f.Path)) == "composer"
	b, err := limit.ReadAll(f.Reader(), maxLock)
	if err != nil {
		return assay.Facts{}, err
	}
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\ufeff")))
	var doc struct {
		Packages []entry  `json:"packages"`
		Dev      []string `json:"dev-package-names"`
	}
	c := composer{List: listing.New(assay.TypeComposer)}
	if len(b) > 0 && b[0] == '[' {
		err = listing.DecodeBytes(b, json.Unmarshal, &doc.Packages)
	} else {
		err = listing.DecodeBytes(b, json.Unmarshal, &doc)
	}
	if !ours && (err != nil || !slices.ContainsFunc(doc.Packages, entry.composer)) {
		return assay.Facts{}, nil
	}
	c.Error(err)
	dev := make(map[string]bool, len(doc.Dev))
	for _, name := range doc.Dev {
		dev[strings.ToLower(name)] = true
	}
	c.add(doc.Packages, func(name string) bool { return dev[name] })
	c.link()
	return c.Facts()
}

// An entry is a package in either file.
type entry struct {
	Name    string   `json:"name"`
	Version string   `json:"version"`
	Licence licences `json:"license"`
	Require object   `json:"require"`
	Replace object   `json:"replace"`
	Provide object   `json:"provide"`
}

// composer reports whether an entry is one of Composer's.
func (e entry) composer() bool { return strings.Count(e.Name, "/") == 1 && e.Version != "" }

// licences are a list of them or, in old files, one.
type licences []string

func (l *licences) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = licences{one}
		return nil
	}
	var many []any
	if json.Unmarshal(b, &many) == nil {
		for _, v := range many {
			if s, ok := v.(string); ok {
				*l = append(*l, s)
			}
		}
	}
	return nil
}

// object is the names of a table of requirements. PHP writes an empty one as an
// empty list.
type object []string

func (o *object) UnmarshalJSON(b []byte) error {
	var table map[string]json.RawMessage
	if json.Unmarshal(b, &table) == nil {
		for name := range table {
			*o = append(*o, strings.ToLower(name))
		}
	}
	return nil
}

// composer links the packages of a file by the names that they go by.
type composer struct {
	*listing.List
	entries []entry
	index   []int            // of entries
	of      map[string][]int // packages by name, as Packagist compares them
}

func (c *composer) add(entries []entry, dev func(name string) bool) {
	for _, e := range entries {
		i := c.AddDev(e.Name, e.Version, dev(strings.ToLower(e.Name)))
		c.Licences(i, e.Licence...)
		c.entries, c.index = append(c.entries, e), append(c.index, i)
	}
}

// link sets what packages need. What one package replaces, or provides, stands
// for a name that no package has: "illuminate/support" of laravel/framework.
// The platform's names, "php" and "ext-json", are no packages.
func (c *composer) link() {
	c.of = c.Names(strings.ToLower)
	stands := map[string][]int{}
	for n, e := range c.entries {
		for _, name := range slices.Concat(e.Replace, e.Provide) {
			if c.index[n] >= 0 && c.of[name] == nil && len(stands[name]) < maxStands {
				stands[name] = append(stands[name], c.index[n])
			}
		}
	}
	for name, is := range stands {
		c.of[name] = is
	}
	for n, e := range c.entries {
		for _, name := range e.Require {
			c.Need(c.index[n], c.of[name]...)
		}
	}
}

// maxStands bounds the packages that stand for one name; a virtual one, such
// as psr/log-implementation, has a few.
const maxStands = 20

func (c *composer) found(names []string) (is []int) {
	for _, name := range names {
		is = append(is, c.of[name]...)
	}
	return is
}

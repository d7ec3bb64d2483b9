// Package bottlerocket reads the software inventory of Bottlerocket, which has no
// package database.
//
// Format: https://bottlerocket.dev/en/os/latest/concepts/variants/#software-inventory
package bottlerocket

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
)

// maxInventory: some 150 packages of 400 bytes each.
const maxInventory = 16 << 20

const place = "usr/share/bottlerocket/application-inventory.json"

// Reader reads the inventory. Versions are rpm's, for the packages are built as
// such; one without a version or release is an error.
type Reader struct{}

// Name is "bottlerocket".
func (Reader) Name() string { return "bottlerocket" }

// Wants lists the inventory in a running system and in its sources' root.
func (Reader) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: place, MaxSize: maxInventory}, {Glob: "*/sys-root/" + place, MaxSize: maxInventory}}
}

// application is a package; older inventories have no epoch.
type application struct {
	Name, Publisher, Version, Release, Architecture string
	Epoch                                           json.RawMessage // "0" or 0
}

// Read reads all packages, and says which are damaged.
func (Reader) Read(_ context.Context, f *assay.File) (facts assay.Facts, _ error) {
	b, err := limit.ReadAll(f.Reader(), maxInventory)
	if err != nil {
		return facts, err
	}
	var all struct{ Content []json.RawMessage }
	if err := json.Unmarshal(b, &all); err != nil {
		return facts, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	var errs stanza.Errors
	for i, raw := range all.Content {
		var a application
		if err := json.Unmarshal(raw, &a); err != nil {
			errs.Add(fmt.Errorf("package %d: %w: %w", i, err, assay.ErrMalformed))
			continue
		}
		if a.Name == "" || a.Version == "" || a.Release == "" || strings.ContainsFunc(a.Name+a.Version+a.Release, isBlank) {
			errs.Add(fmt.Errorf("package %d: %.100q has no name, version or release: %w", i, a.Name, assay.ErrMalformed))
			continue
		}
		p := assay.Package{Type: assay.TypeRPM, Name: a.Name, Version: a.Version + "-" + a.Release, Arch: a.Architecture, Vendor: a.Publisher}
		if epoch := strings.Trim(string(a.Epoch), `"`); epoch != "" && strings.Trim(epoch, "0123456789") == "" && strings.Trim(epoch, "0") != "" {
			p.Version = epoch + ":" + p.Version
		}
		facts.Packages = append(facts.Packages, p)
	}
	return facts, errs.Err()
}

// isBlank reports whether a character has no place in a name or version.
func isBlank(r rune) bool { return r <= ' ' || r == 0x7f }

// Package swift reads the lock file of the Swift package manager.
package swift

import (
	"cmp"
	"context"
	"encoding/json"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxResolved: the largest known have some 50 kB.
const maxResolved = 16 << 20

// Resolved reads Package.resolved of versions 1 to 3. A package's name is the
// address of its repository, without scheme and ".git", or its identity where
// it comes from a registry or a local directory. One that follows a branch has
// that as its version, one that is pinned to a revision the revision.
//
// Format: https://docs.swift.org/swiftpm/documentation/packagemanagerdocs/resolvingpackageversions
type Resolved struct{}

func (Resolved) Name() string { return "swift-resolved" }

func (Resolved) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/Package.resolved", Scope: assay.ScopeDeclared, MaxSize: maxResolved},
		{Glob: "**/.package.resolved", Scope: assay.ScopeDeclared, MaxSize: maxResolved}, // in Xcode's playgrounds
	}
}

type pin struct {
	Identity   string `json:"identity"`
	Location   string `json:"location"`
	Package    string `json:"package"`       // version 1: what its manifest calls it
	Repository string `json:"repositoryURL"` // version 1
	State      struct {
		Version  string `json:"version"`
		Branch   string `json:"branch"`
		Revision string `json:"revision"`
	} `json:"state"`
}

func (Resolved) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc struct {
		Object struct {
			Pins []pin `json:"pins"`
		} `json:"object"`
		Pins []pin `json:"pins"`
	}
	l := listing.New(assay.TypeSwift)
	l.Error(listing.Decode(f, maxResolved, json.Unmarshal, &doc))
	for _, p := range append(doc.Object.Pins, doc.Pins...) {
		name := repository(cmp.Or(p.Location, p.Repository))
		if name == "" {
			name = cmp.Or(p.Identity, p.Package)
		}
		l.Add(name, cmp.Or(p.State.Version, p.State.Branch, p.State.Revision))
	}
	return l.Facts()
}

// repository is the address of a repository without what may be left out; ""
// for a directory.
func repository(address string) string {
	if strings.HasPrefix(address, "/") || strings.HasPrefix(address, "file:") || strings.HasPrefix(address, ".") {
		return ""
	}
	scheme, rest, ok := strings.Cut(address, "://")
	switch {
	case !ok:
		// git@github.com:apple/swift-nio.git, as ssh has it
		if host, dir, ok := strings.Cut(address, ":"); ok && !strings.Contains(host, "/") {
			address = host + "/" + dir
		}
		rest = address
	case scheme == "":
		return ""
	}
	if user, host, ok := strings.Cut(rest, "@"); ok && !strings.Contains(user, "/") {
		rest = host
	}
	return strings.TrimSuffix(strings.TrimSuffix(rest, "/"), ".git")
}

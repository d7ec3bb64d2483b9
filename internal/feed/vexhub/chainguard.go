package vexhub

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/suppress/vex"
)

// Chainguard is the directory of Chainguard's documents, ChainguardList the list of
// them.
const (
	Chainguard     = "https://libraries.cgr.dev/openvex/v1/"
	ChainguardList = Chainguard + "all.json"
)

const (
	maxList     = 64 << 20 // 200 documents are known (2026)
	maxDocument = 64 << 20 // of all versions of one library
)

// paths match valid paths of the list: documents by ecosystem.
var paths = regexp.MustCompile(`^[\w@+-][\w@.+-]*(?:/[\w@+-][\w@.+-]*)*\.json$`)

// An entry of the list.
type entry struct {
	ID       string `json:"id"`       // path below the directory
	Modified string `json:"modified"` // when the document was changed
}

// chainguard hands over the documents on the list, in the order of their paths.
// From a Getter with a cache only the changed ones are fetched.
func (e *emitter) chainguard(ctx context.Context) error {
	var list struct {
		Entries []entry `json:"entries"`
	}
	if err := e.json(ctx, ChainguardList, maxList, &list); err != nil {
		return err
	}
	slices.SortFunc(list.Entries, func(a, b entry) int { return strings.Compare(a.ID, b.ID) })
	found := false
	for _, d := range list.Entries {
		if !paths.MatchString(d.ID) {
			e.s.Skip(d.ID, "malformed list entry")
			continue
		}
		err := e.single(ctx, d.ID, d.Modified)
		if errors.Is(err, assay.ErrNotFound) {
			e.s.Skip(d.ID, "document missing")
			continue
		}
		if err != nil {
			return err
		}
		found = true
	}
	if !found {
		return malformed(ChainguardList, "all listed documents are missing")
	}
	return nil
}

// single hands over one version of a document.
func (e *emitter) single(ctx context.Context, id, version string) error {
	url := Chainguard + id
	b, err := document.Bytes(ctx, document.OfVersion(e.g, version), url, maxDocument)
	if err != nil {
		return err
	}
	d, faults, err := vex.Parse(b)
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	return e.document(id, url, d, faults, nil)
}

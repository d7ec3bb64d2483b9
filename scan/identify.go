package scan

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/purl"
)

// identify finds the published name and version of files without them, if the
// database knows the digest. Files that remain without a version are not
// packages. They are a gap, unless an OS package owns them, which is matched
// instead.
func (s *scanner) identify(ctx context.Context, inv *assay.Inventory) error {
	for i := range inv.Packages {
		p := &inv.Packages[i]
		sum, ok := digest(p)
		if !ok {
			continue
		}
		found, err := s.session.Artifact(ctx, sum)
		if err != nil && !errors.Is(err, assay.ErrNotFound) {
			return fmt.Errorf("%s: %w", p.Path, err)
		}
		if a := choose(p, found); a != nil {
			p.Name, p.Version = a.Name, a.Version
			p.PURL = purl.Of(p, inv.Release)
		}
	}
	var nameless []string
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p assay.Package) bool {
		if p.Version != "" || p.Digest == "" {
			return false
		}
		if p.Owner == "" {
			nameless = append(nameless, p.Path)
		}
		return true
	})
	if len(nameless) > 0 {
		const most = 5
		what := strings.Join(nameless[:min(len(nameless), most)], ", ")
		if n := len(nameless) - most; n > 0 {
			what = fmt.Sprintf("%s and %d more", what, n)
		}
		inv.Gaps = append(inv.Gaps, assay.Gap{Where: "Java archives", What: fmt.Sprintf(
			"%d without a version, not matched: %s; a database with the digests of published archives identifies most (assay db update --maven-index, or assay db import of a Java database)", len(nameless), what)})
	}
	return nil
}

// digest is the SHA-1 of a package's file.
func digest(p *assay.Package) (sum [20]byte, ok bool) {
	text, ok := strings.CutPrefix(p.Digest, "sha1:")
	if !ok || hex.DecodedLen(len(text)) != len(sum) {
		return sum, false
	}
	_, err := hex.Decode(sum[:], []byte(text))
	return sum, err == nil
}

// choose chooses the coordinates of a file. The same file may be published under
// several; the one with the artifact's own name counts.
func choose(p *assay.Package, found []assay.Artifact) *assay.Artifact {
	artifact := p.Name[strings.LastIndexByte(p.Name, ':')+1:]
	for i := range found {
		if _, name, _ := strings.Cut(found[i].Name, ":"); name == artifact {
			return &found[i]
		}
	}
	if len(found) > 0 {
		return &found[0]
	}
	return nil
}

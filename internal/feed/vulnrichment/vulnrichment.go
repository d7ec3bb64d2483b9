// Package vulnrichment reads CVE records that CISA enriches: with scores and
// weaknesses where the numbering authority gave none.
//
// https://github.com/cisagov/vulnrichment holds records of the format of
// https://github.com/CVEProject/cve-schema (CVE JSON 5): one container by the
// authority (CNA) and others by authorised publishers (ADP), CISA among them.
// What is affected, and CISA's decision points (SSVC), are not read.
package vulnrichment

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/cve"
	"github.com/assaysec/assay/internal/zipdoc"
)

// Document is the archive of the repository's branch.
const Document = "https://github.com/cisagov/vulnrichment/archive/refs/heads/develop.zip"

// Feed reads the archive. A record is one CVE.
type Feed struct{}

// Name is "vulnrichment".
func (Feed) Name() string { return "vulnrichment" }

// Streams is "details:*".
func (Feed) Streams() []assay.Stream { return []assay.Stream{assay.StreamDetails + ":*"} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	body, err := g.Get(ctx, Document)
	if err != nil {
		return err
	}
	defer body.Close()
	found := false
	want := func(name string) bool {
		id, ok := strings.CutSuffix(path.Base(name), ".json")
		if !ok || !strings.HasPrefix(id, "CVE-") {
			return false // the repository's own files
		}
		found = true
		stream := assay.DetailStream(id)
		return wanted == nil || slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(stream) })
	}
	err = zipdoc.Walk(ctx, body, want, func(name string, b []byte, err error) error {
		id := strings.TrimSuffix(path.Base(name), ".json")
		if err != nil {
			s.Skip(id, "unreadable member of the archive")
			return nil
		}
		var r record
		if json.Unmarshal(b, &r) != nil || r.Metadata.ID != id || !cve.Valid(id) {
			s.Skip(id, "malformed record")
			return nil
		}
		return s.Detail(r.detail())
	})
	if err == nil && !found {
		err = fmt.Errorf("no records in it: %w", assay.ErrMalformed)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", Document, err)
	}
	return nil
}

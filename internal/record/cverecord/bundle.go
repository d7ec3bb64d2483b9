package cverecord

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/zipdoc"
	"github.com/assaysec/assay/internal/identifier/cve"
)

// Bundle hands over, for a feed, the wanted records of a zip archive. Each
// record is in a file named after its identifier; other files are ignored.
func Bundle(ctx context.Context, body io.Reader, feed string, wanted []assay.Stream, s assay.Sink) error {
	found := false
	want := func(name string) bool {
		id, ok := ID(name)
		if !ok {
			return false
		}
		found = true
		stream := assay.DetailStream(id)
		return wanted == nil || slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(stream) })
	}
	err := zipdoc.Walk(ctx, body, want, func(name string, b []byte, err error) error {
		id, _ := ID(name)
		if err != nil {
			s.Skip(id, "unreadable archive member")
			return nil
		}
		return HandOver(id, feed, b, s)
	})
	if err == nil && !found {
		err = fmt.Errorf("contains no records: %w", assay.ErrMalformed)
	}
	return err
}

// ID is the identifier in a file's name; ok is false for other files.
func ID(file string) (id string, ok bool) {
	id, ok = strings.CutSuffix(path.Base(file), ".json")
	return id, ok && strings.HasPrefix(id, "CVE-")
}

// HandOver hands over a record for a feed; the record must have the identifier.
func HandOver(id, feed string, b []byte, s assay.Sink) error {
	var r record
	if json.Unmarshal(b, &r) != nil || r.Metadata.ID != id || !cve.Valid(id) {
		s.Skip(id, "malformed record")
		return nil
	}
	d := r.detail()
	d.Feed = feed
	return s.Detail(d)
}

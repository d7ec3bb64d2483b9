// Package nvd reads the feeds of the National Vulnerability Database.
//
// https://nvd.nist.gov/vuln/data-feeds has a file for each year of identifiers
// (2002 includes all earlier years), and two with the CVEs that were published
// or changed in the last eight days. They have the JSON format of the API 2.0,
// https://csrc.nist.gov/schema/nvd/api/2.0/cve_api_json_2.0.schema. The API
// itself is not used, because it requires a key and gives the same data page by
// page.
package nvd

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/document"
)

// Base is the directory of the feeds.
const Base = "https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-"

const (
	firstYear = 2002
	maxFile   = 8 << 30  // uncompressed; 2024 has 250 MB
	maxRecord = 64 << 20 // one CVE; with its configurations the largest has 5 MB
	maxMeta   = 4 << 10  // five short lines
)

// Feed reads the feeds. A record is one CVE in one file; if several files have a
// CVE, the record that changed last counts. Records give details and the
// affected products. The products are for software that no package manager
// installed, because NVD uses vendors' product names and does not know
// backported fixes.
type Feed struct {
	Now func() time.Time // nil means time.Now; its year is the last one with a file
}

// Name is "nvd".
func (Feed) Name() string { return assay.FeedNVD }

// Streams is "details:*" and "nvd-cpe".
func (Feed) Streams() []assay.Stream {
	return []assay.Stream{assay.StreamDetails + ":*", assay.StreamCPE}
}

// Fetch implements assay.Feed. A year that is not published is counted as
// skipped, but is an error if it was there before. If nothing is published, the
// error is ErrNotFound.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	years := f.years(wanted)
	if len(years) == 0 {
		return nil
	}
	found := false
	r := &reader{wanted: wanted, sink: s, newest: map[string]time.Time{}}
	for _, name := range append([]string{"modified", "recent"}, years...) {
		r.changes = len(name) != 4
		err := r.file(ctx, g, Base+name+".json")
		switch {
		case errors.Is(err, assay.ErrNotFound) && len(name) == 4:
			s.Skip("nvdcve-2.0-"+name, "year not published")
		case errors.Is(err, assay.ErrNotFound):
			s.Skip("nvdcve-2.0-"+name, "file of changes not published")
		case err != nil:
			return err
		default:
			found = true
		}
	}
	if !found {
		return fmt.Errorf("%s*: %w", Base, assay.ErrNotFound)
	}
	return nil
}

// years are the names of the yearly files with wanted identifiers.
func (f Feed) years(wanted []assay.Stream) []string {
	now := time.Now
	if f.Now != nil {
		now = f.Now
	}
	last := now().UTC().Year()
	set := map[int]bool{}
	for y := firstYear; y <= last; y++ {
		if wanted == nil || slices.Contains(wanted, assay.StreamDetails+":*") || slices.Contains(wanted, assay.StreamCPE) {
			set[y] = true
		}
	}
	for _, w := range wanted {
		if y, err := strconv.Atoi(strings.TrimPrefix(string(w), assay.StreamDetails+":")); err == nil && y > 1900 && y <= 9999 {
			set[max(y, firstYear)] = true
		}
	}
	var years []string
	for y := range set {
		years = append(years, strconv.Itoa(y))
	}
	slices.Sort(years)
	return years
}

// reader reads files, the files of changes first.
type reader struct {
	wanted  []assay.Stream
	sink    assay.Sink
	changes bool
	newest  map[string]time.Time // by CVE: when the record in a file of changes changed
}

// file reads one file, compressed as NVD publishes it or plain as on some
// mirrors.
func (r *reader) file(ctx context.Context, g assay.Getter, url string) error {
	sum, err := checksum(ctx, g, strings.TrimSuffix(url, ".json")+".meta")
	if err != nil {
		return err
	}
	name := url + ".gz"
	had := !r.changes && (document.WasFetched(ctx, g, name) || document.WasFetched(ctx, g, url))
	body, err := g.Get(ctx, name)
	if errors.Is(err, assay.ErrNotFound) {
		name = url
		body, err = g.Get(ctx, name)
	}
	if had && errors.Is(err, assay.ErrNotFound) {
		return fmt.Errorf("%s: no longer published: %w", url, assay.ErrMalformed)
	}
	if err != nil {
		return err
	}
	defer body.Close()
	z, _, err := compression.Reader(body)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer z.Close()
	h := sha256.New()
	if err := r.read(ctx, io.TeeReader(limit.Reader(z, maxFile), h)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); sum != "" && got != sum {
		return fmt.Errorf("%s: SHA-256 %s, but its .meta says %s: %w; both may just have been replaced: try again", name, got, sum, assay.ErrMalformed)
	}
	return nil
}

var metaSum = regexp.MustCompile(`(?im)^sha256:\s*([0-9a-f]{64})\s*$`)

// checksum reads the SHA-256 of a file's plain content from its .meta; ""
// without a .meta.
func checksum(ctx context.Context, g assay.Getter, url string) (string, error) {
	b, err := document.Bytes(ctx, g, url, maxMeta)
	if errors.Is(err, assay.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	m := metaSum.FindSubmatch(b)
	if m == nil {
		return "", fmt.Errorf("%s: contains no SHA-256: %w", url, assay.ErrMalformed)
	}
	return string(bytes.ToLower(m[1])), nil
}

// read hands the records of a file to the sink.
func (r *reader) read(ctx context.Context, in io.Reader) error {
	d := jsonstream.NewDecoder(ctx, in, maxRecord)
	found := false
	err := d.Object(func(key string) error {
		if key != "vulnerabilities" {
			return d.Skip()
		}
		found = true
		return d.Array(func() error {
			var i item
			ok, err := d.Value(&i)
			if err != nil {
				return err
			}
			if !ok || !cve.Valid(i.CVE.ID) {
				r.sink.Skip(i.CVE.ID, "malformed record")
				return nil
			}
			return r.handOver(&i)
		})
	})
	if err == nil {
		err = d.End()
	}
	if err == nil && !found {
		err = fmt.Errorf("contains no vulnerabilities: %w", assay.ErrMalformed)
	}
	return err
}

// handOver hands over a record unless a newer one was handed over.
func (r *reader) handOver(i *item) error {
	d := i.detail()
	if at, ok := r.newest[d.ID]; ok && !d.Modified.After(at) {
		if r.wants(assay.DetailStream(d.ID)) {
			r.sink.Skip(d.ID, "replaced by a newer record in another file")
		}
		return nil
	}
	if r.changes {
		r.newest[d.ID] = d.Modified
	}
	if r.wants(assay.DetailStream(d.ID)) {
		if err := r.sink.Detail(d); err != nil {
			return err
		}
	}
	if d.Rejected || !r.wants(assay.StreamCPE) {
		return nil
	}
	rows := products(i.CVE.Configurations, func(why string) { r.sink.Skip(d.ID, why) })
	if len(rows) == 0 {
		return nil // not analysed yet, or only hardware
	}
	return r.sink.Advisory(assay.Advisory{ID: d.ID, Feed: assay.FeedNVD, Published: d.Published, Modified: d.Modified, Affected: rows})
}

func (r *reader) wants(s assay.Stream) bool {
	return r.wanted == nil || slices.ContainsFunc(r.wanted, func(w assay.Stream) bool { return w.Covers(s) })
}

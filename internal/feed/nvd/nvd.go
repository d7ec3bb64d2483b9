// Package nvd reads the feeds of the National Vulnerability Database.
//
// https://nvd.nist.gov/vuln/data-feeds: a file for each year of identifiers
// (2002 holds all before it, too) and two of what was published or changed in
// the last eight days, in the JSON form of the API 2.0,
// https://csrc.nist.gov/schema/nvd/api/2.0/cve_api_json_2.0.schema. The
// configurations (which products are affected) are not read.
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
	"github.com/assaysec/assay/internal/compression"
	"github.com/assaysec/assay/internal/cve"
	"github.com/assaysec/assay/internal/jsonstream"
	"github.com/assaysec/assay/internal/limit"
)

// Base is the folder of the feeds.
const Base = "https://nvd.nist.gov/feeds/json/cve/2.0/nvdcve-2.0-"

const (
	firstYear = 2002
	maxFile   = 8 << 30  // uncompressed; 2024 has 250 MB
	maxRecord = 64 << 20 // one CVE; with its configurations the largest has 5 MB
	maxMeta   = 4 << 10  // five short lines
)

// Feed reads the feeds. A record is one CVE in one file; where the files have
// several the one changed last counts.
type Feed struct {
	Now func() time.Time // nil means time.Now; the year up to which there are files
}

// Name is "nvd".
func (Feed) Name() string { return "nvd" }

// Streams is "details:*".
func (Feed) Streams() []assay.Stream { return []assay.Stream{assay.StreamDetails + ":*"} }

// Fetch implements assay.Feed. A year that is not published is counted as
// skipped; if nothing is the error is ErrNotFound.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	years := f.years(wanted)
	if len(years) == 0 {
		return nil
	}
	found := false
	for _, name := range append(years, "modified", "recent") {
		err := file(ctx, g, Base+name+".json", wanted, s)
		switch {
		case errors.Is(err, assay.ErrNotFound) && len(name) == 4:
			s.Skip("nvdcve-2.0-"+name, "year not published")
		case errors.Is(err, assay.ErrNotFound):
			s.Skip("nvdcve-2.0-"+name, "changes not published")
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

// years are the names of the yearly files that have wanted identifiers.
func (f Feed) years(wanted []assay.Stream) []string {
	now := time.Now
	if f.Now != nil {
		now = f.Now
	}
	last := now().UTC().Year()
	set := map[int]bool{}
	for y := firstYear; y <= last; y++ {
		if wanted == nil || slices.Contains(wanted, assay.StreamDetails+":*") {
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

// file reads one file: compressed as NVD publishes it, or plain where a mirror
// has it so.
func file(ctx context.Context, g assay.Getter, url string, wanted []assay.Stream, s assay.Sink) error {
	sum, err := checksum(ctx, g, strings.TrimSuffix(url, ".json")+".meta")
	if err != nil {
		return err
	}
	name := url + ".gz"
	body, err := g.Get(ctx, name)
	if errors.Is(err, assay.ErrNotFound) {
		name = url
		body, err = g.Get(ctx, name)
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
	if err := read(ctx, io.TeeReader(limit.Reader(z, maxFile), h), wanted, s); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); sum != "" && got != sum {
		return fmt.Errorf("%s: SHA-256 %s, but its .meta says %s: %w; both may just have been replaced: try again", name, got, sum, assay.ErrMalformed)
	}
	return nil
}

var metaSum = regexp.MustCompile(`(?im)^sha256:\s*([0-9a-f]{64})\s*$`)

// checksum reads the SHA-256 of a file's plain content from its .meta; "" when
// there is none.
func checksum(ctx context.Context, g assay.Getter, url string) (string, error) {
	body, err := g.Get(ctx, url)
	if errors.Is(err, assay.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer body.Close()
	b, err := limit.ReadAll(body, maxMeta)
	if err != nil {
		return "", fmt.Errorf("%s: %w", url, err)
	}
	m := metaSum.FindSubmatch(b)
	if m == nil {
		return "", fmt.Errorf("%s: no SHA-256 in it: %w", url, assay.ErrMalformed)
	}
	return string(bytes.ToLower(m[1])), nil
}

// read hands the records of a file to s.
func read(ctx context.Context, r io.Reader, wanted []assay.Stream, s assay.Sink) error {
	d := jsonstream.NewDecoder(ctx, r, maxRecord)
	found := false
	err := d.Object(func(key string) error {
		if key != "vulnerabilities" {
			return d.Skip()
		}
		found = true
		return d.Array(func() error {
			var i item
			ok, err := d.Value(&i)
			switch {
			case err != nil:
				return err
			case !ok || !cve.Valid(i.CVE.ID):
				s.Skip(i.CVE.ID, "malformed record")
				return nil
			}
			stream := assay.DetailStream(i.CVE.ID)
			if wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(stream) }) {
				return nil
			}
			return s.Detail(i.detail())
		})
	})
	if err == nil {
		err = d.End()
	}
	if err == nil && !found {
		err = fmt.Errorf("no vulnerabilities in it: %w", assay.ErrMalformed)
	}
	return err
}

// Package epss reads the daily scores of the Exploit Prediction Scoring System.
//
// https://www.first.org/epss/data_stats describes the compressed table with the
// columns cve and epss, since September 2021 also percentile. Since February
// 2022 a comment at its start has the version of the model and the date of the
// scores.
package epss

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/document"
)

// Directory is the directory of the tables, by date; Document is today's table.
const (
	Directory = "https://epss.empiricalsecurity.com/"
	Document  = Directory + "epss_scores-current.csv.gz"
)

const (
	maxTable = 1 << 30 // uncompressed; 10 MB in 2026
	maxLine  = 64 << 10
)

// Feed reads the table. A record is one CVE. If the current table is missing, as
// on some mirrors, the newest dated table in the directory is read.
type Feed struct{}

// Name is "epss".
func (Feed) Name() string { return assay.FeedEPSS }

// Streams is "epss".
func (Feed) Streams() []assay.Stream { return []assay.Stream{assay.StreamEPSS} }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, s assay.Sink) error {
	err := f.table(ctx, g, Document, s)
	if !errors.Is(err, assay.ErrNotFound) {
		return err
	}
	name, e := newest(ctx, g)
	if e != nil {
		return e
	}
	if name == "" {
		return err
	}
	return f.table(ctx, g, Directory+name, s)
}

func (Feed) table(ctx context.Context, g assay.Getter, url string, s assay.Sink) error {
	return document.Read(ctx, g, url, func(body io.Reader) error { return read(ctx, body, dateIn.FindString(url), s) })
}

var (
	dated  = regexp.MustCompile(`^epss_scores-[0-9]{4}-[0-9]{2}-[0-9]{2}\.csv\.gz$`)
	dateIn = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}`)
)

// newest finds the last dated table in a directory that can be listed.
func newest(ctx context.Context, g assay.Getter) (string, error) {
	names, err := document.List(ctx, g, Directory)
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !dated.MatchString(n) })
	if err != nil || len(names) == 0 {
		return "", err
	}
	return slices.Max(names), nil
}

// read hands the rows of the table to s. Date is the date in the document's
// name. An unreadable row is skipped; a table without a readable row is
// malformed.
func read(ctx context.Context, r io.Reader, date string, s assay.Sink) error {
	z, _, err := compression.Reader(r)
	if err != nil {
		return err
	}
	defer z.Close()
	lines := bufio.NewScanner(limit.Reader(z, maxTable))
	lines.Buffer(nil, maxLine)
	header, kept, bad := false, 0, 0
	for n := 1; lines.Scan(); n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line := bytes.TrimSpace(lines.Bytes())
		switch {
		case len(line) == 0:
		case line[0] == '#':
			if d := dateIn.FindString(textAfter(string(line), "score_date:")); d != "" {
				date = d
			}
		case !header:
			if header = bytes.HasPrefix(line, []byte("cve,epss")); !header {
				return fmt.Errorf("line %d: %.40q is not the header cve,epss: %w", n, line, assay.ErrMalformed)
			}
		default:
			id, score, ok := row(string(line))
			if !ok {
				s.Skip(id, "malformed row")
				bad++
				continue
			}
			kept++
			score.Date = date
			if err := s.Detail(assay.Detail{ID: id, Feed: assay.FeedEPSS, EPSS: &score}); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("%w: %w", err, assay.ErrMalformed)
		}
		return err
	}
	if !header {
		return fmt.Errorf("no header: %w", assay.ErrMalformed)
	}
	if kept == 0 && bad > 0 {
		return fmt.Errorf("none of %d rows can be read: %w", bad, assay.ErrMalformed)
	}
	return nil
}

func textAfter(s, mark string) string {
	_, s, _ = strings.Cut(s, mark)
	return s
}

// row reads "CVE-2020-5902,0.97567,0.99995"; the percentile may be missing.
func row(line string) (id string, e assay.EPSS, ok bool) {
	id, rest, _ := strings.Cut(line, ",")
	score, percentile, has := strings.Cut(rest, ",")
	var ok1, ok2 bool
	e.Score, ok1 = share(score)
	ok2 = !has
	if has {
		e.Percentile, ok2 = share(percentile)
	}
	return id, e, ok1 && ok2 && cve.Valid(id)
}

func share(s string) (float64, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v) && v >= 0 && v <= 1
}

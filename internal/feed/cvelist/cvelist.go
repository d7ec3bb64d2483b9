// Package cvelist reads the list of all CVE records. It has what the numbering
// authorities publish before NVD has analysed a CVE.
//
// https://github.com/CVEProject/cvelistV5 has a file for each record, in
// directories by year and thousand (package cverecord).
package cvelist

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/cverecord"
	"github.com/assaysec/assay/internal/record/document"
)

// Document is the archive of the repository's branch; Directory has its
// single files.
const (
	Document  = "https://github.com/CVEProject/cvelistV5/archive/refs/heads/main.zip"
	Directory = "https://github.com/CVEProject/cvelistV5/raw/main/cves/"
)

const (
	maxRecord = 32 << 20  // the largest record known is 3 MB
	maxFiles  = 2_000_000 // the list has 300,000 records (2026)
)

// Feed reads the archive, or the single files if a mirror has only these. A
// record is one CVE.
type Feed struct{}

// Name is "cvelist".
func (Feed) Name() string { return "cvelist" }

// Streams is "details:*".
func (Feed) Streams() []assay.Stream { return []assay.Stream{assay.StreamDetails + ":*"} }

// Use is UseUpdate: the archive has hundreds of megabytes, and NVD has the data
// that a scan needs most.
func (Feed) Use() assay.FeedUse { return assay.UseUpdate }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	err := document.Read(ctx, g, Document, func(body io.Reader) error { return cverecord.Bundle(ctx, body, f.Name(), wanted, s) })
	if l, ok := g.(assay.Lister); ok && errors.Is(err, assay.ErrNotFound) {
		if e := files(ctx, l, wanted, s); !errors.Is(e, assay.ErrNotFound) {
			return e
		}
	}
	return err
}

// files reads records one by one. Without any record the error is ErrNotFound.
func files(ctx context.Context, l assay.Lister, wanted []assay.Stream, s assay.Sink) error {
	years, err := l.List(ctx, Directory)
	if err != nil {
		return fmt.Errorf("%s: %w", Directory, err)
	}
	n := 0
	for _, year := range years {
		if len(year) != 4 || strings.Trim(year, "0123456789") != "" {
			continue
		}
		stream := assay.Stream(assay.StreamDetails + ":" + year)
		if wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(stream) }) {
			continue
		}
		directories, err := l.List(ctx, Directory+year+"/")
		if err != nil {
			return fmt.Errorf("%s: %w", Directory+year, err)
		}
		for _, directory := range directories {
			at := Directory + year + "/" + directory + "/"
			names, err := l.List(ctx, at)
			if err != nil {
				return fmt.Errorf("%s: %w", at, err)
			}
			for _, name := range names {
				id, ok := cverecord.ID(name)
				if !ok {
					continue
				}
				if n++; n > maxFiles {
					return fmt.Errorf("%s: over %d records: %w", Directory, maxFiles, assay.ErrTooLarge)
				}
				if err := file(ctx, l, at+name, id, s); err != nil {
					return err
				}
			}
		}
	}
	if n == 0 {
		return fmt.Errorf("%s: no records: %w", Directory, assay.ErrNotFound)
	}
	return nil
}

func file(ctx context.Context, g assay.Getter, url, id string, s assay.Sink) error {
	b, err := document.Bytes(ctx, g, url, maxRecord)
	if err != nil {
		return err
	}
	return cverecord.HandOver(id, "cvelist", b, s)
}

package db

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/assaysec/assay"
)

// A stream has advisories, by package name, details, by vulnerability, or
// artifacts, by digest. This file handles the differences.

// isDetails reports whether a stream has details.
func isDetails(s assay.Stream) bool {
	return s == assay.StreamKEV || s == assay.StreamEPSS || s.Family() == assay.StreamDetails
}

// feedField is the field of a stream's records with the name of their feed.
func feedField(s assay.Stream) protowire.Number {
	if isDetails(s) || s == assay.StreamArtifacts {
		return 2
	}
	return 4
}

// artifactKey is the key of artifacts. A hundred or two share one, so that there
// are a thousand times fewer keys and compression works better.
func artifactKey(sha1 [20]byte) string { return hex.EncodeToString(sha1[:2]) }

// detailStream is the stream of a part of a detail. A feed's data on
// exploitation have streams of their own, because they change more often.
func detailStream(d *assay.Detail) assay.Stream {
	switch {
	case d.KEV != nil:
		return assay.StreamKEV
	case d.EPSS != nil:
		return assay.StreamEPSS
	}
	return assay.DetailStream(d.ID)
}

// detailKey is the key of a stream's records about id. Small records share a key
// with their neighbours, at most a hundred numbers, because small values waste
// pages and compress badly.
func detailKey(s assay.Stream, id string) string {
	if s == assay.StreamEPSS || s == assay.StreamKEV {
		if i := strings.LastIndexByte(id, '-'); len(id)-i > 3 {
			return id[:len(id)-2]
		}
	}
	return id
}

// canonical sorts the records of a key by ID, feed and bytes and removes
// duplicates, so that their order does not depend on how they arrived. Of
// several details with one ID by one feed only the last changed one stays.
func canonical(s assay.Stream, records [][]byte) ([][]byte, error) {
	type item struct {
		id, feed string
		modified int64
		at       int
		b        []byte
	}
	list := make([]item, len(records))
	details := isDetails(s)
	for i, b := range records {
		it := item{at: i, b: b}
		var err error
		if details {
			d, e := decodeDetail(newMessage(b))
			it.id, it.feed, it.modified, err = d.ID, d.Feed, d.Modified.UnixNano(), e
		} else {
			it.id, it.feed, err = idAndFeed(newMessage(b), feedField(s))
		}
		if err != nil {
			return nil, err
		}
		list[i] = it
	}
	slices.SortFunc(list, func(a, b item) int {
		if c := cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.feed, b.feed)); c != 0 {
			return c
		}
		if details {
			return cmp.Or(cmp.Compare(a.modified, b.modified), cmp.Compare(a.at, b.at))
		}
		return bytes.Compare(a.b, b.b)
	})
	out := records[:0:0]
	for i, it := range list {
		if i+1 < len(list) {
			next := list[i+1]
			if details && it.id == next.id && it.feed == next.feed || bytes.Equal(it.b, next.b) {
				continue
			}
		}
		out = append(out, it.b)
	}
	return out, nil
}

// ranks are the order of feeds for the texts of a merged detail; other feeds
// come in the middle.
var ranks = map[string]int{assay.FeedNVD: -1, assay.FeedKEV: 1, assay.FeedEPSS: 2}

// merge merges the parts of a detail: texts of the first part with texts, all
// scores, weaknesses and references, the earliest publication and the latest
// change. It is rejected if any part is.
func merge(id string, parts []assay.Detail) assay.Detail {
	slices.SortStableFunc(parts, func(a, b assay.Detail) int {
		return cmp.Or(cmp.Compare(ranks[a.Feed], ranks[b.Feed]), cmp.Compare(a.Feed, b.Feed))
	})
	d := assay.Detail{ID: id}
	for _, p := range parts {
		d.Title = cmp.Or(d.Title, p.Title)
		d.Text = cmp.Or(d.Text, p.Text)
		for _, c := range p.CVSS {
			if !slices.ContainsFunc(d.CVSS, func(o assay.CVSS) bool {
				return o.Source == c.Source && o.Version == c.Version && o.Vector == c.Vector
			}) {
				d.CVSS = append(d.CVSS, c)
			}
		}
		for _, r := range p.Ratings {
			if !slices.Contains(d.Ratings, r) {
				d.Ratings = append(d.Ratings, r)
			}
		}
		d.CWEs = append(d.CWEs, p.CWEs...)
		d.References = append(d.References, p.References...)
		if d.Published.IsZero() || !p.Published.IsZero() && p.Published.Before(d.Published) {
			d.Published = p.Published
		}
		if p.Modified.After(d.Modified) {
			d.Modified = p.Modified
		}
		d.Rejected = d.Rejected || p.Rejected
		if d.KEV == nil {
			d.KEV = p.KEV
		}
		if d.EPSS == nil {
			d.EPSS = p.EPSS
		}
	}
	slices.Sort(d.CWEs)
	slices.Sort(d.References)
	d.CWEs, d.References = slices.Compact(d.CWEs), slices.Compact(d.References)
	return d
}

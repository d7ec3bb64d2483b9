package scan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/feed"
)

// UpdateOptions select the streams to build from publishers' documents.
type UpdateOptions struct {
	CacheDir string         // directory of the database; "" means assay in the user's cache directory
	Streams  []assay.Stream // streams to update; none means all in the database or, if it is empty, all that exist
	All      bool           // without Streams: all that exist, whatever the database has
	Force    bool           // also build unchanged streams

	MavenIndex       bool     // read Maven Central's index, which has several gigabytes
	DebianChangelogs []string // source packages whose changelogs give derived fixes; "all" for all

	Fetch FetchOptions
	Log   *slog.Logger // nil means none
}

// feeds are all feeds and those that were requested.
func (o *UpdateOptions) feeds() []assay.Feed {
	feeds := feed.All()
	if o.MavenIndex {
		feeds = append(feeds, feed.MavenIndex())
	}
	switch {
	case slices.Equal(o.DebianChangelogs, []string{"all"}):
		feeds = append(feeds, feed.DebianChangelogs(nil))
	case len(o.DebianChangelogs) > 0:
		feeds = append(feeds, feed.DebianChangelogs(o.DebianChangelogs))
	}
	return feeds
}

// Update builds streams of a database from their publishers' documents. On an
// error, the streams that were built stay.
func Update(ctx context.Context, o UpdateOptions) (Changes, error) {
	cache, err := CacheDir(o.CacheDir)
	if err != nil {
		return Changes{}, err
	}
	all, _, err := o.Fetch.Split()
	if err != nil {
		return Changes{}, err
	}
	feeds := o.feeds()
	if err := checkStreams(feeds, o.Streams); err != nil {
		return Changes{}, err
	}
	dir, wanted := DatabaseDir(cache), o.Streams
	if len(wanted) == 0 && !o.All {
		if wanted, err = StreamsIn(cache); err != nil {
			return Changes{}, err
		}
	}
	g, err := o.Fetch.getter(cache)
	if err != nil {
		return Changes{}, err
	}
	b := db.Builder{Force: o.Force, Log: o.Log, Partial: all != ""}
	res, err := b.Update(ctx, dir, feeds, g, wanted)
	c := changes(res)
	c.Absent = res.Absent
	if err == nil && len(c.Built)+len(c.Unchanged) == 0 {
		err = nothingBuilt(all)
	}
	var incomplete error
	if c.Incomplete, incomplete = incompleteStreams(dir, slices.Concat(c.Built, c.Unchanged)); incomplete != nil || len(c.Incomplete) == 0 || len(o.Streams) > 0 {
		return c, errors.Join(err, incomplete)
	}
	return c, errors.Join(err, fmt.Errorf("some streams lack their main feed: %s; name the streams with --streams to accept that", strings.Join(c.Incomplete, ", ")))
}

// incompleteStreams lists the streams that were built without their main feed: "npm
// (osv)".
func incompleteStreams(dir string, streams []assay.Stream) (out []string, _ error) {
	d, err := db.Open(dir)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	shards := d.Shards()
	for i := range shards {
		if main := feed.MissingMain(&shards[i]); main != "" && slices.Contains(streams, shards[i].Stream) {
			out = append(out, fmt.Sprintf("%s (%s)", shards[i].Stream, main))
		}
	}
	return out, nil
}

// nothingBuilt is the error of an update without failures and without a result.
func nothingBuilt(mirror string) error {
	if mirror == "" {
		return errors.New("nothing was built: no publisher has advisories for the requested streams")
	}
	return fmt.Errorf("nothing was built: %s has no documents of any feed", mirror)
}

// checkStreams rejects streams that no feed has.
func checkStreams(feeds []assay.Feed, wanted []assay.Stream) error {
	var known []string
	for _, f := range feeds {
		for _, s := range f.Streams() {
			known = append(known, string(s))
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for _, s := range wanted {
		if !slices.ContainsFunc(known, func(k string) bool { return assay.Stream(k).Covers(s) || s.Covers(assay.Stream(k)) }) {
			return &OptionError{"streams", fmt.Errorf("no feed has %q; known: %s", s, strings.Join(known, ", "))}
		}
	}
	return nil
}

// StreamsIn lists the streams of the database in a cache directory; none without
// a database.
func StreamsIn(cacheDir string) ([]assay.Stream, error) {
	d, err := db.Open(DatabaseDir(cacheDir))
	if errors.Is(err, assay.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var list []assay.Stream
	for _, s := range d.Shards() {
		list = append(list, s.Stream)
	}
	return list, nil
}

// DeleteStreams deletes streams of the database in a cache directory, and counts
// them.
func DeleteStreams(ctx context.Context, cacheDir string, wanted []assay.Stream) (int, error) {
	if len(wanted) == 0 {
		return 0, nil
	}
	gone, err := db.Delete(ctx, DatabaseDir(cacheDir), wanted)
	return len(gone), err
}

// DeleteDatabase deletes the database in a cache directory, and the documents
// that it was built from. It returns the number of streams; -1 if the database
// was unreadable.
func DeleteDatabase(ctx context.Context, cacheDir string) (streams int, _ error) {
	wanted, err := StreamsIn(cacheDir)
	if isUnreadable(err) {
		streams, err = -1, db.Clear(ctx, DatabaseDir(cacheDir))
	}
	if err == nil {
		err = os.RemoveAll(DocumentsDir(cacheDir))
	}
	if err != nil || streams < 0 {
		return streams, err
	}
	return DeleteStreams(ctx, cacheDir, wanted)
}

// isUnreadable reports whether an error is about the content of a database's
// index.
func isUnreadable(err error) bool {
	return errors.Is(err, assay.ErrMalformed) || errors.Is(err, assay.ErrUnsupported) || errors.Is(err, assay.ErrTooLarge)
}

package redhat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/tardoc"
	"github.com/assaysec/assay/internal/record/csaf"
)

const (
	maxChanged = 500   // documents fetched one by one instead of today's archive; above that they have as many bytes as the compressed archive
	maxNewer   = 5_000 // documents newer than today's archive: those of some weeks
	maxName    = 1 << 20
	maxTail    = 16 << 20 // of zeros between the end of the archive and the end of its compression, which has the checksum

	// slack is how long before the day in its name the archive may have been
	// built.
	slack = 24 * time.Hour
)

// archive is the archive named in archive_latest.txt.
var archive = regexp.MustCompile(`^csaf_vex_(\d{4}-\d\d-\d\d)\.tar\.zst$`)

// documents hands over the documents that changed after the archive was built,
// then the rest of the archive. The archive is the cached one if at most
// maxChanged documents are newer. Of the documents newer than today's archive
// the newest maxNewer are fetched; the others are counted as skipped and keep
// their cached version. From a Getter without a cache only the archive is read.
func (e *emitter) documents(ctx context.Context, g assay.Getter) error {
	changed, err := list(ctx, g, Changes)
	if err != nil {
		return err
	}
	deleted, err := list(ctx, g, Deletions)
	if err != nil {
		return err
	}
	maps.DeleteFunc(deleted, func(p string, at time.Time) bool { return changed[p].After(at) }) // the document came back
	w := &walker{emitter: e, deleted: deleted, done: map[string]bool{}, left: map[string]bool{}}
	k, keeps := g.(assay.Keeper)
	if keeps && changed != nil {
		body, name, err := cachedArchive(ctx, k)
		if err != nil {
			return err
		}
		if body != nil {
			defer body.Close()
			if newer := changedSince(name, changed, deleted); newer != nil && len(newer) <= maxChanged {
				return w.walk(ctx, k, name, body, newer, changed)
			}
		}
	}
	name, err := latest(ctx, g.Get)
	if err != nil {
		return err
	}
	body, err := g.Get(ctx, Directory+name)
	if err != nil {
		return err
	}
	defer body.Close()
	var newer []string
	if keeps {
		newer = changedSince(name, changed, deleted)
	}
	return w.walk(ctx, k, name, body, newer, changed)
}

// list reads one of the lists; nil if it is missing.
func list(ctx context.Context, g assay.Getter, url string) (map[string]time.Time, error) {
	body, err := g.Get(ctx, url)
	if errors.Is(err, assay.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	m, err := csaf.Changes(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	return m, nil
}

// latest reads the name of the archive.
func latest(ctx context.Context, get func(context.Context, string) (io.ReadCloser, error)) (string, error) {
	body, err := get(ctx, Latest)
	if err != nil {
		return "", err
	}
	defer body.Close()
	b, err := limit.ReadAll(body, maxName)
	name := strings.TrimSpace(string(b))
	if err == nil && !archive.MatchString(name) {
		err = fmt.Errorf("invalid archive name %.80q: %w", name, assay.ErrMalformed)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", Latest, err)
	}
	return name, nil
}

// cachedArchive returns the cached archive; nil if there is none.
func cachedArchive(ctx context.Context, k assay.Keeper) (io.ReadCloser, string, error) {
	name, err := latest(ctx, k.Cached)
	if err == nil {
		var body io.ReadCloser
		if body, err = k.Cached(ctx, Directory+name); err == nil {
			return body, name, nil
		}
	}
	if errors.Is(err, assay.ErrNotFound) || errors.Is(err, assay.ErrMalformed) {
		err = nil
	}
	return nil, "", err
}

// changedSince lists the documents that are newer than an archive, sorted; nil if the
// archive's name has no date.
func changedSince(name string, changed, deleted map[string]time.Time) []string {
	day, err := time.Parse(time.DateOnly, archive.FindStringSubmatch(name)[1])
	if err != nil {
		return nil
	}
	newer := []string{}
	for p, at := range changed {
		if _, gone := deleted[p]; !gone && at.After(day.Add(-slack)) {
			newer = append(newer, p)
		}
	}
	slices.Sort(newer)
	return newer
}

// A walker hands over each document once.
type walker struct {
	*emitter
	deleted map[string]time.Time
	done    map[string]bool // documents fetched one by one
	left    map[string]bool // documents not fetched, because there are too many
	found   bool
}

// bound limits the newer documents to the newest maxNewer.
func (w *walker) bound(newer []string, changed map[string]time.Time) []string {
	if len(newer) <= maxNewer {
		return newer
	}
	slices.SortStableFunc(newer, func(a, b string) int { return changed[b].Compare(changed[a]) })
	for _, p := range newer[maxNewer:] {
		w.left[p] = true
		w.s.Skip(path.Base(p), "changed after the archive, with too many other documents")
	}
	return newer[:maxNewer]
}

func (w *walker) walk(ctx context.Context, k assay.Keeper, name string, body io.Reader, newer []string, changed map[string]time.Time) error {
	for _, p := range w.bound(newer, changed) {
		if err := w.single(ctx, k, p, changed[p]); err != nil {
			return err
		}
	}
	want := func(member string) bool { return path.Ext(member) == ".json" && !w.done[path.Clean(member)] }
	err := untar(ctx, body, want, func(member string, b []byte, err error) error {
		w.found = true
		member = path.Clean(member)
		if _, gone := w.deleted[member]; gone {
			w.s.Skip(path.Base(member), "withdrawn")
			return nil
		}
		if w.left[member] {
			delete(w.left, member)
			if used, err := w.before(ctx, k, member, b); used || err != nil {
				return err
			}
		}
		return w.document(path.Base(member), b, err)
	})
	for _, p := range slices.Sorted(maps.Keys(w.left)) {
		if err == nil {
			_, err = w.before(ctx, k, p, nil)
		}
	}
	if err == nil && !w.found {
		err = fmt.Errorf("contains no documents: %w", assay.ErrMalformed)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", Directory+name, err)
	}
	return nil
}

// untar walks an archive to the end of its compression.
func untar(ctx context.Context, r io.Reader, want func(string) bool, visit tardoc.Visit) error {
	z, _, err := compression.Document(r)
	if err != nil {
		return err
	}
	defer z.Close()
	if err := tardoc.Walk(ctx, z, want, visit); err != nil {
		return err
	}
	if _, err = io.CopyN(io.Discard, z, maxTail); err == io.EOF {
		err = nil
	}
	return err
}

// single fetches one document; if it is missing, the archive's version counts.
func (w *walker) single(ctx context.Context, k assay.Keeper, p string, at time.Time) error {
	body, err := k.GetVersion(ctx, Directory+p, at.Format(time.RFC3339Nano))
	if errors.Is(err, assay.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer body.Close()
	w.found, w.done[p] = true, true
	d, err := csaf.Read(body)
	switch {
	case err == nil:
		return w.emit(d)
	case errors.Is(err, assay.ErrMalformed), errors.Is(err, assay.ErrTooLarge), errors.Is(err, assay.ErrUnsupported):
		return w.document(path.Base(p), nil, err)
	}
	return fmt.Errorf("%s: %w", Directory+p, err)
}

// before hands over the cached version of a document if it is newer than the
// archive's; nil means that the archive has none.
func (w *walker) before(ctx context.Context, k assay.Keeper, p string, archived []byte) (used bool, _ error) {
	body, err := k.Cached(ctx, Directory+p)
	if errors.Is(err, assay.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer body.Close()
	had, err := csaf.Read(body)
	if err != nil {
		return false, ctx.Err() // treat it as missing
	}
	if d, err := csaf.Parse(archived); err == nil && !had.Modified.After(d.Modified) {
		return false, nil
	}
	return true, w.emit(had)
}

// document hands over the advisories of a document, or counts an unreadable one.
func (e *emitter) document(name string, b []byte, err error) error {
	var d *csaf.Document
	if err == nil {
		d, err = csaf.Parse(b)
	}
	switch {
	case errors.Is(err, assay.ErrTooLarge):
		e.s.Skip(name, "record too large")
		return nil
	case err != nil:
		e.s.Skip(name, "malformed record")
		return nil
	}
	return e.emit(d)
}

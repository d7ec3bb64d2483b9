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
	maxChanged = 500   // documents got one by one rather than today's archive; they have as many bytes then as it has, compressed
	maxNewer   = 5_000 // documents newer than today's archive: those of some weeks
	maxName    = 1 << 20
	maxTail    = 16 << 20 // of zeros behind the archive's end, before that of its compression, which has the checksum

	// slack is how long before the day in its name the archive may have been made.
	slack = 24 * time.Hour
)

// archive is what archive_latest.txt names.
var archive = regexp.MustCompile(`^csaf_vex_(\d{4}-\d\d-\d\d)\.tar\.zst$`)

// documents hands over what changed since the archive was made and then the
// rest of the archive. The archive is the one that was got last as long as no
// more than maxChanged documents are newer. Of what is newer than even today's
// the newest maxNewer are got; the others are counted as skipped and stay as
// they were had last. From a Getter that keeps nothing the archive is all.
func (e *emitter) documents(ctx context.Context, g assay.Getter) error {
	changed, err := list(ctx, g, Changes)
	if err != nil {
		return err
	}
	deleted, err := list(ctx, g, Deletions)
	if err != nil {
		return err
	}
	maps.DeleteFunc(deleted, func(p string, at time.Time) bool { return changed[p].After(at) }) // it came back
	w := &walker{emitter: e, deleted: deleted, done: map[string]bool{}, left: map[string]bool{}}
	k, keeps := g.(assay.Keeper)
	if keeps && changed != nil {
		body, name, err := held(ctx, k)
		if err != nil {
			return err
		}
		if body != nil {
			defer body.Close()
			if newer := since(name, changed, deleted); newer != nil && len(newer) <= maxChanged {
				return w.walk(ctx, k, name, body, newer, changed)
			}
		}
	}
	name, err := latest(ctx, g.Get)
	if err != nil {
		return err
	}
	body, err := g.Get(ctx, Folder+name)
	if err != nil {
		return err
	}
	defer body.Close()
	var newer []string
	if keeps {
		newer = since(name, changed, deleted)
	}
	return w.walk(ctx, k, name, body, newer, changed)
}

// list reads one of the lists; one that is not there is nil.
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
		err = fmt.Errorf("%.80q is no name of an archive: %w", name, assay.ErrMalformed)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", Latest, err)
	}
	return name, nil
}

// held returns the archive that was got last; nil where there is none.
func held(ctx context.Context, k assay.Keeper) (io.ReadCloser, string, error) {
	name, err := latest(ctx, k.Cached)
	if err == nil {
		var body io.ReadCloser
		if body, err = k.Cached(ctx, Folder+name); err == nil {
			return body, name, nil
		}
	}
	if errors.Is(err, assay.ErrNotFound) || errors.Is(err, assay.ErrMalformed) {
		err = nil
	}
	return nil, "", err
}

// since lists the documents that are newer than an archive, sorted; nil where
// its name tells no day.
func since(name string, changed, deleted map[string]time.Time) []string {
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
	done    map[string]bool // documents got one by one
	left    map[string]bool // documents not got, for there are too many
	found   bool
}

// bound leaves out of the newer documents the oldest over maxNewer.
func (w *walker) bound(newer []string, changed map[string]time.Time) []string {
	if len(newer) <= maxNewer {
		return newer
	}
	slices.SortStableFunc(newer, func(a, b string) int { return changed[b].Compare(changed[a]) })
	for _, p := range newer[maxNewer:] {
		w.left[p] = true
		w.s.Skip(path.Base(p), "changed since the archive, and too many did")
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
		err = fmt.Errorf("no documents in it: %w", assay.ErrMalformed)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", Folder+name, err)
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

// single gets one document; where it is not there the archive's counts.
func (w *walker) single(ctx context.Context, k assay.Keeper, p string, at time.Time) error {
	body, err := k.GetVersion(ctx, Folder+p, at.Format(time.RFC3339Nano))
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
	return fmt.Errorf("%s: %w", Folder+p, err)
}

// before hands over the version of a document that was got last, if there is
// one and it is newer than the archive's; nil: the archive has none.
func (w *walker) before(ctx context.Context, k assay.Keeper, p string, archived []byte) (used bool, _ error) {
	body, err := k.Cached(ctx, Folder+p)
	if errors.Is(err, assay.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer body.Close()
	had, err := csaf.Read(body)
	if err != nil {
		return false, ctx.Err() // as if it were not there
	}
	if d, err := csaf.Parse(archived); err == nil && !had.Modified.After(d.Modified) {
		return false, nil
	}
	return true, w.emit(had)
}

// document hands over what a document says, or counts one that cannot be read.
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

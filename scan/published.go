package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
	"github.com/assaysec/assay/internal/database/publish"
	"github.com/assaysec/assay/internal/importer"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/oci/signature"
)

// PublishedOptions names published databases: references of OCI artifacts in
// registries, or directories.
type PublishedOptions struct {
	Repositories []string            // tried in order; empty means no published database
	Key          string              // file with the public key (cosign's) that must have signed the database; "" means that no signature is needed
	Registry     assay.SourceOptions // options for access to registries
}

// Changes are the changes of a database update.
type Changes struct {
	Built     []assay.Stream // rewritten
	Unchanged []assay.Stream
	Missing   []assay.Stream // wanted, but not available
	Absent    []string       // feeds without documents in a partial mirror

	// Incomplete lists streams that were built without their main feed: "npm (osv)".
	Incomplete []string
}

// publishedDatabase is the location of a published database.
type publishedDatabase interface {
	db.Place
	io.Closer
}

type dirPlace struct{ publish.Directory }

func (dirPlace) Close() error { return nil }

// key reads the public key; nil if no signature is needed.
func (o *PublishedOptions) key() (*signature.Key, error) {
	if o.Key == "" {
		return nil, nil
	}
	k, err := signature.LoadKey(o.Key)
	if err != nil {
		return nil, &OptionError{"db-key", err}
	}
	return k, nil
}

// openPlace opens a database at a directory or a reference.
func (o *PublishedOptions) openPlace(ctx context.Context, name string) (publishedDatabase, error) {
	key, err := o.key()
	if err != nil {
		return nil, err
	}
	dir, ok := databaseIn(name)
	path, choice, isLayout := layoutAt(name)
	if err := checkDirectory(name, ok || isLayout); err != nil {
		return nil, err
	}
	if isLayout {
		return publish.OpenLayout(ctx, path, choice, key)
	}
	if ok {
		if key != nil {
			return nil, unsigned(name)
		}
		return dirPlace{publish.Directory(dir)}, nil
	}
	return publish.OpenRepository(ctx, name, key, registryclient.Options{SourceOptions: o.Registry})
}

func unsigned(dir string) error {
	return &OptionError{"db-key", fmt.Errorf("%s is a directory, which has no signature to verify", dir)}
}

// checkDirectory refuses a directory whose name is also that of a published database:
// the current directory may be a stranger's.
func checkDirectory(name string, isDatabase bool) error {
	if isDatabase && oci.HasHost(name) {
		return &OptionError{"", fmt.Errorf("%s: is both a reference and a directory: write ./%s for the directory", name, name)}
	}
	return nil
}

// databaseIn is the directory with the index: the given one, or the database in
// a cache directory.
func databaseIn(name string) (string, bool) {
	for _, dir := range []string{name, DatabaseDir(name)} {
		if _, err := os.Stat(filepath.Join(dir, "index.json")); err == nil {
			return dir, true
		}
	}
	return "", false
}

// layoutAt splits the name of a database in an OCI image layout: PATH, PATH:TAG or
// PATH@DIGEST, where PATH is a directory or a tar file.
func layoutAt(name string) (path, choice string, ok bool) {
	path, choice, _, ok = oci.SplitPath(name)
	return path, choice, ok && publish.IsLayout(path)
}

// Pull copies streams, or all if none is named, into the database in a
// directory: from the first repository that works, and missing streams from the
// next ones. Newer streams in the directory stay.
func (o *PublishedOptions) Pull(ctx context.Context, dir string, wanted []assay.Stream, log *slog.Logger) (sum Changes, err error) {
	var used []string
	var errs []error
	for _, name := range o.Repositories {
		res, err := o.pullFrom(ctx, name, dir, wanted, log)
		var option *OptionError
		if errors.As(err, &option) || err != nil && ctx.Err() != nil {
			return sum, err
		}
		sum.add(res)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		used, sum.Missing = append(used, name), res.Missing
		if wanted = missingStreams(wanted, res); len(wanted) == 0 {
			break
		}
	}
	if len(used) == 0 {
		return sum, errors.Join(errs...)
	}
	if len(errs) > 0 && log != nil {
		log.Warn("another repository was used", "used", strings.Join(used, ", "), "because", errors.Join(errs...))
	}
	sum.Missing = missingStreams(sum.Missing, sum)
	if len(wanted) > 0 { // which a repository that failed may have
		return sum, errors.Join(errs...)
	}
	return sum, nil
}

// add adds the result of another repository.
func (c *Changes) add(res Changes) {
	for _, s := range res.Built {
		c.Unchanged = slices.DeleteFunc(c.Unchanged, func(u assay.Stream) bool { return u == s })
		if !slices.Contains(c.Built, s) {
			c.Built = append(c.Built, s)
		}
	}
	for _, s := range res.Unchanged {
		if !slices.Contains(c.Built, s) && !slices.Contains(c.Unchanged, s) {
			c.Unchanged = append(c.Unchanged, s)
		}
	}
}

// missingStreams lists the wanted streams that are missing in the result.
func missingStreams(wanted []assay.Stream, res Changes) []assay.Stream {
	return slices.DeleteFunc(slices.Clone(wanted), func(w assay.Stream) bool {
		return slices.ContainsFunc(res.Built, w.Covers) || slices.ContainsFunc(res.Unchanged, w.Covers)
	})
}

func (o *PublishedOptions) pullFrom(ctx context.Context, name, dir string, wanted []assay.Stream, log *slog.Logger) (Changes, error) {
	p, err := o.openPlace(ctx, name)
	if err != nil {
		return Changes{}, err
	}
	defer p.Close()
	b := db.Builder{Log: log}
	res, err := b.Adopt(ctx, dir, p, wanted)
	if r, ok := p.(*publish.Repository); ok && log != nil {
		log.Debug("pulled", "from", name, "digest", r.Digest, "bytes", r.ReceivedBytes())
	}
	return changes(res), err
}

func changes(res db.Result) Changes {
	return Changes{Built: res.Built, Unchanged: res.Unchanged, Missing: res.Missing}
}

// Import copies streams, or all if none is named, from a file or directory into
// the database in a directory. The source is an exported database, a database's
// directory, a published database in an OCI image layout, or another scanner's database.
func (o *PublishedOptions) Import(ctx context.Context, path, dir string, wanted []assay.Stream, log *slog.Logger) (Changes, error) {
	if file, choice, ok := layoutAt(path); ok {
		return o.importLayout(ctx, file, choice, dir, wanted)
	}
	info, err := os.Stat(path)
	if err != nil {
		return Changes{}, err
	}
	if _, ok := databaseIn(path); ok && info.IsDir() {
		return o.pullFrom(ctx, path, dir, wanted, log)
	}
	key, err := o.key()
	if err != nil {
		return Changes{}, err
	}
	if key != nil && info.IsDir() {
		return Changes{}, unsigned(path)
	}
	b := db.Builder{Log: log}
	a, err := publish.OpenArchive(path, key)
	if err == nil {
		defer a.Close()
		res, err := b.Adopt(ctx, dir, a, wanted)
		return changes(res), err
	}
	if !errors.Is(err, assay.ErrUnsupported) {
		return Changes{}, err
	}
	if key != nil {
		copied, done, err := verified(ctx, path, key)
		if err != nil {
			return Changes{}, err
		}
		defer done()
		path = copied
	}
	f, err := importer.Open(ctx, path)
	if err != nil {
		return Changes{}, err
	}
	defer f.Close()
	res, err := b.Update(ctx, dir, []assay.Feed{f}, nil, wanted)
	return changes(res), err
}

// importLayout is Import of an OCI image layout. With a key, a signature must be in the
// layout, or beside its tar file.
func (o *PublishedOptions) importLayout(ctx context.Context, path, choice, dir string, wanted []assay.Stream) (Changes, error) {
	key, err := o.key()
	if err != nil {
		return Changes{}, err
	}
	p, err := publish.OpenLayout(ctx, path, choice, key)
	if info, statErr := os.Stat(path); errors.Is(err, assay.ErrUnauthorized) && statErr == nil && info.Mode().IsRegular() {
		copied, done, besideErr := verified(ctx, path, key)
		if besideErr != nil {
			return Changes{}, fmt.Errorf("%w; %w", err, besideErr)
		}
		defer done()
		p, err = publish.OpenLayout(ctx, copied, choice, nil)
	}
	if err != nil {
		return Changes{}, err
	}
	defer p.Close()
	b := db.Builder{}
	res, err := b.Adopt(ctx, dir, p, wanted)
	return changes(res), err
}

// verified is a copy of the signed file in a temporary directory. So nobody can
// change it after verification, and unsigned files beside the original are not
// read.
func verified(ctx context.Context, path string, key *signature.Key) (_ string, done func(), err error) {
	temp, err := os.MkdirTemp("", "assay-verified-*")
	if err != nil {
		return "", nil, err
	}
	to := filepath.Join(temp, filepath.Base(path))
	if err := publish.CopyFile(ctx, key, to, path); err != nil {
		os.RemoveAll(temp)
		return "", nil, err
	}
	return to, func() { os.RemoveAll(temp) }, nil
}

// A RecordChange is a record that differs between two databases.
type RecordChange struct {
	Stream assay.Stream `json:"stream"`
	Name   string       `json:"name"` // of the package; of details, the vulnerability
	ID     string       `json:"id"`
	Feed   string       `json:"feed"`
	What   string       `json:"what"` // "added", "removed", "changed"
}

// Diff lists the records of the wanted streams, or of all if none is named, that
// differ between two databases. Each is a directory, an exported file, an OCI image
// layout or a published database.
func (o *PublishedOptions) Diff(ctx context.Context, old, next string, wanted []assay.Stream, log *slog.Logger) ([]RecordChange, error) {
	a, done, err := o.openOther(ctx, old, wanted, log)
	if err != nil {
		return nil, err
	}
	defer done()
	b, done, err := o.openOther(ctx, next, wanted, log)
	if err != nil {
		return nil, err
	}
	defer done()
	out := []RecordChange{}
	for c, err := range a.Diff(ctx, b) {
		if err != nil {
			return nil, err
		}
		if len(wanted) == 0 || slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(c.Stream) }) {
			out = append(out, RecordChange(c))
		}
	}
	return out, nil
}

// openOther opens a database at another location, with a temporary directory if it
// needs one.
func (o *PublishedOptions) openOther(ctx context.Context, name string, wanted []assay.Stream, log *slog.Logger) (_ *db.DB, done func(), err error) {
	dir, ok := databaseIn(name)
	_, _, isLayout := layoutAt(name)
	if err := checkDirectory(name, ok || isLayout); err != nil {
		return nil, nil, err
	}
	if ok && !isLayout {
		if o.Key != "" {
			return nil, nil, unsigned(name)
		}
		d, err := db.Open(dir)
		if err != nil {
			return nil, nil, err
		}
		return d, func() { d.Close() }, nil
	}
	temp, err := os.MkdirTemp("", "assay-db-*")
	if err != nil {
		return nil, nil, err
	}
	if _, e := os.Stat(name); e == nil || isLayout {
		_, err = o.Import(ctx, name, temp, wanted, log)
	} else {
		_, err = o.pullFrom(ctx, name, temp, wanted, log)
	}
	var d *db.DB
	if err == nil {
		d, err = db.Open(temp)
	}
	if err != nil {
		os.RemoveAll(temp)
		return nil, nil, err
	}
	return d, func() { d.Close(); os.RemoveAll(temp) }, nil
}

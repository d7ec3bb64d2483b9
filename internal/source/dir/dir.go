// Package dir opens a directory of this machine as an image of one layer: source code,
// or the root of an operating system. It reads nothing outside the directory, whatever
// symbolic links point there.
package dir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// maxNames bounds the entries of one directory, which are sorted in memory.
const maxNames = 4_000_000

// Open opens a directory, or a single file. It leaves out .git, and in the root of an
// operating system proc, sys and dev.
func Open(name string) (*assay.Image, error) {
	place, err := filepath.EvalSymlinks(name) // the user's argument may be a link to elsewhere
	if err != nil {
		place = name
	}
	info, err := os.Stat(place)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: no such file or directory: %w", name, assay.ErrNotFound)
	case err != nil:
		return nil, err
	case !info.IsDir() && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: neither a file nor a directory: %w", name, assay.ErrUnsupported)
	}
	directory, only := place, ""
	if !info.IsDir() {
		directory, only = filepath.Dir(place), filepath.Base(place)
	}
	root, err := os.OpenRoot(directory)
	if err != nil {
		return nil, err
	}
	t := &tree{root: root, fs: root.FS()}
	for _, release := range []string{"etc/os-release", "usr/lib/os-release"} {
		if _, err := root.Lstat(release); err == nil {
			t.system = true
		}
	}
	l := assay.Layer{History: -1, Other: t.other, List: t.names, Walk: t.walk}
	if only != "" {
		l.Walk = func(_ context.Context, visit func(*assay.Entry) error) error { return t.single(only, visit) }
	}
	return &assay.Image{Name: name, Source: "dir", Layers: []assay.Layer{l}, Close: root.Close}, nil
}

// Content returns bytes as an image of one file.
func Content(name string, b []byte) *assay.Image {
	walk := func(_ context.Context, visit func(*assay.Entry) error) error {
		return visit(&assay.Entry{Path: name, Mode: 0o644, Size: int64(len(b)), Open: func() (assay.ReaderAtCloser, error) { return memory{bytes.NewReader(b)}, nil }})
	}
	return &assay.Image{Name: name, Source: "dir", Layers: []assay.Layer{{History: -1, Walk: walk}}}
}

type memory struct{ *bytes.Reader }

func (memory) Close() error { return nil }

type tree struct {
	root   *os.Root
	fs     fs.FS
	system bool // the directory is the root of an operating system
}

// walk visits the entries of the directory in the order of their names.
func (t *tree) walk(ctx context.Context, visit func(*assay.Entry) error) error {
	return t.directory(ctx, ".", visit)
}

func (t *tree) directory(ctx context.Context, dir string, visit func(*assay.Entry) error) error {
	entries, err := t.list(dir)
	if err != nil {
		p := dir
		if p == "." {
			p = ""
		}
		if err := visit(&assay.Entry{Path: p, Mode: fs.ModeDir, Err: plain(err)}); err != nil {
			return err
		}
	}
	for _, d := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := path.Join(dir, d.Name())
		if d.IsDir() && t.isApart(p) {
			continue
		}
		err := t.entry(p, d, visit)
		if err == fs.SkipDir {
			continue
		}
		if err == nil && d.IsDir() {
			err = t.directory(ctx, p, visit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isApart reports whether a directory does not belong to the target: data of version
// control, or file systems of the running kernel.
func (t *tree) isApart(p string) bool {
	return t.system && (p == "proc" || p == "sys" || p == "dev") || path.Base(p) == ".git"
}

// list returns the entries of a directory by name; with an error, those that could be
// read.
func (t *tree) list(dir string) ([]fs.DirEntry, error) {
	f, err := t.fs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	entries, err := f.(fs.ReadDirFile).ReadDir(maxNames)
	if err == io.EOF {
		err = nil
	}
	if len(entries) == maxNames {
		err = fmt.Errorf("more than %d entries: %w", maxNames, assay.ErrTooLarge)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}

// entry visits one entry of a directory.
func (t *tree) entry(p string, d fs.DirEntry, visit func(*assay.Entry) error) error {
	e := &assay.Entry{Path: p, Mode: d.Type()}
	info, err := d.Info()
	if err == nil {
		e.Mode = info.Mode()
		e.UID, e.GID, e.HasOwner = owner(info)
	}
	switch {
	case d.Type()&fs.ModeSymlink != 0:
		e.Link, e.Err = t.root.Readlink(p)
	case d.Type().IsRegular():
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted since the directory was listed
		}
		if e.Err = plain(err); err == nil {
			e.Size = info.Size()
		}
		e.Open = func() (assay.ReaderAtCloser, error) { return t.open(p) }
	}
	return visit(e)
}

// single visits a single file.
func (t *tree) single(name string, visit func(*assay.Entry) error) error {
	info, err := t.root.Stat(name)
	if err != nil {
		return visit(&assay.Entry{Path: name, Err: plain(err)})
	}
	e := &assay.Entry{Path: name, Mode: info.Mode(), Size: info.Size(), Open: func() (assay.ReaderAtCloser, error) { return t.open(name) }}
	e.UID, e.GID, e.HasOwner = owner(info)
	return visit(e)
}

// open opens a file; it does not block on a pipe that replaced it.
func (t *tree) open(p string) (assay.ReaderAtCloser, error) {
	f, err := limit.OpenRegularIn(t.root, p)
	if err != nil {
		return nil, plain(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, plain(err)
	}
	return &file{f, info}, nil
}

// A file reports on Close whether it changed while it was open.
type file struct {
	*os.File
	then fs.FileInfo
}

func (f *file) Close() error {
	now, err := f.Stat()
	f.File.Close()
	if err != nil || now.Size() != f.then.Size() || !now.ModTime().Equal(f.then.ModTime()) {
		return errors.New("changed while it was read: scan it again")
	}
	return nil
}

// other reads a file that a reader asks for.
func (t *tree) other(p string, most int64) ([]byte, error) {
	f, err := t.open(filepath.FromSlash(p))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", p, err, assay.ErrNotFound)
	}
	defer f.Close()
	b, err := limit.ReadAll(f.(*file).File, most)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	return b, nil
}

// maxListed bounds the names in a directory that a reader asks for: it looks for the
// parts of a project, of which the largest known have some thousands.
const maxListed = 20_000

// names lists a directory that a reader asks for.
func (t *tree) names(dir string) ([]string, error) {
	f, err := limit.OpenDirectoryIn(t.root, filepath.FromSlash(dir))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", dir, err, assay.ErrNotFound)
	}
	defer f.Close()
	entries, err := f.ReadDir(maxListed + 1)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w: %w", dir, err, assay.ErrNotFound)
	}
	if len(entries) > maxListed {
		return nil, fmt.Errorf("%s: more than %d entries: %w", dir, maxListed, assay.ErrTooLarge)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

// plain returns the error without the path, which messages show already.
func plain(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err
	}
	if errors.Is(err, fs.ErrPermission) {
		what := "no permission to read it"
		if runtime.GOOS != "windows" && os.Geteuid() != 0 {
			what += "; its content is unknown: run as its owner, or skip it with --skip-dirs"
		}
		return errors.New(what)
	}
	return err
}

package vmdisk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
	"github.com/assaysec/assay/internal/encoding/limit"
)

const (
	// maxDepth bounds the nesting of directories; genuine trees have less than a
	// hundred levels.
	maxDepth = 2000

	// maxPath bounds the path of a directory whose entries are listed. Linux accepts
	// 4096 bytes; several thousand paths are in memory at a time.
	maxPath = 16 << 10

	// maxListed bounds the bytes of all directory lists on disk: those of ten million
	// files take about 1 GB. Damaged disks may contain the same list many times.
	maxListed = 4 << 30

	// maxMemo bounds the cached names of recently listed directories, except the last
	// one.
	maxMemo = 200_000

	// maxAtOnce is how many entries of a directory are read into memory at a time.
	maxAtOnce = 4096

	// maxLinks bounds the symbolic links followed for one path, as Linux does.
	maxLinks = 40
)

type name = filesystem.Name

// A place is a directory or file of a volume.
type place struct {
	volume *volume
	node   uint64
}

// A tree contains the files of all volumes.
type tree struct {
	base   *volume           // nil where no volume is the root
	mounts map[place]*volume // by the directory where they are mounted
	apart  []*volume         // mounted below directories of their own

	mu   sync.Mutex
	memo map[place]listing // recently listed directories
	held int               // number of names in memo
}

// A listing maps the entries of a directory by name; with an error, those that could be
// read.
type listing struct {
	names []name
	err   error
}

// directory is where the files of a volume without a mount are listed.
func directory(v *volume) string { return fmt.Sprintf("partition-%d", v.Number) }

// enter returns where a directory's entries are: in the volume mounted there, if any.
func (t *tree) enter(at place) place {
	for range maxDepth {
		v := t.mounts[at]
		if v == nil {
			break
		}
		at = place{v, v.Root()}
	}
	return at
}

// list reads the entries of a directory.
func (t *tree) list(at place) listing {
	t.mu.Lock()
	l, ok := t.memo[at]
	t.mu.Unlock()
	if ok {
		return l
	}
	l.names, l.err = at.volume.List(at.node)
	slices.SortStableFunc(l.names, func(a, b name) int { return strings.Compare(a.Text, b.Text) })
	l.names = slices.CompactFunc(l.names, func(a, b name) bool { return a.Text == b.Text })
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held += len(l.names) + 1; t.held > maxMemo {
		t.held = len(l.names) + 1
		clear(t.memo)
	}
	t.memo[at] = l
	return l
}

// child returns the number of a directory's entry; 0 where there is none.
func (t *tree) child(at place, text string) uint64 {
	names := t.list(at).names
	if i, ok := slices.BinarySearchFunc(names, text, func(n name, text string) int { return strings.Compare(n.Text, text) }); ok {
		return names[i].Node
	}
	return 0
}

var errNotThere = fmt.Errorf("no such file: %w", assay.ErrNotFound)

// lookup resolves a path; links do not leave the root.
func (t *tree) lookup(root place, name string) (at place, node filesystem.Node, err error) {
	directories, links := []place{t.enter(root)}, 0
	at = directories[0]
	if node, err = at.volume.Node(at.node); err != nil {
		return at, node, err
	}
	for parts := strings.Split(name, "/"); len(parts) > 0; {
		part := parts[0]
		parts = parts[1:]
		switch top := directories[len(directories)-1]; {
		case part == "" || part == ".":
			continue
		case !node.Mode.IsDir():
			return at, node, errNotThere
		case part == "..":
			directories = directories[:max(len(directories)-1, 1)]
			at = directories[len(directories)-1]
		default:
			if at = (place{top.volume, t.child(top, part)}); at.node == 0 {
				return at, node, errNotThere
			}
			at = t.enter(at)
		}
		if node, err = at.volume.Node(at.node); err != nil {
			return at, node, err
		}
		if node.Mode&fs.ModeSymlink != 0 {
			if links++; links > maxLinks {
				return at, node, fmt.Errorf("more than %d symbolic links: %w", maxLinks, assay.ErrMalformed)
			}
			if strings.HasPrefix(node.Link, "/") {
				directories = directories[:1]
			}
			parts = append(strings.Split(node.Link, "/"), parts...)
			at = directories[len(directories)-1]
			node.Mode = fs.ModeDir
		} else if node.Mode.IsDir() && at != directories[len(directories)-1] {
			directories = append(directories, at)
		}
	}
	return at, node, nil
}

// other reads a file that a reader asks for.
func (t *tree) other(p string, most int64) ([]byte, error) {
	root, rest := place{}, p
	if t.base != nil {
		root = place{t.base, t.base.Root()}
	}
	first, below, _ := strings.Cut(p, "/")
	for _, v := range t.apart {
		if first == directory(v) {
			root, rest = place{v, v.Root()}, below
		}
	}
	if root.volume == nil || !fs.ValidPath(p) {
		return nil, fmt.Errorf("%s: %w", p, errNotThere)
	}
	at, node, err := t.lookup(root, rest)
	if err != nil || !node.Mode.IsRegular() {
		return nil, fmt.Errorf("%s: %w", p, errors.Join(err, errNotThere))
	}
	r, err := at.volume.Open(at.node)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	b, err := limit.ReadAll(io.NewSectionReader(r, 0, node.Size), most)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p, err)
	}
	return b, nil
}

// walk visits all files in the order of their names.
func (t *tree) walk(ctx context.Context, visit func(*assay.Entry) error) error {
	w := walker{ctx: ctx, t: t, visit: visit, seen: map[place]bool{}}
	if t.base != nil {
		if err := w.directory(place{t.base, t.base.Root()}, "", 0); err != nil {
			return err
		}
	}
	for _, v := range t.apart {
		err := visit(&assay.Entry{Path: directory(v), Mode: fs.ModeDir | 0o755})
		if err == nil {
			err = w.directory(place{v, v.Root()}, directory(v), 1)
		}
		if err != nil && err != fs.SkipDir {
			return err
		}
	}
	return nil
}

// A walker is one walk through a tree.
type walker struct {
	ctx    context.Context
	t      *tree
	visit  func(*assay.Entry) error
	seen   map[place]bool // directories visited
	listed int64          // bytes of their lists
}

// directory visits the entries of a directory.
func (w *walker) directory(at place, dir string, depth int) error {
	names, err := w.enter(&at, dir, depth)
	if errors.Is(err, errListed) {
		return err
	}
	if err != nil {
		if err := w.visit(&assay.Entry{Path: dir, Mode: fs.ModeDir, Err: err}); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(names, maxAtOnce) {
		for i, e := range w.entries(at.volume, part, dir) {
			if err := w.ctx.Err(); err != nil {
				return err
			}
			err := w.visit(e)
			if err == fs.SkipDir {
				continue
			}
			if err == nil && e.Err == nil && e.Mode.IsDir() {
				err = w.directory(place{at.volume, part[i].Node}, e.Path, depth+1)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

var errListed = fmt.Errorf("the directory lists exceed %d bytes: %w", int64(maxListed), assay.ErrTooLarge)

// enter lists a directory that was not visited before.
func (w *walker) enter(at *place, dir string, depth int) ([]name, error) {
	*at = w.t.enter(*at)
	switch {
	case w.seen[*at]:
		return nil, fmt.Errorf("the directory is linked twice, or contains itself: %w", assay.ErrMalformed)
	case len(dir) > maxPath:
		return nil, fmt.Errorf("path of %d bytes is too long: %w", len(dir), assay.ErrTooLarge)
	case depth > maxDepth:
		return nil, fmt.Errorf("more than %d nested directories: %w", maxDepth, assay.ErrTooLarge)
	}
	w.seen[*at] = true
	if node, err := at.volume.Node(at.node); err == nil {
		if w.listed += min(node.Size, filesystem.MaxDir); w.listed > maxListed {
			return nil, errListed
		}
	}
	l := w.t.list(*at)
	return l.names, l.err
}

// entries reads what names refer to. It reads inodes in the order of the disk, so that
// compressed blocks are decompressed once.
func (w *walker) entries(v *volume, names []name, dir string) []*assay.Entry {
	entries, order := make([]*assay.Entry, len(names)), make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(names[a].Node, names[b].Node) })
	for _, i := range order {
		e := &assay.Entry{Path: path.Join(dir, names[i].Text)}
		entries[i] = e
		node, err := v.Node(names[i].Node)
		if e.Mode, e.Link, e.Err = node.Mode, node.Link, err; err != nil && node.Mode == 0 {
			e.Mode = fs.ModeDir // it may be a directory, so its error is reported
			continue
		}
		e.UID, e.GID, e.HasOwner = node.UID, node.GID, true
		if e.Mode.IsRegular() {
			e.Size = node.Size
			e.Open = func() (assay.ReaderAtCloser, error) {
				r, err := v.Open(node.Number)
				return file{r}, err
			}
		}
	}
	return entries
}

type file struct{ io.ReaderAt }

func (file) Close() error { return nil }

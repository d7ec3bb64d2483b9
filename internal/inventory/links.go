package inventory

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tarstream"
)

// This file follows the links of a layer while it is read, as the programs do that
// unpack it: an entry is written where the links that are there by then lead.

// maxForgotten bounds the links that are looked at because directories were replaced by
// files: no real layer does that often.
const maxForgotten = 64 << 20

// realDirs is the last directory that realDir looked at.
type realDirs struct{ dir, real string }

// realDir follows the symbolic links of this layer in the path of a directory. Those of
// lower layers are followed when layers are squashed. It reports false for a cycle.
func (l *layerReader) realDir(dir string) (real string, ok bool) {
	if dir == "" || len(l.out.Links) == 0 {
		return dir, true
	}
	if dir == l.dirs.dir {
		return l.dirs.real, true
	}
	real, ok = dir, true
	for i := 0; i <= len(dir); i++ {
		if i < len(dir) && dir[i] != '/' {
			continue
		}
		if _, link := l.out.Links[dir[:i]]; link {
			real, ok = l.follow(dir)
			break
		}
	}
	if ok {
		l.dirs = realDirs{dir, real}
	}
	return real, ok
}

// follow follows the symbolic links of this layer in a path; like chroot, it never
// leaves the root.
func (l *layerReader) follow(path string) (real string, ok bool) {
	rest := path
	for hops := 0; rest != ""; {
		name, after, _ := strings.Cut(rest, "/")
		rest = after
		if name == "" || name == "." {
			continue
		}
		if name == ".." {
			real, _ = split(real)
			continue
		}
		next := join(real, name)
		target, link := l.out.Links[next]
		if !link {
			real = next
			continue
		}
		if hops++; hops > maxHops || len(real)+len(target)+len(after) > maxPath {
			return path, false
		}
		if strings.HasPrefix(target, "/") {
			real = ""
		}
		rest = target + "/" + after
	}
	return real, true
}

// resolveHardlink makes the target of a hard link a path of this layer. A hard link to a
// symbolic link is another such link.
// https://man7.org/linux/man-pages/man2/link.2.html
func (l *layerReader) resolveHardlink(h *tarstream.Header) {
	h.Link = clean(h.Link)
	dir, base := split(h.Link)
	if real, ok := l.realDir(dir); ok {
		h.Link = join(real, base)
	}
	if target, ok := l.out.Links[h.Link]; ok {
		h.Kind, h.Link = tarstream.Symlink, target
	}
}

// keepHardlink keeps a file that is read again under the name of a link, too: what the
// layer later writes to its first name does not change it.
func (l *layerReader) keepHardlink(ctx context.Context, path, target string) error {
	f := l.kept[target]
	if f == nil || len(l.matcher.match(nil, path)) == 0 {
		return nil
	}
	c, err := l.spool.store(ctx, assay.File{Path: path, Mode: f.Mode, Size: f.Size}, io.NewSectionReader(f, 0, f.Size))
	if err != nil {
		return err
	}
	l.drop(l.kept, path)
	l.kept[path] = c
	return nil
}

// rewritten records that the file at path is written again: hard links to it keep the
// old file.
func (l *layerReader) rewritten(path string) {
	l.out.Again = append(l.out.Again, l.targets[path]...)
	delete(l.targets, path)
}

// forgetLinks removes the links below a directory that a file replaced.
func (l *layerReader) forgetLinks(dir string) error {
	if l.forgotten += len(l.out.Links) + len(l.targets); l.forgotten > maxForgotten {
		return fmt.Errorf("too many directories are replaced by files: %w", assay.ErrTooLarge)
	}
	dir += "/"
	for path := range l.out.Links {
		if strings.HasPrefix(path, dir) {
			l.forgetLink(path)
		}
	}
	for path := range l.targets {
		if strings.HasPrefix(path, dir) {
			l.rewritten(path)
		}
	}
	return nil
}

func (l *layerReader) forgetLink(path string) {
	if _, ok := l.out.Links[path]; ok {
		delete(l.out.Links, path)
		l.dirs = realDirs{}
	}
}

// global handles a global extended header. Some programs that unpack layers delete a
// file of its name, others do not.
func (l *layerReader) global(path string) {
	if l.index.bits[hashPath(path)] == 0 && !l.matcher.wantsIn(path) {
		return
	}
	l.gap(path, "a global extended header has this name: some container engines delete what is there, others do not")
}

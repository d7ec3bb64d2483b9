package assay

import (
	"fmt"
	"io"
	"path"
	"strings"
)

// A Scope says what a file tells of, and so in which targets it is looked at:
// a lock file in an image says nothing of what is installed there.
type Scope uint8

// A target is looked at in several: an image, a root file system and a disk in
// the first two, a folder in the first and the third, a repository of source
// code in the third.
const (
	ScopeSystem    Scope = 1 << iota // the system: its release, its package manager's database
	ScopeInstalled                   // software as it is installed: archives, executables, metadata of installed packages
	ScopeDeclared                    // what source code asks for: lock files, manifests
	ScopeSBOM                        // bills of materials, where they are the target
)

// A Pattern says which files a reader wants. It is data, so that the engine
// compiles those of all readers into one matcher: a file that nobody wants
// costs one look-up.
type Pattern struct {
	// Glob is a path inside the image, with slashes and no leading one; "*"
	// stands for anything within one component. "**/" in front means in any
	// directory. Without it the path is one of the system's own, and counts
	// only where the image's root reaches it, whatever symbolic links lead
	// there: "var/lib/dpkg/status".
	Glob string

	// Scope is where the pattern counts; 0 means ScopeSystem.
	Scope Scope

	// Executable limits the pattern to files that begin as ELF, Mach-O and PE
	// executables do; where Glob is "**/*", to those of them that may be executed.
	Executable bool

	// RequiresSibling limits the pattern to files in whose folder there is something of
	// that name, too: package.json beside "node_modules".
	RequiresSibling string

	// UnlessSibling limits the pattern to files in whose folder nothing of a name was
	// found to tell of packages, with "*" in it: a library without "*.deps.json".
	UnlessSibling string

	// MaxSize is the size in bytes over which the file is not read and becomes
	// a gap; 0 means DefaultMaxSize.
	MaxSize int64

	// With lists suffixes of files that belong to this one and are handed over
	// beside it where they exist: "-wal" of an SQLite database.
	With []string
}

// DefaultMaxSize bounds a wanted file whose pattern gives no bound of its own.
const DefaultMaxSize = 64 << 20

// A File is a file of a layer, offered to a reader. It is valid only during
// Read.
type File struct {
	Path string // inside the image: clean, no leading slash
	Mode uint32 // permission bits
	Size int64  // bytes
	io.ReaderAt
	With map[string]*File // by suffix, see Pattern.With; nil when there is none

	// Other reads another file of the target, at a clean path. Nil where files
	// come one by one, as in a layer, so that no other can be asked for.
	Other func(path string, most int64) ([]byte, error)
}

// Sibling reads the file that lies at name, relative to f's folder: "go.sum",
// "../pom.xml". ErrNotFound when there is none, when it would be outside the
// target, or where no other file can be asked for; ErrTooLarge over most bytes.
func (f *File) Sibling(name string, most int64) ([]byte, error) {
	p := path.Join(path.Dir(f.Path), name)
	if f.Other == nil || p == "." || p == ".." || strings.HasPrefix(p, "../") || strings.HasPrefix(name, "/") {
		return nil, fmt.Errorf("%s: %w", p, ErrNotFound)
	}
	return f.Other(p, most)
}

// Reader returns the content from its start.
func (f *File) Reader() *io.SectionReader { return io.NewSectionReader(f, 0, f.Size) }

package assay

import (
	"context"
	"fmt"
	"io"
	"path"
	"strings"
)

// A Scope says what a file is about, and so in which targets it is read: a lock file in
// an image says nothing about the packages installed there.
type Scope uint8

// A target is read in several scopes: an image, a root file system and a disk in the
// first two, a directory in the first and the third, a source code repository in the
// third.
const (
	ScopeSystem    Scope = 1 << iota // the operating system: its release, its package manager's database
	ScopeInstalled                   // installed software: archives, executables, metadata of installed packages
	ScopeDeclared                    // dependencies of source code: lock files, manifests; not below node_modules and the like
	ScopeSBOM                        // SBOMs, where they are the target
)

// A Pattern says which files a reader wants. It is data, so that the engine compiles
// the patterns of all readers into one matcher: a file that no reader wants costs one
// look-up.
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

	// RequiresSibling limits the pattern to files whose directory contains this name,
	// too: package.json beside "node_modules".
	RequiresSibling string

	// UnlessSibling limits the pattern to files in whose directory no file that matches
	// this name, with "*" in it, lists packages: a library without "*.deps.json".
	UnlessSibling string

	// MaxSize is the size in bytes over which the file is not read and becomes
	// a gap; 0 means DefaultMaxSize.
	MaxSize int64

	// With lists suffixes of companion files, which are passed together with the file
	// where they exist: "-wal" of an SQLite database.
	With []string
}

// DefaultMaxSize bounds a wanted file whose pattern has no MaxSize.
const DefaultMaxSize = 64 << 20

// A File is a file of a layer, passed to a reader. It is valid only during Read.
type File struct {
	Path string // inside the image: clean, no leading slash
	Mode uint32 // permission bits
	Size int64  // bytes
	io.ReaderAt
	With map[string]*File // by suffix, see Pattern.With; nil when there is none

	// Other reads another file of the target, at a clean path. Nil where files
	// come one by one, as in a layer, so that no other can be asked for.
	Other func(path string, most int64) ([]byte, error)

	// List returns the names in another directory of the target, sorted, those of
	// directories with a slash at the end. Nil where Other is.
	List func(dir string) ([]string, error)

	// Registry answers what is published about the packages that a project without a
	// lock file depends on. Nil where nothing but the target may be asked.
	Registry PackageRegistry
}

// A PackageRegistry answers what registries publish about packages. Only it knows the
// network and the files of this machine outside the target; readers do not. It counts
// what it could not get, and why, so that a reader reports only what that means for
// its file.
type PackageRegistry interface {
	// Manifests returns the manifests of packages, in their order: of Maven the
	// project's pom.xml. ErrNotFound: no registry has it.
	Manifests(ctx context.Context, packages []PublishedPackage) []Manifest
	// Versions returns the published versions of a package, in no order. Versions and
	// error may both be set. ErrNotFound: no registry has any.
	Versions(ctx context.Context, p PublishedPackage) ([]string, error)
}

// A PublishedPackage names a package as its registry does.
type PublishedPackage struct {
	Type    string // as Package.Type
	Name    string // as Package.Name
	Version string // "" where all are meant

	// Repositories are those that the project names, in its order. Whoever wrote the
	// project chose them: they get no credentials, and are never files.
	Repositories []PackageRepository
}

// A PackageRepository is a repository that a project names.
type PackageRepository struct {
	ID, URL                 string
	NoReleases, NoSnapshots bool // which versions it does not have
}

// A Manifest is what a package says about itself, or why that is unknown. Its content
// must not be changed.
type Manifest struct {
	Content []byte
	Err     error
}

// Sibling reads the file that lies at name, relative to f's directory: "go.sum",
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

// An EntryType is what an entry of a layer is.
type EntryType uint8

// Whiteouts and opaque marks delete entries of lower layers.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md#whiteouts
const (
	EntryFile     EntryType = iota + 1
	EntryDir                // a directory
	EntrySymlink            // a symbolic link
	EntryHardlink           // another name of a file; its content comes with that one's
	EntrySpecial            // a device, pipe or socket
	EntryWhiteout           // what lower layers have at the path is deleted
	EntryOpaque             // what lower layers have in the directory at the path is deleted
)

// A Header describes an entry of a layer to a Streamer.
type Header struct {
	Path     string    // inside the image: clean, no leading slash; of a whiteout what it deletes
	Type     EntryType //
	Mode     uint32    // permission bits, with 04000, 02000 and 01000 for setuid, setgid and sticky
	Size     int64     // of a file, in bytes
	UID, GID int64     // owner; 0 where HasOwner is false
	HasOwner bool      // the layer says who owns the entry
	Link     string    // target of a symbolic link, as written; path of the file that a hard link is another name of
}

// A Streamer sees every entry of a layer as it passes, whatever its name: a search for
// secrets, a listing. Entries without results take no memory, so millions of files are
// fine.
type Streamer interface {
	// Name is the streamer's short name, as shown in gaps, unlike any Reader's.
	Name() string
	// Stream is called with the header of each entry, in the order of the layer,
	// and from several goroutines for several layers. facts are what the header
	// alone says. Where w is not nil and the entry is a file, w gets the file's
	// bytes. The last entry of a path counts, as in a file system; what was said
	// of those before is dropped.
	Stream(ctx context.Context, h *Header) (facts Facts, w FileStream)
}

// A FileStream takes the bytes of one file in order, in pieces of any length. It may
// keep the end of a piece, to find results that span two pieces, and bounds that by a
// constant of its own; it keeps nothing else but its results.
type FileStream interface {
	// Write takes the next bytes and does not keep p. After an error it gets no
	// more of the file.
	io.Writer
	// Facts is called once, after the last byte. Facts and error may both be set:
	// what was found, and what could not be read. It is not called when the file
	// is cut off.
	Facts() (Facts, error)
}

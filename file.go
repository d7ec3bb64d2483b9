package assay

import "io"

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
}

// Reader returns the content from its start.
func (f *File) Reader() *io.SectionReader { return io.NewSectionReader(f, 0, f.Size) }

// Package assay defines the vocabulary of the scanner: what an image, a layer, a
// package, an advisory and a finding are, and the contracts between the parts
// that produce and consume them.
//
// Read this file first. A scan is one line:
//
//	reference → Source → Image → (layers → Reader → Facts) → Inventory → Advisories → Finding, Gap → Report → Format
//
// and the data behind it another:
//
//	Feed (over a Getter) → Advisory, Detail → database → Advisories, Details
//
// One idea carries the design: a fact belongs to a path in a layer, and a higher
// layer that rewrites or deletes the path removes the fact. So the facts of a layer
// depend on that layer's bytes only: they are read once, in one streaming pass, and
// cached by the layer's verified digest.
//
// The package imports the standard library only.
package assay

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
)

// A Source turns a reference into an image.
type Source interface {
	// Name is the scheme before the colon: "docker-archive", "registry".
	Name() string
	// Open finds the image that ref names. Three things may happen: the image
	// is there (its layers are not read yet); the source does not know it, or
	// is not running, which is ErrNotFound and lets the next source try; or
	// the source knows it and it cannot be used, which is any other error.
	Open(ctx context.Context, ref string, o SourceOptions) (*Image, error)
}

// A Reader reads one kind of file.
type Reader interface {
	// Name is the reader's short name, as shown in gaps: "dpkg".
	Name() string
	// Wants lists the files to offer. It is called once, and is constant.
	Wants() []Pattern
	// Read reads one file. Facts and error may both be set: what could be
	// read, and what could not. It keeps neither f nor slices of its content.
	Read(ctx context.Context, f *File) (Facts, error)
}

// A Feed reads one publisher's data about vulnerabilities.
type Feed interface {
	// Name is the feed's short name, as shown by `assay db status`: "debian".
	Name() string
	// Streams lists the streams that the feed covers; "alpine:*" stands for every
	// stream of the family.
	Streams() []Stream
	// Fetch gets what the publisher says on the wanted streams and hands every
	// record to s. With no streams wanted it fetches all it knows. It stops at
	// s's first error.
	Fetch(ctx context.Context, g Getter, wanted []Stream, s Sink) error
}

// A LimitedFeed is a Feed that not every run may fetch by itself. A feed
// without Use is UseAlways.
type LimitedFeed interface {
	Feed
	// Use says which runs may fetch the feed; it is constant.
	Use() FeedUse
}

// FeedUse says which runs may fetch a feed.
type FeedUse uint8

// Ordered: a greater value allows less.
const (
	UseAlways  FeedUse = iota // scans, too, when a stream is missing or old
	UseUpdate                 // updates of the database; its documents are too large to fetch for one image
	UseRequest                // only where the user asks for this feed by name
)

// UseOf is which runs may fetch a feed.
func UseOf(f Feed) FeedUse {
	if l, ok := f.(LimitedFeed); ok {
		return l.Use()
	}
	return UseAlways
}

// A DatedFeed is a Feed whose documents were fetched from their publishers
// before, as those in the database of another scanner.
type DatedFeed interface {
	Feed
	// Date is when the documents were fetched from their publishers.
	Date() time.Time
}

// An ImportedFeed is an opened file of advisories. Its Fetch needs no Getter.
type ImportedFeed interface {
	DatedFeed
	io.Closer
}

// An Importer opens one kind of file, such as the database of another scanner.
type Importer struct {
	About string // one line: "Trivy's database (trivy.db, its directory or its archive)"
	// Open opens a file or directory. ErrUnsupported: it is of another kind, and
	// the next importer may try.
	Open func(ctx context.Context, path string) (ImportedFeed, error)
}

// A Sink takes the records of a feed. Every record that the feed read is
// either kept (Advisory, Detail) or counted as skipped with a reason.
type Sink interface {
	Advisory(Advisory) error
	Detail(Detail) error
	// Skip counts the record id as not used; why is one of a few constant
	// phrases, for it becomes a row of `assay db status`.
	Skip(id, why string)
}

// An ArtifactSink is a Sink that takes artifacts, too.
type ArtifactSink interface {
	Sink
	Artifact(Artifact) error
}

// A Getter fetches documents of publishers: conditionally, bounded, cached.
type Getter interface {
	// Get returns the document at url as its publisher wrote it (a .gz stays
	// one); the caller closes it. ErrNotFound: the publisher has no such
	// document. A document that did not change comes from the cache.
	Get(ctx context.Context, url string) (io.ReadCloser, error)
}

// A Lister is a Getter that can list a publisher's directories, as one over a
// directory of documents can.
type Lister interface {
	Getter
	// List returns the names in the directory at url. ErrNotFound: there is no
	// such directory. ErrUnsupported: where it is kept directories cannot be
	// listed.
	List(ctx context.Context, url string) ([]string, error)
}

// A Digester is a Getter that tells the versions of documents apart. With any
// other Getter every update of a database reads each feed anew.
type Digester interface {
	Getter
	// Digest changes when the document that Get returns does. ErrNotFound: the
	// publisher has no such document.
	Digest(ctx context.Context, url string) (string, error)
}

// A Keeper is a Getter that stores documents from one run to the next, so that
// a feed whose publisher lists what changed gets only that.
type Keeper interface {
	Getter
	// Cached returns the version of the document that was fetched last, whenever
	// that was, without asking its publisher. ErrNotFound: none is stored.
	Cached(ctx context.Context, url string) (io.ReadCloser, error)
	// GetVersion returns the document in the version that its publisher names:
	// any word that changes with the document, such as a date. A document that
	// was fetched under the same word is not asked for again.
	GetVersion(ctx context.Context, url, version string) (io.ReadCloser, error)
}

// Advisories answers what is known about a package name in a stream.
type Advisories interface {
	// Lookup yields the advisories that name the package; their Affected holds
	// just the parts about it. A stream that the database does not have is
	// ErrNotFound, which is not the same as a stream without the name.
	Lookup(ctx context.Context, s Stream, name string) iter.Seq2[Advisory, error]
}

// Details answers what is known about a vulnerability itself.
type Details interface {
	// Detail returns what the detail feeds say of id; ErrNotFound when none
	// does or when the shard that would tell is not there.
	Detail(ctx context.Context, id string) (Detail, error)
}

// Artifacts answers which published artifact a file is.
type Artifacts interface {
	// Artifact returns those with the SHA-1; ErrNotFound when there is none,
	// or when the database does not have StreamArtifacts.
	Artifact(ctx context.Context, sha1 [20]byte) ([]Artifact, error)
}

// A Cache keeps bytes by key. Losing an entry costs time, never correctness.
type Cache interface {
	// Get returns ErrNotFound for a key that is not there or is damaged.
	Get(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, key string, value []byte) error
}

// A Format writes a report. The same report and options give the same bytes.
// Text from images and publishers may be hostile: it is escaped as the form
// demands, and controls no terminal.
type Format struct {
	Name     string                    // as given to --format
	About    string                    // one line for --help
	Versions []string                  // of its specification, as given after "@"; the first is the default
	Options  FormatOption              // those that it takes
	SBOM     bool                      // an SBOM: it lists packages, so that nothing need be matched
	NoGaps   bool                      // the form has no place for gaps; whoever writes it says so elsewhere
	Check    func(FormatOptions) error // refuses values of options, before anything is scanned; nil takes all
	Sections []string                  // names of the kinds whose sections it writes
	Write    func(io.Writer, *Report, FormatOptions) error

	AllSections bool // it writes the sections of all kinds
}

// FormatOptions is what a user may choose about how a report looks.
type FormatOptions struct {
	Version    string // one of Format.Versions; "" means the first
	Width      int    // columns of the terminal; 0 means 160
	Color      bool   // escape sequences are welcome
	ShowLayers bool   // layer and instruction with each package
	AllPkgs    bool   // packages without findings, too
	Tree       bool   // dependency paths to the packages with findings
	Suppressed bool   // suppressed findings, too, where the form has no place of its own for them
	Template   string // text of the template, for the format that takes one
	MaxChars   int    // of the report, for the format that can leave out rows to be so short; 0 means no limit
}

// A FormatOption is a set of the fields of FormatOptions besides Version, which
// Format.Versions declares.
type FormatOption uint16

// One bit for each field.
const (
	OptionWidth FormatOption = 1 << iota
	OptionColor
	OptionShowLayers
	OptionAllPkgs
	OptionTree
	OptionSuppressed
	OptionTemplate
	OptionMaxChars
)

var optionNames = [...]string{"Width", "Color", "ShowLayers", "AllPkgs", "Tree", "Suppressed", "Template", "MaxChars"}

// String names the fields: "Width, Color".
func (o FormatOption) String() string {
	var names []string
	for i, name := range optionNames {
		if o&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// Set is the set of the options that have another value than zero.
func (o FormatOptions) Set() (set FormatOption) {
	for i, isSet := range [...]bool{o.Width != 0, o.Color, o.ShowLayers, o.AllPkgs, o.Tree, o.Suppressed, o.Template != "", o.MaxChars != 0} {
		if isSet {
			set |= 1 << i
		}
	}
	return set
}

// Takes reports whether the format takes all options of a set.
func (f *Format) Takes(o FormatOption) bool { return f.Options&o == o }

// Keep returns o with the zero value for each option that the format does not
// take.
func (f *Format) Keep(o FormatOptions) FormatOptions {
	kept := FormatOptions{Version: o.Version}
	if f.Takes(OptionWidth) {
		kept.Width = o.Width
	}
	if f.Takes(OptionTemplate) {
		kept.Template = o.Template
	}
	if f.Takes(OptionMaxChars) {
		kept.MaxChars = o.MaxChars
	}
	kept.Color = o.Color && f.Takes(OptionColor)
	kept.ShowLayers = o.ShowLayers && f.Takes(OptionShowLayers)
	kept.AllPkgs = o.AllPkgs && f.Takes(OptionAllPkgs)
	kept.Tree = o.Tree && f.Takes(OptionTree)
	kept.Suppressed = o.Suppressed && f.Takes(OptionSuppressed)
	return kept
}

// CheckOptions refuses, before anything is scanned, options that the format does
// not take, and values that it cannot be written with. Those that are not
// declared, and versions that are not, are ErrUnsupported.
func (f *Format) CheckOptions(o FormatOptions) error {
	if extra := o.Set() &^ f.Options; extra != 0 {
		return fmt.Errorf("format %s: option %s: %w", f.Name, extra, ErrUnsupported)
	}
	if o.Version != "" && !slices.Contains(f.Versions, o.Version) {
		return fmt.Errorf("format %s: version %q: %w", f.Name, o.Version, ErrUnsupported)
	}
	if f.Check == nil {
		return nil
	}
	if err := f.Check(o); err != nil {
		return fmt.Errorf("format %s: %w", f.Name, err)
	}
	return nil
}

// Package assay holds the vocabulary of the scanner: what an image, a layer, a
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
// One idea carries the design: a fact belongs to a path in a layer, and a
// higher layer that rewrites or deletes the path takes the fact away. So the
// facts of a layer depend on that layer's bytes only; they are read once, in
// one streaming pass, and cached by the layer's verified digest.
//
// The package imports the standard library only.
package assay

import (
	"context"
	"io"
	"iter"
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

// A Reader tells what one kind of file says.
type Reader interface {
	// Name is the reader's short name, as shown in gaps: "dpkg".
	Name() string
	// Wants lists the files to offer. It is called once, and is constant.
	Wants() []Pattern
	// Read reads one file. Facts and error may both be set: what could be
	// read, and what could not. It keeps neither f nor slices of its content.
	Read(ctx context.Context, f *File) (Facts, error)
}

// A Feed reads what one publisher says of vulnerabilities.
type Feed interface {
	// Name is the feed's short name, as shown by `assay db status`: "debian".
	Name() string
	// Streams lists what the feed speaks about; "alpine:*" stands for every
	// stream of the family.
	Streams() []Stream
	// Fetch gets what the publisher says on the wanted streams and hands every
	// record to s. With no streams wanted it fetches all it knows. It stops at
	// s's first error.
	Fetch(ctx context.Context, g Getter, wanted []Stream, s Sink) error
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

// A Keeper is a Getter that keeps documents from one run to the next, so that
// a feed whose publisher lists what changed gets only that.
type Keeper interface {
	Getter
	// Cached returns the edition of the document that was got last, whenever
	// that was, without asking anybody. ErrNotFound: none is held.
	Cached(ctx context.Context, url string) (io.ReadCloser, error)
	// GetVersion returns a document that the publisher says is of an edition:
	// any word that changes with it, such as a date. One that was got under
	// the same word is not asked for again.
	GetVersion(ctx context.Context, url, edition string) (io.ReadCloser, error)
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

// A Format writes a report.
type Format struct {
	Name     string                    // as given to --format
	About    string                    // one line for --help
	Versions []string                  // of its specification, as given after "@"; the first is the default
	SBOM     bool                      // a bill of materials: it tells of packages, so that nothing need be matched
	Sections []string                  // names of the kinds whose sections it writes
	Check    func(FormatOptions) error // refuses what it cannot write with, before anything is scanned; nil takes all
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
	Tree       bool   // who needs the packages with findings
	Suppressed bool   // what was ruled out, too, where the form has no place of its own for it
	Template   string // text of the template, for the format that takes one
	MaxChars   int    // of the report, for the format that can leave out rows to be so short; 0 means no limit
}

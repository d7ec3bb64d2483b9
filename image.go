package assay

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"time"
)

// A TargetKind is the kind of the scan's target. All are opened as images: a directory
// is one layer.
type TargetKind string

// The words are those of Trivy's reports, where it has them.
const (
	KindImage      TargetKind = "container_image"
	KindFilesystem TargetKind = "filesystem"
	KindRepository TargetKind = "repository"
	KindVM         TargetKind = "vm"
	KindSBOM       TargetKind = "sbom"
)

// IsImage reports whether the target is a container image, which has layers, names and
// digests; "" is one, too.
func (k TargetKind) IsImage() bool { return k == "" || k == KindImage }

// An Image is one platform's image, already selected, with its layers unread.
type Image struct {
	Kind        TargetKind      // "" means KindImage
	Name        string          // the reference as the user gave it
	Source      string          // name of the Source that opened it
	ID          string          // digest of the configuration, "sha256:…"
	Digest      string          // digest of the manifest; "" where the source has none
	Indexes     []string        // digests of the indexes that list the manifest, where RepoDigests does not have them
	RepoTags    []string        // names of the image at its source
	RepoDigests []string        // name@digest
	Platform    Platform        //
	Created     time.Time       // zero when unknown
	Config      json.RawMessage // the image configuration, verbatim
	Layers      []Layer         // lowest first
	Gaps        []Gap           // what the source already knows to be missing
	Repository  RepositoryInfo  // of a repository of source code
	Base        *BaseImage      // from labels and annotations; nil where they name none

	// Stream, where set, reads layers that Layer.Open cannot reach one by one
	// (a daemon exports the whole image as one archive). It calls visit once
	// for every layer that want says is wanted, in whatever order they come,
	// with the layer's tar (and perhaps for layers that are not wanted, where only
	// their end tells which they are; then commit is not called). It verifies
	// each against its diff ID after visit returns; a mismatch is an error.
	Stream func(ctx context.Context, want func(diffID string) bool, visit func(r io.Reader) (commit func(diffID string), err error)) error

	// Close releases what the source holds; may be nil.
	Close func() error
}

// A Layer is one change set of an image.
//
// Specification: https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md
type Layer struct {
	DiffID    string // digest of the uncompressed tar
	Digest    string // digest of the blob as stored; "" where there is none
	MediaType string
	Size      int64  // of the blob as stored, in bytes; 0 when unknown
	CreatedBy string // the instruction of the history entry that made it
	History   int    // index of that history entry; -1 when there is none
	Foreign   bool   // non-distributable: its content may not be to be had

	// Key identifies the layer's bytes for caches. It is a digest that Open
	// verifies while reading, or the identity of a local file; "" means that
	// nothing about this layer may be cached.
	Key string

	// Open returns the layer's uncompressed tar. A digest that does not match
	// is an error from Read at the end, so a caller drains it before it
	// believes what it read. The result may be an io.Seeker: then what is
	// skipped is not read at all. Nil where Image.Stream or Walk is to be used.
	Open func(ctx context.Context) (io.ReadCloser, error)

	// Walk, where set, replaces the layer's tar: it visits the entries of a directory
	// or a disk one by one, parents first, and stops at visit's first error. It passes
	// entries that it cannot read with Err.
	Walk func(ctx context.Context, visit func(*Entry) error) error

	// Other reads one file of a layer that has Walk, following no link that
	// leaves its root. See File.Other.
	Other func(path string, most int64) ([]byte, error)
	// List returns the names in a directory of the layer. See File.List.
	List func(dir string) ([]string, error)
}

// An Entry is a file, directory or link of a layer that has Walk. It is valid only
// during the visit.
type Entry struct {
	Path string      // inside the target: clean, no leading slash
	Mode fs.FileMode // kind and permissions
	Size int64       // of a file, in bytes
	Link string      // target of a symbolic link
	Err  error       // why it, or what is in it, cannot be read; then only Path counts

	UID, GID int64 // owner; 0 where HasOwner is false
	HasOwner bool  // the owner is known

	// Open opens a file.
	Open func() (ReaderAtCloser, error)
}

// A ReaderAtCloser is an open file.
type ReaderAtCloser interface {
	io.ReaderAt
	io.Closer
}

// Platform is what an image runs on.
type Platform struct {
	OS      string `json:"os,omitempty"`
	Arch    string `json:"architecture,omitempty"`
	Variant string `json:"variant,omitempty"`
}

// String is os/arch[/variant]; "" for the zero value.
func (p Platform) String() string {
	s := p.OS
	if p.Arch != "" {
		s += "/" + p.Arch
	}
	if p.Variant != "" {
		s += "/" + p.Variant
	}
	return s
}

// SourceOptions contains the user's choices about where images come from. The zero
// value selects this machine's platform and the user's own credentials.
type SourceOptions struct {
	Platform string // os/arch[/variant]; "" means linux on this machine's architecture, or the only one there is

	Username, Password string              // for registries; "" means Docker's configuration and credential helpers
	RegistryToken      string              // bearer token for registries
	CACert             string              // file of PEM certificates to trust besides the system's
	Insecure           bool                // plain HTTP and unverified TLS are allowed
	Mirrors            map[string][]string // registry host → hosts to try before it

	// SignatureRepository is where cosign keeps signatures and attestations of images in
	// other repositories, HOST/NAME; "" means $COSIGN_REPOSITORY, which may be unset.
	SignatureRepository string

	DockerHost          string // "" means $DOCKER_HOST, then unix:///var/run/docker.sock
	PodmanHost          string // "" means $CONTAINER_HOST, then the user's and the system's socket
	ContainerdAddress   string // "" means $CONTAINERD_ADDRESS, then /run/containerd/containerd.sock
	ContainerdNamespace string // "" means $CONTAINERD_NAMESPACE, then "default"

	Verify   bool           // check diff IDs too, which costs a hash of the uncompressed layers
	Progress func(Progress) // may be nil; called from several goroutines
}

// Progress reports how far a long task is.
type Progress struct {
	Task  string // what: "layer sha256:0123456789ab", "debian"
	Done  int64  // bytes, from the start
	Total int64  // bytes; 0 when unknown
	End   bool   // the task has ended
}

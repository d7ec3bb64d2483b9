// Package containerd is the image source "containerd": images in containerd's content
// store, over its gRPC API. It reads layers as they were pulled. An image whose layers
// containerd discarded after unpacking (discard_unpacked_layers of the CRI plug-in) is
// ErrNotFound.
//
// Specification: https://github.com/containerd/containerd/tree/api/v1.8.0/api/services
package containerd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	content "github.com/containerd/containerd/api/services/content/v1"
	images "github.com/containerd/containerd/api/services/images/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
)

const (
	defaultAddress   = "/run/containerd/containerd.sock"
	defaultNamespace = "default"
	namespaceHeader  = "containerd-namespace"
	getTimeout       = 10 * time.Second // for a look-up by name, which reads one key
	maxMessage       = 16 << 20         // of a gRPC message; containerd's own limit. Content arrives in parts of 1 MiB
)

// Source is the source "containerd".
type Source struct{}

// Name is "containerd".
func (Source) Name() string { return "containerd" }

// Open opens an image by its name in the namespace, as given or as Docker completes it.
func (s Source) Open(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	address := cmp.Or(o.ContainerdAddress, os.Getenv("CONTAINERD_ADDRESS"), defaultAddress)
	path := strings.TrimPrefix(address, "unix://")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("containerd is not running: no socket %s: %w", path, assay.ErrNotFound)
	}
	conn, err := grpc.NewClient("unix:"+path, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	namespace := cmp.Or(o.ContainerdNamespace, os.Getenv("CONTAINERD_NAMESPACE"), defaultNamespace)
	img, err := (&store{namespace, images.NewImagesClient(conn), content.NewContentClient(conn)}).image(ctx, ref, o)
	if err != nil {
		conn.Close()
		return nil, explain(err, path)
	}
	img.Name, img.Source, img.Close = ref, s.Name(), conn.Close
	return img, nil
}

// explain says why the connection failed.
func explain(err error, path string) error {
	if status.Code(err) != codes.Unavailable {
		return fmt.Errorf("%s: %w", path, err)
	}
	if f, e := os.OpenFile(path, os.O_RDWR, 0); errors.Is(e, fs.ErrPermission) {
		return fmt.Errorf("permission denied on socket %s: run as root: %w", path, assay.ErrNotFound)
	} else if e == nil {
		f.Close()
	}
	return fmt.Errorf("containerd is not running: no answer on socket %s: %w: %w", path, err, assay.ErrNotFound)
}

// A store is one namespace of a containerd.
type store struct {
	namespace string
	images    images.ImagesClient
	content   content.ContentClient
}

// scoped adds the namespace to the context of requests.
func (s *store) scoped(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, namespaceHeader, s.namespace)
}

func (s *store) image(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	found, err := s.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	t := found.GetTarget()
	img, err := oci.Open(ctx, s, oci.Descriptor{MediaType: t.GetMediaType(), Digest: t.GetDigest(), Size: t.GetSize()}, o)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, l := range img.Layers {
		if seen[l.Digest] {
			continue
		}
		seen[l.Digest] = true
		if _, err := s.content.Info(s.scoped(ctx), &content.InfoRequest{Digest: l.Digest}); err != nil {
			return nil, fmt.Errorf("layer %s: %w", l.Digest, missing(err))
		}
	}
	name, digest, _ := strings.Cut(found.GetName(), "@")
	if digest == "" {
		img.RepoTags = []string{name}
		if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
			name = name[:i]
		}
	}
	img.RepoDigests = []string{name + "@" + t.GetDigest()}
	return img, nil
}

// find looks up an image by each of its names.
func (s *store) find(ctx context.Context, ref string) (*images.Image, error) {
	short, cancel := context.WithTimeout(ctx, getTimeout)
	defer cancel()
	for _, name := range slices.Compact([]string{ref, oci.FullName(ref)}) {
		got, err := s.images.Get(s.scoped(short), &images.GetImageRequest{Name: name})
		if err == nil {
			return got.GetImage(), nil
		}
		switch c := status.Code(err); {
		case c == codes.NotFound, c == codes.InvalidArgument:
		case c == codes.DeadlineExceeded && ctx.Err() == nil:
			return nil, fmt.Errorf("no answer in %v: %w: %w", getTimeout, err, assay.ErrNotFound)
		default:
			return nil, explainStatus(err)
		}
	}
	return nil, fmt.Errorf("no image %q in namespace %q; choose another with --containerd-namespace: %w", ref, s.namespace, assay.ErrNotFound)
}

// Open reads a blob of the content store.
func (s *store) Open(ctx context.Context, d oci.Descriptor) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	stream, err := s.content.Read(s.scoped(ctx), &content.ReadContentRequest{Digest: d.Digest})
	if err != nil {
		cancel()
		return nil, missing(err)
	}
	return &blob{stream: stream, cancel: cancel}, nil
}

// missing explains why content may be missing from the store.
func missing(err error) error {
	if status.Code(err) == codes.NotFound {
		return fmt.Errorf("missing from the content store; the image was pulled for another platform, or containerd discards layers after unpacking: %w: %w", err, assay.ErrNotFound)
	}
	return explainStatus(err)
}

// explainStatus turns gRPC's status of a cancelled request back into the context's
// error.
func explainStatus(err error) error {
	switch status.Code(err) {
	case codes.Canceled:
		return fmt.Errorf("%w: %w", err, context.Canceled)
	case codes.DeadlineExceeded:
		return fmt.Errorf("%w: %w", err, context.DeadlineExceeded)
	}
	return err
}

// A blob is content that is being read.
type blob struct {
	stream content.Content_ReadClient
	cancel context.CancelFunc
	rest   []byte
}

func (b *blob) Read(p []byte) (int, error) {
	for len(b.rest) == 0 {
		m, err := b.stream.Recv()
		if err == io.EOF {
			return 0, io.EOF
		} else if err != nil {
			return 0, missing(err)
		}
		b.rest = m.GetData()
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *blob) Close() error {
	b.cancel()
	return nil
}

package containerd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	content "github.com/containerd/containerd/api/services/content/v1"
	images "github.com/containerd/containerd/api/services/images/v1"
	"github.com/containerd/containerd/api/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/test/contract"
)

// A fake is a containerd of one namespace.
type fake struct {
	images.UnimplementedImagesServer
	names   map[string]*types.Descriptor
	content blobs
}

type blobs struct {
	content.UnimplementedContentServer
	blobs map[string][]byte
}

func namespace(ctx context.Context) error {
	if md, _ := metadata.FromIncomingContext(ctx); len(md[namespaceHeader]) != 1 || md[namespaceHeader][0] != "test" {
		return status.Errorf(codes.FailedPrecondition, "namespace %v", md[namespaceHeader])
	}
	return nil
}

func (f *fake) Get(ctx context.Context, r *images.GetImageRequest) (*images.GetImageResponse, error) {
	if err := namespace(ctx); err != nil {
		return nil, err
	}
	d, ok := f.names[r.Name]
	if !ok {
		return nil, status.Error(codes.NotFound, "image: not found")
	}
	return &images.GetImageResponse{Image: &images.Image{Name: r.Name, Target: d}}, nil
}

func (c *blobs) Info(_ context.Context, r *content.InfoRequest) (*content.InfoResponse, error) {
	if _, ok := c.blobs[r.Digest]; !ok {
		return nil, status.Error(codes.NotFound, "content: not found")
	}
	return &content.InfoResponse{}, nil
}

func (c *blobs) Read(r *content.ReadContentRequest, s content.Content_ReadServer) error {
	if err := namespace(s.Context()); err != nil {
		return err
	}
	b, ok := c.blobs[r.Digest]
	if !ok {
		return status.Error(codes.NotFound, "content: not found")
	}
	for len(b) > 0 {
		n := min(len(b), 1<<20)
		if err := s.Send(&content.ReadContentResponse{Data: b[:n]}); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// serve starts a fake that has m under a name.
func serve(t *testing.T, name string, m *contract.TestImage) (*fake, assay.SourceOptions) {
	t.Helper()
	raw, files := m.Manifest(contract.Gzip)
	f := &fake{
		names:   map[string]*types.Descriptor{name: {MediaType: "application/vnd.oci.image.manifest.v1+json", Digest: oci.Digest(raw), Size: int64(len(raw))}},
		content: blobs{blobs: map[string][]byte{}},
	}
	for _, b := range files {
		f.content.blobs[oci.Digest([]byte(b.Content))] = []byte(b.Content)
	}
	path := filepath.Join(shortTempDir(t), "containerd.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Skip(err)
	}
	s := grpc.NewServer()
	images.RegisterImagesServer(s, f)
	content.RegisterContentServer(s, &f.content)
	go s.Serve(l)
	t.Cleanup(s.Stop)
	return f, assay.SourceOptions{ContainerdAddress: path, ContainerdNamespace: "test"}
}

func TestSource(t *testing.T) {
	noise := make([]byte, 3<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 9)
	}
	m := contract.NewImage("app:1", "a", string(noise), "a")
	_, o := serve(t, "docker.io/library/app:1", m)
	for _, ref := range []string{"app:1", "docker.io/library/app:1", "docker.io/app:1"} {
		contract.Source(t, contract.SourceCase{Source: Source{}, Ref: ref, Unknown: "app:2", Options: o, Want: m})
	}
	o.ContainerdAddress = "unix://" + o.ContainerdAddress
	contract.Source(t, contract.SourceCase{Source: Source{}, Ref: "app:1", Unknown: "app", Options: o, Want: m})

	img, err := Source{}.Open(t.Context(), "app:1", o)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	if got, want := fmt.Sprint(img.RepoTags, img.RepoDigests), fmt.Sprintf("[docker.io/library/app:1] [docker.io/library/app@%s]", img.Digest); got != want {
		t.Errorf("names %s, want %s", got, want)
	}
}

func TestMissingContent(t *testing.T) {
	m := contract.NewImage("app:1", "a", "b")
	f, o := serve(t, "docker.io/library/app:1", m)
	layer := oci.Digest(contract.Gzip(m.Tars[1]))
	raw, _ := m.Manifest(contract.Gzip)
	for _, tt := range []struct {
		name    string
		missing string
		says    string
	}{
		{"layer", layer, "discards layers after unpacking"},
		{"configuration", oci.Digest(m.Config), "configuration"},
		{"manifest", oci.Digest(raw), "another platform"},
	} {
		kept := f.content.blobs[tt.missing]
		delete(f.content.blobs, tt.missing)
		if _, err := (Source{}).Open(t.Context(), "app:1", o); !errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %v that says %q", tt.name, err, assay.ErrNotFound, tt.says)
		}
		f.content.blobs[tt.missing] = kept
	}
	f.content.blobs[layer] = contract.Gzip([]byte("other"))
	img, err := Source{}.Open(t.Context(), "app:1", o)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	if _, err := contract.ReadLayer(t.Context(), img.Layers[1]); !errors.Is(err, assay.ErrMalformed) {
		t.Errorf("changed layer: %v, want %v", err, assay.ErrMalformed)
	}
}

func TestNotThere(t *testing.T) {
	_, o := serve(t, "app:1", contract.NewImage("app:1", "a"))
	dead := filepath.Join(shortTempDir(t), "dead.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead})
	if err != nil {
		t.Skip(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	for _, tt := range []struct {
		name string
		o    assay.SourceOptions
		says string
	}{
		{"no socket", assay.SourceOptions{ContainerdAddress: "/none/containerd.sock"}, "no socket /none"},
		{"no listener", assay.SourceOptions{ContainerdAddress: dead}, "no answer on socket"},
		{"no image", o, `no image "none:1" in namespace "test"`},
	} {
		if _, err := (Source{}).Open(t.Context(), "none:1", tt.o); !errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %v that says %q", tt.name, err, assay.ErrNotFound, tt.says)
		}
	}
}

// shortTempDir has a path short enough for sockets in it.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "assay")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

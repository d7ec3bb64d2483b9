// Package docker is the image sources "docker" and "podman": images stored by a
// daemon, over the Docker Engine API that both serve.
//
// A daemon exports an image only as one archive, so Image.Stream reads the layers
// as the archive passes; nothing is written to disk. The configuration comes at the
// end of that archive, so Image.Config is composed from the daemon's description of
// the image: it has the fields that matter, but not the bytes that Image.ID is the
// digest of.
//
// Specification: https://docs.docker.com/reference/api/engine/version/v1.47/
package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
)

// pingTimeout bounds how long a daemon may take to answer a ping.
const pingTimeout = 10 * time.Second

// Docker is the source "docker": dockerd at SourceOptions.DockerHost, at $DOCKER_HOST,
// or at the first socket that has the image: the system's, the user's or Docker
// Desktop's.
type Docker struct{}

// Name is "docker".
func (Docker) Name() string { return "docker" }

// Open opens an image of the daemon, by name, digest or ID.
func (d Docker) Open(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	if o.DockerHost != "" || os.Getenv("DOCKER_HOST") != "" {
		return open(ctx, d.Name(), ref, []string{o.DockerHost}, o)
	}
	hosts := []string{client.DefaultDockerHost}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		hosts = append(hosts, "unix://"+filepath.Join(dir, "docker.sock"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		hosts = append(hosts, "unix://"+filepath.Join(home, ".docker/run/docker.sock"))
	}
	return open(ctx, d.Name(), ref, hosts, o)
}

// Podman is the source "podman": its service at SourceOptions.PodmanHost, at
// $CONTAINER_HOST, or at the first socket that has the image: the user's or the
// system's.
type Podman struct{}

// Name is "podman".
func (Podman) Name() string { return "podman" }

// Open opens an image of the service, by name, digest or ID.
func (p Podman) Open(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	var hosts []string
	if host := o.PodmanHost; host != "" {
		hosts = []string{host}
	} else if host := os.Getenv("CONTAINER_HOST"); host != "" {
		hosts = []string{host}
	} else {
		if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
			hosts = append(hosts, "unix://"+filepath.Join(dir, "podman/podman.sock"))
		}
		hosts = append(hosts, "unix:///run/podman/podman.sock")
	}
	return open(ctx, p.Name(), ref, hosts, o)
}

// open tries the hosts in turn. Missing sockets count only when all of several hosts
// have none.
func open(ctx context.Context, name, ref string, hosts []string, o assay.SourceOptions) (*assay.Image, error) {
	var failed error
	for i, host := range hosts {
		if !strings.Contains(host, "://") && host != "" {
			host = "unix://" + host
		}
		if path, ok := strings.CutPrefix(host, "unix://"); ok && i > 0 {
			if _, err := os.Stat(path); err != nil {
				continue
			}
		}
		img, err := openAt(ctx, ref, host, o)
		if err == nil {
			img.Name, img.Source = ref, name
			return img, nil
		}
		if failed != nil {
			err = fmt.Errorf("%w; %w", failed, err)
		}
		if failed = err; !errors.Is(err, assay.ErrNotFound) || ctx.Err() != nil {
			break
		}
	}
	return nil, failed
}

// openAt connects to one daemon; "" is the one of $DOCKER_HOST, with its certificates.
func openAt(ctx context.Context, ref, host string, o assay.SourceOptions) (*assay.Image, error) {
	opts := []client.Opt{client.FromEnv}
	if host != "" {
		opts = []client.Opt{client.WithTLSClientConfigFromEnv(), client.WithHost(host)}
		if strings.HasPrefix(host, "unix://") {
			opts = opts[1:]
		}
	} else {
		host = os.Getenv("DOCKER_HOST")
	}
	if strings.HasPrefix(host, "ssh://") {
		return nil, fmt.Errorf("%s: SSH is unsupported: forward the socket with `ssh -L` and use its path: %w", host, assay.ErrUnsupported)
	}
	c, err := client.New(opts...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", host, err)
	}
	if err := ping(ctx, c, host); err != nil {
		c.Close()
		return nil, err
	}
	d := &daemon{Client: c, host: host}
	img, err := d.image(ctx, ref, o)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", host, err)
	}
	return img, nil
}

// ping checks that the daemon answers, else says why it does not.
func ping(ctx context.Context, c *client.Client, host string) error {
	short, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	_, err := c.Ping(short, client.PingOptions{NegotiateAPIVersion: true})
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	what := "does not answer"
	if path, ok := strings.CutPrefix(host, "unix://"); ok {
		// The client's own error wraps no cause.
		conn, dial := net.DialTimeout("unix", path, pingTimeout)
		if dial == nil {
			conn.Close()
		}
		switch {
		case errors.Is(dial, fs.ErrNotExist):
			return fmt.Errorf("the daemon is not running: no socket %s: %w", path, assay.ErrNotFound)
		case errors.Is(dial, fs.ErrPermission):
			return fmt.Errorf("permission denied on socket %s: run as a user with access to it, such as a member of its group: %w", path, assay.ErrNotFound)
		case errors.Is(dial, syscall.ECONNREFUSED):
			return fmt.Errorf("the daemon is not running: no listener on socket %s: %w", path, assay.ErrNotFound)
		}
	}
	return fmt.Errorf("%s %s: %w: %w", host, what, err, assay.ErrNotFound)
}

// A daemon is the service that has the image.
type daemon struct {
	*client.Client
	host string
}

// image asks the daemon for its description of an image.
func (d *daemon) image(ctx context.Context, ref string, o assay.SourceOptions) (*assay.Image, error) {
	var raw bytes.Buffer
	got, err := d.ImageInspect(ctx, ref, client.ImageInspectWithRawResponse(&raw))
	if errdefs.IsNotFound(err) {
		return nil, fmt.Errorf("no image %q: %w", ref, assay.ErrNotFound)
	} else if err != nil {
		return nil, err
	}
	conf, gaps, err := d.config(ctx, raw.Bytes(), got.ID, len(got.RootFS.Layers))
	if err != nil {
		return nil, err
	}
	img, err := oci.Image(conf, len(got.RootFS.Layers))
	if err != nil {
		return nil, err
	}
	if err := oci.CheckPlatform(img.Platform, o.Platform); err != nil {
		return nil, err
	}
	img.ID, img.RepoTags, img.RepoDigests = got.ID, got.RepoTags, got.RepoDigests
	if got.Descriptor != nil {
		img.Digest = got.Descriptor.Digest.String()
	}
	if gaps != nil {
		img.Gaps = gaps
	}
	diffs := make(map[string]bool, len(img.Layers))
	for i := range img.Layers {
		l := &img.Layers[i]
		l.Key, l.MediaType = l.DiffID, "application/vnd.docker.image.rootfs.diff.tar"
		diffs[l.DiffID] = true
	}
	img.Stream = (&export{daemon: d, id: got.ID, diffs: diffs}).stream
	img.Close = d.Close
	return img, nil
}

// config composes an image configuration.
func (d *daemon) config(ctx context.Context, inspected []byte, id string, layers int) (json.RawMessage, []assay.Gap, error) {
	var in struct {
		Created, Architecture, Os, Variant string
		Author                             string
		Config                             json.RawMessage
		RootFS                             struct{ Layers []string }
	}
	if err := json.Unmarshal(inspected, &in); err != nil {
		return nil, nil, fmt.Errorf("the daemon's description of the image: %w: %w", err, assay.ErrMalformed)
	}
	h, gaps := d.history(ctx, id, layers)
	conf, err := json.Marshal(map[string]any{
		"created": in.Created, "architecture": in.Architecture, "os": in.Os, "variant": in.Variant, "author": in.Author,
		"config":  in.Config,
		"rootfs":  map[string]any{"type": "layers", "diff_ids": in.RootFS.Layers},
		"history": h,
	})
	return conf, gaps, err
}

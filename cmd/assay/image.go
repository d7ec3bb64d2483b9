package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// imageOptions are the flags of `assay image`.
type imageOptions struct {
	scanOptions
	source  scan.ImageOptions
	noCache bool
	mirrors []string
	base    string
}

func newImage(g *global) *cobra.Command {
	o := &imageOptions{scanOptions: scanOptions{global: g}}
	cmd := &cobra.Command{
		Use:        "image IMAGE",
		SuggestFor: []string{"scan"},
		Short:      "Scan a container image",
		Long: `Scan a container image from a container engine on this machine, a registry, an
archive or a directory.

IMAGE is the name of an image or a path. assay looks for a name in Docker,
containerd, Podman and the registry, in this order (see --image-src). A prefix
chooses one source: docker: podman: containerd: registry: docker-archive:
oci-archive: oci-dir:`,
		Example: `  assay image debian:12
  assay image registry:ghcr.io/org/app:1.4 --platform linux/arm64
  docker save app:1.4 -o app.tar && assay image --input app.tar
  assay image oci-dir:./layout:latest -f json -o report.json
  assay image app:1.4 --severity HIGH,CRITICAL --ignore-unfixed --exit-code 1
  assay image app:1.4 --offline --cache-dir /srv/assay`,
		Args: o.one("no image given: name an image, or a file with --input"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), strings.Join(args, ""))
		},
	}
	f := cmd.Flags()
	o.sourceFlags(f)
	o.scanOptions.flags(f)
	o.imageFlags(f)
	return cmd
}

// one requires one argument or --input; missing is the error without either.
func (o *imageOptions) one(missing string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0 && o.source.Input == "":
			return errors.New(missing)
		case len(args) > 1:
			return fmt.Errorf("expected one image, got %d", len(args))
		case len(args) == 1 && o.source.Input != "":
			return fmt.Errorf("expected an image or --input, not both")
		}
		return nil
	}
}

func (o *imageOptions) sourceFlags(f *pflag.FlagSet) {
	s := &o.source
	f.StringVar(&s.Input, "input", "", "read the image from this `FILE` or directory: docker save archive, OCI archive or OCI layout")
	f.StringSliceVar(&s.Sources, "image-src", nil, "where to look for an image by name, in order (default docker,containerd,podman,remote)")
	f.StringVar(&s.Platform, "platform", "", "`OS/ARCH`[/VARIANT] of a multi-platform image")
	f.StringVar(&s.Username, "username", "", "user name for the registry (default: Docker's configuration and credential helpers)")
	f.StringVar(&s.Password, "password", "", "password for the registry; prefer ASSAY_PASSWORD")
	f.StringVar(&s.RegistryToken, "registry-token", "", "bearer token for the registry")
	f.StringSliceVar(&o.mirrors, "registry-mirror", nil, "`HOST=MIRROR`: try the mirror before the host; may be repeated")
	f.StringVar(&s.DockerHost, "docker-host", "", "address of Docker's API (default $DOCKER_HOST, then its socket)")
	f.StringVar(&s.PodmanHost, "podman-host", "", "address of Podman's API (default $CONTAINER_HOST, then its sockets)")
	f.StringVar(&s.ContainerdAddress, "containerd-address", "", "containerd's socket (default $CONTAINERD_ADDRESS, then /run/containerd/containerd.sock)")
	f.StringVar(&s.ContainerdNamespace, "containerd-namespace", "", "containerd's namespace (default $CONTAINERD_NAMESPACE, then default)")
	f.BoolVar(&s.Verify, "verify", false, "check the digest of each layer's content, even if the layer is cached")
}

// imageFlags adds the flags that only images have, other than sourceFlags.
func (o *imageOptions) imageFlags(f *pflag.FlagSet) {
	f.StringVar(&o.base, "base-image", "", "the base `IMAGE`; its findings are shown apart (default: an image scanned before, or the image's labels)")
	f.BoolVar(&o.noCache, "no-cache", false, "read all layers again, and cache nothing")
}

func (o *imageOptions) run(ctx context.Context, ref string) error {
	if err := o.check(); err != nil {
		return err
	}
	return o.scanOptions.run(ctx, o.target(ref))
}

// target is the image ref as a target.
func (o *imageOptions) target(ref string) target {
	t := target{kind: assay.KindImage, verify: o.source.Verify, cached: !o.noCache, registry: o.source.SourceOptions}
	t.open = func(ctx context.Context, bars *progress) (*assay.Image, error) {
		o.source.Progress = bars.update()
		return scan.OpenImage(ctx, ref, o.source)
	}
	if o.base != "" {
		t.base = func(ctx context.Context) (*scan.BaseRef, error) {
			from := o.source
			from.Input = ""
			img, err := scan.OpenImage(ctx, o.base, from)
			if err != nil {
				return nil, fmt.Errorf("--base-image: %w", err)
			}
			defer img.Close()
			return scan.BaseOf(img), nil
		}
	}
	return t
}

// check returns an error for flags that are invalid or contradict each other.
func (o *imageOptions) check() error {
	o.source.SourceOptions = o.trust(o.source.SourceOptions)
	for _, m := range o.mirrors {
		host, mirror, ok := strings.Cut(m, "=")
		if !ok || host == "" || mirror == "" {
			return usagef("--registry-mirror %q: want HOST=MIRROR", m)
		}
		if o.source.Mirrors == nil {
			o.source.Mirrors = map[string][]string{}
		}
		o.source.Mirrors[host] = append(o.source.Mirrors[host], mirror)
	}
	return o.source.Check()
}

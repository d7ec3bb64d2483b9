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
		Long: `Scan a container image: from a container engine on this machine, a registry,
an archive or a directory.

IMAGE is a name, which docker, containerd, podman and the registry are asked
for in turn (see --image-src), or a path. A prefix chooses: docker: podman:
containerd: registry: docker-archive: oci-archive: oci-dir:`,
		Example: `  assay image debian:12
  assay image registry:ghcr.io/org/app:1.4 --platform linux/arm64
  docker save app:1.4 -o app.tar && assay image --input app.tar
  assay image oci-dir:./layout:latest -f json -o report.json
  assay image app:1.4 --severity HIGH,CRITICAL --ignore-unfixed --exit-code 1
  assay image app:1.4 --offline --cache-dir /srv/assay`,
		Args: o.one("which image? Name one, or a file with --input"),
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

// one takes the one argument of a command about an image; without it and --input, which
// is what is said.
func (o *imageOptions) one(which string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) == 0 && o.source.Input == "":
			return errors.New(which)
		case len(args) > 1:
			return fmt.Errorf("one image at a time, got %d", len(args))
		case len(args) == 1 && o.source.Input != "":
			return fmt.Errorf("either an image or --input, not both")
		}
		return nil
	}
}

func (o *imageOptions) sourceFlags(f *pflag.FlagSet) {
	s := &o.source
	f.StringVar(&s.Input, "input", "", "scan this `FILE` or directory: docker-archive, OCI archive or OCI layout")
	f.StringSliceVar(&s.Sources, "image-src", nil, "sources to ask for a name, in order (default docker,containerd,podman,remote)")
	f.StringVar(&s.Platform, "platform", "", "`OS/ARCH`[/VARIANT] where an image has several")
	f.StringVar(&s.Username, "username", "", "for the registry (default: Docker's configuration and credential helpers)")
	f.StringVar(&s.Password, "password", "", "for the registry; better given as ASSAY_PASSWORD")
	f.StringVar(&s.RegistryToken, "registry-token", "", "bearer token for the registry")
	f.StringVar(&s.CACert, "cacert", "", "`FILE` of certificates to trust besides the system's")
	f.BoolVar(&s.Insecure, "insecure", false, "allow plain HTTP and unverified TLS")
	f.StringSliceVar(&o.mirrors, "registry-mirror", nil, "`HOST=MIRROR`: ask the mirror first; may be repeated")
	f.StringVar(&s.DockerHost, "docker-host", "", "address of Docker's API (default $DOCKER_HOST, then its socket)")
	f.StringVar(&s.PodmanHost, "podman-host", "", "address of Podman's API (default $CONTAINER_HOST, then its sockets)")
	f.StringVar(&s.ContainerdAddress, "containerd-address", "", "containerd's socket (default $CONTAINERD_ADDRESS, then /run/containerd/containerd.sock)")
	f.StringVar(&s.ContainerdNamespace, "containerd-namespace", "", "containerd's namespace (default $CONTAINERD_NAMESPACE, then default)")
	f.BoolVar(&s.Verify, "verify", false, "check the digest of every layer's content, too, cached or not")
}

// imageFlags are those that are about neither sources nor scans of everything.
func (o *imageOptions) imageFlags(f *pflag.FlagSet) {
	f.StringVar(&o.base, "base-image", "", "the `IMAGE` that this one was built on: its packages are shown apart (default: an image scanned before, or what labels say)")
	f.BoolVar(&o.noCache, "no-cache", false, "read every layer anew, and remember nothing")
}

func (o *imageOptions) run(ctx context.Context, ref string) error {
	if err := o.check(); err != nil {
		return err
	}
	return o.scanOptions.run(ctx, o.target(ref))
}

// target is the image that ref names.
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

// check refuses what cannot be meant.
func (o *imageOptions) check() error {
	for _, m := range o.mirrors {
		host, mirror, ok := strings.Cut(m, "=")
		if !ok || host == "" || mirror == "" {
			return usagef("--registry-mirror %q is not HOST=MIRROR", m)
		}
		if o.source.Mirrors == nil {
			o.source.Mirrors = map[string][]string{}
		}
		o.source.Mirrors[host] = append(o.source.Mirrors[host], mirror)
	}
	return o.source.Check()
}

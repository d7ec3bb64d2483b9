package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/cache"
	"github.com/assaysec/assay/internal/report"
	"github.com/assaysec/assay/internal/source"
	"github.com/assaysec/assay/internal/triage"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// platform is what --platform takes.
var platform = regexp.MustCompile(`^[^/]+/[^/]+(/[^/]+)?$`)

// imageOptions are the flags of `assay image`.
type imageOptions struct {
	*global
	db     dbOptions
	source source.Options
	report reportOptions

	pkgTypes []string
	noCache  bool
	mirrors  []string
}

func newImage(g *global) *cobra.Command {
	o := &imageOptions{global: g}
	cmd := &cobra.Command{
		Use:        "image IMAGE",
		SuggestFor: []string{"scan"},
		Short:      "Scan a container image",
		Long: `Scan a container image: from a container engine on this machine, a registry,
an archive or a folder.

IMAGE is a name, which docker, containerd, podman and the registry are asked
for in turn (see --image-src), or a path. A prefix chooses: docker: podman:
containerd: registry: docker-archive: oci-archive: oci-dir:`,
		Example: `  assay image debian:12
  assay image registry:ghcr.io/org/app:1.4 --platform linux/arm64
  docker save app:1.4 -o app.tar && assay image --input app.tar
  assay image oci-dir:./layout:latest -f json -o report.json
  assay image app:1.4 --severity HIGH,CRITICAL --ignore-unfixed --exit-code 1
  assay image app:1.4 --offline --cache-dir /srv/assay`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 && o.source.Input == "":
				return fmt.Errorf("which image? Name one, or a file with --input")
			case len(args) > 1:
				return fmt.Errorf("one image at a time, got %d", len(args))
			case len(args) == 1 && o.source.Input != "":
				return fmt.Errorf("either an image or --input, not both")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd.Context(), strings.Join(args, ""))
		},
	}
	f := cmd.Flags()
	o.sourceFlags(f)
	o.report.flags(f)
	o.db.flags(f)
	f.StringSliceVar(&o.pkgTypes, "pkg-types", []string{"os", "library"}, "kinds of packages to look at: os,library (none of library is read yet)")
	f.StringSliceVar(&o.pkgTypes, "vuln-type", []string{"os", "library"}, "the same as --pkg-types")
	f.Lookup("vuln-type").Hidden = true
	f.BoolVar(&o.noCache, "no-cache", false, "read every layer anew, and remember nothing")
	return cmd
}

func (o *imageOptions) sourceFlags(f *pflag.FlagSet) {
	s := &o.source
	f.StringVar(&s.Input, "input", "", "scan this `FILE` or folder: docker-archive, OCI archive or OCI layout")
	f.StringSliceVar(&s.ImageSrc, "image-src", nil, "sources to ask for a name, in order (default docker,containerd,podman,remote)")
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

// reportOptions are the flags about what is reported, and how.
type reportOptions struct {
	format        string
	output        string
	severity      []string
	ignoreUnfixed bool
	listAllPkgs   bool
	showLayers    bool
	exitCode      int
	exitOnEOL     int
}

func (o *reportOptions) flags(f *pflag.FlagSet) {
	var names []string
	for _, fm := range report.All() {
		names = append(names, fm.Name)
	}
	f.StringVarP(&o.format, "format", "f", names[0], "form of the report: "+strings.Join(names, ", "))
	f.StringVarP(&o.output, "output", "o", "", "write the report to this `FILE`")
	f.StringSliceVarP(&o.severity, "severity", "s", nil, "severities to report: UNKNOWN, NEGLIGIBLE, LOW, MEDIUM, HIGH, CRITICAL (default all)")
	f.BoolVar(&o.ignoreUnfixed, "ignore-unfixed", false, "leave out what has no fix")
	f.BoolVar(&o.listAllPkgs, "list-all-pkgs", false, "list the packages without findings, too (JSON always has them)")
	f.BoolVar(&o.showLayers, "show-layers", false, "show which layer and instruction brought a package")
	f.IntVar(&o.exitCode, "exit-code", 0, "exit code when findings remain")
	f.IntVar(&o.exitOnEOL, "exit-on-eol", 0, "exit code when the distribution is at its end of life")
}

// check refuses what cannot be meant, before anything is read.
func (o *reportOptions) check() (assay.Format, triage.Options, error) {
	var t triage.Options
	for _, s := range o.severity {
		v, ok := assay.ParseSeverity(s)
		if !ok || s == "" {
			return assay.Format{}, t, usagef("--severity %q is none of UNKNOWN, NEGLIGIBLE, LOW, MEDIUM, HIGH, CRITICAL", s)
		}
		t.Severities = append(t.Severities, v)
	}
	t.IgnoreUnfixed = o.ignoreUnfixed
	for _, c := range []struct {
		flag string
		code int
	}{{"--exit-code", o.exitCode}, {"--exit-on-eol", o.exitOnEOL}} {
		if c.code < 0 || c.code > 255 {
			return assay.Format{}, t, usagef("%s %d is not an exit code (0 to 255)", c.flag, c.code)
		}
	}
	var names []string
	for _, f := range report.All() {
		if f.Name == o.format {
			return f, t, nil
		}
		names = append(names, f.Name)
	}
	return assay.Format{}, t, usagef("--format %q is none of %s", o.format, strings.Join(names, ", "))
}

func (o *imageOptions) run(ctx context.Context, ref string) error {
	format, keep, err := o.report.check()
	if err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	if err := o.report.place(); err != nil {
		return err
	}
	ctx, cancel := o.limited(ctx)
	defer cancel()
	bars := o.progress(ctx)
	defer bars.end()
	r, err := o.scan(ctx, ref, keep, bars)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	bars.end()
	if err := o.report.write(o.global, format, r); err != nil {
		return err
	}
	return o.report.verdict(r)
}

func (o *imageOptions) check() error {
	for i, t := range o.pkgTypes {
		o.pkgTypes[i] = strings.TrimSpace(t)
		if t = o.pkgTypes[i]; t != "os" && t != "library" {
			return usagef("--pkg-types %q is none of os, library", t)
		}
	}
	if len(o.pkgTypes) == 0 {
		return usagef("--pkg-types is empty: name os, library or both")
	}
	for _, s := range o.source.ImageSrc {
		if !slices.Contains([]string{"docker", "containerd", "podman", "remote", "registry"}, strings.TrimSpace(s)) {
			return usagef("--image-src %q is none of docker, containerd, podman, remote", s)
		}
	}
	if p := o.source.Platform; p != "" && !platform.MatchString(p) {
		return usagef("--platform %q is not OS/ARCH or OS/ARCH/VARIANT, such as linux/arm64", p)
	}
	if (o.source.Username == "") != (o.source.Password == "") {
		return usagef("--username and --password go together: one of them is missing (the password may be in ASSAY_PASSWORD)")
	}
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
	return o.db.check()
}

func (o *imageOptions) scan(ctx context.Context, ref string, keep triage.Options, bars *progress) (*assay.Report, error) {
	dir, err := o.cache()
	if err != nil {
		return nil, err
	}
	o.source.Progress = bars.update()
	img, err := source.Open(ctx, source.All(), ref, o.source)
	if err != nil {
		return nil, err
	}
	if img.Close != nil {
		defer img.Close()
	}
	slog.Debug("image opened", "name", img.Name, "source", img.Source, "id", img.ID, "layers", len(img.Layers))
	database, err := o.db.open(o.global, dir, bars)
	if err != nil {
		return nil, err
	}
	defer database.Close()
	s := scan.Scanner{Advisories: database, Build: build(), Tool: tool(), Verify: o.source.Verify, Triage: keep,
		SkipOS: !slices.Contains(o.pkgTypes, "os"), Progress: bars.update()}
	if !o.noCache {
		s.Cache = &cache.Dir{Path: filepath.Join(dir, "layers")}
	}
	return s.Scan(ctx, img)
}

// write puts the report where it was asked for: a file appears whole or not at
// all.
func (o *reportOptions) write(g *global, format assay.Format, r *assay.Report) error {
	opts := assay.FormatOptions{ShowLayers: o.showLayers, AllPkgs: o.listAllPkgs || format.Name != "table"}
	write := func(w io.Writer) error { return format.Write(w, r, opts) }
	if o.output == "" || o.output == "-" || o.output == "/dev/stdout" {
		opts.Width, _ = isTerminal(g.out)
		opts.Color = g.color(g.out)
		return write(g.out)
	}
	return writeFile(o.output, write)
}

// place says, before the work begins, when the report could not be put where
// it was asked for.
func (o *reportOptions) place() error {
	if o.output == "" || o.output == "-" {
		return nil
	}
	if info, err := os.Stat(o.output); err == nil && info.IsDir() {
		return fmt.Errorf("report %s: is a folder; name a file", o.output)
	}
	if dir := filepath.Dir(o.output); !exists(dir) {
		return fmt.Errorf("report %s: there is no folder %s", o.output, dir)
	}
	return nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// writeFile writes a file beside its place and moves it there when it is whole.
// A device or a pipe is written to as it is; a link stays, and what it points
// to is replaced; permissions stay.
func writeFile(name string, write func(io.Writer) error) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	mode := fs.FileMode(0o644)
	info, err := os.Stat(name)
	switch {
	case err != nil:
	case info.Mode().IsRegular():
		mode = info.Mode().Perm()
	default:
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		return write(f)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".assay-*")
	if err != nil {
		if p := (*fs.PathError)(nil); errors.As(err, &p) {
			err = p.Err // the name of the temporary file says nothing
		}
		return fmt.Errorf("report %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("report %s: %w", name, err)
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Chmod(mode); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// verdict is the exit code that the report deserves.
func (o *reportOptions) verdict(r *assay.Report) error {
	if o.exitOnEOL != 0 && r.Release.EndOfLife(r.Created) {
		return exitCode(o.exitOnEOL)
	}
	if o.exitCode != 0 && len(r.Findings) > 0 {
		return exitCode(o.exitCode)
	}
	return nil
}

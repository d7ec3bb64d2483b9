// Package source is the list of image sources, and how a reference finds the
// one that it means.
//
// A reference may name its source: docker:, podman:, containerd:, registry:,
// docker-archive:, oci-archive: or oci-dir: before it. Without that, it is a
// path when it looks like one and an image lies there, and a name otherwise,
// for which daemons and registries are asked in turn.
package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/source/archive"
	"github.com/assaysec/assay/internal/source/containerd"
	"github.com/assaysec/assay/internal/source/docker"
	"github.com/assaysec/assay/internal/source/ocilayout"
	"github.com/assaysec/assay/internal/source/registry"
)

// All lists the sources: first those that are asked for a name, in that order,
// then those for paths.
func All() []assay.Source {
	return []assay.Source{
		docker.Docker{}, containerd.Source{}, docker.Podman{}, registry.Source{},
		archive.Docker{}, archive.OCI{}, ocilayout.Source{},
	}
}

// Options is what a user may choose.
type Options struct {
	// ImageSrc names the sources that are asked for a name, in order; "remote"
	// is the registry. Empty means all of them in the order of the list.
	ImageSrc []string
	// Input is an archive or a layout directory, perhaps with :TAG or @DIGEST. It
	// is opened instead of any reference.
	Input string

	assay.SourceOptions
}

// Open opens the image that ref or o.Input means. When no source has it, the
// error holds what each of them said, one a line.
func Open(ctx context.Context, sources []assay.Source, ref string, o Options) (*assay.Image, error) {
	if o.Input != "" {
		return openPath(ctx, sources, o.Input, o)
	}
	if ref == "" {
		return nil, fmt.Errorf("no image named: %w", assay.ErrNotFound)
	}
	if s, rest := scheme(sources, ref); s != nil {
		img, err := s.Open(ctx, rest, o.SourceOptions)
		if errors.Is(err, assay.ErrNotFound) && !forPaths(s.Name()) && !strings.ContainsAny(rest, "/:@") {
			return nil, fmt.Errorf("%s: %w (for the image named %s write docker.io/library/%s)", s.Name(), err, ref, ref)
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name(), err)
		}
		img.Name = ref
		return img, nil
	}
	path := ""
	if looksLikePath(ref) {
		p, _, info, ok := oci.SplitPath(ref)
		switch {
		case ok && (onlyPath(ref) || archiveName(p) || holdsImage(p, info)):
			return openPath(ctx, sources, ref, o)
		case onlyPath(ref):
			return nil, fmt.Errorf("%s: no such file or directory: %w", ref, assay.ErrNotFound)
		case ok:
			path = p
		}
	}
	return ask(ctx, sources, ref, path, o)
}

// ask asks the sources for names in turn. path is a file of that name that is
// no image, for the message.
func ask(ctx context.Context, sources []assay.Source, ref, path string, o Options) (*assay.Image, error) {
	asked, err := inOrder(sources, o.ImageSrc)
	if err != nil {
		return nil, err
	}
	all := failure{ref: ref, path: path}
	for _, s := range asked {
		img, err := s.Open(ctx, ref, o.SourceOptions)
		if err == nil {
			return img, nil
		}
		all.errs = append(all.errs, fmt.Errorf("%s: %w", s.Name(), err))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// A registry also says "unauthorised" of what it does not have.
		if !errors.Is(err, assay.ErrNotFound) && !errors.Is(err, assay.ErrUnauthorized) {
			break
		}
	}
	return nil, &all
}

// failure is what the sources said, each on a line.
type failure struct {
	ref, path string
	errs      []error
}

func (f *failure) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "image %q: no source could open it", f.ref)
	for _, err := range f.errs {
		fmt.Fprintf(&b, "\n  %s", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	if f.path != "" {
		fmt.Fprintf(&b, "\n  path: %s is neither an image archive nor an OCI layout", f.path)
	}
	return b.String()
}

func (f *failure) Unwrap() []error { return f.errs }

// inOrder lists the sources for names that the user chose.
func inOrder(sources []assay.Source, chosen []string) ([]assay.Source, error) {
	if len(chosen) == 0 {
		return slices.DeleteFunc(slices.Clone(sources), func(s assay.Source) bool { return forPaths(s.Name()) }), nil
	}
	var list []assay.Source
	for _, n := range chosen {
		want := strings.TrimSpace(n)
		if want == "remote" {
			want = "registry"
		}
		s := named(sources, want)
		if s == nil || forPaths(want) {
			return nil, fmt.Errorf("image source %q: not one of docker, containerd, podman, remote: %w", n, assay.ErrUnsupported)
		}
		list = append(list, s)
	}
	return list, nil
}

func forPaths(name string) bool {
	return strings.HasSuffix(name, "-archive") || strings.HasSuffix(name, "-dir")
}

func named(sources []assay.Source, name string) assay.Source {
	if i := slices.IndexFunc(sources, func(s assay.Source) bool { return s.Name() == name }); i >= 0 {
		return sources[i]
	}
	return nil
}

// scheme returns the source that ref names before its colon, and the rest.
// "registry:5000/app" is a host and its port; "docker:24-dind" and "registry:2"
// are images with a tag, for no name of an image is a number.
func scheme(sources []assay.Source, ref string) (assay.Source, string) {
	name, rest, ok := strings.Cut(ref, ":")
	s := named(sources, name)
	if !ok || s == nil || rest == "" {
		return nil, ""
	}
	first, _, _ := strings.Cut(rest, "/")
	port := strings.Trim(first, "0123456789") == "" && first != rest
	tag := first == rest && rest[0] >= '0' && rest[0] <= '9' && !strings.ContainsAny(rest, ":@")
	if !forPaths(name) && (port || tag) {
		return nil, ""
	}
	return s, rest
}

// openPath opens a file or directory as what it is.
func openPath(ctx context.Context, sources []assay.Source, ref string, o Options) (*assay.Image, error) {
	name := archive.DockerName
	if _, _, info, ok := oci.SplitPath(ref); ok && info.IsDir() {
		name = ocilayout.Source{}.Name()
	}
	s := named(sources, name)
	if s == nil {
		return nil, fmt.Errorf("%s: no source %s: %w", ref, name, assay.ErrUnsupported)
	}
	return s.Open(ctx, ref, o.SourceOptions)
}

// looksLikePath reports whether a reference may be meant as a path: it has a
// slash or ends like an archive.
func looksLikePath(ref string) bool {
	p, _, _ := strings.Cut(ref, ":")
	return onlyPath(ref) || strings.ContainsAny(ref, "/"+string(filepath.Separator)) || archiveName(p)
}

// archiveName reports whether a path ends as those of archives and layouts do.
func archiveName(path string) bool {
	for _, ext := range []string{".tar", ".tgz", ".tar.gz", ".tar.zst", ".tar.zstd", ".oci"} {
		if strings.HasSuffix(strings.ToLower(path), ext) {
			return true
		}
	}
	return false
}

// onlyPath reports whether a reference can be nothing but a path.
func onlyPath(ref string) bool {
	return ref == "." || ref == ".." || filepath.IsAbs(ref) || strings.HasPrefix(ref, "./") || strings.HasPrefix(ref, "../") || strings.HasPrefix(ref, "/")
}

// holdsImage reports whether an image layout or an archive, compressed or not,
// lies at path.
func holdsImage(path string, info os.FileInfo) bool {
	if info.IsDir() {
		_, err := os.Stat(filepath.Join(path, oci.IndexFile))
		return err == nil
	}
	if !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512) // a tar header
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.ErrUnexpectedEOF {
		return false
	}
	kind, _ := compression.Sniff(head[:n])
	return kind != compression.Plain || n == len(head) && strings.HasPrefix(string(head[257:]), "ustar")
}

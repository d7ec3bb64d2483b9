// Package source lists the image sources, and selects the one that a reference means.
//
// A reference may start with the name of its source: docker:, podman:, containerd:,
// registry:, docker-archive:, oci-archive: or oci-dir:. Without one it is a path if it
// looks like a path and an image is stored there. Otherwise it is a name, for which the
// daemons and then the registry are tried.
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

// All lists the sources: first those for names, in the order in which they are tried,
// then those for paths.
func All() []assay.Source {
	return []assay.Source{
		docker.Docker{}, containerd.Source{}, docker.Podman{}, registry.Source{},
		archive.Docker{}, archive.OCI{}, ocilayout.Source{},
	}
}

// Options contains what a user may choose.
type Options struct {
	// ImageSrc names the sources to try for a name, in order; "remote" is the registry.
	// Empty means all of them in the order of the list.
	ImageSrc []string
	// Input is an archive or a layout directory, optionally with :TAG or @DIGEST. Open
	// uses it instead of a reference.
	Input string

	assay.SourceOptions
}

// Open opens the image of ref or o.Input. When no source has it, the error lists what
// each source answered, one a line.
func Open(ctx context.Context, sources []assay.Source, ref string, o Options) (*assay.Image, error) {
	if o.Input != "" {
		return openPath(ctx, sources, o.Input, o)
	}
	if ref == "" {
		return nil, fmt.Errorf("no image given: %w", assay.ErrNotFound)
	}
	if s, rest := scheme(sources, ref); s != nil {
		img, err := s.Open(ctx, rest, o.SourceOptions)
		if errors.Is(err, assay.ErrNotFound) && !forPaths(s.Name()) && !strings.ContainsAny(rest, "/:@") {
			return nil, fmt.Errorf("%s: %w (for an image with the name %s write docker.io/library/%s)", s.Name(), err, ref, ref)
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Name(), err)
		}
		img.Name = rest // the scheme says where the image is from, as Source does
		return img, nil
	}
	path := ""
	if _, err := os.Stat(ref); err == nil {
		path = ref
	}
	if looksLikePath(ref) {
		p, _, info, ok := oci.SplitPath(ref)
		switch {
		case ok && oci.HasHost(ref) && !archiveName(p) && containsImage(p, info):
			// The current directory may be a stranger's: its directories do not take the
			// place of a registry's images.
			return nil, fmt.Errorf("%s: is both an image in a registry and a path: write registry:%s or ./%s: %w", ref, ref, ref, assay.ErrUnsupported)
		case ok && (IsPath(ref) || archiveName(p) || containsImage(p, info)):
			return openPath(ctx, sources, ref, o)
		case IsPath(ref):
			return nil, fmt.Errorf("%s: no such file or directory: %w", ref, assay.ErrNotFound)
		case ok:
			path = p
		}
	}
	return ask(ctx, sources, ref, path, o)
}

// ask tries the sources for names in turn. path is an existing file of that name that
// is no image; the error mentions it.
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
		// A registry also answers "unauthorised" for repositories that do not exist.
		if !errors.Is(err, assay.ErrNotFound) && !errors.Is(err, assay.ErrUnauthorized) {
			break
		}
	}
	return nil, &all
}

// A failure lists the answers of the sources, each on a line.
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
		fmt.Fprintf(&b, "\n  path: %s is neither an image archive nor an OCI layout; assay fs scans directories and files, assay vm disks", f.path)
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
			return nil, fmt.Errorf("unknown image source %q: want one of docker, containerd, podman, remote: %w", n, assay.ErrUnsupported)
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
// "registry:5000/app" is a host with a port; "docker:24-dind" and "registry:2" are
// images with a tag, because image names are never numbers.
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

// openPath opens a file or directory with the source for its format.
func openPath(ctx context.Context, sources []assay.Source, ref string, o Options) (*assay.Image, error) {
	name := archive.DockerName
	if _, _, info, ok := oci.SplitPath(ref); ok && info.IsDir() {
		name = ocilayout.Source{}.Name()
	}
	s := named(sources, name)
	if s == nil {
		return nil, fmt.Errorf("%s: unknown source %s: %w", ref, name, assay.ErrUnsupported)
	}
	if name == archive.DockerName {
		return archive.Open(ctx, ref, o.SourceOptions)
	}
	return s.Open(ctx, ref, o.SourceOptions)
}

// looksLikePath reports whether a reference may be a path: it contains a slash or ends
// like an archive.
func looksLikePath(ref string) bool {
	p, _, _ := strings.Cut(ref, ":")
	return IsPath(ref) || strings.ContainsAny(ref, "/"+string(filepath.Separator)) || archiveName(p)
}

// archiveName reports whether a path ends like those of archives and layouts.
func archiveName(path string) bool {
	for _, ext := range []string{".tar", ".tgz", ".tar.gz", ".tar.zst", ".tar.zstd", ".oci"} {
		if strings.HasSuffix(strings.ToLower(path), ext) {
			return true
		}
	}
	return false
}

// IsPath reports whether a reference can only be a path, not the name of an image.
func IsPath(ref string) bool {
	return ref == "." || ref == ".." || strings.HasSuffix(ref, "/") || filepath.IsAbs(ref) || strings.HasPrefix(ref, "./") || strings.HasPrefix(ref, "../") || strings.HasPrefix(ref, "/")
}

// ContainsImage reports whether an OCI layout, or an archive, compressed or not, is
// stored at path.
func ContainsImage(path string) bool {
	info, err := os.Stat(path)
	return err == nil && containsImage(path, info)
}

// containsImage is ContainsImage of a path that info describes.
func containsImage(path string, info os.FileInfo) bool {
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

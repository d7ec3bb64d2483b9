package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
)

// A fake source notes what it is asked.
type fake struct {
	name string
	err  error
	log  *[]string
}

func (f fake) Name() string { return f.name }

func (f fake) Open(_ context.Context, ref string, _ assay.SourceOptions) (*assay.Image, error) {
	*f.log = append(*f.log, f.name+" "+ref)
	if f.err != nil {
		return nil, f.err
	}
	return &assay.Image{Name: ref, Source: f.name}, nil
}

// fakes have the names of All, and fail as errs say.
func fakes(errs map[string]error) (list []assay.Source, log *[]string) {
	log = new([]string)
	for _, s := range All() {
		err, ok := errs[s.Name()]
		if !ok {
			err = fmt.Errorf("not in %s: %w", s.Name(), assay.ErrNotFound)
		}
		list = append(list, fake{s.Name(), err, log})
	}
	return list, log
}

func TestAll(t *testing.T) {
	var names []string
	for _, s := range All() {
		names = append(names, s.Name())
	}
	want := []string{"docker", "containerd", "podman", "registry", "docker-archive", "oci-archive", "oci-dir"}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestOrder(t *testing.T) {
	denied := fmt.Errorf("denied: %w", assay.ErrUnauthorized)
	for _, tt := range []struct {
		name string
		ref  string
		src  []string
		errs map[string]error
		want []string
		err  error
	}{
		{"the first has it", "a:1", nil, map[string]error{"docker": nil}, []string{"docker a:1"}, nil},
		{"the last has it", "a:1", nil, map[string]error{"registry": nil}, []string{"docker a:1", "containerd a:1", "podman a:1", "registry a:1"}, nil},
		{"nobody has it", "a:1", nil, nil, []string{"docker a:1", "containerd a:1", "podman a:1", "registry a:1"}, assay.ErrNotFound},
		{"one has it broken", "a:1", nil, map[string]error{"containerd": assay.ErrMalformed}, []string{"docker a:1", "containerd a:1"}, assay.ErrMalformed},
		{"refused, then found", "a:1", []string{"remote", "docker"}, map[string]error{"registry": denied, "docker": nil}, []string{"registry a:1", "docker a:1"}, nil},
		{"refused", "a:1", []string{"registry"}, map[string]error{"registry": denied}, []string{"registry a:1"}, assay.ErrUnauthorized},
		{"order", "a:1", []string{"podman", " docker"}, nil, []string{"podman a:1", "docker a:1"}, assay.ErrNotFound},
		{"no such source", "a:1", []string{"docker", "rkt"}, nil, nil, assay.ErrUnsupported},
		{"a source of paths", "a:1", []string{"oci-dir"}, nil, nil, assay.ErrUnsupported},
		{"nothing", "", nil, nil, nil, assay.ErrNotFound},

		{"scheme", "podman:a:1", nil, map[string]error{"podman": nil}, []string{"podman a:1"}, nil},
		{"scheme before order", "registry:a", []string{"docker"}, map[string]error{"registry": nil}, []string{"registry a"}, nil},
		{"scheme of a host", "docker:registry:5000/a:1", nil, map[string]error{"docker": nil}, []string{"docker registry:5000/a:1"}, nil},
		{"scheme of a path", "docker-archive:none.tar", nil, nil, []string{"docker-archive none.tar"}, assay.ErrNotFound},
		{"scheme of a number", "oci-dir:5000/x", nil, nil, []string{"oci-dir 5000/x"}, assay.ErrNotFound},
		{"scheme of a name with a digit", "docker:3proxy/3proxy", nil, map[string]error{"docker": nil}, []string{"docker 3proxy/3proxy"}, nil},
		{"host and port", "registry:5000/a:1", nil, map[string]error{"docker": nil}, []string{"docker registry:5000/a:1"}, nil},
		{"image called registry", "registry:2", nil, map[string]error{"docker": nil}, []string{"docker registry:2"}, nil},
		{"image called docker", "docker:24-dind", nil, map[string]error{"docker": nil}, []string{"docker docker:24-dind"}, nil},
		{"image called docker alone", "docker", nil, map[string]error{"docker": nil}, []string{"docker docker"}, nil},
		{"unknown scheme is a name", "rkt:a", nil, map[string]error{"docker": nil}, []string{"docker rkt:a"}, nil},
		{"no file", "./none.tar", nil, nil, nil, assay.ErrNotFound},
		{"no file, absolute", "/none/none.tar", nil, nil, nil, assay.ErrNotFound},
		{"no file, maybe a name", "none/none", nil, map[string]error{"docker": nil}, []string{"docker none/none"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list, log := fakes(tt.errs)
			img, err := Open(t.Context(), list, tt.ref, Options{ImageSrc: tt.src})
			if !errors.Is(err, tt.err) {
				t.Errorf("%v, want %v", err, tt.err)
			}
			if d := cmp.Diff(tt.want, *log); d != "" {
				t.Errorf("asked (-want +got):\n%s", d)
			}
			if err == nil {
				if _, name, _ := strings.Cut(tt.want[len(tt.want)-1], " "); img.Name != name {
					t.Errorf("name %q, want %q", img.Name, name)
				}
			}
		})
	}
}

func TestFailureSaysAll(t *testing.T) {
	list, _ := fakes(map[string]error{"registry": fmt.Errorf("log in\nfirst: %w", assay.ErrUnauthorized)})
	_, err := Open(t.Context(), list, "a:1", Options{})
	want := `image "a:1": no source could open it
  docker: not in docker: not found
  containerd: not in containerd: not found
  podman: not in podman: not found
  registry: log in first: not authorised`
	if d := cmp.Diff(want, fmt.Sprint(err)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if !errors.Is(err, assay.ErrUnauthorized) || !errors.Is(err, assay.ErrNotFound) {
		t.Error("the causes are lost")
	}
	_, err = Open(t.Context(), list, "docker:dind", Options{})
	if !strings.Contains(fmt.Sprint(err), "docker.io/library/docker:dind") {
		t.Errorf("%v, want a hint", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, list, "a:1", Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

func TestPaths(t *testing.T) {
	m := contract.NewImage("app:1", "a")
	dir := contract.WriteDir(t, slices.Concat(m.Layout(contract.Gzip), []contract.File{
		{Name: "image.tar", Content: string(contract.Tar(m.DockerSave()...))},
		{Name: "image.tgz", Content: string(contract.Gzip(contract.Tar(m.DockerSave()...)))},
		{Name: "layout.tar", Content: string(contract.Tar(m.Layout(contract.Gzip)...))},
		{Name: "sub/image", Content: string(contract.Tar(m.DockerSave()...))},
		{Name: "sub/text", Content: "text"},
		{Name: "empty.tar"},
		{Name: "alpine", Content: string(contract.Tar(m.DockerSave()...))},
	})...)
	t.Chdir(dir)
	for _, tt := range []struct {
		ref  string
		as   string // source; "" for an error
		err  error
		says string
	}{
		{"image.tar", "docker-archive", nil, ""},
		{"image.tar:1", "docker-archive", nil, ""},
		{"./image.tgz", "docker-archive", nil, ""},
		{"layout.tar", "oci-archive", nil, ""},
		{dir + "/image.tar", "docker-archive", nil, ""},
		{dir, "oci-dir", nil, ""},
		{".", "oci-dir", nil, ""},
		{"./", "oci-dir", nil, ""},
		{dir + ":1", "oci-dir", nil, ""},
		{"sub/image", "docker-archive", nil, ""},
		{"docker-archive:sub/image:1", "docker-archive", nil, ""},
		{"oci-archive:layout.tar:1", "oci-archive", nil, ""},
		{"oci-dir:.", "oci-dir", nil, ""},
		{"image.tar:2", "", assay.ErrNotFound, `no image "2"`},
		{"./empty.tar", "", assay.ErrMalformed, "empty file"},
		{"./sub", "", assay.ErrNotFound, "not an OCI image layout"},
		{"sub/text", "", assay.ErrNotFound, "path: sub/text is neither an image archive nor an OCI layout"},
		{"alpine", "", assay.ErrNotFound, "no source could open it"},
		{"oci-dir:image.tar", "", assay.ErrUnsupported, "oci-archive:"},
	} {
		for _, input := range []bool{false, true} {
			if input && (tt.as == "" || strings.Contains(tt.ref, "-archive:") || strings.Contains(tt.ref, "-dir:")) {
				continue
			}
			t.Run(fmt.Sprint(tt.ref, " input ", input), func(t *testing.T) {
				list, _ := fakes(nil)
				list = slices.Concat(list[:4], All()[4:]) // real ones for paths
				ref, o := tt.ref, Options{}
				if input {
					ref, o.Input = "", tt.ref
				}
				img, err := Open(t.Context(), list, ref, o)
				if tt.as == "" {
					if !errors.Is(err, tt.err) || !strings.Contains(fmt.Sprint(err), tt.says) {
						t.Errorf("%v, want %v that says %q", err, tt.err, tt.says)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				defer img.Close()
				name := strings.TrimPrefix(tt.ref, tt.as+":")
				if img.Source != tt.as || img.Name != name {
					t.Errorf("%s %q, want %s %q", img.Source, img.Name, tt.as, name)
				}
				contract.ReadLayers(t, t.Context(), img)
			})
		}
	}
}

func TestInputs(t *testing.T) {
	for _, tt := range []struct{ name, as string }{
		{"conformance/trivy/images/alpine-310.tar.gz", "docker-archive"},
		{"conformance/trivy/images/test.oci", "oci-dir"},
		{"conformance/dive/test-oci-zstd-image.tar", "oci-archive"},
	} {
		img, err := Open(t.Context(), All(), "", Options{Input: corpus.Path(t, tt.name)})
		if err != nil {
			t.Error(err)
			continue
		}
		if img.Source != tt.as {
			t.Errorf("%s: %s, want %s", tt.name, img.Source, tt.as)
		}
		img.Close()
	}
	for _, in := range []string{filepath.Join(t.TempDir(), "none"), os.DevNull} {
		if _, err := Open(t.Context(), All(), "", Options{Input: in}); err == nil {
			t.Errorf("%s: no error", in)
		}
	}
}

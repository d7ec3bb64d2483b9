package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/test/contract"
)

// A fake is a daemon with one image.
type fake struct {
	name    string
	inspect map[string]any
	history []map[string]any
	export  []byte
	exports int
}

// newFake has m, and exports it as files.
func newFake(m *contract.TestImage, files []contract.File) *fake {
	var diffs []string
	for _, l := range m.Tars {
		diffs = append(diffs, oci.Digest(l))
	}
	f := &fake{name: m.Name, export: contract.Tar(files...)}
	f.inspect = map[string]any{
		"Id": oci.Digest(m.Config), "RepoTags": []string{m.Name}, "RepoDigests": []string{"app@sha256:0"}, "Created": "2024-01-02T03:04:05.6Z",
		"Architecture": m.Platform.Arch, "Os": m.Platform.OS, "Config": map[string]any{"Cmd": []string{"/bin/sh"}},
		"RootFS": map[string]any{"Type": "layers", "Layers": diffs},
	}
	for i, s := range m.Steps {
		f.history = append(f.history, map[string]any{"CreatedBy": fmt.Sprintf("ENV N=%d", i), "Size": 0}, map[string]any{"CreatedBy": s, "Size": 10})
	}
	slices.Reverse(f.history)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if i := strings.Index(path, "/images/"); i >= 0 {
		path = path[i:]
	}
	answer := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(v)
	}
	id := f.inspect["Id"].(string)
	switch path {
	case "/_ping":
		w.Header().Set("Api-Version", "1.47")
	case "/images/" + f.name + "/json", "/images/" + id + "/json":
		answer(f.inspect)
	case "/images/" + id + "/history":
		answer(f.history)
	case "/images/get":
		if f.exports++; r.FormValue("names") != id {
			w.WriteHeader(http.StatusBadRequest)
		}
		w.Write(f.export)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"message":"No such image"}`)
	}
}

// serve starts a daemon at a TCP port.
func serve(t *testing.T, h http.Handler) assay.SourceOptions {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	at := "tcp://" + s.Listener.Addr().String()
	return assay.SourceOptions{DockerHost: at, PodmanHost: at}
}

// save25gz is m as Docker saves it out of containerd's store.
func save25gz(m *contract.TestImage) []contract.File {
	return append(m.Layout(contract.Gzip), contract.File{Name: "manifest.json", Content: "[]"})
}

func TestSources(t *testing.T) {
	m := contract.NewImage("app:1", "a", strings.Repeat("b", 100_000), "a")
	for name, files := range map[string][]contract.File{"docker save": m.DockerSave(), "docker save 25": m.DockerSave25(), "containerd's store": save25gz(m), "podman save": podmanSave(m)} {
		for _, s := range []assay.Source{Docker{}, Podman{}} {
			t.Run(s.Name()+" "+name, func(t *testing.T) {
				contract.Source(t, contract.SourceCase{Source: s, Ref: "app:1", Unknown: "app:2", Options: serve(t, newFake(m, files)), Want: m})
			})
		}
	}
}

// podmanSave is m as podman and skopeo write it.
func podmanSave(m *contract.TestImage) (files []contract.File) {
	for _, l := range m.Tars {
		files = append(files, contract.File{Name: strings.TrimPrefix(oci.Digest(l), "sha256:") + ".tar", Content: string(l)})
	}
	return append(files, contract.File{Name: "manifest.json", Content: "[]"})
}

func opened(t *testing.T, o assay.SourceOptions) *assay.Image {
	t.Helper()
	img, err := Docker{}.Open(t.Context(), "app:1", o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { img.Close() })
	return img
}

// Only what is wanted is read, and nothing at all when nothing is.
func TestStreamWanted(t *testing.T) {
	m := contract.NewImage("app:1", "a", "b", "c")
	for name, files := range map[string][]contract.File{"old": m.DockerSave(), "new": m.DockerSave25()} {
		t.Run(name, func(t *testing.T) {
			f := newFake(m, files)
			img := opened(t, serve(t, f))
			none := func(string) bool { return false }
			if err := img.Stream(t.Context(), none, nil); err != nil || f.exports != 0 {
				t.Errorf("nothing wanted: %v, %d exports", err, f.exports)
			}
			one := img.Layers[1].DiffID
			visits := 0
			var got []string
			err := img.Stream(t.Context(), func(d string) bool { return d == one }, func(r io.Reader) (func(string), error) {
				visits++
				r.Read(make([]byte, 10)) // a visitor need not read to the end
				return func(d string) { got = append(got, d) }, nil
			})
			if err != nil || !cmp.Equal(got, []string{one}) {
				t.Errorf("committed %v, %v, want %s", got, err, one)
			}
			if name == "new" && visits != 1 {
				t.Errorf("%d visits, want 1", visits)
			}
		})
	}
}

func TestStreamBroken(t *testing.T) {
	m := contract.NewImage("app:1", "a", "b")
	other := contract.NewImage("app:1", "x", "y")
	swapped := m.DockerSave25()
	for i := range swapped {
		if swapped[i].Name == contract.Blob(m.Tars[1]).Name {
			swapped[i].Content = string(other.Tars[1])
		}
	}
	boom := errors.New("boom")
	for _, tt := range []struct {
		name   string
		export []byte
		visit  error
		err    error
		says   string
	}{
		{"other layers", contract.Tar(other.DockerSave()...), nil, assay.ErrMalformed, "is missing"},
		{"other content under a name", contract.Tar(swapped...), nil, assay.ErrMalformed, "content has digest"},
		{"nothing", nil, nil, assay.ErrMalformed, "is missing"},
		{"noise", []byte(strings.Repeat("noise", 1000)), nil, assay.ErrMalformed, "export"},
		{"cut", contract.Tar(m.DockerSave()...)[:4000], nil, assay.ErrMalformed, "EOF"},
		{"visitor fails", contract.Tar(m.DockerSave()...), boom, boom, "layer.tar"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake(m, nil)
			f.export = tt.export
			err := opened(t, serve(t, f)).Stream(t.Context(), func(string) bool { return true }, func(r io.Reader) (func(string), error) {
				_, err := io.Copy(io.Discard, r)
				return func(string) {}, errors.Join(tt.visit, err)
			})
			if !errors.Is(err, tt.err) || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("%v, want %v that says %q", err, tt.err, tt.says)
			}
		})
	}
}

// A daemon that stops in the middle does not hold up a cancelled scan.
func TestStreamCancel(t *testing.T) {
	m := contract.NewImage("app:1", strings.Repeat("a", 1<<20))
	f := newFake(m, nil)
	hang := make(chan struct{})
	o := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/images/get") {
			f.ServeHTTP(w, r)
			return
		}
		w.Write(contract.Tar(m.DockerSave()...)[:10_000])
		w.(http.Flusher).Flush()
		<-hang
	}))
	defer close(hang)
	img := opened(t, o)
	ctx, cancel := context.WithCancel(t.Context())
	err := img.Stream(ctx, func(string) bool { return true }, func(r io.Reader) (func(string), error) {
		cancel()
		_, err := io.Copy(io.Discard, r)
		return nil, err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

func TestImage(t *testing.T) {
	m := contract.NewImage("app:1", "a")
	f := newFake(m, nil)
	f.inspect["Variant"] = "v9"
	o := serve(t, f)
	img := opened(t, o)
	if img.ID != oci.Digest(m.Config) || img.Platform.Variant != "v9" || img.Created.Year() != 2024 || !cmp.Equal(img.RepoTags, []string{"app:1"}) || !cmp.Equal(img.RepoDigests, []string{"app@sha256:0"}) || img.Layers[0].Key != img.Layers[0].DiffID {
		t.Errorf("%+v", img)
	}
	var conf struct {
		Config  struct{ Cmd []string }
		History []struct{ Created_by string }
	}
	if err := json.Unmarshal(img.Config, &conf); err != nil || !cmp.Equal(conf.Config.Cmd, []string{"/bin/sh"}) || conf.History[1].Created_by != m.Steps[0] {
		t.Errorf("%v, configuration %s", err, img.Config)
	}
	o.Platform = "linux/s390x"
	if _, err := (Docker{}).Open(t.Context(), "app:1", o); !errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), "linux/s390x") {
		t.Errorf("other platform: %v", err)
	}
}

func TestHistory(t *testing.T) {
	type entry struct {
		by   string
		size int64
	}
	for _, tt := range []struct {
		name   string
		steps  []entry
		layers int
		want   []string // CreatedBy of the layers; nil for a gap
	}{
		{"sizes tell", []entry{{"ADD file", 5}, {`/bin/sh -c #(nop)  CMD ["sh"]`, 0}, {"RUN x", 3}}, 2, []string{"ADD file", "RUN x"}},
		{"a layer of nothing", []entry{{"ADD file", 5}, {`/bin/sh -c #(nop)  CMD ["sh"]`, 0}, {"RUN true # buildkit", 0}}, 2, []string{"ADD file", "RUN true # buildkit"}},
		{"no sizes", []entry{{"ADD file", 0}, {"LABEL a=b", 0}, {"COPY x", 0}}, 2, []string{"ADD file", "COPY x"}},
		{"no empty ones", []entry{{"bazel", 0}, {"bazel", 0}}, 2, []string{"bazel", "bazel"}},
		{"a size where there should be none", []entry{{"ADD file", 5}, {"ENV a=b", 9}}, 1, []string{"ADD file"}},
		{"lost", []entry{{"ADD file", 5}}, 2, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contents := []string{"a", "b"}[:tt.layers]
			f := newFake(contract.NewImage("app:1", contents...), nil)
			f.history = nil
			for _, s := range slices.Backward(tt.steps) {
				f.history = append(f.history, map[string]any{"CreatedBy": s.by, "Size": s.size})
			}
			img := opened(t, serve(t, f))
			var got []string
			for _, l := range img.Layers {
				if l.History >= 0 {
					got = append(got, l.CreatedBy)
				}
			}
			if !cmp.Equal(got, tt.want) || (len(img.Gaps) > 0) != (tt.want == nil) {
				t.Errorf("%q, gaps %v, want %q", got, img.Gaps, tt.want)
			}
		})
	}
}

func TestNotThere(t *testing.T) {
	for _, v := range []string{"DOCKER_HOST", "CONTAINER_HOST"} {
		t.Setenv(v, "")
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	dir, err := os.MkdirTemp("", "assay")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	dead := filepath.Join(dir, "dead.sock")
	if l, err := net.ListenUnix("unix", &net.UnixAddr{Name: dead}); err == nil {
		l.SetUnlinkOnClose(false)
		l.Close()
	}
	broken := newFake(contract.NewImage("none:1", "a"), nil)
	broken.inspect["RootFS"] = map[string]any{"Layers": []string{"../x"}}
	for _, tt := range []struct {
		name string
		host string
		err  error
		says string
	}{
		{"no socket", "unix:///none/docker.sock", assay.ErrNotFound, "no socket /none/docker.sock"},
		{"no socket, a bare path", "/none/docker.sock", assay.ErrNotFound, "no socket /none/docker.sock"},
		{"no listener", "unix://" + dead, assay.ErrNotFound, "no listener"},
		{"no daemon", "tcp://" + gone.Listener.Addr().String(), assay.ErrNotFound, "does not answer"},
		{"no image", serve(t, newFake(contract.NewImage("app:1", "a"), nil)).DockerHost, assay.ErrNotFound, `no image "none:1"`},
		{"SSH", "ssh://host", assay.ErrUnsupported, "ssh -L"},
		{"nonsense", "nonsense://", nil, "nonsense"},
		{"what the daemon says is broken", serve(t, broken).DockerHost, assay.ErrMalformed, "diff ID"},
	} {
		for _, s := range []assay.Source{Docker{}, Podman{}} {
			_, err := s.Open(t.Context(), "none:1", assay.SourceOptions{DockerHost: tt.host, PodmanHost: tt.host})
			if err == nil || tt.err != nil && !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%s, %s: %v, want %v that says %q", s.Name(), tt.name, err, tt.err, tt.says)
			}
		}
	}
}

func TestEnvironment(t *testing.T) {
	m := contract.NewImage("app:1", "a")
	o := serve(t, newFake(m, m.DockerSave()))
	t.Setenv("DOCKER_HOST", o.DockerHost)
	t.Setenv("CONTAINER_HOST", o.DockerHost)
	t.Setenv("DOCKER_CERT_PATH", "")
	for _, s := range []assay.Source{Docker{}, Podman{}} {
		img, err := s.Open(t.Context(), "app:1", assay.SourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		img.Close()
	}
}

func FuzzStream(f *testing.F) {
	m := contract.NewImage("app:1", "a", "b")
	f.Add(contract.Tar(m.DockerSave()...))
	f.Add(contract.Tar(m.DockerSave25()...))
	f.Add(contract.Tar(save25gz(m)...))
	diffs := map[string]bool{oci.Digest(m.Tars[0]): true, oci.Digest(m.Tars[1]): true}
	f.Fuzz(func(t *testing.T, b []byte) {
		missing := map[string]bool{}
		for d := range diffs {
			missing[d] = true
		}
		(&export{diffs: diffs}).walk(t.Context(), tar.NewReader(bytes.NewReader(b)), missing, func(r io.Reader) (func(string), error) {
			var all bytes.Buffer
			_, err := io.Copy(&all, r)
			return func(d string) {
				if d != oci.Digest(all.Bytes()) {
					t.Errorf("committed as %s, is %s", d, oci.Digest(all.Bytes()))
				}
			}, err
		})
	})
}

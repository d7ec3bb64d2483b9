//go:build unix

package scan_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/scan"
)

// A client is a program that copies images. In its commands, TAR is a docker-archive, HOST
// a registry, and OUT what the command writes.
type client struct {
	name, out string // out: an image as --input has it, or in a registry
	commands  []string
}

// clients copy an image from the archive to the registry, and from there in all forms that
// they have. The first skopeo fills the registry for those that cannot read the archive.
var clients = []client{
	{"skopeo to a registry", "registry:HOST/app:1", []string{"skopeo copy -q --dest-tls-verify=false docker-archive:TAR docker://HOST/app:1"}},
	{"skopeo to an OCI layout", "oci-dir:OUT:x", []string{"skopeo copy -q --src-tls-verify=false docker://HOST/app:1 oci:OUT:x"}},
	{"skopeo to a layout of zstd layers", "oci-dir:OUT:x", []string{"skopeo copy -q --src-tls-verify=false --dest-compress-format zstd --dest-compress docker://HOST/app:1 oci:OUT:x"}},
	{"skopeo to an OCI archive", "oci-archive:OUT", []string{"skopeo copy -q --src-tls-verify=false docker://HOST/app:1 oci-archive:OUT:x"}},
	{"skopeo to a docker-archive", "docker-archive:OUT", []string{"skopeo copy -q --src-tls-verify=false docker://HOST/app:1 docker-archive:OUT:example.test/app:1"}},
	{"umoci", "oci-dir:OUT:y", []string{
		"skopeo copy -q --src-tls-verify=false docker://HOST/app:1 oci:OUT:x",
		"umoci unpack --rootless --image OUT:x OUT.bundle", "umoci repack --image OUT:y OUT.bundle", "umoci config --image OUT:y --author someone"}},
	{"crane to a registry", "registry:HOST/crane:1", []string{"crane push --insecure TAR HOST/crane:1"}},
	{"crane to a docker-archive", "docker-archive:OUT", []string{"crane pull --insecure HOST/app:1 OUT"}},
	{"crane to an OCI layout", "oci-dir:OUT", []string{"crane pull --insecure --format oci HOST/app:1 OUT"}},
	{"crane after mutate", "registry:HOST/mutated:1", []string{"crane mutate --insecure --label a=b -t HOST/mutated:1 HOST/app:1"}},
	{"crane after flatten", "registry:HOST/flat:1", []string{"crane flatten --insecure -t HOST/flat:1 HOST/app:1"}},
	{"oras to an OCI layout", "oci-dir:OUT:x", []string{"oras copy --from-plain-http HOST/app:1 --to-oci-layout OUT:x"}},
	{"regctl to an OCI archive", "oci-archive:OUT", []string{"regctl --host reg=HOST,tls=disabled image export HOST/app:1 OUT"}},
	{"regctl to an OCI layout", "oci-dir:OUT:x", []string{"regctl --host reg=HOST,tls=disabled image copy HOST/app:1 ocidir://OUT:x"}},
}

// TestClients: an image is the same, whichever program copied it, and wherever to.
func TestClients(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	host, _ := contract.Registry(t, "")
	layers := [][]byte{
		contract.Tar(contract.File{Name: "etc/os-release", Content: "ID=debian\nVERSION_ID=\"12\"\n"}, contract.File{Name: "etc/note", Content: "x"}),
		contract.Tar(contract.File{Name: "var/lib/dpkg/status", Content: "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.1-1\n\n"},
			contract.File{Name: "opt/app/node_modules/lodash/package.json", Content: `{"name":"lodash","version":"4.17.4"}`}),
		contract.Tar(contract.File{Name: "etc/.wh.note"}),
	}
	tarFile := filepath.Join(t.TempDir(), "image.tar")
	image := contract.ImageOf("example.test/app:1", layers, []string{"FROM", "COPY", "RUN rm"})
	if err := os.WriteFile(tarFile, contract.Tar(image.DockerSave()...), 0o600); err != nil {
		t.Fatal(err)
	}
	want := packagesOf(t, "docker-archive:"+tarFile)
	if len(want) != 2 {
		t.Fatalf("the archive has %q", want)
	}
	for _, c := range clients {
		t.Run(c.name, func(t *testing.T) {
			at := strings.NewReplacer("TAR", tarFile, "HOST", host, "OUT", filepath.Join(t.TempDir(), "out"))
			for _, command := range c.commands {
				runClient(t, at.Replace(command))
			}
			if got := packagesOf(t, at.Replace(c.out)); !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// TestClientsCopyDatabase: a published database that another program copied, from a
// registry to another or to an OCI image layout, is the same database.
func TestClientsCopyDatabase(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	host, _ := contract.Registry(t, "")
	_, shards := publishDatabase(t, host+"/db:1")
	for _, c := range []client{
		{"skopeo", "OUT", []string{"skopeo copy -q --src-tls-verify=false docker://HOST/db:1 oci:OUT:1"}},
		{"skopeo to a registry", "HOST/skopeo:1", []string{"skopeo copy -q --src-tls-verify=false --dest-tls-verify=false docker://HOST/db:1 docker://HOST/skopeo:1"}},
		{"crane", "OUT", []string{"crane pull --insecure --format oci HOST/db:1 OUT"}},
		{"crane to a registry", "HOST/crane:1", []string{"crane copy --insecure HOST/db:1 HOST/crane:1"}},
		{"oras", "OUT", []string{"oras copy --from-plain-http HOST/db:1 --to-oci-layout OUT:1"}},
		{"regctl", "OUT", []string{"regctl --host reg=HOST,tls=disabled image export HOST/db:1 OUT"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := strings.NewReplacer("HOST", host, "OUT", filepath.Join(t.TempDir(), "out"))
			for _, command := range c.commands {
				runClient(t, at.Replace(command))
			}
			pulled, err := (&scan.PublishedOptions{Repositories: []string{at.Replace(c.out)}}).Pull(t.Context(), t.TempDir(), nil, nil)
			if err != nil || len(pulled.Built) != shards {
				t.Errorf("%+v, %v", pulled, err)
			}
		})
	}
}

// packagesOf scans an image and lists its packages.
func packagesOf(t *testing.T, ref string) (out []string) {
	t.Helper()
	img, err := scan.OpenImage(t.Context(), ref, scan.ImageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	r, err := scan.Scan(t.Context(), scan.Request{Image: img, ListOnly: true, Verify: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.Packages {
		out = append(out, fmt.Sprintf("%s %s in %s of %s", p.Type, p.Ref(), p.Path, r.Release.ID))
	}
	for _, g := range r.Gaps {
		out = append(out, "gap: "+g.Where+": "+g.What)
	}
	return out
}

// runClient runs a command; without its program the test is skipped, but for those that
// `make test-tools` installs.
func runClient(t *testing.T, command string) {
	t.Helper()
	words := strings.Fields(command)
	path, err := exec.LookPath(words[0])
	if err != nil {
		if installed := words[0] == "skopeo" || words[0] == "umoci"; installed && os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("%v: install it to run this test", err)
	}
	cmd := exec.CommandContext(context.Background(), path, words[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

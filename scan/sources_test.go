//go:build unix

package scan_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/source"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/scan"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// TestEverySource scans one image as it comes from archives, from registries
// and from engines that really run: what is found is the same.
func TestEverySource(t *testing.T) {
	archive := corpus.Image(t, "debian-old.docker.tar")
	advisories := database(t, t.TempDir())
	findings := func(t *testing.T, ref string, o source.Options) []string {
		t.Helper()
		img, err := source.Open(context.Background(), source.All(), ref, o)
		if err != nil {
			t.Fatal(err)
		}
		if img.Close != nil {
			defer img.Close()
		}
		r, err := scan.Scan(context.Background(), scan.Request{Database: advisories, Image: img})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range r.Findings {
			p := &r.Packages[f.Package]
			out = append(out, fmt.Sprintf("%s %s %s %s layer %d %s", p.Name, p.Version, f.ID, f.FixedIn, p.Layer.Index, p.Layer.DiffID))
		}
		return out
	}
	want := findings(t, "", source.Options{Input: archive})
	if len(want) == 0 {
		t.Fatal("no findings to compare")
	}
	same := func(t *testing.T, ref string, o assay.SourceOptions) {
		t.Helper()
		if d := cmp.Diff(want, findings(t, ref, source.Options{SourceOptions: o})); d != "" {
			t.Errorf("findings (-archive +%s):\n%s", ref, d)
		}
	}
	t.Run("oci-archive", func(t *testing.T) {
		same(t, "oci-archive:"+corpus.Image(t, "debian-old.oci.tar"), assay.SourceOptions{})
	})
	t.Run("registry", func(t *testing.T) {
		host, _ := contract.Registry(t, "")
		push(t, host+"/team/app:1", archive)
		same(t, "registry:"+host+"/team/app:1", assay.SourceOptions{})
	})
	t.Run("registry with password and TLS", func(t *testing.T) {
		host, dir := contract.Registry(t, contract.RegistryTLS+contract.RegistryPassword)
		push(t, host+"/app:1", archive)
		same(t, "registry:"+host+"/app:1", assay.SourceOptions{Username: "alice", Password: "s3cret", CACert: filepath.Join(dir, "cert.pem")})
	})
	t.Run("docker", func(t *testing.T) {
		dir := contract.ShortTempDir(t)
		host := "unix://" + filepath.Join(dir, "d.sock")
		contract.Daemon(t, listens(filepath.Join(dir, "d.sock")), "dockerd", "--config-file", contract.WriteFile(t, "daemon.json", []byte("{}")), "--data-root", filepath.Join(dir, "root"),
			"--exec-root", filepath.Join(dir, "exec"), "-H", host, "-p", filepath.Join(dir, "pid"), "--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs")
		load(t, filepath.Join(dir, "d.sock"), archive)
		same(t, "docker:assay.test/debian-old:1", assay.SourceOptions{DockerHost: host})
	})
	t.Run("podman", func(t *testing.T) {
		dir := contract.ShortTempDir(t)
		host := "unix://" + filepath.Join(dir, "p.sock")
		contract.Daemon(t, listens(filepath.Join(dir, "p.sock")), "podman", "--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver=vfs", "system", "service", "-t", "0", host)
		load(t, filepath.Join(dir, "p.sock"), archive)
		same(t, "podman:assay.test/debian-old:1", assay.SourceOptions{PodmanHost: host})
	})
	t.Run("containerd", func(t *testing.T) {
		dir := contract.ShortTempDir(t)
		socket := filepath.Join(dir, "c.sock")
		conf := contract.WriteFile(t, "config.toml", []byte("version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n"))
		contract.Daemon(t, func() error { return exec.Command("ctr", "-a", socket, "version").Run() },
			"containerd", "--config", conf, "--root", filepath.Join(dir, "root"), "--state", filepath.Join(dir, "state"), "--address", socket)
		run(t, "ctr", "-a", socket, "images", "import", "--no-unpack", "--base-name", "assay.test/debian-old", corpus.Image(t, "debian-old.oci.tar"))
		same(t, "containerd:assay.test/debian-old:1", assay.SourceOptions{ContainerdAddress: socket})
	})
}

// listens is what a Daemon is ready by.
func listens(socket string) func() error {
	return func() error {
		c, err := net.Dial("unix", socket)
		if err == nil {
			c.Close()
		}
		return err
	}
}

func run(t *testing.T, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", program, args, err, out)
	}
}

// load has an engine load an archive.
func load(t *testing.T, socket, archive string) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	resp, err := c.Post("http://engine/v1.41/images/load", "application/x-tar", f)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var out bytes.Buffer
	if _, err := out.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("load: %s %v: %s", resp.Status, err, out.Bytes())
	}
}

// push uploads an archive's image to a registry.
func push(t *testing.T, ref, archive string) {
	t.Helper()
	img, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		t.Fatal(err)
	}
	to, err := name.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(to, img, remote.WithAuth(&authn.Basic{Username: "alice", Password: "s3cret"}),
		remote.WithTransport(&http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}})); err != nil {
		t.Fatal(err)
	}
}

//go:build linux

package docker

import (
	"bytes"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/moby/client"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/test/contract"
)

// load gives an archive to the daemon at host.
func load(t *testing.T, host string, archive []byte) {
	t.Helper()
	c, err := client.New(client.WithHost(host))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := c.ImageLoad(t.Context(), bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if out, err := io.ReadAll(r); err != nil || !bytes.Contains(out, []byte("app:1")) {
		t.Fatalf("load: %v: %s", err, out)
	}
}

// ready asks the daemon at host whether it is there.
func ready(t *testing.T, host string) func() error {
	return func() error {
		c, err := client.New(client.WithHost(host))
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Ping(t.Context(), client.PingOptions{})
		return err
	}
}

func TestDockerd(t *testing.T) {
	dir := contract.ShortTempDir(t)
	host := "unix://" + filepath.Join(dir, "d.sock")
	contract.Daemon(t, ready(t, host), "dockerd", "--config-file", contract.WriteFile(t, "daemon.json", []byte("{}")), "--data-root", filepath.Join(dir, "root"), "--exec-root", filepath.Join(dir, "exec"),
		"-H", host, "-p", filepath.Join(dir, "pid"), "--bridge=none", "--iptables=false", "--ip6tables=false", "--storage-driver=vfs")
	m := contract.NewImage("app:1", "a", strings.Repeat("b", 100_000), "c")
	load(t, host, contract.Tar(m.DockerSave()...))
	o := assay.SourceOptions{DockerHost: host}
	contract.Source(t, contract.SourceCase{Source: Docker{}, Ref: "app:1", Unknown: "app:2", Options: o, Want: m})
	contract.Source(t, contract.SourceCase{Source: Docker{}, Ref: oci.Digest(m.Config), Unknown: "sha256:" + strings.Repeat("0", 64), Options: o, Want: m})
}

func TestPodmanService(t *testing.T) {
	dir := contract.ShortTempDir(t)
	host := "unix://" + filepath.Join(dir, "p.sock")
	contract.Daemon(t, ready(t, host), "podman", "--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--storage-driver=vfs", "system", "service", "-t", "0", host)
	m := contract.NewImage("docker.io/library/app:1", "a", strings.Repeat("b", 100_000), "c")
	load(t, host, contract.Tar(m.DockerSave()...))
	contract.Source(t, contract.SourceCase{Source: Podman{}, Ref: "app:1", Unknown: "app:2", Options: assay.SourceOptions{PodmanHost: host}, Want: m})
}

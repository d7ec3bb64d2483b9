//go:build linux

package containerd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

func TestContainerd(t *testing.T) {
	ctr, err := exec.LookPath("ctr")
	if err != nil {
		t.Skip("ctr is not installed, containerd is not tested")
	}
	dir := contract.ShortTempDir(t)
	socket, conf := filepath.Join(dir, "c.sock"), filepath.Join(dir, "config.toml")
	settings := `version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.aufs"]
`
	if err := os.WriteFile(conf, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	contract.Daemon(t, func() error { return exec.Command(ctr, "-a", socket, "version").Run() },
		"containerd", "--config", conf, "--root", filepath.Join(dir, "root"), "--state", filepath.Join(dir, "state"), "--address", socket)
	m := contract.NewImage("app:1", "a", strings.Repeat("b", 100_000))
	archive := contract.WriteTar(t, "image.tar", m.Layout(contract.Gzip)...)
	if out, err := exec.Command(ctr, "-a", socket, "-n", "test", "images", "import", "--no-unpack", "--base-name", "docker.io/library/app", archive).CombinedOutput(); err != nil {
		t.Fatalf("import: %v: %s", err, out)
	}
	o := assay.SourceOptions{ContainerdAddress: socket, ContainerdNamespace: "test"}
	contract.Source(t, contract.SourceCase{Source: Source{}, Ref: "app:1", Unknown: "app:2", Options: o, Want: m})
	o.ContainerdNamespace, o.Verify = "", true
	if _, err := (Source{}).Open(t.Context(), "app:1", o); err == nil || !strings.Contains(err.Error(), `namespace "default"`) {
		t.Errorf("other namespace: %v", err)
	}
}

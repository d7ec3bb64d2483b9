package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/testdisk"
)

// network matches a call for a socket, as strace writes it.
var network = regexp.MustCompile(`(?m)^.*\b(socket|connect|sendto)\((AF_INET|AF_INET6|AF_UNIX|\d+, \{sa_family=AF_INET).*$`)

// TestOffline: with --offline no command that scans opens a connection, whatever servers
// are configured; strace, where it is installed, sees no socket at all.
func TestOffline(t *testing.T) {
	var asked atomic.Int64
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ConnState = func(net.Conn, http.ConnState) { asked.Add(1) }
	s.Start()
	defer s.Close()
	host := s.Listener.Addr().String()

	home, dir := t.TempDir(), t.TempDir()
	lock := `{"name":"app","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"app","version":"1.0.0","dependencies":{"lodash":"4"}},"node_modules/lodash":{"version":"4.17.15"}}}`
	cyclonedx := `{"bomFormat":"CycloneDX","specVersion":"1.6","externalReferences":[{"type":"exploitability-statement","url":"https://` + host + `/vex.json"}],
"components":[{"type":"library","name":"lodash","version":"4.17.15","purl":"pkg:npm/lodash@4.17.15"}]}`
	pom := `<project><modelVersion>4.0.0</modelVersion><parent><groupId>g</groupId><artifactId>parent</artifactId><version>1</version></parent><artifactId>a</artifactId>
<repositories><repository><id>r</id><url>` + s.URL + `/maven</url></repository></repositories></project>`
	hub := "repositories:\n  - name: hub\n    url: https://" + host + "/hub\n    enabled: true\n"
	for name, text := range map[string]string{"src/package-lock.json": lock, "app.cdx.json": cyclonedx, "maven/pom.xml": pom, "hub.yaml": hub} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	release := contract.File{Name: "etc/os-release", Content: "ID=debian\nVERSION_ID=12\n"}
	status := contract.File{Name: "var/lib/dpkg/status", Content: "Package: curl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 7.88.1-10\n\n"}
	image := contract.ImageOf("app:1", [][]byte{contract.Tar(release, status)}, []string{"COPY"})
	docker := contract.WriteTar(t, "app.tar", image.DockerSave25()...)
	layout := contract.WriteDir(t, image.Layout(contract.Gzip)...)
	trivy := contract.TrivyDB(t, []contract.Node{
		{Bucket: "debian 12", Pairs: []contract.Node{{Bucket: "curl", Pairs: []contract.Node{{Key: "CVE-2023-0001", Value: map[string]any{"FixedVersion": "7.88.1-11"}}}}}},
		{Bucket: "maven::test", Pairs: []contract.Node{{Bucket: "g:b", Pairs: []contract.Node{{Key: "CVE-2020-0002", Value: map[string]any{"PatchedVersions": []string{"2"}, "VulnerableVersions": []string{"< 2"}}}}}}},
		{Bucket: "npm::test", Pairs: []contract.Node{{Bucket: "lodash", Pairs: []contract.Node{{Key: "CVE-2020-0001", Value: map[string]any{"PatchedVersions": []string{"4.17.21"}, "VulnerableVersions": []string{"< 4.17.21"}}}}}}},
	})
	env := map[string]string{"HOME": home, "XDG_CACHE_HOME": home, "XDG_CONFIG_HOME": home, "XDG_RUNTIME_DIR": home, "DOCKER_CONFIG": home, "ASSAY_CACHE_DIR": filepath.Join(home, "assay"),
		"HTTP_PROXY": s.URL, "HTTPS_PROXY": s.URL, "ALL_PROXY": s.URL, "DOCKER_HOST": "tcp://" + host, "CONTAINER_HOST": "tcp://" + host, "COSIGN_REPOSITORY": host + "/signatures",
		"ASSAY_MIRROR": s.URL, "ASSAY_DB_REPOSITORY": host + "/db:1", "ASSAY_VEX_CONFIG": in("hub.yaml")}
	for k, v := range env {
		t.Setenv(k, v)
	}
	runAssay(t, 0, "db", "import", trivy)
	report := in("report.json")
	runAssay(t, 0, "image", "--offline", "--input", docker, "-f", "json", "-o", report)

	commands := [][]string{
		{"image", "--input", docker}, {"image", "--input", layout}, {"image", "oci-dir:" + layout}, {"image", "--input", docker, "--base-image", docker},
		{"fs", in("src")}, {"fs", in("src/package-lock.json")}, {"rootfs", dir}, {"repo", in("src")}, {"fs", in("maven")}, {"repo", in("maven")}, {"sbom", in("app.cdx.json")},
		{"sbom", in("app.cdx.json"), "--vex", "sbom-ref"}, {"image", "--input", docker, "--vex", "repo"}, {"image", "--input", docker, "--vex", "oci"},
		{"explain", "CVE-2020-0001"}, {"explain", "CVE-2023-0001", "--input", docker}, {"explain", "CVE-2020-0001", in("app.cdx.json")},
		{"fix", "--input", docker}, {"fix", in("app.cdx.json")}, {"fix", report}, {"diff", in("app.cdx.json"), "--input", docker, "--exit-code", "0"}, {"diff", report, report},
		{"db", "pull"}, // which does use the network, so that the test would see it
	}
	if _, err := exec.LookPath("/usr/sbin/mke2fs"); err == nil {
		root := contract.WriteDir(t, release, status)
		commands = append(commands, []string{"vm", testdisk.Ext(t, root, 4<<20)})
	}
	trace, err := exec.LookPath("strace")
	if err != nil {
		t.Logf("no strace: only connections to a configured server are counted: %v", err)
	}
	program := filepath.Join(t.TempDir(), "assay") // by this name the test's binary is the command, see TestMain
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, program)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range commands {
		t.Run(strings.ReplaceAll(strings.Join(args, " "), "/", "_"), func(t *testing.T) {
			before := asked.Load()
			line := append([]string{program}, args...)
			control := args[0] == "db"
			if !control {
				line = append(line, "--offline")
			}
			log := filepath.Join(t.TempDir(), "calls")
			if trace != "" {
				line = append([]string{trace, "-f", "-qq", "-e", "trace=network", "-o", log}, line...)
			}
			cmd := exec.Command(line[0], line[1:]...)
			cmd.Dir = dir
			var errs bytes.Buffer
			cmd.Stderr = &errs
			err := cmd.Run()
			refused := control || strings.Contains(strings.Join(args, " "), "--vex")
			if (err != nil) != refused {
				t.Errorf("%v\n%s", err, &errs)
			}
			if n := asked.Load() - before; (n > 0) != control {
				t.Errorf("%d connections", n)
			}
			if trace != "" {
				b, err := os.ReadFile(log)
				if err != nil {
					t.Fatal(err, errs.String())
				}
				if calls := network.FindAll(b, -1); (len(calls) > 0) != control {
					t.Errorf("sockets:\n%s", bytes.Join(calls, []byte("\n")))
				}
			}
		})
	}
}

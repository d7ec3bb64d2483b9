package scan_test

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/plan"
	"github.com/assaysec/assay/internal/source"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/scan"
)

// TestFixCarriedOut carries plans out for real, with Debian's, npm's and Go's own
// programs and registries, in the file systems of images, and scans these again:
// what was promised to go is gone, and nothing new came.
func TestFixCarriedOut(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("changes root folders, so it needs root")
	}
	type doers map[string]func(t *testing.T, root string, s *plan.Step) // by manager
	for _, tt := range []struct {
		name   string
		layers int // how many of the image's; 0 means all
		do     doers
	}{
		{"debian-old", 0, doers{"apt": inRoot}},
		{"httpd", 3, doers{"apt": inRoot}}, // before the layer that upgrades it
		{"httpd", 0, doers{"apt": inRoot}},
		{"python", 0, doers{"apt": inRoot}}, // PyPI is not to be had everywhere
		{"node", 0, doers{"apt": inRoot, "npm": npmIn}},
		{"java", 0, doers{"apt": inRoot}},
		{"go", 0, doers{"go": rebuild}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			archive := corpus.Image(t, tt.name+".docker.tar")
			root := t.TempDir()
			unpack(t, archive, root, tt.layers)
			request := scan.Request{Database: database(t, t.TempDir()), Scopes: assay.ScopeSystem | assay.ScopeInstalled}
			img := open(t, archive)
			if tt.layers > 0 {
				img = openRoot(t, root)
			}
			request.Image = img
			before, err := scan.Scan(context.Background(), request)
			if err != nil {
				t.Fatal(err)
			}
			p, err := scan.Fix(context.Background(), before, request)
			if err != nil {
				t.Fatal(err)
			}
			security(t, root, before.Release.Codename)
			promised, done := map[string]bool{}, 0
			for i := range p.Steps {
				step := &p.Steps[i]
				do := tt.do[step.Manager]
				if do == nil {
					t.Logf("not carried out: %s in %s: %v", step.Manager, step.Where, step.Upgrades)
					continue
				}
				do(t, root, step)
				done++
				for _, u := range p.Upgrades {
					if slices.Contains(step.Upgrades, u.Name+" "+u.From+" → "+u.To) && u.Where == step.Where {
						for _, f := range u.Removes {
							promised[f.ID+" in "+f.Package+" "+u.Where] = true
						}
					}
				}
			}
			if len(before.Findings) > 0 && len(promised) == 0 {
				t.Errorf("nothing was carried out of %d steps, for %d findings", len(p.Steps), len(before.Findings))
			}
			request.Image = openRoot(t, root)
			after, err := scan.Scan(context.Background(), request)
			if err != nil {
				t.Fatal(err)
			}
			had := map[string]bool{}
			for _, f := range before.Findings {
				had[f.ID+" in "+before.Packages[f.Package].Name] = true
			}
			for _, f := range after.Findings {
				q := &after.Packages[f.Package]
				if key := f.ID + " in " + q.Name; !had[key] {
					t.Errorf("came: %s %s (%s)", key, q.Version, q.Path)
				}
				for key := range promised {
					if what, where, _ := strings.Cut(key, " in "); what == f.ID {
						if name, place, _ := strings.Cut(where, " "); name == q.Name && (place == "" || q.Path == place || strings.HasPrefix(q.Path, place+"/")) {
							t.Errorf("stayed: %s %s (%s)", key, q.Version, q.Path)
						}
					}
				}
			}
			t.Logf("%d findings; %d upgrades in %d steps, %d of them carried out, promised to take %d faults away; %d findings after that, of which the plan expected %d",
				len(before.Findings), len(p.Upgrades), len(p.Steps), done, len(promised), len(after.Findings), p.After.Findings)
		})
	}
}

// security makes the repository of security updates known in a root of Debian's,
// as Debian's own images do: from where this machine has it.
func security(t *testing.T, root, codename string) {
	t.Helper()
	if codename == "" {
		return
	}
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI)").Output()
	if err != nil {
		t.Fatal(err)
	}
	for uri := range strings.FieldsSeq(string(out)) {
		if strings.Contains(uri, "security") {
			line := fmt.Sprintf("deb %s %s-security main\n", uri, codename)
			if err := os.WriteFile(filepath.Join(root, "etc/apt/sources.list.d/security.list"), []byte(line), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("this machine's apt knows no repository of security updates")
}

func openRoot(t *testing.T, root string) *assay.Image {
	t.Helper()
	img, err := source.Directory(root, assay.KindFilesystem)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// unpack puts the first layers of a docker-archive on top of each other; 0 means
// all.
func unpack(t *testing.T, archive, root string, layers int) {
	t.Helper()
	var manifest []struct{ Layers []string }
	names := t.TempDir()
	command(t, "", "tar", "-xf", archive, "-C", names)
	b, err := os.ReadFile(filepath.Join(names, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &manifest); err != nil || len(manifest) != 1 {
		t.Fatal(err, manifest)
	}
	all := manifest[0].Layers
	if layers > 0 {
		all = all[:layers]
	}
	for _, layer := range all {
		file := filepath.Join(names, layer)
		whiteouts(t, file, root)
		command(t, "", "tar", "-xf", file, "-C", root, "--exclude=.wh.*", "--no-same-owner")
	}
}

// whiteouts removes what a layer takes away.
func whiteouts(t *testing.T, layer, root string) {
	t.Helper()
	f, err := os.Open(layer)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		dir, base := path.Split(path.Clean(h.Name))
		name, ok := strings.CutPrefix(base, ".wh.")
		if !ok {
			continue
		}
		if gone := filepath.Join(root, dir, name); base == ".wh..wh..opq" {
			err = os.RemoveAll(filepath.Join(root, dir))
			err = errors.Join(err, os.MkdirAll(filepath.Join(root, dir), 0o755))
		} else {
			err = os.RemoveAll(gone)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// inRoot runs a step's commands in the root.
func inRoot(t *testing.T, root string, s *plan.Step) {
	for file, content := range map[string]string{"etc/resolv.conf": "", "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n"} {
		b := []byte(content)
		if content == "" {
			b, _ = os.ReadFile("/" + file)
		}
		if err := os.WriteFile(filepath.Join(root, file), b, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range []string{"proc", "dev"} {
		at := filepath.Join(root, dir)
		command(t, "", "mount", "--bind", "/"+dir, at)
		defer command(t, "", "umount", "-l", at)
	}
	command(t, "", "chroot", root, "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive",
		"sh", "-ec", strings.Join(s.Commands, "\n"))
}

// npmIn runs a step's commands, the first of which changes to the project's
// directory, with this machine's npm.
func npmIn(t *testing.T, root string, s *plan.Step) {
	if s.Commands[0] != "cd /"+s.Where {
		t.Fatalf("the step is not for /%s: %v", s.Where, s.Commands)
	}
	command(t, filepath.Join(root, s.Where), "env", "npm_config_ignore_scripts=true", "npm_config_audit=false", "npm_config_fund=false", "npm_config_legacy_peer_deps=true",
		"sh", "-ec", strings.Join(s.Commands[1:], "\n"))
}

// rebuild runs a step's commands in the source of a program and builds it.
func rebuild(t *testing.T, root string, s *plan.Step) {
	name, _, _ := strings.Cut(filepath.Base(s.Where), "-")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(corpus.Path(t, "images/fixtures/go/"+name))); err != nil {
		t.Fatal(err)
	}
	command(t, "", "chmod", "-R", "u+w", dir)
	command(t, dir, "env", "GOFLAGS=-mod=mod", "sh", "-ec", strings.Join(s.Commands, "\n"))
	command(t, dir, "env", "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "go", "build", "-trimpath", "-o", filepath.Join(root, s.Where), ".")
}

func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%s %v: %w\n%s", name, args, err, out))
	}
}

package inventory

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/testimage"
)

// images is how many random images TestAsUnpacked compares.
const images = 400

// TestAsUnpacked compares what is found in random layers with what is there once
// containerd's own code has unpacked them: links to directories, files and each other,
// hard links, files written again, directories in place of files, whiteouts.
func TestAsUnpacked(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a program for each image")
	}
	unpack := filepath.Join(t.TempDir(), "unpack")
	build := exec.Command("go", "build", "-o", unpack, ".")
	build.Dir = "../test/unpack"
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	random := rand.New(rand.NewPCG(7, 9))
	compared, refused := 0, 0
	for n := range images {
		layers := randomLayers(t, random)
		dir := t.TempDir()
		if err := apply(unpack, dir, layers); err != nil {
			refused++
			continue
		}
		var img assay.Image
		for _, l := range layers {
			img.Layers = append(img.Layers, testimage.Layer(l, ""))
		}
		inv, err := Build(t.Context(), &img, Options{Readers: readers})
		if err != nil {
			t.Fatal(err)
		}
		want, got := unpacked(t, dir), packagesByPath(inv)
		if !slices.Equal(want, got) && gaps(inv) == "" {
			t.Errorf("image %d: found %q, unpacked %q\n%s", n, got, want, describe(t, layers))
		}
		if gaps(inv) == "" {
			compared++
		}
	}
	t.Logf("%d images compared, %d not decided, %d refused by containerd", compared, images-compared-refused, refused)
	if compared < images/2 {
		t.Errorf("only %d of %d images compared", compared, images)
	}
}

// apply unpacks layers into dir.
func apply(unpack, dir string, layers [][]byte) error {
	var in bytes.Buffer
	for _, l := range layers {
		in.Write(binary.BigEndian.AppendUint64(nil, uint64(len(l))))
		in.Write(l)
	}
	run := exec.Command(unpack, dir)
	run.Stdin = &in
	return run.Run()
}

// randomLayers makes up to three layers of up to eight entries.
func randomLayers(t *testing.T, random *rand.Rand) (layers [][]byte) {
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	files := []string{"d/x.pairs", "e/x.pairs", "e/f/x.pairs", "l/x.pairs", "m/x.pairs", "m/f/x.pairs", "x.pairs", "d/y", "var/lib/dpkg/status", "l/status", "d/status"}
	var written []string
	for range 1 + random.IntN(3) {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		here := map[string]bool{} // a layer's whiteouts are for lower layers only
		for range 2 + random.IntN(7) {
			h := tar.Header{Mode: 0o644, Uid: os.Getuid(), Gid: os.Getgid(), Format: tar.FormatPAX}
			body := ""
			switch random.IntN(10) {
			case 0, 1, 2, 3, 4:
				h.Name, body = pick(files...), fmt.Sprint(random.IntN(1000))
				written = append(written, h.Name)
				if strings.HasSuffix(h.Name, "status") {
					body = deb("p", body)
				}
			case 5:
				h.Typeflag, h.Name, h.Linkname = tar.TypeSymlink, pick("l", "m", "e/f", "var/lib/dpkg"), pick("d", "e", "/d", "../e/f", "var/lib/dpkg", "l", "/var/lib/dpkg")
			case 6, 7:
				if len(written) == 0 {
					continue
				}
				h.Typeflag, h.Name, h.Linkname = tar.TypeLink, pick(files...), pick(written...)
			case 8:
				h.Typeflag, h.Name, h.Mode = tar.TypeDir, pick("d/", "e/", "e/f/", "l/", "m/", "d/x.pairs/"), 0o755
			case 9:
				name := pick("d", "e", "x.pairs", "l", "var")
				if here[name] || len(layers) == 0 {
					continue
				}
				h.Name = ".wh." + name
			}
			top, _, _ := strings.Cut(strings.TrimSuffix(h.Name, "/"), "/")
			here[top] = true
			h.Size = int64(len(body))
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, body)
		}
		w.Close()
		layers = append(layers, b.Bytes())
	}
	return layers
}

// unpacked lists "path content" of what the readers want in a directory.
func unpacked(t *testing.T, dir string) (out []string) {
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err == nil && e.Type().IsRegular() && strings.HasSuffix(name, ".pairs") {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, name+" "+strings.TrimSpace(string(b)))
		}
		return err
	})
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if b, err := readIn(root, "var/lib/dpkg/status"); err == nil {
		if _, version, ok := strings.Cut(string(b), "Version: "); ok {
			out = append(out, "deb "+strings.TrimSpace(version))
		}
	}
	slices.Sort(out)
	return out
}

// readIn reads a file below a root that is "/" to its links.
func readIn(root *os.Root, path string) ([]byte, error) {
	links := &layerReader{}
	links.out.Links = map[string]string{}
	fs.WalkDir(root.FS(), ".", func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type() == fs.ModeSymlink {
			links.out.Links[path], err = root.Readlink(path)
		}
		return err
	})
	real, ok := links.follow(path)
	if !ok {
		return nil, fs.ErrInvalid
	}
	return fs.ReadFile(root.FS(), real)
}

// packagesByPath lists what was found as unpacked does.
func packagesByPath(inv *assay.Inventory) (out []string) {
	for _, p := range inv.Packages {
		path := p.Path
		if p.Type == assay.TypeDeb {
			path = "deb"
		}
		out = append(out, path+" "+p.Version)
	}
	slices.Sort(out)
	return out
}

// describe lists the entries of layers.
func describe(t *testing.T, layers [][]byte) string {
	var b strings.Builder
	for i, l := range layers {
		r := tar.NewReader(bytes.NewReader(l))
		for {
			h, err := r.Next()
			if err != nil {
				break
			}
			content, _ := io.ReadAll(r)
			fmt.Fprintf(&b, "%d %c %s %s %.8q\n", i, h.Typeflag, h.Name, h.Linkname, content)
		}
	}
	return b.String()
}

package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

// TestDirectoryOfArchive holds that an archive in the place of a directory is an error
// that says what to use instead.
func TestDirectoryOfArchive(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"image.tar": "", "image.TGZ": "", "image": strings.Repeat("\x00", 257) + "ustar\x0000", "a.jar": "PK", "short": "x"} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		img, err := Directory(path, assay.KindFilesystem)
		if want := strings.HasPrefix(name, "image"); want != errors.Is(err, assay.ErrUnsupported) || want && !strings.Contains(err.Error(), "assay image --input") {
			t.Errorf("%s: %v", name, err)
		}
		if img != nil {
			img.Close()
		}
	}
	img, err := Directory(dir, assay.KindFilesystem)
	if err != nil {
		t.Fatal(err)
	}
	img.Close()
}

// TestArchiveAsDirectory: an archive where a directory is expected is refused with the
// command to use instead.
func TestArchiveAsDirectory(t *testing.T) {
	image := contract.WriteTar(t, "image", contract.NewImage("a:1", "x").DockerSave()...)
	packed := contract.WriteFile(t, "root.tar.gz", contract.Gzip([]byte("x")))
	for _, path := range []string{image, packed} {
		for _, kind := range []assay.TargetKind{assay.KindFilesystem, assay.KindRepository} {
			_, err := Directory(path, kind)
			if !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), "`assay image --input "+path+"`") || !strings.Contains(err.Error(), "`assay rootfs DIRECTORY`") {
				t.Errorf("%s as %s: %v", path, kind, err)
			}
		}
	}
	root := contract.WriteTar(t, "root.tar", contract.File{Name: "etc/os-release", Content: "ID=debian\n"})
	if _, err := Open(t.Context(), All(), "", Options{Input: root}); err == nil || !strings.Contains(err.Error(), "`assay rootfs DIRECTORY`") {
		t.Errorf("a root file system as an image: %v", err)
	}
	lock := contract.WriteFile(t, "package-lock.json", []byte("{}"))
	if _, err := Directory(lock, assay.KindFilesystem); err != nil {
		t.Error(err)
	}
}

package source

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
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

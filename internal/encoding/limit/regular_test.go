//go:build unix

package limit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/assaysec/assay"
)

// TestOpenRegular opens what a stranger can put in place of a usual file. None may
// block.
func TestOpenRegular(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{os.WriteFile(at("file"), []byte("x"), 0o600), os.Mkdir(at("directory"), 0o700), syscall.Mkfifo(at("pipe"), 0o600),
		os.Symlink("file", at("link")), os.Symlink("pipe", at("link-pipe")), os.Symlink(os.DevNull, at("link-device")), os.Symlink("/dev/zero", at("link-zero"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	tests := []struct{ name, want string }{
		{"file", ""}, {"link", ""}, {"directory", "a directory, not a regular file"}, {"pipe", "a named pipe, not a regular file"},
		{"link-pipe", "a named pipe"}, {"link-device", "a device"}, {"link-zero", "a device"},
	}
	for _, tt := range tests {
		b, err := ReadRegular(at(tt.name), 10)
		if tt.want == "" {
			if err != nil || string(b) != "x" {
				t.Errorf("%s: %q, %v", tt.name, b, err)
			}
		} else if !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(err.Error(), at(tt.name)+": is "+tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
		f, err := OpenRegularIn(root, tt.name)
		if (err == nil) != (tt.want == "") {
			t.Errorf("%s in the root: %v", tt.name, err)
		}
		if err == nil {
			f.Close()
		}
		if f, err := OpenDirectoryIn(root, tt.name); (err == nil) != (tt.name == "directory") {
			t.Errorf("%s as a directory: %v", tt.name, err)
		} else if err == nil {
			f.Close()
		}
	}
	if _, err := ReadRegular(at("none"), 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
	if _, err := ReadRegular(at("file"), 0); !errors.Is(err, assay.ErrTooLarge) {
		t.Errorf("file over its limit: %v", err)
	}
}

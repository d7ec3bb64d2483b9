//go:build unix

package archive

import (
	"errors"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/assaysec/assay"
)

func TestBrokenPaths(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip(err)
	}
	for _, tt := range []struct {
		path string
		err  error
		says string
	}{
		{dir, assay.ErrUnsupported, "oci-dir:"},
		{pipe, assay.ErrUnsupported, "not a regular file"},
		{dir + "/none", assay.ErrNotFound, "no such file"},
		{"", assay.ErrNotFound, "no such file"},
	} {
		if _, err := (Docker{}).Open(t.Context(), tt.path, assay.SourceOptions{}); !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %v that says %q", tt.path, err, tt.err, tt.says)
		}
	}
}

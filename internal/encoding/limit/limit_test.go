package limit

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		max      int64
		want     error
	}{
		{"under", "abc", 4, nil},
		{"exactly", "abcd", 4, nil},
		{"over", "abcde", 4, assay.ErrTooLarge},
		{"nothing allowed, nothing there", "", 0, nil},
		{"nothing allowed", "a", 0, assay.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ReadAll(strings.NewReader(tt.in), tt.max); !errors.Is(err, tt.want) {
				t.Errorf("ReadAll: %v, want %v", err, tt.want)
			}
			b, err := io.ReadAll(Reader(strings.NewReader(tt.in), tt.max))
			if !errors.Is(err, tt.want) || int64(len(b)) > tt.max {
				t.Errorf("Reader: %q, %v, want at most %d bytes and %v", b, err, tt.max, tt.want)
			}
		})
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	if err := os.WriteFile(name, []byte("abcd"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b, err := ReadFile(name, 4); string(b) != "abcd" || err != nil {
		t.Errorf("%q, %v, want the file", b, err)
	}
	for _, tt := range []struct {
		name string
		max  int64
		want error
	}{
		{name, 3, assay.ErrTooLarge},
		{filepath.Join(dir, "none"), 4, fs.ErrNotExist},
		{dir, 4, nil}, // an error of the system's
	} {
		_, err := ReadFile(tt.name, tt.max)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) || strings.Count(err.Error(), tt.name) != 1 {
			t.Errorf("%s of at most %d bytes: %v, want %v with the name once", tt.name, tt.max, err, tt.want)
		}
	}
}

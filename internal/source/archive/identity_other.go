//go:build !unix

package archive

import (
	"fmt"
	"os"
	"path/filepath"
)

// identity identifies a file's content: it changes when the file changes.
func identity(path string, i os.FileInfo) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return fmt.Sprintf("file:%s:%d:%d", path, i.Size(), i.ModTime().UnixNano())
}

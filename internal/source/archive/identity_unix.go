//go:build unix

package archive

import (
	"fmt"
	"os"
	"syscall"
)

// identity identifies a file's content: it changes when the file changes.
func identity(_ string, i os.FileInfo) string {
	s := i.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("file:%d:%d:%d:%d", s.Dev, s.Ino, i.Size(), i.ModTime().UnixNano())
}

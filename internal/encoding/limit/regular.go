package limit

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/assaysec/assay"
)

// OpenRegular opens a file that nobody named on the command line: one with a usual
// name, or one in a directory. A named pipe or a device is ErrUnsupported: opening it
// could wait forever. Errors name the file.
func OpenRegular(name string) (*os.File, error) {
	return regular(name, func() (*os.File, error) { return os.OpenFile(name, os.O_RDONLY|nonblock, 0) })
}

// OpenRegularIn is OpenRegular for a file below root.
func OpenRegularIn(root *os.Root, name string) (*os.File, error) {
	return regular(name, func() (*os.File, error) { return root.OpenFile(name, os.O_RDONLY|nonblock, 0) })
}

// OpenDirectoryIn opens a directory below root. Anything else is ErrUnsupported.
func OpenDirectoryIn(root *os.Root, name string) (*os.File, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s: is not a directory: %w", name, assay.ErrUnsupported)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ReadRegular is ReadFile for files that OpenRegular opens.
func ReadRegular(name string, max int64) ([]byte, error) {
	f, err := OpenRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readNamed(f, name, max)
}

func regular(name string, open func() (*os.File, error)) (*os.File, error) {
	f, err := open()
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s: is %s, not a regular file: %w", name, kindOf(info.Mode()), assay.ErrUnsupported)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

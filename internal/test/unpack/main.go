// Command unpack applies the layers on standard input to a directory, as containerd does.
// Each is a tar after its length as eight bytes, big-endian. It is a module of its own,
// because only a test needs containerd's code.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/containerd/containerd/v2/pkg/archive"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: unpack DIRECTORY < LAYERS")
		os.Exit(2)
	}
	for {
		var size int64
		err := binary.Read(os.Stdin, binary.BigEndian, &size)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			_, err = archive.Apply(context.Background(), os.Args[1], io.LimitReader(os.Stdin, size))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

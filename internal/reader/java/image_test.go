package java

import (
	"archive/tar"
	"io"
	"os"
	"strings"
	"testing"
)

// layersOf reads the Java archives of an image in docker-archive form, by path.
func layersOf(t testing.TB, file string) map[string]string {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	found := map[string]string{}
	outer := tar.NewReader(f)
	for {
		h, err := outer.Next()
		if err == io.EOF {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(h.Name, ".tar") {
			continue
		}
		layer := tar.NewReader(outer)
		for {
			h, err := layer.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimPrefix(h.Name, "./")
			if h.Typeflag != tar.TypeReg || !strings.HasSuffix(name, ".jar") && !strings.HasSuffix(name, ".war") {
				continue
			}
			b, err := io.ReadAll(layer)
			if err != nil {
				t.Fatal(err)
			}
			found[name] = string(b)
		}
	}
}

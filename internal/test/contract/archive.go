package contract

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
)

// A Member is a file of an archive.
type Member struct{ Name, Content string }

// Zip packs members as publishers do.
func Zip(members ...Member) []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, m := range members {
		f, err := w.Create(m.Name)
		if err == nil {
			_, err = f.Write([]byte(m.Content))
		}
		if err != nil {
			panic(err) // of a buffer
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// TarGz packs members as a tar archive, compressed.
func TarGz(members ...Member) []byte {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	w := tar.NewWriter(z)
	for _, m := range members {
		err := w.WriteHeader(&tar.Header{Name: m.Name, Mode: 0o644, Size: int64(len(m.Content))})
		if err == nil {
			_, err = w.Write([]byte(m.Content))
		}
		if err != nil {
			panic(err)
		}
	}
	if w.Close() != nil || z.Close() != nil {
		panic("a buffer does not close")
	}
	return buf.Bytes()
}

// Packed makes the packer that FuzzFeed takes, of an archive with one member.
func Packed(pack func(...Member) []byte, name string) func([]byte) []byte {
	return func(b []byte) []byte { return pack(Member{name, string(b)}) }
}

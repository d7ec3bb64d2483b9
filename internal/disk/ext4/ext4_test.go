package ext4

import (
	"bytes"
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/testdisk"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "make the images of testdata anew, with mke2fs")

// Images of testdata, which tests read without programs.
var small = []struct {
	name    string
	options []string
}{
	{"testdata/ext4.img.zst", []string{"-t", "ext4", "-b", "1024", "-I", "512", "-O", "inline_data,metadata_csum,^has_journal,^resize_inode", "-N", "128", "-U", testdisk.SystemUUID, "-L", "system"}},
	{"testdata/ext2.img.zst", []string{"-t", "ext2", "-b", "1024", "-O", "^resize_inode", "-N", "128", "-U", testdisk.SystemUUID, "-L", "system"}},
}

func smallDir(t *testing.T) string {
	return testdisk.Directory(t, testdisk.Contains{System: true, Many: 60, Pieces: 6, Deep: 10, Link: 1000})
}

func open(t *testing.T, r io.ReaderAt, size int64) *FS {
	t.Helper()
	f, err := Open(r, size)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func same(t *testing.T, directory string, f *FS) {
	t.Helper()
	got, err := testdisk.Contents(f)
	if err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(testdisk.DirectoryContents(t, directory), got); diff != "" {
		t.Error(diff)
	}
}

func TestSmall(t *testing.T) {
	directory := smallDir(t)
	for _, s := range small {
		t.Run(s.name, func(t *testing.T) {
			if *update {
				b, err := os.ReadFile(testdisk.Ext(t, directory, 400<<10, s.options...))
				if err != nil {
					t.Fatal(err)
				}
				testdisk.Pack(t, s.name, b)
			}
			b := testdisk.Unpack(t, s.name)
			f := open(t, bytes.NewReader(b), int64(len(b)))
			if !Is(bytes.NewReader(b)) || f.Label().UUID != testdisk.SystemUUID || f.Label().Name != "system" {
				t.Errorf("label %q", f.Label())
			}
			if unclean, err := f.Unclean(); unclean || err != nil {
				t.Error(unclean, err)
			}
			same(t, directory, f)
		})
	}
}

// TestMade reads what mke2fs makes of a directory.
func TestMade(t *testing.T) {
	directory := testdisk.Directory(t, testdisk.Contains{System: true, Many: 600, Pieces: 400, Deep: 60, Link: 1000})
	for _, tt := range []struct{ name, options string }{
		{"ext4", "-t ext4"},
		{"ext4, small blocks", "-t ext4 -b 1024"},
		{"ext4, inline data", "-t ext4 -O inline_data -I 512"},
		{"ext4, large blocks", "-t ext4 -b 65536"},
		{"ext4, groups of descriptors", "-t ext4 -b 1024 -O meta_bg,^resize_inode"},
		{"ext4, clusters", "-t ext4 -b 1024 -O meta_bg,^resize_inode,bigalloc"},
		{"ext4, few copies", "-t ext4 -O sparse_super2,^resize_inode,^metadata_csum,uninit_bg"},
		{"ext4, 32 bits", "-t ext4 -O ^64bit,^metadata_csum,^flex_bg"},
		{"ext3", "-t ext3"},
		{"ext2", "-t ext2 -b 1024"},
		{"ext2, no kinds", "-t ext2 -O ^filetype,^dir_index,^resize_inode,^sparse_super"},
		{"ext2, revision 0", "-t ext2 -r 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const size = 80 << 20
			same(t, directory, open(t, file(t, testdisk.Ext(t, directory, size, strings.Fields(tt.options)...)), size))
		})
	}
}

func file(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// TestIndexed reads a large directory, as a list and with the two levels of index that e2fsck
// makes of it.
func TestIndexed(t *testing.T) {
	const size = 160 << 20
	directory := testdisk.Directory(t, testdisk.Contains{Many: 4000, Pieces: 1000, Deep: 100, Link: 1000})
	name := testdisk.Ext(t, directory, size, "-t", "ext4", "-b", "1024")
	same(t, directory, open(t, file(t, name), size))
	testdisk.Program(t, directory, "e2fsck", "-f", "-p", "-D", name)
	same(t, directory, open(t, file(t, name), size))
}

// TestDamaged: what is damaged is an error of its own, and nothing else.
func TestDamaged(t *testing.T) {
	base := testdisk.Unpack(t, small[1].name)
	for _, tt := range []struct {
		name       string
		damage     func([]byte) []byte
		open, read error // of Open, and of what is in it
	}{
		{"nothing there", func(b []byte) []byte { return nil }, assay.ErrMalformed, nil},
		{"half a superblock", func(b []byte) []byte { return b[:1500] }, assay.ErrMalformed, nil},
		{"other magic", func(b []byte) []byte { b[1080] = 0; return b }, assay.ErrMalformed, nil},
		{"unknown feature", func(b []byte) []byte { b[1024+99] = 0x80; return b }, assay.ErrUnsupported, nil},
		{"compressed", func(b []byte) []byte { b[1024+96] |= 1; return b }, assay.ErrUnsupported, nil},
		{"a journal", func(b []byte) []byte { b[1024+96] |= 8; return b }, assay.ErrUnsupported, nil},
		{"no blocks in a group", func(b []byte) []byte { clear(b[1024+32:][:4]); return b }, assay.ErrMalformed, nil},
		{"inodes of 100 bytes", func(b []byte) []byte { b[1024+88] = 100; return b }, assay.ErrMalformed, nil},
		{"blocks of a gigabyte", func(b []byte) []byte { b[1024+24] = 20; return b }, assay.ErrMalformed, nil},
		{"cut behind the superblock", func(b []byte) []byte { return b[:2048] }, nil, assay.ErrMalformed},
		{"cut in the middle", func(b []byte) []byte { return b[:len(b)/2] }, nil, assay.ErrMalformed},
		{"descriptors overwritten", func(b []byte) []byte { clear(b[2048:3072]); return b }, nil, assay.ErrMalformed},
		{"a name with a slash", func(b []byte) []byte { return bytes.Replace(b, []byte("setuid"), []byte("set/id"), 1) }, nil, assay.ErrMalformed},
		{"an entry without end", func(b []byte) []byte {
			b[bytes.Index(b, []byte("setuid"))-3] = 0xff // the upper byte of its length
			return b
		}, nil, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			testdisk.Wrecked(t, tt.damage(bytes.Clone(base)), Open, tt.open, tt.read)
		})
	}
}

func FuzzExt4(f *testing.F) {
	testdisk.Seeds(f)
	bases := []*testdisk.Base{testdisk.NewBase(testdisk.Unpack(f, small[0].name)), testdisk.NewBase(testdisk.Unpack(f, small[1].name))}
	f.Fuzz(func(t *testing.T, patch []byte) {
		for _, b := range bases {
			r, size := b.Damaged(patch)
			if fsys, err := Open(r, size); err == nil {
				testdisk.Explore(t, fsys)
			}
		}
	})
}

package xfs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/testdisk"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "make the images of testdata anew, with mkfs.xfs")

// Images of testdata, which tests read without programs. The small sizes are not
// supported elsewhere.
var small = []struct {
	name    string
	options []string
}{
	{"testdata/v5.img.zst", []string{"--unsupported", "-d", "agcount=1", "-b", "size=1024", "-m", "uuid=" + testdisk.DataUUID, "-L", "data"}},
	{"testdata/v4.img.zst", []string{"--unsupported", "-d", "agcount=1", "-b", "size=1024", "-m", "crc=0,uuid=" + testdisk.DataUUID, "-n", "ftype=0", "-L", "data"}},
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
	if unclean, err := f.Unclean(); unclean || err != nil {
		t.Error(unclean, err)
	}
}

func TestSmall(t *testing.T) {
	directory := testdisk.Directory(t, testdisk.Contains{Many: 60, Pieces: 6, Deep: 10, Link: 150})
	for _, s := range small {
		t.Run(s.name, func(t *testing.T) {
			if *update {
				b, err := os.ReadFile(testdisk.XFS(t, directory, 16<<20, s.options...))
				if err != nil {
					t.Fatal(err)
				}
				testdisk.Pack(t, s.name, b)
			}
			b := testdisk.Unpack(t, s.name)
			f, err := Open(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			if !Is(bytes.NewReader(b)) || f.Label().UUID != testdisk.DataUUID || f.Label().Name != "data" {
				t.Errorf("label %q", f.Label())
			}
			same(t, directory, f)
		})
	}
}

// TestMade reads what mkfs.xfs makes of directories: the second has one so large
// that its index has levels.
func TestMade(t *testing.T) {
	medium, large := testdisk.Directory(t, testdisk.Contains{System: true, Many: 600, Pieces: 400, Deep: 60, Link: 150}), testdisk.Directory(t, testdisk.Contains{Many: 10_000, Pieces: 100, Deep: 10, Link: 150})
	for _, tt := range []struct{ name, options, directory string }{
		{"as usual", "", large},
		{"blocks of 1 KB", "-b size=1024", medium},
		{"blocks of 64 KB", "-b size=65536", medium},
		{"larger blocks of directories, inodes of 1 KB", "-n size=16384 -i size=1024", large},
		{"wide counts", "-i nrext64=1", medium},
		{"older features", "-m reflink=0,bigtime=0,finobt=0,inobtcount=0", medium},
		{"version 4", "-m crc=0", large},
		{"version 4, no kinds", "-m crc=0 -n ftype=0", medium},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const size = 400 << 20
			name := testdisk.XFS(t, tt.directory, size, strings.Fields(tt.options)...)
			file, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			f, err := Open(file, size)
			if err != nil {
				t.Fatal(err)
			}
			same(t, tt.directory, f)
		})
	}
}

// TestPieces reads a file whose pieces are in a tree, and one not yet written:
// these mkfs.xfs does not make.
func TestPieces(t *testing.T) {
	const block, head = 1024, 72
	be := binary.BigEndian
	b := make([]byte, 64*block)
	f := &FS{volume: bytes.NewReader(b), size: int64(len(b)), block: block, blockLog: 10, groupBlocks: 64, groupLog: 6, groups: 1, v5: true}
	extent := func(at []byte, first, start, count uint64, unwritten bool) {
		be.PutUint64(at, first<<9|start>>43)
		be.PutUint64(at[8:], start<<21|count)
		if unwritten {
			at[0] |= 0x80
		}
	}
	node := func(n, level, count int) []byte {
		at := b[n*block:][:block]
		copy(at, "BMA3")
		be.PutUint16(at[4:], uint16(level))
		be.PutUint16(at[6:], uint16(count))
		return at[head:]
	}
	pointer := func(b []byte, n int, to uint64) { be.PutUint64(b[(len(b)/16+n)*8:], to) }
	fork := make([]byte, 336)
	be.PutUint16(fork, 2)
	be.PutUint16(fork[2:], 1)
	pointer(fork[4:], 0, 10)
	middle := node(10, 1, 2)
	pointer(middle, 0, 11)
	pointer(middle, 1, 12)
	extent(node(11, 0, 2), 0, 20, 2, false)
	extent(node(11, 0, 2)[16:], 2, 22, 1, true)
	extent(node(12, 0, 1), 5, 23, 1, false)
	for n := 20; n < 24; n++ {
		copy(b[n*block:], bytes.Repeat([]byte{byte(n)}, block))
	}
	i := &inode{number: 1, size: 5*block + 100, format: formatTree, fork: fork}
	file, err := f.file(i, i.size)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, i.size)
	if n, err := file.ReadAt(got, 0); n != len(got) || err != nil {
		t.Fatal(n, err)
	}
	want := make([]byte, 6*block)
	copy(want, b[20*block:22*block])
	copy(want[5*block:], b[23*block:24*block])
	if !bytes.Equal(got, want[:i.size]) {
		t.Error("other bytes")
	}
	pointer(middle, 1, 10) // a cycle
	if _, err := f.file(i, i.size); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
	be.PutUint16(b[12*block+6:], 100)
	pointer(middle, 1, 12)
	if _, err := f.file(i, i.size); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
}

// TestLink reads the target of a link in two pieces, each of which has a head.
func TestLink(t *testing.T) {
	const block, head = 1024, 56
	b := make([]byte, 16*block)
	f := &FS{volume: bytes.NewReader(b), size: int64(len(b)), block: block, blockLog: 10, groupBlocks: 16, groupLog: 4, groups: 1, v5: true}
	i := &inode{number: 1, size: 1000, format: formatExtents, extents: 2, fork: make([]byte, 336)}
	want := strings.Repeat("0123456789", 100)
	for n, start := range []uint64{5, 9} {
		binary.BigEndian.PutUint64(i.fork[n*16:], uint64(n)<<9)
		binary.BigEndian.PutUint64(i.fork[n*16+8:], start<<21|1)
		copy(b[start*block:], "XSLM")
		copy(b[start*block+head:(start+1)*block], want[n*(block-head):])
	}
	if got, err := f.link(i); got != want || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	b[9*block] = 0
	if _, err := f.link(i); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
	f.v5 = false
	if got, err := f.link(i); len(got) != 1000 || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	i.extents = 0
	if _, err := f.link(i); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
}

// TestDamaged: what is damaged is an error of its own, and nothing else.
func TestDamaged(t *testing.T) {
	base := testdisk.Unpack(t, small[0].name)
	for _, tt := range []struct {
		name       string
		damage     func([]byte) []byte
		open, read error // of Open, and of what is in it
	}{
		{"nothing there", func(b []byte) []byte { return nil }, assay.ErrMalformed, nil},
		{"half a superblock", func(b []byte) []byte { return b[:300] }, assay.ErrMalformed, nil},
		{"other magic", func(b []byte) []byte { b[0] = 0; return b }, assay.ErrMalformed, nil},
		{"unknown feature", func(b []byte) []byte { b[216] = 0x80; return b }, assay.ErrUnsupported, nil},
		{"version 3", func(b []byte) []byte { b[101] = b[101]&0xf0 | 3; return b }, assay.ErrUnsupported, nil},
		{"blocks of a gigabyte", func(b []byte) []byte { b[120] = 30; return b }, assay.ErrMalformed, nil},
		{"inodes of no size", func(b []byte) []byte { b[104], b[105] = 0, 0; return b }, assay.ErrMalformed, nil},
		{"no groups", func(b []byte) []byte { clear(b[88:92]); return b }, assay.ErrMalformed, nil},
		{"cut behind the superblock", func(b []byte) []byte { return b[:2048] }, nil, assay.ErrMalformed},
		{"no root", func(b []byte) []byte { clear(b[56:64]); return b }, nil, assay.ErrMalformed},
		{"a name with a slash", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("setuid"), []byte("set/id")) }, nil, assay.ErrMalformed},
		{"blocks of directories overwritten", func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("XDB3"), []byte("XXXX")) }, nil, assay.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			testdisk.Wrecked(t, tt.damage(bytes.Clone(base)), Open, tt.open, tt.read)
		})
	}
}

// TestUnclean: a log whose last record is not that of unmounting has changes.
func TestUnclean(t *testing.T) {
	b := testdisk.Unpack(t, small[0].name)
	at := bytes.Index(b, []byte("\xfe\xed\xba\xbe"))
	b[at+512+9] = 0
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if unclean, err := f.Unclean(); !unclean || err != nil {
		t.Error(unclean, err)
	}
	if f.size = int64(at) - 4096; f.size < 0 {
		t.Fatal(at)
	}
	if _, err := f.Unclean(); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
}

func FuzzXFS(f *testing.F) {
	testdisk.Seeds(f)
	bases := []*testdisk.Base{testdisk.NewBase(testdisk.Unpack(f, small[0].name)), testdisk.NewBase(testdisk.Unpack(f, small[1].name))}
	f.Fuzz(func(t *testing.T, patch []byte) {
		for _, b := range bases {
			r, size := b.Damaged(patch)
			if fsys, err := Open(r, size); err == nil {
				fsys.Unclean()
				testdisk.Explore(t, fsys)
			}
		}
	})
}

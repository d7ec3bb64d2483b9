package virtualdisk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/testdisk"
)

var update = flag.Bool("update", false, "make the images of testdata anew, with qemu-img")

// content is a disk: text, zeros, what does not compress, and zeros again.
func content(size int) []byte {
	b, r := make([]byte, size), rand.New(rand.NewPCG(1, 1))
	for i := size/4 - size/64; i+10 < size/4; i += 10 {
		copy(b[i:], fmt.Sprintf("%9d\n", i))
	}
	for i := size / 2; i < size/2+size/512; i++ {
		b[i] = byte(r.Uint32())
	}
	return b
}

// formats are what qemu-img makes; those with a file of testdata are read
// without it too.
var formats = []struct {
	name, format, options, testdata string
}{
	{"raw", "raw", "", ""},
	{"qcow2", "qcow2", "", ""},
	{"qcow2, compressed", "qcow2", "-c", "qcow2"},
	{"qcow2, zstd", "qcow2", "-c -o compression_type=zstd", "zstd.qcow2"},
	{"qcow2, version 2", "qcow2", "-c -o compat=0.10,cluster_size=512", ""},
	{"qcow2, large clusters", "qcow2", "-c -o cluster_size=2M", ""},
	{"qcow2, parts of clusters", "qcow2", "-o extended_l2=on,cluster_size=16k", "extended.qcow2"},
	{"VMDK", "vmdk", "-o subformat=monolithicSparse", "vmdk"},
	{"VMDK, flat", "vmdk", "-o subformat=monolithicFlat", ""},
	{"VMDK, of files", "vmdk", "-o subformat=twoGbMaxExtentSparse", ""},
	{"VMDK, of flat files", "vmdk", "-o subformat=twoGbMaxExtentFlat", ""},
	{"VMDK, compressed", "vmdk", "-o subformat=streamOptimized", "stream.vmdk"},
	{"VHD", "vpc", "-o force_size=on", "vhd"},
	{"VHD, fixed", "vpc", "-o subformat=fixed,force_size=on", ""},
	{"VHDX", "vhdx", "", "vhdx"},
}

const size = 1 << 20

// beside opens files in a directory.
func beside(t *testing.T, directory string) Sibling {
	return func(name string) (io.ReaderAt, int64, error) {
		b, err := os.ReadFile(filepath.Join(directory, name))
		return bytes.NewReader(b), int64(len(b)), err
	}
}

func openFile(t *testing.T, name string) (*Disk, error) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return Open(bytes.NewReader(b), int64(len(b)), beside(t, filepath.Dir(name)))
}

func same(t *testing.T, d *Disk, want []byte) {
	t.Helper()
	got, err := io.ReadAll(io.NewSectionReader(d, 0, d.Size))
	if err != nil {
		t.Fatal(err)
	}
	if extra := len(got) - len(want); extra < 0 || !bytes.Equal(got[:len(want)], want) || bytes.Count(got[len(want):], []byte{0}) != extra {
		t.Errorf("%d bytes that are other than the %d", len(got), len(want))
	}
	for _, at := range []int64{5, size/4 - 5, size/2 - 5, size / 2, size - 3} { // across borders
		b := make([]byte, 70_000)
		n, err := d.ReadAt(b, at)
		if m := min(int64(len(want))-at, 70_000); int64(n) < m || !bytes.Equal(b[:m], want[at:at+m]) || n < len(b) && err != io.EOF {
			t.Errorf("at %d: %d bytes, %v", at, n, err)
		}
	}
}

// TestMade reads what qemu-img makes.
func TestMade(t *testing.T) {
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "disk"), content(8*size), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range formats {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(directory, strings.ReplaceAll(tt.name, ", ", "-"))
			args := append(append([]string{"convert", "-f", "raw", "-O", tt.format}, strings.Fields(tt.options)...), "disk", name)
			testdisk.Program(t, directory, "qemu-img", args...)
			d, err := openFile(t, name)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(tt.name, d.Format) || d.Doubt != "" {
				t.Errorf("format %s %s", d.Format, d.Doubt)
			}
			same(t, d, content(8*size))
		})
	}
}

// made is an image of testdata.
func made(t testing.TB, name, format, options string) []byte {
	name = "testdata/disk." + name + ".zst"
	if *update {
		directory := t.TempDir()
		if err := os.WriteFile(filepath.Join(directory, "disk"), content(size), 0o600); err != nil {
			t.Fatal(err)
		}
		args := append(append([]string{"convert", "-f", "raw", "-O", format}, strings.Fields(options)...), "disk", "made")
		testdisk.Program(t, directory, "qemu-img", args...)
		b, err := os.ReadFile(filepath.Join(directory, "made"))
		if err != nil {
			t.Fatal(err)
		}
		testdisk.Pack(t, name, b)
	}
	return testdisk.Unpack(t, name)
}

func TestSmall(t *testing.T) {
	for _, tt := range formats {
		if tt.testdata == "" {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			b := made(t, tt.testdata, tt.format, tt.options)
			d, err := Open(bytes.NewReader(b), int64(len(b)), nil)
			if err != nil {
				t.Fatal(err)
			}
			same(t, d, content(size))
		})
	}
}

// TestTableAtEnd reads a VMDK as VMware exports it: what the head should say is
// behind everything else.
func TestTableAtEnd(t *testing.T) {
	b := made(t, "stream.vmdk", "", "")
	foot := bytes.Clone(b[:512])
	binary.LittleEndian.PutUint64(b[56:], tableAtEnd)
	if _, err := Open(bytes.NewReader(b), int64(len(b)), nil); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
	b = append(append(b, foot...), make([]byte, 512)...)
	d, err := Open(bytes.NewReader(b), int64(len(b)), nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, d, content(size))
}

// TestFixedVHD reads a VHD that is a disk and its foot.
func TestFixedVHD(t *testing.T) {
	want := content(size)
	for _, length := range []int{512, 511} {
		foot := make([]byte, length)
		copy(foot, vhdMagic)
		binary.BigEndian.PutUint64(foot[48:], size)
		binary.BigEndian.PutUint32(foot[60:], vhdFixed)
		b := append(bytes.Clone(want), foot...)
		d, err := Open(bytes.NewReader(b), int64(len(b)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if d.Format != "VHD" {
			t.Error(d.Format)
		}
		same(t, d, want)
	}
}

// TestDescriptor reads disks of several files.
func TestDescriptor(t *testing.T) {
	directory, want := t.TempDir(), content(size)
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(directory, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a flat.vmdk", append(make([]byte, 1024), want[:size/2]...))
	write("sparse.vmdk", made(t, "vmdk", "", ""))
	const head = "# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\n"
	for _, tt := range []struct {
		name, text string
		want       error
	}{
		{"flat and zeros", head + "RW 1024 FLAT \"a flat.vmdk\" 2\nRW 1024 ZERO\n", nil},
		{"sparse", head + "RW 2048 SPARSE \"sparse.vmdk\"\n", nil},
		{"a file that is not there", head + "RW 2048 SPARSE \"none.vmdk\"\n", os.ErrNotExist},
		{"sparse, too small", head + "RW 4096 SPARSE \"sparse.vmdk\"\n", assay.ErrMalformed},
		{"elsewhere", head + "RW 2048 FLAT \"../etc/shadow\" 0\n", assay.ErrUnsupported},
		{"a kind of no file", head + "RW 2048 VMFSRDM \"x\"\n", assay.ErrUnsupported},
		{"too large", head + "RW 99999999999999999 FLAT \"x\" 0\n", assay.ErrMalformed},
		{"no files", head, assay.ErrMalformed},
		{"a snapshot", "# Disk DescriptorFile\nparentCID=12345678\nRW 2048 SPARSE \"sparse.vmdk\"\n", assay.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := Open(strings.NewReader(tt.text), int64(len(tt.text)), beside(t, directory))
			if !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			if err != nil {
				return
			}
			want := bytes.Clone(want)
			if tt.name != "sparse" {
				clear(want[size/2:])
			}
			same(t, d, want)
		})
	}
}

// TestRefused: what is not read is told by name.
func TestRefused(t *testing.T) {
	qcow, vmdk, vhdx, vhd := made(t, "qcow2", "", ""), made(t, "vmdk", "", ""), made(t, "vhdx", "", ""), made(t, "vhd", "", "")
	damage := func(b []byte, at int, with string) string {
		b = bytes.Clone(b)
		copy(b[at:], with)
		return string(b)
	}
	region := bytes.Index(vhdx, []byte("regi"))
	for _, tt := range []struct {
		name, content, say string
		want               error
	}{
		{"qcow2 that differs", damage(qcow, 8, "\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x04"), "differs from", assay.ErrUnsupported},
		{"qcow2, encrypted", damage(qcow, 35, "\x02"), "encrypted", assay.ErrUnsupported},
		{"qcow2, data elsewhere", damage(qcow, 79, "\x04"), "another file", assay.ErrUnsupported},
		{"qcow2, unknown feature", damage(qcow, 72, "\x80"), "unknown features", assay.ErrUnsupported},
		{"qcow2, unknown compression", damage(qcow, 79, "\x08")[:104] + "\x05" + string(qcow[105:]), "compressed", assay.ErrUnsupported},
		{"qcow2 of version 4", damage(qcow, 7, "\x04"), "version 4", assay.ErrUnsupported},
		{"qcow2, clusters of no size", damage(qcow, 23, "\x02"), "sizes", assay.ErrMalformed},
		{"qcow2, below zero", damage(qcow, 24, "\xff"), "size of", assay.ErrMalformed},
		{"qcow2, cut", string(qcow[:50]), "ends at", assay.ErrMalformed},
		{"qcow, version 1", "QFI\xfb\x00\x00\x00\x01", "version 1", assay.ErrUnsupported},
		{"VMDK, snapshot", strings.Replace(string(vmdk), "parentCID=ffffffff", "parentCID=00000001", 1), "snapshot", assay.ErrUnsupported},
		{"VMDK, grains of no size", damage(vmdk, 20, "\x00\x00\x00\x00\x00\x00\x00\x00"), "sizes", assay.ErrMalformed},
		{"VMDK of version 9", damage(vmdk, 4, "\x09"), "version 9", assay.ErrUnsupported},
		{"VMDK, cut", string(vmdk[:100]), "ends at", assay.ErrMalformed},
		{"VHD that differs", damage(vhd, len(vhd)-512+63, "\x04"), "differs from", assay.ErrUnsupported},
		{"VHD of no kind", damage(vhd, len(vhd)-512+63, "\x09"), "kind 9", assay.ErrUnsupported},
		{"VHD, no head", damage(vhd, 512, "xxxx"), "head", assay.ErrMalformed},
		{"VHDX, no list", damage(vhdx, region, "xxxx"), "regions", assay.ErrMalformed},
		{"VHDX, no header", damage([]byte(damage(vhdx, vhdxHeaders, "xxxx")), 2*vhdxHeaders, "xxxx"), "no header", assay.ErrMalformed},
		{"VHDX, cut", string(vhdx[:1000]), "ends at", assay.ErrMalformed},
		{"gzip", "\x1f\x8b\x08", "gzip", assay.ErrUnsupported},
		{"VDI", strings.Repeat("x", 64) + "\x7f\x10\xda\xbe", "VDI", assay.ErrUnsupported},
		{"tar", strings.Repeat("x", 257) + "ustar\x00", "OVA", assay.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(strings.NewReader(tt.content), int64(len(tt.content)), nil)
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("%v, want %q and %v", err, tt.say, tt.want)
			}
		})
	}
}

func TestDoubt(t *testing.T) {
	qcow, vhdx := made(t, "qcow2", "", ""), made(t, "vhdx", "", "")
	qcow[79] |= qcowCorrupt
	vhdx[vhdxHeaders+48], vhdx[2*vhdxHeaders+48] = 1, 1
	for _, b := range [][]byte{qcow, vhdx} {
		d, err := Open(bytes.NewReader(b), int64(len(b)), nil)
		if err != nil || d.Doubt == "" {
			t.Error(err)
		}
	}
}

// TestDamagedClusters: what is broken in one cluster is not in others.
func TestDamagedClusters(t *testing.T) {
	b := made(t, "qcow2", "", "")
	b = b[:len(b)-2000]
	d, err := Open(bytes.NewReader(b), int64(len(b)), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 100)
	if _, err := d.ReadAt(p, size/4-200); err != nil || !bytes.Equal(p, content(size)[size/4-200:][:100]) {
		t.Error(err)
	}
	for range 2 { // the second time, from the cache
		if _, err := d.ReadAt(p, size/2); !errors.Is(err, assay.ErrMalformed) {
			t.Error(err)
		}
	}
	if _, err := d.ReadAt(p, -1); err == nil {
		t.Error("before the begin")
	}
}

func TestCache(t *testing.T) {
	c, fills := newCache(1000), 0
	get := func(at int64, size int) {
		if b, err := c.get(at, func() ([]byte, error) { fills++; return make([]byte, size), nil }); len(b) != size || err != nil {
			t.Error(len(b), err)
		}
	}
	get(1, 300)
	get(2, 100)
	get(1, 300)
	get(3, 100) // throws out 2
	get(1, 300)
	if fills != 3 || len(c.items) != 2 || c.held > 1000 {
		t.Error(fills, len(c.items), c.held)
	}
	get(4, 5000) // too large for it
	if len(c.items) != 0 || c.held != 0 {
		t.Error(len(c.items), c.held)
	}
}

func FuzzOpen(f *testing.F) {
	testdisk.Seeds(f)
	var bases []*testdisk.Base
	for _, tt := range formats {
		if tt.testdata != "" {
			bases = append(bases, testdisk.NewBase(made(f, tt.testdata, "", "")))
		}
	}
	f.Fuzz(func(t *testing.T, patch []byte) {
		p := make([]byte, 4096)
		for _, b := range bases {
			r, length := b.Damaged(patch)
			d, err := Open(r, length, nil)
			if err != nil {
				continue
			}
			for _, at := range []int64{0, 1000, size / 4, size / 2, d.Size / 2, d.Size - 100} {
				if _, err := d.ReadAt(p, max(at, 0)); err != nil && err != io.EOF && !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrUnsupported) {
					t.Error(err)
				}
			}
		}
	})
}

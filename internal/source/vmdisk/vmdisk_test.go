package vmdisk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
	"github.com/assaysec/assay/internal/test/testdisk"
	"github.com/google/go-cmp/cmp"
)

var (
	efi      = [16]byte{0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b}
	biosBoot = [16]byte([]byte("Hah!IdontNeedEFI"))
	homeType = [16]byte{0xe1, 0xc7, 0x3a, 0x93, 0xb4, 0x2e, 0x13, 0x4f, 0xb8, 0x44, 0x0e, 0x14, 0xe2, 0xae, 0xf9, 0x15}
)

// ext and data are small file systems: one with a system, the other with what
// its etc/fstab names.
func ext(t testing.TB) []byte  { return testdisk.Unpack(t, "../../disk/ext4/testdata/ext2.img.zst") }
func data(t testing.TB) []byte { return testdisk.Unpack(t, "../../disk/xfs/testdata/v5.img.zst") }

func magic(size, at int, s string) []byte {
	b := make([]byte, size)
	copy(b[at:], s)
	return b
}

var (
	fat   = magic(70_000, 82, "FAT32   ")
	swap  = magic(70_000, 4086, "SWAPSPACE2")
	btrfs = magic(70_000, 0x10040, "_BHRfS_M")
)

func part(b []byte) testdisk.Part { return testdisk.Part{Type: testdisk.Linux, Content: b} }

func save(t testing.TB, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func openBytes(t testing.TB, b []byte) *assay.Image {
	t.Helper()
	img, err := Open(save(t, b))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { img.Close() })
	return img
}

// visited lists what an image has: "path", "path/", "path -> link", "path!".
func visited(t testing.TB, img *assay.Image) (out []string) {
	t.Helper()
	err := img.Layers[0].Walk(t.Context(), func(e *assay.Entry) error {
		line := e.Path
		switch {
		case e.Err != nil:
			line += "! " + e.Err.Error()
		case e.Mode.IsDir():
			line += "/"
		case e.Mode&fs.ModeSymlink != 0:
			line += " -> " + e.Link
		case e.Mode.IsRegular():
			r, err := e.Open()
			if err != nil {
				return fmt.Errorf("%s: %w", e.Path, err)
			}
			if b, err := io.ReadAll(io.NewSectionReader(r, 0, e.Size)); err != nil || int64(len(b)) != e.Size {
				return fmt.Errorf("%s: %d bytes, %w", e.Path, len(b), err)
			}
			if err := r.Close(); err != nil {
				return err
			}
		}
		out = append(out, line)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return out
}

func count(lines []string, prefix string) (n int) {
	for _, l := range lines {
		if strings.HasPrefix(l, prefix) {
			n++
		}
	}
	return n
}

func gaps(img *assay.Image) (out []string) {
	for _, g := range img.Gaps {
		out = append(out, g.String())
	}
	return out
}

// TestMounts: each partition is where the root says.
func TestMounts(t *testing.T) {
	img := openBytes(t, testdisk.GPT(testdisk.Part{Type: biosBoot, Content: magic(1024, 0, "code")}, testdisk.Part{Type: efi, Content: fat}, part(data(t)), part(swap), part(ext(t))))
	if diff := cmp.Diff([]string(nil), gaps(img)); diff != "" {
		t.Error(diff)
	}
	if img.Kind != assay.KindVM || img.Source != "vmdisk" || !strings.HasSuffix(img.Name, "disk.img") {
		t.Errorf("%+v", img)
	}
	got := visited(t, img)
	for _, line := range []string{"etc/", "etc/os-release -> ../usr/lib/os-release", "usr/lib/os-release", "srv/data/", "srv/data/bin/setuid", "srv/data/many/file-with-a-number-7", "bin/setuid"} {
		if !slices.Contains(got, line) {
			t.Errorf("no %s", line)
		}
	}
	if n := count(got, "srv/data/"); n != 91 {
		t.Errorf("%d below the mount", n)
	}
	if i := slices.IndexFunc(got, func(l string) bool { return strings.Contains(l, "! ") || strings.HasPrefix(l, "partition") }); i >= 0 {
		t.Error(got[i])
	}
	if !slices.IsSorted(slices.DeleteFunc(slices.Clone(got), func(l string) bool { return !strings.HasPrefix(l, "many/") })) {
		t.Error("names in no order")
	}
}

// TestPlaces: a volume without a mount is listed below a directory of its own, and reported.
func TestPlaces(t *testing.T) {
	plain := bytes.ReplaceAll(ext(t), []byte(testdisk.DataUUID), []byte("66666666-7777-8888-9999-aaaaaaaaaaab"))
	device := bytes.ReplaceAll(ext(t), []byte("UUID="+testdisk.DataUUID), fmt.Appendf(nil, "%-41s", "/dev/vda2"))
	home := bytes.ReplaceAll(plain, []byte("\x03\x02srv\x00"), []byte("\x04\x02home")) // the entry of a directory has room for it
	for _, tt := range []struct {
		name  string
		parts []testdisk.Part
		below string // where the second one's files are
		gaps  []string
	}{
		{"by UUID", []testdisk.Part{part(ext(t)), part(data(t))}, "srv/data/", nil},
		{"by device", []testdisk.Part{part(device), part(data(t))}, "srv/data/", nil},
		{"by type", []testdisk.Part{part(home), {Type: homeType, Content: data(t)}}, "home/", nil},
		{"unknown", []testdisk.Part{part(plain), part(data(t))}, "partition-2/", []string{"partition 2: is not in etc/fstab; its files are listed below partition-2/, where OS packages are not searched"}},
		{"another system", []testdisk.Part{part(plain), part(ext(t))}, "partition-2/", []string{"partition 2: contains another operating system than partition 1; its OS packages are not read, its files are listed below partition-2/"}},
		{"no system", []testdisk.Part{part(data(t)), part(data(t))}, "partition-2/", []string{"disk: no readable partition contains the root of an operating system"}},
		{"beside what is not read", []testdisk.Part{part(ext(t)), part(data(t)), part(btrfs), part(make([]byte, 5000)), part(magic(5000, 0, "?"))}, "srv/data/", []string{"partition 3: contains btrfs, which is not read", "partition 5: contains nothing that assay recognises"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			img := openBytes(t, testdisk.GPT(tt.parts...))
			if diff := cmp.Diff(tt.gaps, gaps(img)); diff != "" {
				t.Error(diff)
			}
			got := visited(t, img)
			if !slices.Contains(got, tt.below+"bin/setuid") || !slices.Contains(got, tt.below+"many/file-with-a-number-7") {
				t.Errorf("not below %s: %q", tt.below, got[:min(20, len(got))])
			}
			if _, err := img.Layers[0].Other(tt.below+"many/file-with-a-number-7", 10); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestBare reads file systems without a table of partitions, and with an MBR.
func TestBare(t *testing.T) {
	b := ext(t)
	mbr := append(make([]byte, 512), b...)
	copy(mbr[446:], "\x80\x00\x00\x00\x83\x00\x00\x00\x01\x00\x00\x00\xff\xff\x00\x00")
	copy(mbr[510:], "\x55\xaa")
	signed := bytes.Clone(b)
	copy(signed[446:], mbr[446:512]) // its begin looks like a table, of a partition that has nothing
	for _, disk := range [][]byte{b, mbr, signed} {
		img := openBytes(t, disk)
		if got := visited(t, img); count(got, "many/") != 61 || len(img.Gaps) > 0 {
			t.Error(len(got), img.Gaps)
		}
	}
}

// TestNothing: a disk of which nothing can be read is an error that says what
// there is.
func TestNothing(t *testing.T) {
	broken := ext(t)
	clear(broken[1024+32:][:4])
	for _, tt := range []struct {
		name string
		disk []byte
		say  string
		want error
	}{
		{"no such file", nil, "no such file", assay.ErrNotFound},
		{"empty", []byte{}, "empty", assay.ErrUnsupported},
		{"zeros", make([]byte, 1<<20), "disk is empty", assay.ErrUnsupported},
		{"text", []byte("hello"), "nothing that assay recognises", assay.ErrUnsupported},
		{"btrfs", btrfs, "disk contains btrfs", assay.ErrUnsupported},
		{"partitions", testdisk.GPT(part(btrfs), part(swap), part(fat)), "partition 1 contains btrfs, which is not read; partition 2 contains swap, which is not read; partition 3 contains FAT", assay.ErrUnsupported},
		{"broken file system", testdisk.GPT(part(broken)), "partition 1 ext4: superblock: sizes", assay.ErrUnsupported},
		{"broken table", testdisk.GPT(part(ext(t)))[:2000], "partition table", assay.ErrMalformed},
		{"LVM", magic(5000, 512, "LABELONE"), "LVM", assay.ErrUnsupported},
		{"a backing file", magic(200, 0, "QFI\xfb\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x68"), "differs", assay.ErrUnsupported},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "none")
			if tt.disk != nil {
				name = save(t, tt.disk)
			}
			if _, err := Open(name); !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.say) {
				t.Errorf("%v, want %q and %v", err, tt.say, tt.want)
			}
		})
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, assay.ErrUnsupported) {
		t.Error(err)
	}
}

// TestOther: what a reader asks for is on the disk, whatever links say.
func TestOther(t *testing.T) {
	img := openBytes(t, testdisk.GPT(part(ext(t)), part(data(t))))
	other := img.Layers[0].Other
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		if b, err := other(name, 100); err != nil || string(b) != "ID=debian\nVERSION_ID=12\n" {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	for _, name := range []string{"../etc/os-release", "/etc/os-release", "etc", "etc/none", "usr/lib/os-release/x", "size/link59", "srv/data", "partition-2/bin/setuid", ""} {
		if b, err := other(name, 100); !errors.Is(err, assay.ErrNotFound) {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	if _, err := other("usr/lib/os-release", 3); !errors.Is(err, assay.ErrTooLarge) {
		t.Error(err)
	}
}

// TestLinks: links lead to where the system has them.
func TestLinks(t *testing.T) {
	const length = 150
	for _, tt := range []struct{ target, want string }{
		{"/usr/lib/os-release", "ID=debian\nVERSION_ID=12\n"},
		{"../../../../usr/lib/os-release", "ID=debian\nVERSION_ID=12\n"}, // the root is above itself
		{"/etc/os-release", "ID=debian\nVERSION_ID=12\n"},
		{"../size/link150", ""},
		{"../srv/data/many/file-with-a-number-7", "7"},
		{"/srv/data/../../many/file-with-a-number-8", "8"},
		{"/srv/data/size/../../../bin/../many/file-with-a-number-8", "8"},
		{"59/../59", ""},
	} {
		t.Run(tt.target, func(t *testing.T) {
			b, pad := ext(t), length-len(tt.target)
			target := strings.Repeat("/", pad) + tt.target
			if tt.target[0] != '/' {
				target = "./" + strings.Repeat("/", pad%2) + strings.Repeat("./", pad/2-1) + tt.target
			}
			at := bytes.Index(b, []byte("\x00"+strings.Repeat("l", length)+"\x00"))
			if at < 0 || len(target) != length {
				t.Fatal(at, target)
			}
			copy(b[at+1:], target)
			img := openBytes(t, testdisk.GPT(part(b), part(data(t))))
			got, err := img.Layers[0].Other("size/link150", 100)
			if string(got) != tt.want || (tt.want == "") != errors.Is(err, assay.ErrNotFound) {
				t.Errorf("%q %v", got, err)
			}
		})
	}
}

// TestCycle: a directory that contains itself is reported, and the others are still read.
func TestCycle(t *testing.T) {
	b := ext(t)
	at := bytes.Index(b, []byte("\x03\x02bin")) // length of the name, kind, name
	b[at-6] = 2                                 // the root
	got := visited(t, openBytes(t, b))
	if !slices.Contains(got, "bin! the directory is linked twice, or contains itself: malformed") || count(got, "many/") != 61 {
		t.Errorf("%q", got)
	}
}

// TestDamage: a broken inode or directory is an entry with an error.
func TestDamage(t *testing.T) {
	b := ext(t)
	b[bytes.Index(b, []byte("\x05\x01empty"))-5] = 0xff // an inode that there is not
	b[bytes.Index(b, []byte("setuid"))-3] = 0xff        // an entry without end
	got := visited(t, openBytes(t, b))
	for _, prefix := range []string{"empty! inode 65", "bin! block 0 of the directory: a broken entry"} {
		if count(got, prefix) != 1 {
			t.Errorf("no %s", prefix)
		}
	}
	if count(got, "many/") != 61 {
		t.Errorf("%q", got)
	}
}

// TestStop: the visitor decides.
func TestStop(t *testing.T) {
	img := openBytes(t, testdisk.GPT(part(data(t)), part(data(t))))
	n, stop := 0, errors.New("stop")
	err := img.Layers[0].Walk(t.Context(), func(e *assay.Entry) error {
		switch n++; e.Path {
		case "partition-1", "partition-2/many":
			return fs.SkipDir
		case "partition-2/name":
			return stop
		}
		return nil
	})
	if err != stop || n > 30 {
		t.Error(n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := img.Layers[0].Walk(ctx, func(e *assay.Entry) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestCut: a disk that ends too soon gives what it has.
func TestCut(t *testing.T) {
	disk := testdisk.GPT(part(ext(t)), part(data(t)))
	for _, size := range []int{1<<20 + 2000, 1<<20 + 100_000, 1<<20 + 300_000, 3 << 20} {
		img, err := Open(save(t, disk[:size]))
		if err != nil {
			if !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrUnsupported) {
				t.Errorf("%d: %v", size, err)
			}
			continue
		}
		if n := 0; img.Layers[0].Walk(t.Context(), func(*assay.Entry) error { n++; return nil }) != nil || n == 0 {
			t.Errorf("%d: %d entries", size, n)
		}
		if size < 2<<20 && !slices.Contains(gaps(img), "partition 2: begins beyond the end of the disk: the disk is truncated") {
			t.Error(size, gaps(img))
		}
		img.Close()
	}
}

func TestCalled(t *testing.T) {
	v := volume{}
	v.Number, v.UUID, v.Name = 3, "abcd-03", "Linux root"
	for word, want := range map[string]bool{
		"/dev/sda3": true, "/dev/vda3": true, "/dev/nvme0n1p3": true, "/dev/xvda3": true, "/dev/mmcblk0p3": true,
		"/dev/sdb3": false, "/dev/sda33": false, "/dev/sda": false, "tmpfs": false, "/dev/mapper/root": false,
		"PARTUUID=ABCD-03": true, `PARTUUID="abcd-03"`: true, "/dev/disk/by-partuuid/abcd-03": true, "PARTUUID=": false,
		unescape(`PARTLABEL=Linux\040root`): true, unescape(`/dev/disk/by-partlabel/Linux\x20root`): true, "LABEL=": false, "UUID=x": false,
	} {
		v.fileSystem = nothingNamed{}
		if v.isNamed(word) != want {
			t.Errorf("%s: %v", word, !want)
		}
	}
}

type nothingNamed struct{ fileSystem }

func (nothingNamed) Label() filesystem.Label { return filesystem.Label{} }

// TestMade reads a compressed disk that programs make, of a root and of what it
// mounts, against the directories that they are made of.
func TestMade(t *testing.T) {
	root := testdisk.Directory(t, testdisk.Contains{System: true, Many: 500, Pieces: 300, Deep: 40, Link: 1000})
	mounted := testdisk.Directory(t, testdisk.Contains{Many: 60, Pieces: 6, Deep: 10, Link: 150}) // which data is made of
	b, err := os.ReadFile(testdisk.Ext(t, root, 64<<20, "-t", "ext4", "-U", testdisk.SystemUUID))
	if err != nil {
		t.Fatal(err)
	}
	disk := save(t, testdisk.GPT(part(b), part(data(t))))
	name := filepath.Join(t.TempDir(), "disk.qcow2")
	testdisk.Program(t, t.TempDir(), "qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", disk, name)
	img, err := Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	got := visited(t, img)
	var want []string
	for prefix, directory := range map[string]string{"": root, "srv/data/": mounted} {
		for _, line := range testdisk.DirectoryContents(t, directory) {
			_, line, _ = strings.Cut(line, " ")
			path, content, _ := strings.Cut(line, " ")
			if path = prefix + path; strings.HasPrefix(filepath.Base(path), "link") || path == "etc/os-release" {
				path += " -> " + content
			} else if content == "" {
				path += "/"
			}
			want = append(want, path)
		}
	}
	want = append(want, "lost+found/")
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" || len(img.Gaps) > 0 {
		t.Error(diff, img.Gaps)
	}
}

func TestRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, size := range []int{1, 511, 512, 4096, 200_000} {
		b := make([]byte, size)
		for range 20 {
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			if _, err := Open(save(t, b)); !errors.Is(err, assay.ErrUnsupported) && !errors.Is(err, assay.ErrMalformed) {
				t.Error(size, err)
			}
		}
	}
}

func FuzzDisk(f *testing.F) {
	testdisk.Seeds(f)
	small := ext(f)
	base := testdisk.NewBase(testdisk.GPT(part(small), part(small)))
	f.Fuzz(func(t *testing.T, patch []byte) {
		r, size := base.Damaged(patch)
		tree, _, err := read(r, size)
		if err != nil {
			return
		}
		n := 0
		err = tree.walk(t.Context(), func(e *assay.Entry) error {
			if n++; n > 50_000 {
				t.Fatal("it does not end")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		tree.other("etc/os-release", 1000)
	})
}

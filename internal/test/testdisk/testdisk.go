// Package testdisk makes directories, file systems and disks for tests, and compares
// what is read of them. Tests only.
package testdisk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/disk/filesystem"
	"github.com/assaysec/assay/internal/encoding/compression"
)

// UUIDs of the file systems that tests make; SystemTab names them.
const (
	SystemUUID = "11111111-2222-3333-4444-555555555555"
	DataUUID   = "66666666-7777-8888-9999-aaaaaaaaaaaa"
)

// SystemTab is the etc/fstab of a directory with a system.
const SystemTab = "# <file system> <mount point> <type>\nUUID=" + SystemUUID + " / ext4 defaults 0 1\nUUID=" + DataUUID + "\t/srv/data\txfs defaults 0 0\n/dev/sda7 /absent ext4\n/dev/sda3 none swap sw 0 0\nproc /proc proc\n"

// Contains says what a directory has.
type Contains struct {
	System bool // looks like the root of a system
	Many   int  // files in one directory
	Pieces int  // of a file with holes
	Deep   int  // directories in each other
	Link   int  // bytes of the longest link; mkfs.xfs 6.1 makes broken ones over some 250
}

// Directory makes a directory with what is hard about file systems.
func Directory(t testing.TB, has Contains) string {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, content string, mode fs.FileMode) {
		t.Helper()
		name = filepath.Join(dir, name)
		must(os.MkdirAll(filepath.Dir(name), 0o755))
		must(os.WriteFile(name, []byte(content), 0o600))
		must(os.Chmod(name, mode))
	}
	if has.System {
		write("usr/lib/os-release", "ID=debian\nVERSION_ID=12\n", 0o644)
		write("etc/fstab", SystemTab, 0o644)
		must(os.Symlink("../usr/lib/os-release", filepath.Join(dir, "etc/os-release")))
		must(os.MkdirAll(filepath.Join(dir, "srv/data"), 0o755))
	}
	write("empty", "", 0o644)
	write("bin/setuid", "#!/bin/sh\n", 0o755|fs.ModeSetuid)
	for _, n := range []int{59, 60, 61, 150, 5000} {
		write(fmt.Sprintf("size/%d", n), strings.Repeat("abcdefghij", n/10+1)[:n], 0o600)
		must(os.Symlink(strings.Repeat("l", min(n, has.Link)), filepath.Join(dir, fmt.Sprintf("size/link%d", n))))
	}
	write("name/"+strings.Repeat("ä", 127)+"x", "long\n", 0o644)
	write("deep/"+strings.Repeat("d/", has.Deep)+"file", "deep\n", 0o644)
	for i := range has.Many {
		write(fmt.Sprintf("many/file-with-a-number-%d", i), fmt.Sprint(i), 0o644)
	}
	b := make([]byte, (has.Pieces*2+1)*8192)
	for i := range has.Pieces + 1 {
		copy(b[i*16384:][:8192], bytes.Repeat([]byte{byte(i + 1)}, 8192))
	}
	sparse(t, filepath.Join(dir, "holes"), b)
	return dir
}

// sparse writes a file without its zeros.
func sparse(t testing.TB, name string, b []byte) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for at := 0; at < len(b); at += 8192 {
		if c := b[at:min(at+8192, len(b))]; bytes.Count(c, []byte{0}) < len(c) {
			if _, err := f.WriteAt(c, int64(at)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Program runs a program in the directory. Where it is not installed the test is
// skipped; in CI (CI=true) that is a failure.
func Program(t testing.TB, dir, program string, args ...string) {
	t.Helper()
	path, err := exec.LookPath(program)
	for _, sbin := range []string{"/usr/sbin", "/sbin"} {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(sbin, program))
		}
	}
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	} else if err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil && cmd.ProcessState.ExitCode() != changed(program) {
		t.Fatalf("%s %v: %v\n%s", program, args, err, out)
	}
}

// Ext makes a file with an ext file system of a directory.
func Ext(t testing.TB, directory string, size int64, options ...string) string {
	t.Helper()
	name := blank(t, size)
	Program(t, directory, "mke2fs", slices.Concat([]string{"-q", "-F", "-d", directory}, options, []string{name})...)
	return name
}

// XFS makes a file with an XFS file system of a directory.
func XFS(t testing.TB, directory string, size int64, options ...string) string {
	t.Helper()
	name, proto := blank(t, size), filepath.Join(t.TempDir(), "proto")
	if err := os.WriteFile(proto, prototype(t, directory), 0o600); err != nil {
		t.Fatal(err)
	}
	Program(t, directory, "mkfs.xfs", slices.Concat([]string{"-q", "-f", "-p", proto}, options, []string{name})...)
	return name
}

func blank(t testing.TB, size int64) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "disk.img")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, size); err != nil {
		t.Fatal(err)
	}
	return name
}

// prototype describes a directory as mkfs.xfs(8) wants it.
func prototype(t testing.TB, root string) []byte {
	t.Helper()
	out := bytes.NewBufferString("/\n0 0\nd--755 0 0\n")
	var directory func(string)
	directory = func(dir string) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			mode := fmt.Sprintf("--%03o 0 0", info.Mode().Perm())
			if info.Mode()&fs.ModeSetuid != 0 {
				mode = "u" + mode[1:]
			}
			switch {
			case e.IsDir():
				fmt.Fprintf(out, "%s d%s\n", e.Name(), mode)
				directory(name)
				out.WriteString("$\n")
			case e.Type()&fs.ModeSymlink != 0:
				link, err := os.Readlink(name)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(out, "%s l%s %s\n", e.Name(), mode, link)
			default:
				fmt.Fprintf(out, "%s -%s %s\n", e.Name(), mode, name)
			}
		}
	}
	directory(root)
	out.WriteString("$\n")
	return out.Bytes()
}

// A FileSystem is what the readers of file systems give.
type FileSystem interface {
	Root() uint64
	Node(uint64) (filesystem.Node, error)
	List(uint64) ([]filesystem.Name, error)
	Open(uint64) (io.ReaderAt, error)
}

// Contents lists a file system: "mode path", and what the file or link has.
func Contents(f FileSystem) (lines []string, err error) {
	var directory func(uint64, string, int) error
	directory = func(number uint64, dir string, depth int) error {
		if depth > 200 || len(lines) > 100_000 {
			return fmt.Errorf("%s: it does not end", dir[:20])
		}
		names, err := f.List(number)
		if err != nil {
			return err
		}
		for _, n := range names {
			path := filepath.Join(dir, n.Text)
			if path == "lost+found" {
				continue
			}
			node, err := f.Node(n.Node)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			content := node.Link
			if node.Mode.IsRegular() {
				r, err := f.Open(n.Node)
				if err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				b, err := io.ReadAll(io.NewSectionReader(r, 0, node.Size))
				if err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				content = summary(b)
			}
			lines = append(lines, fmt.Sprintf("%v %s %s", node.Mode, path, content))
			if node.Mode.IsDir() {
				if err := directory(n.Node, path, depth+1); err != nil {
					return err
				}
			}
		}
		return nil
	}
	err = directory(f.Root(), "", 0)
	slices.Sort(lines)
	return lines, err
}

// DirectoryContents lists a directory in the same way.
func DirectoryContents(t testing.TB, dir string) (lines []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		path, _ := filepath.Rel(dir, name)
		if err != nil || path == "." {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			content, err = os.Readlink(name)
		case d.Type().IsRegular():
			var b []byte
			b, err = os.ReadFile(name)
			content = summary(b)
		}
		lines = append(lines, fmt.Sprintf("%v %s %s", info.Mode(), path, content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

func summary(b []byte) string {
	if len(b) < 30 {
		return fmt.Sprintf("%q", b)
	}
	return fmt.Sprintf("%d bytes, %x", len(b), crc32.ChecksumIEEE(b))
}

// Unpack reads a compressed file of testdata.
func Unpack(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, _, err := compression.Reader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Pack writes a file of testdata with the program zstd, for those tests that can
// make theirs anew.
func Pack(t testing.TB, name string, b []byte) {
	t.Helper()
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, b, 0o600); err != nil {
		t.Fatal(err)
	}
	Program(t, ".", "zstd", "-q", "-f", "-19", "-o", name, plain)
	if err := os.Chmod(name, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Wrecked opens a disk and reads what is in it, and holds what comes of both.
func Wrecked[F FileSystem](t *testing.T, disk []byte, open func(io.ReaderAt, int64) (F, error), wantOpen, wantRead error) {
	t.Helper()
	f, err := open(bytes.NewReader(disk), int64(len(disk)))
	if !errors.Is(err, wantOpen) {
		t.Fatalf("%v, want %v", err, wantOpen)
	}
	if wantOpen != nil {
		return
	}
	if _, err := Contents(f); !errors.Is(err, wantRead) {
		t.Errorf("%v, want %v", err, wantRead)
	}
}

// Seeds are patches for a fuzz test to begin with.
func Seeds(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 100})
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{1, 5, 20, 100, 1000} {
		for range 20 {
			b := make([]byte, n*5)
			for i := range b {
				b[i] = byte(r.Uint32())
			}
			f.Add(b)
		}
	}
}

// A Base is an image to be damaged: an input of a fuzz test says which of its
// bytes are other than they were, so that what is tried is near what works.
type Base struct {
	b    []byte
	used []int // bytes that are not zero, and their neighbours
}

// NewBase takes an image, which is not changed.
func NewBase(b []byte) *Base {
	base := &Base{b: b}
	for i, c := range b {
		if c != 0 || i > 0 && b[i-1] != 0 {
			base.used = append(base.used, i)
		}
	}
	return base
}

// Damaged gives the image with the changes of patch: four bytes say which byte,
// and the fifth what it is; four of 0xff say that the image ends sooner.
func (b *Base) Damaged(patch []byte) (io.ReaderAt, int64) {
	d, size := &damaged{b.b, map[int64]byte{}}, int64(len(b.b))
	for ; len(patch) >= 5; patch = patch[5:] {
		n := binary.LittleEndian.Uint32(patch)
		if n == 1<<32-1 {
			size = size * int64(patch[4]) / 256
			continue
		}
		d.patch[int64(b.used[int(n)%len(b.used)])] = patch[4]
	}
	d.b = d.b[:size]
	return d, size
}

type damaged struct {
	b     []byte
	patch map[int64]byte
}

func (d *damaged) ReadAt(p []byte, at int64) (int, error) {
	n, err := bytes.NewReader(d.b).ReadAt(p, at)
	for i, c := range d.patch {
		if i >= at && i < at+int64(n) {
			p[i-at] = c
		}
	}
	return n, err
}

// A Part is a partition of a disk that is to be made.
type Part struct {
	Type    [16]byte
	Name    string
	Content []byte
}

// Linux is the type of a partition with files.
var Linux = [16]byte{0xaf, 0x3d, 0xc6, 0x0f, 0x83, 0x84, 0x72, 0x47, 0x8e, 0x79, 0x3d, 0x69, 0xd8, 0x47, 0x7d, 0xe4}

// GPT makes a disk of partitions, with its table at both ends.
func GPT(parts ...Part) []byte {
	const sector, first, tableSectors = 512, 2048, 32
	le := binary.LittleEndian
	table := make([]byte, tableSectors*sector)
	at := uint64(first)
	disk := make([]byte, first*sector)
	for i, p := range parts {
		e := table[i*128:]
		n := uint64(len(p.Content)+sector-1) / sector
		copy(e, p.Type[:])
		e[16], e[31] = byte(i+1), 0x77
		le.PutUint64(e[32:], at)
		le.PutUint64(e[40:], at+n-1)
		for j, c := range []byte(p.Name) {
			e[56+2*j] = c
		}
		disk = append(disk, p.Content...)
		disk = append(disk, make([]byte, int(n)*sector-len(p.Content))...)
		at += n
	}
	disk = append(disk, make([]byte, (tableSectors+1)*sector)...)
	end := uint64(len(disk)/sector - 1)
	header := func(mine, other, list uint64) []byte {
		h := make([]byte, sector)
		copy(h, "EFI PART\x00\x00\x01\x00")
		le.PutUint32(h[12:], 92)
		for i, v := range []uint64{mine, other, first, at - 1} {
			le.PutUint64(h[24+8*i:], v)
		}
		le.PutUint64(h[72:], list)
		le.PutUint32(h[80:], 128)
		le.PutUint32(h[84:], 128)
		le.PutUint32(h[88:], crc32.ChecksumIEEE(table))
		le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:92]))
		return h
	}
	copy(disk[446:], "\x00\x00\x02\x00\xee\xff\xff\xff\x01\x00\x00\x00\xff\xff\xff\xff")
	copy(disk[510:], "\x55\xaa")
	copy(disk[sector:], header(1, end, 2))
	copy(disk[2*sector:], table)
	copy(disk[(end-tableSectors)*sector:], table)
	copy(disk[end*sector:], header(end, 1, end-tableSectors))
	return disk
}

// Explore reads whatever of a damaged file system can be read: it must neither
// panic nor go on for ever, and errors must be told as such.
func Explore(t testing.TB, f FileSystem) {
	t.Helper()
	told := func(err error) {
		t.Helper()
		if err != nil && !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrUnsupported) && !errors.Is(err, assay.ErrTooLarge) {
			t.Error(err)
		}
	}
	seen, todo := map[uint64]bool{}, []uint64{f.Root()}
	for b := make([]byte, 4096); len(todo) > 0 && len(seen) < 300; todo = todo[1:] {
		number := todo[0]
		if seen[number] {
			continue
		}
		seen[number] = true
		node, err := f.Node(number)
		told(err)
		if node.Mode.IsDir() {
			names, err := f.List(number)
			told(err)
			for _, n := range names {
				if !filesystem.Good([]byte(n.Text)) {
					t.Errorf("name %q", n.Text)
				}
				todo = append(todo, n.Node)
			}
		}
		if node.Mode.IsRegular() {
			r, err := f.Open(number)
			if told(err); err != nil {
				continue
			}
			for _, at := range []int64{0, 5000, node.Size - 10} {
				if _, err := r.ReadAt(b, max(0, at)); err != io.EOF {
					told(err)
				}
			}
		}
	}
}

// changed is the exit code with which a program says that it did its work.
func changed(program string) int {
	if program == "e2fsck" {
		return 1
	}
	return 0
}

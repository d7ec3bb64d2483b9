package partition

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/testdisk"
	"github.com/google/go-cmp/cmp"
)

const linux = "0fc63daf-8483-4772-8e79-3d69d8477de4"

func table(t *testing.T, b []byte) []Partition {
	t.Helper()
	ps, err := Table(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Error(err)
	}
	return ps
}

func TestGPT(t *testing.T) {
	disk := testdisk.GPT(testdisk.Part{Type: testdisk.Linux, Name: "root", Content: make([]byte, 1024)}, testdisk.Part{Type: testdisk.Linux, Content: make([]byte, 600)})
	want := []Partition{
		{Number: 1, Offset: 1 << 20, Size: 1024, Type: linux, UUID: "00000001-0000-0000-0000-000000000077", Name: "root"},
		{Number: 2, Offset: 1<<20 + 1024, Size: 1024, Type: linux, UUID: "00000002-0000-0000-0000-000000000077"},
	}
	if diff := cmp.Diff(want, table(t, disk)); diff != "" {
		t.Error(diff)
	}
	for _, at := range []int{512, 600, 1024} { // the table, its head, then the copy is read
		damaged := bytes.Clone(disk)
		damaged[at] ^= 0xff
		if diff := cmp.Diff(want, table(t, damaged)); diff != "" {
			t.Errorf("byte %d: %s", at, diff)
		}
		damaged = damaged[:len(damaged)-512]
		if ps, err := Table(bytes.NewReader(damaged), int64(len(damaged))); len(ps) > 0 || !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("byte %d, and no copy: %v", at, err)
		}
	}
	want[0].Size, want[1].Offset, want[1].Size = 512, 1<<20+512, 0
	if diff := cmp.Diff(want, table(t, disk[:1<<20+512])); diff != "" {
		t.Errorf("cut: %s", diff)
	}
}

// write puts an entry of an MBR, or of a sector of logical partitions.
func write(disk []byte, sector, n int, kind byte, first, count uint32) {
	b := disk[sector*512:][:512]
	b[510], b[511] = 0x55, 0xaa
	e := b[446+16*n:]
	e[4] = kind
	binary.LittleEndian.PutUint32(e[8:], first)
	binary.LittleEndian.PutUint32(e[12:], count)
}

func TestMBR(t *testing.T) {
	disk := make([]byte, 200*512)
	binary.LittleEndian.PutUint32(disk[440:], 0xabcd1234)
	write(disk, 0, 0, 0x83, 10, 20)
	write(disk, 0, 2, 0x05, 50, 150)
	write(disk, 50, 0, 0x83, 2, 8)
	write(disk, 50, 1, 0x05, 30, 20)
	write(disk, 80, 0, 0x82, 5, 1000)
	want := []Partition{
		{Number: 1, Offset: 10 * 512, Size: 20 * 512, Type: "83", UUID: "abcd1234-01"},
		{Number: 5, Offset: 52 * 512, Size: 8 * 512, Type: "83", UUID: "abcd1234-05"},
		{Number: 6, Offset: 85 * 512, Size: 115 * 512, Type: "82", UUID: "abcd1234-06"},
	}
	if diff := cmp.Diff(want, table(t, disk)); diff != "" {
		t.Error(diff)
	}
	for _, tt := range []struct {
		name   string
		damage func([]byte)
		left   int // partitions
		want   error
	}{
		{"a cycle", func(b []byte) { write(b, 80, 1, 0x05, 0, 10) }, 3, assay.ErrMalformed},
		{"a list of nothing", func(b []byte) { b[80*512+510] = 0 }, 2, assay.ErrMalformed},
		{"a list beyond the end", func(b []byte) { write(b, 50, 1, 0x05, 10_000, 1) }, 2, assay.ErrMalformed},
		{"a sector that begins a file system", func(b []byte) { b[446] = 0x31 }, 0, nil},
		{"no signature", func(b []byte) { b[510] = 0 }, 0, nil},
		{"a partition at 0", func(b []byte) { write(b, 0, 0, 0x83, 0, 5) }, 0, nil},
		{"all of it beyond the end", func(b []byte) { write(b, 0, 0, 0x83, 9999, 5); write(b, 0, 2, 0, 0, 0) }, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := bytes.Clone(disk)
			tt.damage(b)
			if ps, err := Table(bytes.NewReader(b), int64(len(b))); len(ps) != tt.left || !errors.Is(err, tt.want) {
				t.Errorf("%d partitions, %v", len(ps), err)
			}
		})
	}
	if ps, err := Table(bytes.NewReader(disk), 100); ps != nil || err != nil {
		t.Error("less than a sector")
	}
}

// TestMade reads tables that sfdisk makes.
func TestMade(t *testing.T) {
	for _, tt := range []struct {
		name, script string
		want         []Partition
	}{
		{"gpt", "label: gpt\n1: start=2048, size=2048, type=L, uuid=11111111-2222-3333-4444-555555555555, name=\"größe\"\n3: start=8192, size=100, type=U, uuid=21111111-2222-3333-4444-555555555555\n", []Partition{
			{Number: 1, Offset: 1 << 20, Size: 1 << 20, Type: linux, UUID: "11111111-2222-3333-4444-555555555555", Name: "größe"},
			{Number: 3, Offset: 4 << 20, Size: 51200, Type: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", UUID: "21111111-2222-3333-4444-555555555555"},
		}},
		{"mbr", "label: dos\nlabel-id: 0x12345678\n1: start=2048, size=2048, type=83\n2: start=4096, size=20000, type=5\n5: start=6144, size=1000, type=83\n6: size=1000, type=82\n", []Partition{
			{Number: 1, Offset: 1 << 20, Size: 1 << 20, Type: "83", UUID: "12345678-01"},
			{Number: 5, Offset: 3 << 20, Size: 512000, Type: "83", UUID: "12345678-05"},
			{Number: 6, Offset: 5 << 20, Size: 512000, Type: "82", UUID: "12345678-06"},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			testdisk.Program(t, t.TempDir(), "sfdisk", "--version")
			name := filepath.Join(t.TempDir(), "disk")
			if err := os.WriteFile(name, make([]byte, 16<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "sh", "-c", "PATH=$PATH:/usr/sbin:/sbin sfdisk -q --no-tell-kernel "+name)
			cmd.Stdin = strings.NewReader(tt.script)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, table(t, b)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzTable(f *testing.F) {
	f.Add(testdisk.GPT(testdisk.Part{Type: testdisk.Linux, Content: make([]byte, 600)})[:4096], int64(1<<30))
	mbr := make([]byte, 4096)
	write(mbr, 0, 0, 0x83, 3, 2)
	write(mbr, 0, 1, 0x05, 2, 6)
	write(mbr, 2, 0, 0x83, 2, 2)
	write(mbr, 2, 1, 0x05, 3, 2)
	f.Add(mbr, int64(4096))
	f.Fuzz(func(t *testing.T, b []byte, size int64) {
		size = max(size, 0) >> 8
		ps, err := Table(bytes.NewReader(b), size)
		if err != nil && !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) {
			t.Error(err)
		}
		for _, p := range ps {
			if p.Offset < 0 || p.Size < 0 || p.Size > 0 && p.Offset+p.Size > size {
				t.Errorf("%+v of %d", p, size)
			}
		}
	})
}

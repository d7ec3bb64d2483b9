package executable

import (
	"bytes"
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOwn holds the sections of the test's own program against those that the
// standard library finds.
func TestOwn(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, ok := Open(bytes.NewReader(b), int64(len(b)))
	if !ok {
		t.Fatal("not opened")
	}
	want := map[string]int64{}
	if e, err := elf.NewFile(bytes.NewReader(b)); err == nil {
		for _, s := range e.Sections {
			if s.Type != elf.SHT_NOBITS && s.Type != elf.SHT_NULL && s.Size > 0 {
				want[s.Name] = int64(s.Offset)
			}
		}
	} else if m, err := macho.NewFile(bytes.NewReader(b)); err == nil {
		for _, s := range m.Sections {
			if s.Offset > 0 && s.Size > 0 {
				want[s.Name] = int64(s.Offset)
			}
		}
	} else if p, err := pe.NewFile(bytes.NewReader(b)); err == nil {
		t.Skip("PE: see TestForms", p.Machine)
	}
	got := map[string]int64{}
	for _, s := range f.Sections {
		got[s.Name] = s.Offset
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if i := f.Find("\xff Go buildinf:", 0, f.size); i < 0 {
		t.Error("no build information found")
	}
}

// small makes a file of one section ".x" with the content "hello".
func small(kind string) string {
	le, be := binary.LittleEndian, binary.BigEndian
	b := make([]byte, 400)
	copy(b[384:], "hello")
	switch kind {
	case "elf32":
		copy(b, "\x7fELF\x01\x02")
		be.PutUint32(b[32:], 64)
		be.PutUint16(b[46:], 40)
		be.PutUint16(b[48:], 2)
		be.PutUint16(b[50:], 1)
		be.PutUint32(b[104:], 1)
		be.PutUint32(b[108:], 3)
		be.PutUint32(b[120:], 383)
		be.PutUint32(b[124:], 10)
	case "pe":
		copy(b, "MZ")
		b[60] = 64
		copy(b[64:], "PE\x00\x00")
		b[70] = 1
		copy(b[88:], ".x")
		le.PutUint32(b[88+16:], 5)
		le.PutUint32(b[88+20:], 384)
	case "macho32", "fat":
		at := 0
		if kind == "fat" {
			copy(b, "\xca\xfe\xba\xbe\x00\x00\x00\x01")
			at, b[19] = 64, 64
		}
		m := b[at:]
		copy(m, "\xce\xfa\xed\xfe")
		le.PutUint32(m[20:], 124)
		le.PutUint32(m[28:], 1)
		le.PutUint32(m[32:], 124)
		copy(m[84:], ".x")
		le.PutUint32(m[84+36:], 5)
		le.PutUint32(m[84+40:], uint32(384-at))
	}
	return string(b)
}

func TestForms(t *testing.T) {
	for _, tt := range []struct {
		kind, name string
		format     Format
		off        int64
	}{{"elf32", "ello", ELF, 383}, {"pe", ".x", PE, 384}, {"macho32", ".x", MachO, 384}, {"fat", ".x", MachO, 384}} {
		t.Run(tt.kind, func(t *testing.T) {
			in := small(tt.kind)
			f, ok := Open(strings.NewReader(in), int64(len(in)))
			if !ok || f.Format != tt.format || f.Bits != 32 {
				t.Fatalf("%+v", f)
			}
			s, ok := f.Section(tt.name, "hello")
			if !ok && tt.kind != "elf32" {
				t.Fatalf("sections %+v", f.Sections)
			}
			if tt.kind == "elf32" {
				if len(f.Sections) != 1 || f.Sections[0].Offset != tt.off {
					t.Errorf("sections %+v", f.Sections)
				}
				return
			}
			b, err := f.Data(s, 5)
			if string(b) != "hello" || err != nil || s.Offset != tt.off {
				t.Errorf("%q, %v at %d", b, err, s.Offset)
			}
			if _, err := f.Data(s, 4); err == nil {
				t.Error("a bound not held")
			}
		})
	}
}

func TestNone(t *testing.T) {
	for _, in := range []string{"", "MZ", "#!/bin/sh", "\xca\xfe\xba\xbe\x00\x00\x00\x41" + strings.Repeat("x", 100), "PK\x03\x04" + strings.Repeat("x", 100)} {
		if f, ok := Open(strings.NewReader(in), int64(len(in))); ok {
			t.Errorf("%q is %+v", in, f)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, kind := range []string{"elf32", "pe", "macho32", "fat"} {
		f.Add(small(kind))
	}
	f.Fuzz(func(t *testing.T, in string) {
		x, ok := Open(strings.NewReader(in), int64(len(in)))
		if !ok {
			return
		}
		for _, s := range x.Sections {
			if b, err := x.Data(s, s.Size); err != nil || int64(len(b)) != s.Size {
				t.Errorf("%+v: %d bytes, %v", s, len(b), err)
			}
		}
	})
}

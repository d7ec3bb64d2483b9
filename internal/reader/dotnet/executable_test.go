package dotnet

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay/internal/test/contract"
)

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

var le = binary.LittleEndian

func wide(s string) (b []byte) {
	for _, u := range utf16.Encode([]rune(s + "\x00")) {
		b = le.AppendUint16(b, u)
	}
	return b
}

// versionEntry is a block of a version resource.
func versionEntry(key, value string, children ...[]byte) []byte {
	b := make([]byte, 6)
	b = append(b, wide(key)...)
	pad := func() {
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	pad()
	if value != "" {
		v := wide(value)
		le.PutUint16(b[2:], uint16(len(v)/2))
		le.PutUint16(b[4:], 1)
		b = append(b, v...)
	}
	for _, c := range children {
		pad()
		b = append(b, c...)
	}
	le.PutUint16(b, uint16(len(b)))
	return b
}

// library is an assembly with a version resource and nothing else.
func library(name, company, product, version string) string {
	const start, address = 0x400, 0x2000
	v := versionEntry("VS_VERSION_INFO", "", versionEntry("VarFileInfo", "", versionEntry("Translation", "")),
		versionEntry("StringFileInfo", "", versionEntry("000004b0", "",
			versionEntry("CompanyName", company), versionEntry("OriginalFilename", name+".dll"), versionEntry("ProductName", product), versionEntry("ProductVersion", version), versionEntry("FileVersion", "9.9.9.9"))))
	var r []byte
	for level, id := range []uint32{resourceVersion, 1, 0} {
		d := make([]byte, 24)
		le.PutUint16(d[14:], 1)
		le.PutUint32(d[16:], id)
		next := uint32(24 * (level + 1))
		if level < 2 {
			next |= 0x8000_0000
		}
		le.PutUint32(d[20:], next)
		r = append(r, d...)
	}
	r = le.AppendUint32(r, address+88)
	r = le.AppendUint32(r, uint32(len(v)))
	r = append(r, make([]byte, 88-len(r))...)
	r = append(r, v...)

	b := make([]byte, start)
	copy(b, "MZ")
	le.PutUint32(b[60:], 64)
	copy(b[64:], "PE\x00\x00")
	le.PutUint16(b[70:], 1)   // sections
	le.PutUint16(b[84:], 224) // optional header
	optional := b[88:]
	le.PutUint16(optional, 0x10b)
	le.PutUint32(optional[96+8*directoryResources:], address)
	le.PutUint32(optional[96+8*directoryCLR:], address)
	s := b[88+224:]
	copy(s, ".rsrc")
	le.PutUint32(s[8:], uint32(len(r)))
	le.PutUint32(s[12:], address)
	le.PutUint32(s[16:], uint32(len(r)))
	le.PutUint32(s[20:], start)
	return string(b) + string(r)
}

func TestAssembly(t *testing.T) {
	native := []byte(library("Lib", "Company", "Product", "1.2.3"))
	le.PutUint32(native[88+96+8*directoryCLR:], 0)
	for _, tt := range []struct{ name, path, content, want string }{
		{"a library", "app/Renamed.dll", library("Lib", "Company", "Product", "13.0.3+0a2e291c"), "Lib@13.0.3 "},
		{"four numbers", "app/Lib.DLL", library("Lib", "Company", "Product", "1.2.3.0"), "Lib@1.2.3 "},
		{"words after", "app/Lib.dll", library("Lib", "Company", "Product", "4.6.1 built by: me"), "Lib@4.6.1 "},
		{"the file's version", "app/Lib.dll", library("Lib", "Company", "Product", "vNext"), "Lib@9.9.9.9 "},
		{"native", "app/Lib.dll", string(native), ""},
		{"of the framework", "usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.4/System.Text.Json.dll", library("System.Text.Json", "Microsoft Corporation", "x", "8.0.4"), ""},
		{"of a copied framework", "app/System.Text.Json.dll", library("System.Text.Json", "Microsoft Corporation", "Microsoft® .NET", "8.0.4"), ""},
		{"somebody's application", "app/App.dll", library("App", "App", "App", "1.0.0"), ""},
		{"translations", "app/de/Lib.resources.dll", library("Lib.resources", "Company", "Product", "1.0.0"), ""},
		{"no executable", "app/bogus.dll", "bogus PE contents", ""},
	} {
		facts, err := contract.Read(t, Assembly{}, tt.path, tt.content)
		if got := strings.Join(show(facts.Packages), "\n"); got != tt.want || err != nil {
			t.Errorf("%s: %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

// bundle is an ELF executable with a bundle whose only file is a deps.json.
func bundle(major uint32, deps string) string {
	const data = 0x100
	var b bytes.Buffer
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Shoff: 64, Ehsize: 64, Shentsize: 64, Shnum: 2, Shstrndx: 0}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	binary.Write(&b, le, header)
	at := int64(data + 8 + len(mark))
	binary.Write(&b, le, elf.Section64{Type: uint32(elf.SHT_STRTAB), Off: 64, Size: 1})
	binary.Write(&b, le, elf.Section64{Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_WRITE | elf.SHF_ALLOC), Off: data, Size: uint64(8 + len(mark))})
	b.Write(make([]byte, data-b.Len()))
	binary.Write(&b, le, at+int64(len(deps)))
	b.Write(mark)
	b.WriteString(deps)
	binary.Write(&b, le, []uint32{major, 0, 1})
	b.WriteString("\x03abc")
	if major >= 2 {
		binary.Write(&b, le, []int64{at, int64(len(deps)), 0, 0, 0})
	} else {
		binary.Write(&b, le, []int64{at, int64(len(deps))})
		b.WriteByte(3)
		b.WriteString("\x0dApp.deps.json")
	}
	return b.String()
}

func TestBundle(t *testing.T) {
	for _, major := range []uint32{1, 2, 6} {
		facts, err := contract.Read(t, Bundle{}, "app/App", bundle(major, strings.Replace(application, `, "broken": {"type": "project"}`, "", 1)))
		if got := show(facts.Packages); len(got) != 7 || err != nil || !strings.HasPrefix(got[0], "App@1.2.0 root") {
			t.Errorf("version %d: %v, %v", major, got, err)
		}
	}
	for name, content := range map[string]string{"cut": bundle(6, application)[:0x140], "invalid JSON": bundle(2, "nothing"), "an odd version": bundle(77, application)} {
		facts, err := contract.Read(t, Bundle{}, "app/App", content)
		if len(facts.Packages) > 0 || err == nil {
			t.Errorf("%s: %v, %v", name, show(facts.Packages), err)
		}
	}
	if _, err := contract.Read(t, Bundle{}, "bin/true", "\x7fELF rubbish"); err != nil {
		t.Errorf("an executable of another kind: %v", err)
	}
	if d := cmp.Diff("", normal("0.0.0.0")); d != "" {
		t.Error(d)
	}
}

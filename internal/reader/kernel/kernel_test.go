package kernel

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

// x86 is the beginning of an image of x86.
func x86(text string) string {
	b := make([]byte, 0x400)
	copy(b[0x202:], "HdrS")
	binary.LittleEndian.PutUint16(b[0x20e:], 0x100)
	copy(b[0x300:], text)
	return string(b)
}

// plain is an uncompressed one, whose banner lies over the edge of a window.
func plain(text string) string {
	return "\x7fELF" + strings.Repeat("x", 256<<10-10) + "Linux version " + text + " (gcc) #1\n" + strings.Repeat("y", 300<<10)
}

func zip(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.String()
}

// zboot is a compressed one that UEFI starts.
func zboot(s string) string {
	body := zip(s)
	b := make([]byte, 64, 64+len(body))
	copy(b, "MZ\x00\x00zimg")
	binary.LittleEndian.PutUint32(b[8:], 64)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(body)))
	return string(b) + body
}

func TestImage(t *testing.T) {
	for _, tt := range []struct {
		name, in, want string
		err            error
	}{
		{"x86", x86("5.15.0-91-generic (buildd@x) #101-Ubuntu SMP\x00"), "5.15.0-91-generic cpe:2.3:o:linux:linux_kernel:5.15.0:*:*:*:*:*:*:*", nil},
		{"ELF", plain("6.7.0-rc3"), "6.7.0-rc3 cpe:2.3:o:linux:linux_kernel:6.7.0:rc3:*:*:*:*:*:*", nil},
		{"gzip", zip(plain("6.1.0+")), "6.1.0+ cpe:2.3:o:linux:linux_kernel:6.1.0:*:*:*:*:*:*:*", nil},
		{"zboot", zboot(plain("6.6.8-arch1")), "6.6.8-arch1 cpe:2.3:o:linux:linux_kernel:6.6.8:*:*:*:*:*:*:*", nil},
		{"no version", x86(""), "", assay.ErrUnsupported},
		{"no banner", "\x7fELF", "", assay.ErrUnsupported},
		{"damaged", zip(plain("6.1.0"))[:40], "", assay.ErrMalformed},
		{"another file", "SECTIONS { }", "", nil},
		{"empty", "", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Image{}, "boot/vmlinuz", tt.in)
			got := ""
			for _, p := range facts.Packages {
				got = p.Version + " " + p.CPEs[0]
			}
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestModules(t *testing.T) {
	facts, err := contract.Read(t, Modules{}, "usr/lib/modules/6.6.8-arch1-1/modules.builtin", "kernel/a.ko\n")
	want := []assay.Package{{Type: "generic", Name: "linux-kernel", Version: "6.6.8-arch1-1", CPEs: []string{"cpe:2.3:o:linux:linux_kernel:6.6.8:*:*:*:*:*:*:*"}}}
	if d := cmp.Diff(want, facts.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
	if facts, err := contract.Read(t, Modules{}, "lib/modules/extra/modules.builtin", ""); facts.Packages != nil || err != nil {
		t.Error(facts, err)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Image{}, map[string]string{"boot/vmlinuz-1": x86("5.15.0 (x)"), "boot/vmlinux": plain("6.1.0"), "boot/vmlinuz": zboot(plain("6.1.0"))})
	contract.Reader(t, Modules{}, map[string]string{"lib/modules/6.1.0/modules.builtin": ""})
}

func FuzzImage(f *testing.F) {
	f.Add([]byte(x86("5.15.0 (x)")))
	f.Add([]byte(zboot("Linux version 6.1.0 (x)")))
	f.Fuzz(func(t *testing.T, content []byte) { contract.Read(t, Image{}, "boot/vmlinuz", string(content)) })
}

func FuzzModules(f *testing.F) {
	f.Add("6.1.0-1")
	f.Fuzz(func(t *testing.T, dir string) {
		contract.Read(t, Modules{}, "lib/modules/"+dir+"/modules.builtin", "")
	})
}

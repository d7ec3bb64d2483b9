package elf

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

// file makes an ELF file whose section .note.package holds b.
func file(b string) string {
	const names = "\x00.note.package\x00"
	le := binary.LittleEndian
	out := make([]byte, 64+3*64)
	copy(out, "\x7fELF\x02\x01\x01")
	le.PutUint64(out[40:], 64)
	le.PutUint16(out[58:], 64)
	le.PutUint16(out[60:], 3)
	le.PutUint16(out[62:], 2)
	section := func(i int, name, kind uint32, off, size int) {
		s := out[64+64*i:]
		le.PutUint32(s, name)
		le.PutUint32(s[4:], kind)
		le.PutUint64(s[24:], uint64(off))
		le.PutUint64(s[32:], uint64(size))
	}
	section(1, 1, 7, len(out)+len(names), len(b))
	section(2, 0, 3, len(out), len(names))
	return string(out) + names + b
}

func noteOf(owner string, kind uint32, text string) string {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, uint32(len(owner)))
	b = le.AppendUint32(b, uint32(len(text)))
	b = le.AppendUint32(b, kind)
	pad := func(s string) string { return s + strings.Repeat("\x00", -len(s)&3) }
	return string(b) + pad(owner) + pad(text)
}

func of(text string) string { return file(noteOf("FDO\x00", noteType, text)) }

func TestPackage(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []assay.Package
		err      error
	}{
		{"Fedora's", of(`{"type":"rpm","name":"systemd","version":"252-1.fc37","architecture":"x86_64","osCpe":"cpe:/o:fedoraproject:fedora:37"}` + "\x00"),
			[]assay.Package{{Type: "rpm", Name: "systemd", Version: "252-1.fc37", Arch: "x86_64"}}, nil},
		{"a vendor's, after another note", file(noteOf("GNU\x00", 3, "abc") + noteOf("FDO\x00", noteType, `{"type":"testfixture","name":"lib","version":"1.2","license":"MIT","vendor":"x","cpe":"cpe:2.3:a:x:lib:1.2:*:*:*:*:*:*:*"}`)),
			[]assay.Package{{Type: "generic", Name: "lib", Version: "1.2", Licences: []string{"MIT"}, Vendor: "x", CPEs: []string{"cpe:2.3:a:x:lib:1.2:*:*:*:*:*:*:*"}}}, nil},
		{"no version", of(`{"type":"deb","name":"x"}`), nil, assay.ErrMalformed},
		{"not JSON", of(`{`), nil, assay.ErrMalformed},
		{"another note only", file(noteOf("GNU\x00", 3, "abc")), nil, assay.ErrMalformed},
		{"sizes that lie", file("\xff\xff\xff\xff\xff\xff\xff\xff\x7e\x1a\xfe\xca"), nil, assay.ErrMalformed},
		{"a script", "#!/bin/sh", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts, err := contract.Read(t, Package{}, "usr/bin/x", tt.in)
			if d := cmp.Diff(tt.want, facts.Packages); d != "" || !errors.Is(err, tt.err) {
				t.Error(err, d)
			}
		})
	}
}

// TestSegments holds that a note is found by the program headers where the sections are
// missing, or lie.
func TestSegments(t *testing.T) {
	le := binary.LittleEndian
	note := noteOf("GNU\x00", 3, "abc") + noteOf("FDO\x00", noteType, `{"type":"deb","name":"x","version":"1"}`)
	for name, lie := range map[string]func(b []byte){
		"no sections":    func(b []byte) { le.PutUint64(b[40:], 0) },
		"another name":   func(b []byte) { le.PutUint32(b[64+64:], 3) },
		"another offset": func(b []byte) { le.PutUint64(b[64+64+24:], 64) },
		"nothing wrong":  func([]byte) {},
	} {
		b := []byte(file(note))
		at := len(b)
		lie(b)
		header := make([]byte, 56)
		le.PutUint32(header, 4)
		le.PutUint64(header[8:], uint64(strings.Index(string(b), note)))
		le.PutUint64(header[32:], uint64(len(note)))
		le.PutUint64(b[32:], uint64(at))
		le.PutUint16(b[54:], 56)
		le.PutUint16(b[56:], 1)
		facts, err := contract.Read(t, Package{}, "usr/bin/x", string(b)+string(header))
		if d := cmp.Diff([]assay.Package{{Type: "deb", Name: "x", Version: "1"}}, facts.Packages); d != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, d)
		}
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Package{}, map[string]string{"usr/bin/x": of(`{"type":"deb","name":"x","version":"1"}`)})
}

func FuzzRead(f *testing.F) {
	f.Add(noteOf("FDO\x00", noteType, `{"type":"deb","name":"x","version":"1"}`))
	f.Fuzz(func(t *testing.T, b string) { contract.Read(t, Package{}, "x", file(b)) })
}

// Package kernel reads Linux kernels that no OS package owns: boot images, and
// directories of modules.
package kernel

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

const (
	maxImage   = 4 << 30  // a kernel with its debugging data has 1 GB
	maxPlain   = 1 << 30  // uncompressed; a genuine one has some 50 MB
	maxModules = 16 << 20 // the list of modules has some 10 kB
)

// add adds a kernel by its release, "5.15.0-91-generic". NVD knows it by the
// version that kernel.org gave it.
func add(l *listing.List, release string) {
	i := l.Add("linux-kernel", release)
	m := upstream.FindStringSubmatch(release)
	if i < 0 || m == nil {
		return
	}
	update := m[2]
	if update == "" {
		update = "*"
	}
	l.Packages[i].CPEs = []string{"cpe:2.3:o:linux:linux_kernel:" + m[1] + ":" + update + ":*:*:*:*:*:*"}
}

// upstream is the beginning of a release: "6.7", "6.7.0-rc3".
var upstream = regexp.MustCompile(`^([0-9]+\.[0-9]+(?:\.[0-9]+)?)(?:-(rc[0-9]+))?`)

// Modules reads directories of modules. Every kernel's has a list of those that are
// built in, so that the modules themselves, some thousands, need not be read.
//
// Format: https://docs.kernel.org/kbuild/kbuild.html#modules-builtin
type Modules struct{}

func (Modules) Name() string { return "kernel-modules" }

func (Modules) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/lib/modules/*/modules.builtin", Scope: assay.ScopeInstalled, MaxSize: maxModules}}
}

func (Modules) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeGeneric)
	if release := path.Base(path.Dir(f.Path)); upstream.MatchString(release) {
		add(l, release)
	}
	return l.Facts()
}

// Image reads boot images: those of x86 say their version in the header, others
// in their text, which may be compressed. A file that is called as a kernel and
// does not begin as one is passed over.
//
// Formats: https://docs.kernel.org/arch/x86/boot.html, https://docs.kernel.org/arch/arm64/booting.html,
// https://github.com/torvalds/linux/blob/master/drivers/firmware/efi/libstub/zboot-header.S
type Image struct{}

func (Image) Name() string { return "kernel" }

func (Image) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, glob := range []string{"**/vmlinuz*", "**/vmlinux*", "**/bzImage*"} {
		ps = append(ps, assay.Pattern{Glob: glob, Scope: assay.ScopeInstalled, MaxSize: maxImage})
	}
	return ps
}

func (Image) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeGeneric)
	head := make([]byte, min(f.Size, 1024))
	if n, err := f.ReadAt(head, 0); n < len(head) {
		return assay.Facts{}, err
	}
	release, known, err := "", true, error(nil)
	switch {
	case len(head) > 0x210 && string(head[0x202:0x206]) == "HdrS":
		release = header(f, int64(binary.LittleEndian.Uint16(head[0x20e:])))
	case bytes.HasPrefix(head, []byte("\x7fELF")), len(head) > 60 && string(head[56:60]) == "ARM\x64":
		release, err = search(limit.Reader(f.Reader(), maxImage))
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		release, err = unpacked(f.Reader())
	case len(head) > 32 && string(head[:2]) == "MZ" && string(head[4:8]) == "zimg":
		start, size := int64(binary.LittleEndian.Uint32(head[8:])), int64(binary.LittleEndian.Uint32(head[12:]))
		release, err = unpacked(io.NewSectionReader(f, start, size))
	default:
		known = false
	}
	l.Error(err)
	switch {
	case release != "":
		add(l, release)
	case known && err == nil:
		l.Error(fmt.Errorf("kernel without a version: %w", assay.ErrUnsupported))
	}
	return l.Facts()
}

// maxBanner bounds the text of a version: release, who built it, when.
const maxBanner = 512

// header is the release in the text that an x86 image's header points at.
func header(f *assay.File, at int64) string {
	if at == 0 {
		return ""
	}
	b := make([]byte, maxBanner)
	n, _ := f.ReadAt(b, at+0x200)
	text, _, _ := strings.Cut(string(b[:n]), "\x00")
	release, _, _ := strings.Cut(text, " ")
	if !upstream.MatchString(release) {
		return ""
	}
	return release
}

func unpacked(r io.Reader) (string, error) {
	z, _, err := compression.Document(r)
	if err != nil {
		return "", err
	}
	defer z.Close()
	return search(limit.Reader(z, maxPlain))
}

// banner is what every kernel has in it, and prints first when it boots.
var banner = regexp.MustCompile(`Linux version ([0-9]+\.[0-9]+[0-9A-Za-z.+_~-]*) \(`)

// search finds the release in an uncompressed kernel.
func search(r io.Reader) (string, error) {
	b := bufio.NewReaderSize(r, 256<<10)
	for {
		window, err := b.Peek(b.Size())
		if m := banner.FindSubmatch(window); m != nil {
			return string(m[1]), nil
		}
		if err == io.EOF {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		b.Discard(len(window) - maxBanner)
	}
}

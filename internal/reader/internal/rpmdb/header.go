package rpmdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
)

// A Header is what the database says of one package.
type Header struct {
	Name      string
	Epoch     uint32 // 0 when there is none, which is the same to rpm
	Version   string
	Release   string
	Arch      string // "" when there is none, as for signing keys
	SourceRPM string // file name of the source package
	Vendor    string
	License   string
	Module    string   // modularity label
	Requires  []string // names of packages, as stated and once each; neither files nor capabilities
	Paths     string   // files of the package as rpm lists them, without the leading slash, one a line
}

// Tags of a header.
// https://rpm-software-management.github.io/rpm/manual/tags.html
const (
	tagName         = 1000
	tagVersion      = 1001
	tagRelease      = 1002
	tagEpoch        = 1003
	tagVendor       = 1011
	tagLicense      = 1014
	tagArch         = 1022
	tagOldFilenames = 1027
	tagSourceRPM    = 1044
	tagRequireName  = 1049
	tagDirIndexes   = 1116
	tagBasenames    = 1117
	tagDirNames     = 1118
	tagModularity   = 5096
)

// Types of a tag's value.
const (
	typeInt32       = 4
	typeString      = 6
	typeStringArray = 8
	typeI18NString  = 9
)

const (
	headerIntro = 8  // bytes before the index: its length and that of the data
	headerEntry = 16 // bytes of an entry: tag, type, offset, count
	headerText  = 256
)

// maxEntries bounds the tags of a header, as rpm does.
const maxEntries = 0xffff

// maxArray bounds the elements of an array. The packages with most files
// (firmware, TeX) have below 200,000.
const maxArray = 1 << 20

// A value is the bytes of a tag's value; they run on to the end of the header.
type value struct {
	kind, count uint32
	data        []byte
}

// parse decodes a record. Where a tag cannot be read the error says so and the
// rest is there. What the header keeps is taken from text, and over that it
// ends up below zero.
//
// Specification: https://rpm-software-management.github.io/rpm/manual/format_header.html
func parse(record []byte, text *int64) (h Header, err error) {
	p := parser{text: text}
	if err := p.index(record); err != nil {
		return Header{}, err
	}
	*text -= headerText
	for _, f := range []struct {
		tag uint32
		to  *string
	}{
		{tagName, &h.Name}, {tagVersion, &h.Version}, {tagRelease, &h.Release}, {tagArch, &h.Arch},
		{tagSourceRPM, &h.SourceRPM}, {tagVendor, &h.Vendor}, {tagLicense, &h.License}, {tagModularity, &h.Module},
	} {
		*f.to = p.string(f.tag)
	}
	h.Epoch = p.epoch()
	h.Requires = p.requires()
	h.Paths = p.paths()
	if err := errors.Join(p.errs...); err != nil {
		return h, fmt.Errorf("header of %.100q: %w", h.Name, err)
	}
	return h, nil
}

type parser struct {
	values map[uint32]value // of the tags above
	text   *int64
	errs   []error
}

// index reads the index of the record.
func (p *parser) index(record []byte) error {
	if len(record) < headerIntro {
		return fmt.Errorf("header of %d bytes: %w", len(record), assay.ErrMalformed)
	}
	n, size := int64(binary.BigEndian.Uint32(record)), int64(binary.BigEndian.Uint32(record[4:]))
	start := headerIntro + n*headerEntry
	if n == 0 || n > maxEntries || start+size > int64(len(record)) {
		return fmt.Errorf("header of %d bytes claims %d tags and %d bytes: %w", len(record), n, size, assay.ErrMalformed)
	}
	data := record[start : start+size]
	p.values = make(map[uint32]value, 16)
	for e := record[headerIntro:start]; len(e) > 0; e = e[headerEntry:] {
		tag := binary.BigEndian.Uint32(e)
		switch tag {
		case tagName, tagVersion, tagRelease, tagEpoch, tagVendor, tagLicense, tagArch, tagOldFilenames, tagSourceRPM,
			tagRequireName, tagDirIndexes, tagBasenames, tagDirNames, tagModularity:
		default:
			continue
		}
		// An entry that rpm added later replaces that of the package.
		v := value{kind: binary.BigEndian.Uint32(e[4:]), count: binary.BigEndian.Uint32(e[12:])}
		if off := int64(binary.BigEndian.Uint32(e[8:])); off <= size {
			v.data = data[off:]
		}
		p.values[tag] = v
	}
	return nil
}

func (p *parser) fail(tag uint32, format string, args ...any) {
	p.errs = append(p.errs, fmt.Errorf("tag %d: "+format+": %w", append(append([]any{tag}, args...), assay.ErrMalformed)...))
}

// keep copies b, and takes it from what may be kept.
func (p *parser) keep(b []byte) string {
	if *p.text -= int64(len(b)); *p.text < 0 {
		return ""
	}
	return string(b)
}

// string is the text of a tag, of the first language where there are several.
func (p *parser) string(tag uint32) string {
	v, ok := p.values[tag]
	if !ok {
		return ""
	}
	s, _, ok := bytes.Cut(v.data, []byte{0})
	switch {
	case v.kind != typeString && v.kind != typeStringArray && v.kind != typeI18NString:
		p.fail(tag, "of type %d, not text", v.kind)
		return ""
	case v.count == 0 || !ok:
		p.fail(tag, "text without an end")
		return ""
	}
	return p.keep(s)
}

func (p *parser) epoch() uint32 {
	v, ok := p.values[tagEpoch]
	if !ok {
		return 0
	}
	if v.kind != typeInt32 || v.count == 0 || len(v.data) < 4 {
		p.fail(tagEpoch, "not a number")
		return 0
	}
	return binary.BigEndian.Uint32(v.data)
}

// strings are the elements of an array, as slices of the record.
func (p *parser) strings(tag uint32) [][]byte {
	v, ok := p.values[tag]
	if !ok {
		return nil
	}
	if v.kind != typeStringArray && v.kind != typeString || v.count > maxArray || int64(v.count) > int64(len(v.data)) {
		p.fail(tag, "%d elements of type %d in %d bytes", v.count, v.kind, len(v.data))
		return nil
	}
	list := make([][]byte, 0, v.count)
	for range v.count {
		s, rest, ok := bytes.Cut(v.data, []byte{0})
		if !ok {
			p.fail(tag, "%d of %d elements", len(list), v.count)
			return list
		}
		list, v.data = append(list, s), rest
	}
	return list
}

func (p *parser) requires() []string {
	var names []string
	seen := map[string]bool{}
	for _, b := range p.strings(tagRequireName) {
		if len(b) == 0 || b[0] == '/' || bytes.IndexByte(b, '(') >= 0 || seen[string(b)] {
			continue
		}
		const header = 16 // of a string
		*p.text -= header
		name := p.keep(b)
		if name == "" {
			break
		}
		seen[name] = true
		names = append(names, name)
	}
	return names
}

// paths joins directories and base names; packages of rpm 3 list whole paths.
func (p *parser) paths() string {
	var b strings.Builder
	add := func(dir, base []byte) bool {
		if bytes.IndexByte(dir, '\n') >= 0 || bytes.IndexByte(base, '\n') >= 0 {
			return true // no path for a list of lines, and no file of a distribution
		}
		if len(dir) > 0 && dir[0] == '/' {
			dir = dir[1:]
		} else if len(dir) == 0 && len(base) > 0 && base[0] == '/' {
			base = base[1:]
		}
		n := len(dir) + len(base)
		if n == 0 {
			return true
		}
		if *p.text -= int64(n) + 1; *p.text < 0 {
			return false
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.Write(dir)
		b.Write(base)
		return true
	}
	bases := p.strings(tagBasenames)
	if bases == nil {
		for _, name := range p.strings(tagOldFilenames) {
			if !add(nil, name) {
				return ""
			}
		}
		return b.String()
	}
	dirs, index := p.strings(tagDirNames), p.values[tagDirIndexes]
	if index.kind != typeInt32 || int(index.count) < len(bases) || len(index.data)/4 < len(bases) {
		p.fail(tagDirIndexes, "%d directories for %d files", index.count, len(bases))
		return ""
	}
	for i, base := range bases {
		n := binary.BigEndian.Uint32(index.data[4*i:])
		if int64(n) >= int64(len(dirs)) {
			p.fail(tagDirIndexes, "directory %d of %d", n, len(dirs))
			return b.String()
		}
		if !add(dirs[n], base) {
			return ""
		}
	}
	return b.String()
}

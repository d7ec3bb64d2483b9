package php

import (
	"context"
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// PEAR reads the registry of PEAR, which PECL's extensions are in, too: one
// file a package, in a directory a channel. Names are "channel/name".
//
// Format: what PHP's serialize writes of the fields of package.xml,
// https://pear.php.net/manual/en/guide.developers.package2.php
type PEAR struct{}

func (PEAR) Name() string { return "pear" }

// maxReg: a registry file lists all files of its package, at most some
// thousands, in 1 MB.
const maxReg = 4 << 20

func (PEAR) Wants() []assay.Pattern {
	return []assay.Pattern{
		{Glob: "**/.registry/*.reg", Scope: assay.ScopeInstalled, MaxSize: maxReg},
		{Glob: "**/.registry/*/*.reg", Scope: assay.ScopeInstalled, MaxSize: maxReg}, // .channel.pecl.php.net
	}
}

func (PEAR) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxReg)
	if err != nil {
		return assay.Facts{}, err
	}
	l := listing.New(assay.TypePEAR)
	p, err := readReg(string(b))
	l.Error(err)
	if p.name != "" {
		if p.channel == "" {
			p.channel = channel(path.Base(path.Dir(f.Path)))
		}
		l.Licences(l.Add(p.channel+"/"+p.name, p.version), p.licence)
	}
	return l.Facts()
}

// channel is the one that a directory of the registry is of. PEAR's own needs
// none.
func channel(folder string) string {
	if name, ok := strings.CutPrefix(folder, ".channel."); ok {
		return name
	}
	return "pear.php.net"
}

// A reg is what a registry file says.
type reg struct{ name, channel, version, licence string }

// readReg reads what a file says; of a damaged one what comes before the damage.
func readReg(s string) (reg, error) {
	d := decoder{rest: s}
	v, err := d.value(0)
	p := v.reg()
	if p.name == "" && err == nil {
		err = fmt.Errorf("package name is missing: %w", assay.ErrMalformed)
	}
	return p, err
}

// reg takes the fields of a package; those of package.xml 1.0 have other names.
func (v phpValue) reg() (p reg) {
	p.name, p.channel = v.get("name").text, v.get("channel").text
	if p.name == "" {
		p.name = v.get("package").text
	}
	p.version = v.get("version").text
	if p.version == "" {
		p.version = v.get("version").get("release").text
	}
	for _, l := range []phpValue{v.get("license"), v.get("license").get("_content"), v.get("release_license")} {
		if p.licence == "" {
			p.licence = l.text
		}
	}
	return p
}

// A phpValue is a string or an array of them; others are nothing.
type phpValue struct {
	text string
	keys []string
	vals []phpValue
}

func (v phpValue) get(key string) phpValue {
	for i, k := range v.keys {
		if k == key {
			return v.vals[i]
		}
	}
	return phpValue{}
}

// maxNested bounds arrays in each other; package.xml needs some eight.
const maxNested = 64

// A decoder reads what PHP's serialize wrote. Only what the top of a package
// needs is kept: arrays two deep.
// https://www.php.net/manual/en/function.serialize.php
type decoder struct{ rest string }

func (d *decoder) bad() error {
	return fmt.Errorf("invalid serialised value at %.20q: %w", d.rest, assay.ErrMalformed)
}

// value reads one value. After an error the value is what came before it.
func (d *decoder) value(depth int) (v phpValue, err error) {
	if depth > maxNested {
		return v, fmt.Errorf("arrays nested more than %d levels deep: %w", maxNested, assay.ErrTooLarge)
	}
	if rest, ok := strings.CutPrefix(d.rest, "N;"); ok {
		d.rest = rest
		return v, nil
	}
	if len(d.rest) < 2 || d.rest[1] != ':' {
		return v, d.bad()
	}
	switch kind := d.rest[0]; kind {
	case 'b', 'i', 'd', 'r', 'R':
		end := strings.IndexByte(d.rest, ';')
		if end < 0 || end > 64 {
			return v, d.bad()
		}
		v.text, d.rest = d.rest[2:end], d.rest[end+1:]
		return v, nil
	case 's':
		n, ok := d.count(2, ":\"")
		if !ok || n > len(d.rest)-2 || d.rest[n:n+2] != "\";" {
			return v, d.bad()
		}
		v.text, d.rest = d.rest[:n], d.rest[n+2:]
		return v, nil
	case 'a':
		n, ok := d.count(2, ":{")
		if !ok {
			return v, d.bad()
		}
		for range n {
			key, err := d.value(maxNested)
			if err != nil {
				return v, err
			}
			val, err := d.value(depth + 1)
			if depth < 2 {
				v.keys, v.vals = append(v.keys, key.text), append(v.vals, val)
			}
			if err != nil {
				return v, err
			}
		}
		if !strings.HasPrefix(d.rest, "}") {
			return v, d.bad()
		}
		d.rest = d.rest[1:]
		return v, nil
	}
	return v, d.bad()
}

// count reads the number at i that a sign follows.
func (d *decoder) count(i int, sign string) (int, bool) {
	end := strings.Index(d.rest[i:min(len(d.rest), i+12)], sign)
	if end <= 0 {
		return 0, false
	}
	n, err := strconv.Atoi(d.rest[i : i+end])
	if err != nil || n < 0 {
		return 0, false
	}
	d.rest = d.rest[i+end+len(sign):]
	return n, true
}

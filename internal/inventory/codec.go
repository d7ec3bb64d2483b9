package inventory

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/assaysec/assay"
	"google.golang.org/protobuf/encoding/protowire"
)

// The form in which a layer's facts are cached: protocol buffers' wire format,
// each message's fields numbered by the constants below. It is read by the
// build that wrote it only, so fields need not stay what they are.
// https://protobuf.dev/programming-guides/encoding/

// Fields of a layer.
const (
	fieldFile = 1 + iota
	fieldIndex
	fieldLink
	fieldHard
	fieldAsked
	fieldGap
)

// Fields of a file.
const (
	fieldPath = 1 + iota
	fieldReader
	fieldRelease
	fieldPackage
	fieldOwns
	fieldFileGap
	fieldCompanion
	fieldSBOM
)

func encode(l *layerFacts) []byte {
	var b []byte
	for i := range l.files {
		b = appendBytes(b, fieldFile, encodeFile(&l.files[i]))
	}
	x := make([]byte, 0, 8*len(l.index))
	for _, v := range l.index {
		x = binary.LittleEndian.AppendUint64(x, v)
	}
	b = appendBytes(b, fieldIndex, x)
	for path, target := range l.links {
		b = appendBytes(b, fieldLink, pair(path, target))
	}
	for path, target := range l.hards {
		b = appendBytes(b, fieldHard, pair(path, target))
	}
	for _, path := range l.asked {
		b = appendString(b, fieldAsked, path)
	}
	for _, g := range l.gaps {
		b = appendBytes(b, fieldGap, pair(g.Where, g.What))
	}
	return b
}

func encodeFile(f *fileFacts) []byte {
	var b []byte
	b = appendString(b, fieldPath, f.path)
	b = appendString(b, fieldReader, f.reader)
	if f.facts.Release != nil {
		r, _ := json.Marshal(f.facts.Release) // strings and booleans only: it cannot fail
		b = appendBytes(b, fieldRelease, r)
	}
	for i := range f.facts.Packages {
		b = appendBytes(b, fieldPackage, encodePackage(&f.facts.Packages[i]))
	}
	for _, o := range f.facts.Owns {
		b = appendBytes(b, fieldOwns, pair(o.Type, o.Owner, o.Paths))
	}
	for _, g := range f.gaps {
		b = appendString(b, fieldFileGap, g)
	}
	if f.companion {
		b = appendString(b, fieldCompanion, "")
	}
	if f.facts.SBOM != "" {
		b = appendString(b, fieldSBOM, f.facts.SBOM)
	}
	return b
}

// packageStrings lists the fields of a package that are texts, by their number.
func packageStrings(p *assay.Package) []*string {
	return []*string{&p.Type, &p.Name, &p.Version, &p.Arch, &p.Source, &p.SourceVersion, &p.Module, &p.Vendor, &p.State, &p.Path, &p.PURL, (*string)(&p.Relation), &p.Digest, &p.OS, &p.FoundBy, &p.Owner, &p.ThirdParty}
}

const (
	fieldLicence = 20 + iota
	fieldDepends
	fieldCPE
	fieldDev
	fieldSymbols
	fieldLayer
)

func encodePackage(p *assay.Package) []byte {
	var b []byte
	for i, s := range packageStrings(p) {
		if *s != "" {
			b = appendString(b, protowire.Number(i+1), *s)
		}
	}
	for _, s := range p.Licences {
		b = appendString(b, fieldLicence, s)
	}
	for _, s := range p.DependsOn {
		b = appendString(b, fieldDepends, s)
	}
	for _, s := range p.CPEs {
		b = appendString(b, fieldCPE, s)
	}
	if p.Dev {
		b = appendString(b, fieldDev, "")
	}
	if p.Symbols != nil {
		x := make([]byte, 0, 4*len(p.Symbols))
		for _, v := range p.Symbols {
			x = binary.LittleEndian.AppendUint32(x, v)
		}
		b = appendBytes(b, fieldSymbols, x)
	}
	return b
}

// Fields of an inventory.
const (
	fieldInvRelease = 1 + iota
	fieldInvPackage
	fieldInvGap
	fieldInvBill
)

// encodeInventory writes what squash made of an image's layers; the layers that
// brought packages by their number alone.
func encodeInventory(inv *assay.Inventory) []byte {
	var b []byte
	r, _ := json.Marshal(inv.Release) // strings and booleans only: it cannot fail
	b = appendBytes(b, fieldInvRelease, r)
	for i := range inv.Packages {
		p := encodePackage(&inv.Packages[i])
		p = appendString(p, fieldLayer, strconv.Itoa(inv.Packages[i].Layer.Index))
		b = appendBytes(b, fieldInvPackage, p)
	}
	for _, g := range inv.Gaps {
		b = appendBytes(b, fieldInvGap, pair(g.Where, g.What))
	}
	return appendString(b, fieldInvBill, inv.SBOM)
}

func decodeInventory(b []byte, layer func(int) (assay.LayerRef, bool)) (*assay.Inventory, error) {
	inv := &assay.Inventory{}
	err := fields(b, func(field protowire.Number, v []byte) error {
		switch field {
		case fieldInvRelease:
			return json.Unmarshal(v, &inv.Release)
		case fieldInvPackage:
			p, err := decodePackage(v)
			if err != nil {
				return err
			}
			var ok bool
			if p.Layer, ok = layer(p.Layer.Index); !ok {
				return fmt.Errorf("cached inventory: %w", assay.ErrMalformed)
			}
			inv.Packages = append(inv.Packages, p)
		case fieldInvGap:
			var g assay.Gap
			err := values(v, &g.Where, &g.What)
			inv.Gaps = append(inv.Gaps, g)
			return err
		case fieldInvBill:
			inv.SBOM = string(v)
		}
		return nil
	})
	return inv, err
}

func appendBytes(b []byte, field protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), v)
}

func appendString(b []byte, field protowire.Number, v string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), v)
}

// pair is a message of strings numbered from 1.
func pair(values ...string) []byte {
	var b []byte
	for i, v := range values {
		b = appendString(b, protowire.Number(i+1), v)
	}
	return b
}

// fields calls visit for each field of a message.
func fields(b []byte, visit func(protowire.Number, []byte) error) error {
	for len(b) > 0 {
		field, kind, n := protowire.ConsumeTag(b)
		if n < 0 || kind != protowire.BytesType {
			return fmt.Errorf("cached facts: %w", assay.ErrMalformed)
		}
		b = b[n:]
		v, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return fmt.Errorf("cached facts: %w", assay.ErrMalformed)
		}
		b = b[n:]
		if err := visit(field, v); err != nil {
			return err
		}
	}
	return nil
}

// values reads a message of strings numbered from 1.
func values(b []byte, to ...*string) error {
	return fields(b, func(f protowire.Number, v []byte) error {
		if int(f) <= len(to) {
			*to[f-1] = string(v)
		}
		return nil
	})
}

func decode(b []byte) (*layerFacts, error) {
	l := &layerFacts{links: map[string]string{}, hards: map[string]string{}}
	err := fields(b, func(field protowire.Number, v []byte) error {
		var x, y string
		switch field {
		case fieldFile:
			f, err := decodeFile(v)
			l.files = append(l.files, f)
			return err
		case fieldIndex:
			l.index = make(index, len(v)/8)
			for i := range l.index {
				l.index[i] = binary.LittleEndian.Uint64(v[8*i:])
			}
		case fieldLink, fieldHard:
			if err := values(v, &x, &y); err != nil {
				return err
			}
			if field == fieldLink {
				l.links[x] = y
			} else {
				l.hards[x] = y
			}
		case fieldAsked:
			l.asked = append(l.asked, string(v))
		case fieldGap:
			err := values(v, &x, &y)
			l.gaps = append(l.gaps, assay.Gap{Where: x, What: y})
			return err
		}
		return nil
	})
	return l, err
}

func decodeFile(b []byte) (f fileFacts, err error) {
	err = fields(b, func(field protowire.Number, v []byte) error {
		switch field {
		case fieldPath:
			f.path = string(v)
		case fieldReader:
			f.reader = string(v)
		case fieldRelease:
			f.facts.Release = new(assay.Release)
			return json.Unmarshal(v, f.facts.Release)
		case fieldPackage:
			p, err := decodePackage(v)
			f.facts.Packages = append(f.facts.Packages, p)
			return err
		case fieldOwns:
			var o assay.Ownership
			err := values(v, &o.Type, &o.Owner, &o.Paths)
			f.facts.Owns = append(f.facts.Owns, o)
			return err
		case fieldFileGap:
			f.gaps = append(f.gaps, string(v))
		case fieldCompanion:
			f.companion = true
		case fieldSBOM:
			f.facts.SBOM = string(v)
		}
		return nil
	})
	return f, err
}

func decodePackage(b []byte) (p assay.Package, err error) {
	to := packageStrings(&p)
	err = fields(b, func(field protowire.Number, v []byte) error {
		switch {
		case int(field) <= len(to):
			*to[field-1] = string(v)
		case field == fieldLicence:
			p.Licences = append(p.Licences, string(v))
		case field == fieldDepends:
			p.DependsOn = append(p.DependsOn, string(v))
		case field == fieldCPE:
			p.CPEs = append(p.CPEs, string(v))
		case field == fieldDev:
			p.Dev = true
		case field == fieldLayer:
			n, err := strconv.Atoi(string(v))
			p.Layer.Index = n
			return err
		case field == fieldSymbols:
			p.Symbols = make(assay.Symbols, len(v)/4)
			for i := range p.Symbols {
				p.Symbols[i] = binary.LittleEndian.Uint32(v[4*i:])
			}
		}
		return nil
	})
	return p, err
}

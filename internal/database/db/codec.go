package db

import (
	"fmt"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/assaysec/assay"
)

// Values are messages in the wire format of protocol buffers, encoded and
// decoded by hand. A value is a list: field 1, repeated, has the advisories or
// the details. Field numbers are never reused. Unknown fields are skipped, so
// that an older assay reads data of a newer one with the same format.
//
// https://protobuf.dev/programming-guides/encoding/

const fieldItem = 1

// writer appends fields; zero values are left out.
type writer struct{ b []byte }

func (w *writer) bytes(n protowire.Number, v []byte) {
	w.b = protowire.AppendBytes(protowire.AppendTag(w.b, n, protowire.BytesType), v)
}

func (w *writer) string(n protowire.Number, v string) {
	if v != "" {
		w.b = protowire.AppendString(protowire.AppendTag(w.b, n, protowire.BytesType), v)
	}
}

func (w *writer) strings(n protowire.Number, vs []string) {
	for _, v := range vs {
		w.b = protowire.AppendString(protowire.AppendTag(w.b, n, protowire.BytesType), v)
	}
}

func (w *writer) uint(n protowire.Number, v uint64) {
	if v != 0 {
		w.b = protowire.AppendVarint(protowire.AppendTag(w.b, n, protowire.VarintType), v)
	}
}

func (w *writer) float(n protowire.Number, v float64) {
	if v != 0 {
		w.b = protowire.AppendFixed64(protowire.AppendTag(w.b, n, protowire.Fixed64Type), math.Float64bits(v))
	}
}

// time writes seconds and nanoseconds; the zero time is left out. Zones are
// lost.
func (w *writer) time(n protowire.Number, t time.Time) {
	if t.IsZero() {
		return
	}
	w.message(n, func(w *writer) {
		w.uint(1, protowire.EncodeZigZag(t.Unix()))
		w.uint(2, uint64(t.Nanosecond()))
	})
}

func (w *writer) message(n protowire.Number, fill func(*writer)) {
	var m writer
	fill(&m)
	w.bytes(n, m.b)
}

// message is a message to decode: its bytes, and the same as a string. The
// strings of a record are parts of it, so that it needs only one allocation.
type message struct {
	b []byte
	s string
}

func newMessage(b []byte) message { return message{b, string(b)} }

func (m message) from(n int) message { return message{m.b[n:], m.s[n:]} }

// fields calls f for each field of m: v is the value of numbers, p the data of
// other fields.
func fields(m message, f func(n protowire.Number, v uint64, p message) error) error {
	for len(m.b) > 0 {
		n, typ, size := protowire.ConsumeTag(m.b)
		if size < 0 {
			return broken(size)
		}
		m = m.from(size)
		var v uint64
		var p message
		switch typ {
		case protowire.VarintType:
			v, size = protowire.ConsumeVarint(m.b)
		case protowire.Fixed64Type:
			v, size = protowire.ConsumeFixed64(m.b)
		case protowire.BytesType:
			p.b, size = protowire.ConsumeBytes(m.b)
			if size >= 0 {
				p.s = m.s[size-len(p.b) : size]
			}
		default: // never written
			return fmt.Errorf("record: wire type %d: %w", typ, assay.ErrMalformed)
		}
		if size < 0 {
			return broken(size)
		}
		m = m.from(size)
		if err := f(n, v, p); err != nil {
			return err
		}
	}
	return nil
}

func broken(code int) error {
	return fmt.Errorf("record: %w: %w", protowire.ParseError(code), assay.ErrMalformed)
}

// appendItem appends an encoded record to a list.
func appendItem(list, item []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(list, fieldItem, protowire.BytesType), item)
}

// items calls f for each record of a list.
func items(list message, f func(item message) error) error {
	return fields(list, func(n protowire.Number, _ uint64, p message) error {
		if n == fieldItem {
			return f(p)
		}
		return nil
	})
}

// encodeAdvisory writes the data of a about one package. affected are those of a
// with its stream and name, which the key and the shard already have.
func encodeAdvisory(a *assay.Advisory, affected []assay.Affected) []byte {
	var w writer
	w.string(1, a.ID)
	w.strings(2, a.Aliases)
	w.strings(3, a.VendorIDs)
	w.string(4, a.Feed)
	w.string(5, a.Title)
	w.string(6, a.Text)
	w.uint(7, uint64(a.Severity))
	w.cvss(8, a.CVSS)
	w.string(9, a.URL)
	w.strings(10, a.References)
	w.time(11, a.Published)
	w.time(12, a.Modified)
	w.time(13, a.Withdrawn)
	for i := range affected {
		w.message(14, func(w *writer) { w.affected(&affected[i]) })
	}
	w.string(15, string(a.Kind))
	w.strings(16, a.CWEs)
	w.string(17, a.Publisher)
	return w.b
}

func (w *writer) cvss(n protowire.Number, scores []assay.CVSS) {
	for _, c := range scores {
		w.message(n, func(w *writer) {
			w.string(1, c.Source)
			w.string(2, c.Version)
			w.string(3, c.Vector)
			w.float(4, c.Score)
		})
	}
}

func decodeAdvisory(b message, stream assay.Stream, name string) (a assay.Advisory, err error) {
	err = fields(b, func(n protowire.Number, v uint64, p message) (err error) {
		switch n {
		case 1:
			a.ID = p.s
		case 2:
			a.Aliases = append(a.Aliases, p.s)
		case 3:
			a.VendorIDs = append(a.VendorIDs, p.s)
		case 4:
			a.Feed = p.s
		case 5:
			a.Title = p.s
		case 6:
			a.Text = p.s
		case 7:
			a.Severity = severity(v)
		case 8:
			a.CVSS, err = decodeCVSS(a.CVSS, p)
		case 9:
			a.URL = p.s
		case 10:
			a.References = append(a.References, p.s)
		case 11:
			a.Published, err = decodeTime(p)
		case 12:
			a.Modified, err = decodeTime(p)
		case 13:
			a.Withdrawn, err = decodeTime(p)
		case 14:
			f := assay.Affected{Stream: stream, Name: name}
			err = decodeAffected(&f, p)
			a.Affected = append(a.Affected, f)
		case 15:
			a.Kind = assay.Kind(p.s)
		case 16:
			a.CWEs = append(a.CWEs, p.s)
		case 17:
			a.Publisher = p.s
		}
		return err
	})
	return a, err
}

// severity maps numbers that this assay does not know to unknown.
func severity(v uint64) assay.Severity {
	if v > uint64(assay.SeverityCritical) {
		return assay.SeverityUnknown
	}
	return assay.Severity(v)
}

func decodeCVSS(scores []assay.CVSS, b message) ([]assay.CVSS, error) {
	var c assay.CVSS
	err := fields(b, func(n protowire.Number, v uint64, p message) error {
		switch n {
		case 1:
			c.Source = p.s
		case 2:
			c.Version = p.s
		case 3:
			c.Vector = p.s
		case 4:
			c.Score = math.Float64frombits(v)
		}
		return nil
	})
	return append(scores, c), err
}

func decodeTime(b message) (time.Time, error) {
	var sec int64
	var nsec uint64
	err := fields(b, func(n protowire.Number, v uint64, _ message) error {
		switch n {
		case 1:
			sec = protowire.DecodeZigZag(v)
		case 2:
			nsec = min(v, 999_999_999)
		}
		return nil
	})
	return time.Unix(sec, int64(nsec)).UTC(), err
}

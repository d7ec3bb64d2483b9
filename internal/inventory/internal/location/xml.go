package location

import (
	"bytes"
	"encoding/xml"
	"io"
)

// readXML reads XML: elements are objects, their attributes and the texts of elements
// inside are members. It ends where the syntax does.
func readXML(b []byte, f *finder) {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Strict = false
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	var open []element
	for {
		line, _ := d.InputPos()
		t, err := d.RawToken()
		if err != nil {
			return
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(open) == maxNested {
				return
			}
			open = append(open, element{name: t.Name.Local, line: line})
			f.open("", line)
			for _, a := range t.Attr {
				f.pair(a.Name.Local, a.Value, line)
			}
		case xml.CharData:
			if len(open) > 0 {
				e := &open[len(open)-1]
				e.text = append(e.text, t[:min(len(t), maxText-len(e.text))]...)
			}
		case xml.EndElement:
			if len(open) == 0 {
				return
			}
			e := open[len(open)-1]
			open = open[:len(open)-1]
			f.close()
			if text := bytes.TrimSpace(e.text); len(text) > 0 {
				f.pair(e.name, string(text), e.line)
			}
		}
	}
}

// maxText bounds the text of an element that is compared.
const maxText = 1 << 10

// An element is one that is open.
type element struct {
	name string
	line int
	text []byte
}

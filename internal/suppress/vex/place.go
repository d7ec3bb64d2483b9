package vex

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// steps are those of a ParseError's place: members and elements.
var steps = regexp.MustCompile(`[^.\[\]]+|\[\d+\]`)

// Offset is the offset of the ParseError's part in the document, or of as much
// of its path as exists.
func (f *ParseError) Offset(b []byte) int {
	place, _, _ := strings.Cut(f.Where, ":")
	body := bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	at, d := 0, json.NewDecoder(bytes.NewReader(body))
	for _, step := range steps.FindAllString(place, -1) {
		n, found := enter(d, step)
		if !found {
			break
		}
		at = n
	}
	rest := body[at:]
	return len(b) - len(bytes.TrimLeft(rest, " \t\r\n,:"))
}

// enter goes into the next value, an object or array, up to the value of a member
// or an element, and returns the offset after which that begins.
func enter(d *json.Decoder, step string) (at int, found bool) {
	open, err := d.Token()
	n, element := strings.CutPrefix(step, "[")
	left, _ := strconv.Atoi(strings.TrimSuffix(n, "]"))
	if want := json.Delim('{'); err != nil || !element && open != want || element && open != json.Delim('[') {
		return 0, false
	}
	for ; d.More(); left-- {
		if element && left == 0 {
			return int(d.InputOffset()), true
		}
		if !element {
			if key, err := d.Token(); err != nil || key == step {
				return int(d.InputOffset()), err == nil
			}
		}
		if d.Decode(new(json.RawMessage)) != nil {
			break
		}
	}
	return 0, false
}

// offset matches errors that begin with an offset in the document.
var offset = regexp.MustCompile(`^offset (\d+): `)

// InLine replaces the offset or path in an error by a line and column of the
// document.
func InLine(b []byte, err error) error {
	if err == nil {
		return nil
	}
	n, text := 0, err.Error()
	var part *ParseError
	if errors.As(err, &part) {
		n = part.Offset(b)
	} else if m := offset.FindStringSubmatch(text); m != nil {
		n, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	} else {
		return err
	}
	before := b[:min(max(n, 0), len(b))]
	return &placed{fmt.Sprintf("line %d, column %d: %s", 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n'), text), err}
}

// placed is an error with another wording of its place.
type placed struct {
	text string
	err  error
}

func (e *placed) Error() string { return e.text }
func (e *placed) Unwrap() error { return e.err }

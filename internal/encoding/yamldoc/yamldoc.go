// Package yamldoc decodes YAML in time and memory proportional to its length.
// The library alone checks for duplicate keys in quadratic time, and needs a
// hundred bytes and a microsecond for each mark of the syntax, of which some
// megabytes may have millions.
//
// Format: https://yaml.org/spec/1.2.2/. Of duplicate keys the last value counts.
// Aliases are followed within bounds.
package yamldoc

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"

	"github.com/assaysec/assay"
)

const (
	// maxDepth bounds the nesting of values; no known format exceeds 20.
	maxDepth = 200
	// maxSigns bounds the lines, keys and elements of a document: lock files of
	// the largest repositories, 10 MB, have 900,000.
	maxSigns = 2_000_000
	// maxAliased bounds the values that aliases expand to, times the marks of
	// the text, because each alias may cost a pass over the whole text: a text
	// of a thousand marks may have fifty thousand.
	maxAliased = 50_000_000
)

// Unmarshal decodes the first document of b into v, whose fields have the
// library's tags; an empty document changes nothing. On ErrMalformed or
// ErrTooLarge, v has all values with the right type.
func Unmarshal(b []byte, v any) error {
	if err := NewDecoder(b).Decode(v); err != io.EOF {
		return err
	}
	return nil
}

// A Decoder decodes the documents of a text one by one.
type Decoder struct {
	in  *yaml.Loader
	err error // that ends it
}

// NewDecoder returns a Decoder for b.
func NewDecoder(b []byte) *Decoder {
	n := signs(b)
	if n > maxSigns {
		return &Decoder{err: fmt.Errorf("YAML of more than %d lines, keys and elements: %w", maxSigns, assay.ErrTooLarge)}
	}
	limits := yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth), loaderlimits.AliasFunc(func(aliased, _ int) error {
		if aliased > maxAliased/(n+1) {
			return errors.New("aliases expand to too many values")
		}
		return nil
	})))
	in, err := yaml.NewLoader(bytes.NewReader(b), yaml.WithV3Defaults(), yaml.WithUniqueKeys(false), limits)
	return &Decoder{in, err}
}

// Decode decodes the next document into v like Unmarshal; io.EOF if there is
// none, or none that can be read.
func (d *Decoder) Decode(v any) error {
	err := d.err
	if err == nil {
		err = d.in.Load(v)
	}
	if err == nil {
		return nil
	}
	if shapes := (*yaml.LoadErrors)(nil); !errors.As(err, &shapes) {
		d.err = io.EOF
	}
	if err == io.EOF || errors.Is(err, assay.ErrTooLarge) {
		return err
	}
	// The error may list every line of the text.
	return fmt.Errorf("%.200s: %w", err.Error(), assay.ErrMalformed)
}

// signs counts the marks that end or begin lines, keys and elements. The number
// is at least half the number of values and marks. Commas, which cost the
// library most, count twice.
func signs(b []byte) int {
	n := 0
	for i, c := range b {
		switch c {
		case '\n', '\r', '[', '{', '\'', '"', '&', '*', '!':
			n++
		case ',':
			n += 2
		case ':', '-', '?':
			if i+1 == len(b) || b[i+1] == ' ' || b[i+1] == '\t' || b[i+1] == '\n' {
				n++
			}
		}
	}
	return n
}

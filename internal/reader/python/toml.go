package python

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/limit"
	"github.com/pelletier/go-toml/v2/unstable"
)

const (
	// maxLock: the largest lock files known, PDM's with addresses of every
	// wheel, have 5 MB.
	maxLock = 64 << 20
	// maxDepth bounds how deep keys and values may nest; lock files need five.
	maxDepth = 100
)

// decode reads a TOML document into v, whose fields have JSON's tags. What was
// read before an error is in v, and so is all but what has another shape.
//
// It stands on the library's parser, not on its decoder: that one looks for
// doubled keys by the square of their number, which takes hours for some
// megabytes.
//
// Format: https://toml.io/en/v1.0.0
func decode(f *assay.File, v any) error {
	b, err := limit.ReadAll(f.Reader(), maxLock)
	if err != nil {
		return err
	}
	return unmarshal(b, v)
}

func unmarshal(b []byte, v any) error {
	doc, err := parseTOML(b)
	plain, err2 := json.Marshal(doc)
	if err2 == nil {
		err2 = json.Unmarshal(plain, v)
	}
	var shape *json.UnmarshalTypeError
	if errors.As(err2, &shape) {
		err2 = fmt.Errorf("%s is a %s: %w", shape.Field, shape.Value, assay.ErrMalformed)
	}
	return errors.Join(err, err2)
}

// parseTOML returns a document as tables, lists, strings and booleans; numbers
// and dates are strings. Of a key that comes twice the last value counts.
func parseTOML(b []byte) (map[string]any, error) {
	root := map[string]any{}
	at := root
	var p unstable.Parser
	p.Reset(b)
	for p.NextExpression() {
		var err error
		switch e := p.Expression(); e.Kind {
		case unstable.KeyValue:
			err = put(at, e, 0)
		case unstable.Table, unstable.ArrayTable:
			at, err = section(root, e)
		}
		if err != nil {
			return root, err
		}
	}
	var bad *unstable.ParserError
	if err := p.Error(); errors.As(err, &bad) {
		return root, fmt.Errorf("line %d: %s: %w", lineOf(&p, bad), bad.Message, assay.ErrMalformed)
	} else if err != nil {
		return root, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return root, nil
}

// lineOf is where an error is; 1 where the parser does not tell.
func lineOf(p *unstable.Parser, bad *unstable.ParserError) int {
	n, end := 1, cap(p.Data())-cap(bad.Highlight)
	if bad.Highlight == nil || end < 0 || end > len(p.Data()) {
		return n
	}
	for _, c := range p.Data()[:end] {
		if c == '\n' {
			n++
		}
	}
	return n
}

// section is the table that a header opens.
func section(root map[string]any, e *unstable.Node) (map[string]any, error) {
	at, depth := root, 0
	for key := e.Key(); key.Next(); depth++ {
		name := string(key.Node().Data)
		if depth > maxDepth {
			return root, fmt.Errorf("%s: over %d keys deep: %w", name, maxDepth, assay.ErrTooLarge)
		}
		if e.Kind == unstable.ArrayTable && key.IsLast() {
			list, _ := at[name].([]any)
			t := map[string]any{}
			at[name] = append(list, t)
			return t, nil
		}
		var err error
		if at, err = within(at, name); err != nil {
			return root, err
		}
	}
	return at, nil
}

// within is the table of a name, the last where there is a list of them.
func within(at map[string]any, name string) (map[string]any, error) {
	v := at[name]
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[len(list)-1]
	}
	if t, ok := v.(map[string]any); ok {
		return t, nil
	}
	if v != nil {
		return nil, fmt.Errorf("%.80s is no table: %w", name, assay.ErrMalformed)
	}
	t := map[string]any{}
	at[name] = t
	return t, nil
}

// put sets a value under its key, which may have dots.
func put(at map[string]any, e *unstable.Node, depth int) error {
	for key := e.Key(); key.Next(); depth++ {
		name := string(key.Node().Data)
		if depth > maxDepth {
			return fmt.Errorf("%s: over %d keys deep: %w", name, maxDepth, assay.ErrTooLarge)
		}
		var err error
		if key.IsLast() {
			at[name], err = tomlValue(e.Value(), depth)
			return err
		}
		if at, err = within(at, name); err != nil {
			return err
		}
	}
	return nil
}

func tomlValue(n *unstable.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("values over %d deep: %w", maxDepth, assay.ErrTooLarge)
	}
	switch n.Kind {
	case unstable.Bool:
		return string(n.Data) == "true", nil
	case unstable.Array:
		list := []any{}
		for in := n.Children(); in.Next(); {
			v, err := tomlValue(in.Node(), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case unstable.InlineTable:
		t := map[string]any{}
		for in := n.Children(); in.Next(); {
			if err := put(t, in.Node(), depth+1); err != nil {
				return nil, err
			}
		}
		return t, nil
	}
	return string(n.Data), nil
}

// Package tomldoc decodes TOML in time and memory proportional to its length.
// The library's own decoder checks for duplicate keys in quadratic time, which
// takes hours for some megabytes, so this package uses only the library's
// parser.
//
// Format: https://toml.io/en/v1.0.0. Of duplicate keys the last value counts; a
// table that is opened twice is one table.
package tomldoc

import (
	"errors"
	"fmt"

	"github.com/assaysec/assay"
	"github.com/pelletier/go-toml/v2/unstable"
)

const (
	// maxDepth bounds how deep keys and values may nest; lock files and
	// manifests need five.
	maxDepth = 100
	// maxSigns bounds the lines, keys and elements of a document, each of which
	// costs half a microsecond and a hundred bytes: the largest lock files
	// known, PDM's with addresses of every wheel, have 300,000 in 5 MB.
	maxSigns = 5_000_000
)

// Unmarshal decodes a document into v: structs whose fields have the tag
// "toml", maps, slices, texts, booleans, whole numbers, pointers to those,
// and any, which numbers and dates go into as texts. Where it fails, with
// ErrMalformed or ErrTooLarge, v has what was read before, and all but what has
// another shape than v's.
func Unmarshal(b []byte, v any) error {
	if signs(b) > maxSigns {
		return fmt.Errorf("TOML of more than %d lines, keys and elements: %w", maxSigns, assay.ErrTooLarge)
	}
	doc, err := parse(b)
	return errors.Join(err, fill(v, doc))
}

// signs counts the marks that end or begin lines, keys and elements.
func signs(b []byte) int {
	n := 0
	for _, c := range b {
		switch c {
		case '\n', '[', '{', ',', '.', '=':
			n++
		}
	}
	return n
}

// parse returns a document as tables, lists, strings and booleans.
func parse(b []byte) (map[string]any, error) {
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

// lineOf is the line of an error; 1 if the parser does not report it.
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

// section is the table of a header.
func section(root map[string]any, e *unstable.Node) (map[string]any, error) {
	at, depth := root, 0
	for key := e.Key(); key.Next(); depth++ {
		name := string(key.Node().Data)
		if depth > maxDepth {
			return root, deep(name)
		}
		if e.Kind == unstable.ArrayTable && key.IsLast() {
			list, _ := at[name].([]any)
			t := map[string]any{}
			at[name] = append(list, t)
			return t, nil
		}
		var err error
		if at, err = subtable(at, name); err != nil {
			return root, err
		}
	}
	return at, nil
}

func deep(name string) error {
	return fmt.Errorf("%.80s: nested more than %d levels deep: %w", name, maxDepth, assay.ErrTooLarge)
}

// subtable is the table with a name, the last one if it is a list of tables.
func subtable(at map[string]any, name string) (map[string]any, error) {
	v := at[name]
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[len(list)-1]
	}
	if t, ok := v.(map[string]any); ok {
		return t, nil
	}
	if v != nil {
		return nil, fmt.Errorf("%.80s is not a table: %w", name, assay.ErrMalformed)
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
			return deep(name)
		}
		var err error
		if key.IsLast() {
			at[name], err = value(e.Value(), name, depth)
			return err
		}
		if at, err = subtable(at, name); err != nil {
			return err
		}
	}
	return nil
}

// value converts the value of a key at a nesting depth.
func value(n *unstable.Node, name string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, deep(name)
	}
	switch n.Kind {
	case unstable.Bool:
		return string(n.Data) == "true", nil
	case unstable.Array:
		list := []any{}
		for in := n.Children(); in.Next(); {
			v, err := value(in.Node(), name, depth+1)
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

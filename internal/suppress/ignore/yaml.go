package ignore

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
)

// maxValues bounds the values of a file, including those that aliases expand to:
// ten thousand rules have a hundred thousand.
const maxValues = 1_000_000

// A document is a YAML text whose values have line numbers.
type document struct {
	name string
	root *yaml.Node // nil if it is empty
	read int
}

// An entry is a key with its value.
type entry struct {
	key   string
	at    *yaml.Node // the key
	value *yaml.Node
}

// lineOf finds the line in the library's error.
var lineOf = regexp.MustCompile(`line (\d+)`)

func parse(name string, b []byte) (*document, error) {
	d := &document{name: name}
	in := yamldoc.NewDecoder(b)
	var n, more yaml.Node
	if err := in.Decode(&n); err == io.EOF {
		return d, nil
	} else if err != nil {
		if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
			name += ":" + m[1]
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := in.Decode(&more); err != io.EOF {
		return nil, d.fail(&more, "more than one document")
	}
	if d.root = &n; n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		d.root = n.Content[0]
	}
	if d.root.Kind == 0 || d.root.Tag == "!!null" {
		d.root = nil
	}
	return d, nil
}

func (d *document) fail(n *yaml.Node, format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if !errors.Is(err, assay.ErrMalformed) && !errors.Is(err, assay.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return fmt.Errorf("%s:%d: %w", d.name, n.Line, err)
}

// resolve follows an alias, and counts values.
func (d *document) resolve(n *yaml.Node) (*yaml.Node, error) {
	if d.read++; d.read > maxValues {
		return nil, d.fail(n, "more than %d values: %w", maxValues, assay.ErrTooLarge)
	}
	if n.Kind == yaml.AliasNode && n.Alias != nil {
		return n.Alias, nil
	}
	return n, nil
}

// mapping lists the keys of a mapping with their values; a duplicate key is an
// error. A null is an empty mapping.
func (d *document) mapping(n *yaml.Node, what string) ([]entry, error) {
	m, err := d.resolve(n)
	if err != nil {
		return nil, err
	}
	if m.Kind == yaml.ScalarNode && m.Tag == "!!null" {
		return nil, nil
	}
	if m.Kind != yaml.MappingNode {
		return nil, d.fail(n, "%s is not a mapping of keys to values", what)
	}
	var all []entry
	seen := map[string]bool{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		k := m.Content[i]
		key, err := d.text(k)
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, d.fail(k, "duplicate key %q", key)
		}
		seen[key] = true
		all = append(all, entry{key, k, m.Content[i+1]})
	}
	return all, nil
}

// list lists the elements of a sequence. A null is an empty sequence.
func (d *document) list(n *yaml.Node, what string) ([]*yaml.Node, error) {
	l, err := d.resolve(n)
	if err != nil {
		return nil, err
	}
	if l.Kind == yaml.ScalarNode && l.Tag == "!!null" {
		return nil, nil
	}
	if l.Kind != yaml.SequenceNode {
		return nil, d.fail(n, "%s is not a list", what)
	}
	return l.Content, nil
}

// text is a value as it is written; "" if there is none.
func (d *document) text(n *yaml.Node) (string, error) {
	v, err := d.resolve(n)
	switch {
	case err != nil:
		return "", err
	case v.Kind != yaml.ScalarNode:
		return "", d.fail(n, "want text, not a list or mapping")
	case v.Tag == "!!null":
		return "", nil
	}
	return strings.TrimSpace(v.Value), nil
}

// texts are the elements of a list, or a single value; empty for null.
func (d *document) texts(n *yaml.Node, what string) ([]string, error) {
	v, err := d.resolve(n)
	if err != nil {
		return nil, err
	}
	if v.Kind == yaml.ScalarNode && v.Tag == "!!null" {
		return nil, nil
	}
	all := []*yaml.Node{v}
	if v.Kind != yaml.ScalarNode {
		if all, err = d.list(n, what); err != nil {
			return nil, err
		}
	}
	var out []string
	for _, e := range all {
		s, err := d.text(e)
		if err != nil {
			return nil, err
		}
		if s == "" {
			return nil, d.fail(e, "%s is empty", what)
		}
		out = append(out, s)
	}
	return out, nil
}

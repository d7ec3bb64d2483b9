package osv

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/assaysec/assay"
)

// maxDepth bounds how deep a YAML record nests; none exceeds 10.
const maxDepth = 100

// ParseYAML reads one record in YAML, the format of some databases. Every scalar
// is a string, so that the version 1.10 is not the number 1.1. Anchors are not
// followed.
func ParseYAML(b []byte) (*Record, error) {
	var n yaml.Node
	if err := yaml.Unmarshal(b, &n); err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	v, err := plain(&n, maxDepth)
	if err != nil {
		return nil, err
	}
	if b, err = json.Marshal(v); err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	return Parse(b)
}

// plain converts YAML to what encoding/json can write.
func plain(n *yaml.Node, depth int) (any, error) {
	if depth == 0 {
		return nil, fmt.Errorf("nested more than %d levels deep: %w", maxDepth, assay.ErrMalformed)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 1 {
			return plain(n.Content[0], depth-1)
		}
	case yaml.ScalarNode:
		if n.ShortTag() == "!!null" {
			return nil, nil
		}
		return n.Value, nil
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, err := plain(c, depth-1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, err := plain(n.Content[i+1], depth-1)
			if err != nil {
				return nil, err
			}
			out[n.Content[i].Value] = v
		}
		return out, nil
	}
	return nil, fmt.Errorf("not a record: %w", assay.ErrMalformed)
}

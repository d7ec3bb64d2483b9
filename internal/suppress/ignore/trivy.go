package ignore

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// trivyKinds are the sections of Trivy's format; assay reports only results of
// the first.
// https://trivy.dev/latest/docs/configuration/filtering/#trivyignoreyaml
var trivyKinds = []string{"vulnerabilities", "misconfigurations", "secrets", "licenses"}

// trivy reads Trivy's format.
func (d *document) trivy(top []entry) (*File, error) {
	out := &File{Name: d.name, lax: true}
	for _, e := range top {
		if !slices.Contains(trivyKinds, e.key) {
			return nil, d.fail(e.at, "unknown section %q; known: %s", e.key, join(trivyKinds))
		}
		all, err := d.rules(e.value, e.key)
		if err != nil {
			return nil, err
		}
		for _, n := range all {
			r, err := d.trivyRule(n)
			if err != nil {
				return nil, err
			}
			if e.key == trivyKinds[0] {
				out.Rules = append(out.Rules, r)
			}
		}
		if e.key != trivyKinds[0] && len(all) > 0 {
			out.Notes = append(out.Notes, fmt.Sprintf("%s:%d: %s under %s: assay does not report such results", d.name, e.at.Line, count(len(all), "rule"), e.key))
		}
	}
	return out, nil
}

func (d *document) trivyRule(n *yaml.Node) (Rule, error) {
	r := Rule{File: d.name, Line: n.Line, names: aliases}
	keys, err := d.mapping(n, "a rule")
	if err != nil {
		return r, err
	}
	for _, e := range keys {
		key, ok := map[string]string{"id": "id", "paths": "path", "purls": "purl", "expired_at": "expires", "statement": "statement"}[e.key]
		if !ok {
			return r, d.fail(e.at, "unknown key %q; known: id, paths, purls, expired_at, statement", e.key)
		}
		values, err := d.texts(e.value, e.key)
		if err != nil {
			return r, err
		}
		if len(values) == 0 {
			continue // as in Trivy: no paths means any
		}
		if err := r.set(key, values); err != nil {
			return r, d.fail(e.value, "%s: %w", e.key, err)
		}
	}
	if len(r.IDs) != 1 {
		return r, d.fail(n, "a rule must have one id")
	}
	return r, nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

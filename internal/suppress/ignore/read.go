package ignore

import (
	"bytes"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/assaysec/assay"
)

const (
	// MaxFile bounds a file of rules in bytes: ten thousand with reasons have 2 MB.
	MaxFile = 16 << 20
	// maxRules bounds the rules of a file.
	maxRules = 100_000
)

// Read reads a rule file, whose format is recognised by name and content. Files
// named *.yaml, *.yml or *.json are YAML, all others text. In YAML, a list is
// assay's own format, "vulnerabilities" and similar sections Trivy's, "ignore"
// Grype's, and "generalwhitelist" or "images" clair-scanner's. Errors name file
// and line.
func Read(name string, b []byte) (*File, error) {
	if err := readable(name, b); err != nil {
		return nil, err
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml", ".json":
	default:
		return readText(name, b)
	}
	d, err := parse(name, b)
	if err != nil || d.root == nil {
		return &File{Name: name}, err
	}
	if d.root.Kind == yaml.SequenceNode {
		return d.readOwnForm()
	}
	top, err := d.mapping(d.root, "the file")
	if err != nil {
		return nil, err
	}
	for _, e := range top {
		switch {
		case slices.Contains(trivyKinds, e.key):
			return d.trivy(top)
		case e.key == "ignore":
			return d.grype(e.value)
		case e.key == "generalwhitelist", e.key == "images":
			return d.whitelist(top)
		}
	}
	return nil, d.fail(d.root, "neither a list of rules, nor Trivy's vulnerabilities:, nor Grype's ignore:, nor clair-scanner's generalwhitelist:")
}

// readable refuses files that are too large, and files that are not text, with
// the line.
func readable(name string, b []byte) error {
	if len(b) > MaxFile {
		return fmt.Errorf("%s: over %d bytes: %w", name, MaxFile, assay.ErrTooLarge)
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == 0 || r == utf8.RuneError && n == 1 {
			return fmt.Errorf("%s:%d: not UTF-8 text: %w", name, 1+bytes.Count(b[:i], []byte("\n")), assay.ErrMalformed)
		}
		i += n
	}
	return nil
}

// ReadWhitelist reads a whitelist of clair-scanner's.
func ReadWhitelist(name string, b []byte) (*File, error) {
	if err := readable(name, b); err != nil {
		return nil, err
	}
	d, err := parse(name, b)
	if err != nil || d.root == nil {
		return &File{Name: name}, err
	}
	top, err := d.mapping(d.root, "a whitelist")
	if err != nil {
		return nil, err
	}
	return d.whitelist(top)
}

// readText reads the text format: an identifier and other criteria on each line.
func readText(name string, b []byte) (*File, error) {
	// Trivy ignores other words, and such files also name checks, secrets and
	// licences.
	trivy := strings.Contains(path.Base(filepath.ToSlash(name)), "trivyignore")
	out := &File{Name: name, lax: trivy}
	above := "" // comments of the lines above
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSpace(line)
		if remark, ok := strings.CutPrefix(line, "#"); ok {
			above = strings.TrimSpace(above + " " + strings.TrimSpace(strings.TrimLeft(remark, "#")))
			continue
		}
		if line == "" {
			above = ""
			continue
		}
		if len(out.Rules) == maxRules {
			return nil, fmt.Errorf("%s:%d: more than %d rules: %w", name, n, maxRules, assay.ErrTooLarge)
		}
		r := Rule{File: name, Line: n, names: aliases | vendors}
		if trivy {
			r.names = aliases
		}
		if err := r.line(line, trivy); err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w", name, n, err, assay.ErrMalformed)
		}
		if r.Reason == "" {
			r.Reason = above
		}
		if err := out.addRule(r); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, n, err)
		}
	}
	return out, nil
}

// line reads a line of the text format.
func (r *Rule) line(line string, trivy bool) error {
	words := strings.Fields(line)
	if i := slices.IndexFunc(words, func(w string) bool { return w[0] == '#' }); i >= 0 {
		r.Reason = strings.TrimSpace(strings.TrimLeft(strings.Join(words[i:], " "), "#"))
		words = words[:i]
	}
	var others []string
	for i, w := range words {
		key, value, ok := strings.Cut(w, ":")
		switch {
		case ok && key == "exp":
			if err := r.until(value); err != nil {
				return err
			}
		case ok && !trivy && slices.Contains(criteria, key):
			if value == "" {
				return fmt.Errorf("%s has no value", key)
			}
			if err := r.set(key, []string{value}); err != nil {
				return err
			}
		case i == 0 && !(ok && !trivy && isKey.MatchString(key)):
			r.IDs = []string{w}
		case trivy:
			others = append(others, w)
		case ok:
			return fmt.Errorf("unknown key %q%s; known: exp, %s", key, nearestKey(key), join(criteria))
		default:
			return fmt.Errorf("%q is neither a criterion, such as package:openssl, nor after a #", w)
		}
	}
	if r.Reason == "" {
		r.Reason = strings.Join(others, " ")
	}
	return nil
}

// isKey recognises a key. Identifiers with a colon have digits before it:
// RHSA-2024:1234.
var isKey = regexp.MustCompile(`^[a-z][a-z_-]*$|^[A-Z][a-z_-]+$`)

// nearestKey returns the key that the user probably meant.
func nearestKey(key string) string {
	for _, c := range append([]string{"exp"}, criteria...) {
		if editDistance(strings.ToLower(key), c) <= 1+len(c)/5 {
			return fmt.Sprintf(" (did you mean %s?)", c)
		}
	}
	return ""
}

// editDistance is the number of different letters of two words; swapped letters
// count as two.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal, row[j+1] = row[j+1], min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// readOwnForm reads assay's own format: a list of rules, each a mapping of
// criteria.
func (d *document) readOwnForm() (*File, error) {
	out := &File{Name: d.name}
	all, err := d.rules(d.root, "the file")
	if err != nil {
		return nil, err
	}
	for _, n := range all {
		r := Rule{File: d.name, Line: n.Line, names: aliases | vendors}
		keys, err := d.mapping(n, "a rule")
		if err != nil {
			return nil, err
		}
		for _, e := range keys {
			if !slices.Contains(criteria, e.key) {
				return nil, d.fail(e.at, "unknown key %q%s; known: %s", e.key, nearestKey(e.key), join(criteria))
			}
			values, err := d.texts(e.value, e.key)
			if err != nil {
				return nil, err
			}
			if len(values) == 0 {
				return nil, d.fail(e.at, "%s is empty", e.key)
			}
			if err := r.set(e.key, values); err != nil {
				return nil, d.fail(e.value, "%w", err)
			}
		}
		if err := out.addRule(r); err != nil {
			return nil, d.fail(n, "%w", err)
		}
	}
	return out, nil
}

// rules lists the elements of a list of rules.
func (d *document) rules(n *yaml.Node, what string) ([]*yaml.Node, error) {
	all, err := d.list(n, what)
	if err == nil && len(all) > maxRules {
		err = d.fail(n, "more than %d rules: %w", maxRules, assay.ErrTooLarge)
	}
	return all, err
}

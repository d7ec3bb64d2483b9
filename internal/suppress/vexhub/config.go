package vexhub

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
)

const (
	maxConfig       = 1 << 20 // people write it by hand
	maxRepositories = 100     // some few are usual; each is searched in turn
)

// A Repository is a VEX repository that the user trusts.
type Repository struct {
	Name    string
	URL     string // of the repository on GitHub, of a host, of a manifest, or file:// and a directory
	Enabled bool
}

// DefaultURL is the repository that is used without a configuration.
const DefaultURL = "https://github.com/aquasecurity/vexhub"

// Default lists the repositories that are used without a configuration.
func Default() []Repository { return []Repository{{"default", DefaultURL, true}} }

// DefaultConfig is the initial configuration.
const DefaultConfig = `# Repositories of VEX documents, the most trusted first: of those that have a
# document on a package the first decides.
repositories:
  - name: default
    url: ` + DefaultURL + `
    enabled: true
`

// names are also file names.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Load reads a configuration in the format of Trivy's vex/repository.yaml.
// Without a file it is Default.
func Load(path string) ([]Repository, error) {
	b, err := limit.ReadRegular(path, maxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil {
		return nil, err
	}
	return parse(path, b)
}

// lineOf finds the line in the library's error.
var lineOf = regexp.MustCompile(`line (\d+)`)

// A config is a configuration whose values have line numbers.
type config struct{ name string }

// parse parses a configuration; name is its name in errors. An unknown key is an
// error, because it may be a typo that disables a repository.
func parse(name string, b []byte) ([]Repository, error) {
	var n yaml.Node
	if err := yamldoc.Unmarshal(b, &n); err != nil {
		if m := lineOf.FindStringSubmatch(err.Error()); m != nil {
			name += ":" + m[1]
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c, root := config{name}, &n
	if n.Kind == yaml.DocumentNode && len(n.Content) == 1 {
		root = n.Content[0]
	}
	if root.Kind == 0 || root.Tag == "!!null" {
		return nil, nil
	}
	doc, err := c.mapping(root, "repositories")
	list := aliased(doc["repositories"])
	switch {
	case err != nil:
		return nil, err
	case list == nil || list.Tag == "!!null":
		return nil, nil
	case list.Kind != yaml.SequenceNode:
		return nil, c.fail(list, "repositories is not a list: %w", assay.ErrMalformed)
	case len(list.Content) > maxRepositories:
		return nil, c.fail(list, "%d repositories, over %d: %w", len(list.Content), maxRepositories, assay.ErrTooLarge)
	}
	var out []Repository
	seen := map[string]bool{}
	for _, n := range list.Content {
		r, err := c.repository(n)
		if err != nil {
			return nil, err
		}
		if seen[r.Name] {
			return nil, c.fail(n, "duplicate name %s: %w", r.Name, assay.ErrMalformed)
		}
		seen[r.Name] = true
		out = append(out, r)
	}
	return out, nil
}

func (c config) fail(n *yaml.Node, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", c.name, n.Line, fmt.Errorf(format, args...))
}

func aliased(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// mapping reads a mapping with some of the keys, each once.
func (c config) mapping(n *yaml.Node, keys ...string) (map[string]*yaml.Node, error) {
	m := aliased(n)
	if m == nil || m.Kind != yaml.MappingNode {
		return nil, c.fail(n, "not a mapping with the keys %s: %w", strings.Join(keys, ", "), assay.ErrMalformed)
	}
	out := map[string]*yaml.Node{}
	for i := 0; i+1 < len(m.Content); i += 2 {
		k := m.Content[i]
		switch {
		case !slices.Contains(keys, k.Value):
			return nil, c.fail(k, "unknown key %.100q; known: %s: %w", k.Value, strings.Join(keys[:min(len(keys), known)], ", "), assay.ErrMalformed)
		case out[k.Value] != nil:
			return nil, c.fail(k, "duplicate key %q: %w", k.Value, assay.ErrMalformed)
		}
		out[k.Value] = m.Content[i+1]
	}
	return out, nil
}

// known is the number of keys that assay uses; the others are Trivy's.
const known = 3

func (c config) repository(n *yaml.Node) (r Repository, _ error) {
	all, err := c.mapping(n, "name", "url", "enabled", "username", "password", "token")
	if err != nil {
		return r, err
	}
	text := map[string]string{}
	for _, key := range []string{"name", "url", "enabled", "username", "password", "token"} {
		v := aliased(all[key])
		switch {
		case v == nil || v.Tag == "!!null":
		case v.Kind != yaml.ScalarNode:
			return r, c.fail(v, "%s: want text, not a list or mapping: %w", key, assay.ErrMalformed)
		default:
			text[key] = v.Value
		}
	}
	at := func(key string) *yaml.Node { return cmp.Or(all[key], n) }
	r = Repository{text["name"], text["url"], true}
	switch {
	case !names.MatchString(r.Name):
		return r, c.fail(at("name"), "name %.100q has characters other than letters, digits, dots and dashes: %w", r.Name, assay.ErrMalformed)
	case text["username"]+text["password"]+text["token"] != "":
		return r, c.fail(n, "%s: credentials: %w; download the repository yourself and use the directory (file://)", r.Name, assay.ErrUnsupported)
	}
	if _, err := address(r.URL, true); err != nil {
		return r, c.fail(at("url"), "%s: url: %w", r.Name, err)
	}
	if v := aliased(all["enabled"]); v != nil && v.Tag != "!!null" {
		if v.Tag != "!!bool" {
			return r, c.fail(v, "enabled %.100q is neither true nor false: %w", v.Value, assay.ErrMalformed)
		}
		r.Enabled = strings.EqualFold(v.Value, "true")
	}
	return r, nil
}

// address parses a URL. Plain HTTP and files are allowed only if the user wrote
// them.
func address(s string, plain bool) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	case u.Scheme == "https" && u.Host != "", plain && u.Scheme == "http" && u.Host != "", plain && u.Scheme == "file" && u.Host == "" && u.Path != "":
		return u, nil
	}
	return nil, fmt.Errorf("%.200q does not begin with https://: %w", s, assay.ErrMalformed)
}

// manifestURL is the URL of a repository's manifest. On GitHub it is in the main
// branch.
func (r Repository) manifestURL() string {
	at := strings.TrimRight(r.URL, "/")
	u, err := url.Parse(at)
	switch {
	case strings.HasSuffix(at, ".json"):
		return at
	case err == nil && u.Host == "github.com":
		return strings.TrimSuffix(at, ".git") + "/raw/main/vex-repository.json"
	case err == nil && u.Scheme == "file":
		return at + "/vex-repository.json"
	}
	return at + "/.well-known/vex-repository.json"
}

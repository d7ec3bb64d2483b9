package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"
)

const (
	configName = "assay.yaml"
	// maxConfig bounds a configuration file, which people write by hand.
	maxConfig = 1 << 20
)

// harmless are the settings that count in a configuration file that nobody named,
// which may be a file of a stranger's repository. They change how a report looks, or
// add to it. None hides a finding, passes a gate, writes or reads a file, names a host
// or key, or ends a scan early.
var harmless = []string{"dependency-tree", "detection-priority", "fail-on-gaps", "include-dev-deps", "kernel-headers", "list-all-pkgs", "no-cache", "no-color", "reachability",
	"show-layers", "show-suppressed", "sort-by", "verify"}

// A setting is a line of a configuration file.
type setting struct {
	value string // in the form of a flag's value: lists with commas
	file  string
	line  int
}

func (s setting) place() string { return fmt.Sprintf("%s:%d", s.file, s.line) }

// settings reads the configuration files. A file that the user named is the only one.
// Else the file in the user's configuration directory comes before the one in the
// current directory, which may set only what is harmless.
func (g *global) settings(cmd *cobra.Command) (map[string]setting, error) {
	known := map[string]bool{}
	for _, c := range all(cmd.Root()) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = !f.Hidden })
	}
	name := g.config
	if name == "" {
		name = os.Getenv(envPrefix + "CONFIG")
	}
	if name != "" {
		return readSettings(name, limit.ReadFile, known)
	}
	found := map[string]setting{}
	if dir, err := os.UserConfigDir(); err == nil {
		own, err := readSettings(filepath.Join(dir, "assay", configName), limit.ReadRegular, known)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		maps.Copy(found, own)
	}
	here, err := readSettings(configName, limit.ReadRegular, known)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var refused []string
	for _, key := range slices.SortedFunc(maps.Keys(here), func(a, b string) int { return here[a].line - here[b].line }) {
		if !slices.Contains(harmless, key) {
			refused = append(refused, fmt.Sprintf("%s: %s", here[key].place(), key))
		} else if _, ok := found[key]; !ok {
			found[key] = here[key]
		}
	}
	if len(refused) > 0 {
		return nil, usagef("%s: refused, because assay found the file in the current directory and nobody named it: to trust it, use --config %s; to do without it, use --config %s",
			strings.Join(refused, ", "), configName, os.DevNull)
	}
	return found, nil
}

// readSettings reads a configuration file, whose settings must be known flags: true
// for those that help shows. A file
// that does not exist is fs.ErrNotExist.
func readSettings(name string, read func(string, int64) ([]byte, error), known map[string]bool) (map[string]setting, error) {
	b, err := read(name, maxConfig)
	if err != nil {
		return nil, usagef("configuration: %w", err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, usagef("configuration %s: %w", name, err)
	}
	found := map[string]setting{}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return found, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, usagef("configuration %s: write one setting a line, such as severity: HIGH", name)
	}
	var values map[string]any // the library expands aliases and merge keys, within its bounds
	if err := root.Decode(&values); err != nil {
		return nil, usagef("configuration %s: %w", name, err)
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(root.Content); i += 2 {
		lines[root.Content[i].Value] = root.Content[i].Line
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		s := setting{file: name, line: max(lines[key], 1)}
		if _, ok := known[key]; !ok {
			visible := maps.Clone(known)
			maps.DeleteFunc(visible, func(_ string, shown bool) bool { return !shown })
			like := nearest(key, slices.Sorted(maps.Keys(visible)))
			if like != "" {
				like = "; did you mean " + like + "?"
			}
			return nil, usagef("%s: unknown setting %q%s (settings are named like the flags, see assay --help)", s.place(), key, like)
		}
		if s.value, err = flagValue(values[key]); err != nil {
			return nil, usagef("%s: %s: %w", s.place(), key, err)
		}
		found[key] = s
	}
	return found, nil
}

// flagValue writes a value in the form of a flag's value: lists with commas.
func flagValue(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string, bool, int, int64, uint64, float64:
		return fmt.Sprint(v), nil
	case []any:
		var parts []string
		for _, e := range v {
			s, err := flagValue(e)
			if err != nil {
				return "", err
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, ","), nil
	case map[string]any:
		var parts []string
		for key, e := range v {
			s, err := flagValue(e)
			if err != nil {
				return "", err
			}
			parts = append(parts, key+"="+s)
		}
		slices.Sort(parts)
		return strings.Join(parts, ","), nil
	}
	return "", fmt.Errorf("%v is not a text, a number or a list", v)
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v4"
)

const (
	envPrefix  = "ASSAY_"
	configName = "assay.yaml"
	// maxConfig bounds the configuration file, which people write by hand.
	maxConfig = 1 << 20
)

// global holds the flags that every command has.
type global struct {
	streams
	config   string
	cacheDir string
	quiet    bool
	debug    bool
	warned   warnings
	timeout  time.Duration
	noColor  bool
}

func (g *global) flags(f *pflag.FlagSet) {
	f.StringVarP(&g.config, "config", "c", "", "configuration `FILE` (default assay.yaml in this directory, if it exists)")
	f.StringVar(&g.cacheDir, "cache-dir", "", "`DIRECTORY` for the database and the layer cache (default: assay in the user's cache directory)")
	f.BoolVarP(&g.quiet, "quiet", "q", false, "no progress and no warnings")
	f.BoolVarP(&g.debug, "debug", "d", false, "print debug messages")
	f.DurationVar(&g.timeout, "timeout", 30*time.Minute, "stop after this long")
	f.BoolVar(&g.noColor, "no-color", false, "no colours, also on a terminal (NO_COLOR does the same)")
}

// mustNotBeEmpty are the flags that say what counts: an empty one on the command line, as
// of a variable that is not set, is not meant.
var mustNotBeEmpty = []string{"severity", "vuln-severity-source", "ignore-status", "as-of", "sort-by", "fail-on", "threshold", "ignorefile", "whitelist", "ignore-policy", "vex"}

// load sets what the command line left open from the environment and the
// configuration file. A variable that is empty counts as not set.
func (g *global) load(cmd *cobra.Command) error {
	file, name, err := g.file(cmd)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, c := range all(cmd.Root()) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	}
	for _, key := range slices.Sorted(maps.Keys(file)) {
		if !known[key] {
			like := nearest(key, flagNames(all(cmd.Root())...))
			if like != "" {
				like = "; did you mean " + like + "?"
			}
			return usagef("%s: unknown setting %q%s (settings are called as the flags, see assay --help)", name, key, like)
		}
	}
	var errs []error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if v := f.Value.String(); slices.Contains(mustNotBeEmpty, f.Name) && (v == "" || v == "[]") {
			errs = append(errs, usagef("--%s is empty: give it a value, or leave it out", f.Name))
		}
	})
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Changed || f.Name == "help" {
			return
		}
		variable := envPrefix + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if v := os.Getenv(variable); v != "" {
			if err := cmd.Flags().Set(f.Name, v); err != nil {
				errs = append(errs, usageError{wrongValue(variable, err)})
			}
		} else if v, ok := file[f.Name]; ok {
			if err := cmd.Flags().Set(f.Name, v); err != nil {
				errs = append(errs, usageError{wrongValue(name+": "+f.Name, err)})
			}
		}
	})
	if len(errs) > 0 {
		return errs[0]
	}
	if g.timeout <= 0 {
		return usagef("--timeout %v is not above zero", g.timeout)
	}
	level := slog.LevelWarn
	switch {
	case g.debug:
		level = slog.LevelDebug
	case g.quiet:
		level = slog.LevelError + 1
	}
	slog.SetDefault(slog.New(&peopleHandler{mu: &sync.Mutex{}, w: g.err, level: level}))
	return nil
}

// file reads the configuration file: settings by name, each as a flag takes it.
func (g *global) file(cmd *cobra.Command) (settings map[string]string, name string, err error) {
	name = g.config
	explicit := name != ""
	if !explicit {
		name = os.Getenv(envPrefix + "CONFIG")
		explicit = name != ""
	}
	if !explicit {
		name = configName
	}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) && !explicit {
		return nil, name, nil
	}
	if err != nil {
		return nil, name, usagef("configuration: %w", err)
	}
	defer f.Close()
	b, err := limit.ReadAll(f, maxConfig)
	if err != nil {
		return nil, name, usagef("configuration %s: %w", name, err)
	}
	var doc any
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, name, usagef("configuration %s: %w", name, err)
	}
	m, ok := doc.(map[string]any)
	if !ok && doc != nil {
		return nil, name, usagef("configuration %s: want a setting a line, such as severity: HIGH", name)
	}
	settings = map[string]string{}
	for key, v := range m {
		s, err := setting(v)
		if err != nil {
			return nil, name, usagef("configuration %s: %s: %w", name, key, err)
		}
		settings[key] = s
	}
	return settings, name, nil
}

// setting writes a value as a flag takes it: lists with commas.
func setting(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string, bool, int, int64, uint64, float64:
		return fmt.Sprint(v), nil
	case []any:
		var parts []string
		for _, e := range v {
			s, err := setting(e)
			if err != nil {
				return "", err
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, ","), nil
	case map[string]any:
		var parts []string
		for key, e := range v {
			s, err := setting(e)
			if err != nil {
				return "", err
			}
			parts = append(parts, key+"="+s)
		}
		slices.Sort(parts)
		return strings.Join(parts, ","), nil
	}
	return "", fmt.Errorf("%v is neither text, number nor list", v)
}

// limited is ctx until --timeout is over.
func (g *global) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, g.timeout, timeoutError(g.timeout))
}

// work does what takes long, with --timeout and progress; what was to be warned of
// is shown when the bars are gone.
func (g *global) work(ctx context.Context, do func(context.Context, *progress) error) error {
	ctx, cancel := g.limited(ctx)
	defer cancel()
	bars := g.progress(ctx)
	err := do(ctx, bars)
	bars.end()
	g.showWarnings()
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// cache is the cache directory; it need not exist.
func (g *global) cache() (string, error) { return scan.CacheDir(g.cacheDir) }

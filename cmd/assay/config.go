package main

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const envPrefix = "ASSAY_"

// global holds the flags of every command.
type global struct {
	streams
	config   string
	cacheDir string
	quiet    bool
	debug    bool
	warned   warnings
	timeout  time.Duration
	noColor  bool
	caCert   string
	insecure bool
}

func (g *global) flags(f *pflag.FlagSet) {
	f.StringVarP(&g.config, "config", "c", "", "configuration `FILE` (default: assay/assay.yaml in the user's configuration directory; assay.yaml in this directory may set only what is harmless)")
	f.StringVar(&g.cacheDir, "cache-dir", "", "`DIRECTORY` of the database and the layer cache (default: assay in the user's cache directory)")
	f.BoolVarP(&g.quiet, "quiet", "q", false, "show no progress and no warnings")
	f.BoolVarP(&g.debug, "debug", "d", false, "print debug messages")
	f.DurationVar(&g.timeout, "timeout", 30*time.Minute, "stop after this long")
	f.StringVar(&g.caCert, "cacert", "", "`FILE` of certificates that everything assay fetches may use, in addition to the system's (git: instead of them)")
	f.BoolVar(&g.insecure, "insecure", false, "allow unverified TLS for everything that assay fetches, and plain HTTP for registries")
	f.BoolVar(&g.noColor, "no-color", false, "use no colors (also: NO_COLOR)")
}

// mustNotBeEmpty are the flags that choose findings. An empty value on the command
// line most likely comes from a shell variable that is not set.
var mustNotBeEmpty = []string{"severity", "vuln-severity-source", "ignore-status", "as-of", "sort-by", "fail-on", "threshold", "ignorefile", "whitelist", "ignore-policy", "vex"}

// load sets the flags that are not on the command line from the environment and the
// configuration file. An empty variable counts as not set.
func (g *global) load(cmd *cobra.Command) error {
	g.deadline.set(g.timeout, g.err)
	file, err := g.settings(cmd)
	if err != nil {
		return err
	}
	var errs []error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if v := f.Value.String(); slices.Contains(mustNotBeEmpty, f.Name) && (v == "" || v == "[]") {
			errs = append(errs, usagef("--%s is empty: give it a value or leave it out", f.Name))
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
			if err := cmd.Flags().Set(f.Name, v.value); err != nil {
				errs = append(errs, usageError{wrongValue(v.place()+": "+f.Name, err)})
			}
		}
	})
	if len(errs) > 0 {
		return errs[0]
	}
	if g.timeout <= 0 {
		return usagef("--timeout %v: must be above zero", g.timeout)
	}
	g.deadline.set(g.timeout, g.err)
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

// limited is ctx with --timeout as its deadline.
func (g *global) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, g.timeout, timeoutError(g.timeout))
}

// work runs do with --timeout and progress bars, and shows warnings when the bars
// are gone.
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

// trust adds --cacert and --insecure to the options of registries.
func (g *global) trust(o assay.SourceOptions) assay.SourceOptions {
	o.CACert, o.Insecure = g.caCert, g.insecure
	return o
}

// cache is the cache directory; it need not exist.
func (g *global) cache() (string, error) { return scan.CacheDir(g.cacheDir) }

//go:build unix

// Command database measures the advisory database beside the same advisories
// kept in other ways, in one run: what it takes to build, its size, how fast it
// answers a process that has just started, and what an update moves after a
// small change. See docs/performance.md.
//
//	go run ./bench/database -mirror FOLDER [-runs 5]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/db"
)

func main() {
	mirror := flag.String("mirror", os.Getenv("ASSAY_MIRROR"), "directory of publishers' documents")
	runs := flag.Int("runs", 5, "counted runs of each, after one that is not")
	ask := flag.String("ask", "", "only answer look-ups from this database (what database runs as a process of its own)")
	stream := flag.String("stream", "", "with -ask: the stream")
	flag.Parse()
	var err error
	if *ask != "" {
		err = answer(*ask, assay.Stream(*stream))
	} else {
		err = run(*mirror, *runs)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "database:", err)
		os.Exit(1)
	}
}

// lookups is how many packages are asked about: as many as a large image has.
const lookups = 500

func run(mirror string, runs int) error {
	work, err := os.MkdirTemp("", "assay-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	program, self := filepath.Join(work, "assay"), filepath.Join(work, "bench")
	for target, pkg := range map[string]string{program: "./cmd/assay", self: "./bench/database"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", target, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w: %s", pkg, err, out)
		}
	}
	cache := filepath.Join(work, "cache")
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	fmt.Fprintln(w, "what\tfigure\tbeside\t")
	if err := building(w, program, cache, mirror, runs); err != nil {
		return err
	}
	dir := filepath.Join(cache, "db")
	all, err := sizes(w, dir, work)
	if err != nil {
		return err
	}
	for _, s := range []assay.Stream{"debian:12", "alpine:3.20", "almalinux:9", "wolfi", "ubuntu:16.04", "pypi", "go"} {
		if err := asking(w, self, dir, all, s, runs); err != nil {
			return err
		}
	}
	return updates(w, mirror, work)
}

// building times a whole build and one after which nothing changed.
func building(w *tabwriter.Writer, program, cache, mirror string, runs int) error {
	for _, c := range []struct{ what, command string }{{"build all feeds", "build"}, {"update, nothing changed", "update"}} {
		var walls []float64
		peak := int64(0)
		for range runs {
			cmd := exec.Command(program, "db", c.command, "-q", "--cache-dir", cache, "--mirror", mirror)
			cmd.Stderr = os.Stderr
			start := time.Now()
			if err := cmd.Run(); err != nil { // a feed that fails says so; the others are measured
				if _, e := os.Stat(filepath.Join(cache, "db", "index.json")); e != nil {
					return fmt.Errorf("db %s: %w", c.command, err)
				}
			}
			walls = append(walls, time.Since(start).Seconds())
			rss := int64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
			if runtime.GOOS != "darwin" { // which counts bytes, the others kilobytes
				rss <<= 10
			}
			peak = max(peak, rss)
		}
		slices.Sort(walls)
		fmt.Fprintf(w, "%s\t%.1f s, %.0f MB\t\t\n", c.what, walls[len(walls)/2], float64(peak)/1e6)
	}
	return nil
}

// answer opens a database and asks about packages and their first
// vulnerability, and prints the milliseconds that took.
func answer(dir string, stream assay.Stream) error {
	ctx := context.Background()
	names, err := firstNames(ctx, dir, stream)
	if err != nil {
		return err
	}
	start := time.Now()
	d, err := db.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	n := 0
	for _, name := range names {
		for _, err := range d.Lookup(ctx, stream, name) {
			if err != nil {
				return err
			}
			n++
		}
	}
	fmt.Println(time.Since(start).Seconds()*1e3, n)
	return nil
}

func firstNames(ctx context.Context, dir string, stream assay.Stream) ([]string, error) {
	d, err := db.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	var names []string
	for n, err := range d.Names(ctx, stream) {
		if err != nil {
			return nil, err
		}
		if names = append(names, n); len(names) == lookups {
			break
		}
	}
	return names, nil
}

// asking times look-ups by processes that have just started.
func asking(w *tabwriter.Writer, self, dir string, all *others, stream assay.Stream, runs int) error {
	var times []float64
	n := 0
	for i := range runs + 1 {
		out, err := exec.Command(self, "-ask", dir, "-stream", string(stream)).Output()
		if err != nil {
			return fmt.Errorf("ask %s: %w", stream, err)
		}
		var ms float64
		if _, err := fmt.Sscan(string(out), &ms, &n); err != nil {
			return err
		}
		if i > 0 {
			times = append(times, ms)
		}
	}
	slices.Sort(times)
	names, err := firstNames(context.Background(), dir, stream)
	if err != nil {
		return err
	}
	tdb, err := all.bolt(names, stream)
	if err != nil {
		return err
	}
	sql, err := all.sqlite(names, stream)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "open, %d look-ups in %s (%d advisories)\t%.1f ms\tbbolt with JSON %.1f ms, SQLite %.1f ms\t\n", len(names), stream, n, times[len(times)/2], tdb, sql)
	return nil
}

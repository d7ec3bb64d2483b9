//go:build unix

// Command bench times whole scans beside the limits that they are judged by,
// in one run: reading the archive, and decompressing the layers on as many
// processors. It prints medians and their ratios. See docs/performance.md.
//
//	go run ./bench -images FOLDER [-runs 5] [-only httpd,node,big]
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/assaysec/assay/internal/encoding/compression"
	"golang.org/x/sync/errgroup"
)

func main() {
	images := flag.String("images", ".images", "directory that holds NAME.docker.tar and NAME.oci")
	runs := flag.Int("runs", 5, "counted runs of each, after one that is not")
	only := flag.String("only", "httpd,node,big", "names of images")
	mirror := flag.String("mirror", os.Getenv("ASSAY_MIRROR"), "mirror for the database")
	old := flag.String("old", "", "another build of assay, measured beside this one")
	decode := flag.String("decode", "", "only decompress the layers of this OCI layout (what bench runs as a process of its own)")
	flag.Parse()
	var err error
	if *decode != "" {
		err = decodeLayers(*decode)
	} else {
		b := &bench{images: *images, runs: *runs, old: *old}
		err = b.run(*mirror, strings.Split(*only, ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// layers lists the compressed layers of an OCI layout, largest first, which
// packs them best on few processors.
func layers(layout string) ([]string, error) {
	read := func(path string, v any) error {
		b, err := os.ReadFile(filepath.Join(layout, path))
		if err != nil {
			return err
		}
		return json.Unmarshal(b, v)
	}
	type descriptor struct {
		Digest string
		Size   int64
	}
	blob := func(digest string) string { return filepath.Join("blobs", strings.Replace(digest, ":", "/", 1)) }
	var index struct{ Manifests []descriptor }
	if err := read("index.json", &index); err != nil {
		return nil, err
	}
	if len(index.Manifests) == 0 {
		return nil, fmt.Errorf("%s: no manifest", layout)
	}
	var manifest struct{ Layers []descriptor }
	if err := read(blob(index.Manifests[0].Digest), &manifest); err != nil {
		return nil, err
	}
	slices.SortStableFunc(manifest.Layers, func(a, b descriptor) int { return int(b.Size - a.Size) })
	var paths []string
	for _, l := range manifest.Layers {
		paths = append(paths, filepath.Join(layout, blob(l.Digest)))
	}
	return paths, nil
}

// decodeLayers decompresses with the scan's own decoder and does nothing else.
func decodeLayers(layout string) error {
	paths, err := layers(layout)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for _, path := range paths {
		g.Go(func() error {
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			r, _, err := compression.Reader(f)
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(io.Discard, r)
			return err
		})
	}
	return g.Wait()
}

// figure is the median of what some runs of a command took.
type figure struct {
	wall, cpu float64 // seconds
	rss       int64   // peak, bytes
}

// A command is a program to measure.
type command struct {
	name   string
	args   []string
	before func() error // run before each run; may be nil
}

// run runs the command once.
func (c command) run() (wall, cpu float64, peak int64, err error) {
	if c.before != nil {
		if err := c.before(); err != nil {
			return 0, 0, 0, err
		}
	}
	cmd := exec.CommandContext(context.Background(), c.name, c.args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, 0, 0, fmt.Errorf("%s %s: %w: %s", c.name, strings.Join(c.args, " "), err, stderr.Bytes())
	}
	wall = time.Since(start).Seconds()
	peak = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	if runtime.GOOS != "darwin" { // which counts bytes, the others kilobytes
		peak <<= 10
	}
	return wall, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), peak, nil
}

// measure runs commands in turn, so that a machine that gets slower does so for all of
// them, and returns the medians of each.
func measure(runs int, commands ...command) ([]figure, error) {
	walls, cpus, peaks := make([][]float64, len(commands)), make([][]float64, len(commands)), make([][]int64, len(commands))
	for i := range runs + 1 {
		for n, c := range commands {
			wall, cpu, peak, err := c.run()
			if err != nil {
				return nil, err
			}
			if i == 0 {
				continue
			}
			walls[n], cpus[n], peaks[n] = append(walls[n], wall), append(cpus[n], cpu), append(peaks[n], peak)
		}
	}
	out := make([]figure, len(commands))
	for n := range commands {
		slices.Sort(walls[n])
		slices.Sort(cpus[n])
		slices.Sort(peaks[n])
		out[n] = figure{walls[n][runs/2], cpus[n][runs/2], peaks[n][runs/2]}
	}
	return out, nil
}

// measureOne measures one command.
func measureOne(runs int, name string, args ...string) (figure, error) {
	f, err := measure(runs, command{name: name, args: args})
	if err != nil {
		return figure{}, err
	}
	return f[0], nil
}

// A bench measures scans of images.
type bench struct {
	images string // directory of the images
	runs   int    // counted runs of each
	old    string // another build of assay; "" means none

	cache       string // cache directory of the scans
	assay, self string // the programs
}

func (b *bench) run(mirror string, names []string) error {
	work, err := os.MkdirTemp("", "assay-bench-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	assay, self := filepath.Join(work, "assay"), filepath.Join(work, "bench")
	for target, pkg := range map[string]string{assay: "./cmd/assay", self: "./bench"} {
		cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", target, pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w: %s", pkg, err, out)
		}
	}
	cache := filepath.Join(work, "cache")
	b.cache, b.assay, b.self = cache, assay, self
	if mirror != "" {
		if out, err := exec.Command(assay, "db", "build", "--cache-dir", cache, "--mirror", mirror).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "bench: database: %s", out)
		}
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "image\twhat\twall s\tcpu s\tpeak MB\tratio\tof\t")
	defer out.Flush()
	start, err := measureOne(b.runs, assay, "--help")
	if err != nil {
		return err
	}
	row(out, "-", "process start", start, "", start)
	if err := made(out, work, cache, assay, b.runs); err != nil {
		return err
	}
	for _, name := range names {
		if err := b.image(out, name); err != nil {
			return err
		}
	}
	return nil
}

func row(w io.Writer, image, what string, f figure, of string, limit figure) {
	ratio := ""
	if of != "" {
		ratio = fmt.Sprintf("%.2f", f.wall/limit.wall)
	}
	fmt.Fprintf(w, "%s\t%s\t%.3f\t%.3f\t%.0f\t%s\t%s\t\n", image, what, f.wall, f.cpu, float64(f.rss)/1e6, ratio, of)
}

// image measures one image in both forms.
func (b *bench) image(w io.Writer, name string) error {
	archive, layout := filepath.Join(b.images, name+".docker.tar"), filepath.Join(b.images, name+".oci")
	cat, err := measureOne(b.runs, "cat", archive)
	if err != nil {
		return err
	}
	row(w, name, "cat archive", cat, "", cat)
	if err := b.scans(w, name, "docker-archive", archive, "cat", cat); err != nil {
		return err
	}
	paths, err := layers(layout)
	if err != nil {
		return err
	}
	decoder, err := measureOne(b.runs, b.self, "-decode", layout)
	if err != nil {
		return err
	}
	row(w, name, "our decoder alone", decoder, "", decoder)
	if _, err := exec.LookPath("pigz"); err == nil {
		pigz, err := measureOne(b.runs, "sh", "-c", fmt.Sprintf("printf '%%s\\n' %s | xargs -P%d -n1 pigz -dc >/dev/null", strings.Join(paths, " "), runtime.NumCPU()))
		if err != nil {
			return err
		}
		row(w, name, "pigz -dc of the layers", pigz, "decoder", decoder)
	}
	return b.scans(w, name, "OCI gzip", layout, "decoder", decoder)
}

// scans measures scans of one form of an image, cold and cached, beside a limit
// and, where there is one, beside the other build.
func (b *bench) scans(w io.Writer, name, form, path, of string, limit figure) error {
	for _, m := range []struct {
		what string
		cold bool
	}{{"cold", true}, {"cached", false}} {
		var builds []command
		for _, program := range []string{b.assay, b.old} {
			if program == "" {
				continue
			}
			c, err := b.scan(program, path, m.cold)
			if err != nil {
				return err
			}
			builds = append(builds, c)
		}
		f, err := measure(b.runs, builds...)
		if err != nil {
			return err
		}
		row(w, name, form+", "+m.what, f[0], of, limit)
		if len(f) == 1 {
			continue
		}
		row(w, name, form+", "+m.what+", other build", f[1], of, limit)
		fmt.Fprintf(w, "%s\t%s\t\t\t\t%.2f\tother build\t\n", name, form+", "+m.what, f[0].wall/f[1].wall)
	}
	return nil
}

// scan is the scan of one image by one build. Each build has layers cached in a
// directory of its own, and the database of both is the same.
func (b *bench) scan(assay, path string, cold bool) (command, error) {
	cache := b.cache
	if assay == b.old {
		cache += "-old"
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return command{}, err
	}
	if err := os.Symlink(filepath.Join(b.cache, "db"), filepath.Join(cache, "db")); err != nil && !os.IsExist(err) {
		return command{}, err
	}
	before := func() error { return os.RemoveAll(filepath.Join(cache, "layers")) }
	if !cold {
		before = nil
	}
	args := []string{"image", "-q", "--offline", "--cache-dir", cache, "-f", "json", "-o", filepath.Join(cache, "report.json"), "--input", path}
	return command{assay, args, before}, nil
}

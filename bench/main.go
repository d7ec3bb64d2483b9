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
	images := flag.String("images", ".images", "folder that holds NAME.docker.tar and NAME.oci")
	runs := flag.Int("runs", 5, "counted runs of each, after one that is not")
	only := flag.String("only", "httpd,node,big", "names of images")
	mirror := flag.String("mirror", os.Getenv("ASSAY_MIRROR"), "mirror for the database")
	decode := flag.String("decode", "", "only decompress the layers of this OCI layout (what bench runs as a process of its own)")
	flag.Parse()
	var err error
	if *decode != "" {
		err = decodeLayers(*decode)
	} else {
		err = run(*images, *mirror, strings.Split(*only, ","), *runs)
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

func measure(runs int, before func() error, name string, args ...string) (figure, error) {
	var walls, cpus []float64
	var rss []int64
	for i := range runs + 1 {
		if before != nil {
			if err := before(); err != nil {
				return figure{}, err
			}
		}
		cmd := exec.CommandContext(context.Background(), name, args...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		start := time.Now()
		if err := cmd.Run(); err != nil {
			return figure{}, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, stderr.Bytes())
		}
		if i == 0 {
			continue
		}
		walls = append(walls, time.Since(start).Seconds())
		cpus = append(cpus, (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds())
		peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
		if runtime.GOOS != "darwin" { // which counts bytes, the others kilobytes
			peak <<= 10
		}
		rss = append(rss, int64(peak))
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	slices.Sort(rss)
	return figure{walls[runs/2], cpus[runs/2], rss[runs/2]}, nil
}

func run(images, mirror string, names []string, runs int) error {
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
	if mirror != "" {
		if out, err := exec.Command(assay, "db", "build", "--cache-dir", cache, "--mirror", mirror).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "bench: database: %s", out)
		}
	}
	out := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "image\twhat\twall s\tcpu s\tpeak MB\tratio\tof\t")
	defer out.Flush()
	start, err := measure(runs, nil, assay, "--help")
	if err != nil {
		return err
	}
	row(out, "-", "process start", start, "", start)
	if err := made(out, work, cache, assay, runs); err != nil {
		return err
	}
	for _, name := range names {
		if err := image(out, name, images, cache, assay, self, runs); err != nil {
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
func image(w io.Writer, name, images, cache, assay, self string, runs int) error {
	archive, layout := filepath.Join(images, name+".docker.tar"), filepath.Join(images, name+".oci")
	cold := func() error { return os.RemoveAll(filepath.Join(cache, "layers")) }
	scan := func(path string) []string {
		return []string{"image", "-q", "--offline", "--cache-dir", cache, "-f", "json", "-o", filepath.Join(cache, "report.json"), "--input", path}
	}
	cat, err := measure(runs, nil, "cat", archive)
	if err != nil {
		return err
	}
	row(w, name, "cat archive", cat, "", cat)
	for _, m := range []struct {
		what   string
		before func() error
	}{{"docker-archive, cold", cold}, {"docker-archive, cached", nil}} {
		f, err := measure(runs, m.before, assay, scan(archive)...)
		if err != nil {
			return err
		}
		row(w, name, m.what, f, "cat", cat)
	}
	paths, err := layers(layout)
	if err != nil {
		return err
	}
	decoder, err := measure(runs, nil, self, "-decode", layout)
	if err != nil {
		return err
	}
	row(w, name, "our decoder alone", decoder, "", decoder)
	if _, err := exec.LookPath("pigz"); err == nil {
		pigz, err := measure(runs, nil, "sh", "-c", fmt.Sprintf("printf '%%s\\n' %s | xargs -P%d -n1 pigz -dc >/dev/null", strings.Join(paths, " "), runtime.NumCPU()))
		if err != nil {
			return err
		}
		row(w, name, "pigz -dc of the layers", pigz, "decoder", decoder)
	}
	for _, m := range []struct {
		what   string
		before func() error
	}{{"OCI gzip, cold", cold}, {"OCI gzip, cached", nil}} {
		f, err := measure(runs, m.before, assay, scan(layout)...)
		if err != nil {
			return err
		}
		row(w, name, m.what, f, "decoder", decoder)
	}
	return nil
}

package main

import (
	"cmp"
	"context"
	"log/slog"
	"os"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/pflag"
)

// scanOptions are the flags of every command that scans something.
type scanOptions struct {
	*global
	db     dbOptions
	report reportOptions

	pkgTypes     []string
	relations    []string
	dev          bool
	skipDirs     []string
	skipFiles    []string
	filePatterns []string
	priority     string
	reachability string
	headers      bool
}

// The choices of flags.
var (
	packageKinds  = []string{"os", "library"}
	relationKinds = []string{string(scan.RelationUnknown), string(assay.RelationRoot), string(assay.RelationWorkspace), string(assay.RelationDirect), string(assay.RelationIndirect)}
	priorities    = []string{"precise", "comprehensive"}
	reaches       = []string{"on", "off"}
)

func (o *scanOptions) flags(f *pflag.FlagSet) {
	o.report.flags(f)
	o.targetFlags(f)
}

// targetFlags adds the flags that choose packages and advisories.
func (o *scanOptions) targetFlags(f *pflag.FlagSet) {
	o.db.flags(f)
	f.StringSliceVar(&o.pkgTypes, "pkg-types", packageKinds, "kinds of packages to scan: os, library")
	f.StringSliceVar(&o.pkgTypes, "vuln-type", packageKinds, "the same as --pkg-types")
	f.Lookup("vuln-type").Hidden = true
	f.StringSliceVar(&o.relations, "pkg-relationships", nil, "scan only packages that are: "+strings.Join(relationKinds, ", ")+" (default all)")
	f.BoolVar(&o.dev, "include-dev-deps", false, "include development dependencies")
	f.StringSliceVar(&o.skipDirs, "skip-dirs", nil, "skip these directories: paths in the target, with * and **; may be repeated")
	f.StringSliceVar(&o.skipFiles, "skip-files", nil, "skip these files: paths in the target, with * and **; may be repeated")
	f.StringSliceVar(&o.filePatterns, "file-patterns", nil, "`READER:REGEXP`: also read files with other names, such as requirements:\\.in$ (see assay readers)")
	f.StringVar(&o.priority, "detection-priority", priorities[0], "packages owned by OS packages: precise matches the distribution's advisories only, comprehensive matches all")
	f.StringVar(&o.reachability, "reachability", reaches[0], "on suppresses Go findings whose functions are not linked into the binary; off keeps them")
	f.BoolVar(&o.headers, "kernel-headers", false, "report kernel vulnerabilities in packages that contain only kernel headers")
}

// A target is what one command scans.
type target struct {
	kind     assay.TargetKind
	scopes   assay.Scope // 0: those of the kind
	open     func(context.Context, *progress) (*assay.Image, error)
	base     func(context.Context) (*scan.BaseRef, error) // the base image; may be nil
	registry assay.SourceOptions                          // of the registry with attached VEX documents
	verify   bool                                         // check every digest again
	cached   bool                                         // facts of layers may be cached
}

// run scans a target and writes the report.
func (o *scanOptions) run(ctx context.Context, t target) error {
	format, err := o.report.check()
	if err != nil {
		return err
	}
	request, err := o.request(t)
	if err != nil {
		return err
	}
	request.ListOnly = format.SBOM
	if err := o.report.place(); err != nil {
		return err
	}
	var r *assay.Report
	err = o.work(ctx, func(ctx context.Context, bars *progress) error {
		return o.scan(ctx, t, request, bars, func(_ context.Context, report *assay.Report, _ scan.Request) error {
			r = report
			return nil
		})
	})
	if err != nil {
		return err
	}
	if err := o.report.write(o.global, format, r); err != nil {
		return err
	}
	return o.report.gate.verdict(o.global, r)
}

// softMemory is how many bytes of memory a scan may take before garbage is collected
// sooner than when the heap has doubled. GOMEMLIMIT has priority.
const softMemory = 200 << 20

// scan opens a target, scans it, and calls visit with the report and its request
// while the target is open.
func (o *scanOptions) scan(ctx context.Context, t target, request scan.Request, bars *progress, visit func(context.Context, *assay.Report, scan.Request) error) error {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(softMemory)
	}
	if err := o.prepare(ctx, t, &request, bars); err != nil {
		return err
	}
	img, err := t.open(ctx, bars)
	if err != nil {
		return err
	}
	defer img.Close()
	slog.Debug("target opened", "name", img.Name, "source", img.Source, "id", img.ID, "layers", len(img.Layers))
	request.Image = img
	r, err := scan.Scan(ctx, request)
	if err != nil {
		return err
	}
	return visit(ctx, r, request)
}

// prepare opens the VEX documents, the base image and the database of a request.
func (o *scanOptions) prepare(ctx context.Context, t target, request *scan.Request, bars *progress) (err error) {
	request.Progress = bars.update()
	if t.kind == assay.KindFilesystem || t.kind == assay.KindRepository {
		if request.Maven, err = scan.OpenMaven(scan.MavenOptions{CacheDir: o.cacheDir, Offline: o.db.offline, Fetch: o.db.fetch(o.global, bars)}); err != nil {
			return err
		}
	}
	if request.ListOnly {
		return nil
	}
	if request.VEX, err = o.report.filter.vex.open(ctx, o.global, t, o.db.fetch(o.global, bars), o.db.offline); err != nil {
		return err
	}
	if t.base != nil {
		if request.Base, err = t.base(ctx); err != nil {
			return err
		}
	}
	database, err := o.db.open(o.global, bars)
	if err != nil {
		return err
	}
	request.Database = database
	return nil
}

// request builds the request from the flags, or returns which flag is invalid.
func (o *scanOptions) request(t target) (scan.Request, error) {
	r := scan.Request{Tool: tool(), Scopes: t.scopes, Verify: t.verify, Warn: o.warn}
	for _, c := range []struct {
		flag    string
		values  []string
		choices []string
	}{{"--pkg-types", o.pkgTypes, packageKinds}, {"--pkg-relationships", o.relations, relationKinds},
		{"--detection-priority", []string{o.priority}, priorities}, {"--reachability", []string{o.reachability}, reaches}} {
		for i, v := range c.values {
			if c.values[i] = strings.TrimSpace(v); !slices.Contains(c.choices, c.values[i]) {
				return r, usagef("%s %q: want one of %s", c.flag, v, strings.Join(c.choices, ", "))
			}
		}
	}
	if len(o.pkgTypes) == 0 {
		return r, usagef("--pkg-types is empty: give os, library or both")
	}
	r.Packages = scan.Packages{NoSystem: !slices.Contains(o.pkgTypes, "os"), NoOthers: !slices.Contains(o.pkgTypes, "library"), Dev: o.dev}
	for _, relation := range o.relations {
		r.Packages.Relations = append(r.Packages.Relations, assay.Relation(relation))
	}
	r.Matching = scan.Matching{Comprehensive: o.priority == "comprehensive", AllSymbols: o.reachability == "off", KernelHeaders: o.headers}
	r.Skip = scan.Skip{Dirs: o.skipDirs, Files: o.skipFiles}
	var err error
	if r.FilePatterns, err = filePatterns(o.filePatterns); err != nil {
		return r, err
	}
	if t.cached {
		dir, err := scan.CacheDir(o.cacheDir)
		if err != nil {
			return r, err
		}
		r.Cache = scan.LayerCache(dir)
	}
	if r.Filter, r.Suppressors, err = o.report.filter.load(); err != nil {
		return r, err
	}
	return r, cmp.Or(r.Check(t.kind), o.db.check())
}

// trivyReaders maps the names of Trivy's --file-patterns to our readers, where the
// names differ.
var trivyReaders = map[string]string{
	"npm": "npm-lock", "yarn": "yarn-lock", "pnpm": "pnpm-lock", "bun": "bun-lock", "pip": "requirements", "pipenv": "pipfile-lock", "poetry": "poetry-lock", "uv": "uv-lock",
	"gomod": "go-mod", "gobinary": "go-binary", "cargo": "cargo-lock", "rustbinary": "cargo-auditable", "jar": "java-archive", "pom": "maven-pom", "gradle-lockfile": "gradle-lock",
	"dotnet-core": "dotnet-deps", "packages-props": "nuget-props", "nuget": "nuget-lock", "composer": "composer-lock", "bundler": "gemfile-lock", "swift": "swift-resolved",
	"cocoapods": "podfile-lock", "pubspec-lock": "pubspec-lock", "mix-lock": "mix-lock", "conan-lock": "conan-lock", "julia": "julia-manifest", "conda-pkg": "conda",
}

// filePatterns reads --file-patterns.
func filePatterns(patterns []string) (all []scan.FilePattern, _ error) {
	names := scan.Readers()
	slices.Sort(names)
	for _, p := range patterns {
		name, expr, ok := strings.Cut(p, ":")
		if name = strings.TrimSpace(name); !ok || expr == "" {
			return nil, usagef("--file-patterns %q: want READER:REGEXP", p)
		}
		if ours := trivyReaders[name]; ours != "" {
			name = ours
		}
		if !slices.Contains(names, name) {
			return nil, usagef("--file-patterns %q: unknown reader %s; want one of %s", p, name, strings.Join(names, ", "))
		}
		re, err := regexp.Compile(expr)
		if err != nil {
			return nil, usagef("--file-patterns %q: %w", p, err)
		}
		all = append(all, scan.FilePattern{Reader: name, Path: re})
	}
	return all, nil
}

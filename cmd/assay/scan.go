package main

import (
	"cmp"
	"context"
	"log/slog"
	"regexp"
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

// targetFlags are those about what is looked at, and which advisories are asked.
func (o *scanOptions) targetFlags(f *pflag.FlagSet) {
	o.db.flags(f)
	f.StringSliceVar(&o.pkgTypes, "pkg-types", packageKinds, "kinds of packages to look at: os,library")
	f.StringSliceVar(&o.pkgTypes, "vuln-type", packageKinds, "the same as --pkg-types")
	f.Lookup("vuln-type").Hidden = true
	f.StringSliceVar(&o.relations, "pkg-relationships", nil, "only packages that are: "+strings.Join(relationKinds, ", ")+" (default all)")
	f.BoolVar(&o.dev, "include-dev-deps", false, "include packages that only development needs")
	f.StringSliceVar(&o.skipDirs, "skip-dirs", nil, "directories to skip: paths inside the target, with * and **; may be repeated")
	f.StringSliceVar(&o.skipFiles, "skip-files", nil, "files to skip: paths inside the target, with * and **; may be repeated")
	f.StringSliceVar(&o.filePatterns, "file-patterns", nil, "`READER:REGEXP`: also read files of other names, such as requirements:\\.in$ (see assay readers)")
	f.StringVar(&o.priority, "detection-priority", priorities[0], "precise: match what OS packages own with the distribution's advisories only; comprehensive: with all")
	f.StringVar(&o.reachability, "reachability", reaches[0], "on: suppress Go findings whose functions the binary does not link; off: keep them")
	f.BoolVar(&o.headers, "kernel-headers", false, "count the kernel's vulnerabilities in packages that hold its headers only")
}

// A target is what one command scans.
type target struct {
	kind     assay.TargetKind
	scopes   assay.Scope // 0: those of the kind
	open     func(context.Context, *progress) (*assay.Image, error)
	base     func(context.Context) (*scan.BaseRef, error) // the image that it was built on; may be nil
	registry assay.SourceOptions                          // where documents are attached to it
	verify   bool                                         // check every digest again
	cached   bool                                         // what layers hold may be remembered
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

// scan opens a target and scans it. The report is handed to visit while the target
// is open, with the request by which it was made.
func (o *scanOptions) scan(ctx context.Context, t target, request scan.Request, bars *progress, visit func(context.Context, *assay.Report, scan.Request) error) error {
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

// prepare completes a request with what is opened: VEX documents, the base image,
// the database.
func (o *scanOptions) prepare(ctx context.Context, t target, request *scan.Request, bars *progress) (err error) {
	request.Progress = bars.update()
	if request.ListOnly {
		return nil
	}
	if request.VEX, err = o.report.filter.vex.open(ctx, o.global, t, o.db.fetch(bars), o.db.offline); err != nil {
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

// request is what the flags say, or which of them cannot be meant.
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
				return r, usagef("%s %q is none of %s", c.flag, v, strings.Join(c.choices, ", "))
			}
		}
	}
	if len(o.pkgTypes) == 0 {
		return r, usagef("--pkg-types is empty: name os, library or both")
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

// trivyReaders gives readers by what Trivy's --file-patterns calls them, where
// that is another name.
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
			return nil, usagef("--file-patterns %q is not READER:REGEXP", p)
		}
		if ours := trivyReaders[name]; ours != "" {
			name = ours
		}
		if !slices.Contains(names, name) {
			return nil, usagef("--file-patterns %q: no reader %s; there are %s", p, name, strings.Join(names, ", "))
		}
		re, err := regexp.Compile(expr)
		if err != nil {
			return nil, usagef("--file-patterns %q: %w", p, err)
		}
		all = append(all, scan.FilePattern{Reader: name, Path: re})
	}
	return all, nil
}

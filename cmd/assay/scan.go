package main

import (
	"cmp"
	"context"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/cache"
	"github.com/assaysec/assay/internal/inventory"
	"github.com/assaysec/assay/internal/match"
	"github.com/assaysec/assay/internal/reader"
	"github.com/assaysec/assay/internal/triage"
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
	f.BoolVar(&o.dev, "include-dev-deps", false, "packages that are needed for development only, too")
	f.StringSliceVar(&o.skipDirs, "skip-dirs", nil, "folders not to look into: paths inside the target, with * and **; may be repeated")
	f.StringSliceVar(&o.skipFiles, "skip-files", nil, "files not to look at: paths inside the target, with * and **; may be repeated")
	f.StringSliceVar(&o.filePatterns, "file-patterns", nil, "`READER:REGEXP`: read files of other names, too, such as requirements:\\.in$ (see assay readers)")
	f.StringVar(&o.priority, "detection-priority", priorities[0], "precise: what the system's packages brought is matched by the distribution's advisories only; comprehensive: by all")
	f.StringVar(&o.reachability, "reachability", reaches[0], "on: leave out Go findings whose functions the binary does not link; off: keep them")
	f.BoolVar(&o.headers, "kernel-headers", false, "count the kernel's vulnerabilities in packages that hold its headers only, too")
}

// What the kinds of targets are looked at for.
const (
	imageScopes      = assay.ScopeSystem | assay.ScopeInstalled
	folderScopes     = assay.ScopeSystem | assay.ScopeDeclared
	repositoryScopes = assay.ScopeDeclared
)

// A target is what one run scans.
type target struct {
	open   func(context.Context, *progress) (*assay.Image, error)
	scopes assay.Scope
	verify bool // check every digest again
	cached bool // layers may be remembered

	base  func(context.Context) (*scan.BaseRef, error)              // the image that it was built on; may be nil
	saved *assay.Report                                             // of an earlier scan, in place of one
	visit func(context.Context, *scan.Scanner, *assay.Report) error // is called with the report while the database is open; may be nil
	vex   vexTarget                                                 // how documents about it are found
}

// run scans a target and writes the report.
func (o *scanOptions) run(ctx context.Context, t target) error {
	format, keep, err := o.report.check()
	if err != nil {
		return err
	}
	s, err := o.scanner(t.scopes)
	if err != nil {
		return err
	}
	s.Triage, s.Verify, s.NoMatch = keep, t.verify, format.SBOM
	if err := o.report.place(); err != nil {
		return err
	}
	ctx, cancel := o.limited(ctx)
	defer cancel()
	bars := o.progress(ctx)
	defer bars.end()
	r, err := o.scan(ctx, s, t, bars)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	bars.end()
	if err := o.report.write(o.global, format, r); err != nil {
		return err
	}
	return o.report.gate.verdict(r)
}

// scanner makes of the flags what a scan is told, or says which cannot be meant.
func (o *scanOptions) scanner(scopes assay.Scope) (*scan.Scanner, error) {
	s := &scan.Scanner{Build: build(), Tool: tool()}
	for _, c := range []struct {
		flag    string
		values  []string
		choices []string
	}{{"--pkg-types", o.pkgTypes, packageKinds}, {"--pkg-relationships", o.relations, relationKinds},
		{"--detection-priority", []string{o.priority}, priorities}, {"--reachability", []string{o.reachability}, reaches}} {
		for i, v := range c.values {
			if c.values[i] = strings.TrimSpace(v); !slices.Contains(c.choices, c.values[i]) {
				return nil, usagef("%s %q is none of %s", c.flag, v, strings.Join(c.choices, ", "))
			}
		}
	}
	if len(o.pkgTypes) == 0 {
		return nil, usagef("--pkg-types is empty: name os, library or both")
	}
	s.Packages = scan.Packages{NoSystem: !slices.Contains(o.pkgTypes, "os"), NoOthers: !slices.Contains(o.pkgTypes, "library"), Dev: o.dev}
	for _, r := range o.relations {
		s.Packages.Relations = append(s.Packages.Relations, assay.Relation(r))
	}
	if s.Scopes = scopes; s.Packages.NoOthers {
		s.Scopes = scopes & (assay.ScopeSystem | assay.ScopeSBOM)
	}
	if s.Scopes == 0 {
		return nil, usagef("--pkg-types os: a repository of source code holds no packages of the system")
	}
	s.Match = match.Options{Comprehensive: o.priority == "comprehensive", AllSymbols: o.reachability == "off", KernelHeaders: o.headers}
	var err error
	if s.Skip, err = inventory.NewSkip(o.skipDirs, o.skipFiles); err != nil {
		return nil, usagef("--skip-dirs or --skip-files: %w", err)
	}
	if s.More, err = more(o.filePatterns); err != nil {
		return nil, err
	}
	return s, o.db.check()
}

// trivyReaders gives readers by what Trivy's --file-patterns calls them, where
// that is another name.
var trivyReaders = map[string]string{
	"npm": "npm-lock", "yarn": "yarn-lock", "pnpm": "pnpm-lock", "bun": "bun-lock", "pip": "requirements", "pipenv": "pipfile-lock", "poetry": "poetry-lock", "uv": "uv-lock",
	"gomod": "go-mod", "gobinary": "go-binary", "cargo": "cargo-lock", "rustbinary": "cargo-auditable", "jar": "java-archive", "pom": "maven-pom", "gradle-lockfile": "gradle-lock",
	"dotnet-core": "dotnet-deps", "packages-props": "nuget-props", "nuget": "nuget-lock", "composer": "composer-lock", "bundler": "gemfile-lock", "swift": "swift-resolved",
	"cocoapods": "podfile-lock", "pubspec-lock": "pubspec-lock", "mix-lock": "mix-lock", "conan-lock": "conan-lock", "julia": "julia-manifest", "conda-pkg": "conda",
}

// more reads --file-patterns.
func more(patterns []string) (all []inventory.More, _ error) {
	var names []string
	for _, r := range reader.All() {
		names = append(names, r.Name())
	}
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
		all = append(all, inventory.More{Reader: name, Path: re})
	}
	return all, nil
}

// scan makes the report on a target, or takes the one that was saved.
func (o *scanOptions) scan(ctx context.Context, s *scan.Scanner, t target, bars *progress) (r *assay.Report, err error) {
	dir, err := o.cache()
	if err != nil {
		return nil, err
	}
	documents := &o.report.filter.vex
	if s.NoMatch && t.saved == nil {
		documents = &vexOptions{}
	}
	if err := documents.ready(ctx, dir, t.vex, &o.db, bars); err != nil {
		return nil, err
	}
	var img *assay.Image
	if r = t.saved; r == nil {
		img, err = o.openTarget(ctx, s, t, documents, bars)
	} else {
		err = documents.openedAs(ctx, r, t.vex)
		if err == nil && t.base != nil {
			if s.Base, err = t.base(ctx); err == nil {
				s.Rebase(r)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if img != nil && img.Close != nil {
		defer img.Close()
	}
	if !s.NoMatch {
		database, err := o.db.open(o.global, dir, bars)
		if err != nil {
			return nil, err
		}
		defer database.Close()
		s.Advisories = database
	}
	if s.Progress = bars.update(); t.cached {
		s.Cache = &cache.Dir{Path: filepath.Join(dir, "layers")}
	}
	if r == nil {
		r, err = s.Scan(ctx, img)
	} else {
		err = triage.Apply(ctx, r, s.Triage)
	}
	if err == nil {
		err = documents.done(ctx, r)
	}
	if err != nil || t.visit == nil {
		return r, err
	}
	return r, t.visit(ctx, s, r)
}

// openTarget opens the target, with what is attached to it and what it was built
// on.
func (o *scanOptions) openTarget(ctx context.Context, s *scan.Scanner, t target, documents *vexOptions, bars *progress) (_ *assay.Image, err error) {
	img, err := t.open(ctx, bars)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && img.Close != nil {
			img.Close()
		}
	}()
	slog.Debug("target opened", "name", img.Name, "source", img.Source, "id", img.ID, "layers", len(img.Layers))
	if err := documents.opened(ctx, img, t.vex); err != nil {
		return nil, err
	}
	if t.base != nil {
		if s.Base, err = t.base(ctx); err != nil {
			return nil, err
		}
	}
	return img, nil
}

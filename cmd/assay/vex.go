package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/database/fetch"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/oci/signature"
	"github.com/assaysec/assay/internal/suppress/attestation"
	"github.com/assaysec/assay/internal/suppress/vex"
	"github.com/assaysec/assay/internal/suppress/vexhub"
	"github.com/assaysec/assay/internal/triage"
	"github.com/spf13/pflag"
)

// Sources of VEX documents besides files, as Trivy calls them.
const (
	vexRepo = "repo"
	vexOCI  = "oci"
	vexSBOM = "sbom-ref"
)

// maxVEXFiles bounds the documents of a folder, and all that are named.
const maxVEXFiles = 1000

// vexOptions are the flags about documents that say what is not affected.
type vexOptions struct {
	sources    []string
	key        string
	skipUpdate bool
	config     string // of repositories; "" means below the user's configuration folder

	from       getterOptions // of repositories, where nothing else is fetched
	verify     *signature.Key
	suppressor *triage.VEX // nil when there are no sources
}

func (o *vexOptions) flags(f *pflag.FlagSet) {
	f.StringSliceVar(&o.sources, "vex", nil, "rule findings out by VEX documents (OpenVEX, CSAF, CycloneDX): a `FILE` or folder of them, repo (see assay vex repo), oci (attached to the image in its registry), sbom-ref (that a scanned CycloneDX names); may be repeated")
	f.StringVar(&o.key, "vex-key", "", "`FILE` with the public key (cosign's) that must have signed what --vex oci finds")
	f.BoolVar(&o.skipUpdate, "skip-vex-repo-update", false, "use VEX repositories as they are here, and fetch nothing")
	o.configFlag(f)
}

func (o *vexOptions) configFlag(f *pflag.FlagSet) {
	f.StringVar(&o.config, "vex-config", "", "`FILE` with the VEX repositories (default assay/vex/repository.yaml in the user's configuration folder, else Aqua's VEX Hub)")
}

func (o *vexOptions) has(source string) bool { return slices.Contains(o.sources, source) }

// load reads what is named, and refuses what cannot be meant. The suppressor is nil
// when nothing is.
func (o *vexOptions) load() (triage.Suppressor, error) {
	if o.key != "" && !o.has(vexOCI) {
		return nil, usagef("--vex-key is of what is attached to images: it goes with --vex oci")
	}
	if o.skipUpdate && !o.has(vexRepo) {
		return nil, usagef("--skip-vex-repo-update is of VEX repositories: it goes with --vex repo")
	}
	if len(o.sources) == 0 {
		return nil, nil
	}
	if o.key != "" {
		var err error
		if o.verify, err = signature.LoadKey(o.key); err != nil {
			return nil, usagef("--vex-key: %w", err)
		}
	}
	o.suppressor = &triage.VEX{}
	for _, s := range o.sources {
		switch s {
		case vexRepo, vexOCI, vexSBOM:
			continue
		}
		files, err := vexFiles(s)
		if err != nil {
			return nil, usagef("--vex: %w", err)
		}
		if len(o.suppressor.Documents)+len(files) > maxVEXFiles {
			return nil, usagef("--vex: over %d documents: %w", maxVEXFiles, assay.ErrTooLarge)
		}
		for _, name := range files {
			d, err := readVEX(name)
			if err != nil {
				return nil, usagef("--vex: %s: %w", name, err)
			}
			o.suppressor.Documents = append(o.suppressor.Documents, triage.VEXDocument{Name: name, Document: d})
		}
	}
	return o.suppressor, nil
}

// vexFiles lists the file that is named, or those of a folder that end in
// .json.
func vexFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%s: there is no such file; besides files there are %s, %s and %s", name, vexRepo, vexOCI, vexSBOM)
		}
		return nil, err
	}
	if !info.IsDir() {
		return []string{name}, nil
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if !e.IsDir() && filepath.Ext(e.Name()) == ".json" {
			out = append(out, filepath.Join(name, e.Name()))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no file in it ends in .json", name)
	}
	return out, nil
}

// readVEX reads a document, all of which must be right.
func readVEX(name string) (*vex.Document, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseVEX(f)
}

// parseVEX reads a document that must be right, or says in which line it is not.
func parseVEX(r io.Reader) (*vex.Document, error) {
	b, err := limit.ReadAll(r, vex.MaxDocument)
	if err != nil {
		return nil, err
	}
	d, err := vex.Read(bytes.NewReader(b))
	return d, inLine(b, err)
}

// vexOffset begins errors that tell a place in a document.
var vexOffset = regexp.MustCompile(`^offset (\d+): `)

// inLine tells the line instead of the offset.
func inLine(b []byte, err error) error {
	if err == nil {
		return nil
	}
	n, text := 0, err.Error()
	var fault *vex.ParseError
	if errors.As(err, &fault) {
		n = fault.Offset(b)
	} else if m := vexOffset.FindStringSubmatch(text); m != nil {
		n, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
	} else {
		return err
	}
	before := b[:min(max(n, 0), len(b))]
	return &placed{fmt.Sprintf("line %d, column %d: %s", 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n'), text), err}
}

// placed is an error that says where in other words.
type placed struct {
	text string
	err  error
}

func (e *placed) Error() string { return e.text }
func (e *placed) Unwrap() error { return e.err }

// vexTarget is what documents can be found by, besides what the report says.
type vexTarget struct {
	registry *assay.SourceOptions          // for --vex oci; nil where nothing is attached to the target
	bill     func() (io.ReadCloser, error) // for --vex sbom-ref and BOM-Links; nil where there is none
}

// ready gets what must be there before the target is opened: copies of
// repositories, and what a bill of materials says of itself.
func (o *vexOptions) ready(ctx context.Context, cacheDir string, t vexTarget, db *dbOptions, bars *progress) error {
	if o.suppressor == nil {
		return nil
	}
	if o.has(vexOCI) && t.registry == nil {
		return usagef("--vex oci is of images, in registries; name a file, or use repo")
	}
	if o.has(vexSBOM) && t.bill == nil {
		return usagef("--vex sbom-ref is of bills of materials that are scanned (assay sbom)")
	}
	if t.bill != nil {
		if err := o.readSBOM(ctx, cacheDir, t, db, bars); err != nil {
			return err
		}
	}
	if !o.has(vexRepo) {
		return nil
	}
	return o.hubs(ctx, cacheDir, &db.getterOptions, o.skipUpdate || db.offline, bars)
}

// hubs brings the repositories up to date and makes the suppressor look into them.
func (o *vexOptions) hubs(ctx context.Context, cacheDir string, from *getterOptions, skip bool, bars *progress) error {
	repositories, err := o.repositories()
	if err != nil {
		return err
	}
	h, err := hubsOf(cacheDir, from, bars)
	if err != nil {
		return err
	}
	if skip {
		h.Fetch = nil
	}
	var gaps []assay.Gap
	for _, r := range repositories {
		if !r.Enabled {
			continue
		}
		_, old, err := h.Update(ctx, r, false)
		if err != nil {
			return err
		}
		if old != nil {
			gaps = append(gaps, assay.Gap{Where: "VEX repository " + r.Name, What: old.Error()})
		}
	}
	o.suppressor.Source = func(ctx context.Context, names []string) (out []triage.VEXDocument, all []assay.Gap, _ error) {
		docs, more, err := h.Find(ctx, repositories, names)
		for _, d := range docs {
			out = append(out, triage.VEXDocument{Name: d.Name, Document: d.Document})
		}
		return out, append(slices.Clone(gaps), more...), err
	}
	return nil
}

func (o *vexOptions) repositories() ([]vexhub.Repository, error) {
	file, err := o.configFile()
	if err != nil {
		return nil, err
	}
	if o.config != "" && !exists(file) {
		return nil, usagef("--vex-config %s: there is no such file", file)
	}
	all, err := vexhub.Load(file)
	if err != nil {
		return nil, usagef("VEX repositories: %w", err)
	}
	return all, nil
}

func (o *vexOptions) configFile() (string, error) {
	if o.config != "" {
		return o.config, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", usagef("no configuration folder: %w (name a file with --vex-config)", err)
	}
	return filepath.Join(dir, "assay", "vex", "repository.yaml"), nil
}

// hubsOf are the copies of repositories in the cache.
func hubsOf(cacheDir string, from *getterOptions, bars *progress) (*vexhub.Hubs, error) {
	all, hosts, err := from.split()
	if err != nil {
		return nil, err
	}
	h := &vexhub.Hubs{Dir: filepath.Join(cacheDir, "vex", "repositories")}
	if h.Fetch, err = from.getter(cacheDir, bars); err != nil {
		return nil, err
	}
	h.Cached, err = fetch.New(fetch.Options{Dir: documentsDir(cacheDir), Mirror: all, Hosts: hosts, Offline: true})
	return h, err
}

// opened gets what is attached to an image that was opened. What cannot be got
// is a gap of it.
func (o *vexOptions) opened(ctx context.Context, img *assay.Image, t vexTarget) error {
	if o.suppressor == nil || !o.has(vexOCI) {
		return nil
	}
	docs, gaps, err := attestation.Find(ctx, img, attestation.Options{Options: registryclient.Options{SourceOptions: *t.registry}, Key: o.verify})
	if err != nil {
		return fmt.Errorf("--vex oci: %w", err)
	}
	img.Gaps = append(img.Gaps, gaps...)
	for _, d := range docs {
		name := d.Name
		if !d.Verified {
			name += ", not verified"
		}
		o.suppressor.Documents = append(o.suppressor.Documents, triage.VEXDocument{Name: name, Document: d.Document, Attached: true})
	}
	switch {
	case len(docs) == 0:
		slog.Warn("--vex oci: no VEX document is attached to the image", "image", img.Name, "refused or not read", len(gaps))
	case o.verify == nil:
		slog.Warn("--vex oci: signatures were not verified: name the key with --vex-key", "image", img.Name, "documents", len(docs))
	}
	return nil
}

// openedAs is opened for the image of a saved report.
func (o *vexOptions) openedAs(ctx context.Context, r *assay.Report, t vexTarget) error {
	i := &r.Image
	img := &assay.Image{Name: i.Name, Source: cmp.Or(i.Source, "a report"), Digest: i.Digest, RepoDigests: i.RepoDigests, Platform: i.Platform}
	err := o.opened(ctx, img, t)
	r.Gaps = append(r.Gaps, img.Gaps...)
	return err
}

// readSBOM reads what a bill of materials calls its parts, and the documents
// that it names.
func (o *vexOptions) readSBOM(ctx context.Context, cacheDir string, t vexTarget, db *dbOptions, bars *progress) error {
	in, err := t.bill()
	if err != nil {
		return nil // which whoever scans it will say
	}
	defer in.Close()
	b, err := limit.ReadAll(in, vex.MaxDocument)
	if err != nil {
		return nil
	}
	bill, err := vex.ParseSBOM(b)
	if err != nil {
		if o.has(vexSBOM) {
			return usagef("--vex sbom-ref: only bills of CycloneDX in JSON name documents: %w", err)
		}
		slog.Debug("documents cannot name parts of this bill by BOM-Links", "err", err)
		return nil
	}
	o.suppressor.SBOM = bill
	if !o.has(vexSBOM) {
		return nil
	}
	if len(bill.Documents) == 0 {
		return errors.New("--vex sbom-ref: the bill of materials names no VEX document (an external reference of type exploitability-statement)")
	}
	g, err := db.getter(cacheDir, bars)
	if err != nil {
		return err
	}
	for _, at := range bill.Documents {
		d, err := getVEX(ctx, g, at)
		if err != nil {
			return fmt.Errorf("--vex sbom-ref: %w", err)
		}
		o.suppressor.Documents = append(o.suppressor.Documents, triage.VEXDocument{Name: at, Document: d, OfSBOM: true})
	}
	return nil
}

// getVEX gets a document that a bill names. Files are refused, for whoever wrote
// the bill has no business with those of this machine.
func getVEX(ctx context.Context, g assay.Getter, at string) (*vex.Document, error) {
	if u, err := url.Parse(at); err != nil || u.Scheme != "https" {
		return nil, fmt.Errorf("%.200q is no address that begins with https://: %w", at, assay.ErrUnsupported)
	}
	body, err := g.Get(ctx, at)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	d, err := parseVEX(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return d, nil
}

// done says which documents were of no use.
func (o *vexOptions) done(ctx context.Context, r *assay.Report) error {
	if o.suppressor == nil {
		return nil
	}
	all, err := o.suppressor.Warnings(ctx, r)
	for _, w := range all {
		slog.Warn("--vex: " + w)
	}
	return cmp.Or(err, ctx.Err())
}

// convert is ready and opened for a saved report.
func (o *vexOptions) convert(ctx context.Context, g *global) error {
	switch {
	case o.suppressor == nil:
		return nil
	case o.has(vexOCI), o.has(vexSBOM):
		return usagef("--vex oci and sbom-ref are of scans; of a saved report name files, or use repo")
	case !o.has(vexRepo):
		return nil
	}
	return g.withCache(ctx, func(ctx context.Context, dir string, bars *progress) error {
		return o.hubs(ctx, dir, &o.from, o.skipUpdate, bars)
	})
}

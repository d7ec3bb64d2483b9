package scan

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/oci/signature"
	"github.com/assaysec/assay/internal/suppress/attestation"
	"github.com/assaysec/assay/internal/suppress/vex"
	"github.com/assaysec/assay/internal/suppress/vexhub"
	"github.com/assaysec/assay/internal/triage"
)

// Sources of VEX documents besides files, with Trivy's names.
const (
	VEXRepositories = "repo"     // copies of VEX repositories
	VEXAttached     = "oci"      // attached to the image in its registry
	VEXReferenced   = "sbom-ref" // named by the scanned SBOM
)

// sourceRegistry is the source of images that come from a registry, even offline.
const sourceRegistry = "registry"

// maxVEXFiles bounds the documents of a directory, and all named documents.
const maxVEXFiles = 1000

// VEXOptions are the sources of VEX documents.
type VEXOptions struct {
	Sources    []string            // files, directories of .json files, VEXRepositories, VEXAttached, VEXReferenced
	Target     assay.TargetKind    // the kind of the target; "" means an image
	Key        string              // file with the public key (cosign's) that must have signed the documents of VEXAttached; "" means that no signature is needed
	Config     string              // file with the VEX repositories; "" means VEXConfig
	SkipUpdate bool                // use the copies of VEX repositories without an update
	Offline    bool                // use no network: SkipUpdate, documents fetched before, and VEXAttached only for images that come from a registry
	CacheDir   string              // directory of the copies of repositories; "" means assay in the user's cache directory
	Fetch      FetchOptions        // options for fetching repositories, and documents that SBOMs name
	Registry   assay.SourceOptions // options for access to the image's registry
}

// A VEX has VEX documents, and finds those about a target. It may serve any
// number of scans at once.
type VEX struct {
	options   VEXOptions
	documents []triage.VEXDocument // from files
	key       *signature.Key

	hubs         *vexhub.Hubs // nil without VEXRepositories
	repositories []vexhub.Repository
	updating     sync.Mutex  // held while the copies are updated
	updated      time.Time   // guarded by updating; zero before the first update
	mu           sync.Mutex  // of old
	old          []assay.Gap // copies that could not be updated
}

// OpenVEX reads the named documents, which must be valid, and updates copies of
// repositories. The error is an OptionError if a document or an option is
// invalid.
func OpenVEX(ctx context.Context, o VEXOptions) (*VEX, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	o.SkipUpdate = o.SkipUpdate || o.Offline
	v := &VEX{options: o}
	if o.Key != "" {
		var err error
		if v.key, err = signature.LoadKey(o.Key); err != nil {
			return nil, &OptionError{"vex-key", err}
		}
	}
	for _, s := range o.Sources {
		switch s {
		case VEXRepositories, VEXAttached, VEXReferenced:
			continue
		}
		if err := v.read(s); err != nil {
			return nil, &OptionError{"vex", err}
		}
	}
	if v.hasSource(VEXRepositories) {
		var err error
		if v.hubs, v.repositories, err = o.hubs(); err != nil {
			return nil, err
		}
		if err := v.update(ctx); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (v *VEX) hasSource(source string) bool { return v.options.hasSource(source) }

func (o *VEXOptions) hasSource(source string) bool { return slices.Contains(o.Sources, source) }

// Check returns an OptionError if an option is invalid.
func (o *VEXOptions) Check() error {
	switch {
	case o.Key != "" && !o.hasSource(VEXAttached):
		return &OptionError{"vex-key", errors.New("requires --vex oci")}
	case o.SkipUpdate && !o.hasSource(VEXRepositories):
		return &OptionError{"skip-vex-repo-update", errors.New("requires --vex repo")}
	case o.hasSource(VEXAttached) && !o.Target.IsImage():
		return &OptionError{"vex", errors.New("oci is for images in registries; name a file, or use repo")}
	case o.hasSource(VEXReferenced) && o.Target != assay.KindSBOM:
		return &OptionError{"vex", errors.New("sbom-ref requires an SBOM as target (assay sbom)")}
	}
	return nil
}

// read reads a file, or the files of a directory.
func (v *VEX) read(name string) error {
	files, err := vexFiles(name)
	if err != nil {
		return err
	}
	if len(v.documents)+len(files) > maxVEXFiles {
		return fmt.Errorf("over %d documents: %w", maxVEXFiles, assay.ErrTooLarge)
	}
	for _, file := range files {
		d, err := readVEX(file, file != name)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		v.documents = append(v.documents, triage.VEXDocument{Name: file, Document: d})
	}
	return nil
}

// vexFiles lists the named file, or the .json files of a directory.
func vexFiles(name string) ([]string, error) {
	info, err := os.Stat(name)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%s: no such file; besides files there are %s, %s and %s", name, VEXRepositories, VEXAttached, VEXReferenced)
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
		return nil, fmt.Errorf("%s: contains no .json file", name)
	}
	return out, nil
}

// readVEX reads a document; one that a directory has must be a regular file.
func readVEX(name string, inDirectory bool) (*vex.Document, error) {
	open := os.Open
	if inDirectory {
		open = limit.OpenRegular
	}
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return vex.Read(f)
}

// update updates the copies of repositories whose update interval has passed. If
// another scan is updating them, or did a moment ago, this scan uses the existing
// copies.
func (v *VEX) update(ctx context.Context) error {
	if v.hubs == nil || !v.updating.TryLock() {
		return nil
	}
	defer v.updating.Unlock()
	if !v.updated.IsZero() && time.Since(v.updated) < retryAfter {
		return nil
	}
	hubs := *v.hubs
	if hubs.Fetch != nil { // a Fetcher asks for each document once
		var err error
		if hubs.Fetch, err = v.options.fetcher(); err != nil {
			return err
		}
	}
	var gaps []assay.Gap
	for _, r := range v.repositories {
		if !r.Enabled {
			continue
		}
		_, old, err := hubs.Update(ctx, r, false)
		if err != nil {
			return err
		}
		if old != nil {
			gaps = append(gaps, assay.Gap{Where: "VEX repository " + r.Name, What: old.Error()})
		}
	}
	v.updated = time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.old = gaps
	return nil
}

// fetcher creates what fetches documents, in the cache directory.
func (o *VEXOptions) fetcher() (assay.Getter, error) {
	dir, err := CacheDir(o.CacheDir)
	if err != nil {
		return nil, err
	}
	return o.Fetch.getter(dir)
}

// suppressor is the suppressor for one target, with the documents that are
// attached to an image or named by an SBOM. Gaps report unreadable ones.
func (v *VEX) suppressor(ctx context.Context, img *assay.Image, warn func(string)) (assay.Suppressor, []assay.Gap, error) {
	s := &triage.VEX{Documents: slices.Clone(v.documents)}
	gaps, err := v.attached(ctx, img, s, warn)
	if err != nil {
		return nil, nil, err
	}
	if img.Kind == assay.KindSBOM {
		if err := v.referenced(ctx, img, s); err != nil {
			return nil, nil, err
		}
	}
	if v.hubs != nil {
		if err := v.update(ctx); err != nil {
			return nil, nil, err
		}
		s.Source = v.find
	}
	return s, gaps, nil
}

// find searches the copies of repositories.
func (v *VEX) find(ctx context.Context, names []string) (out []triage.VEXDocument, _ []assay.Gap, _ error) {
	docs, gaps, err := v.hubs.Find(ctx, v.repositories, names)
	for _, d := range docs {
		out = append(out, triage.VEXDocument{Name: printable.NoCredentials(d.Name), Document: d.Document})
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return out, append(slices.Clone(v.old), gaps...), err
}

// attached adds the documents that are attached to an image.
func (v *VEX) attached(ctx context.Context, img *assay.Image, to *triage.VEX, warn func(string)) ([]assay.Gap, error) {
	if !v.hasSource(VEXAttached) {
		return nil, nil
	}
	known := len(img.RepoDigests) > 0 || registryclient.SignatureRepository(v.options.Registry) != ""
	if v.options.Offline && img.Source != sourceRegistry && known { // else the error of Find says more
		return nil, fmt.Errorf("--vex oci: asks the registry of %s, which --offline forbids: save the documents and name the files", img.Name)
	}
	docs, gaps, err := attestation.Find(ctx, img, attestation.Options{Options: registryclient.Options{SourceOptions: v.options.Registry}, Key: v.key})
	if err != nil {
		return nil, fmt.Errorf("--vex oci: %w", err)
	}
	for _, d := range docs {
		name := d.Name
		if !d.Verified {
			name += ", not verified"
		}
		to.Documents = append(to.Documents, triage.VEXDocument{Name: name, Document: d.Document, Attached: true})
	}
	switch {
	case len(docs) == 0:
		warn(fmt.Sprintf("--vex oci: no VEX document is attached to %s (documents refused or unreadable: %d)", img.Name, len(gaps)))
	case v.key == nil:
		warn(fmt.Sprintf("--vex oci: the signatures of the documents attached to %s were not verified: give the key with --vex-key", img.Name))
	}
	return gaps, nil
}

// referenced adds the SBOM's names of its parts, and the documents that it
// names.
func (v *VEX) referenced(ctx context.Context, img *assay.Image, to *triage.VEX) error {
	wanted := v.hasSource(VEXReferenced)
	b, err := content(ctx, img)
	if err != nil {
		if wanted {
			return &OptionError{"vex", fmt.Errorf("sbom-ref requires a scan of the SBOM: %w", err)}
		}
		return nil // the scan of the SBOM will report it
	}
	sbom, err := vex.ParseSBOM(b)
	if err != nil {
		if wanted {
			return &OptionError{"vex", fmt.Errorf("sbom-ref: only CycloneDX in JSON names documents: %w", err)}
		}
		return nil // documents cannot name its parts by BOM-Links
	}
	if to.SBOM = sbom; !wanted {
		return nil
	}
	if len(sbom.Documents) == 0 {
		return errors.New("--vex sbom-ref: the SBOM names no VEX document (an external reference of type exploitability-statement)")
	}
	dir, err := CacheDir(v.options.CacheDir)
	if err != nil {
		return err
	}
	open := v.options.Fetch.getter
	if v.options.Offline {
		open = v.options.Fetch.cached
	}
	g, err := open(dir)
	if err != nil {
		return err
	}
	for _, at := range sbom.Documents {
		d, err := getVEX(ctx, g, at)
		if err != nil {
			return fmt.Errorf("--vex sbom-ref: %w", err)
		}
		to.Documents = append(to.Documents, triage.VEXDocument{Name: printable.NoCredentials(at), Document: d, OfSBOM: true})
	}
	return nil
}

// content reads the only file of a target.
func content(ctx context.Context, img *assay.Image) (b []byte, err error) {
	if len(img.Layers) != 1 || img.Layers[0].Walk == nil {
		return nil, fmt.Errorf("%s: not a file: %w", img.Name, assay.ErrUnsupported)
	}
	err = img.Layers[0].Walk(ctx, func(e *assay.Entry) error {
		if e.Err != nil || !e.Mode.IsRegular() {
			return e.Err
		}
		f, err := e.Open()
		if err != nil {
			return err
		}
		defer f.Close()
		b, err = limit.ReadAll(io.NewSectionReader(f, 0, e.Size), vex.MaxDocument)
		return err
	})
	if err == nil && b == nil {
		err = fmt.Errorf("%s: not a file: %w", img.Name, assay.ErrNotFound)
	}
	return b, err
}

// getVEX fetches a document that an SBOM names. Files are refused, because the
// author of an SBOM must not select files of this machine.
func getVEX(ctx context.Context, g assay.Getter, at string) (*vex.Document, error) {
	if u, err := url.Parse(at); err != nil || u.Scheme != "https" {
		return nil, fmt.Errorf("%.200q is not an https:// URL: %w", at, assay.ErrUnsupported)
	}
	body, err := g.Get(ctx, at)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	d, err := vex.Read(body)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return d, nil
}

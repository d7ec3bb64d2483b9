package scan

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/inventory"
	"github.com/assaysec/assay/internal/match"
	"github.com/assaysec/assay/internal/triage"
)

// A Request is what is to be scanned, and how. Only Image is needed: without a
// Database packages are listed and not matched. A Request may be used for any
// number of scans, also at once; it does not change.
type Request struct {
	Image    *assay.Image // what Scan scans; the caller closes it
	Database Advisories   // where advisories are looked up; nil: a gap says that there was none
	ListOnly bool         // only list packages, as for an SBOM; that they are not matched is no gap

	// What is looked at.
	Scopes       assay.Scope   // what the target is looked at for; 0 means Scopes(Image.Kind)
	Packages     Packages      // which packages the report has
	Skip         Skip          // what is not looked at
	FilePatterns []FilePattern // files to offer to readers besides those that they want
	Matching     Matching      // how packages are matched
	Base         *BaseRef      // the image that the target was built on; nil: found out where that can be

	// What is reported.
	Sections    []string           // kinds of further results, see SectionKinds
	Filter      Filter             // which findings the report has, and in which order
	Suppressors []assay.Suppressor // asked in order, then VEX; the first that suppresses a finding counts
	VEX         *VEX               // documents that say what is not affected; may be nil

	// How it is done.
	Cache    assay.Cache          // of what layers hold; nil means none
	Build    string               // identifies this program's readers in the cache; "" means by its executable
	Tool     assay.Tool           // as the report names the program
	Budget   *Budget              // of memory and disk, shared with other scans; nil means that of the process
	Jobs     int                  // layers of this image read at once; 0 means the number of processors
	SpoolDir string               // for large files while they are read; "" means os.TempDir()
	Verify   bool                 // check every digest again, cached or not
	Progress func(assay.Progress) // may be nil; called from several goroutines
	Warn     func(string)         // is told what users should know of their rules and documents, a sentence at a time; may be nil
	Now      func() time.Time     // nil means time.Now
}

// Skip says what is not looked at: paths inside the target, in which "*" stands
// for anything in one component, "**" for any components, and {a,b} for either.
type Skip struct {
	Dirs  []string // directories, with all that is in them
	Files []string
}

// A FilePattern offers files to a reader that it would not ask for.
type FilePattern struct {
	Reader string         // its name, see Readers
	Path   *regexp.Regexp // found anywhere in a path
}

// Matching says how packages are matched. The zero value is the usual way.
type Matching struct {
	Comprehensive bool // language packages that OS packages own are matched with all advisories, not with the distribution's only
	AllSymbols    bool // vulnerable Go functions count, whether or not the binary links them
	KernelHeaders bool // the kernel's vulnerabilities count in packages that hold its headers only
}

// A Filter says which findings a report has. The zero value keeps all, the
// highest risk first. What it leaves out is counted in Report.LeftOut.
type Filter struct {
	SeveritySources []string         // whose severity counts, best first, see SeveritySources; none means "auto"
	Severities      []assay.Severity // those to keep; none means all
	IgnoreUnfixed   bool             // leave out those without a fix
	IgnoreFixed     bool             // leave out those with one
	IgnoreStatuses  []assay.Status   // leave out those with one of them
	IgnoreBase      bool             // leave out what comes from the base image
	AsOf            time.Time        // judge by what was published then; zero means now
	Order           string           // one of Orders; "" means the first
}

// Orders lists what findings may be sorted by; the usual one is the first.
func Orders() (names []string) {
	for _, o := range triage.Orders {
		names = append(names, string(o))
	}
	return names
}

// SeverityAuto, among Filter.SeveritySources, is the usual choice: the distribution
// or publisher of the advisory, then NVD and others.
const SeverityAuto = triage.Auto

// SeveritySources lists what Filter.SeveritySources takes, besides the names of
// feeds and the addresses of CNAs.
func SeveritySources() []string { return triage.Sources() }

// options are those of triage.
func (r *Request) options(suppressors []assay.Suppressor) triage.Options {
	f := &r.Filter
	return triage.Options{SeveritySources: f.SeveritySources, Suppressors: suppressors, Severities: f.Severities, IgnoreUnfixed: f.IgnoreUnfixed, IgnoreFixed: f.IgnoreFixed,
		IgnoreStatuses: f.IgnoreStatuses, IgnoreBase: f.IgnoreBase, AsOf: f.AsOf, Order: triage.Order(f.Order), Warn: r.Warn}
}

// suppressors are those of the request, with what is known of one target. Gaps
// tell of VEX documents that could not be read.
func (r *Request) suppressors(ctx context.Context, img *assay.Image) ([]assay.Suppressor, []assay.Gap, error) {
	if r.VEX == nil {
		return r.Suppressors, nil, nil
	}
	s, gaps, err := r.VEX.suppressor(ctx, img, r.warn)
	if err != nil {
		return nil, nil, err
	}
	return append(r.Suppressors[:len(r.Suppressors):len(r.Suppressors)], s), gaps, nil
}

func (r *Request) warn(text string) {
	if r.Warn != nil {
		r.Warn(text)
	}
}

func (r *Request) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

// Check says which of the request cannot be meant for a kind of target, before
// that is opened; an OptionError.
func (r *Request) Check(kind assay.TargetKind) error {
	if _, err := r.scopes(kind); err != nil {
		return err
	}
	_, err := r.skip()
	return err
}

func (r *Request) skip() (inventory.Skip, error) {
	s, err := inventory.NewSkip(r.Skip.Dirs, r.Skip.Files)
	if err != nil {
		return s, &OptionError{"skip-dirs", err}
	}
	return s, nil
}

// scopes are what a target is looked at for.
func (r *Request) scopes(kind assay.TargetKind) (assay.Scope, error) {
	s := r.Scopes
	if s == 0 {
		s = Scopes(kind)
	}
	if r.Packages.NoOthers {
		s &= assay.ScopeSystem | assay.ScopeSBOM
	}
	if s == 0 {
		return 0, &OptionError{"pkg-types", fmt.Errorf("os: a repository of source code holds no OS packages")}
	}
	return s, nil
}

// inventoryOptions are those of the engine that reads layers.
func (r *Request) inventoryOptions() (o inventory.Options, err error) {
	if o.Scopes, err = r.scopes(r.Image.Kind); err != nil {
		return o, err
	}
	if o.Skip, err = r.skip(); err != nil {
		return o, err
	}
	for _, p := range r.FilePatterns {
		o.More = append(o.More, inventory.More{Reader: p.Reader, Path: p.Path})
	}
	o.Cache, o.Build, o.Jobs, o.SpoolDir, o.Verify, o.Progress = r.Cache, r.Build, r.Jobs, r.SpoolDir, r.Verify, r.Progress
	if r.Budget != nil {
		o.Budget = r.Budget.inventory
	}
	if o.Kinds, err = sectionKinds(r.Sections); err != nil {
		return o, err
	}
	if o.Build == "" && o.Cache != nil {
		o.Build = build()
	}
	return o, nil
}

// match are the options of the engine that matches.
func (r *Request) match() match.Options { return match.Options(r.Matching) }

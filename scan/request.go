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

// A Request describes a scan. Only Image is required: without a Database
// packages are listed but not matched. A Request may be used for any number of
// scans, also at once; scans do not change it.
type Request struct {
	Image    *assay.Image // the target; the caller closes it
	Database Advisories   // where advisories are looked up; nil adds a gap to the report
	ListOnly bool         // only list packages, as for an SBOM; the report has no gap about matching

	// Input.
	Scopes       assay.Scope   // what to look for; 0 means Scopes(Image.Kind)
	Packages     Packages      // the packages of the report
	Skip         Skip          // files and directories that are not read
	FilePatterns []FilePattern // files that readers get in addition to their own patterns
	Matching     Matching      // how packages are matched
	Base         *BaseRef      // the base image of the target; nil: found automatically if possible
	Maven        *Maven        // where Maven projects in source code find what they refer to; nil: only in the target

	// Output.
	Sections    []string           // kinds of additional results, see SectionKinds
	Filter      Filter             // the findings of the report, and their order
	Suppressors []assay.Suppressor // asked in order, then VEX; the first that suppresses a finding counts
	VEX         *VEX               // VEX documents; may be nil

	// Execution.
	Cache    assay.Cache          // of contents of layers; nil means no cache
	Build    string               // identifies this program's readers in the cache; "" means its executable
	Tool     assay.Tool           // the name of the program in the report
	Budget   *Budget              // of memory and disk, shared with other scans; nil means the budget of the process
	Jobs     int                  // layers of this image read at once; 0 means the number of processors
	SpoolDir string               // for large files while they are read; "" means os.TempDir()
	Verify   bool                 // check every digest again, even of cached layers
	Progress func(assay.Progress) // may be nil; called from several goroutines
	Warn     func(string)         // receives warnings about rules and documents, one sentence each; may be nil
	Now      func() time.Time     // nil means time.Now
}

// Skip lists paths inside the target that are not read. In a path "*" matches
// within one component, "**" matches any components, and {a,b} matches either.
type Skip struct {
	Dirs  []string // directories, with everything below them
	Files []string
}

// A FilePattern gives a reader files that do not match its own patterns.
type FilePattern struct {
	Reader string         // its name, see Readers
	Path   *regexp.Regexp // matched anywhere in a path
}

// Matching are the options of matching. The zero value is the default.
type Matching struct {
	Comprehensive bool // match language packages that OS packages own with all advisories, not only the distribution's
	AllSymbols    bool // report vulnerable Go functions even if the binary does not link them
	KernelHeaders bool // report kernel vulnerabilities in packages that contain only its headers
}

// A Filter selects the findings of a report. The zero value selects all, the
// highest risk first. Report.LeftOut counts the others.
type Filter struct {
	SeveritySources []string         // sources of severities, best first, see SeveritySources; empty means "auto"
	Severities      []assay.Severity // severities to keep; empty means all
	IgnoreUnfixed   bool             // leave out findings without a fix
	IgnoreFixed     bool             // leave out findings with a fix
	IgnoreStatuses  []assay.Status   // leave out findings with one of these statuses
	IgnoreBase      bool             // leave out findings from the base image
	AsOf            time.Time        // judge by the data published at this time; zero means now
	Order           string           // one of Orders; "" means the first
}

// Orders lists the orders of findings; the first is the default.
func Orders() (names []string) {
	for _, o := range triage.Orders {
		names = append(names, string(o))
	}
	return names
}

// SeverityAuto, for Filter.SeveritySources, is the default: the distribution or
// publisher of the advisory, then NVD and others.
const SeverityAuto = triage.Auto

// SeveritySources lists the values of Filter.SeveritySources, besides the names
// of feeds and the addresses of CNAs.
func SeveritySources() []string { return triage.Sources() }

// options are those of triage.
func (r *Request) options(suppressors []assay.Suppressor) triage.Options {
	f := &r.Filter
	return triage.Options{SeveritySources: f.SeveritySources, Suppressors: suppressors, Severities: f.Severities, IgnoreUnfixed: f.IgnoreUnfixed, IgnoreFixed: f.IgnoreFixed,
		IgnoreStatuses: f.IgnoreStatuses, IgnoreBase: f.IgnoreBase, AsOf: f.AsOf, Order: triage.Order(f.Order), Warn: r.Warn}
}

// suppressors are those of the request, prepared for one target. Gaps report
// unreadable VEX documents.
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

// Check returns an OptionError if the request is invalid for a kind of target.
// It needs no open target.
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

// scopes are what a scan looks for in a target.
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

// inventoryOptions are the options of the engine that reads layers.
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

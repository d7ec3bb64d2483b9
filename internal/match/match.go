// Package match compares installed packages with published advisories. It makes one
// Judgement for each row of an advisory and each package that the row names. Findings,
// suppressed entries and gaps follow from the judgements.
package match

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
)

// Options contains the user's choices about matching. The zero value suits most users.
type Options struct {
	// Comprehensive also matches language packages owned by an OS package with their
	// registry's advisories, though the distribution may have patched them without
	// changing the version.
	Comprehensive bool
	// AllSymbols keeps findings of functions that a binary does not link.
	AllSymbols bool
	// KernelHeaders keeps findings of the kernel in packages that contain only its
	// headers.
	KernelHeaders bool
}

// A Result contains the findings, suppressed entries and gaps of an inventory.
type Result struct {
	Findings   []assay.Finding
	Suppressed []assay.Suppressed // affected by version, but without the vulnerable code
	Gaps       []assay.Gap
}

// Streams returns the streams of advisories about an inventory: the distribution's
// first, then the ecosystems' in order. A gap names the packages without advisories;
// Packages returns it, too.
func Streams(inv *assay.Inventory, o Options) ([]assay.Stream, []assay.Gap) {
	var streams []assay.Stream
	var gaps []assay.Gap
	for _, part := range byDistribution(inv) {
		family, stream, gap := distribution(part)
		if gap != nil {
			gaps = append(gaps, *gap)
		}
		if family == nil {
			continue
		}
		streams = append(streams, stream)
		streams = append(streams, rebuilderStreams(part, family)...)
		if family.Repositories != "" {
			streams = append(streams, family.Repositories)
		}
	}
	registries, gap := registriesOf(inv, o)
	for i := range registries {
		if len(registries[i].packages) > 0 {
			streams = append(streams, registries[i].ecosystem.Stream)
		}
	}
	if gap != nil {
		gaps = append(gaps, *gap)
	}
	return unique(streams), gaps
}

// Packages matches all packages of an inventory. Package of a finding is an index in
// inv.Packages. An error is the database's; then there is no result.
func Packages(ctx context.Context, inv *assay.Inventory, advisories assay.Advisories, o Options) (Result, error) {
	return judge(ctx, inv, advisories, o, nil)
}

// Vulnerability judges an inventory for the vulnerability with any of some names, in
// any case. records are the advisories about it. advisories must contain them and all
// others about the same packages, because these may outweigh them. It returns the
// judgements from which Packages derives its result, by package.
func Vulnerability(ctx context.Context, inv *assay.Inventory, names []string, records []assay.Advisory, advisories assay.Advisories, o Options) ([]Judgement, error) {
	r := newRequest(records)
	r.names = make(map[string]bool, len(names))
	for _, n := range names {
		r.names[strings.ToUpper(n)] = true
	}
	return judgements(ctx, inv, advisories, o, r)
}

// Advisory judges an inventory for the rows of one advisory. Like Vulnerability it
// weighs them against all advisories about the same packages, so advisories must
// contain a. It looks up only the packages that a names, and their owners. Packages
// with VerdictAffected are affected.
func Advisory(ctx context.Context, inv *assay.Inventory, a *assay.Advisory, advisories assay.Advisories, o Options) ([]Judgement, error) {
	r := newRequest([]assay.Advisory{*a})
	r.advisory = func(j *Judgement) bool {
		return j.Advisory.ID == a.ID && j.Advisory.Feed == a.Feed && r.subjects[subject{j.Row.Stream, j.Row.Name}]
	}
	return judgements(ctx, inv, advisories, o, r)
}

// newRequest requests the packages that records name.
func newRequest(records []assay.Advisory) *request {
	r := &request{subjects: map[subject]bool{}}
	for i := range records {
		for j := range records[i].Affected {
			row := &records[i].Affected[j]
			r.subjects[subject{row.Stream, row.Name}] = true
		}
	}
	return r
}

// judgements collects what a request visits.
func judgements(ctx context.Context, inv *assay.Inventory, advisories assay.Advisories, o Options, r *request) ([]Judgement, error) {
	var out []Judgement
	r.visit = func(j *Judgement) { out = append(out, *j) }
	_, err := judge(ctx, inv, advisories, o, r)
	slices.SortStableFunc(out, func(a, b Judgement) int { return a.Package - b.Package })
	return out, err
}

// judge judges each package by each advisory about it.
func judge(ctx context.Context, inv *assay.Inventory, advisories assay.Advisories, o Options, r *request) (Result, error) {
	if r != nil && r.subjects != nil {
		r.owners = ownersWanted(inv, r)
	}
	var out Result
	var own *distroMatcher // of the target's own distribution
	for i, part := range byDistribution(inv) {
		d, gaps, err := judgeDistro(ctx, part, advisories, o, r)
		switch {
		case err != nil:
			return Result{}, err
		case d == nil:
			out.Gaps = append(out.Gaps, gaps...)
		default:
			out.Findings, out.Suppressed, out.Gaps = append(out.Findings, d.findings...), append(out.Suppressed, d.suppressed...), append(out.Gaps, d.gaps.all...)
			if i == 0 {
				own = d
			}
		}
	}
	more, err := judgeRegistries(ctx, inv, store{advisories: advisories, request: r}, o, own)
	if err != nil {
		return Result{}, err
	}
	out.Findings, out.Suppressed, out.Gaps = append(out.Findings, more.Findings...), append(out.Suppressed, more.Suppressed...), append(out.Gaps, more.Gaps...)
	return out, nil
}

// distribution returns the distribution's family and stream. Without OS packages it
// returns no family and no gap.
func distribution(inv *assay.Inventory) (*distro.Family, assay.Stream, *assay.Gap) {
	n := 0
	for i := range inv.Packages {
		if inv.Packages[i].IsSystem() {
			n++
		}
	}
	unchecked := fmt.Sprintf("%d OS packages are listed, not checked", n)
	if n == 1 {
		unchecked = "1 OS package is listed, not checked"
	}
	family, ok := distro.Of(inv.Release)
	switch {
	case n == 0:
		return nil, "", nil
	case inv.Release.ID == "":
		return nil, "", &assay.Gap{Where: "distribution", What: "unknown, for no file of the image names it; " + unchecked}
	case !ok:
		return nil, "", &assay.Gap{Where: "distribution " + label(inv.Release), What: "unsupported; " + unchecked}
	}
	stream := family.Stream(inv.Release)
	if stream == "" {
		return nil, "", &assay.Gap{Where: "distribution " + label(inv.Release), What: "its release is unknown; " + unchecked}
	}
	return family, stream, nil
}

// unique removes streams that are repeated.
func unique(streams []assay.Stream) (out []assay.Stream) {
	for _, s := range streams {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

func label(r assay.Release) string {
	return strings.TrimSpace(r.ID + " " + r.Version)
}

// A target is an installed package with the name and version that a stream uses for it.
type target struct {
	pkg           *assay.Package
	index         int // in the inventory
	name, version string
	installed     installed
	bad           error // why it cannot be compared
	product       product
	note          string // how the name was found, where the package does not state it
}

package match

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/version"
)

// This file judges by the repository of a package: Red Hat's products, Amazon's extras,
// and builds for minor releases.

// findProducts returns the products of the image's packages. An image that does not
// name its repositories is judged by the usual products, and gets a gap.
func (d *distroMatcher) findProducts(ctx context.Context, r assay.Release) error {
	if d.family.Repositories == "" {
		return nil
	}
	var unknown []string
	for _, set := range r.ContentSets {
		name := distro.ContentSet(set)
		found := false
		for a, err := range d.store.advisories.Lookup(ctx, d.family.Repositories, name) {
			if errors.Is(err, assay.ErrNotFound) {
				break // no such stream: the products are unknown
			}
			if err != nil {
				return fmt.Errorf("%s: %s: %w", d.family.Repositories, name, err)
			}
			for _, f := range a.Affected {
				found = true
				d.products = append(d.products, f.Qualifiers.CPEs...)
			}
		}
		if !found {
			unknown = append(unknown, set)
		}
	}
	slices.Sort(d.products)
	d.products = slices.Compact(d.products)
	if len(d.products) == 0 {
		d.products = d.family.Products(r)
		if len(d.products) > 0 && len(r.ContentSets) == 0 {
			d.gaps.add("repositories", "the image does not name the repositories of its packages; matched with the usual repositories of "+d.family.Title)
		}
	}
	if len(unknown) > 0 {
		d.gaps.add("repositories", "their products are unknown, so vulnerabilities and fixes that only these products have are missing: "+some(unknown, "", ""))
	}
	return nil
}

// advisories returns the distribution's advisories on a package: those by its name,
// and, where some advisories of the family name source packages, those by its source's
// name.
func (d *distroMatcher) advisories(ctx context.Context, t *target, name string) ([]assay.Advisory, error) {
	of := subject{d.stream, name}
	found, err := d.lookup(ctx, of)
	if err != nil {
		return nil, err
	}
	d.store.visitWithdrawn(t, of)
	if !d.namesBoth() {
		return found, nil
	}
	own := d.keepRows(t, found, false)
	if source := t.pkg.SourceName(); source != "" {
		of := subject{d.stream, source}
		more, err := d.lookup(ctx, of)
		if err != nil {
			return nil, err
		}
		if source != name {
			d.store.visitWithdrawn(t, of)
		}
		own = append(own, d.keepRows(t, more, true)...)
	}
	return own, nil
}

// namesBoth reports whether some advisories of the family name source packages and
// others binary packages.
func (d *distroMatcher) namesBoth() bool {
	return !d.family.BySource && d.family.Repositories != ""
}

// keepRows keeps the rows about source packages, or those about binary packages, and
// visits the rest.
func (d *distroMatcher) keepRows(t *target, advisories []assay.Advisory, source bool) (out []assay.Advisory) {
	for _, a := range advisories {
		var kept, rest []assay.Affected
		for i := range a.Affected {
			if distro.BySource(&a.Affected[i]) == source {
				kept = append(kept, a.Affected[i])
			} else if d.store.request != nil {
				rest = append(rest, a.Affected[i])
			}
		}
		if len(rest) > 0 {
			b := a
			b.Affected = rest
			d.store.visit(t, []assay.Advisory{b}, VerdictNotAffected, RuleSourceName, "")
		}
		if len(kept) > 0 {
			a.Affected = kept
			out = append(out, a)
		}
	}
	return out
}

// isElsewhere reports whether a row is about an extra repository that the package is
// not from. A repository named after a version line ("amzn2extra-kernel-5.10",
// "amzn2extra-postgresql14") contains only builds of that line. Any other contains
// builds above those of the usual repositories.
func (d *distroMatcher) isElsewhere(a *assay.Affected, installed string) bool {
	if len(a.Qualifiers.Repos) == 0 {
		return false
	}
	return !slices.ContainsFunc(a.Qualifiers.Repos, func(repo string) bool {
		if line := versionLine.FindString(repo); line != "" {
			return isOfLine(installed, line)
		}
		usual := d.usual[subject{a.Stream, a.Name}]
		if usual == "" {
			return true
		}
		c, err := version.Compare(d.versions.scheme, installed, usual)
		return err != nil || c > 0
	})
}

var versionLine = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)*$`)

// isOfLine reports whether a version, without its epoch, begins with the numbers.
func isOfLine(v, numbers string) bool {
	if _, rest, ok := strings.Cut(v, ":"); ok {
		v = rest
	}
	rest, ok := strings.CutPrefix(v, numbers)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '-')
}

// lookup returns the advisories on a subject that count. Where some name extra
// repositories, it also notes the highest fixes of the usual repositories.
func (d *distroMatcher) lookup(ctx context.Context, of subject) ([]assay.Advisory, error) {
	all, first, err := d.store.lookup(ctx, of)
	if err != nil || !first || !slices.ContainsFunc(all, func(a assay.Advisory) bool {
		return slices.ContainsFunc(a.Affected, func(f assay.Affected) bool { return len(f.Qualifiers.Repos) > 0 })
	}) {
		return all, err
	}
	for i := range all {
		for k := range all[i].Affected {
			row := &all[i].Affected[k]
			for _, r := range row.Ranges {
				if len(row.Qualifiers.Repos) == 0 && r.Fixed != "" && (d.usual[of] == "" || d.versions.isLater(r.Fixed, d.usual[of])) {
					d.usual[of] = r.Fixed
				}
			}
		}
	}
	return all, nil
}

// Builds for one minor release: minorRelease matches the suffix of most ("el9_2"); kernels
// of RHEL 6 and 7 have none, and zStream matches the number that each minor release has
// there instead, before two that count its updates ("3.10.0-957.27.2.el7" is of 7.6).
// https://access.redhat.com/articles/3078
var (
	minorRelease = regexp.MustCompile(`\.(el\d+_\d+)`)
	zStream      = regexp.MustCompile(`^((?:\d+:)?[^-:]+-\d+)(?:\.\d+){2,}(\.el\d+)(?:\.|$)`)
)

// minorReleaseOf returns what the builds of an rpm for the minor release of a version
// share; "" if the version does not say for which one it was built.
func minorReleaseOf(v string) string {
	if tag := minorRelease.FindString(v); tag != "" {
		return tag
	}
	if m := zStream.FindStringSubmatch(v); m != nil {
		return strings.TrimPrefix(m[1], "0:") + m[2]
	}
	return ""
}

// clearMinorRelease clears the vulnerabilities whose highest fix for the package's own
// minor release is installed. The fix of a later minor release has a higher version,
// but is not meant for this one. The products of a row are of no account: a build that
// extended support published contains its fixes, whatever repository it is from.
func (d *distroMatcher) clearMinorRelease(t *target, cleared map[string]clearance) {
	own := minorReleaseOf(t.version)
	if own == "" {
		return
	}
	highest := map[string]string{} // by vulnerability
	for i := range d.rows {
		j := &d.rows[i]
		if j.Rule == RulePlatform && !d.family.Applies(t.pkg, j.Row, nil) {
			continue
		}
		for _, r := range j.Row.Ranges {
			if r.Fixed != "" && minorReleaseOf(r.Fixed) == own && (highest[j.ID] == "" || d.versions.isLater(r.Fixed, highest[j.ID])) {
				highest[j.ID] = r.Fixed
			}
		}
	}
	for id, fixed := range highest {
		if c, err := version.Compare(d.versions.scheme, t.version, fixed); err == nil && c >= 0 {
			cleared[id] = clearance{rule: RuleMinorRelease, fixed: fixed}
		}
	}
}

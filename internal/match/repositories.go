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

// This file holds what depends on where a package comes from: Red Hat's
// products, Amazon's extras, and builds for minor releases.

// repositories finds the products that the image's packages come from. An image
// that does not say is judged by the usual ones, which is a gap.
func (m *matcher) repositories(ctx context.Context, r assay.Release) error {
	if m.family.Repositories == "" {
		return nil
	}
	var unknown []string
	for _, set := range r.ContentSets {
		name := distro.ContentSet(set)
		found := false
		for a, err := range m.advisories.Lookup(ctx, m.family.Repositories, name) {
			if errors.Is(err, assay.ErrNotFound) {
				break // no such stream: the products are not known
			}
			if err != nil {
				return fmt.Errorf("%s: %s: %w", m.family.Repositories, name, err)
			}
			for _, f := range a.Affected {
				found = true
				m.products = append(m.products, f.Qualifiers.CPEs...)
			}
		}
		if !found {
			unknown = append(unknown, set)
		}
	}
	slices.Sort(m.products)
	m.products = slices.Compact(m.products)
	if len(m.products) == 0 {
		m.products = m.family.Products(r)
		if len(m.products) > 0 && len(r.ContentSets) == 0 {
			m.gaps = append(m.gaps, assay.Gap{Where: "repositories", What: "the image does not say which ones its packages come from; matched as if they were the usual ones of " + m.family.Title})
		}
	}
	if len(unknown) > 0 {
		m.gaps = append(m.gaps, assay.Gap{Where: "repositories", What: "what these hold is not known, so fixes and faults of theirs alone are not matched: " + some(unknown, "", "")})
	}
	return nil
}

// about finds the advisories on a package: those by its name, and, where some of
// a family name source packages, those by its source's.
func (m *matcher) about(ctx context.Context, p *assay.Package, name string) ([]assay.Advisory, error) {
	found, err := m.lookup(ctx, m.stream, name)
	if err != nil || m.family.BySource || m.family.Repositories == "" {
		return found, err
	}
	own := rows(found, false)
	if source := p.SourceName(); source != "" {
		more, err := m.lookup(ctx, m.stream, source)
		if err != nil {
			return nil, err
		}
		own = append(own, rows(more, true)...)
	}
	return own, nil
}

// rows keeps of advisories what they say of source packages, or of others.
func rows(advisories []assay.Advisory, source bool) (out []assay.Advisory) {
	for _, a := range advisories {
		var kept []assay.Affected
		for i := range a.Affected {
			if distro.BySource(&a.Affected[i]) == source {
				kept = append(kept, a.Affected[i])
			}
		}
		if len(kept) > 0 {
			a.Affected = kept
			out = append(out, a)
		}
	}
	return out
}

// elsewhere reports whether a row speaks of repositories beside the usual ones
// that the package is not from. One that is called by a version line
// ("amzn2extra-kernel-5.10", "amzn2extra-postgresql14") has builds of that line
// only; another's builds are above those of the usual repositories.
func (m *matcher) elsewhere(a *assay.Affected, installed string) bool {
	if len(a.Qualifiers.Repos) == 0 {
		return false
	}
	return !slices.ContainsFunc(a.Qualifiers.Repos, func(repo string) bool {
		if line := versionLine.FindString(repo); line != "" {
			return ofLine(installed, line)
		}
		usual := m.usual[a.Name]
		if usual == "" {
			return true
		}
		c, err := version.Compare(m.scheme, installed, usual)
		return err != nil || c > 0
	})
}

var versionLine = regexp.MustCompile(`[0-9]+(?:\.[0-9]+)*$`)

// ofLine reports whether a version, its epoch aside, begins with the numbers.
func ofLine(v, numbers string) bool {
	if _, rest, ok := strings.Cut(v, ":"); ok {
		v = rest
	}
	rest, ok := strings.CutPrefix(v, numbers)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '-')
}

// fixedAt notes the highest fix that the usual repositories have of a name.
func (m *matcher) fixedAt(name string, a *assay.Advisory) {
	for _, f := range a.Affected {
		for _, r := range f.Ranges {
			if len(f.Qualifiers.Repos) == 0 && r.Fixed != "" && (m.usual[name] == "" || m.later(r.Fixed, m.usual[name])) {
				m.usual[name] = r.Fixed
			}
		}
	}
}

// minor finds the minor release that an rpm was built for: "el9_2".
var minor = regexp.MustCompile(`\.(el\d+_\d+)`)

// mended clears the vulnerabilities for which a package is at or above the
// highest fix that was built for its own minor release: that of a later release
// is higher, but not for it.
func (m *matcher) mended(advisories []assay.Advisory, p *assay.Package, installed string, cleared map[string]bool) {
	tag := minor.FindString(installed)
	if tag == "" {
		return
	}
	highest := map[string]string{} // by vulnerability
	for i := range advisories {
		a := &advisories[i]
		for j := range a.Affected {
			if f := &a.Affected[j]; m.family.Applies(p, f, m.products) {
				for _, r := range f.Ranges {
					if minor.FindString(r.Fixed) == tag && (highest[a.ID] == "" || m.later(r.Fixed, highest[a.ID])) {
						highest[a.ID] = r.Fixed
					}
				}
			}
		}
	}
	for id, fixed := range highest {
		if c, err := version.Compare(m.scheme, installed, fixed); err == nil && c >= 0 {
			cleared[id] = true
		}
	}
}

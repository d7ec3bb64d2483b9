package scan

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/distro/lifecycle"
)

// endsOfLife finds the end of support of the release, and of runtimes and
// servers that the distribution does not maintain. A failed look-up is a gap;
// the error is the context's.
func (s *scanner) endsOfLife(ctx context.Context, r *assay.Report) error {
	product, cycle, ok := distro.EndOfLife(r.Release)
	runtimes := slices.ContainsFunc(r.Packages, func(p assay.Package) bool {
		_, _, known := lifecycle.Of(&p)
		return known
	})
	if !ok && !runtimes {
		return nil
	}
	gaps, err := s.session.Ensure(ctx, []assay.Stream{assay.StreamEOL})
	r.Gaps = append(r.Gaps, gaps...)
	if ok {
		if err == nil {
			r.Release.EOL, err = supportEnd(ctx, s.session, product, cycle)
		}
		if err != nil && ctx.Err() == nil {
			r.Gaps = append(r.Gaps, assay.Gap{Where: "distribution " + r.Release.ID + " " + r.Release.Version,
				What: fmt.Sprintf("its end of life is unknown: %v", err)})
		}
	}
	if runtimes {
		if err == nil {
			err = s.runtimes(ctx, r)
		}
		if err != nil && ctx.Err() == nil {
			r.Gaps = append(r.Gaps, assay.Gap{Where: "runtimes", What: fmt.Sprintf("their ends of life are unknown: %v", err)})
		}
	}
	return ctx.Err()
}

// runtimes sets the ends of life of packages.
func (s *scanner) runtimes(ctx context.Context, r *assay.Report) error {
	known := map[string]string{} // by product and version: Go's library is in every binary
	for i := range r.Packages {
		p := &r.Packages[i]
		product, cycles, ok := lifecycle.Of(p)
		if !ok {
			continue
		}
		key := product + " " + p.Version
		end, asked := known[key]
		if !asked {
			var err error
			if end, err = supportEnd(ctx, s.session, product, cycles...); err != nil {
				return err
			}
			known[key] = end
		}
		p.EOL = end
	}
	return nil
}

// supportEnd is the date for Release.EOL, of the first cycle in the list; "" if
// there is none, or if its support has no end.
func supportEnd(ctx context.Context, advisories assay.Advisories, product string, cycles ...string) (string, error) {
	ends := map[string]string{}
	for a, err := range advisories.Lookup(ctx, assay.StreamEOL, product) {
		if err != nil {
			return "", err
		}
		for _, f := range a.Affected {
			for _, cycle := range f.Versions {
				switch {
				case f.Status != assay.StatusEndOfLife:
					ends[cycle] = ""
				case a.Published.IsZero():
					ends[cycle] = "ended"
				default:
					ends[cycle] = a.Published.Format(time.DateOnly)
				}
			}
		}
	}
	for _, cycle := range cycles {
		if end, ok := ends[cycle]; ok {
			return end, nil
		}
	}
	return "", nil
}

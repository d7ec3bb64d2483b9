// Package rootio reads Root's data on the packages that it fixes:
// https://www.root.io
//
// There are two documents. The patch feed has the vulnerable ranges of
// distributions' packages under their own names. An archive of package osv's
// records has the renamed packages of distributions ("rootio-gnupg2") and of
// languages ("@rootio/semver", "rootio_requests").
//
// Root's data on a distribution has a stream of its own, such as
// "rootio:debian:12". It applies only to packages that Root built: their version
// contains "root.io" (deb: "2.28.3-1.root.io.1"), their apk release is Root's
// ("2.19.5-r00071": the revision, 007 and a number), or their name begins with
// "rootio-". For vulnerabilities in this stream Root decides; for all others the
// distribution's data apply.
package rootio

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/version/requirement"
)

// The documents.
const (
	Patches = "https://api.root.io/external/patch_feed"
	Records = "https://osv-vulnerabilities.storage.googleapis.com/Root/all.zip"
)

const maxPatches = 512 << 20 // the patch feed, decoded as a whole; 20 MB (2026)

// schemes are the version schemes of the distributions.
var schemes = map[string]string{"alpine": "apk", "debian": "deb", "ubuntu": "deb"}

// languages are the registries with packages from Root.
var languages = []assay.Stream{"maven", "npm", "pypi"}

// Feed reads both documents. Identifiers of distributions' packages are CVEs.
type Feed struct{}

// Name is "rootio".
func (Feed) Name() string { return "rootio" }

// Streams is "rootio:*" ("rootio:alpine:3.19", "rootio:debian:12"), and the
// registries of the renamed packages.
func (Feed) Streams() []assay.Stream { return append([]assay.Stream{"rootio:*"}, languages...) }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	if wanted == nil || slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Family() == "rootio" }) {
		if err := f.patches(ctx, g, wanted, s); err != nil {
			return err
		}
	}
	p := osv.Publisher{Feed: f.Name(), Wanted: osv.Wants(wanted, f.Streams()), Place: placeOf}
	return osv.Walk(ctx, g, Records, osv.IsRecord, s, func(_ string, r *osv.Record) error {
		a, why := p.Advisory(r)
		switch {
		case why != "":
			s.Skip(r.ID, why)
			return nil
		case len(a.Affected) == 0:
			return nil
		}
		ids := slices.DeleteFunc(slices.Clone(a.Aliases), func(id string) bool { return !cve.Valid(id) })
		if len(ids) != 1 || a.Affected[0].Stream.Family() != "rootio" {
			return s.Advisory(a)
		}
		a.VendorIDs, a.ID = []string{a.ID}, ids[0]
		a.Aliases = slices.DeleteFunc(a.Aliases, func(id string) bool { return id == a.ID })
		return s.Advisory(a)
	})
}

// placeOf finds the packages of "Root:Debian:12" and "Root:npm".
func placeOf(ecosystem, name string) (osv.Place, bool) {
	root, rest := osv.Ecosystem(ecosystem)
	if root != "Root" {
		return osv.Place{}, false
	}
	distribution, release := osv.Ecosystem(strings.ToLower(rest))
	if scheme := schemes[distribution]; scheme != "" && release != "" {
		return osv.Place{Stream: stream(distribution, release), Name: name, Scheme: scheme}, true
	}
	p, ok := osv.OfLanguage(rest, name)
	return p, ok && slices.Contains(languages, p.Stream)
}

func stream(distribution, release string) assay.Stream {
	return assay.Stream("rootio:" + distribution + ":" + strings.TrimPrefix(release, "v"))
}

// patch is one vulnerability of a package in the patch feed.
type patch struct {
	Ranges   []string `json:"vulnerable_ranges"`
	Fixed    []string `json:"fixed_versions"`
	Severity string   `json:"severity"`
}

type release struct {
	Version  string `json:"distroversion"`
	Packages []struct {
		Pkg struct {
			Name string                     `json:"name"`
			CVEs map[string]json.RawMessage `json:"cves"`
		} `json:"pkg"`
	} `json:"packages"`
}

func (f Feed) patches(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	b, err := document.Bytes(ctx, g, Patches, maxPatches)
	if err != nil {
		return err
	}
	var all map[string][]release
	if err := json.Unmarshal(b, &all); err != nil || len(all) == 0 {
		return fmt.Errorf("%s: contains no distributions: %w", Patches, assay.ErrMalformed)
	}
	want := osv.Wants(wanted, f.Streams())
	for _, distribution := range slices.Sorted(maps.Keys(all)) {
		scheme, ok := schemes[distribution]
		if !ok {
			s.Skip(distribution, "unknown distribution name")
			continue
		}
		for _, r := range all[distribution] {
			at := stream(distribution, r.Version)
			if r.Version == "" || !want(at) {
				continue
			}
			if err := f.release(ctx, r, at, scheme, s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f Feed) release(ctx context.Context, r release, at assay.Stream, scheme string, s assay.Sink) error {
	for _, p := range r.Packages {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(p.Pkg.CVEs)) {
			var x patch
			ranges, why := []assay.Range(nil), "malformed record"
			if json.Unmarshal(p.Pkg.CVEs[id], &x) == nil && p.Pkg.Name != "" && id != "" {
				ranges, why = requirement.Ranges(requirement.Plain, scheme, x.Ranges, nil, nil)
			}
			if why != "" {
				s.Skip(string(at)+" "+p.Pkg.Name+" "+id, why)
				continue
			}
			a := assay.Advisory{ID: id, Feed: f.Name(), URL: "https://www.root.io", Affected: []assay.Affected{{Stream: at, Name: p.Pkg.Name, Status: assay.StatusAffected, Ranges: ranges}}}
			a.Severity, _ = assay.ParseSeverity(x.Severity)
			if err := s.Advisory(a); err != nil {
				return err
			}
		}
	}
	return nil
}

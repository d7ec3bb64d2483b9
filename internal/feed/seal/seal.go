// Package seal reads Seal Security's data on the packages that it fixes, as
// records of package osv: https://www.sealsecurity.io
//
// Seal renames its packages, "seal-zlib", "@seal-security/ejs",
// "sealsecurity.io/…", and adds "sp" to the versions, as in "2.14.2+sp1". No
// registry uses such names, so Seal's language packages are in the streams of
// the registries. Seal's distribution packages have streams of their own,
// "seal:debian", "seal:rhel:7", which apply only to packages whose name or
// source begins with "seal-".
//
// The archive about packages under their own names is not read.
package seal

import (
	"context"
	"errors"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/osv"
)

// Document is the archive about renamed packages. Copy is OSV's copy, for
// mirrors that have only that.
const (
	Document = "https://vulnfeed.sealsecurity.io/v1/osv/renamed/vulnerabilities.zip"
	Copy     = "https://osv-vulnerabilities.storage.googleapis.com/Seal/all.zip"
)

// distributions maps Seal's names of distributions to their stream and version
// scheme.
var distributions = map[string]osv.Place{
	"alpine": {Stream: "seal:alpine", Scheme: "apk"}, "debian": {Stream: "seal:debian", Scheme: "deb"}, "ubuntu": {Stream: "seal:ubuntu", Scheme: "deb"},
	"red hat": {Stream: "seal:rhel", Scheme: "rpm"}, "centos": {Stream: "seal:centos", Scheme: "rpm"}, "oracle linux": {Stream: "seal:oracle", Scheme: "rpm"},
	"cbl-mariner": {Stream: "seal:azurelinux", Scheme: "rpm"}, "azure linux": {Stream: "seal:azurelinux", Scheme: "rpm"},
}

// languages maps Seal's spelling of registries to OSV's.
var languages = map[string]string{"python": "pypi", "javascript": "npm", "node": "npm", "java": "maven", "ruby": "rubygems", "php": "packagist", "golang": "go"}

// streams are the registries with packages from Seal.
var streams = []assay.Stream{"go", "maven", "npm", "nuget", "packagist", "pypi", "rubygems"}

// Feed reads the archive.
type Feed struct{}

// Name is "seal".
func (Feed) Name() string { return "seal" }

// Streams is "seal:*", and the registries of the renamed packages.
func (Feed) Streams() []assay.Stream { return append([]assay.Stream{"seal:*"}, streams...) }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	p := osv.Publisher{Feed: f.Name(), Wanted: osv.Wants(wanted, f.Streams()), Place: placeOf}
	err := p.Fetch(ctx, g, Document, s)
	if errors.Is(err, assay.ErrNotFound) {
		err = p.Fetch(ctx, g, Copy, s)
	}
	return err
}

// placeOf finds the packages of "Seal:Red Hat:7" and "Seal:Python", with and
// without "Seal:".
func placeOf(ecosystem, name string) (osv.Place, bool) {
	ecosystem = strings.TrimPrefix(strings.ToLower(ecosystem), "seal:")
	base, release := osv.Ecosystem(ecosystem)
	if p, ok := distributions[base]; ok {
		p.Name = name
		if release != "" {
			p.Stream += assay.Stream(":" + release)
		}
		return p, strings.HasPrefix(name, "seal-")
	}
	if own, ok := languages[base]; ok {
		base = own
	}
	p, ok := osv.OfLanguage(base, name)
	for _, s := range streams {
		if ok && s == p.Stream {
			return p, strings.Contains(strings.ToLower(name), "seal")
		}
	}
	return p, false
}

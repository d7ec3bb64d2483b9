// Package glad reads GitLab's advisory database, in the public version that is a
// month behind: https://gitlab.com/gitlab-org/advisories-community
//
// A record is a YAML file TYPE/PACKAGE/ID.yml; its affected_range has the syntax
// of the package's ecosystem. It is the only database with Conan's packages.
package glad

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/bundle"
	"github.com/assaysec/assay/internal/record/cvss"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/version"
	"github.com/assaysec/assay/internal/version/requirement"
)

// Document is the archive of one type's directory; %s is the type.
const Document = "https://gitlab.com/gitlab-org/advisories-community/-/archive/main/advisories-community-main-%[1]s.tar.gz?path=%[1]s"

// A directory is one type of packages.
type directory struct {
	name   string
	stream assay.Stream
	syntax requirement.Syntax
}

var directories = []directory{
	{"conan", "conan", requirement.Plain}, {"gem", "rubygems", requirement.Gem}, {"go", "go", requirement.NPM}, {"maven", "maven", requirement.Maven},
	{"npm", "npm", requirement.NPM}, {"nuget", "nuget", requirement.Maven}, {"packagist", "packagist", requirement.Composer}, {"pypi", "pypi", requirement.Python},
}

// Feed reads the archives of the directories whose streams are wanted.
// Identifiers are those of the files: CVE, GHSA or GMS.
type Feed struct{}

// Name is "glad".
func (Feed) Name() string { return "glad" }

// Streams lists the registries.
func (Feed) Streams() []assay.Stream {
	var all []assay.Stream
	for _, f := range directories {
		all = append(all, f.stream)
	}
	return all
}

type record struct {
	ID          string   `yaml:"identifier"`
	IDs         []string `yaml:"identifiers"`
	Slug        string   `yaml:"package_slug"`
	Title       string   `yaml:"title"`
	Description string   `yaml:"description"`
	Date        string   `yaml:"date"`    // of the last change
	Published   string   `yaml:"pubdate"` //
	Affected    string   `yaml:"affected_range"`
	Fixed       []string `yaml:"fixed_versions"`
	URLs        []string `yaml:"urls"`
	V2          string   `yaml:"cvss_v2"`
	V3          string   `yaml:"cvss_v3"`
	V4          string   `yaml:"cvss_v4"`
	CWEs        []string `yaml:"cwe_ids"`
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	want := osv.Wants(wanted, f.Streams())
	isRecord := func(name string) bool { return path.Ext(name) == ".yml" && strings.Count(name, "/") > 2 }
	for _, d := range directories {
		if !want(d.stream) {
			continue
		}
		err := bundle.Walk(ctx, g, fmt.Sprintf(Document, d.name), isRecord, s, func(name string, b []byte) error {
			var r record
			if yamldoc.Unmarshal(b, &r) != nil || r.ID == "" {
				s.Skip(bundle.Stem(name), "malformed record")
				return nil
			}
			a, why := r.advisory(d)
			if why != "" {
				s.Skip(r.Slug+" "+r.ID, why)
				return nil
			}
			a.Feed = f.Name()
			return s.Advisory(a)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *record) advisory(d directory) (_ assay.Advisory, why string) {
	pkg, ok := strings.CutPrefix(r.Slug, d.name+"/")
	e, known := ecosystem.Of(d.stream)
	if !ok || pkg == "" || !known {
		return assay.Advisory{}, osv.WhyForeign
	}
	if d.name == "maven" {
		pkg = strings.Replace(pkg, "/", ":", 1)
	}
	ranges, why := requirement.Ranges(d.syntax, e.Scheme, []string{r.Affected}, nil, nil)
	if why != "" {
		return assay.Advisory{}, why
	}
	if scheme, ok := version.ByName(e.Scheme); ok {
		for i, v := range r.Fixed {
			r.Fixed[i] = strings.TrimPrefix(v, "v")
		}
		requirement.Patch(scheme, ranges, r.Fixed)
	}
	a := assay.Advisory{
		ID: r.ID, Title: strings.TrimSpace(r.Title), Text: strings.TrimSpace(r.Description), References: r.URLs,
		URL:       "https://advisories.gitlab.com/pkg/" + r.Slug + "/" + r.ID + "/",
		Published: cve.Time(r.Published), Modified: cve.Time(r.Date),
		Affected: []assay.Affected{{Stream: d.stream, Name: e.Name(pkg), Status: assay.StatusAffected, Ranges: ranges}},
	}
	for _, id := range cve.Set(r.IDs) {
		if id != r.ID {
			a.Aliases = append(a.Aliases, id)
		}
	}
	for _, id := range r.CWEs {
		if w := cve.Weakness(id); w != "CWE-937" && w != "CWE-1035" { // "components with known vulnerabilities": all CVEs have this weakness
			a.CWEs = append(a.CWEs, w)
		}
	}
	a.CWEs = cve.Set(a.CWEs)
	for _, vector := range []string{r.V2, r.V3, r.V4} {
		if c, err := cvss.Parse("gitlab", vector); err == nil {
			a.CVSS = append(a.CVSS, c)
		}
	}
	return a, ""
}

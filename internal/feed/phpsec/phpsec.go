// Package phpsec reads the PHP security advisories database of FriendsOfPHP:
// https://github.com/FriendsOfPHP/security-advisories
//
// A record is a YAML file VENDOR/PACKAGE/ID.yaml. Each branch of the package has
// comparisons; versions for which all hold are affected.
package phpsec

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/yamldoc"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/bundle"
	"github.com/assaysec/assay/internal/record/osv"
	"github.com/assaysec/assay/internal/version/requirement"
)

// Document is the database's main branch.
const Document = "https://github.com/FriendsOfPHP/security-advisories/archive/refs/heads/master.tar.gz"

// Feed reads the archive. Identifiers are CVEs, else GitHub's, which files are named
// after or the link has, else the file's path: "adodb/adodb-php/2018-03-06".
type Feed struct{}

// Name is "phpsec".
func (Feed) Name() string { return "phpsec" }

// Streams is "packagist".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"packagist"} }

type record struct {
	Title     string `yaml:"title"`
	Link      string `yaml:"link"`
	CVE       string `yaml:"cve"`
	Reference string `yaml:"reference"` // "composer://vendor/package"
	Branches  map[string]struct {
		Time     string   `yaml:"time"` // of the fix
		Versions []string `yaml:"versions"`
	} `yaml:"branches"`
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	want := osv.Wants(wanted, f.Streams())
	isRecord := func(name string) bool { return path.Ext(name) == ".yaml" && strings.Count(name, "/") == 3 }
	return bundle.Walk(ctx, g, Document, isRecord, s, func(name string, b []byte) error {
		if !want("packagist") {
			return nil
		}
		_, id, _ := strings.Cut(strings.TrimSuffix(name, ".yaml"), "/")
		var r record
		if yamldoc.Unmarshal(b, &r) != nil {
			s.Skip(id, "malformed record")
			return nil
		}
		a, why := r.advisory(id)
		if why != "" {
			s.Skip(id, why)
			return nil
		}
		a.Feed = f.Name()
		return s.Advisory(a)
	})
}

// ghsa is GitHub's identifier. https://docs.github.com/en/code-security/concepts/vulnerability-reporting-and-management/github-advisory-database
var ghsa = regexp.MustCompile(`(?i)\bGHSA(-[23456789cfghjmpqrvwx]{4}){3}\b`)

// names lists the CVE and GitHub's identifiers of a record; stem is its file's name
// without the extension.
func (r *record) names(stem string) (out []string) {
	for _, text := range []string{r.CVE, stem} {
		if c := strings.ToUpper(strings.TrimSpace(text)); cve.Valid(c) && len(out) == 0 {
			out = append(out, c)
		}
	}
	for _, text := range []string{stem, r.Link} {
		if g := ghsa.FindString(text); g != "" {
			if g = "GHSA" + strings.ToLower(g[len("GHSA"):]); !slices.Contains(out, g) {
				out = append(out, g)
			}
		}
	}
	return out
}

func (r *record) advisory(id string) (_ assay.Advisory, why string) {
	pkg, ok := strings.CutPrefix(r.Reference, "composer://")
	if !ok || pkg == "" {
		return assay.Advisory{}, "no package of a known ecosystem"
	}
	a := assay.Advisory{ID: id, Title: strings.TrimSpace(r.Title), URL: r.Link}
	if names := r.names(path.Base(id)); len(names) > 0 {
		a.ID, a.VendorIDs = names[0], []string{id}
		if len(names) > 1 {
			a.Aliases = cve.Set(names[1:])
		}
	}
	var all []string
	for _, b := range r.Branches {
		if len(b.Versions) > 0 {
			all = append(all, strings.Join(b.Versions, ","))
		}
		if t := cve.Time(strings.Replace(b.Time, " ", "T", 1)); !t.IsZero() && (a.Published.IsZero() || t.Before(a.Published)) {
			a.Published = t
		}
	}
	slices.Sort(all)
	ranges, why := requirement.Ranges(requirement.Composer, "packagist", all, nil, nil)
	a.Affected = []assay.Affected{{Stream: "packagist", Name: strings.ToLower(pkg), Status: assay.StatusAffected, Ranges: ranges}}
	return a, why
}

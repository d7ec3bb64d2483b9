package trivyjson

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/identifier/purl"
)

// Read reads a report of Trivy, schema version 2, or one that Format wrote. Gaps list
// the results that are not about packages. Findings have only the fields that Trivy's
// format has.
func Read(b []byte) (*assay.Report, error) {
	var in report
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	if in.SchemaVersion != 2 {
		return nil, fmt.Errorf("schema version %d of a Trivy report: %w", in.SchemaVersion, assay.ErrUnsupported)
	}
	m := &in.Metadata
	r := &assay.Report{Schema: assay.ReportSchema, Kind: assay.TargetKind(in.ArtifactType), Created: in.CreatedAt, Packages: []assay.Package{}, Findings: []assay.Finding{},
		Image: assay.ImageInfo{Name: in.ArtifactName, ID: cmp.Or(m.ImageID, in.ArtifactID), RepoTags: m.RepoTags, RepoDigests: m.RepoDigests, Size: m.Size, Config: m.ImageConfig,
			Repository: assay.RepositoryInfo{URL: m.RepoURL, Branch: m.Branch, Tags: m.Tags, Commit: m.Commit, Message: m.CommitMsg, Author: m.Author, Committer: m.Committer}}}
	switch in.ArtifactType {
	case "cyclonedx", "spdx":
		r.Kind, r.Image.SBOM = assay.KindSBOM, in.ArtifactType
	}
	for _, l := range m.Layers {
		r.Image.Layers = append(r.Image.Layers, assay.LayerInfo{DiffID: l.DiffID, Digest: l.Digest, Size: l.Size, CreatedBy: l.CreatedBy})
	}
	if m.OS != nil {
		r.Release = distro.Named(m.OS.Family, m.OS.Name)
		if m.OS.EOSL {
			r.Release.EOL = "ended"
		}
	}
	for i := range in.Results {
		switch res := &in.Results[i]; res.Class {
		case "os-pkgs", "lang-pkgs":
			(&parsed{r: r, res: res, at: map[string]int{}}).read()
		default:
			r.Gaps = append(r.Gaps, assay.Gap{Where: res.Target, What: fmt.Sprintf("result of class %q is not about packages: not converted", res.Class)})
		}
	}
	return r, nil
}

// parsed contains the packages and findings of one result.
type parsed struct {
	r   *assay.Report
	res *result
	at  map[string]int // packages by PkgID and path
}

func (f *parsed) read() {
	refs := map[string]string{} // packages by the names that DependsOn uses
	first := len(f.r.Packages)
	for i := range f.res.Packages {
		p := &f.res.Packages[i]
		q := f.pkg(p.Identifier.PURL, p.Name, p.Version, p.FilePath, p.Layer)
		q.Arch, q.Licences, q.Vendor, q.Module, q.Dev = p.Arch, p.Licenses, p.Maintainer, p.Modularitylabel, p.Dev
		q.Relation = assay.Relation(strings.TrimPrefix(p.Relationship, "unknown"))
		q.DependsOn = p.DependsOn
		if q.IsSystem() {
			q.Version, q.Source, q.SourceVersion = joined(p.Epoch, p.Version, p.Release), p.SrcName, joined(p.SrcEpoch, p.SrcVersion, p.SrcRelease)
		}
		refs[p.ID] = q.Ref()
		f.add(f.key(p.ID, q.Ref(), p.FilePath), q)
	}
	for i := first; i < len(f.r.Packages); i++ {
		if p := &f.r.Packages[i]; !p.IsSystem() {
			for j, d := range p.DependsOn {
				p.DependsOn[j] = cmp.Or(refs[d], d)
			}
		}
	}
	for i := range f.res.Vulnerabilities {
		f.r.Findings = append(f.r.Findings, f.finding(&f.res.Vulnerabilities[i]))
	}
	for i := range f.res.Modified {
		if m := &f.res.Modified[i]; m.Type == "vulnerability" {
			f.r.Suppressed = append(f.r.Suppressed, assay.Suppressed{Finding: f.finding(&m.Finding), Suppression: assay.Suppression{As: assay.Status(m.Status), By: m.Source, Reason: m.Statement}})
		}
	}
}

// key identifies a package; findings of OS packages have no path.
func (f *parsed) key(id, ref, path string) string {
	if f.res.Class == "os-pkgs" {
		path = ""
	}
	return cmp.Or(id, ref) + "\x00" + path
}

// joined returns a version as a package manager prints it.
func joined(epoch int, version, release string) string {
	if release != "" {
		version += "-" + release
	}
	if epoch != 0 {
		version = fmt.Sprintf("%d:%s", epoch, version)
	}
	return version
}

// pkg returns a package with its type: that of the purl, or of the class of result.
func (f *parsed) pkg(address, name, version, path string, l layer) assay.Package {
	p := assay.Package{Name: name, Version: version, Path: path, PURL: address, Layer: f.layer(l)}
	if rest, ok := strings.CutPrefix(address, "pkg:"); ok {
		if p.Type, _, _ = strings.Cut(rest, "/"); p.Type == "github" {
			p.Type = assay.TypeActions // whose purls have this type
		}
	}
	if f.res.Class == "os-pkgs" {
		if family, ok := distro.Of(f.r.Release); ok {
			p.Type = cmp.Or(p.Type, family.Package)
		}
		if known, _, err := purl.Parse(address); err == nil {
			p.Arch, p.Source, p.SourceVersion = known.Arch, known.Source, known.SourceVersion
		}
		return p
	}
	if p.Path == "" {
		p.Path = f.res.Target
	}
	for reader, k := range byReader {
		if k.name == f.res.Type && (p.FoundBy == "" || reader < p.FoundBy) {
			p.FoundBy = reader
		}
	}
	p.Type = cmp.Or(p.Type, f.res.Type)
	return p
}

func (f *parsed) layer(l layer) assay.LayerRef {
	i := slices.IndexFunc(f.r.Image.Layers, func(x assay.LayerInfo) bool { return x.DiffID == l.DiffID })
	if l.DiffID == "" || i < 0 {
		return assay.LayerRef{DiffID: l.DiffID, Digest: l.Digest, CreatedBy: l.CreatedBy}
	}
	x := &f.r.Image.Layers[i]
	return assay.LayerRef{Index: i, DiffID: x.DiffID, Digest: x.Digest, CreatedBy: x.CreatedBy}
}

func (f *parsed) add(key string, p assay.Package) int {
	n := len(f.r.Packages)
	f.r.Packages = append(f.r.Packages, p)
	f.at[key] = n
	return n
}

// finding reads a finding. The report need not list its package.
func (f *parsed) finding(v *vulnerability) assay.Finding {
	p := f.pkg(v.PkgIdentifier.PURL, v.PkgName, v.InstalledVersion, v.PkgPath, v.Layer)
	k := f.key(v.PkgID, p.Ref(), v.PkgPath)
	n, ok := f.at[k]
	if !ok {
		n = f.add(k, p)
	}
	out := assay.Finding{ID: v.VulnerabilityID, VendorIDs: v.VendorIDs, Package: n, Status: assay.Status(v.Status), SeveritySource: ourName(v.SeveritySource), URL: v.PrimaryURL, Feed: "trivy"}
	out.Severity, _ = assay.ParseSeverity(v.Severity)
	if v.FixedVersion != "" {
		out.Fixes = strings.Split(v.FixedVersion, ", ")
		out.FixedIn = v.FixedVersion
		if !f.r.Packages[n].IsSystem() {
			out.FixedIn = out.Fixes[0]
		}
	}
	if v.DataSource != nil {
		out.Publisher = v.DataSource.ID
	}
	out.Detail = assay.Detail{ID: v.VulnerabilityID, Title: v.Title, Text: v.Description, CWEs: v.CweIDs, References: v.References}
	for _, d := range []struct {
		from int
		to   assay.Severity
	}{{1, assay.SeverityLow}, {2, assay.SeverityMedium}, {3, assay.SeverityHigh}, {4, assay.SeverityCritical}} {
		for source, n := range v.VendorSeverity {
			if n == d.from {
				out.Detail.Ratings = append(out.Detail.Ratings, assay.Rating{Source: ourName(source), Severity: d.to})
			}
		}
	}
	slices.SortFunc(out.Detail.Ratings, func(a, b assay.Rating) int { return strings.Compare(a.Source, b.Source) })
	out.Detail.CVSS = scoresOf(v.CVSS)
	if v.PublishedDate != nil {
		out.Detail.Published = *v.PublishedDate
	}
	if v.LastModifiedDate != nil {
		out.Detail.Modified = *v.LastModifiedDate
	}
	return out
}

// scoresOf lists scores by source.
func scoresOf(by map[string]scores) (out []assay.CVSS) {
	for source, s := range by {
		for _, c := range []assay.CVSS{{Version: "2.0", Vector: s.V2Vector, Score: s.V2Score}, {Version: "3.1", Vector: s.V3Vector, Score: s.V3Score}, {Version: "4.0", Vector: s.V40Vector, Score: s.V40Score}} {
			if c.Score == 0 && c.Vector == "" {
				continue
			}
			if c.Source = ourName(source); strings.HasPrefix(c.Vector, "CVSS:3.0/") {
				c.Version = "3.0"
			}
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b assay.CVSS) int {
		return cmp.Or(strings.Compare(a.Source, b.Source), strings.Compare(a.Version, b.Version))
	})
	return out
}

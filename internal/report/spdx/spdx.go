// Package spdx writes the packages of a report as an SBOM in SPDX 2.3, in JSON and as
// tag-value text. Facts that SPDX has no field for are in annotations "assay:…: value".
//
// Specification: https://spdx.github.io/spdx-spec/v2.3/
package spdx

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/record/bom"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/tagvalue"
)

// JSON and TagValue are the formats.
var (
	JSON     = assay.Format{Name: "spdx-json", About: "SPDX SBOM in JSON", Versions: []string{"2.3"}, SBOM: true, Write: writeJSON}
	TagValue = assay.Format{Name: "spdx", About: "SPDX SBOM as tag-value text", Versions: []string{"2.3"}, SBOM: true, Write: writeTags}
)

func writeJSON(w io.Writer, r *assay.Report, _ assay.FormatOptions) error {
	return printable.Write(w, printable.EscapeJSON, func(w io.Writer) error {
		return spdxjson.Write(convert(r), w, spdxjson.Indent("  "), spdxjson.EscapeHTML(false))
	})
}

func writeTags(w io.Writer, r *assay.Report, _ assay.FormatOptions) error {
	doc := convert(r)
	for _, p := range doc.Packages {
		p.PrimaryPackagePurpose = strings.ReplaceAll(p.PrimaryPackagePurpose, "_", "-")
		// Tag-value text has the annotations of packages at the document.
		for _, a := range p.Annotations {
			a.AnnotationSPDXIdentifier = common.MakeDocElementID("", string(p.PackageSPDXIdentifier))
			doc.Annotations = append(doc.Annotations, &a)
		}
		p.Annotations = nil
	}
	for _, a := range doc.Annotations {
		if a.AnnotationSPDXIdentifier == (common.DocElementID{}) {
			a.AnnotationSPDXIdentifier = common.MakeDocElementID("", document)
		}
	}
	for _, s := range []*string{&doc.DocumentName, &doc.DocumentNamespace} {
		oneLine(s)
	}
	for i := range doc.CreationInfo.Creators {
		oneLine(&doc.CreationInfo.Creators[i].Creator)
	}
	for _, p := range doc.Packages {
		for _, s := range []*string{&p.PackageName, &p.PackageVersion, &p.PackageSourceInfo, &p.PackageLicenseDeclared} {
			oneLine(s)
		}
		for i := range p.PackageChecksums {
			oneLine(&p.PackageChecksums[i].Value)
		}
		for _, r := range p.PackageExternalReferences {
			oneLine(&r.Locator)
		}
	}
	for _, a := range doc.Annotations {
		oneLine(&a.AnnotationComment)
		oneLine(&a.Annotator.Annotator)
	}
	for _, l := range doc.OtherLicenses {
		oneLine(&l.LicenseName)
		oneLine(&l.ExtractedText)
	}
	var b bytes.Buffer // the library's Write does not return the errors of its writer
	if err := tagvalue.Write(doc, &b); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// oneLine keeps a value on one line, so that readers do not see another tag in it.
func oneLine(s *string) {
	*s = strings.Map(func(r rune) rune {
		if printable.ControlsText(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(*s, "\ufffd"))
}

const (
	document = "DOCUMENT"
	target   = "Target"
	none     = "NOASSERTION"

	// system is the purpose of the distribution in JSON; tag-value text has a dash.
	// https://github.com/spdx/spdx-spec/blob/v2.3/schemas/spdx-schema.json
	system = "OPERATING_SYSTEM"
)

// A converter makes a document from a report.
type converter struct {
	doc   *v2_3.Document
	tool  string
	date  string
	known map[string]bool // licences that are not on the SPDX list, by reference
}

func convert(r *assay.Report) *v2_3.Document {
	sum := sha256.New()
	_ = json.NewEncoder(sum).Encode(r)
	c := &converter{tool: r.Tool.Name + "-" + r.Tool.Version, date: r.Created.UTC().Format(time.RFC3339), known: map[string]bool{}}
	c.doc = &v2_3.Document{SPDXVersion: v2_3.Version, DataLicense: v2_3.DataLicense, SPDXIdentifier: document, DocumentName: r.Image.Name,
		DocumentNamespace: fmt.Sprintf("https://spdx.org/spdxdocs/assay/%s-%x", url.PathEscape(r.Image.Name), sum.Sum(nil)[:16]),
		CreationInfo:      &v2_3.CreationInfo{Creators: []common.Creator{{CreatorType: "Tool", Creator: c.tool}}, Created: c.date}}
	for _, p := range bom.ReportProperties(r) {
		a := c.annotation(p)
		c.doc.Annotations = append(c.doc.Annotations, &a)
	}
	c.doc.Packages = append(c.doc.Packages, c.subject(r))
	c.relate(document, "DESCRIBES", target)
	if r.Release.ID != "" {
		c.doc.Packages = append(c.doc.Packages, &v2_3.Package{PackageName: r.Release.ID, PackageSPDXIdentifier: "System", PackageVersion: r.Release.Version,
			PackageDownloadLocation: none, PackageLicenseConcluded: none, PackageLicenseDeclared: none, PrimaryPackagePurpose: system})
		c.relate(target, "CONTAINS", "System")
	}
	for i := range r.Packages {
		c.doc.Packages = append(c.doc.Packages, c.pkg(&r.Packages[i], id(i)))
		c.relate(target, "CONTAINS", id(i))
	}
	for i, on := range bom.Dependencies(r.Packages) {
		for _, j := range on {
			c.relate(id(i), "DEPENDS_ON", id(j))
		}
	}
	return c.doc
}

// id numbers packages so that sorting by ID, as the document is written, keeps the
// order of the report.
func id(i int) string { return fmt.Sprintf("Package-%06d", i+1) }

func (c *converter) relate(a, how, b string) {
	c.doc.Relationships = append(c.doc.Relationships, &v2_3.Relationship{RefA: common.MakeDocElementID("", a), RefB: common.MakeDocElementID("", b), Relationship: how})
}

func (c *converter) annotation(p bom.Property) v2_3.Annotation {
	return v2_3.Annotation{Annotator: common.Annotator{AnnotatorType: "Tool", Annotator: c.tool}, AnnotationDate: c.date, AnnotationType: "OTHER", AnnotationComment: p.Name + ": " + p.Value}
}

// subject is the package that the SBOM describes.
func (c *converter) subject(r *assay.Report) *v2_3.Package {
	p := &v2_3.Package{PackageName: r.Image.Name, PackageSPDXIdentifier: target, PackageDownloadLocation: none, PackageLicenseConcluded: none, PackageLicenseDeclared: none, PrimaryPackagePurpose: "SOURCE"}
	if r.Kind.IsImage() {
		p.PrimaryPackagePurpose, p.PackageVersion = "CONTAINER", r.Image.ID
	}
	return p
}

func (c *converter) pkg(p *assay.Package, id string) *v2_3.Package {
	out := &v2_3.Package{PackageName: p.Name, PackageSPDXIdentifier: common.ElementID(id), PackageVersion: p.Version, PackageDownloadLocation: none,
		PackageLicenseConcluded: none, PackageLicenseDeclared: c.licence(p.Licences), PrimaryPackagePurpose: "LIBRARY"}
	if p.Type == assay.TypeGeneric || p.Relation == assay.RelationRoot {
		out.PrimaryPackagePurpose = "APPLICATION"
	}
	if p.Source != "" {
		out.PackageSourceInfo = strings.TrimSpace(fmt.Sprintf("built from the source package %s %s", p.Source, p.SourceVer()))
	}
	if p.PURL != "" {
		out.PackageExternalReferences = append(out.PackageExternalReferences, &v2_3.PackageExternalReference{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: p.PURL})
	}
	for _, cpe := range p.CPEs {
		out.PackageExternalReferences = append(out.PackageExternalReferences, &v2_3.PackageExternalReference{Category: common.CategorySecurity, RefType: common.TypeSecurityCPE23Type, Locator: cpe})
	}
	if sum, ok := strings.CutPrefix(p.Digest, "sha1:"); ok {
		out.PackageChecksums = []common.Checksum{{Algorithm: common.SHA1, Value: sum}}
	}
	for _, l := range p.Licences {
		out.Annotations = append(out.Annotations, c.annotation(bom.Property{Name: bom.Licence, Value: l}))
	}
	for _, q := range bom.Properties(p) {
		a := c.annotation(q)
		out.Annotations = append(out.Annotations, a)
	}
	return out
}

// licence returns an expression of the package's licences. Licences that are not on the
// SPDX list are explained at the end of the document.
func (c *converter) licence(all []string) string {
	var parts []string
	for _, l := range all {
		switch {
		case strings.TrimSpace(l) == "":
		case bom.IsLicence(l):
			parts = append(parts, l)
		case bom.IsExpression(l):
			parts = append(parts, "("+l+")")
		default:
			ref := bom.LicenceRef(l)
			if !c.known[ref] {
				c.known[ref] = true
				c.doc.OtherLicenses = append(c.doc.OtherLicenses, &v2_3.OtherLicense{LicenseIdentifier: ref, LicenseName: l, ExtractedText: l})
			}
			parts = append(parts, ref)
		}
	}
	if len(parts) == 0 {
		return none
	}
	if len(parts) == 1 {
		return strings.TrimSuffix(strings.TrimPrefix(parts[0], "("), ")")
	}
	return strings.Join(parts, " AND ")
}

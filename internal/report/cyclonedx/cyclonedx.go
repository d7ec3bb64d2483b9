// Package cyclonedx writes the packages of a report as an SBOM in CycloneDX, in JSON
// and XML. Facts that CycloneDX has no field for are in properties called assay:…, so
// that a scan of the SBOM gives the same findings as the original.
//
// Specification: https://cyclonedx.org/docs/1.7/json/
package cyclonedx

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/record/bom"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// The formats. The first of the versions is the one that most consumers read.
var (
	JSON = assay.Format{Name: "cyclonedx", About: "CycloneDX SBOM in JSON", Versions: []string{"1.6", "1.7"}, SBOM: true, Write: write(cdx.BOMFileFormatJSON, printable.EscapeJSON)}
	XML  = assay.Format{Name: "cyclonedx-xml", About: "CycloneDX SBOM in XML", Versions: []string{"1.6", "1.7"}, SBOM: true, Write: write(cdx.BOMFileFormatXML, printable.EscapeXML)}
)

var versions = map[string]cdx.SpecVersion{"": cdx.SpecVersion1_6, "1.6": cdx.SpecVersion1_6, "1.7": cdx.SpecVersion1_7}

func write(form cdx.BOMFileFormat, escape func(rune) string) func(io.Writer, *assay.Report, assay.FormatOptions) error {
	return func(w io.Writer, r *assay.Report, o assay.FormatOptions) error {
		v, ok := versions[o.Version]
		if !ok {
			return fmt.Errorf("CycloneDX %s: %w", o.Version, assay.ErrUnsupported)
		}
		return printable.Write(w, escape, func(w io.Writer) error {
			e := cdx.NewBOMEncoder(w, form)
			e.SetPretty(true)
			e.SetEscapeHTML(false)
			return e.EncodeVersion(convert(r), v)
		})
	}
}

func convert(r *assay.Report) *cdx.BOM {
	doc := cdx.NewBOM()
	doc.SerialNumber = serial(r)
	root := subject(r)
	doc.Metadata = &cdx.Metadata{Timestamp: r.Created.Format(time.RFC3339), Component: root,
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{Type: cdx.ComponentTypeApplication, Name: r.Tool.Name, Version: r.Tool.Version}}}}
	doc.Metadata.Properties = properties(bom.ReportProperties(r))
	refs := bom.References(r.Packages)
	on := bom.Dependencies(r.Packages)
	components := []cdx.Component{}
	dependencies := []cdx.Dependency{}
	var top []string
	needed := map[int]bool{}
	for i := range r.Packages {
		components = append(components, component(&r.Packages[i], refs[i]))
		d := []string{}
		for _, j := range on[i] {
			d, needed[j] = append(d, refs[j]), true
		}
		dependencies = append(dependencies, cdx.Dependency{Ref: refs[i], Dependencies: &d})
	}
	if r.Release.ID != "" {
		components = append([]cdx.Component{system(&r.Release)}, components...)
	}
	for i := range r.Packages {
		if !needed[i] {
			top = append(top, refs[i])
		}
	}
	if top == nil {
		top = []string{}
	}
	dependencies = append([]cdx.Dependency{{Ref: root.BOMRef, Dependencies: &top}}, dependencies...)
	doc.Components, doc.Dependencies = &components, &dependencies
	return doc
}

// serial returns a UUID of the report's content, so that equal reports give equal
// SBOMs.
// https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8
func serial(r *assay.Report) string {
	h := sha256.New()
	_ = json.NewEncoder(h).Encode(r)
	b := h.Sum(nil)[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// subject is the component that the SBOM describes.
func subject(r *assay.Report) *cdx.Component {
	c := &cdx.Component{BOMRef: "target", Type: cdx.ComponentTypeApplication, Name: r.Image.Name}
	if r.Kind.IsImage() {
		c.Type = cdx.ComponentTypeContainer
		if len(r.Image.RepoDigests) > 0 {
			if name, digest, ok := strings.Cut(r.Image.RepoDigests[0], "@"); ok {
				c.Version = digest
				base := name[strings.LastIndexByte(name, '/')+1:]
				c.PackageURL = fmt.Sprintf("pkg:oci/%s@%s?repository_url=%s", strings.ToLower(base), strings.ReplaceAll(digest, ":", "%3A"), strings.ReplaceAll(name, "/", "%2F"))
			}
		} else if r.Image.ID != "" {
			c.Version = r.Image.ID
		}
	}
	return c
}

func system(r *assay.Release) cdx.Component {
	return cdx.Component{BOMRef: "system", Type: cdx.ComponentTypeOS, Name: r.ID, Version: r.Version, Description: r.Name, CPE: cpe(r.CPE)}
}

// cpe returns name if CycloneDX accepts its form, else "".
func cpe(s string) string {
	if strings.HasPrefix(s, "cpe:2.3:") || strings.HasPrefix(s, "cpe:/") && len(s) > len("cpe:/a") {
		return s
	}
	return ""
}

func component(p *assay.Package, ref string) cdx.Component {
	c := cdx.Component{BOMRef: ref, Type: cdx.ComponentTypeLibrary, Name: p.Name, Version: p.Version, PackageURL: p.PURL, Publisher: p.Vendor,
		Licenses: licences(p.Licences), Properties: properties(bom.Properties(p))}
	switch {
	case p.Relation == assay.RelationRoot, p.Type == assay.TypeGeneric:
		c.Type = cdx.ComponentTypeApplication
	case p.Dev:
		c.Scope = cdx.ScopeExcluded
	}
	if len(p.CPEs) > 0 {
		c.CPE = p.CPEs[0]
	}
	if sum, ok := strings.CutPrefix(p.Digest, "sha1:"); ok {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA1, Value: sum}}
	}
	if p.Path != "" {
		at := cdx.EvidenceOccurrence{Location: p.Path}
		if p.Line > 0 {
			at.Line = &p.Line
		}
		c.Evidence = &cdx.Evidence{Occurrences: &[]cdx.EvidenceOccurrence{at}}
	}
	return c
}

// licences returns SPDX identifiers and a single expression as such, all others as
// names.
func licences(all []string) *cdx.Licenses {
	all = slices.DeleteFunc(slices.Clone(all), func(l string) bool { return strings.TrimSpace(l) == "" })
	if len(all) == 0 {
		return nil
	}
	if len(all) == 1 && !bom.IsLicence(all[0]) && bom.IsExpression(all[0]) {
		return &cdx.Licenses{{Expression: all[0]}}
	}
	var out cdx.Licenses
	for _, l := range all {
		if bom.IsLicence(l) {
			out = append(out, cdx.LicenseChoice{License: &cdx.License{ID: l}})
		} else {
			out = append(out, cdx.LicenseChoice{License: &cdx.License{Name: l}})
		}
	}
	return &out
}

func properties(all []bom.Property) *[]cdx.Property {
	if len(all) == 0 {
		return nil
	}
	out := make([]cdx.Property, len(all))
	for i, p := range all {
		out[i] = cdx.Property{Name: p.Name, Value: p.Value}
	}
	return &out
}

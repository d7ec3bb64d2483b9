package scan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/source"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/internal/test/testimage"
	"github.com/assaysec/assay/scan"
)

// An object is one of JSON.
type object = map[string]any

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// own is a form that assay writes.
func own(format string) func(*testing.T, *assay.Report) []byte {
	return func(t *testing.T, r *assay.Report) []byte {
		t.Helper()
		var b bytes.Buffer
		if err := scan.Write(&b, r, format, assay.FormatOptions{}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
}

// withoutUpstream is a purl without the qualifier that names the source package.
func withoutUpstream(purl string) string {
	base, query, ok := strings.Cut(purl, "?")
	kept := slices.DeleteFunc(strings.Split(query, "&"), func(q string) bool { return strings.HasPrefix(q, "upstream=") })
	if !ok || len(kept) == 0 {
		return base
	}
	return base + "?" + strings.Join(kept, "&")
}

// asSyft is Syft's JSON.
// https://github.com/anchore/syft/tree/main/schema/json
func asSyft(t *testing.T, r *assay.Report) []byte {
	artifacts, relations, at := []object{}, []object{}, map[string]int{}
	for i := range r.Packages {
		p := &r.Packages[i]
		at[p.PURL] = i
		a := object{"id": fmt.Sprint(i), "name": p.Name, "version": p.Version, "type": p.Type, "purl": p.PURL,
			"locations": []object{{"path": "/" + p.Path, "layerID": p.Layer.DiffID}}}
		switch p.Type {
		case assay.TypeDeb:
			a["metadata"] = object{"package": p.Name, "source": p.Source, "sourceVersion": p.SourceVersion}
		case assay.TypeApk:
			a["metadata"] = object{"package": p.Name, "originPackage": p.SourceName()}
		case assay.TypeRPM:
			a["metadata"] = object{"modularityLabel": p.Module}
		}
		if len(p.CPEs) > 0 {
			a["cpes"] = []object{{"cpe": p.CPEs[0]}}
		}
		artifacts = append(artifacts, a)
	}
	for i := range r.Packages {
		if owner, ok := at[r.Packages[i].Owner]; ok {
			relations = append(relations, object{"parent": fmt.Sprint(owner), "child": fmt.Sprint(i), "type": "ownership-by-file-overlap"})
		}
	}
	return encode(t, object{"artifacts": artifacts, "artifactRelationships": relations, "descriptor": object{"name": "syft"},
		"distro": object{"id": r.Release.ID, "versionID": r.Release.Version}})
}

// asTrivy is CycloneDX as Trivy writes it: the source package is in properties.
// https://trivy.dev/latest/docs/supply-chain/sbom/
func asTrivy(t *testing.T, r *assay.Report) []byte {
	components := []object{{"type": "operating-system", "name": r.Release.ID, "version": r.Release.Version}}
	for i := range r.Packages {
		p := &r.Packages[i]
		var properties []object
		add := func(name, value string) {
			if value != "" {
				properties = append(properties, object{"name": "aquasecurity:trivy:" + name, "value": value})
			}
		}
		if p.IsSystem() {
			version, epoch := p.SourceVer(), ""
			if e, rest, ok := strings.Cut(version, ":"); ok {
				epoch, version = e, rest
			}
			release := ""
			if cut := strings.LastIndexByte(version, '-'); cut > 0 && p.Type != assay.TypeApk {
				version, release = version[:cut], version[cut+1:]
			}
			add("SrcName", p.SourceName())
			add("SrcVersion", version)
			add("SrcRelease", release)
			add("SrcEpoch", epoch)
			add("Modularitylabel", p.Module)
		} else {
			add("FilePath", p.Path)
		}
		c := object{"type": "library", "bom-ref": fmt.Sprint(i), "name": p.Name, "version": p.Version, "purl": withoutUpstream(p.PURL), "properties": properties}
		if len(p.CPEs) > 0 {
			c["cpe"] = p.CPEs[0]
		}
		components = append(components, c)
	}
	return encode(t, object{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components})
}

// asGitHub is SPDX as GitHub exports it: a purl for each package, and nothing else.
// https://docs.github.com/en/rest/dependency-graph/sboms
func asGitHub(t *testing.T, r *assay.Report) []byte {
	packages := []object{}
	for i := range r.Packages {
		p := &r.Packages[i]
		refs := []object{{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": p.PURL}}
		for _, c := range p.CPEs {
			refs = append(refs, object{"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": c})
		}
		packages = append(packages, object{"SPDXID": fmt.Sprintf("SPDXRef-%d", i), "name": p.Name, "versionInfo": p.Version, "externalRefs": refs})
	}
	return encode(t, object{"sbom": object{"spdxVersion": "SPDX-2.3", "SPDXID": "SPDXRef-DOCUMENT", "packages": packages}})
}

// asList is a list of purls, and of CPE names where these identify a package.
func asList(_ *testing.T, r *assay.Report) []byte {
	var b bytes.Buffer
	for i := range r.Packages {
		p := &r.Packages[i]
		if len(p.CPEs) > 0 {
			fmt.Fprintln(&b, p.CPEs[0])
		} else {
			fmt.Fprintln(&b, p.PURL)
		}
	}
	return b.Bytes()
}

// asBareList is a list of purls that name no source packages.
func asBareList(t *testing.T, r *assay.Report) []byte {
	lines := strings.Split(string(asList(t, r)), "\n")
	for i := range lines {
		lines[i] = withoutUpstream(lines[i])
	}
	return []byte(strings.Join(lines, "\n"))
}

// byPackage lists the findings of a report, each with the name of its package.
func byPackage(r *assay.Report) map[string]string {
	out := map[string]string{}
	for i := range r.Findings {
		f := &r.Findings[i]
		p := &r.Packages[f.Package]
		name := p.Name
		if p.Type == assay.TypePyPI { // whose purls have the normal form of a name
			name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
		}
		if p.Type == assay.TypeGeneric && len(p.CPEs) > 0 {
			name = strings.Join(strings.Split(p.CPEs[0], ":")[3:5], ":") // what a list names it by
		}
		out[fmt.Sprintf("%s %s %s %s: %s, fixed in %q", f.ID, p.Type, name, p.Version, f.Status, f.FixedIn)] = name
	}
	return out
}

// TestOneInventoryEveryForm: the packages of an image give the same findings in every
// form. Where a form names no source packages, a gap names each package whose findings
// may be missing.
func TestOneInventoryEveryForm(t *testing.T) {
	db := database(t, t.TempDir())
	forms := []struct {
		name   string
		write  func(*testing.T, *assay.Report) []byte
		owners bool // names the owners of language packages
	}{
		{"CycloneDX", own("cyclonedx"), true}, {"CycloneDX in XML", own("cyclonedx-xml"), true}, {"SPDX", own("spdx-json"), true}, {"SPDX with tags", own("spdx"), true},
		{"Syft", asSyft, true}, {"Trivy", asTrivy, false}, {"GitHub", asGitHub, false}, {"list", asList, false}, {"bare list", asBareList, false},
	}
	for _, name := range []string{"mixed", "debian-old", "alpine", "rpm-sqlite", "httpd", "python", "node"} {
		t.Run(name, func(t *testing.T) {
			img := func() *assay.Image {
				if name == "mixed" {
					return testimage.Parse(t, mixed)
				}
				return open(t, corpus.Image(t, name+".docker.tar"))
			}
			whole, err := scan.Scan(context.Background(), scan.Request{Database: db, Image: img()})
			if err != nil {
				t.Fatal(err)
			}
			listed, err := scan.Scan(context.Background(), scan.Request{ListOnly: true, Image: img()})
			if err != nil {
				t.Fatal(err)
			}
			owned := map[string]bool{}
			for i := range whole.Packages {
				p := &whole.Packages[i]
				name := strings.ReplaceAll(strings.ToLower(p.Name), "_", "-")
				owned[name] = owned[name] || p.Owner != ""
			}
			for _, form := range forms {
				bom, err := source.SBOM("-", bytes.NewReader(form.write(t, listed)))
				if err != nil {
					t.Fatal(err)
				}
				r, err := scan.Scan(context.Background(), scan.Request{Database: db, Scopes: assay.ScopeSBOM, Image: bom})
				if err != nil {
					t.Fatal(form.name, err)
				}
				want, got := byPackage(whole), byPackage(r)
				if !form.owners { // what is owned is matched like all else
					isOwned := func(_, name string) bool { return owned[name] }
					maps.DeleteFunc(want, isOwned)
					maps.DeleteFunc(got, isOwned)
				}
				if form.name == "bare list" {
					maps.DeleteFunc(want, func(f, name string) bool {
						return got[f] == "" && slices.ContainsFunc(r.Gaps, func(g assay.Gap) bool { return strings.Contains(g.What, name) })
					})
					for f := range got { // a binary package is matched by its own name and version
						if want[f] == "" {
							delete(got, f)
						}
					}
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("%s (-image +SBOM):\n%.2000s", form.name, d)
				}
			}
		})
	}
}

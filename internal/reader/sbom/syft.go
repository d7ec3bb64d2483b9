package sbom

import (
	"cmp"
	"encoding/json"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/record/bom"
)

// syftDocument is what is read of Syft's JSON.
// https://github.com/anchore/syft/tree/main/schema/json
type syftDocument struct {
	Artifacts []struct {
		ID        string `json:"id"`
		Name      string `json:"name"`
		Version   string `json:"version"`
		Type      string `json:"type"`
		Locations []struct {
			Path    string `json:"path"`
			LayerID string `json:"layerID"`
		} `json:"locations"`
		Licences []json.RawMessage `json:"licenses"`
		CPEs     []json.RawMessage `json:"cpes"`
		PURL     string            `json:"purl"`
		Metadata json.RawMessage   `json:"metadata"`
	} `json:"artifacts"`
	Relationships []struct {
		Parent string `json:"parent"`
		Child  string `json:"child"`
		Type   string `json:"type"`
	} `json:"artifactRelationships"`
	Distro struct {
		ID        string `json:"id"`
		VersionID string `json:"versionID"`
		Codename  string `json:"versionCodename"`
		Pretty    string `json:"prettyName"`
		Name      string `json:"name"`    // before version 3 of the schema: the ID
		Version   string `json:"version"` // and the version
	} `json:"distro"`
}

// syftSource is what Syft keeps of a system's package in metadata.
type syftSource struct {
	Source        string `json:"source"`
	SourceVersion string `json:"sourceVersion"`
	OriginPackage string `json:"originPackage"`
	Modularity    string `json:"modularityLabel"`
}

func syft(b []byte) (assay.Facts, error) {
	var d syftDocument
	if err := json.Unmarshal(b, &d); err != nil {
		return assay.Facts{}, malformed(err)
	}
	c := newCollector("syft")
	if id := cmp.Or(d.Distro.ID, d.Distro.Name); id != "" {
		r := distro.Named(id, cmp.Or(d.Distro.VersionID, d.Distro.Version, d.Distro.Codename))
		r.Codename, r.Name = cmp.Or(d.Distro.Codename, r.Codename), d.Distro.Pretty
		c.head.Release = &r
	}
	for i := range d.Artifacts {
		a := &d.Artifacts[i]
		e := &entry{ref: a.ID, name: a.Name, version: a.Version, purl: a.PURL, software: true}
		for _, l := range a.Licences {
			if s := either(l, "value"); s != "" {
				e.licences = append(e.licences, s)
			}
		}
		for _, l := range a.CPEs {
			if s := either(l, "cpe"); s != "" {
				e.cpes = append(e.cpes, s)
			}
		}
		if len(a.Locations) > 0 {
			e.properties = append(e.properties, bom.Property{Name: "aquasecurity:trivy:FilePath", Value: trimSlash(a.Locations[0].Path)}, bom.Property{Name: "aquasecurity:trivy:LayerDiffID", Value: a.Locations[0].LayerID})
		}
		e.properties = append(e.properties, sourceOf(a.Metadata)...)
		if c.add(e); len(c.packages) > stanza.MaxPackages {
			break
		}
	}
	for _, r := range d.Relationships {
		switch r.Type {
		case "dependency-of":
			c.depend(r.Child, r.Parent)
		case "ownership-by-file-overlap":
			c.own(r.Parent, r.Child)
		}
	}
	return c.facts()
}

// own notes that a package of the system brought another.
func (c *collector) own(owner, owned string) {
	i, ok := c.refs[owner]
	j, ok2 := c.refs[owned]
	if ok && ok2 && c.packages[i].IsSystem() && !c.packages[j].IsSystem() {
		c.packages[j].Owner = c.packages[i].PURL
	}
}

// sourceOf is the source package, as properties.
func sourceOf(metadata json.RawMessage) (out []bom.Property) {
	var m syftSource
	if json.Unmarshal(metadata, &m) != nil {
		return nil // of another kind, where "source" is none of these
	}
	if m.Source == "" {
		m.Source = m.OriginPackage
	}
	if m.Source != "" {
		out = append(out, bom.Property{Name: "aquasecurity:trivy:SrcName", Value: m.Source}, bom.Property{Name: "aquasecurity:trivy:SrcVersion", Value: m.SourceVersion})
	}
	if m.Modularity != "" {
		out = append(out, bom.Property{Name: bom.Prefix + "module", Value: m.Modularity})
	}
	return out
}

// either reads a text, or a member of an object.
func either(raw json.RawMessage, member string) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var m map[string]any
	if json.Unmarshal(raw, &m) == nil {
		s, _ = m[member].(string)
	}
	return s
}

func trimSlash(path string) string {
	for path != "" && path[0] == '/' {
		path = path[1:]
	}
	return path
}

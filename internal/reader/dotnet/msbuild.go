package dotnet

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
)

// project is what is read of a file of MSBuild. Conditions are not judged: what
// holds in one of the builds counts.
type project struct {
	properties map[string]string // by name in lower case; the last one set
	references []reference       // PackageReference
	at         map[string]int    // the first of each of references, by name in lower case
	versions   []reference       // PackageVersion, GlobalPackageReference
}

// item is an element of an ItemGroup; what says more of it are attributes or
// elements.
type item struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Elements []struct {
		XMLName xml.Name
		Text    string `xml:",chardata"`
	} `xml:",any"`
}

func (i *item) get(name string) string {
	for _, a := range i.Attrs {
		if strings.EqualFold(a.Name.Local, name) {
			return strings.TrimSpace(a.Value)
		}
	}
	for _, e := range i.Elements {
		if strings.EqualFold(e.XMLName.Local, name) {
			return strings.TrimSpace(e.Text)
		}
	}
	return ""
}

// parseProject reads a file of MSBuild.
func parseProject(b []byte) (*project, error) {
	type group struct {
		Items []item `xml:",any"`
	}
	type groups struct {
		Items      []group `xml:"ItemGroup"`
		Properties []struct {
			Set []struct {
				XMLName xml.Name
				Text    string `xml:",chardata"`
			} `xml:",any"`
		} `xml:"PropertyGroup"`
	}
	var doc struct {
		XMLName xml.Name
		groups
		Choices []struct {
			When      []groups `xml:"When"`
			Otherwise []groups `xml:"Otherwise"`
		} `xml:"Choose"`
	}
	if err := decode(b, &doc); err != nil {
		return nil, err
	}
	if doc.XMLName.Local != "Project" {
		return nil, fmt.Errorf("<%s> instead of <Project>: %w", doc.XMLName.Local, assay.ErrMalformed)
	}
	all := []groups{doc.groups}
	for _, c := range doc.Choices {
		all = append(append(all, c.When...), c.Otherwise...)
	}
	m := &project{properties: map[string]string{}, at: map[string]int{}}
	for _, g := range all {
		for _, p := range g.Properties {
			for _, set := range p.Set {
				m.properties[strings.ToLower(set.XMLName.Local)] = strings.TrimSpace(set.Text)
			}
		}
		for _, g := range g.Items {
			for i := range g.Items {
				m.item(&g.Items[i])
			}
		}
	}
	return m, nil
}

func (m *project) item(i *item) {
	r := reference{name: i.get("Include"), version: i.get("Version"), dev: strings.EqualFold(i.get("PrivateAssets"), "all")}
	update := i.get("Update")
	switch strings.ToLower(i.XMLName.Local) {
	case "packagereference":
		if v := i.get("VersionOverride"); v != "" {
			r.version = v
		}
		if r.name == "" && update != "" && r.version != "" { // sets the version of one that stands elsewhere
			r.name = update
			if j, ok := m.at[strings.ToLower(update)]; ok {
				m.references[j].version = r.version
				return
			}
		}
		if r.name == "" {
			return
		}
		if _, ok := m.at[strings.ToLower(r.name)]; !ok {
			m.at[strings.ToLower(r.name)] = len(m.references)
		}
		m.references = append(m.references, r)
	case "packageversion", "globalpackagereference":
		if r.name == "" {
			r.name = update
		}
		if r.name != "" {
			r.dev = r.dev || strings.EqualFold(i.XMLName.Local, "GlobalPackageReference")
			m.versions = append(m.versions, r)
		}
	}
}

// expand replaces the properties in a text, "$(name)", that the file sets.
func (m *project) expand(text string) string {
	left := maxExpand
	return m.expandLeft(text, &left)
}

// expandLeft replaces at most left properties, those in their values included.
func (m *project) expandLeft(text string, left *int) string {
	if !strings.Contains(text, "$(") {
		return text
	}
	var out strings.Builder
	for rest := text; ; {
		i := strings.Index(rest, "$(")
		j := -1
		if i >= 0 {
			j = strings.IndexByte(rest[i:], ')')
		}
		if j < 0 {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:i])
		*left--
		if v, ok := m.properties[strings.ToLower(rest[i+2:i+j])]; ok && *left >= 0 {
			out.WriteString(m.expandLeft(v, left))
		} else {
			out.WriteString(rest[i : i+j+1])
		}
		if out.Len() > maxValue {
			return text
		}
		rest = rest[i+j+1:]
	}
	return out.String()
}

func (m *project) expandIn(r reference) reference {
	r.name, r.version = m.expand(r.name), m.expand(r.version)
	return r
}

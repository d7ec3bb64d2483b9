package java

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/assaysec/assay"
)

// pom is a project as a pom.xml declares it.
//
// Format: https://maven.apache.org/ref/current/maven-model/maven.html
type pom struct {
	Group        string       `xml:"groupId"`
	Artifact     string       `xml:"artifactId"`
	Version      string       `xml:"version"`
	Parent       *parent      `xml:"parent"`
	Properties   properties   `xml:"properties"`
	LicenceNames []string     `xml:"licenses>license>name"`
	Modules      []string     `xml:"modules>module"`
	Subprojects  []string     `xml:"subprojects>subproject"` // since Maven 4
	Managed      []dependency `xml:"dependencyManagement>dependencies>dependency"`
	Dependencies []dependency `xml:"dependencies>dependency"`
	Profiles     []profile    `xml:"profiles>profile"`
	Repositories []repository `xml:"repositories>repository"`
	Relocation   *relocation  `xml:"distributionManagement>relocation"`

	dir       string // in the target, relative to the file that is read
	published bool   // from a repository: nothing is beside it
}

// repository is where Maven looks for other projects.
type repository struct {
	ID        string `xml:"id"`
	URL       string `xml:"url"`
	Releases  string `xml:"releases>enabled"`
	Snapshots string `xml:"snapshots>enabled"`
}

// relocation is the new name of a project; what is empty stays.
type relocation struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
	Version  string `xml:"version"`
}

type parent struct {
	Group    string  `xml:"groupId"`
	Artifact string  `xml:"artifactId"`
	Version  string  `xml:"version"`
	Relative *string `xml:"relativePath"`
}

type dependency struct {
	Group      string `xml:"groupId"`
	Artifact   string `xml:"artifactId"`
	Version    string `xml:"version"`
	Type       string `xml:"type"`
	Classifier string `xml:"classifier"`
	Scope      string `xml:"scope"`
	Optional   string `xml:"optional"`

	Exclusions []exclusion `xml:"exclusions>exclusion"`
}

// exclusion leaves out what a dependency needs; "*" is any name.
type exclusion struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
}

// profile is a part of a project that holds under conditions. Of those only
// activeByDefault is known without building.
type profile struct {
	Active       string       `xml:"activation>activeByDefault"`
	Properties   properties   `xml:"properties"`
	Modules      []string     `xml:"modules>module"`
	Managed      []dependency `xml:"dependencyManagement>dependencies>dependency"`
	Dependencies []dependency `xml:"dependencies>dependency"`
	Repositories []repository `xml:"repositories>repository"`
}

// properties are elements of any name.
type properties map[string]string

func (p *properties) UnmarshalXML(d *xml.Decoder, start xml.StartElement) error {
	if *p == nil {
		*p = properties{}
	}
	for {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			var v string
			if err := d.DecodeElement(&v, &t); err != nil {
				return err
			}
			(*p)[t.Name.Local] = strings.TrimSpace(v)
		case xml.EndElement:
			return nil
		}
	}
}

// parsePom reads a pom.xml.
func parsePom(b []byte) (*pom, error) {
	d := xml.NewDecoder(bytes.NewReader(utf8Of(b)))
	d.CharsetReader = charset
	d.Entity = xml.HTMLEntity // which Maven's own reader knows, too
	var doc struct {
		XMLName xml.Name
		pom
	}
	if err := d.Decode(&doc); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	if doc.XMLName.Local != "project" {
		return nil, fmt.Errorf("<%s> instead of <project>: %w", doc.XMLName.Local, assay.ErrMalformed)
	}
	m := &doc.pom
	var managed [][]dependency
	for _, p := range m.Profiles {
		if strings.TrimSpace(p.Active) != "true" {
			continue
		}
		for k, v := range p.Properties {
			if m.Properties == nil {
				m.Properties = properties{}
			}
			m.Properties[k] = v
		}
		m.Modules = append(m.Modules, p.Modules...)
		managed = append(managed, p.Managed)
		m.Dependencies = append(m.Dependencies, p.Dependencies...)
		m.Repositories = append(m.Repositories, p.Repositories...)
	}
	slices.Reverse(managed) // the last profile counts first
	m.Managed = slices.Concat(append(managed, m.Managed)...)
	m.Modules = append(m.Modules, m.Subprojects...)
	m.trim()
	return m, nil
}

// trim takes the space around values away, which means nothing.
func (m *pom) trim() {
	fields := []*string{&m.Group, &m.Artifact, &m.Version}
	if m.Parent != nil {
		fields = append(fields, &m.Parent.Group, &m.Parent.Artifact, &m.Parent.Version)
		if m.Parent.Relative != nil {
			fields = append(fields, m.Parent.Relative)
		}
	}
	for _, ds := range [][]dependency{m.Managed, m.Dependencies} {
		for i := range ds {
			d := &ds[i]
			fields = append(fields, &d.Group, &d.Artifact, &d.Version, &d.Type, &d.Classifier, &d.Scope, &d.Optional)
			for j := range d.Exclusions {
				fields = append(fields, &d.Exclusions[j].Group, &d.Exclusions[j].Artifact)
			}
		}
	}
	for i := range m.Repositories {
		r := &m.Repositories[i]
		fields = append(fields, &r.ID, &r.URL, &r.Releases, &r.Snapshots)
	}
	if r := m.Relocation; r != nil {
		fields = append(fields, &r.Group, &r.Artifact, &r.Version)
	}
	for i := range m.Modules {
		fields = append(fields, &m.Modules[i])
	}
	for _, f := range fields {
		*f = strings.TrimSpace(*f)
	}
}

// coordinates of the project as far as this file alone tells them.
func (m *pom) coordinates() gav {
	c := gav{m.Group, m.Artifact, m.Version}
	if m.Parent != nil {
		c = fill(c, gav{group: m.Parent.Group, version: m.Parent.Version})
	}
	own := scopeOf{properties: []properties{m.Properties}, self: c}
	if m.Parent != nil {
		own.parent = gav{m.Parent.Group, m.Parent.Artifact, m.Parent.Version}
	}
	return gav{own.expand(c.group), own.expand(c.artifact), own.expand(c.version)}
}

func (m *pom) licences() (names []string) {
	for _, l := range m.LicenceNames {
		if l = strings.TrimSpace(l); l != "" {
			names = append(names, l)
		}
	}
	return names
}

// licencesOf reads of a pom.xml the licences only, where they are easily found.
func licencesOf(b []byte) []string {
	from := bytes.Index(b, []byte("<licenses>"))
	if from < 0 {
		return nil
	}
	n := bytes.Index(b[from:], []byte("</licenses>"))
	if n < 0 {
		return nil
	}
	var doc struct {
		Names []string `xml:"license>name"`
	}
	if xml.Unmarshal(b[from:from+n+len("</licenses>")], &doc) != nil {
		return nil
	}
	return (&pom{LicenceNames: doc.Names}).licences()
}

// charset reads the character sets of old project files. Windows' differs from
// Latin 1 only in signs that no coordinates have.
func charset(name string, r io.Reader) (io.Reader, error) {
	switch strings.ToLower(name) {
	case "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be": // by now UTF-8
		return r, nil
	case "iso-8859-1", "iso8859-1", "latin1", "iso-8859-15", "windows-1252", "cp1252":
		return &latin{r: r}, nil
	}
	return nil, fmt.Errorf("unsupported character set %s: %w", name, assay.ErrUnsupported)
}

// latin turns Latin 1 into UTF-8.
type latin struct {
	r    io.Reader
	rest []byte
	buf  [4 << 10]byte
}

func (l *latin) Read(p []byte) (int, error) {
	if len(l.rest) == 0 {
		n, err := l.r.Read(l.buf[:])
		l.rest = l.rest[:0]
		for _, c := range l.buf[:n] {
			l.rest = append(l.rest, string(rune(c))...)
		}
		if n == 0 {
			return 0, err
		}
	}
	n := copy(p, l.rest)
	l.rest = l.rest[n:]
	return n, nil
}

// utf8Of is b, which may be UTF-16 with a mark in front, as UTF-8.
func utf8Of(b []byte) []byte {
	if len(b) < 2 || b[0]^b[1] != 1 || b[0] < 0xfe {
		return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	}
	hi := 0
	if b[0] == 0xff {
		hi = 1
	}
	units := make([]uint16, 0, len(b)/2)
	for i := 2; i+1 < len(b); i += 2 {
		units = append(units, uint16(b[i+hi])<<8|uint16(b[i+1-hi]))
	}
	return []byte(string(utf16.Decode(units)))
}

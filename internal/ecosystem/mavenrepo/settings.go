package mavenrepo

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// maxSettings bounds a settings.xml, which people write by hand.
const maxSettings = 4 << 20

// settings are what a settings.xml says about repositories.
//
// Format: https://maven.apache.org/settings.html
type settings struct {
	Local          string            `xml:"localRepository"`
	Offline        string            `xml:"offline"`
	Servers        []server          `xml:"servers>server"`
	Mirrors        []mirror          `xml:"mirrors>mirror"`
	Profiles       []settingsProfile `xml:"profiles>profile"`
	ActiveProfiles []string          `xml:"activeProfiles>activeProfile"`
}

type server struct {
	ID       string `xml:"id"`
	Username string `xml:"username"`
	Password string `xml:"password"`
}

type mirror struct {
	ID      string `xml:"id"`
	URL     string `xml:"url"`
	Of      string `xml:"mirrorOf"`
	Blocked string `xml:"blocked"`
}

type settingsProfile struct {
	ID           string            `xml:"id"`
	Active       string            `xml:"activation>activeByDefault"`
	Repositories []namedRepository `xml:"repositories>repository"`
}

type namedRepository struct {
	ID        string `xml:"id"`
	URL       string `xml:"url"`
	Releases  string `xml:"releases>enabled"`
	Snapshots string `xml:"snapshots>enabled"`
}

// environment matches the expressions that Maven replaces in a settings.xml.
var environment = regexp.MustCompile(`\$\{(env\.[^}]+|user\.home)\}`)

// parseSettings reads a settings.xml. getenv is the environment, home the directory of
// ${user.home}.
func parseSettings(b []byte, getenv func(string) string, home string) (*settings, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = anyCharset
	var doc struct {
		XMLName xml.Name
		settings
	}
	if err := d.Decode(&doc); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("%w: %w", xmlFault(err), assay.ErrMalformed)
	}
	if doc.XMLName.Local != "settings" {
		return nil, fmt.Errorf("<%.40s> instead of <settings>: %w", doc.XMLName.Local, assay.ErrMalformed)
	}
	s := &doc.settings
	for _, field := range s.texts() {
		*field = environment.ReplaceAllStringFunc(strings.TrimSpace(*field), func(e string) string {
			name, ok := strings.CutPrefix(e[2:len(e)-1], "env.")
			if !ok {
				return home
			}
			if v := getenv(name); v != "" {
				return v
			}
			return e
		})
	}
	return s, nil
}

// xmlFault is a fault of XML without the text around it, which may be a password.
func xmlFault(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("line %d: invalid XML", syntax.Line)
	}
	return errors.New("invalid XML")
}

// texts lists the fields that may have expressions.
func (s *settings) texts() []*string {
	fields := []*string{&s.Local, &s.Offline}
	for i := range s.Servers {
		v := &s.Servers[i]
		fields = append(fields, &v.ID, &v.Username, &v.Password)
	}
	for i := range s.Mirrors {
		m := &s.Mirrors[i]
		fields = append(fields, &m.ID, &m.URL, &m.Of, &m.Blocked)
	}
	for i := range s.Profiles {
		p := &s.Profiles[i]
		fields = append(fields, &p.ID, &p.Active)
		for j := range p.Repositories {
			r := &p.Repositories[j]
			fields = append(fields, &r.ID, &r.URL, &r.Releases, &r.Snapshots)
		}
	}
	for i := range s.ActiveProfiles {
		fields = append(fields, &s.ActiveProfiles[i])
	}
	return fields
}

// repositories are those of the active profiles.
func (s *settings) repositories() (out []namedRepository) {
	named := false
	for _, p := range s.Profiles {
		named = named || slices.Contains(s.ActiveProfiles, p.ID)
	}
	for _, p := range s.Profiles {
		if slices.Contains(s.ActiveProfiles, p.ID) || !named && p.Active == "true" {
			out = append(out, p.Repositories...)
		}
	}
	return out
}

// add adds what less important settings say, those of Maven's installation.
func (s *settings) add(more *settings) {
	if s.Local == "" {
		s.Local = more.Local
	}
	if s.Offline == "" {
		s.Offline = more.Offline
	}
	for _, v := range more.Servers {
		if s.server(v.ID) == nil {
			s.Servers = append(s.Servers, v)
		}
	}
	for _, m := range more.Mirrors {
		if !slices.ContainsFunc(s.Mirrors, func(x mirror) bool { return x.ID == m.ID }) {
			s.Mirrors = append(s.Mirrors, m)
		}
	}
	for _, p := range more.Profiles {
		if !slices.ContainsFunc(s.Profiles, func(x settingsProfile) bool { return x.ID == p.ID }) {
			s.Profiles = append(s.Profiles, p)
		}
	}
	s.ActiveProfiles = append(s.ActiveProfiles, more.ActiveProfiles...)
}

func (s *settings) server(id string) *server {
	for i := range s.Servers {
		if s.Servers[i].ID == id {
			return &s.Servers[i]
		}
	}
	return nil
}

// mirrorOf is the mirror that replaces a repository; nil without one. One that names
// the repository alone comes before all patterns.
//
// Rules: https://maven.apache.org/guides/mini/guide-mirror-settings.html
func (s *settings) mirrorOf(r *repository) *mirror {
	for i := range s.Mirrors {
		if s.Mirrors[i].Of == r.id {
			return &s.Mirrors[i]
		}
	}
	for i := range s.Mirrors {
		if mirrors(s.Mirrors[i].Of, r) {
			return &s.Mirrors[i]
		}
	}
	return nil
}

// mirrors reports whether the patterns of a mirror match a repository. A name, also an
// excluded one, decides at once.
func mirrors(patterns string, r *repository) bool {
	matches := false
	for p := range strings.SplitSeq(patterns, ",") {
		switch p = strings.TrimSpace(p); {
		case strings.HasPrefix(p, "!") && p[1:] == r.id:
			return false
		case p == r.id:
			return true
		case p == "*",
			p == "external:*" && r.isExternal(),
			p == "external:http:*" && r.isExternal() && r.url.Scheme == "http":
			matches = true
		}
	}
	return matches
}

// isExternal reports whether a repository is on another machine.
func (r *repository) isExternal() bool {
	return r.url.Scheme != "file" && !isLoopback(r.url)
}

func isLoopback(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// readSettings reads the settings of the user and of Maven's installation. A file that
// does not exist says nothing; one that cannot be read is a fault, and the other counts.
func (o *Options) readSettings() (*settings, []fault) {
	var faults []fault
	all := &settings{}
	files := []string{o.Settings}
	if o.Settings == "" && o.Home != "" {
		files = []string{filepath.Join(o.Home, ".m2", "settings.xml")}
	}
	for _, name := range []string{"MAVEN_HOME", "M2_HOME"} {
		if dir := o.getenv(name); dir != "" {
			files = append(files, filepath.Join(dir, "conf", "settings.xml"))
			break
		}
	}
	for _, name := range files {
		if name == "" {
			continue
		}
		b, err := limit.ReadRegular(name, maxSettings)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var s *settings
		if err == nil {
			s, err = parseSettings(b, o.getenv, o.Home)
		}
		if err != nil {
			faults = append(faults, fault{where: name, cause: err.Error()})
			continue
		}
		all.add(s)
	}
	return all, faults
}

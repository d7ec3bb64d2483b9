package mavenrepo

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/assaysec/assay"
)

// metadata is a maven-metadata.xml: of an artifact, or of a snapshot of it.
//
// Format: https://maven.apache.org/ref/current/maven-repository-metadata/repository-metadata.html
type metadata struct {
	Versions  []string `xml:"versioning>versions>version"`
	Timestamp string   `xml:"versioning>snapshot>timestamp"`
	Build     string   `xml:"versioning>snapshot>buildNumber"`
	Files     []struct {
		Classifier string `xml:"classifier"`
		Extension  string `xml:"extension"`
		Value      string `xml:"value"`
	} `xml:"versioning>snapshotVersions>snapshotVersion"`
}

// maxVersions bounds the versions of an artifact; the largest known have 3,000.
const maxVersions = 50_000

func parseMetadata(b []byte) (*metadata, error) {
	if err := checkRoot(b, "metadata"); err != nil {
		return nil, err
	}
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = anyCharset
	m := &metadata{}
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("maven-metadata.xml: %w: %w", xmlFault(err), assay.ErrMalformed)
	}
	if len(m.Versions) > maxVersions {
		return nil, fmt.Errorf("maven-metadata.xml: more than %d versions: %w", maxVersions, assay.ErrTooLarge)
	}
	for i := range m.Versions {
		m.Versions[i] = strings.TrimSpace(m.Versions[i])
	}
	return m, nil
}

// snapshot is the version in the name of the newest pom of a snapshot.
func (m *metadata) snapshot(version string) string {
	for _, f := range m.Files {
		if strings.TrimSpace(f.Extension) == "pom" && strings.TrimSpace(f.Classifier) == "" {
			if v := strings.TrimSpace(f.Value); isFileName(v) {
				return v
			}
		}
	}
	stamp := strings.TrimSpace(m.Timestamp) + "-" + strings.TrimSpace(m.Build)
	if base, ok := strings.CutSuffix(version, "SNAPSHOT"); ok && m.Timestamp != "" && m.Build != "" && isFileName(stamp) {
		return base + stamp
	}
	return version
}

// checkRoot returns an error unless the first element of an XML document is root. A
// proxy that wants a login answers with a page in HTML, and with status 200.
func checkRoot(b []byte, root string) error {
	if len(b) > 1 && b[0]^b[1] == 1 && b[0] >= 0xfe {
		return nil // UTF-16: whoever reads the document converts it
	}
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))))
	d.CharsetReader = anyCharset
	for {
		t, err := d.RawToken()
		if err != nil {
			return fmt.Errorf("the answer is not XML: %w", assay.ErrMalformed)
		}
		if start, ok := t.(xml.StartElement); ok {
			if start.Name.Local == root {
				return nil
			}
			if strings.EqualFold(start.Name.Local, "html") {
				return fmt.Errorf("the answer is a page in HTML: %w", assay.ErrMalformed)
			}
			return fmt.Errorf("the answer is not a <%s>: %w", root, assay.ErrMalformed)
		}
	}
}

// anyCharset reads bytes of any character set as they are: only ASCII counts here.
func anyCharset(_ string, r io.Reader) (io.Reader, error) { return r, nil }

// isFileName reports whether s is safe as a part of a path and of a URL.
func isFileName(s string) bool {
	if s == "" || len(s) > 200 || strings.Trim(s, ".") == "" {
		return false
	}
	for _, c := range []byte(s) {
		if !('a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-_.+~$", c) >= 0) {
			return false
		}
	}
	return true
}

// coordinates of a package, as directories of a repository have them.
type coordinates struct{ group, artifact, version string }

// parse takes the coordinates of a package apart; ok is false where no repository can
// have them.
func parse(p assay.PublishedPackage) (c coordinates, ok bool) {
	c.version = p.Version
	c.group, c.artifact, ok = strings.Cut(p.Name, ":")
	if !ok || !isFileName(c.artifact) || c.version != "" && !isFileName(c.version) {
		return c, false
	}
	for part := range strings.SplitSeq(c.group, ".") {
		if !isFileName(part) {
			return c, false
		}
	}
	return c, true
}

func (c coordinates) isSnapshot() bool { return strings.HasSuffix(c.version, "-SNAPSHOT") }

// dir is the directory of the artifact, or of the version where there is one.
func (c coordinates) dir() string {
	d := strings.ReplaceAll(c.group, ".", "/") + "/" + c.artifact
	if c.version != "" {
		d += "/" + c.version
	}
	return d
}

func (c coordinates) pom(version string) string {
	return c.dir() + "/" + c.artifact + "-" + version + ".pom"
}

func (c coordinates) String() string {
	if c.version == "" {
		return c.group + ":" + c.artifact
	}
	return c.group + ":" + c.artifact + "@" + c.version
}

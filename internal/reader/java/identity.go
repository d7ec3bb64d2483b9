package java

import (
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/listing"
	"github.com/assaysec/assay/internal/reader/internal/ziparchive"
)

// gav are the coordinates of an artifact.
type gav struct{ group, artifact, version string }

func (c gav) name() string {
	if c.group == "" {
		return c.artifact
	}
	return c.group + ":" + c.artifact
}

// part is an artifact of which Maven wrote into an archive that it went in.
type part struct {
	gav
	licences []string
	guessed  bool // the pom.properties, which hold what was built, are not there
}

// identify adds what went into an archive and what the archive is itself.
func (w *walk) identify(z *ziparchive.Archive, found *wanted, p place, r io.Reader) {
	var m manifest
	read := func() manifest {
		if m == nil {
			m = w.manifest(z, found, p)
		}
		return m
	}
	parts := w.parts(z, found, p, read)
	own := itself(stem(p.name), parts, read)
	for i, part := range parts {
		pkg := assay.Package{Name: part.name(), Version: part.version, Licences: part.licences}
		if i == own && part.guessed && !attached(p.name) {
			pkg.Digest = w.digest(p, r)
		}
		w.add(p, pkg)
	}
	if own >= 0 || attached(p.name) || !found.classes && found.manifest == nil {
		return
	}
	c := self(stem(p.name), read())
	pkg := assay.Package{Name: c.name(), Version: c.version, Licences: read().licences(), Digest: w.digest(p, r)}
	if c.group == "" {
		pkg.ClassRoot = found.classRoot()
	}
	w.add(p, pkg)
}

// parts reads what Maven wrote into an archive. A project whose parent has its
// version has that of the archive, when it is the archive.
func (w *walk) parts(z *ziparchive.Archive, found *wanted, p place, read func() manifest) (parts []part) {
	var loose []string
	split := sync.OnceValues(func() (string, string) {
		a, v := splitName(stem(p.name), read().version())
		return plain(a), v
	})
	for _, d := range found.order {
		part, err := w.part(z, d)
		if err == nil && !told(part.version) {
			if a, v := split(); v != "" && a == plain(part.artifact) {
				part.version, part.guessed = v, true
			}
		}
		switch {
		case err != nil:
			w.bad(p, d.dir, err)
		case part.artifact == "":
			w.bad(p, d.dir, fmt.Errorf("artifact name is missing: %w", assay.ErrMalformed))
		case !told(part.version):
			loose = append(loose, part.name())
		default:
			parts = append(parts, part)
		}
	}
	if len(loose) > 0 {
		w.bad(p, "", fmt.Errorf("%s no version: %s: %w", count(len(loose), "artifact has", "artifacts have"), listing.Some(loose), assay.ErrMalformed))
	}
	return parts
}

// wordVersion is a version without a number in front, which are rare and right:
// "Finchley.SR2", "r09", "v1".
var wordVersion = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._+-]*$`)

// told reports whether a text is a version at all.
func told(v string) bool { return isVersion(v) || wordVersion.MatchString(v) }

// part reads one directory that Maven wrote, "META-INF/maven/group/artifact/".
func (w *walk) part(z *ziparchive.Archive, d *pomDir) (part, error) {
	var c part
	var props map[string]string
	if d.properties != nil {
		b, err := w.content(z, d.properties, maxProperties)
		if err != nil {
			return c, err
		}
		props = parseProperties(b)
		c.gav = gav{props["groupId"], props["artifactId"], props["version"]}
		if strings.Contains(c.version, "${") {
			c.version = "" // built by a tool that left the expression
		}
	}
	complete := c.group != "" && c.artifact != "" && c.version != ""
	if d.xml != nil {
		b, err := w.content(z, d.xml, maxPom)
		switch {
		case err != nil && !complete:
			return c, err
		case err == nil && complete:
			c.licences = licencesOf(b)
		case err == nil:
			m, err := parsePom(b)
			if err != nil {
				return c, err
			}
			c.guessed, c.licences = true, m.licences()
			c.gav = fill(c.gav, m.coordinates())
		}
	}
	dirs := strings.Split(strings.TrimSuffix(d.dir, "/"), "/")
	if n := len(dirs); n >= 4 && dirs[n-3] == "maven" && dirs[n-4] == "META-INF" {
		c.gav = fill(c.gav, gav{group: dirs[n-2], artifact: dirs[n-1]})
	}
	return c, nil
}

// fill takes from more what c does not have.
func fill(c, more gav) gav {
	return gav{first(c.group, more.group), first(c.artifact, more.artifact), first(c.version, more.version)}
}

// manifest reads an archive's manifest; nil when it has none.
func (w *walk) manifest(z *ziparchive.Archive, found *wanted, p place) manifest {
	if found.manifest == nil {
		return manifest{}
	}
	b, err := w.beginning(z, found.manifest, maxManifest)
	if err != nil {
		w.bad(p, found.manifest.Name, err)
	}
	return parseManifest(b)
}

// itself tells which of the parts of an archive is the archive, rather than
// something that was packed into it; -1 when none is.
func itself(stem string, parts []part, read func() manifest) int {
	best, s := -1, plain(stem)
	for i, c := range parts {
		if named(s, c.gav) && (best < 0 || len(c.artifact) > len(parts[best].artifact)) {
			best = i
		}
	}
	if best >= 0 || len(parts) == 0 {
		return best
	}
	m := read()
	v := m.version()
	if len(parts) == 1 {
		c := parts[0]
		_, inName := splitName(stem, v)
		if v == "" && (inName == "" || sameVersion(inName, c.version)) || v != "" && sameVersion(v, c.version) {
			return 0
		}
		return -1
	}
	for i, c := range parts {
		if v == "" || !sameVersion(v, c.version) {
			continue
		}
		if best >= 0 {
			return -1
		}
		best = i
	}
	return best
}

// named reports whether s, a plain file's name, is that of an artifact:
// "(group.)artifact(-version)(-classifier)".
func named(s string, c gav) bool {
	v := plain(c.version)
	for _, name := range []string{plain(c.artifact), plain(c.group + "." + c.artifact)} {
		if rest, ok := strings.CutPrefix(s, name); ok && (rest == "" || rest == "-"+v || strings.HasPrefix(rest, "-"+v+"-")) {
			return true
		}
	}
	return false
}

// artifactName is a title that can be an artifact's name.
var artifactName = regexp.MustCompile(`^[a-z][a-z0-9_]*([.-][A-Za-z0-9_]+)*$`)

// self tells what an archive is, in which Maven wrote nothing of itself, by its
// manifest and its file's name. Where no version can be told it is "".
func self(stem string, m manifest) gav {
	if g, v := m["group-id"], m["plugin-version"]; g != "" && v != "" {
		if a := first(m["short-name"], m["extension-name"]); a != "" {
			v, _, _ = strings.Cut(v, " ")
			return gav{g, a, v}
		}
	}
	artifact, version := splitName(stem, m.version())
	title := m["implementation-title"]
	for _, name := range []string{artifact, m.symbolicName(), m["extension-name"], title, m["automatic-module-name"]} {
		if c, ok := known()[name]; ok && name != "" {
			c.version = first(version, m.version())
			return c
		}
	}
	if version == "" && artifactName.MatchString(title) && strings.ContainsAny(title, "-") && !strings.Contains(plain(stem), plain(title)) {
		artifact = title
	}
	if version = first(version, m.version()); version == "" {
		if v := m["specification-version"]; isVersion(v) && m["specification-title"] != "" {
			version = v
		}
	}
	return gav{group(artifact, m), artifact, version}
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// groupName is a group as nearly all are: a domain backwards.
var groupName = regexp.MustCompile(`^[a-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+$`)

// group tells the group of an artifact where the manifest leaves no doubt: the
// name of the bundle or module is made of group and artifact in one of the ways
// of the usual tools, or Maven wrote the group as Implementation-Vendor-Id,
// which "org.apache" is not.
func group(artifact string, m manifest) string {
	for _, name := range []string{m.symbolicName(), m["automatic-module-name"]} {
		if g := prefix(name, artifact); groupName.MatchString(g) {
			return g
		}
	}
	if g := m["implementation-vendor-id"]; groupName.MatchString(g) && g != "org.apache" {
		return g
	}
	return ""
}

// prefix is the group in "group.artifact" or "group.rest", where the artifact
// is the last word of the group and the rest: "org.lz4.java" of lz4-java. One
// word, as in "com.google.guava" of guava, can be both and tells nothing.
func prefix(name, artifact string) string {
	words, a := strings.Split(name, "."), plain(artifact)
	if n := len(words); n > 2 && plain(words[n-1]) == a && strings.Contains(a, "-") {
		return strings.Join(words[:n-1], ".")
	}
	if n := len(words); n > 2 && plain(words[n-2]+"-"+words[n-1]) == a {
		return strings.Join(words[:n-1], ".")
	}
	return ""
}

//go:embed known.txt
var knownText string

// known are artifacts whose archives do not tell their group, by file name,
// bundle, module or title.
var known = sync.OnceValue(func() map[string]gav {
	table := map[string]gav{}
	for line := range strings.Lines(knownText) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		for _, w := range words[1:] {
			key, artifact, ok := strings.Cut(w, "=")
			if !ok {
				artifact = key
			}
			table[key] = gav{group: words[0], artifact: artifact}
		}
	}
	return table
})

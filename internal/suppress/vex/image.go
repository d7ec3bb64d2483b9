package vex

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/package-url/packageurl-go"
)

// An Image has the identifiers of an image.
type Image struct {
	Repository string // with its host, "docker.io/library/alpine"
	Tag        string // ""
	Digest     string // "sha256:…"; ""
	Arch       string // as GOARCH; ""
}

// reference matches an image reference. The first part of a path may be a host,
// which may have capitals and a port.
// https://github.com/distribution/reference/blob/v0.6.0/regexp.go
var reference = regexp.MustCompile(`^(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?/)?` +
	`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*` +
	`(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9+._-]*:[0-9A-Za-z]+)?$`)

// ParseImage parses a reference, HOST/PATH[:TAG][@DIGEST], with Docker's
// defaults, but without a default tag.
// https://github.com/distribution/reference/blob/v0.6.0/normalize.go
func ParseImage(ref string) (Image, error) {
	name, digest, _ := strings.Cut(ref, "@")
	i := Image{Repository: name, Digest: digest}
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		i.Repository, i.Tag = name[:at], name[at+1:]
	}
	if !reference.MatchString(ref) {
		return Image{}, fmt.Errorf("invalid image reference %.200q: %w", ref, assay.ErrMalformed)
	}
	host, rest, ok := strings.Cut(i.Repository, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		host, rest = dockerHub, i.Repository
	}
	if host == "index."+dockerHub {
		host = dockerHub
	}
	if host == dockerHub && !strings.Contains(rest, "/") {
		rest = "library/" + rest
	}
	i.Repository = host + "/" + rest
	return i, nil
}

const dockerHub = "docker.io"

// PURL is the image's package URL.
// https://github.com/package-url/purl-spec/blob/main/types-doc/oci-definition.md
func (i Image) PURL() string {
	q := map[string]string{repository: i.Repository}
	if i.Tag != "" {
		q["tag"] = i.Tag
	}
	if i.Arch != "" {
		q["arch"] = i.Arch
	}
	u := packageurl.PackageURL{Type: packageurl.TypeOCI, Name: strings.ToLower(i.Repository[strings.LastIndexByte(i.Repository, '/')+1:]), Version: i.Digest,
		Qualifiers: packageurl.QualifiersFromMap(q)}
	return u.ToString()
}

// Names are the package URLs (types oci and docker) by which documents may refer
// to an image: with any of its repositories or none, and with any of its digests
// and tags. The zero value has no names.
type Names struct {
	arch    string
	digests map[string]bool
	unnamed bool                       // see Unnamed
	tags    map[string]map[string]bool // by key of a package URL and repository, "" being any
	names   map[string]bool
}

// Add adds a name; the architecture is that of the last name with one.
func (n *Names) Add(i Image) {
	if n.tags == nil {
		n.tags, n.names = map[string]map[string]bool{}, map[string]bool{}
	}
	if i.Arch != "" {
		n.arch = i.Arch
	}
	n.Digest(i.Digest)
	host, path, _ := strings.Cut(i.Repository, "/")
	dir, name := "", path
	if at := strings.LastIndexByte(path, '/'); at >= 0 {
		dir, name = path[:at], path[at+1:]
	}
	hosts, dirs := []string{host}, []string{dir}
	if host == dockerHub {
		hosts = append(hosts, "index."+dockerHub)
	}
	if host == dockerHub && dir == "library" {
		dirs = append(dirs, "")
	}
	oci := packageurl.PackageURL{Type: packageurl.TypeOCI, Name: strings.ToLower(name)}
	n.name(oci, "", i.Tag)
	for _, h := range hosts {
		n.name(oci, h+"/"+path, i.Tag)
		for _, d := range dirs {
			docker := packageurl.PackageURL{Type: packageurl.TypeDocker, Namespace: d, Name: name}
			n.name(docker, h, i.Tag)
			if h == dockerHub { // the default repository
				n.name(docker, "", i.Tag)
			}
		}
	}
}

// Digest adds a digest without a repository.
func (n *Names) Digest(d string) {
	if n.digests == nil {
		n.digests = map[string]bool{}
	}
	if d != "" {
		n.digests[d] = true
	}
}

// Unnamed says that it is unknown which repositories have the image, as for an archive or
// a layout. Then a package URL of the type oci matches by its digest, whatever it names:
// nothing else has this digest.
func (n *Names) Unnamed(arch string) { n.unnamed, n.arch = true, arch }

func (n *Names) name(u packageurl.PackageURL, at, tag string) {
	p, err := ParsePURL(u.ToString())
	if err != nil {
		return
	}
	k := p.Key() + "\x00" + at
	if n.tags[k] == nil {
		n.tags[k] = map[string]bool{}
	}
	if tag != "" {
		n.tags[k][tag] = true
	}
	if at != "" {
		p.qualifiers = map[string]string{repository: at}
	}
	n.names[p.Name()] = true
}

// Matches reports whether a pattern matches the image.
func (n *Names) Matches(p PURL) bool {
	if n.unnamed && p.url.Type == packageurl.TypeOCI && p.url.Subpath == "" && n.digests[p.url.Version] {
		arch, ok := p.qualifiers["arch"]
		return !ok || arch == n.arch
	}
	tags, ok := n.tags[p.Key()+"\x00"+p.qualifiers[repository]]
	if !ok || p.url.Subpath != "" {
		return false
	}
	oci, v := p.url.Type == packageurl.TypeOCI, p.url.Version
	if v != "" && !n.digests[v] && (oci || !tags[v]) {
		return false
	}
	for k, v := range p.qualifiers {
		switch {
		case k == repository:
		case oci && k == "tag" && tags[v]:
		case oci && k == "arch" && v == n.arch:
		default:
			return false
		}
	}
	return true
}

// Names are those under which documents may exist, as PURL's.
func (n *Names) Names() []string { return slices.Sorted(maps.Keys(n.names)) }

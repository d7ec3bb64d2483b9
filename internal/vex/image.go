package vex

import (
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/package-url/packageurl-go"
)

// An Image is what an image is known by.
type Image struct {
	Repository string // with its host, "docker.io/library/alpine"
	Tag        string // ""
	Digest     string // "sha256:…"; ""
	Arch       string // as GOARCH; ""
}

// ParseImage reads a reference, HOST/PATH[:TAG][@DIGEST], as Docker completes
// it; no tag is made up.
// https://github.com/distribution/reference/blob/v0.6.0/normalize.go
func ParseImage(ref string) (Image, error) {
	name, digest, _ := strings.Cut(ref, "@")
	i := Image{Repository: name, Digest: digest}
	if at := strings.LastIndexByte(name, ':'); at > strings.LastIndexByte(name, '/') {
		i.Repository, i.Tag = name[:at], name[at+1:]
	}
	if i.Repository == "" || strings.ContainsAny(ref, " \t\n\"<>\\") || strings.Contains(ref, "//") ||
		digest != "" && !strings.Contains(digest, ":") || strings.HasSuffix(name, ":") || strings.HasSuffix(i.Repository, "/") {
		return Image{}, fmt.Errorf("%.200q is no reference of an image: %w", ref, assay.ErrMalformed)
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

// PURLs are the package URLs by which documents may call the image: of the
// types oci and docker, and with either name of Docker's registry.
func (i Image) PURLs() (out []string) {
	host, path, _ := strings.Cut(i.Repository, "/")
	hosts := []string{host}
	if host == dockerHub {
		hosts = append(hosts, "index."+dockerHub)
	}
	for _, h := range hosts {
		named := i
		named.Repository = h + "/" + path
		out = append(out, named.PURL())
		for _, version := range []string{i.Digest, i.Tag} {
			if version == "" {
				continue
			}
			u := packageurl.PackageURL{Type: packageurl.TypeDocker, Name: path[strings.LastIndexByte(path, '/')+1:], Version: version,
				Qualifiers: packageurl.QualifiersFromMap(map[string]string{repository: h})}
			if at := strings.LastIndexByte(path, '/'); at > 0 && path[:at] != "library" {
				u.Namespace = path[:at]
			}
			out = append(out, u.ToString())
		}
	}
	return out
}

package triage

import (
	"cmp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/suppress/vex"
)

// maxImageNames bounds the references of an image: builds may leave some
// hundreds.
const maxImageNames = 10_000

// identities are the names of a report's target in documents: package URLs, the
// names of an image in such, and references and digests. An image has the names
// of each of its repositories, tags and digests, including the digest of its
// configuration. Names of files and directories do not count, because anybody
// may use them.
func identities(r *assay.Report, bill *vex.SBOM) (purls []string, image vex.Names, ids []string) {
	i := &r.Image
	if bill != nil {
		if p := bill.PURLs[bill.Root]; p != "" {
			purls = append(purls, p)
			if strings.HasPrefix(p, "pkg:oci/") {
				purls = append(purls, registrySpellings(p)...)
			}
		}
	}
	if r.Kind == assay.KindRepository {
		purls = append(purls, repository(&i.Repository)...)
	}
	if !r.Kind.IsImage() {
		return purls, image, ids
	}
	digests := append([]string{i.Digest, i.ID}, i.Indexes...)
	if len(i.RepoDigests) == 0 {
		image.Unnamed(i.Platform.Arch)
	}
	refs := references(r)
	for _, ref := range refs[:min(len(refs), maxImageNames)] {
		img, err := vex.ParseImage(ref)
		if err != nil {
			continue
		}
		img.Arch = i.Platform.Arch
		image.Add(img)
		digests = append(digests, img.Digest)
		ids = append(ids, ref, canonical(ref))
	}
	for _, d := range digests {
		image.Digest(d)
		ids = append(ids, d, strings.Replace(d, "sha256:", "sha-256:", 1))
	}
	return purls, image, ids
}

// references are the references of an image.
func references(r *assay.Report) []string {
	return slices.Concat(r.Image.RepoDigests, r.Image.RepoTags)
}

// canonical is a reference as Docker completes it; an invalid one is unchanged.
func canonical(ref string) string {
	img, err := vex.ParseImage(ref)
	if err != nil {
		return ref
	}
	s := img.Repository
	if img.Digest != "" {
		return s + "@" + img.Digest
	}
	return s + ":" + cmp.Or(img.Tag, "latest")
}

// registrySpellings is an image's package URL with both names of Docker's registry.
func registrySpellings(purl string) (out []string) {
	const long, short = "=index.docker.io", "=docker.io"
	if strings.Contains(purl, long) {
		return []string{strings.Replace(purl, long, short, 1)}
	}
	if strings.Contains(purl, short) {
		return []string{strings.Replace(purl, short, long, 1)}
	}
	return nil
}

// forges are hosts whose repositories have their own type of package URL.
// https://github.com/package-url/purl-spec/blob/main/purl-types-index.json
var forges = map[string]string{"github.com": "github", "bitbucket.org": "bitbucket"}

// repository is the package URL of a source code repository.
func repository(i *assay.RepositoryInfo) (out []string) {
	at := i.URL
	if _, rest, ok := strings.Cut(at, "://"); ok {
		at = rest
	}
	if _, rest, ok := strings.Cut(at, "@"); ok {
		at = rest
	}
	host, path, ok := strings.Cut(strings.Replace(at, ":", "/", 1), "/")
	kind := forges[host]
	if path = strings.TrimSuffix(strings.Trim(path, "/"), ".git"); !ok || kind == "" || strings.Count(path, "/") != 1 {
		return nil
	}
	for _, version := range slices.Concat([]string{i.Commit, i.Branch}, i.Tags) {
		if version != "" {
			out = append(out, "pkg:"+kind+"/"+strings.ToLower(path)+"@"+version)
		}
	}
	return append(out, "pkg:"+kind+"/"+strings.ToLower(path))
}

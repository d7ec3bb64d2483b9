package ignore

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/assaysec/assay"
)

// whitelist reads clair-scanner's format: identifiers with a comment, for all
// images or for one.
// https://github.com/arminc/clair-scanner#example-whitelist-yaml-file
func (d *document) whitelist(top []entry) (*File, error) {
	out := &File{Name: d.name}
	for _, e := range top {
		switch e.key {
		case "generalwhitelist":
			if err := d.approved(out, e.value, ""); err != nil {
				return nil, err
			}
		case "images":
			images, err := d.mapping(e.value, "images")
			if err != nil {
				return nil, err
			}
			for _, i := range images {
				if i.key == "" {
					return nil, d.fail(i.at, "an image without a name")
				}
				if _, digest, ok := strings.Cut(i.key, "@"); ok && !isDigest.MatchString(digest) {
					return nil, d.fail(i.at, "image %q: %q is not a digest (sha256: and 64 hexadecimal digits)", i.key, digest)
				}
				if err := d.approved(out, i.value, i.key); err != nil {
					return nil, err
				}
			}
		default:
			return nil, d.fail(e.at, "unknown key %q; known: generalwhitelist, images", e.key)
		}
	}
	return out, nil
}

// approved reads the identifiers of one section.
func (d *document) approved(out *File, n *yaml.Node, image string) error {
	all, err := d.mapping(n, "a whitelist")
	if err != nil {
		return err
	}
	for _, e := range all {
		if len(out.Rules) == maxRules {
			return d.fail(e.at, "more than %d rules: %w", maxRules, assay.ErrTooLarge)
		}
		r := Rule{File: d.name, Line: e.at.Line, IDs: []string{e.key}, names: aliases | vendors, image: image}
		if r.Reason, err = d.text(e.value); err != nil {
			return err
		}
		if image != "" {
			of := parseRepository(image)
			r.add("image", []string{of.name, of.tag, of.digest}, func(s *subject) bool { return of.isAmong(s.s.repos) })
		}
		out.Rules = append(out.Rules, r)
	}
	return nil
}

// isDigest recognises the digest of a manifest.
// https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests
var isDigest = regexp.MustCompile(`^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$`)

// A repository is the name of an image; without a tag or digest it matches all
// of its images.
type repository struct{ name, tag, digest string }

// parseRepository splits an image reference: the part after the last slash may
// have a tag, the part before may have a port.
func parseRepository(ref string) repository {
	ref, digest, _ := strings.Cut(strings.TrimSpace(ref), "@")
	r := repository{name: ref, digest: digest}
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		r.name, r.tag = ref[:i], ref[i+1:]
	}
	// https://github.com/distribution/reference: the default registry and directory
	for _, host := range []string{"docker.io/", "index.docker.io/", "registry-1.docker.io/"} {
		if rest, ok := strings.CutPrefix(r.name, host); ok {
			r.name = rest
			break
		}
	}
	r.name = strings.TrimPrefix(r.name, "library/")
	return r
}

// isAmong reports whether an image with all these names matches. With a digest,
// the tag is ignored.
func (r repository) isAmong(all []repository) bool {
	named := slices.ContainsFunc(all, func(of repository) bool {
		return r.name != "" && of.name == r.name && (r.tag == "" || r.digest != "" || r.tag == of.tag)
	})
	return named && (r.digest == "" || slices.ContainsFunc(all, func(of repository) bool { return of.digest == r.digest }))
}

// repositories are the names of a report's image, and its digests.
func repositories(r *assay.Report) []repository {
	if !r.Kind.IsImage() {
		return nil // anybody may use the same directory names
	}
	all := []repository{{digest: r.Image.Digest}}
	for _, ref := range slices.Concat([]string{r.Image.Name}, r.Image.RepoTags, r.Image.RepoDigests) {
		all = append(all, parseRepository(ref))
	}
	return all
}

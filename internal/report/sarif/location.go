package sarif

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/markdown"
)

// isSourceCode reports whether the paths are those of source code.
func isSourceCode(r *assay.Report) bool {
	return r.Kind == assay.KindFilesystem || r.Kind == assay.KindRepository
}

// location returns the file that lists the package; for a file in an archive, the
// archive.
func (c *converter) location(p *assay.Package) location {
	file, _, _ := strings.Cut(p.Path, "!/")
	l := location{
		Physical: physicalLocation{Artifact: artifactLocation{URI: place(c.r, file)}, Region: region{StartLine: max(p.Line, 1)}},
		Logical:  []logicalLocation{{Name: plain(p.Name), QualifiedName: plain(p.Ref()), Kind: "package"}},
		Message:  text{Text: plain(p.Ref())},
	}
	if isSourceCode(c.r) {
		l.Physical.Artifact.URIBaseID = srcRoot
	}
	return l
}

// place returns the path of a file as a relative URI. In source code it is relative to
// the directory of the scan where the target is below it, else to the target; in images
// it is below the image's name.
func place(r *assay.Report, file string) string {
	name := filepath.ToSlash(r.Image.Name)
	outside := path.IsAbs(name) || filepath.IsAbs(r.Image.Name) || name == ".." || strings.HasPrefix(name, "../") || strings.Contains(name, "://")
	switch {
	case isSourceCode(r) && (outside || r.Kind == assay.KindRepository):
		name = ""
	case outside, strings.HasPrefix(name, "./") && !isSourceCode(r):
		name = path.Base(name)
	}
	if (r.Kind == assay.KindSBOM || isSourceCode(r)) && file == path.Base(name) { // the target is this one file
		file = ""
	}
	var out []string
	for s := range strings.SplitSeq(name+"/"+file, "/") {
		if s != "" && s != "." && s != ".." {
			out = append(out, strings.ReplaceAll(url.PathEscape(s), ":", "%3A"))
		}
	}
	if len(out) == 0 {
		return "unknown"
	}
	return strings.Join(out, "/")
}

// fingerprint identifies a vulnerability of a package in a file, whatever version is
// installed. If several versions are in the same file, each further one gets a number.
func (c *converter) fingerprint(f *assay.Finding, p *assay.Package) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{f.ID, p.Type, p.Name, p.Path}, "\x00")))
	s := hex.EncodeToString(sum[:16])
	c.seen[s]++
	return s + ":" + strconv.Itoa(c.seen[s])
}

// web returns s as the address of a web page; "" when it is none.
func web(s string) string { return markdown.Address(s) }

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

// declared reports whether the paths are those of source code.
func declared(r *assay.Report) bool {
	return r.Kind == assay.KindFilesystem || r.Kind == assay.KindRepository
}

// location is the file that says that a package is there; of a file in an archive
// the archive.
func (c *converter) location(p *assay.Package) location {
	file, _, _ := strings.Cut(p.Path, "!/")
	l := location{
		Physical: physicalLocation{Artifact: artifactLocation{URI: place(c.r, file)}, Region: region{StartLine: 1}},
		Logical:  []logicalLocation{{Name: plain(p.Name), QualifiedName: plain(p.Ref()), Kind: "package"}},
		Message:  text{Text: plain(p.Ref())},
	}
	if declared(c.r) {
		l.Physical.Artifact.URIBaseID = srcRoot
	}
	return l
}

// place is where a file is, as a relative URI: in source code below the directory
// that was named, where that is below the one in which the scan ran, else below
// the name of the image.
func place(r *assay.Report, file string) string {
	name := filepath.ToSlash(r.Image.Name)
	outside := path.IsAbs(name) || filepath.IsAbs(r.Image.Name) || name == ".." || strings.HasPrefix(name, "../") || strings.Contains(name, "://")
	switch {
	case declared(r) && (outside || r.Kind == assay.KindRepository):
		name = ""
	case outside, strings.HasPrefix(name, "./") && !declared(r):
		name = path.Base(name)
	}
	if (r.Kind == assay.KindSBOM || declared(r)) && file == path.Base(name) { // the one file that was named
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

// fingerprint is the same for the same vulnerability of the same package in the
// same place, whichever version is there. Of several versions each has a number.
func (c *converter) fingerprint(f *assay.Finding, p *assay.Package) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{f.ID, p.Type, p.Name, p.Path}, "\x00")))
	s := hex.EncodeToString(sum[:16])
	c.seen[s]++
	return s + ":" + strconv.Itoa(c.seen[s])
}

// web is the address of a page; "" where s is none.
func web(s string) string { return markdown.Address(s) }

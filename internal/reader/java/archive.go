// Package java reads Java software: installed archives, Java virtual machines, and the
// files in which projects declare dependencies (Maven's pom.xml, the lock files of
// Gradle and sbt).
//
// Packages are named "group:artifact", or "artifact" alone where the group is
// uncertain.
package java

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/reader/internal/ziparchive"
)

// Bounds of one archive with all that it holds.
const (
	maxArchive    = 8 << 30   // as a file, which is not held; applications with all their libraries have 2 GB
	maxDepth      = 8         // of archives in archives; an EAR with a WAR with a shaded JAR has 3
	maxNested     = 20_000    // archives in it; the largest distributions have 2,000
	maxMembers    = 5_000_000 // in the directories of all; the largest applications have 500,000
	maxProperties = 64 << 10  // pom.properties; five lines
	maxPom        = 4 << 20   // pom.xml in an archive; the largest have 200 kB
	maxManifest   = 256 << 10 // beginning of a manifest that is looked at: the main attributes come first, digests of classes after
	maxHeld       = 16 << 20  // a nested archive that is inflated into memory; a larger one goes to a temporary file
	minWork       = 256 << 20 // bytes that may be inflated and hashed of even the smallest archive
	maxRatio      = 8         // … and for each byte of it: each level of archives is inflated and hashed once, and three are usual
	minText       = 32 << 20  // bytes of what Maven wrote and of manifests that may be inflated, and one for each byte: reading them takes ten times as long
	maxRoot       = 256       // bytes of the name of a Java package
	maxPath       = 4 << 10   // of an archive within; the longest known have 500
	maxShrink     = 100       // times that an archive within may be larger than it is deflated: archives hardly shrink
	minShrink     = 1 << 20   // … when it has more bytes than that
)

// endings of the names of archives.
var endings = []string{"jar", "war", "ear", "par", "sar", "nar", "jpi", "hpi", "kar", "lpkg", "rar", "far", "zap", "zip"}

// shared are those that other archives bear, too, which need not be ours.
var shared = []string{"rar", "par", "far", "zap", "zip"}

// Archive reads Java archives: what is in them, what they are themselves, and
// the archives within. A package found inside an archive that lies in another
// bears the way there in its Path, "opt/app.war!/WEB-INF/lib/a.jar". Sources
// speak for themselves only by what Maven wrote into them, documentation does
// not count.
//
// Format: https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html
type Archive struct{}

func (Archive) Name() string { return "java-archive" }

func (Archive) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, e := range endings {
		for _, e := range []string{e, strings.ToUpper(e)} {
			ps = append(ps, assay.Pattern{Glob: "**/*." + e, Scope: assay.ScopeInstalled, MaxSize: maxArchive})
		}
	}
	return ps
}

func (Archive) Read(ctx context.Context, f *assay.File) (assay.Facts, error) {
	w := &walk{ctx: ctx, root: f.Path, work: minWork + maxRatio*f.Size, text: minText + f.Size, members: maxMembers, nested: maxNested, seen: map[sighting]int{}}
	err := w.archive(f, f.Size, place{name: path.Base(f.Path)})
	if err != nil {
		w.errs.Add(err)
	}
	return w.facts, w.errs.Err()
}

// foreign reports whether a file bears one of our endings and is something else
// for sure: a RAR archive, a parity file, a MIDI file, an archive of Nix; or no
// zip archive, with an ending that others share.
func foreign(r io.ReaderAt, name string) bool {
	head := make([]byte, 16)
	n, _ := r.ReadAt(head, 0)
	if slices.Contains(shared, strings.ToLower(strings.TrimPrefix(path.Ext(name), "."))) && !bytes.HasPrefix(head[:n], []byte("PK")) {
		return true
	}
	for _, magic := range []string{"Rar!\x1a\a", "PAR2\x00PKT", "MThd", "\r\x00\x00\x00\x00\x00\x00\x00nix-arch"} {
		if bytes.HasPrefix(head[:n], []byte(magic)) {
			return true
		}
	}
	return false
}

// A sighting is a package and where it is.
type sighting struct{ path, ref string }

// walk is what is found in a file, and what may still be spent on it.
type walk struct {
	ctx     context.Context
	root    string // path of the file
	facts   assay.Facts
	errs    stanza.Errors
	seen    map[sighting]int // packages to their place in facts
	work    int64            // bytes of archives that may still be inflated and hashed
	text    int64            // bytes of what Maven wrote and of manifests that may still be inflated
	members int
	nested  int
}

// place is where in the file an archive lies.
type place struct {
	inner string // "!/WEB-INF/lib/a.jar"; "" is the file itself
	path  string // of its packages: "opt/app.war!/WEB-INF/lib/a.jar"; "" where the engine fills in that of the file
	name  string // base name
	depth int
}

// bad notes what is wrong inside the file.
func (w *walk) bad(p place, member string, err error) {
	where := strings.TrimPrefix(p.inner, "!/")
	if where != "" && member != "" {
		where += "!/"
	}
	if where += member; where != "" {
		err = fmt.Errorf("%s: %w", where, err)
	}
	w.errs.Add(err)
}

// wanted is what an archive's directory lists of interest.
type wanted struct {
	manifest *ziparchive.Member
	poms     map[string]*pomDir
	order    []*pomDir
	nested   []ziparchive.Member
	classes  bool
	root     []byte // the directory that all classes are below; nil before the first
}

// class notes a class. Those of other versions of Java, and descriptions of modules, are
// elsewhere in the archive.
func (f *wanted) class(name []byte) {
	f.classes = true
	dir := name[:bytes.LastIndexByte(name, '/')+1]
	switch {
	case bytes.HasPrefix(name, []byte("META-INF/")), string(name) == "module-info.class":
	case f.root == nil:
		f.root = append([]byte{}, dir...)
	case !bytes.HasPrefix(dir, f.root):
		n := 0
		for n < len(f.root) && n < len(dir) && f.root[n] == dir[n] {
			n++
		}
		f.root = f.root[:bytes.LastIndexByte(f.root[:n], '/')+1]
	}
}

// classRoot returns the Java package that contains all classes; "" if none does, or only
// one that many publishers share, such as "org".
func (f *wanted) classRoot() string {
	if name := strings.ReplaceAll(strings.TrimSuffix(string(f.root), "/"), "/", "."); len(name) <= maxRoot && groupName.MatchString(name) {
		return name
	}
	return ""
}

// pomDir is a directory into which Maven wrote what the archive was made from.
type pomDir struct {
	dir             string
	properties, xml *ziparchive.Member
}

// archive reads one archive and those in it. Its error tells why the archive
// itself cannot be read; what is wrong inside is noted.
func (w *walk) archive(r io.ReaderAt, size int64, p place) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if foreign(r, p.name) {
		return nil
	}
	z, err := ziparchive.Open(r, size)
	if err != nil {
		return err
	}
	found := w.list(z, p)
	w.identify(z, found, p, io.NewSectionReader(r, 0, size))
	for i := range found.nested {
		m := &found.nested[i]
		if err := w.enter(z, m, p); err != nil {
			w.bad(p, m.Name, err)
		}
	}
	return w.ctx.Err()
}

// list goes through an archive's directory.
func (w *walk) list(z *ziparchive.Archive, p place) *wanted {
	found := &wanted{poms: map[string]*pomDir{}}
	for m, err := range z.Members(w.members, func(name []byte) bool {
		w.members--
		if bytes.HasSuffix(name, []byte(".class")) {
			found.class(name)
		}
		return interesting(name)
	}) {
		if err != nil {
			w.bad(p, "", err)
			break
		}
		if m.Outside() {
			w.bad(p, m.Name, fmt.Errorf("the name points outside the archive: %w", assay.ErrMalformed))
			continue
		}
		dir, base := path.Split(m.Name)
		switch {
		case strings.EqualFold(m.Name, "META-INF/MANIFEST.MF"):
			if found.manifest == nil {
				found.manifest = &m
			}
		case base == "pom.properties", base == "pom.xml":
			d := found.poms[dir]
			if d == nil {
				d = &pomDir{dir: dir}
				found.poms[dir] = d
				found.order = append(found.order, d)
			}
			if base == "pom.xml" {
				d.xml = &m
			} else {
				d.properties = &m
			}
		default:
			found.nested = append(found.nested, m)
		}
	}
	return found
}

// interesting reports whether a name in an archive is one that is read.
func interesting(name []byte) bool {
	if len(name) == 0 || name[len(name)-1] == '/' {
		return false
	}
	dot := bytes.LastIndexByte(name, '.')
	if dot < 0 || len(name)-dot > 11 {
		return false
	}
	switch ext := string(name[dot+1:]); ext {
	case "class":
		return false
	case "MF", "mf", "Mf":
		return len(name) == 20 && strings.EqualFold(string(name), "META-INF/MANIFEST.MF")
	case "properties", "xml":
		i := bytes.Index(name, []byte("META-INF/maven/"))
		return (i == 0 || i > 0 && name[i-1] == '/') && (bytes.HasSuffix(name, []byte("/pom.properties")) || bytes.HasSuffix(name, []byte("/pom.xml")))
	default:
		return isArchive(ext)
	}
}

func isArchive(ext string) bool {
	for _, e := range endings {
		if strings.EqualFold(e, ext) {
			return true
		}
	}
	return false
}

// enter reads an archive within an archive.
func (w *walk) enter(z *ziparchive.Archive, m *ziparchive.Member, p place) error {
	if len(p.inner)+len(m.Name) > maxPath {
		return fmt.Errorf("path longer than %d bytes; the content was not read: %w", maxPath, assay.ErrTooLarge)
	}
	in := place{inner: p.inner + "!/" + m.Name, name: path.Base(m.Name), depth: p.depth + 1}
	in.path = w.root + in.inner
	switch {
	case documentation(in.name):
		return nil
	case in.depth > maxDepth:
		return fmt.Errorf("more than %d nested archives; the content was not read: %w", maxDepth, assay.ErrTooLarge)
	case w.nested == 0:
		return fmt.Errorf("more than %d archives inside; this one was not read: %w", maxNested, assay.ErrTooLarge)
	}
	w.nested--
	if m.Size > minShrink && m.Size/maxShrink > m.Packed() {
		return fmt.Errorf("compressed to less than 1/%d of its size; not read: %w", maxShrink, assay.ErrTooLarge)
	}
	if m.Stored() {
		s, err := z.Section(m)
		if err != nil {
			return err
		}
		return w.archive(s, s.Size(), in)
	}
	r, err := z.Open(m)
	if err != nil {
		return err
	}
	at, size, done, err := w.inflate(r)
	if err != nil {
		return err
	}
	defer done()
	return w.archive(at, size, in)
}

// inflate holds what r gives: in memory, or in a temporary file when it is
// large.
func (w *walk) inflate(r io.Reader) (_ io.ReaderAt, size int64, done func(), err error) {
	counted := w.spend(r, &w.work)
	var head bytes.Buffer
	_, err = io.CopyN(&head, counted, maxHeld)
	if err == io.EOF {
		return bytes.NewReader(head.Bytes()), int64(head.Len()), func() {}, nil
	}
	if err != nil {
		return nil, 0, nil, err
	}
	f, err := os.CreateTemp("", "assay-*.jar")
	if err != nil {
		return nil, 0, nil, err
	}
	done = func() { f.Close(); os.Remove(f.Name()) }
	if size, err = io.Copy(f, io.MultiReader(&head, counted)); err != nil {
		done()
		return nil, 0, nil, err
	}
	return f, size, done, nil
}

// spend returns r, reading which costs of what may be spent on the file.
func (w *walk) spend(r io.Reader, left *int64) io.Reader { return &spender{w.ctx, r, left} }

type spender struct {
	ctx  context.Context
	r    io.Reader
	left *int64
}

func (s *spender) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := s.r.Read(p)
	if *s.left -= int64(n); *s.left < 0 {
		return 0, fmt.Errorf("the decompressed content exceeds the limit for a file of this size: %w", assay.ErrTooLarge)
	}
	return n, err
}

// content reads a small member.
func (w *walk) content(z *ziparchive.Archive, m *ziparchive.Member, most int64) ([]byte, error) {
	r, err := z.Open(m)
	if err != nil {
		return nil, err
	}
	return limit.ReadAll(w.spend(r, &w.text), most)
}

// beginning reads the first bytes of a member.
func (w *walk) beginning(z *ziparchive.Archive, m *ziparchive.Member, most int64) ([]byte, error) {
	r, err := z.Open(m)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(w.spend(r, &w.text), most))
}

// add keeps a package, once for each place.
func (w *walk) add(p place, pkg assay.Package) {
	pkg.Type, pkg.Path = assay.TypeMaven, p.path
	if pkg.Version == "" && pkg.Digest == "" {
		return // why there is no digest was noted
	}
	key := sighting{pkg.Path, pkg.Ref()}
	if i, ok := w.seen[key]; ok {
		if was := &w.facts.Packages[i]; len(was.Licences) == 0 {
			was.Licences = pkg.Licences
		}
		return
	}
	if len(w.facts.Packages) == stanza.MaxPackages {
		w.bad(p, "", fmt.Errorf("more than %d packages: %w", stanza.MaxPackages, assay.ErrTooLarge))
		return
	}
	w.seen[key] = len(w.facts.Packages)
	w.facts.Packages = append(w.facts.Packages, pkg)
}

// digest is the SHA-1 of an archive, by which Maven's registries know it; ""
// when it cannot be taken.
func (w *walk) digest(p place, r io.Reader) string {
	h := sha1.New()
	if _, err := io.CopyBuffer(h, w.spend(r, &w.work), make([]byte, 64<<10)); err != nil {
		w.bad(p, "", fmt.Errorf("checksum: %w", err))
		return ""
	}
	return "sha1:" + hex.EncodeToString(h.Sum(nil))
}

// Package mavenrepo gets the projects that Maven repositories publish: from the local
// repository of this machine, a cache, and repositories on the web, as the user's
// settings.xml and the builds name them.
//
// Repository layout: https://maven.apache.org/repository/layout.html
package mavenrepo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// Bounds for repositories.
const (
	maxPom      = 8 << 20          // bytes; the largest known pom has 1 MB
	maxChecksum = 4 << 10          // bytes of a .sha1
	maxRequest  = 30 * time.Second // for one file
	maxTotal    = 10 * time.Minute // for all files of a scan
	maxFiles    = 20_000           // fetched in one scan; a build with a thousand dependencies needs 2,500
	maxMemory   = 256 << 20        // bytes of files in memory; a scan of 5,000 poms needs 60 MB
	maxParallel = 8                // requests at once, as browsers do
	maxRedirect = 5
	maxFailures = 5   // in a row, after which a repository is not asked any more
	maxNamed    = 50  // repositories that one build names
	maxListed   = 500 // files of metadata in a directory of the local repository
)

const (
	centralID  = "central"
	centralURL = "https://repo.maven.apache.org/maven2"
)

// centralHosts have Maven Central, which answers over HTTPS only since January 2020. Old
// projects name it by http.
// https://central.sonatype.org/faq/501-https-required-error/
var centralHosts = []string{"repo.maven.apache.org", "repo1.maven.org"}

// Options are where repositories are, and how they are asked.
type Options struct {
	Home      string              // the user's home directory, for .m2; "" means none
	Settings  string              // the user's settings.xml; "" means .m2/settings.xml in Home
	Getenv    func(string) string // nil means os.Getenv
	Cache     assay.Cache         // of poms of releases, which never change; nil means none
	Offline   bool                // use only the local repository and the cache
	Client    *http.Client        // nil means http.DefaultClient
	UserAgent string              // "" means assay
	Timeout   time.Duration       // of a request; 0 means 30 s
	Total     time.Duration       // for all requests of a session; 0 means 10 minutes
	MaxSize   int64               // bytes of a file; 0 means 8 MiB

	Progress func(assay.Progress) // may be nil; called from several goroutines
}

func (o *Options) getenv(name string) string {
	if o.Getenv != nil {
		return o.Getenv(name)
	}
	return os.Getenv(name)
}

// A Session is the assay.PackageRegistry of one scan. It asks for each file once, and
// opens nothing before it is first asked.
type Session struct {
	o      Options
	client *http.Client
	late   context.Context // done when no more time is left
	end    context.CancelFunc

	once     sync.Once
	settings *settings
	local    string // directory of the local repository; "" without one
	trusted  map[string]bool

	mu     sync.Mutex
	known  map[string]*answer
	memory int64
	files  int
	row    map[string]int   // failures in a row, by repository
	down   map[string]error // why a repository is not asked any more
	faults map[fault]map[string]bool
}

// An answer is a file, or the versions of an artifact.
type answer struct {
	done     chan struct{} // closed when the rest is set
	content  []byte
	versions []string
	err      error
}

// A fault is why files could not be had.
type fault struct{ where, cause string }

// New returns a session. The caller calls Close.
func New(o Options) *Session {
	o.UserAgent = cmp.Or(o.UserAgent, "assay")
	o.Timeout, o.Total, o.MaxSize = cmp.Or(o.Timeout, maxRequest), cmp.Or(o.Total, maxTotal), cmp.Or(o.MaxSize, maxPom)
	return &Session{o: o, client: boundedClient(o.Client), known: map[string]*answer{}, row: map[string]int{}, down: map[string]error{}, faults: map[fault]map[string]bool{}}
}

// open reads the settings and starts the clock.
func (s *Session) open() {
	s.once.Do(func() {
		var faults []fault
		s.settings, faults = s.o.readSettings()
		for _, f := range faults {
			s.faults[f] = map[string]bool{}
		}
		s.local = s.settings.Local
		if s.local == "" && s.o.Home != "" {
			s.local = filepath.Join(s.o.Home, ".m2", "repository")
		}
		s.trusted = map[string]bool{}
		for _, r := range s.settings.repositories() {
			s.trust(r.URL)
		}
		for _, m := range s.settings.Mirrors {
			s.trust(m.URL)
		}
		s.o.Offline = s.o.Offline || s.settings.Offline == "true"
		s.late, s.end = context.WithTimeout(context.Background(), s.o.Total)
	})
}

// trust lets the host of a URL of settings.xml have the credentials of settings.xml.
func (s *Session) trust(address string) {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		s.trusted[u.Scheme+"://"+u.Host] = true
	}
}

// Close ends the session. Requests that still run fail.
func (s *Session) Close() {
	if s.end != nil {
		s.end()
		s.progress(true)
	}
}

// progress reports how many projects were looked up.
func (s *Session) progress(end bool) {
	if s.o.Progress == nil {
		return
	}
	s.mu.Lock()
	n := int64(s.files)
	s.mu.Unlock()
	total := n + 1 // how many projects these refer to is unknown
	if end {
		total = n
	}
	s.o.Progress(assay.Progress{Task: "Looking up Maven projects", Done: n, Total: total, End: end})
}

// Manifests implements assay.PackageRegistry.
func (s *Session) Manifests(ctx context.Context, packages []assay.PublishedPackage) []assay.Manifest {
	s.open()
	answers := make([]*answer, len(packages))
	var wait sync.WaitGroup
	slots := make(chan struct{}, maxParallel)
	for i, p := range packages {
		a, todo := s.claim("pom", p)
		if answers[i] = a; !todo {
			continue
		}
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			c, _ := parse(p)
			a.content, a.err = s.pom(ctx, c, s.repositories(p.Repositories))
			s.keep(a)
			s.progress(false)
			close(a.done)
		})
	}
	wait.Wait()
	out := make([]assay.Manifest, len(packages))
	for i, a := range answers {
		<-a.done // another goroutine may ask for the same
		out[i] = assay.Manifest{Content: a.content, Err: a.err}
	}
	return out
}

// Versions implements assay.PackageRegistry.
func (s *Session) Versions(ctx context.Context, p assay.PublishedPackage) ([]string, error) {
	s.open()
	p.Version = ""
	a, todo := s.claim("versions", p)
	if todo {
		c, _ := parse(p)
		a.versions, a.err = s.versions(ctx, c, s.repositories(p.Repositories))
		close(a.done)
	}
	<-a.done
	return a.versions, a.err
}

// claim returns the answer about a package. todo: it is new, and the caller finds it.
func (s *Session) claim(what string, p assay.PublishedPackage) (_ *answer, todo bool) {
	key := fmt.Sprintf("%s %q %q %q %+q", what, p.Type, p.Name, p.Version, fmt.Sprint(p.Repositories))
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.known[key]; a != nil {
		return a, false
	}
	a := &answer{done: make(chan struct{})}
	s.known[key] = a
	c, ok := parse(p)
	defer func() {
		if !todo {
			close(a.done)
		}
	}()
	switch {
	case !ok || p.Type != assay.TypeMaven:
		a.err = fmt.Errorf("%.200s: not a name in a Maven repository: %w", p.Name, assay.ErrNotFound)
		return a, false
	case s.files >= maxFiles || s.memory > maxMemory:
		a.err = fmt.Errorf("more than %d files or %d bytes of projects: %w", maxFiles, maxMemory, assay.ErrTooLarge)
		s.add(fault{"Maven repositories", fmt.Sprintf("more than %d files or %d bytes in one scan", maxFiles, maxMemory)}, c)
		return a, false
	}
	s.files++
	return a, true
}

// keep counts the memory of an answer.
func (s *Session) keep(a *answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory += int64(len(a.content))
}

// add records that a file could not be had. The caller holds mu.
func (s *Session) add(f fault, c coordinates) {
	if s.faults[f] == nil {
		s.faults[f] = map[string]bool{}
	}
	s.faults[f][c.String()] = true
}

// blame records all reasons for which a file could not be had.
func (s *Session) blame(faults []fault, c coordinates) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		s.add(f, c)
	}
}

// examples is how many files a gap names.
const examples = 3

// Gaps lists why files could not be had: one gap a repository and cause.
func (s *Session) Gaps() (gaps []assay.Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byPlace := func(a, b fault) int {
		return cmp.Or(strings.Compare(a.where, b.where), strings.Compare(a.cause, b.cause))
	}
	for _, f := range slices.SortedFunc(maps.Keys(s.faults), byPlace) {
		names := slices.Sorted(maps.Keys(s.faults[f]))
		what := f.cause
		if len(names) > 0 {
			what = fmt.Sprintf("%s: %s unknown: %s", f.cause, printable.Count(len(names), "Maven project is", "Maven projects are"), printable.Some(names, examples))
		}
		gaps = append(gaps, assay.Gap{Where: f.where, What: what})
	}
	return gaps
}

// repositories are those to ask, in Maven's order: of settings.xml, of the build,
// Central. Mirrors replace them.
func (s *Session) repositories(named []assay.PackageRepository) (out []*repository) {
	ids, urls := map[string]bool{}, map[string]bool{}
	add := func(r *repository) {
		if ids[r.id] {
			return
		}
		ids[r.id] = true
		if r = s.mirrored(r); !urls[r.name] {
			urls[r.name] = true
			out = append(out, r)
		}
	}
	for _, r := range s.settings.repositories() {
		n := newRepository(r.ID, r.URL)
		n.releases, n.snapshots = r.Releases != "false", r.Snapshots != "false"
		add(s.authorized(n))
	}
	for _, r := range named[:min(len(named), maxNamed)] {
		n := newRepository(r.ID, r.URL)
		n.releases, n.snapshots = !r.NoReleases, !r.NoSnapshots
		add(s.ofBuild(n))
	}
	central := newRepository(centralID, centralURL)
	central.releases = true
	add(s.authorized(central))
	return out
}

// newRepository is a repository at an address.
func newRepository(id, address string) *repository {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || strings.Contains(address, "${") {
		return &repository{id: id, url: &url.URL{}, name: "Maven repository " + id, blocked: "its URL is invalid, or has an unknown property"}
	}
	r := &repository{id: id, url: u}
	if u.User != nil {
		r.user = u.User.Username()
		r.password, _ = u.User.Password()
		u.User = nil
	}
	u.RawQuery, u.Fragment = "", ""
	if u.Scheme == "http" && slices.Contains(centralHosts, u.Host) {
		u.Scheme = "https"
	}
	r.name = strings.TrimSuffix(u.String(), "/")
	switch u.Scheme {
	case "http", "https", "file":
	default:
		r.blocked = "assay cannot ask repositories of this kind"
	}
	return r
}

// ofBuild restricts a repository that a build names: whoever wrote the build chose it.
func (s *Session) ofBuild(r *repository) *repository {
	r.user, r.password = "", ""
	switch {
	case r.blocked != "":
	case r.url.Scheme == "file":
		r.blocked = "a directory that a pom.xml names is not read"
	case isLinkLocal(r.url):
		r.blocked = "a link-local address that a pom.xml names is not asked"
	case r.url.Scheme == "http" && !isLoopback(r.url):
		r.blocked = "not asked without TLS, as by Maven since 3.8.1; a mirror in settings.xml can replace it"
	case s.trusted[r.url.Scheme+"://"+r.url.Host]:
		return s.authorized(r)
	case s.settings.server(r.id) != nil:
		r.withheld = "the credentials of server " + r.id + " are only for hosts that settings.xml names: name this one there as a mirror or repository"
	}
	return r
}

// authorized gives a repository the credentials of settings.xml for its name.
func (s *Session) authorized(r *repository) *repository {
	v := s.settings.server(r.id)
	switch {
	case v == nil:
	case strings.HasPrefix(v.Password, "{") && strings.HasSuffix(v.Password, "}"):
		r.withheld = "the password of server " + r.id + " in settings.xml is encrypted, which is unsupported"
	default:
		r.user, r.password = v.Username, v.Password
	}
	return r
}

// mirrored is the mirror of a repository, or the repository itself.
func (s *Session) mirrored(r *repository) *repository {
	m := s.settings.mirrorOf(r)
	if m == nil {
		return r
	}
	n := newRepository(m.ID, m.URL)
	if m.Blocked == "true" {
		n.blocked = "blocked by mirror " + m.ID + " of settings.xml"
	}
	n.releases, n.snapshots = r.releases, r.snapshots
	return s.authorized(n)
}

// pom returns the pom.xml of a project.
func (s *Session) pom(ctx context.Context, c coordinates, repositories []*repository) ([]byte, error) {
	var faults []fault
	if b, err := s.localFile(c.pom(c.version)); err == nil {
		return b, nil
	} else if !errors.Is(err, assay.ErrNotFound) {
		faults = append(faults, fault{"local Maven repository " + s.local, err.Error()})
	}
	for _, r := range repositories {
		if c.isSnapshot() && !r.snapshots || !c.isSnapshot() && !r.releases {
			continue
		}
		key := "pom\x00" + r.name + "\x00" + c.pom(c.version)
		if b, ok := s.cached(ctx, key, c); ok {
			return b, nil
		}
		if s.o.Offline {
			continue
		}
		b, err := s.ask(ctx, r, func() ([]byte, error) { return s.remotePom(ctx, r, c) })
		if err == nil {
			if s.o.Cache != nil && !c.isSnapshot() {
				_ = s.o.Cache.Put(ctx, key, b) // otherwise the next scan fetches it again
			}
			return b, nil
		}
		if !errors.Is(err, assay.ErrNotFound) {
			faults = append(faults, fault{r.name, err.Error()})
		}
	}
	return nil, s.missing(ctx, c, faults)
}

// missing is the error for a file that nobody has, or that could not be had.
func (s *Session) missing(ctx context.Context, c coordinates, faults []fault) error {
	if s.o.Offline {
		faults = append(faults, fault{"Maven repositories", "fetching is turned off, and the local repository and the cache do not have all"})
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case len(faults) == 0:
		return fmt.Errorf("%s: %w", c, assay.ErrNotFound)
	}
	s.blame(faults, c)
	return fmt.Errorf("%s: %s", c, faults[0].cause)
}

func (s *Session) cached(ctx context.Context, key string, c coordinates) ([]byte, bool) {
	if s.o.Cache == nil || c.isSnapshot() {
		return nil, false
	}
	b, err := s.o.Cache.Get(ctx, key)
	return b, err == nil
}

// localFile returns a file of the local repository.
func (s *Session) localFile(name string) ([]byte, error) {
	if s.local == "" {
		return nil, assay.ErrNotFound
	}
	b, err := limit.ReadRegular(filepath.Join(s.local, filepath.FromSlash(name)), s.o.MaxSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, assay.ErrNotFound
	}
	if err != nil {
		return nil, plainCause(err)
	}
	return b, checkRoot(b, "project")
}

// ask asks a repository, unless it failed too often.
func (s *Session) ask(ctx context.Context, r *repository, get func() ([]byte, error)) ([]byte, error) {
	s.mu.Lock()
	err := s.down[r.name]
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	b, err := get()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var final stop
	switch {
	case err == nil || errors.Is(err, assay.ErrNotFound):
		s.row[r.name] = 0
	case errors.As(err, &final):
		s.down[r.name] = err
	default:
		if s.row[r.name]++; s.row[r.name] >= maxFailures {
			s.down[r.name] = err
		}
	}
	return b, err
}

// remotePom returns a pom.xml of a repository. The file of a snapshot bears the time
// when it was published.
func (s *Session) remotePom(ctx context.Context, r *repository, c coordinates) ([]byte, error) {
	version := c.version
	if c.isSnapshot() {
		b, err := s.get(ctx, r, c.dir()+"/maven-metadata.xml", "metadata")
		if err != nil && !errors.Is(err, assay.ErrNotFound) {
			return nil, err
		}
		if err == nil {
			m, err := parseMetadata(b)
			if err != nil {
				return nil, err
			}
			version = m.snapshot(version)
		}
	}
	return s.get(ctx, r, c.pom(version), "project")
}

// versions lists the versions of an artifact in the local repository and in all others.
func (s *Session) versions(ctx context.Context, c coordinates, repositories []*repository) (all []string, _ error) {
	var faults []fault
	for _, b := range s.localMetadata(c) {
		if m, err := parseMetadata(b); err == nil {
			all = append(all, m.Versions...)
		}
	}
	for _, r := range repositories {
		if s.o.Offline {
			break
		}
		b, err := s.ask(ctx, r, func() ([]byte, error) { return s.get(ctx, r, c.dir()+"/maven-metadata.xml", "metadata") })
		var m *metadata
		if err == nil {
			m, err = parseMetadata(b)
		}
		switch {
		case err == nil:
			all = append(all, m.Versions...)
		case !errors.Is(err, assay.ErrNotFound):
			faults = append(faults, fault{r.name, err.Error()})
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	if len(all) > 0 && len(faults) == 0 && !s.o.Offline {
		return all, nil
	}
	return all, s.missing(ctx, c, faults)
}

// localMetadata returns what the local repository stores of repositories' lists of
// versions, one file a repository.
func (s *Session) localMetadata(c coordinates) (out [][]byte) {
	if s.local == "" {
		return nil
	}
	dir := filepath.Join(s.local, filepath.FromSlash(c.dir()))
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, _ := f.Readdirnames(maxListed)
	slices.Sort(names)
	for _, name := range names {
		if strings.HasPrefix(name, "maven-metadata") && strings.HasSuffix(name, ".xml") {
			if b, err := limit.ReadRegular(filepath.Join(dir, name), s.o.MaxSize); err == nil {
				out = append(out, b)
			}
		}
	}
	return out
}

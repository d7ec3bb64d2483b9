// Package debianchangelogs derives fixes from the changelogs of Debian's
// packages, for networks where only a mirror of packages can be reached.
//
// The oldest changelog entry that names a CVE counts as its fix, because later
// entries only refresh or drop the same patch. So only fixes are known: unfixed
// vulnerabilities, and vulnerabilities that no changelog names, are missing.
// Each record is marked as derived.
//
// https://wiki.debian.org/DebianRepository/Format#A.22Sources.22_Indices
// describes the lists of source packages, and
// https://www.debian.org/doc/debian-policy/ch-source.html#debian-changelog-debian-changelog
// the changelogs. Signatures of the suites are not checked; every file must have
// the digest in its list.
package debianchangelogs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/version"
)

// Directories of the packages.
const (
	Archive  = "https://deb.debian.org/debian/"
	Security = "https://deb.debian.org/debian-security/"
)

// Bounds of what is read.
const (
	maxSources = 1 << 30   // a suite's list, unpacked; main has 50 MB (2026)
	maxFile    = 512 << 20 // a package's packaging; the largest known has 40 MB
	atOnce     = 8         // packages fetched side by side
)

// Derived is the Reason of every record.
const Derived = "derived from the package's changelog"

// releases are the code names whose suites are read.
var releases = []string{"buster", "bullseye", "bookworm", "trixie", "forky"}

// Feed reads the changelogs of source packages.
type Feed struct {
	Packages []string // names of source packages; empty means all, some 35,000 a release
}

// Name is "debian-changelogs".
func (Feed) Name() string { return "debian-changelogs" }

// Streams is "debian:*".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"debian:*"} }

// Use is UseRequest: the changelogs give only guesses, and there is one to fetch
// for every package.
func (Feed) Use() assay.FeedUse { return assay.UseRequest }

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	found := false
	for _, name := range releases {
		number, _ := distro.DebianNumber(name)
		stream := assay.Stream("debian:" + number)
		if wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(stream) }) {
			continue
		}
		packages, err := f.sources(ctx, g, name, s)
		if err != nil {
			return err
		}
		found = found || len(packages) > 0
		if err := f.release(ctx, g, stream, packages, s); err != nil {
			return err
		}
	}
	if !found {
		return fmt.Errorf("%sdists: no lists of source packages: %w", Archive, assay.ErrNotFound)
	}
	return nil
}

// source is a package in the list of a suite.
type source struct {
	name, version string
	url, sha256   string // of the file with the changelog
}

// sources lists the versions of each package in the suites of a release, newest
// first. It is empty for a release that the mirror no longer has.
func (f Feed) sources(ctx context.Context, g assay.Getter, release string, s assay.Sink) (map[string][]source, error) {
	packages := map[string][]source{}
	for _, suite := range []struct{ base, name string }{
		{Archive, release}, {Archive, release + "-updates"}, {Security, release + "-security"}, {Security, release + "/updates"},
	} {
		url := suite.base + "dists/" + suite.name + "/main/source/Sources.xz"
		body, err := g.Get(ctx, url)
		if errors.Is(err, assay.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		err = f.list(body, suite.base, packages, s)
		body.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", url, err)
		}
	}
	for _, versions := range packages {
		slices.SortStableFunc(versions, func(a, b source) int {
			c, _ := version.Compare(version.Deb, b.version, a.version)
			return c
		})
	}
	return packages, nil
}

// Reasons for leaving packages out.
const (
	whyNoFile      = "no package file with a changelog"
	whyVersion     = "malformed version"
	whyUnread      = "unreadable changelog"
	whyNoChangelog = "package without a changelog"
	whyOlder       = "newest version unavailable: an older version was read"
)

// list adds the packages in the list of a suite.
func (f Feed) list(body io.Reader, base string, packages map[string][]source, s assay.Sink) error {
	z, kind, err := compression.Document(body)
	if err != nil {
		return err
	}
	defer z.Close()
	fields := map[string]string{}
	key := ""
	isList := kind != compression.Plain // the list of a suite without packages is an empty text, compressed
	for l, err := range stanza.Lines(limit.Reader(z, maxSources)) {
		if l.N == 1 {
			isList = false
		}
		switch {
		case err != nil:
			return err
		case strings.TrimSpace(l.Text) == "":
			f.add(fields, base, packages, s)
			clear(fields)
		case l.Text[0] == ' ':
			if fields[key] += l.Text + "\n"; len(fields[key]) > stanza.MaxLine {
				return fmt.Errorf("line %d: %s over %d bytes: %w", l.N, key, stanza.MaxLine, assay.ErrTooLarge)
			}
		default:
			var value string
			key, value, _ = strings.Cut(l.Text, ":")
			fields[key] = strings.TrimSpace(value)
			isList = isList || key == "Package"
		}
	}
	if !isList {
		return fmt.Errorf("contains no source packages: %w", assay.ErrMalformed)
	}
	f.add(fields, base, packages, s)
	return nil
}

// add adds a package of a list.
func (f Feed) add(fields map[string]string, base string, packages map[string][]source, s assay.Sink) {
	p := source{name: fields["Package"], version: fields["Version"]}
	if p.name == "" || len(f.Packages) > 0 && !slices.Contains(f.Packages, p.name) || fields["Extra-Source-Only"] == "yes" {
		return
	}
	file, sum := changelogFile(fields["Checksums-Sha256"])
	if file == "" || fields["Directory"] == "" {
		s.Skip(p.name, whyNoFile)
		return
	}
	p.url, p.sha256 = base+strings.Trim(fields["Directory"], "/")+"/"+file, sum
	if _, err := version.Deb.Key(p.version); err != nil {
		s.Skip(p.name, whyVersion)
		return
	}
	packages[p.name] = append(packages[p.name], p)
}

// changelogFile chooses a file from lines "digest size name": the separate
// packaging, else the diff to upstream, else the whole native package.
func changelogFile(list string) (name, sum string) {
	for _, kind := range []string{".debian.tar.", ".diff.gz", ".tar."} {
		for line := range strings.Lines(list) {
			f := strings.Fields(line)
			if len(f) == 3 && strings.Contains(f[2], kind) && !strings.Contains(f[2], ".orig") && !strings.HasSuffix(f[2], ".asc") && !strings.Contains(f[2], "/") {
				return f[2], f[0]
			}
		}
	}
	return "", ""
}

// release hands over the fixes of the packages, by package name.
func (f Feed) release(ctx context.Context, g assay.Getter, stream assay.Stream, packages map[string][]source, s assay.Sink) error {
	names := slices.Sorted(maps.Keys(packages))
	for len(names) > 0 {
		batch := names[:min(atOnce, len(names))]
		names = names[len(batch):]
		found := make([]changes, len(batch))
		group, ctx := errgroup.WithContext(ctx)
		for i, name := range batch {
			group.Go(func() (err error) {
				defer func() {
					if p := recover(); p != nil { // a panic can only be recovered in its own goroutine
						err = fmt.Errorf("package %s: internal error: %v", name, p)
					}
				}()
				found[i], err = newest(ctx, g, packages[name])
				return err
			})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		for i, name := range batch {
			if err := found[i].handOver(stream, name, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// changes are the fixes in a package's changelog.
type changes struct {
	source
	fixes map[string]string // fixed versions by CVE; nil without a changelog
	why   string            // the changelog is incomplete
}

// newest reads the newest version that the mirror has.
func newest(ctx context.Context, g assay.Getter, versions []source) (c changes, err error) {
	for _, v := range versions {
		c.source = v
		c.fixes, err = read(ctx, g, v)
		if !errors.Is(err, assay.ErrNotFound) {
			break
		}
		c.why = whyOlder
	}
	if errors.Is(err, assay.ErrMalformed) || errors.Is(err, assay.ErrTooLarge) || errors.Is(err, assay.ErrNotFound) {
		c.why, err = whyUnread, ctx.Err()
	} else if err == nil && c.fixes == nil {
		c.why = whyNoChangelog
	}
	return c, err
}

func (c *changes) handOver(stream assay.Stream, name string, s assay.Sink) error {
	if c.why != "" {
		s.Skip(name, c.why)
	}
	for _, id := range slices.Sorted(maps.Keys(c.fixes)) {
		err := s.Advisory(assay.Advisory{ID: id, Feed: Feed{}.Name(), URL: c.url, Affected: []assay.Affected{{
			Stream: stream, Name: name, Status: assay.StatusAffected, Reason: Derived, Ranges: []assay.Range{{Fixed: c.fixes[id]}},
		}}})
		if err != nil {
			return err
		}
	}
	return nil
}

// read finds the fixes in a package's changelog; nil if the package has none.
func read(ctx context.Context, g assay.Getter, p source) (map[string]string, error) {
	b, err := document.Bytes(ctx, document.OfVersion(g, p.sha256), p.url, maxFile) // the files of a pool do not change
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != p.sha256 {
		return nil, fmt.Errorf("%s: digest differs from the list: %w", p.url, assay.ErrMalformed)
	}
	log, err := changelog(ctx, bytes.NewReader(b), strings.HasSuffix(p.url, ".diff.gz"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.url, err)
	}
	return fixes(p.name, log), nil
}

// heading begins an entry: "name (version) suites; urgency=medium".
var (
	heading = regexp.MustCompile(`^([a-zA-Z0-9][a-zA-Z0-9+.-]*) \(([^()\s]+)\)`)
	mention = regexp.MustCompile(`CVE-[0-9]{4}-[0-9]{4,19}`)
)

// fixes finds, for each CVE, the version of the oldest entry that names it.
// Entries come newest first; those with a package's former names count too.
func fixes(name string, log []byte) map[string]string {
	if log == nil {
		return nil
	}
	found := map[string]string{}
	at := ""
	for l, err := range stanza.Lines(bytes.NewReader(log)) {
		if err != nil {
			break // it is all in memory
		}
		if m := heading.FindStringSubmatch(l.Text); m != nil {
			if at = m[2]; m[1] != name {
				at = "" // versions of another package are not comparable
			}
			continue
		}
		if _, err := version.Deb.Key(at); err != nil {
			continue
		}
		for _, id := range mention.FindAllString(l.Text, -1) {
			found[id] = at
		}
	}
	return found
}

// Package amazon reads the updates of Amazon Linux's repositories.
//
// The mirror.list of a repository has its addresses; its updates have the format
// of package updateinfo. Each release has a core repository. Amazon Linux 2 also
// has extras, which a catalogue lists
// (https://docs.aws.amazon.com/linux/al2/ug/al2-extras.html). Amazon Linux 2023
// also has live patches of kernels and NVIDIA's packages. Vulnerabilities
// without a fix are missing, and the descriptions are those of the CVEs. The
// pages of the notices, https://alas.aws.amazon.com/, have the same content.
package amazon

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/record/updateinfo"
)

// Catalog lists the extras of Amazon Linux 2; Extras is their directory.
const (
	Catalog = "http://amazonlinux.default.amazonaws.com/2/extras-catalog-x86_64-v2.json"
	Extras  = "https://cdn.amazonlinux.com/2/extras/"
)

const (
	maxMirrors = 1 << 20 // bytes of mirror.list; a few hundred
	maxTopic   = 1 << 20 // bytes of an extra in the catalogue; 2 kB
)

// A repository belongs to one release.
type repository struct {
	release string
	mirrors string // its mirror.list
	name    string // "" for the core repository
}

// repositories lists all repositories but the extras. The host of the first
// release has no certificate.
var repositories = []repository{
	{"1", "http://repo.us-west-2.amazonaws.com/2018.03/updates/x86_64/mirror.list", ""},
	{"2", "https://cdn.amazonlinux.com/2/core/latest/x86_64/mirror.list", ""},
	{"2022", "https://cdn.amazonlinux.com/al2022/core/mirrors/latest/x86_64/mirror.list", ""},
	{"2023", "https://cdn.amazonlinux.com/al2023/core/mirrors/latest/x86_64/mirror.list", ""},
	{"2023", "https://cdn.amazonlinux.com/al2023/kernel-livepatch/mirrors/latest/x86_64/mirror.list", "kernel-livepatch"},
	{"2023", "https://cdn.amazonlinux.com/al2023/nvidia/mirrors/latest/x86_64/mirror.list", "amazonlinux-nvidia"},
}

// Feed reads the repositories for x86_64; those for aarch64 have the same
// versions. Packages are binary packages. Each advisory is about one notice
// (ALAS) and one of its CVEs: its ID is the CVE, and the notice is one of
// VendorIDs.
//
// Qualifiers.Repos is the name of the repository if it is not the core one:
// "amzn2extra-docker", "kernel-livepatch". An extra may have a package with the
// same name as one in the core repository, in other versions; a row without
// Repos is about packages of the core repository.
//
// Missing repositories besides the core one are counted as skipped, and so are
// missing releases that were not requested by name. A repository that was there
// before is an error: it counts as removed only after the next update.
type Feed struct{}

// Name is "amazon".
func (Feed) Name() string { return "amazon" }

// Streams is "amazon:1", "amazon:2", "amazon:2022" and "amazon:2023".
func (Feed) Streams() []assay.Stream {
	var all []assay.Stream
	for _, r := range repositories {
		all = append(all, r.stream())
	}
	return slices.Compact(all)
}

func (r *repository) stream() assay.Stream { return assay.Stream("amazon:" + r.release) }

// Fetch implements assay.Feed.
func (Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	var missing error
	found := false
	for _, r := range repositories {
		stream := r.stream()
		if wanted != nil && !slices.ContainsFunc(wanted, func(w assay.Stream) bool { return w.Covers(stream) }) {
			continue
		}
		err := r.fetch(ctx, g, s)
		switch {
		case isUnpublished(err, r.release) && (r.name != "" || !slices.Contains(wanted, stream)):
			s.Skip(string(stream)+" "+r.name, "repository missing")
			missing = err
			continue
		case err != nil:
			return err
		}
		found = true
		if r.release == "2" {
			if err := extras(ctx, g, s); err != nil {
				return err
			}
		}
	}
	if !found {
		return missing
	}
	return nil
}

// extras reads the repositories in the catalogue.
func extras(ctx context.Context, g assay.Getter, s assay.Sink) error {
	var names []string
	err := document.JSON(ctx, g, Catalog, maxTopic, func(d *jsonstream.Decoder) (found bool, err error) {
		names, err = topics(d, s)
		return len(names) > 0, err
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		r := repository{"2", Extras + name + "/latest/x86_64/mirror.list", "amzn2extra-" + name}
		err := r.fetch(ctx, g, s)
		if isUnpublished(err, r.release) {
			s.Skip(r.name, "repository missing")
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// topics reads the names of the repositories in the catalogue.
func topics(d *jsonstream.Decoder, s assay.Sink) (names []string, err error) {
	err = d.Object(func(key string) error {
		if key != "topics" {
			return d.Skip()
		}
		return d.Array(func() error {
			var topic struct {
				Name string `json:"n"`
			}
			ok, err := d.Value(&topic)
			switch {
			case err != nil:
			case !ok || topic.Name == "" || url.PathEscape(topic.Name) != topic.Name:
				s.Skip(topic.Name, "malformed catalogue entry")
			default:
				names = append(names, topic.Name)
			}
			return err
		})
	})
	return names, err
}

// isUnpublished reports whether a repository is not published. A mirror list without a
// working mirror is damaged, except for the release at its end of life, whose
// mirrors may disappear before their list.
func isUnpublished(err error, release string) bool {
	return errors.Is(err, assay.ErrNotFound) && (release == "1" || !errors.Is(err, assay.ErrMalformed))
}

// fetch reads the repository from the first of its mirrors that has it.
func (r *repository) fetch(ctx context.Context, g assay.Getter, s assay.Sink) error {
	mirrors, err := r.list(ctx, g)
	if err != nil {
		return err
	}
	for _, base := range mirrors {
		err = updateinfo.Fetch(ctx, g, base, func(u *updateinfo.Update) error { return r.emit(u, s) })
		if !errors.Is(err, assay.ErrNotFound) {
			return err
		}
	}
	if err == nil {
		return fmt.Errorf("%s: contains no addresses: %w", r.mirrors, assay.ErrMalformed)
	}
	return fmt.Errorf("%s: none of the listed addresses has a repository: %w: %w", r.mirrors, err, assay.ErrMalformed)
}

// list reads the addresses of the mirrors and ends each with a slash.
func (r *repository) list(ctx context.Context, g assay.Getter) (mirrors []string, err error) {
	had := document.WasFetched(ctx, g, r.mirrors)
	body, err := g.Get(ctx, r.mirrors)
	if had && errors.Is(err, assay.ErrNotFound) {
		return nil, fmt.Errorf("%s: no longer published: %w", r.mirrors, assay.ErrMalformed)
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	lines := bufio.NewScanner(limit.Reader(body, maxMirrors))
	lines.Buffer(nil, maxMirrors)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		u, err := url.Parse(line)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" {
			return nil, fmt.Errorf("%s: invalid address %.80q: %w", r.mirrors, line, assay.ErrMalformed)
		}
		mirrors = append(mirrors, strings.TrimSuffix(line, "/")+"/")
	}
	err = lines.Err()
	if err == nil && len(mirrors) == 0 || errors.Is(err, bufio.ErrTooLong) || errors.Is(err, assay.ErrTooLarge) {
		err = fmt.Errorf("contains no addresses: %w", assay.ErrMalformed)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.mirrors, err)
	}
	return mirrors, nil
}

func (r *repository) emit(u *updateinfo.Update, s assay.Sink) error {
	rows := u.Affected(r.stream())
	switch {
	case u.ID == "":
		s.Skip(u.Title, "notice without identifier")
		return nil
	case u.Type != "security":
		s.Skip(u.ID, "not a security notice")
		return nil
	case len(rows) == 0:
		s.Skip(u.ID, "no package with a fixed version")
		return nil
	}
	if r.name != "" {
		for i := range rows {
			rows[i].Qualifiers.Repos = []string{r.name}
		}
	}
	return u.Emit(assay.Advisory{Feed: "amazon", Title: title(u), URL: page(u.ID), Affected: rows}, u.CVEs(), s)
}

// title is the title of a notice without its identifier; the input is like
// "Amazon Linux 2023 - ALAS2023-2023-001: Important: package update for
// rsyslog".
func title(u *updateinfo.Update) string {
	if _, t, ok := strings.Cut(u.Title, u.ID+": "); ok {
		return t
	}
	return u.Title
}

// page is the URL of a notice. Pages of the first release are at the top; others
// are in the directory of their release or repository (ALAS2DOCKER-2021-001 in
// AL2).
func page(id string) string {
	for _, f := range []struct{ prefix, directory string }{{"ALAS2023", "AL2023/"}, {"ALAS2022", "AL2022/"}, {"ALAS2", "AL2/"}, {"ALAS", ""}} {
		rest, ok := strings.CutPrefix(id, f.prefix)
		if !ok {
			continue
		}
		repo, number, _ := strings.Cut(rest, "-")
		if f.directory == "" && repo != "" {
			break
		}
		return "https://alas.aws.amazon.com/" + f.directory + "ALAS" + repo + "-" + number + ".html"
	}
	return "https://alas.aws.amazon.com/"
}

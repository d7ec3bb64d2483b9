// Package amazon reads the updates of Amazon Linux's repositories.
//
// A repository is where its mirror.list says; its updates are in the form of
// package updateinfo. Beside the core one of each release there are the extras
// of Amazon Linux 2, which a catalogue lists
// (https://docs.aws.amazon.com/linux/al2/ug/al2-extras.html), and live patches
// of kernels and NVIDIA's packages of Amazon Linux 2023. There is nothing about
// vulnerabilities without a fix, and the descriptions are those of the CVEs.
// The notices' pages, https://alas.aws.amazon.com/, say the same again.
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

// Catalog lists the extras of Amazon Linux 2; Extras is where they are.
const (
	Catalog = "http://amazonlinux.default.amazonaws.com/2/extras-catalog-x86_64-v2.json"
	Extras  = "https://cdn.amazonlinux.com/2/extras/"
)

const (
	maxMirrors = 1 << 20 // bytes of mirror.list; a few hundred
	maxTopic   = 1 << 20 // bytes of an extra in the catalogue; 2 kB
)

// A repository is one of a release.
type repository struct {
	release string
	mirrors string // its mirror.list
	name    string // "" for the core one
}

// repositories lists all but the extras. That of the first release has no
// certificate.
var repositories = []repository{
	{"1", "http://repo.us-west-2.amazonaws.com/2018.03/updates/x86_64/mirror.list", ""},
	{"2", "https://cdn.amazonlinux.com/2/core/latest/x86_64/mirror.list", ""},
	{"2022", "https://cdn.amazonlinux.com/al2022/core/mirrors/latest/x86_64/mirror.list", ""},
	{"2023", "https://cdn.amazonlinux.com/al2023/core/mirrors/latest/x86_64/mirror.list", ""},
	{"2023", "https://cdn.amazonlinux.com/al2023/kernel-livepatch/mirrors/latest/x86_64/mirror.list", "kernel-livepatch"},
	{"2023", "https://cdn.amazonlinux.com/al2023/nvidia/mirrors/latest/x86_64/mirror.list", "amazonlinux-nvidia"},
}

// Feed reads the repositories for x86_64; those for aarch64 have the same
// versions. Packages are binary ones. An advisory is one notice (ALAS) and one
// of its CVEs, so that it speaks of one vulnerability: its ID is the CVE and the
// notice one of VendorIDs.
//
// Qualifiers.Repos of what is not in the core repository is the other's name:
// "amzn2extra-docker", "kernel-livepatch". An extra may have a package under a
// name that the core repository has, too, in versions of its own; a row without
// Repos is meant for packages of the core repository.
//
// Repositories beside the core one that are not there are counted as skipped,
// and so are releases that were not asked for one by one; one that was there
// before is an error, and not counted as gone until the next time.
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
		case gone(err, r.release) && (r.name != "" || !slices.Contains(wanted, stream)):
			s.Skip(string(stream)+" "+r.name, "repository that is not there")
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

// extras reads the repositories that the catalogue lists.
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
		if gone(err, r.release) {
			s.Skip(r.name, "repository that is not there")
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// topics reads the names of the catalogue's repositories.
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
				s.Skip(topic.Name, "malformed entry of the catalogue")
			default:
				names = append(names, topic.Name)
			}
			return err
		})
	})
	return names, err
}

// gone reports whether a repository is not published. That a list of mirrors
// leads nowhere means that it is damaged, but for the release that is at its end
// of life, whose mirrors may go before their list.
func gone(err error, release string) bool {
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
		return fmt.Errorf("%s: no addresses in it: %w", r.mirrors, assay.ErrMalformed)
	}
	return fmt.Errorf("%s: no repository at its addresses: %w: %w", r.mirrors, err, assay.ErrMalformed)
}

// list reads the mirrors' addresses, with a slash behind.
func (r *repository) list(ctx context.Context, g assay.Getter) (mirrors []string, err error) {
	had := document.WasFetched(ctx, g, r.mirrors)
	body, err := g.Get(ctx, r.mirrors)
	if had && errors.Is(err, assay.ErrNotFound) {
		return nil, fmt.Errorf("%s: it was there before and is gone: %w", r.mirrors, assay.ErrMalformed)
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
			return nil, fmt.Errorf("%s: %.80q is no address: %w", r.mirrors, line, assay.ErrMalformed)
		}
		mirrors = append(mirrors, strings.TrimSuffix(line, "/")+"/")
	}
	err = lines.Err()
	if err == nil && len(mirrors) == 0 || errors.Is(err, bufio.ErrTooLong) || errors.Is(err, assay.ErrTooLarge) {
		err = fmt.Errorf("no addresses in it: %w", assay.ErrMalformed)
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
		s.Skip(u.ID, "no security notice")
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

// title is the notice's behind its identifier: "Amazon Linux 2023 -
// ALAS2023-2023-001: Important priority package update for rsyslog".
func title(u *updateinfo.Update) string {
	if _, t, ok := strings.Cut(u.Title, u.ID+": "); ok {
		return t
	}
	return u.Title
}

// page is the notice's: those of the first release are at the top, others in
// the directory of their release or repository (ALAS2DOCKER-2021-001 in AL2).
func page(id string) string {
	for _, f := range []struct{ prefix, folder string }{{"ALAS2023", "AL2023/"}, {"ALAS2022", "AL2022/"}, {"ALAS2", "AL2/"}, {"ALAS", ""}} {
		rest, ok := strings.CutPrefix(id, f.prefix)
		if !ok {
			continue
		}
		repo, number, _ := strings.Cut(rest, "-")
		if f.folder == "" && repo != "" {
			break
		}
		return "https://alas.aws.amazon.com/" + f.folder + "ALAS" + repo + "-" + number + ".html"
	}
	return "https://alas.aws.amazon.com/"
}

// Package fedora reads Fedora's security updates.
//
// The repository of a release's updates,
// https://dl.fedoraproject.org/pub/fedora/linux/updates/ and, once the release
// is out of support, https://archives.fedoraproject.org/, has them in the form
// of package updateinfo, as Bodhi (https://bodhi.fedoraproject.org/) made them.
// There is nothing about vulnerabilities without a fix. Not taken: EPEL, whose
// packages are no distribution's own.
package fedora

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/identifier/cve"
	"github.com/assaysec/assay/internal/record/updateinfo"
)

// The directories of releases, the first of those that are supported.
const (
	Current = "https://dl.fedoraproject.org/pub/fedora/linux/updates/"
	Archive = "https://archives.fedoraproject.org/pub/archive/fedora/linux/updates/"
)

// The releases that are asked for where the directories cannot be listed: the first
// in this form, and more than there will be for years.
const first, last = 28, 60

// Feed reads the repositories for x86_64; others have the same versions.
// Packages are binary ones. A record is one update and one of its CVEs, so that
// an advisory speaks of one vulnerability: its ID is the CVE and the update one
// of VendorIDs. The CVEs are those that the titles of its bugs name, or where
// they name none its description. An update without CVE keeps its own identifier.
//
// Up to release 38 there were modules; of them the updates name no packages.
type Feed struct{}

// Name is "fedora".
func (Feed) Name() string { return "fedora" }

// Streams is "fedora:*": "fedora:43".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"fedora:*"} }

// Base is the address of a release's updates in one of the directories.
func Base(folder string, release int) string {
	return folder + strconv.Itoa(release) + "/Everything/x86_64/"
}

// Fetch implements assay.Feed.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	all, named := releases(wanted)
	if all {
		listed, err := list(ctx, g)
		if err != nil {
			return err
		}
		named = append(listed, named...)
		slices.Sort(named)
		named = slices.Compact(named)
	}
	var missing error
	found := false
	for _, n := range named {
		err := fetch(ctx, g, n, s)
		if all && errors.Is(err, assay.ErrNotFound) {
			missing = err
			continue
		}
		if err != nil {
			return err
		}
		found = true
	}
	if !found {
		return missing
	}
	return nil
}

// releases tells which are wanted: those that are named, and whether all are.
func releases(wanted []assay.Stream) (all bool, named []int) {
	for _, w := range wanted {
		number, ok := strings.CutPrefix(string(w), "fedora:")
		n, err := strconv.Atoi(number)
		switch {
		case number == "*" && ok:
			all = true
		case ok && err == nil && n > 0:
			named = append(named, n)
		}
	}
	slices.Sort(named)
	return all || wanted == nil, slices.Compact(named)
}

// list lists the releases that there may be.
func list(ctx context.Context, g assay.Getter) (found []int, err error) {
	l, ok := g.(assay.Lister)
	if ok {
		for _, folder := range []string{Current, Archive} {
			names, err := l.List(ctx, folder)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err != nil {
				continue // no such directory, or no list of it
			}
			for _, name := range names {
				if n, err := strconv.Atoi(name); err == nil && n >= first {
					found = append(found, n)
				}
			}
		}
	}
	if len(found) == 0 {
		for n := first; n <= last; n++ {
			found = append(found, n)
		}
	}
	return found, nil
}

func fetch(ctx context.Context, g assay.Getter, release int, s assay.Sink) error {
	stream := assay.Stream(fmt.Sprintf("fedora:%d", release))
	emit := func(u *updateinfo.Update) error { return emit(u, stream, s) }
	err := updateinfo.Fetch(ctx, g, Base(Current, release), emit)
	if !errors.Is(err, assay.ErrNotFound) {
		return err
	}
	second := updateinfo.Fetch(ctx, g, Base(Archive, release), emit)
	if errors.Is(second, assay.ErrNotFound) {
		return errors.Join(err, second)
	}
	return second
}

var mention = regexp.MustCompile(`\bCVE-\d{4}-\d{4,19}\b`)

func emit(u *updateinfo.Update, stream assay.Stream, s assay.Sink) error {
	rows := u.Affected(stream)
	switch {
	case u.ID == "":
		s.Skip(u.Title, "update without identifier")
		return nil
	case u.Type != "security":
		s.Skip(u.ID, "no security update")
		return nil
	case len(rows) == 0:
		s.Skip(u.ID, "no package with a fixed version")
		return nil
	}
	ids := u.CVEs()
	if len(ids) == 0 {
		ids = cve.Set(mention.FindAllString(u.Title+" "+u.Description, -1))
	}
	return u.Emit(assay.Advisory{Feed: "fedora", Title: u.Title, URL: "https://bodhi.fedoraproject.org/updates/" + u.ID, Affected: rows}, ids, s)
}

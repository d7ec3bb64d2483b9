// Package fedora reads Fedora's security updates.
//
// The repository with the updates of a release has them in the format of package
// updateinfo, written by Bodhi (https://bodhi.fedoraproject.org/). It is in
// https://dl.fedoraproject.org/pub/fedora/linux/updates/ and, after the end of
// support, in https://archives.fedoraproject.org/. Vulnerabilities without a fix
// are missing. EPEL is not read, because its packages belong to no distribution.
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

// The directories of releases: first the directory of supported releases.
const (
	Current = "https://dl.fedoraproject.org/pub/fedora/linux/updates/"
	Archive = "https://archives.fedoraproject.org/pub/archive/fedora/linux/updates/"
)

// The releases to try if the directories cannot be listed: from the first in
// this format to more than there will be for years.
const first, last = 28, 60

// Feed reads the repositories for x86_64; others have the same versions.
// Packages are binary packages. Each record is about one update and one of its
// CVEs: its ID is the CVE, and the update is one of VendorIDs. The CVEs come
// from the titles of the update's bugs or, if these name none, from its
// description. An update without a CVE keeps its own identifier.
//
// Releases up to 38 had modules, whose packages the updates do not name.
type Feed struct{}

// Name is "fedora".
func (Feed) Name() string { return "fedora" }

// Streams is "fedora:*": "fedora:43".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"fedora:*"} }

// Base is the address of a release's updates in one of the directories.
func Base(directory string, release int) string {
	return directory + strconv.Itoa(release) + "/Everything/x86_64/"
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

// releases returns the releases that are wanted by number, and whether all are
// wanted.
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

// list lists the releases that may exist.
func list(ctx context.Context, g assay.Getter) (found []int, err error) {
	l, ok := g.(assay.Lister)
	if ok {
		for _, directory := range []string{Current, Archive} {
			names, err := l.List(ctx, directory)
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			if err != nil {
				continue // no such directory, or it cannot be listed
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
		s.Skip(u.ID, "not a security update")
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

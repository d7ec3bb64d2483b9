// Package alpine reads Alpine Linux's security database.
//
// https://secdb.alpinelinux.org/ has a directory for each branch, with a
// document for each repository, in the format of package secdb. It names
// packages by origin. It has only fixes: a vulnerability without a fix is not in
// it.
package alpine

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/record/secdb"
)

// Index is the directory of the branches.
const Index = "https://secdb.alpinelinux.org/"

const page = "https://security.alpinelinux.org/vuln/"

// If there is no index page, branches are tried from 3.firstBranch upward, until
// maxGap in a row are missing.
const (
	firstBranch = 2
	maxGap      = 3
	maxBranch   = 200
)

// Feed reads the database. A record is one package and one vulnerability in
// one repository of a branch.
type Feed struct{}

// Name is "alpine".
func (Feed) Name() string { return "alpine" }

// Streams is "alpine:*": "alpine:3.20" and "alpine:edge".
func (Feed) Streams() []assay.Stream { return []assay.Stream{"alpine:*"} }

// Fetch implements assay.Feed. A wanted branch that Alpine does not have is
// counted as skipped. If Alpine has none of the wanted branches, the error is
// ErrNotFound.
func (f Feed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	var branches []string
	all := wanted == nil
	for _, w := range wanted {
		if b := strings.TrimPrefix(string(w), "alpine:"); b != "*" {
			branches = append(branches, b)
		} else {
			all = true
		}
	}
	if all {
		listed, err := list(ctx, g)
		if err != nil {
			return err
		}
		if branches = append(branches, listed...); listed == nil {
			return f.probe(ctx, g, s)
		}
	}
	slices.Sort(branches)
	found := 0
	for _, b := range slices.Compact(branches) {
		ok, err := f.branch(ctx, g, b, s)
		if err != nil {
			return err
		}
		if !ok {
			s.Skip("alpine:"+b, "branch not published")
			continue
		}
		found++
	}
	if found == 0 {
		return fmt.Errorf("%s: no branch of %v: %w", Index, wanted, assay.ErrNotFound)
	}
	return nil
}

var branchName = regexp.MustCompile(`^(v[0-9]+\.[0-9]+|edge)$`)

// list returns the branches in the index; nil if there is no index.
func list(ctx context.Context, g assay.Getter) ([]string, error) {
	names, err := document.List(ctx, g, Index)
	var branches []string
	for _, n := range names {
		if branchName.MatchString(n) {
			branches = append(branches, strings.TrimPrefix(n, "v"))
		}
	}
	return branches, err
}

// probe tries branches by number.
func (f Feed) probe(ctx context.Context, g assay.Getter, s assay.Sink) error {
	found, err := f.branch(ctx, g, "edge", s)
	if err != nil {
		return err
	}
	for n, gap := firstBranch, 0; n < maxBranch && gap < maxGap; n++ {
		ok, err := f.branch(ctx, g, fmt.Sprintf("3.%d", n), s)
		if err != nil {
			return err
		}
		if gap++; ok {
			found, gap = true, 0
		}
	}
	if !found {
		return fmt.Errorf("%s: no branch: %w", Index, assay.ErrNotFound)
	}
	return nil
}

// branch reads the repositories of a branch; old branches have no community
// repository.
func (f Feed) branch(ctx context.Context, g assay.Getter, branch string, s assay.Sink) (found bool, _ error) {
	directory := branch
	if branch != "edge" {
		directory = "v" + branch
	}
	for _, repository := range []string{"main", "community"} {
		url := Index + directory + "/" + repository + ".json"
		p := secdb.Publisher{Feed: f.Name(), Stream: assay.Stream("alpine:" + branch), Page: page}
		err := secdb.Fetch(ctx, g, url, p, s)
		if err != nil && !errors.Is(err, assay.ErrNotFound) {
			return found, err
		}
		found = found || err == nil
	}
	return found, nil
}

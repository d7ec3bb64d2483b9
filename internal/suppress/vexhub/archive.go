package vexhub

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/tardoc"
	"github.com/assaysec/assay/internal/encoding/zipdoc"
	"github.com/assaysec/assay/internal/suppress/vex"
)

const (
	maxIndex    = 64 << 20  // Rancher's has 200 kB for 1,100 products (2026)
	maxPackages = 1_000_000 // in an index
)

// A Document is a repository's document about packages.
type Document struct {
	*vex.Document
	Name string // "NAME: LOCATION"
}

// An archive is an open archive with its index.
type archive struct {
	hubs      *Hubs
	getter    assay.Getter
	at        string // its URL
	directory string // directory of the repository in it; "" is all

	documents map[string]string          // locations by package
	packages  map[string]map[string]bool // packages by location
	bad       int                        // invalid entries of the index
}

// openArchive gets the archive at a location, "URL//DIRECTORY", and reads its
// index.
func (h *Hubs) openArchive(ctx context.Context, g assay.Getter, location string) (*archive, error) {
	a := &archive{hubs: h, getter: g, documents: map[string]string{}, packages: map[string]map[string]bool{}}
	scheme, rest, _ := strings.Cut(location, "://")
	at, directory := rest, ""
	if i := strings.Index(strings.TrimPrefix(rest, "/"), "//"); i >= 0 { // in file:///a.zip//directory the first slash belongs to the path
		i += len(rest) - len(strings.TrimPrefix(rest, "/"))
		at, directory = rest[:i], rest[i+2:]
	}
	if i := strings.IndexByte(directory, '?'); i >= 0 { // the query belongs to the whole URL
		at, directory = at+directory[i:], directory[:i]
	}
	a.at = scheme + "://" + at
	if directory = path.Clean("/" + directory); directory != "/" {
		a.directory = directory[1:]
	}
	found := errors.New("found")
	err := a.walk(ctx, func(member string) bool { return a.name(member) == "index.json" }, func(member string, b []byte, err error) error {
		if err == nil {
			err = a.index(b)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", member, err)
		}
		return found
	})
	switch {
	case errors.Is(err, found):
		return a, nil
	case err == nil:
		err = fmt.Errorf("directory %q has no index.json: %w", a.directory, assay.ErrMalformed)
	}
	return nil, fmt.Errorf("%s: %w", a.at, err)
}

// name is a member's path in the repository; "" if it is outside.
func (a *archive) name(member string) string {
	name := strings.TrimPrefix(path.Clean("/"+member), "/")
	if a.directory == "" {
		return name
	}
	rest, ok := strings.CutPrefix(name, a.directory+"/")
	if !ok {
		return ""
	}
	return rest
}

// index reads index.json. Of duplicate packages the first counts.
func (a *archive) index(b []byte) error {
	if len(b) > maxIndex {
		return fmt.Errorf("over %d bytes: %w", maxIndex, assay.ErrTooLarge)
	}
	var list struct {
		Packages []struct {
			ID       string `json:"id"`
			Location string `json:"location"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	if len(list.Packages) > maxPackages {
		return fmt.Errorf("over %d packages: %w", maxPackages, assay.ErrTooLarge)
	}
	for _, p := range list.Packages {
		u, err := vex.ParsePURL(p.ID)
		name := strings.TrimPrefix(path.Clean("/"+p.Location), "/")
		if err != nil || name == "" {
			a.bad++
			continue
		}
		id := u.Name()
		if a.documents[id] == "" {
			a.documents[id] = name
		}
		if a.packages[name] == nil {
			a.packages[name] = map[string]bool{}
		}
		a.packages[name][id] = true
	}
	return nil
}

// walk visits members of the archive.
func (a *archive) walk(ctx context.Context, want func(string) bool, visit func(string, []byte, error) error) error {
	body, err := a.hubs.get(ctx, a.getter, a.at)
	if err != nil {
		return err
	}
	defer body.Close()
	head := make([]byte, 2)
	if f, ok := body.(io.ReadSeeker); ok { // a zip archive in a file is read in place
		if _, err := io.ReadFull(f, head); err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return err
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		if string(head) == "PK" {
			return zipdoc.Walk(ctx, f, want, visit)
		}
		return tardoc.Walk(ctx, f, want, visit)
	}
	r := bufio.NewReader(body)
	if head, _ := r.Peek(len(head)); string(head) == "PK" {
		return zipdoc.Walk(ctx, r, want, visit)
	}
	return tardoc.Walk(ctx, r, want, visit)
}

// Find returns the documents about packages, which are given by the names of
// vex.PURL's Names. If several repositories have a document about a package,
// only the first counts. Gaps report unreadable documents and repositories.
func (h *Hubs) Find(ctx context.Context, repositories []Repository, names []string) (docs []Document, gaps []assay.Gap, _ error) {
	left := map[string]bool{}
	for _, n := range names {
		left[n] = true
	}
	for _, r := range repositories {
		if len(left) == 0 || !r.Enabled {
			continue
		}
		where := "VEX repository " + r.Name
		s, err := h.State(r)
		var a *archive
		if err == nil {
			a, err = h.openArchive(ctx, h.Cached, s.Archive)
		}
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err != nil {
			gaps = append(gaps, assay.Gap{Where: where, What: fmt.Sprintf("cannot be read: %v", err)})
			continue
		}
		if a.bad > 0 {
			gaps = append(gaps, assay.Gap{Where: where, What: fmt.Sprintf("entries of the index without a package URL or a document: %d", a.bad)})
		}
		found, more, err := a.find(ctx, r.Name, left)
		if ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		if err != nil {
			gaps = append(gaps, assay.Gap{Where: where, What: err.Error()})
		}
		docs, gaps = append(docs, found...), append(gaps, more...)
	}
	return docs, gaps, nil
}

// find removes the packages that the archive covers from those that are left,
// and returns their documents, in the order of their locations.
func (a *archive) find(ctx context.Context, hub string, left map[string]bool) (docs []Document, gaps []assay.Gap, err error) {
	wanted := map[string]map[string]bool{} // packages by location
	for id := range left {
		if at := a.documents[id]; at != "" {
			if wanted[at] == nil {
				wanted[at] = map[string]bool{}
			}
			wanted[at][id] = true
		}
	}
	for _, ids := range wanted {
		for id := range ids {
			delete(left, id)
		}
	}
	if len(wanted) == 0 {
		return nil, nil, nil
	}
	seen := map[string]bool{}
	err = a.walk(ctx, func(member string) bool { n := a.name(member); return wanted[n] != nil && !seen[n] }, func(member string, b []byte, err error) error {
		name := a.name(member)
		seen[name] = true
		where := "VEX repository " + hub + ": " + name
		var faults []vex.ParseError
		var d *vex.Document
		if err == nil {
			d, faults, err = vex.Parse(b)
		}
		if err != nil {
			gaps = append(gaps, assay.Gap{Where: where, What: err.Error()})
			return nil
		}
		if len(faults) > 0 {
			gaps = append(gaps, assay.Gap{Where: where, What: fmt.Sprintf("unreadable parts (%d), the first: %v", len(faults), &faults[0])})
		}
		narrow(d, wanted[name])
		docs = append(docs, Document{d, hub + ": " + name})
		return nil
	})
	for _, name := range sorted(wanted) {
		if !seen[name] && err == nil {
			gaps = append(gaps, assay.Gap{Where: "VEX repository " + hub + ": " + name, What: "is in the index but not in the archive"})
		}
	}
	slices.SortFunc(docs, func(a, b Document) int { return strings.Compare(a.Name, b.Name) })
	return docs, gaps, err
}

// narrow removes a document's statements about other products, also those with
// other names than package URLs. The statements keep their indexes.
func narrow(d *vex.Document, ids map[string]bool) {
	for i := range d.Statements {
		st := &d.Statements[i]
		st.Products = slices.DeleteFunc(st.Products, func(p vex.Product) bool {
			u, err := vex.ParsePURL(p.PURL)
			return err != nil || !slices.ContainsFunc(u.Names(), func(n string) bool { return ids[n] })
		})
		for j := range st.Products {
			p := &st.Products[j]
			*p = vex.Product{PURL: p.PURL, Range: p.Range, Subcomponents: p.Subcomponents}
		}
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

package vexhub

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/compression"
	"github.com/assaysec/assay/internal/encoding/tardoc"
	"github.com/assaysec/assay/internal/encoding/zipdoc"
	"github.com/assaysec/assay/internal/record/document"
	"github.com/assaysec/assay/internal/suppress/vex"
)

const (
	maxManifest = 1 << 20  // 500 bytes are usual
	maxIndex    = 64 << 20 // Rancher's has 200 kB for 1,100 products (2026)
	maxTail     = 16 << 20 // of zeros between the end of a tar archive and the end of its compression, which has the checksum
)

// repository hands over the statements of a repository, from its first archive
// that exists.
func (e *emitter) repository(ctx context.Context, r Repository) error {
	archives, err := e.manifest(ctx, r.Manifest)
	if err != nil && (r.Archive == "" || !errors.Is(err, assay.ErrNotFound)) {
		return err
	}
	if r.Archive != "" && !slices.Contains(archives, r.Archive) {
		archives = append(archives, r.Archive)
	}
	for _, a := range archives {
		if err = e.archive(ctx, a, r); !errors.Is(err, assay.ErrNotFound) {
			return err
		}
	}
	return err
}

// manifest lists the archives of a manifest for version 0 of the specification.
func (e *emitter) manifest(ctx context.Context, url string) (archives []string, _ error) {
	var m struct {
		Versions []struct {
			Spec      string `json:"spec_version"`
			Locations []struct {
				URL string `json:"url"`
			} `json:"locations"`
		} `json:"versions"`
	}
	if err := e.json(ctx, url, maxManifest, &m); err != nil {
		return nil, err
	}
	for _, v := range m.Versions {
		if !strings.HasPrefix(strings.TrimPrefix(v.Spec, "v"), "0.") {
			continue
		}
		for _, l := range v.Locations {
			if strings.HasPrefix(l.URL, scheme) {
				archives = append(archives, l.URL)
			}
		}
	}
	if archives == nil {
		return nil, malformed(url, "no location for version 0 of the specification")
	}
	return archives, nil
}

const scheme = "https://"

// json gets a document and decodes it.
func (e *emitter) json(ctx context.Context, url string, max int64, v any) error {
	b, err := document.Bytes(ctx, e.g, url, max)
	if err != nil {
		return err
	}
	return decode(url, b, v)
}

func decode(place string, b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w: %w", place, err, assay.ErrMalformed)
	}
	return nil
}

// archive hands over the documents in the index of the archive at
// "URL//DIRECTORY".
func (e *emitter) archive(ctx context.Context, location string, r Repository) error {
	rest, directory, _ := strings.Cut(strings.TrimPrefix(location, scheme), "//")
	url := scheme + rest
	index, err := e.index(ctx, url, directory, r.Index)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	want := func(member string) bool {
		name, ok := below(directory, member)
		if ok && index[name] == nil && strings.HasPrefix(name, "pkg/") && path.Ext(name) == ".json" && path.Base(name) != "manifest.json" {
			e.s.Skip(name, "document not in the index")
		}
		return ok && index[name] != nil && !seen[name]
	}
	err = e.walk(ctx, url, want, func(member string, b []byte, err error) error {
		name, _ := below(directory, member)
		seen[name] = true
		if err != nil {
			e.s.Skip(name, "document damaged or too large")
			return nil
		}
		d, faults, err := vex.Parse(b)
		if err != nil {
			e.s.Skip(name, "malformed document")
			return nil
		}
		page := r.Page + name
		if r.Page == "" {
			page = location + "/" + name
		}
		return e.document(name, page, d, faults, index[name])
	})
	if err != nil {
		return err
	}
	for _, name := range sorted(index) {
		if !seen[name] {
			e.s.Skip(name, "document not in the archive")
		}
	}
	if len(seen) == 0 {
		return malformed(url, "the archive has no document that its index names")
	}
	return nil
}

// below returns the path of a member relative to the directory.
func below(directory, member string) (string, bool) {
	name := path.Clean(member)
	if directory = path.Clean(directory); directory == "." {
		return name, true
	}
	return strings.CutPrefix(name, directory+"/")
}

// index reads the index of an archive, or the other index if the archive has
// none: names of products by document.
func (e *emitter) index(ctx context.Context, url, directory, other string) (map[string]map[string]bool, error) {
	var list struct {
		Packages []struct {
			ID       string `json:"id"`
			Location string `json:"location"`
		} `json:"packages"`
	}
	found := errors.New("found")
	want := func(member string) bool {
		name, ok := below(directory, member)
		return ok && name == "index.json"
	}
	err := e.walk(ctx, url, want, func(member string, b []byte, err error) error {
		if err == nil {
			err = decode(member, b, &list)
		}
		if err == nil {
			err = found
		}
		return err
	})
	switch {
	case err == nil && other != "":
		url = other
		if err = e.json(ctx, url, maxIndex, &list); errors.Is(err, assay.ErrNotFound) {
			err = malformed(url, "not found, and the archive has no index.json")
		}
	case err == nil:
		err = malformed(url, "directory %q has no index.json", directory)
	case errors.Is(err, found):
		err = nil
	}
	if err != nil {
		return nil, err
	}
	if len(list.Packages) == 0 {
		return nil, malformed(url, "no packages in the index")
	}
	index := map[string]map[string]bool{}
	for _, p := range list.Packages {
		u, err := vex.ParsePURL(p.ID)
		name := path.Clean(p.Location)
		if err != nil || p.Location == "" {
			e.s.Skip(p.ID, "malformed index entry")
			continue
		}
		if index[name] == nil {
			index[name] = map[string]bool{}
		}
		index[name][u.Name()] = true
	}
	return index, nil
}

// walk visits the members of the archive at url, a zip or a tar archive with any
// compression, to its very end.
func (e *emitter) walk(ctx context.Context, url string, want func(string) bool, visit func(string, []byte, error) error) error {
	return document.Read(ctx, e.g, url, func(body io.Reader) error {
		r := bufio.NewReader(body)
		if head, _ := r.Peek(2); string(head) == "PK" {
			return zipdoc.Walk(ctx, r, want, visit)
		}
		return untar(ctx, r, want, visit)
	})
}

func untar(ctx context.Context, r io.Reader, want func(string) bool, visit tardoc.Visit) error {
	z, _, err := compression.Document(r)
	if err != nil {
		return err
	}
	defer z.Close()
	if err := tardoc.Walk(ctx, z, want, visit); err != nil {
		return err
	}
	if _, err = io.CopyN(io.Discard, z, maxTail); err == io.EOF {
		err = nil
	}
	return err
}

// Package vexhub stores copies of VEX repositories, and finds documents about
// packages in them.
//
// The manifest of a repository, vex-repository.json, names an archive (zip, or
// tar with any compression) with an index of documents by package. The archive
// is stored as downloaded: nothing is unpacked to disk. As the specification
// asks, only documents in the index count, and of each only the statements about
// the packages that the index assigns to it.
//
// Specification: https://github.com/aquasecurity/vex-repo-spec (0.1)
package vexhub

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// Bounds of a repository.
const (
	maxManifest     = 1 << 20        // 500 bytes are usual
	maxState        = 64 << 10       // some hundred bytes
	maxVersions     = 100            // of the specification; there is one
	maxLocations    = 20             // of one archive; one is usual
	defaultInterval = 24 * time.Hour // usual in known manifests
	maxInterval     = 30 * 24 * time.Hour
)

// Hubs are the copies of repositories on this machine.
type Hubs struct {
	Dir    string           // their states, one file each
	Fetch  assay.Getter     // downloads from publishers; nil: no downloads
	Cached assay.Getter     // has earlier downloads of Fetch, without network access
	Now    func() time.Time // nil means time.Now
}

// A State is the state of the copy of a repository.
type State struct {
	URL      string    `json:"url"`      // of the original repository
	Title    string    `json:"title"`    // from the manifest
	Archive  string    `json:"archive"`  // location of the archive, "URL//DIRECTORY"
	Checked  time.Time `json:"checked"`  // time of the last request to its publisher
	Interval string    `json:"interval"` // when to ask again
}

func (s *State) due(now time.Time) bool {
	every, err := time.ParseDuration(s.Interval)
	if err != nil || every <= 0 {
		every = defaultInterval
	}
	return !now.Before(s.Checked.Add(min(every, maxInterval))) || s.Checked.After(now)
}

func (h *Hubs) now() time.Time {
	if h.Now != nil {
		return h.Now()
	}
	return time.Now()
}

func (h *Hubs) file(r Repository) string { return filepath.Join(h.Dir, r.Name+".json") }

// State returns the state of the copy. ErrNotFound: there is no copy.
func (h *Hubs) State(r Repository) (*State, error) {
	f, err := limit.OpenRegular(h.file(r))
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			err = assay.ErrNotFound
		}
		return nil, fmt.Errorf("copy of VEX repository %s: %w", r.Name, err)
	}
	defer f.Close()
	b, err := limit.ReadAll(f, maxState)
	s := &State{}
	if err == nil {
		err = json.Unmarshal(b, s)
	}
	if err != nil || s.URL != r.URL || s.Archive == "" { // of another repository, or damaged: treat it as missing
		return nil, fmt.Errorf("copy of VEX repository %s: %w", r.Name, assay.ErrNotFound)
	}
	return s, nil
}

// Update updates the copy of a repository, unless its publisher was asked within
// the interval in its manifest; with force always. If that fails and there is an
// older copy, old is the reason, and the copy stays.
func (h *Hubs) Update(ctx context.Context, r Repository, force bool) (s *State, old, err error) {
	s, err = h.State(r)
	if err == nil && (h.Fetch == nil || !force && !s.due(h.now())) {
		return s, nil, nil
	}
	if h.Fetch == nil {
		return nil, nil, fmt.Errorf("%w; download the repository with `assay vex repo download %s`", err, r.Name)
	}
	fresh, failed := h.download(ctx, r)
	switch {
	case failed == nil:
		return fresh, nil, h.save(r, fresh)
	case ctx.Err() != nil:
		return nil, nil, ctx.Err()
	case s == nil:
		return nil, nil, fmt.Errorf("VEX repository %s: %w", r.Name, failed)
	}
	return s, fmt.Errorf("VEX repository %s: not updated, the copy of %s is used: %w", r.Name, s.Checked.Format(time.DateOnly), failed), nil
}

// download downloads the manifest and the archive, from the first location that
// has it.
func (h *Hubs) download(ctx context.Context, r Repository) (*State, error) {
	at := r.manifestURL()
	b, err := h.read(ctx, h.Fetch, at, maxManifest)
	if err != nil {
		return nil, err
	}
	s, locations, err := parseManifest(b, strings.HasPrefix(r.URL, "https://"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	var errs []error
	for _, l := range locations {
		if _, err := h.openArchive(ctx, h.Fetch, l); err != nil {
			errs = append(errs, err)
			continue
		}
		s.URL, s.Archive, s.Checked = r.URL, l, h.now().UTC().Truncate(time.Second)
		return s, nil
	}
	return nil, errors.Join(errs...)
}

// parseManifest reads the manifest of a repository for version 0 of the
// specification.
func parseManifest(b []byte, secure bool) (*State, []string, error) {
	type version struct {
		Spec      string `json:"spec_version"`
		Interval  string `json:"update_interval"`
		Locations []struct {
			URL string `json:"url"`
		} `json:"locations"`
	}
	var m struct {
		Name     string          `json:"name"`
		Versions json.RawMessage `json:"versions"`
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	var versions []version
	if err := json.Unmarshal(m.Versions, &versions); err != nil { // the text of the specification has a map, its schema a list
		var by map[string]version
		if json.Unmarshal(m.Versions, &by) != nil {
			return nil, nil, fmt.Errorf("versions: %w: %w", err, assay.ErrMalformed)
		}
		for _, name := range sorted(by) {
			versions = append(versions, by[name])
		}
	}
	for i, v := range versions {
		if i == maxVersions {
			break
		}
		if spec := strings.TrimPrefix(v.Spec, "v"); spec != "0" && !strings.HasPrefix(spec, "0.") {
			continue
		}
		var locations []string
		for _, l := range v.Locations[:min(len(v.Locations), maxLocations)] {
			if _, err := address(l.URL, !secure); err == nil {
				locations = append(locations, l.URL)
			}
		}
		if len(locations) > 0 {
			return &State{Title: m.Name, Interval: v.Interval}, locations, nil
		}
	}
	return nil, nil, fmt.Errorf("no https:// archive for version 0.1 of the specification: %w", assay.ErrUnsupported)
}

// get opens a document.
func (h *Hubs) get(ctx context.Context, g assay.Getter, at string) (io.ReadCloser, error) {
	if u, err := url.Parse(at); err == nil && u.Scheme == "file" {
		f, err := limit.OpenRegular(filepath.FromSlash(u.Path))
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%s: %w", at, assay.ErrNotFound)
		}
		if err != nil {
			return nil, err
		}
		return f, nil
	}
	return g.Get(ctx, at)
}

func (h *Hubs) read(ctx context.Context, g assay.Getter, at string, most int64) ([]byte, error) {
	body, err := h.get(ctx, g, at)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := limit.ReadAll(body, most)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	return b, nil
}

// save writes the state durably.
func (h *Hubs) save(r Repository, s *State) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(h.Dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(h.Dir, "."+r.Name+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(b)
	err = cmp.Or(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), h.file(r))
}

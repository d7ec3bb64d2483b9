package scan

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/suppress/vexhub"
)

// VEXConfig returns the file with the VEX repositories: the given file or, if it
// is empty, the one in the user's configuration directory, which need not exist.
func VEXConfig(file string) (string, error) {
	if file != "" {
		return file, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &OptionError{"vex-config", fmt.Errorf("no configuration directory: %w; name a file", err)}
	}
	return filepath.Join(dir, "assay", "vex", "repository.yaml"), nil
}

// A VEXRepository is a configured repository of VEX documents, and its copy here.
type VEXRepository struct {
	Name    string
	URL     string
	Enabled bool      // VEXRepositories uses it
	Checked time.Time // when its publisher was last asked; zero without a copy
	Archive string    // where the copy is from; "" without a copy
	Err     error     // why the copy cannot be used, or could not be updated; nil
}

// hubs are the copies of repositories in the cache, and the configured
// repositories.
func (o *VEXOptions) hubs() (*vexhub.Hubs, []vexhub.Repository, error) {
	file, err := VEXConfig(o.Config)
	if err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(file); o.Config != "" && errors.Is(err, os.ErrNotExist) {
		return nil, nil, &OptionError{"vex-config", fmt.Errorf("%s: no such file", file)}
	}
	all, err := vexhub.Load(file)
	if err != nil {
		return nil, nil, &OptionError{"vex-config", err}
	}
	dir, err := CacheDir(o.CacheDir)
	if err != nil {
		return nil, nil, err
	}
	h := &vexhub.Hubs{Dir: vexDir(dir)}
	if !o.SkipUpdate {
		if h.Fetch, err = o.Fetch.getter(dir); err != nil {
			return nil, nil, err
		}
	}
	h.Cached, err = o.Fetch.cached(dir)
	return h, all, err
}

// ListVEXRepositories lists the repositories of the options.
func ListVEXRepositories(o VEXOptions) (out []VEXRepository, _ error) {
	h, all, err := o.hubs()
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		v := VEXRepository{Name: r.Name, URL: r.URL, Enabled: r.Enabled}
		if s, err := h.State(r); err == nil {
			v.Checked, v.Archive = s.Checked, s.Archive
		} else if !errors.Is(err, assay.ErrNotFound) {
			v.Err = err
		}
		out = append(out, v)
	}
	return out, nil
}

// UpdateVEX updates the copies of the named repositories, or of all enabled
// ones, now. The result includes those that failed, with the reason.
func UpdateVEX(ctx context.Context, o VEXOptions, names []string) (out []VEXRepository, _ error) {
	h, all, err := o.hubs()
	if err != nil {
		return nil, err
	}
	var known []string
	for _, r := range all {
		known = append(known, r.Name)
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, &OptionError{"", fmt.Errorf("unknown VEX repository %q; known: %s", n, strings.Join(known, ", "))}
		}
	}
	for _, r := range all {
		if len(names) > 0 && !slices.Contains(names, r.Name) || len(names) == 0 && !r.Enabled {
			continue
		}
		v := VEXRepository{Name: r.Name, URL: r.URL, Enabled: r.Enabled}
		s, old, err := h.Update(ctx, r, true)
		if v.Err = errors.Join(err, old); s != nil {
			v.Checked, v.Archive = s.Checked, s.Archive
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		return nil, &OptionError{"", errors.New("no VEX repository is enabled; name one")}
	}
	return out, nil
}

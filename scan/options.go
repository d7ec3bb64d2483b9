package scan

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/cache"
	"github.com/assaysec/assay/internal/database/fetch"
	"github.com/assaysec/assay/internal/feed"
)

// An OptionError says that an option cannot be meant. It is the caller's to
// correct; nothing was scanned.
type OptionError struct {
	Option string // as the command line calls it, without dashes: "vex-key"; "" where Err names the file
	Err    error
}

func (e *OptionError) Error() string {
	text := e.Err.Error()
	switch {
	case e.Option == "":
		return text
	case strings.HasPrefix(text, "requires "):
		return "--" + e.Option + " " + text
	}
	return "--" + e.Option + ": " + text
}
func (e *OptionError) Unwrap() error { return e.Err }

// CacheDir is the directory that dir names: itself, or assay in the user's cache
// directory where it is empty. It need not exist.
func CacheDir(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", &OptionError{"cache-dir", fmt.Errorf("no cache directory: %w; name one", err)}
	}
	return filepath.Join(user, "assay"), nil
}

// DatabaseDir is where the advisory database lies in a cache directory.
func DatabaseDir(cacheDir string) string { return filepath.Join(cacheDir, "db") }

// DocumentsDir is where publishers' documents lie in a cache directory.
func DocumentsDir(cacheDir string) string { return filepath.Join(cacheDir, "documents") }

// vexDir is where copies of VEX repositories lie in a cache directory.
func vexDir(cacheDir string) string { return filepath.Join(cacheDir, "vex", "repositories") }

// LayerCache keeps what layers hold in a cache directory, for Request.Cache.
func LayerCache(cacheDir string) assay.Cache {
	return &cache.Dir{Path: filepath.Join(cacheDir, "layers")}
}

// FetchOptions says how publishers' documents are fetched.
type FetchOptions struct {
	// Mirrors hold https://HOST/PATH as HOST/PATH: a directory or an address for
	// all publishers, or HOST=DIRECTORY or HOST=ADDRESS for those of one host.
	Mirrors   []string
	UserAgent string               // "" means assay
	Progress  func(assay.Progress) // may be nil
}

// Split tells the mirror of all publishers from those of single hosts.
func (o FetchOptions) Split() (all string, hosts map[string]string, err error) {
	hosts = map[string]string{}
	for _, m := range o.Mirrors {
		host, place, ok := strings.Cut(m, "=")
		if ok && !strings.ContainsAny(host, "/?") && host != "" && place != "" {
			hosts[host] = place
			continue
		}
		if all != "" {
			return "", nil, &OptionError{"mirror", fmt.Errorf("both %s and %s apply to all publishers; write one as HOST=%s", all, m, m)}
		}
		all = m
	}
	return all, hosts, nil
}

// Getter makes what fetches documents, and keeps them in a cache directory.
func (o FetchOptions) Getter(cacheDir string) (assay.Keeper, error) { return o.getter(cacheDir) }

func (o FetchOptions) getter(cacheDir string) (*fetch.Fetcher, error) {
	all, hosts, err := o.Split()
	if err != nil {
		return nil, err
	}
	agent := o.UserAgent
	if agent == "" {
		agent = "assay"
	}
	f, err := fetch.New(fetch.Options{Dir: DocumentsDir(cacheDir), Mirror: all, Hosts: hosts, UserAgent: agent, Progress: o.Progress})
	if err != nil {
		return nil, &OptionError{"mirror", err}
	}
	return f, nil
}

// cached has what was fetched before, and asks nobody.
func (o FetchOptions) cached(cacheDir string) (*fetch.Fetcher, error) {
	all, hosts, err := o.Split()
	if err != nil {
		return nil, err
	}
	return fetch.New(fetch.Options{Dir: DocumentsDir(cacheDir), Mirror: all, Hosts: hosts, Offline: true})
}

// feeds are those that a scan may fetch by itself: from a directory all, for
// nothing is too large to be read there.
func (o FetchOptions) feeds() ([]assay.Feed, error) {
	all, _, err := o.Split()
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(all); err == nil && info.IsDir() {
		return feed.All(), nil
	}
	return feed.ForScans(), nil
}

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
	"github.com/assaysec/assay/internal/oci/registryclient"
)

// An OptionError reports an invalid option. The caller must correct it; nothing
// was scanned.
type OptionError struct {
	Option string // the name on the command line, without dashes: "vex-key"; "" if Err names the file
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

// CacheDir returns dir or, if it is empty, assay in the user's cache directory.
// The directory need not exist, but must not be a file, nor its database.
func CacheDir(dir string) (string, error) {
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", &OptionError{"cache-dir", fmt.Errorf("no cache directory: %w; name one", err)}
		}
		dir = filepath.Join(user, "assay")
	}
	for _, d := range []string{dir, DatabaseDir(dir)} {
		if info, err := os.Stat(d); err == nil && !info.IsDir() {
			return "", &OptionError{"cache-dir", fmt.Errorf("%s is a file: name a directory", d)}
		}
	}
	return dir, nil
}

// DatabaseDir is the directory of the advisory database in a cache directory.
func DatabaseDir(cacheDir string) string { return filepath.Join(cacheDir, "db") }

// DocumentsDir is the directory of publishers' documents in a cache directory.
func DocumentsDir(cacheDir string) string { return filepath.Join(cacheDir, "documents") }

// vexDir is the directory of the copies of VEX repositories in a cache
// directory.
func vexDir(cacheDir string) string { return filepath.Join(cacheDir, "vex", "repositories") }

// LayerCache is a cache of the contents of layers in a cache directory, for
// Request.Cache.
func LayerCache(cacheDir string) assay.Cache {
	return &cache.Dir{Path: filepath.Join(cacheDir, "layers")}
}

// FetchOptions are the options for fetching publishers' documents.
type FetchOptions struct {
	// Mirrors have https://HOST/PATH as HOST/PATH. An entry is a directory or a
	// URL for all publishers, or HOST=DIRECTORY or HOST=URL for one host.
	Mirrors   []string
	CACert    string               // file of certificates to trust in addition to the system's; "" means none
	Insecure  bool                 // allow TLS without verification
	UserAgent string               // "" means assay
	Progress  func(assay.Progress) // may be nil
}

// Split separates the mirror of all publishers from those of single hosts.
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

// Getter creates a Getter that fetches documents into a cache directory.
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
	trust, err := registryclient.TLS(o.CACert, o.Insecure)
	if err != nil {
		return nil, &OptionError{"", err}
	}
	f, err := fetch.New(fetch.Options{Dir: DocumentsDir(cacheDir), Mirror: all, Hosts: hosts, TLS: trust, UserAgent: agent, Progress: o.Progress})
	if err != nil {
		return nil, &OptionError{"mirror", err}
	}
	return f, nil
}

// cached returns a Getter of documents fetched before, without network access.
func (o FetchOptions) cached(cacheDir string) (*fetch.Fetcher, error) {
	all, hosts, err := o.Split()
	if err != nil {
		return nil, err
	}
	return fetch.New(fetch.Options{Dir: DocumentsDir(cacheDir), Mirror: all, Hosts: hosts, Offline: true})
}

// feeds are the feeds that a scan may fetch. If the documents come from a
// directory, these are all feeds, because size does not matter there.
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

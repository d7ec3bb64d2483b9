package scan

import (
	"net/http"
	"os"
	"path/filepath"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/cache"
	"github.com/assaysec/assay/internal/database/fetch"
	"github.com/assaysec/assay/internal/ecosystem/mavenrepo"
	"github.com/assaysec/assay/internal/inventory"
	"github.com/assaysec/assay/internal/oci/registryclient"
)

// MavenOptions say where the parents, the lists of versions and the dependencies of
// Maven projects are looked up. The zero value asks the user's local repository, then
// those of the user's settings.xml and of the projects, then Maven Central.
type MavenOptions struct {
	CacheDir string       // as for CacheDir
	Offline  bool         // use only the local repository and the cache
	Settings string       // the user's settings.xml; "" means ~/.m2/settings.xml
	Fetch    FetchOptions // for TLS and the name of the program; mirrors are those of settings.xml
}

// Maven is where Maven projects are looked up. Any number of scans may use it at once.
type Maven struct{ options mavenrepo.Options }

// mavenCacheSize bounds the cache of projects. A build with a thousand dependencies
// takes 10 MB.
const mavenCacheSize = 512 << 20

// OpenMaven checks the options. It reads and fetches nothing: that is left to scans of
// source code with a pom.xml.
func OpenMaven(o MavenOptions) (*Maven, error) {
	dir, err := CacheDir(o.CacheDir)
	if err != nil {
		return nil, err
	}
	trust, err := registryclient.TLS(o.Fetch.CACert, o.Fetch.Insecure)
	if err != nil {
		return nil, &OptionError{"", err}
	}
	home, _ := os.UserHomeDir() // without one there is no local repository
	var client *http.Client
	if !o.Offline {
		client = fetch.NewClient(trust)
	}
	return &Maven{mavenrepo.Options{Home: home, Settings: o.Settings, Offline: o.Offline, Client: client, UserAgent: o.Fetch.UserAgent,
		Cache: &cache.Dir{Path: filepath.Join(dir, "maven"), Size: mavenCacheSize}}}, nil
}

// session is the registry of one scan; nil where no registry may be asked. The contents
// of images and disks are installed: nothing is resolved there.
func (m *Maven) session(kind assay.TargetKind, o inventory.Options) *mavenrepo.Session {
	if m == nil || o.Scopes&assay.ScopeDeclared == 0 || kind != assay.KindFilesystem && kind != assay.KindRepository {
		return nil
	}
	p := m.options
	p.Progress = o.Progress
	return mavenrepo.New(p)
}

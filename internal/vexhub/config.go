package vexhub

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/limit"
	"github.com/assaysec/assay/internal/yamldoc"
)

const (
	maxConfig       = 1 << 20 // people write it by hand
	maxRepositories = 100     // some few are usual; each is looked into in turn
)

// A Repository is one that the user trusts to say what is not affected.
type Repository struct {
	Name    string
	URL     string // of the repository on GitHub, of a host, of a manifest, or file:// and a folder
	Enabled bool
}

// DefaultURL is the repository that is used where none is configured.
const DefaultURL = "https://github.com/aquasecurity/vexhub"

// Default lists the repositories that are used without a configuration.
func Default() []Repository { return []Repository{{"default", DefaultURL, true}} }

// DefaultConfig is the configuration with which to begin.
const DefaultConfig = `# Repositories of VEX documents, the most trusted first: of those that have a
# document on a package the first decides.
repositories:
  - name: default
    url: ` + DefaultURL + `
    enabled: true
`

// names are of files, too.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Load reads a configuration, in the form of Trivy's vex/repository.yaml. That
// there is none is Default.
func Load(path string) ([]Repository, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := limit.ReadAll(f, maxConfig)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	all, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

func parse(b []byte) ([]Repository, error) {
	var doc struct {
		Repositories []struct {
			Name     string `yaml:"name"`
			URL      string `yaml:"url"`
			Enabled  *bool  `yaml:"enabled"`
			Username string `yaml:"username"`
			Password string `yaml:"password"`
			Token    string `yaml:"token"`
		} `yaml:"repositories"`
	}
	if err := yamldoc.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	if n := len(doc.Repositories); n > maxRepositories {
		return nil, fmt.Errorf("%d repositories, over %d: %w", n, maxRepositories, assay.ErrTooLarge)
	}
	var out []Repository
	seen := map[string]bool{}
	for i, r := range doc.Repositories {
		where := fmt.Sprintf("repositories[%d]", i)
		switch {
		case !names.MatchString(r.Name):
			return nil, fmt.Errorf("%s: name %.100q is not of letters, digits, dots and dashes: %w", where, r.Name, assay.ErrMalformed)
		case seen[r.Name]:
			return nil, fmt.Errorf("%s: name %s is there twice: %w", where, r.Name, assay.ErrMalformed)
		case r.Username+r.Password+r.Token != "":
			return nil, fmt.Errorf("%s: %s: credentials: %w; fetch it by other means and name the folder (file://)", where, r.Name, assay.ErrUnsupported)
		}
		if _, err := address(r.URL, true); err != nil {
			return nil, fmt.Errorf("%s: %s: url: %w", where, r.Name, err)
		}
		seen[r.Name] = true
		out = append(out, Repository{r.Name, r.URL, r.Enabled == nil || *r.Enabled})
	}
	return out, nil
}

// address reads one. Plain HTTP and files are only for who chose them himself.
func address(s string, plain bool) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	case u.Scheme == "https" && u.Host != "", plain && u.Scheme == "http" && u.Host != "", plain && u.Scheme == "file" && u.Host == "" && u.Path != "":
		return u, nil
	}
	return nil, fmt.Errorf("%.200q does not begin with https://: %w", s, assay.ErrMalformed)
}

// manifestURL is where the manifest of a repository is. Of one on GitHub it lies
// in the main branch.
func (r Repository) manifestURL() string {
	at := strings.TrimRight(r.URL, "/")
	u, err := url.Parse(at)
	switch {
	case strings.HasSuffix(at, ".json"):
		return at
	case err == nil && u.Host == "github.com":
		return strings.TrimSuffix(at, ".git") + "/raw/main/vex-repository.json"
	case err == nil && u.Scheme == "file":
		return at + "/vex-repository.json"
	}
	return at + "/.well-known/vex-repository.json"
}

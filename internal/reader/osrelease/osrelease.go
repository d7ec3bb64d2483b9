// Package osrelease reads the files that name the distribution and the release of an
// image.
//
// Formats: https://www.freedesktop.org/software/systemd/man/latest/os-release.html; the
// others are noted at their functions.
package osrelease

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
)

const (
	// maxRelease: release files have a few hundred bytes; a megabyte of
	// nonsense is still read to the end.
	maxRelease = 4 << 20
	// maxManifest: Red Hat's content manifests list all packages of an image.
	maxManifest = 32 << 20
	// maxRepos bounds the repositories or content sets of an image.
	maxRepos = 1000
)

// Reader reads release files. Each gives a part of the release; package distro
// puts the parts together.
type Reader struct{}

func (Reader) Name() string { return "osrelease" }

// kinds says how each file is read, by its path in the image.
var kinds = []struct {
	glob string
	max  int64
	read func(string) (*assay.Release, error)
}{
	{"etc/os-release", maxRelease, osRelease},
	{"usr/lib/os-release", maxRelease, osRelease},
	{"*/sys-root/usr/lib/os-release", maxRelease, osRelease}, // Bottlerocket
	{"etc/lsb-release", maxRelease, lsbRelease},
	{"etc/debian_version", maxRelease, debianVersion},
	{"etc/alpine-release", maxRelease, alpineRelease},
	{"etc/apk/repositories", maxRelease, apkRepositories},
	{"etc/arch-release", maxRelease, archRelease},
	{"etc/*-release", maxRelease, redhatRelease},
	{"usr/lib/system-release", maxRelease, redhatRelease},
	{"var/lib/ubuntu-advantage/status.json", maxRelease, ubuntuPro},
	{"root/buildinfo/content_manifests/*.json", maxManifest, contentManifest},
	{"usr/share/buildinfo/*.json", maxManifest, contentManifest},
	{"root/buildinfo/Dockerfile-*", maxRelease, dockerfile},
}

func (Reader) Wants() []assay.Pattern {
	var ps []assay.Pattern
	for _, k := range kinds {
		ps = append(ps, assay.Pattern{Glob: k.glob, MaxSize: k.max})
	}
	return ps
}

func (Reader) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxManifest)
	if err != nil {
		return assay.Facts{}, err
	}
	for _, k := range kinds {
		if !matches(k.glob, f.Path) {
			continue
		}
		r, err := k.read(string(b))
		if r != nil {
			r.Path = f.Path
		}
		return assay.Facts{Release: r}, err
	}
	return assay.Facts{}, nil
}

// matches compares as many trailing components as the pattern has, for a file
// may lie behind links.
func matches(glob, p string) bool {
	n := strings.Count(glob, "/") + 1
	parts := strings.Split(p, "/")
	if len(parts) > n {
		parts = parts[len(parts)-n:]
	}
	ok, _ := path.Match(glob, strings.Join(parts, "/"))
	return ok
}

// osRelease reads os-release.
func osRelease(text string) (*assay.Release, error) {
	v := assignments(text)
	r := &assay.Release{ID: strings.ToLower(v["ID"]), IDLike: strings.Fields(v["ID_LIKE"]), Version: v["VERSION_ID"], Codename: v["VERSION_CODENAME"],
		Name: v["PRETTY_NAME"], Variant: v["VARIANT_ID"], CPE: v["CPE_NAME"]}
	if r.Name == "" {
		r.Name = strings.TrimSpace(v["NAME"] + " " + v["VERSION"])
	}
	if r.Codename == "" { // "12 (bookworm)" in releases before VERSION_CODENAME was there
		if m := parenthesised.FindStringSubmatch(v["VERSION"]); m != nil {
			r.Codename = strings.ToLower(m[1])
		}
	}
	if r.ID == "" {
		if r.Name == "" {
			return nil, fmt.Errorf("no ID: %w", assay.ErrMalformed)
		}
		return nil, fmt.Errorf("no ID, only the name %.60q: %w", r.Name, assay.ErrMalformed)
	}
	return r, nil
}

var parenthesised = regexp.MustCompile(`\(([A-Za-z]+)\)`)

// assignments reads shell assignments without a shell: nothing is executed or
// expanded.
func assignments(text string) map[string]string {
	v := map[string]string{}
	for line, err := range stanza.Lines(strings.NewReader(text)) {
		if err != nil || line.Cut {
			continue
		}
		key, value, ok := strings.Cut(strings.TrimSpace(line.Text), "=")
		if !ok || key == "" || key[0] == '#' {
			continue
		}
		v[key] = unquote(strings.TrimSpace(value))
	}
	return v
}

// unquote takes off quotes, also one that has no fellow, and backslashes.
func unquote(s string) string {
	if s == "" {
		return s
	}
	q := s[0]
	if q != '"' && q != '\'' {
		return s
	}
	s = strings.TrimSuffix(s[1:], string(q))
	if q == '\'' || !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// lsbRelease reads Ubuntu's older file.
// https://refspecs.linuxfoundation.org/LSB_3.1.1/LSB-Core-generic/LSB-Core-generic/lsbrelease.html
func lsbRelease(text string) (*assay.Release, error) {
	v := assignments(text)
	if v["DISTRIB_ID"] == "" {
		return nil, nil
	}
	return &assay.Release{ID: strings.ToLower(v["DISTRIB_ID"]), Version: v["DISTRIB_RELEASE"], Codename: v["DISTRIB_CODENAME"], Name: v["DISTRIB_DESCRIPTION"]}, nil
}

// debianVersion reads "12.5" or "trixie/sid". Ubuntu has the file too.
func debianVersion(text string) (*assay.Release, error) {
	s := strings.TrimSpace(firstLine(text))
	if s == "" {
		return nil, nil
	}
	r := &assay.Release{ID: "debian", Name: "Debian GNU/Linux " + s}
	if s[0] >= '0' && s[0] <= '9' {
		r.Version = s
	} else {
		r.Codename, _, _ = strings.Cut(s, "/")
	}
	return r, nil
}

func firstLine(text string) string {
	s, _, _ := strings.Cut(text, "\n")
	return s
}

func alpineRelease(text string) (*assay.Release, error) {
	s := strings.TrimSpace(firstLine(text))
	if s == "" {
		return nil, nil
	}
	return &assay.Release{ID: "alpine", Version: s, Name: "Alpine Linux v" + s}, nil
}

func archRelease(string) (*assay.Release, error) {
	return &assay.Release{ID: "arch", Name: "Arch Linux"}, nil
}

// branch finds the release in a repository's address:
// https://dl-cdn.alpinelinux.org/alpine/v3.20/main
var branch = regexp.MustCompile(`/(v[0-9]+\.[0-9]+|edge)/`)

// apkRepositories reads the branches that packages come from.
// https://wiki.alpinelinux.org/wiki/Repositories
func apkRepositories(text string) (*assay.Release, error) {
	r := &assay.Release{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == '@' || !strings.Contains(line, "alpine") {
			continue // a pinned repository is used for packages asked for by its tag only
		}
		if m := branch.FindStringSubmatch(line); m != nil && !slices.Contains(r.Repos, m[1]) && len(r.Repos) < maxRepos {
			r.Repos = append(r.Repos, m[1])
		}
	}
	if len(r.Repos) == 0 {
		return nil, nil
	}
	return r, nil
}

// redhat reads "CentOS Linux release 7.9.2009 (Core)".
var redhat = regexp.MustCompile(`^(.+?)(?: Linux)? (?:release|version) ([0-9][0-9.]*)`)

// redhatIDs gives the ID for the name in a release file.
var redhatIDs = []struct{ prefix, id string }{
	{"AlmaLinux", "almalinux"}, {"Rocky", "rocky"}, {"CentOS", "centos"}, {"Fedora", "fedora"},
	{"Red Hat Enterprise", "rhel"}, {"Oracle", "ol"}, {"Enterprise Linux Enterprise", "ol"}, {"Amazon", "amzn"},
	{"SUSE Linux Enterprise", "sles"}, {"openSUSE", "opensuse-leap"}, {"VMware Photon", "photon"}, {"CBL-Mariner", "mariner"},
}

// redhatRelease reads the files of Red Hat and its kin, of SUSE and Amazon.
func redhatRelease(text string) (*assay.Release, error) {
	line := strings.TrimSpace(firstLine(text))
	for _, k := range redhatIDs {
		if !strings.HasPrefix(line, k.prefix) {
			continue
		}
		r := &assay.Release{ID: k.id, Name: line}
		if m := redhat.FindStringSubmatch(line); m != nil {
			r.Version = m[2]
		} else if v := numberIn.FindString(line); v != "" {
			r.Version = v
		}
		return r, nil
	}
	return nil, nil // no file that we know: os-release will tell
}

var numberIn = regexp.MustCompile(`[0-9]+(\.[0-9]+)*`)

// ubuntuPro reads whether extended security maintenance is on.
// https://documentation.ubuntu.com/pro-client/en/latest/
func ubuntuPro(text string) (*assay.Release, error) {
	var s struct {
		Attached bool
		Services []struct{ Name, Status string }
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	for _, v := range s.Services {
		if v.Name == "esm-infra" && v.Status == "enabled" {
			return &assay.Release{ESM: true}, nil
		}
	}
	return nil, nil
}

// contentManifest reads the repositories from which a Red Hat image was built.
// https://github.com/containerbuildsystem/atomic-reactor/blob/master/docs/plugins.md
func contentManifest(text string) (*assay.Release, error) {
	var m struct {
		ContentSets []string `json:"content_sets"`
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, fmt.Errorf("%w: %w", err, assay.ErrMalformed)
	}
	if len(m.ContentSets) == 0 {
		return nil, nil
	}
	return &assay.Release{ContentSets: m.ContentSets[:min(len(m.ContentSets), maxRepos)]}, nil
}

// Package git opens a repository of source code as an image of one layer: a directory
// with a clone, or an address from which the git program fetches.
//
// Protocols: https://git-scm.com/docs/git-fetch#_git_urls
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/printable"
)

// Options select the commit of a repository. At most one of Branch, Tag and Commit is
// set; without one it is the repository's HEAD.
type Options struct {
	Branch, Tag, Commit string

	Dir      string // temporary directory for the files; "" means os.TempDir()
	Insecure bool   // accept unverified TLS certificates
	CACert   string // file of PEM certificates to trust instead of the system's
}

// IsAddress reports whether a reference is an address, not a directory.
func IsAddress(ref string) bool {
	if scheme, _, ok := strings.Cut(ref, "://"); ok {
		switch strings.ToLower(scheme) {
		case "http", "https", "ssh", "git", "file", "git+ssh":
			return true
		}
	}
	return scpForm.MatchString(ref)
}

// scpForm is user@host:path.
var scpForm = regexp.MustCompile(`^[\w.-]+@[\w.-]+:[^/\\].*`)

const (
	// maxMessage bounds how much of git's output an error shows.
	maxMessage = 4 << 10
	// maxHead bounds the small files in .git that name the current commit.
	maxHead = 1 << 20
	// patience is how long git may take to end after an interrupt.
	patience = 5 * time.Second
)

// Fetch fetches the files of one commit into a new directory below o.Dir; gaps list
// submodules. The caller calls done when it no longer needs the files.
func Fetch(ctx context.Context, address string, o Options) (directory string, info assay.RepositoryInfo, gaps []assay.Gap, done func(), err error) {
	if _, err := exec.LookPath("git"); err != nil {
		return "", info, nil, nil, fmt.Errorf("%s: the git program is not installed: install it, or clone the repository and scan the directory: %w", printable.NoCredentials(address), assay.ErrUnsupported)
	}
	directory, err = os.MkdirTemp(o.Dir, "assay-*")
	if err != nil {
		return "", info, nil, nil, err
	}
	done = func() { os.RemoveAll(directory) }
	if scheme, rest, ok := strings.Cut(address, "://"); ok { // git knows schemes in lower case only
		address = strings.ToLower(scheme) + "://" + rest
	}
	g := &git{ctx: ctx, dir: directory, o: o, address: address}
	if err = g.checkout(); err == nil {
		if info, err = g.info(); err == nil {
			gaps, err = g.submodules()
		}
	}
	if err != nil {
		done()
		return "", info, nil, nil, err
	}
	return directory, info, gaps, done, nil
}

// A git runs the git program in a directory of its own.
type git struct {
	ctx     context.Context
	dir     string
	address string
	o       Options
}

// checkout fetches the selected commit, without its history where the server supports
// that.
func (g *git) checkout() error {
	want := "HEAD"
	switch {
	case g.o.Branch != "":
		want = "refs/heads/" + g.o.Branch
	case g.o.Tag != "":
		want = "refs/tags/" + g.o.Tag
	case g.o.Commit != "":
		want = g.o.Commit
	}
	if _, err := g.run("init", "-q"); err != nil {
		return err
	}
	fetch := func(args ...string) error {
		_, err := g.run(append([]string{"fetch", "-q", "--no-recurse-submodules", "--no-tags"}, args...)...)
		return err
	}
	err := fetch("--depth=1", "--", g.address, want)
	if err != nil && g.o.Commit != "" && g.ctx.Err() == nil { // some servers send whole branches only, and commit names may be abbreviated
		if all := fetch("--", g.address, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"); all == nil {
			_, err = g.run("checkout", "-q", "--detach", g.o.Commit)
			return err
		}
	}
	if err != nil {
		return err
	}
	_, err = g.run("checkout", "-q", "--detach", "FETCH_HEAD")
	return err
}

// info describes the current commit.
func (g *git) info() (assay.RepositoryInfo, error) {
	out, err := g.run("log", "-1", "--no-show-signature", "--format=%H%x00%an <%ae>%x00%cn <%ce>%x00%B")
	if err != nil {
		return assay.RepositoryInfo{}, err
	}
	parts := strings.SplitN(strings.TrimSpace(string(out)), "\x00", 4)
	if len(parts) < 4 {
		return assay.RepositoryInfo{}, fmt.Errorf("%s: its last commit: %w", printable.NoCredentials(g.address), assay.ErrMalformed)
	}
	r := assay.RepositoryInfo{URL: printable.NoCredentials(g.address), Branch: g.o.Branch, Commit: parts[0], Author: parts[1], Committer: parts[2], Message: strings.TrimSpace(parts[3])}
	if g.o.Tag != "" {
		r.Tags = []string{g.o.Tag}
	}
	return r, nil
}

// submodules adds a gap for each submodule. Submodules are not fetched, because the
// author of the repository chooses their addresses.
func (g *git) submodules() (gaps []assay.Gap, _ error) {
	out, err := g.run("ls-files", "-s", "-z")
	if err != nil {
		return nil, err
	}
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if how, path, ok := strings.Cut(entry, "\t"); ok && strings.HasPrefix(how, "160000 ") {
			gaps = append(gaps, assay.Gap{Where: path, What: "submodule not fetched: scan its repository by address, or scan a clone that includes it"})
		}
	}
	return gaps, nil
}

// run runs git without anything that a repository could make it execute: no hooks,
// filters or helpers for other protocols, and no prompts.
func (g *git) run(args ...string) ([]byte, error) {
	settings := []string{"-c", "core.hooksPath=" + os.DevNull, "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never", "-c", "gc.auto=0",
		"-c", "advice.detachedHead=false", "-c", "core.symlinks=true", "-c", "filter.lfs.smudge=", "-c", "filter.lfs.required=false"}
	if g.o.Insecure {
		settings = append(settings, "-c", "http.sslVerify=false")
	}
	if g.o.CACert != "" {
		ca, err := filepath.Abs(g.o.CACert)
		if err != nil {
			return nil, err
		}
		settings = append(settings, "-c", "http.sslCAInfo="+ca)
	}
	cmd := exec.CommandContext(g.ctx, "git", append(settings, args...)...)
	cmd.Dir, cmd.WaitDelay = g.dir, patience
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=http:https:ssh:git:file", "GIT_LFS_SKIP_SMUDGE=1", "GIT_DIR="+filepath.Join(g.dir, ".git"), "GIT_WORK_TREE="+g.dir, "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if g.ctx.Err() != nil {
		return nil, g.ctx.Err()
	}
	what := printable.NoCredentials(strings.TrimSpace(stderr.String()))
	what = printable.Text(strings.ReplaceAll(what[:min(len(what), maxMessage)], "\n", "; "))
	if what == "" {
		what = err.Error()
	}
	return nil, fmt.Errorf("%s: git %s: %s%w", printable.NoCredentials(g.address), args[0], what, kindOf(what))
}

// textless is an error that wraps another without repeating its text.
type textless struct{ error }

func (textless) Error() string   { return "" }
func (t textless) Unwrap() error { return t.error }

func kindOf(what string) error {
	for _, s := range []string{"could not read Username", "Authentication failed", "Permission denied", "403"} {
		if strings.Contains(what, s) {
			return textless{assay.ErrUnauthorized}
		}
	}
	return textless{assay.ErrNotFound}
}

// Describe returns the current commit of a directory, read from the files in .git:
// running git would obey the repository's configuration. For a directory without .git
// it is the zero RepositoryInfo.
func Describe(directory string) (info assay.RepositoryInfo) {
	root, err := os.OpenRoot(filepath.Join(directory, ".git"))
	if err != nil {
		return info
	}
	defer root.Close()
	read := func(name string) string {
		f, err := limit.OpenRegularIn(root, name)
		if err != nil {
			return ""
		}
		defer f.Close()
		b, err := limit.ReadAll(f, maxHead)
		if err != nil {
			return ""
		}
		return string(b)
	}
	head := strings.TrimSpace(read("HEAD"))
	ref, symbolic := strings.CutPrefix(head, "ref: ")
	if !symbolic {
		info.Commit = commit(head)
	} else {
		info.Branch = strings.TrimPrefix(ref, "refs/heads/")
		info.Commit = commit(strings.TrimSpace(read(ref)))
	}
	for line := range strings.Lines(read("packed-refs")) {
		if hash, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && symbolic && name == ref && info.Commit == "" {
			info.Commit = commit(hash)
		}
	}
	info.URL = printable.NoCredentials(origin(read("config")))
	return info
}

var hash = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

func commit(s string) string {
	if hash.MatchString(s) {
		return s
	}
	return ""
}

// origin returns the address of the remote "origin" in a git configuration.
// https://git-scm.com/docs/git-config#_configuration_file
func origin(config string) string {
	in := false
	for line := range strings.Lines(config) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			in = line == `[remote "origin"]`
			continue
		}
		if key, value, ok := strings.Cut(line, "="); in && ok && strings.TrimSpace(key) == "url" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Check refuses invalid options.
func (o Options) Check() error {
	n := 0
	for _, s := range []string{o.Branch, o.Tag, o.Commit} {
		if s != "" {
			n++
		}
		if strings.HasPrefix(s, "-") {
			return fmt.Errorf("%q is not a valid name of a branch, tag or commit", s)
		}
	}
	if n > 1 {
		return errors.New("set only one of branch, tag and commit")
	}
	return nil
}

package git

import (
	"errors"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/google/go-cmp/cmp"
)

// repository makes a repository of three commits, the second tagged, the third
// on a branch of its own, and returns its directory and the commits' names.
func repository(t *testing.T) (dir string, commits []string) {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("no git program: ", err)
	}
	dir = t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull, "GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@example.com", "GIT_COMMITTER_NAME=Bob", "GIT_COMMITTER_EMAIL=bob@example.com")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	commit := func(content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "file"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		run("add", "-A")
		run("commit", "-q", "-m", content+"\n\nwhy")
		commits = append(commits, run("rev-parse", "HEAD"))
	}
	run("init", "-q", "-b", "main")
	commit("one")
	commit("two")
	run("tag", "v2")
	run("checkout", "-q", "-b", "side")
	commit("three")
	run("checkout", "-q", "main")
	run("remote", "add", "origin", "https://user:secret@example.com/org/app.git")
	run("config", "http.receivepack", "false")
	return dir, commits
}

// serve gives a repository over HTTP, by git's own program.
func serve(t *testing.T, dir string) string {
	t.Helper()
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Skip(err)
	}
	backend := filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		t.Skip("no git-http-backend: ", err)
	}
	s := httptest.NewServer(&cgi.Handler{Path: backend, Env: []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"}})
	t.Cleanup(s.Close)
	return s.URL + "/" + filepath.Base(dir) + "/.git"
}

func TestFetch(t *testing.T) {
	dir, commits := repository(t)
	for _, address := range []string{"file://" + filepath.ToSlash(dir), serve(t, dir)} {
		for _, tt := range []struct {
			name, want string
			o          Options
			commit     int
		}{
			{"what HEAD says", "two", Options{}, 1},
			{"a branch", "three", Options{Branch: "side"}, 2},
			{"a tag", "two", Options{Tag: "v2"}, 1},
			{"a commit", "one", Options{Commit: commits[0]}, 0},
			{"a commit's name cut", "three", Options{Commit: commits[2][:8]}, 2},
		} {
			t.Run(tt.name, func(t *testing.T) {
				tt.o.Dir = t.TempDir()
				directory, info, _, done, err := Fetch(t.Context(), address, tt.o)
				if err != nil {
					t.Fatal(err)
				}
				b, err := os.ReadFile(filepath.Join(directory, "file"))
				if string(b) != tt.want || err != nil {
					t.Errorf("%q, %v", b, err)
				}
				want := assay.RepositoryInfo{URL: address, Branch: tt.o.Branch, Commit: commits[tt.commit], Message: tt.want + "\n\nwhy", Author: "Ann <ann@example.com>", Committer: "Bob <bob@example.com>"}
				if tt.o.Tag != "" {
					want.Tags = []string{tt.o.Tag}
				}
				if diff := cmp.Diff(want, info); diff != "" {
					t.Error(diff)
				}
				done()
				if left, _ := os.ReadDir(tt.o.Dir); len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			})
		}
		for name, o := range map[string]Options{"no such branch": {Branch: "none"}, "no such commit": {Commit: strings.Repeat("0", 40)}} {
			o.Dir = t.TempDir()
			if _, _, _, _, err := Fetch(t.Context(), address, o); !errors.Is(err, assay.ErrNotFound) || !strings.Contains(err.Error(), address) {
				t.Errorf("%s: %v", name, err)
			}
			if left, _ := os.ReadDir(o.Dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		}
	}
}

func TestSubmodules(t *testing.T) {
	inner, _ := repository(t)
	outer, _ := repository(t)
	for _, args := range [][]string{{"-c", "protocol.file.allow=always", "submodule", "add", "-q", inner, "sub"}, {"-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-q", "-m", "sub"}} {
		if out, err := exec.Command("git", append([]string{"-C", outer}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
	}
	_, _, gaps, done, err := Fetch(t.Context(), "file://"+filepath.ToSlash(outer), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	if len(gaps) != 1 || gaps[0].Where != "sub" {
		t.Errorf("%v", gaps)
	}
}

func TestDescribe(t *testing.T) {
	dir, commits := repository(t)
	if diff := cmp.Diff(assay.RepositoryInfo{URL: "https://example.com/org/app.git", Branch: "main", Commit: commits[1]}, Describe(dir)); diff != "" {
		t.Error(diff)
	}
	if out, err := exec.Command("git", "-C", dir, "pack-refs", "--all").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if got := Describe(dir); got.Commit != commits[1] {
		t.Errorf("packed: %+v", got)
	}
	if out, err := exec.Command("git", "-C", dir, "checkout", "-q", "--detach", commits[0]).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if got := Describe(dir); got.Commit != commits[0] || got.Branch != "" {
		t.Errorf("detached: %+v", got)
	}
	if diff := cmp.Diff(assay.RepositoryInfo{}, Describe(t.TempDir())); diff != "" {
		t.Error(diff)
	}
}

func TestIsAddress(t *testing.T) {
	for ref, want := range map[string]bool{"https://example.com/a": true, "git@example.com:a/b.git": true, "ssh://x/y": true, "file:///a": true,
		".": false, "/srv/app": false, "C:\\app": false, "ext::sh -c x": false, "app@1:x": true, "name": false, "ftp://x/y": false} {
		if IsAddress(ref) != want {
			t.Errorf("%s: %v", ref, !want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, o := range []Options{{Branch: "a", Tag: "b"}, {Commit: "-x"}, {Branch: "--upload-pack=x"}} {
		if o.Check() == nil {
			t.Errorf("%+v is taken", o)
		}
	}
	if err := (Options{Branch: "main"}).Check(); err != nil {
		t.Error(err)
	}
}

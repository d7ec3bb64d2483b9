package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/testimage"
	fake "github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"assay": main})
}

// TestScripts runs the command as a user does. Each script has its own home, a
// registry at $REGISTRY, and a mirror of publishers in its directory "mirror", if that exists.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir+"/home")
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/cache")
			e.Setenv("XDG_CONFIG_HOME", e.WorkDir+"/home/.config")
			e.Setenv("ASSAY_MIRROR", e.WorkDir+"/mirror")
			e.Setenv("GORACE", "atexit_sleep_ms=10") // else each command takes a second to end under the race detector
			s := httptest.NewServer(fake.New(fake.Logger(log.New(io.Discard, "", 0))))
			e.Defer(s.Close)
			e.Setenv("REGISTRY", s.Listener.Addr().String())
			if err := secure(e); err != nil {
				return err
			}
			return os.MkdirAll(e.WorkDir+"/mirror", 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"mkimage": mkimage, "truncate": truncate, "exits": exits, "mktrivydb": mktrivydb, "push": pushArchive, "attest": attest, "mkhub": mkhub},
	})
}

// secure gives a script a mirror at $TLSMIRROR and a registry at $TLSREGISTRY whose
// certificate is only in $WORK/ca.pem.
func secure(e *testscript.Env) error {
	quiet := log.New(io.Discard, "", 0)
	mirror, registry := httptest.NewUnstartedServer(http.FileServer(http.Dir(e.WorkDir+"/mirror"))), httptest.NewUnstartedServer(fake.New(fake.Logger(quiet)))
	for name, s := range map[string]*httptest.Server{"TLSMIRROR": mirror, "TLSREGISTRY": registry} {
		s.Config.ErrorLog = quiet
		s.StartTLS()
		e.Defer(s.Close)
		e.Setenv(name, s.URL)
	}
	e.Setenv("TLSREGISTRY", registry.Listener.Addr().String())
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: mirror.Certificate().Raw})
	return os.WriteFile(e.WorkDir+"/ca.pem", cert, 0o600)
}

// mkimage makes an image of a txtar, in which each file's name begins with the
// number of its layer: mkimage FORM OUT TXTAR, where FORM is docker, docker25,
// oci-archive or oci-dir. In the text, ">>" at the beginning of a line stands
// for "--", so that it can be part of a script.
func mkimage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: mkimage docker|docker25|oci-archive|oci-dir OUT TXTAR")
	}
	t := fatal{ts: ts}
	img := testimage.Parse(t, unquote(ts.ReadFile(args[2])))
	var tars [][]byte
	var steps []string
	for _, l := range img.Layers {
		r, err := l.Open(context.Background())
		ts.Check(err)
		b, err := io.ReadAll(r)
		ts.Check(err)
		tars, steps = append(tars, b), append(steps, l.CreatedBy)
	}
	m := contract.ImageOf("example.test/app:1", tars, steps)
	out := ts.MkAbs(args[1])
	switch args[0] {
	case "docker":
		ts.Check(os.WriteFile(out, contract.Tar(m.DockerSave()...), 0o644))
	case "docker25":
		ts.Check(os.WriteFile(out, contract.Tar(m.DockerSave25()...), 0o644))
	case "oci-archive":
		ts.Check(os.WriteFile(out, contract.Tar(m.Layout(contract.Gzip)...), 0o644))
	case "oci-dir":
		ts.Check(os.CopyFS(out, os.DirFS(contract.WriteDir(t, m.Layout(contract.Gzip)...))))
	default:
		ts.Fatalf("no form %q", args[0])
	}
}

// unquote gives the archive markers of a nested txtar back.
func unquote(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if rest, ok := strings.CutPrefix(l, ">> "); ok {
			lines[i] = "-- " + strings.TrimSuffix(rest, " <<") + " --"
		}
	}
	return strings.Join(lines, "\n")
}

// fatal lets code that is made for tests run in a script.
type fatal struct {
	testing.TB
	ts *testscript.TestScript
}

func (f fatal) Helper()                           {}
func (f fatal) Fatal(args ...any)                 { f.ts.Fatalf("%s", fmt.Sprint(args...)) }
func (f fatal) Fatalf(format string, args ...any) { f.ts.Fatalf(format, args...) }
func (f fatal) TempDir() string {
	dir, err := os.MkdirTemp(f.ts.MkAbs("."), "tmp-*")
	f.ts.Check(err)
	return dir
}

// mktrivydb makes a database of Trivy's with an advisory each on Debian's
// openssl, npm's lodash and PyPI's requests: mktrivydb OUT.
func mktrivydb(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mktrivydb OUT")
	}
	about := func(bucket, pkg, id string, value map[string]any) contract.Node {
		return contract.Node{Bucket: bucket, Pairs: []contract.Node{{Bucket: pkg, Pairs: []contract.Node{{Key: id, Value: value}}}}}
	}
	below := func(v string) map[string]any {
		return map[string]any{"PatchedVersions": []string{v}, "VulnerableVersions": []string{"< " + v}}
	}
	from := contract.TrivyDB(fatal{ts: ts}, []contract.Node{
		about("debian 11", "openssl", "CVE-2022-0009", map[string]any{"FixedVersion": "1.1.1z"}),
		about("npm::GitHub Security Advisory Npm", "lodash", "CVE-2021-0001", below("4.17.21")),
		about("pip::GitHub Security Advisory Pip", "requests", "CVE-2021-0002", below("2.20.0")),
	})
	b, err := os.ReadFile(from)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// truncate cuts a file: truncate FILE BYTES.
func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE BYTES")
	}
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// exits runs a program that must end with a code: exits CODE PROGRAM [ARG ...].
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG ...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	if want := args[0]; strconv.Itoa(code) != want {
		ts.Fatalf("exit code %d, want %s (%v)", code, want, err)
	}
}

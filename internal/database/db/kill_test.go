package db

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/assaysec/assay"
)

var kills = flag.Int("kills", 30, "how often TestKill kills an update")

// helperVar makes the test binary do something else in a process of its own.
const helperVar = "ASSAY_DB_TEST_HELPER"

func TestMain(m *testing.M) {
	flag.Parse()
	what, arg, _ := strings.Cut(os.Getenv(helperVar), "=")
	switch what {
	case "":
		os.Exit(m.Run())
	case "updates": // for ever
		for n := 0; ; n++ {
			if err := change(context.Background(), arg, n); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	case "both":
		for n := range 5 {
			if _, err := generation(context.Background(), arg, n); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			if err := checkWhole(arg); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}
	case "limited":
		os.Exit(limitedUpdate(arg))
	}
}

func helper(what, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperVar+"="+what+"="+dir)
	cmd.Stderr = os.Stderr
	return cmd
}

const perStream = 400

// change changes the database in each of the ways there are: by an update, by
// building it anew, and by taking another's shards, as pulls and imports do.
func change(ctx context.Context, dir string, n int) error {
	switch n % 3 {
	case 1:
		_, err := generated(ctx, dir, n, Builder{Grace: 2 * time.Second, Force: true})
		return err
	case 2:
		_, err := (&Builder{Grace: 2 * time.Second, Force: true}).Adopt(ctx, dir, folder(other(dir)), nil)
		return err
	}
	_, err := generation(ctx, dir, n)
	return err
}

// other is the database that adoptions take from.
func other(dir string) string { return filepath.Join(filepath.Dir(dir), "other") }

// directory is a place that is a database's own directory.
type folder string

func (f folder) Name() string { return filepath.Join(string(f), indexName) }

func (f folder) Index(context.Context) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), indexName))
}

func (f folder) Shard(_ context.Context, s assay.Shard) (io.ReadCloser, error) {
	return os.Open(filepath.Join(string(f), shardsName, strings.TrimPrefix(s.Digest, "sha256:")+shardExt))
}

// generation updates a database of three streams: all versions are n.
func generation(ctx context.Context, dir string, n int) (Result, error) {
	return generated(ctx, dir, n, Builder{Grace: 2 * time.Second})
}

func generated(ctx context.Context, dir string, n int, builder Builder) (Result, error) {
	w := &web{}
	var b strings.Builder
	for i := range perStream {
		for _, s := range []string{"a:1", "a:2", "b"} {
			fmt.Fprintf(&b, "%s p%d CVE-2024-%04d %d\n", s, i%50, i, n)
		}
	}
	w.set("alpha", b.String())
	return builder.Update(ctx, dir, []assay.Feed{lines{"alpha", []assay.Stream{"a:*", "b"}, nil}}, w, nil)
}

// checkWhole checks that every stream is there, with all its records, all of
// one generation.
func checkWhole(dir string) error {
	d, err := Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	for _, s := range []assay.Stream{"a:1", "a:2", "b"} {
		n := 0
		version := ""
		for i := range 50 {
			for a, err := range d.Lookup(context.Background(), s, fmt.Sprint("p", i)) {
				if err != nil {
					return err
				}
				n++
				v := a.Affected[0].Ranges[0].Fixed
				if version == "" {
					version = v
				}
				if v != version {
					return fmt.Errorf("%s: versions %s and %s", s, version, v)
				}
			}
		}
		if n != perStream {
			return fmt.Errorf("%s: %d records of %d", s, n, perStream)
		}
	}
	return nil
}

// TestKill kills a process that changes the database at any moment: what is
// left opens, and is whole, and can be updated.
func TestKill(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "db")
	for n, d := range []string{dir, other(dir)} {
		if _, err := generation(t.Context(), d, 1000*n); err != nil {
			t.Fatal(err)
		}
	}
	for i := range *kills {
		cmd := helper("updates", dir)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+i*7%60) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		if err := checkWhole(dir); err != nil {
			t.Fatalf("after kill %d: %v", i, err)
		}
	}
	if _, err := generation(t.Context(), dir, 1); err != nil {
		t.Error(err)
	}
	d := open(t, dir)
	if err := d.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestManyAtOnce reads and updates with eight goroutines and four processes.
func TestManyAtOnce(t *testing.T) {
	dir := t.TempDir()
	if _, err := generation(t.Context(), dir, 0); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			if out, err := helper("both", dir).Output(); err != nil {
				t.Errorf("process %d: %v %s", i, err, out)
			}
		})
	}
	for i := range 8 {
		group.Go(func() {
			for n := range 5 {
				if i%2 == 0 {
					if _, err := generation(t.Context(), dir, n); err != nil {
						t.Errorf("goroutine %d: %v", i, err)
					}
				}
				if err := checkWhole(dir); err != nil {
					t.Errorf("goroutine %d: %v", i, err)
				}
			}
		})
	}
	group.Wait()
	files, _ := filepath.Glob(filepath.Join(dir, tempName, "*"))
	if len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}

// TestFullDisk updates in a process that may not write more than a few pages
// to a file.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if _, err := generation(t.Context(), dir, 0); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, indexName))
	if err != nil {
		t.Fatal(err)
	}
	cmd := helper("limited", dir)
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == 3:
		t.Skip("files cannot be limited here")
	case err == nil || !errors.As(err, &exit) || exit.ExitCode() != 2:
		t.Fatalf("%v, want an update that does not succeed", err)
	}
	after, err := os.ReadFile(filepath.Join(dir, indexName))
	if err != nil || string(after) != string(before) {
		t.Errorf("the index changed (%v)", err)
	}
	if err := checkWhole(dir); err != nil {
		t.Error(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, tempName, "*")); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}

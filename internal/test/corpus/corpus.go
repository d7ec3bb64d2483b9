// Package corpus finds the shared test data that lies beside the repository
// (../shared): other projects' conformance data and advisory feeds, which are
// read in tests and never committed. Tests only.
package corpus

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Path returns the path of name below the shared directory. Where the directory is
// absent the test is skipped; in CI (CI=true) that is a failure.
func Path(t testing.TB, name string) string {
	t.Helper()
	return need(t, filepath.Join(root(), "..", "shared", filepath.FromSlash(name)), "no shared test data")
}

// Image returns the path of a file that `make images` builds below the directory
// $ASSAY_TEST_IMAGES (by default the repository's .images). Where it is absent
// the test is skipped; in CI that is a failure.
func Image(t testing.TB, name string) string {
	t.Helper()
	return need(t, image(name), "no test images, see `make images`")
}

// LargeImage is Image for what only `make images-all` builds, which takes
// longer than CI has: where it is absent the test is skipped.
func LargeImage(t testing.TB, name string) string {
	t.Helper()
	path := image(name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no large test images, see `make images-all`: %v", err)
	}
	return path
}

func image(name string) string {
	dir := os.Getenv("ASSAY_TEST_IMAGES")
	if dir == "" {
		dir = filepath.Join(root(), ".images")
	}
	return filepath.Join(dir, filepath.FromSlash(name))
}

func need(t testing.TB, path, why string) string {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s: %v", why, err)
		}
		t.Skipf("%s: %v", why, err)
	}
	return path
}

// root is the repository's directory: three above this file's.
func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/assaysec/assay/internal/test/corpus"
)

// TestCases runs the small inputs from public reports of scanners' users, each with a
// program that knows the right answer.
func TestCases(t *testing.T) {
	dir := corpus.Path(t, "cases")
	checks, err := filepath.Glob(filepath.Join(dir, "*", "check"))
	if err != nil || len(checks) == 0 {
		t.Fatalf("%s: %d cases, %v", dir, len(checks), err)
	}
	if _, err := exec.LookPath("python3"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("python3 is not installed")
	}
	program := filepath.Join(t.TempDir(), "assay")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := append(os.Environ(), "ASSAY="+program, "FEEDS="+corpus.Path(t, "feeds"), "CASE_CACHE="+t.TempDir())
	for _, check := range checks {
		name := filepath.Base(filepath.Dir(check))
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := exec.Command(check)
			run.Dir, run.Env = filepath.Dir(check), env
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, bytes.TrimSpace(out))
			}
		})
	}
}

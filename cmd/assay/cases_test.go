package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay/internal/test/corpus"
)

// pending are the cases that do not hold yet.
var pending = map[string]string{}

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
			out, err := run.CombinedOutput()
			says := strings.TrimSpace(string(out))
			switch why, late := pending[name]; {
			case err != nil && late:
				t.Skipf("%s: %s", why, says)
			case err != nil:
				t.Errorf("%v: %s", err, says)
			case late:
				t.Errorf("holds now: remove it from the pending ones")
			}
		})
	}
}

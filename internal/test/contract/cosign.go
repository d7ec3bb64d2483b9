package contract

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Cosign is an installed cosign with a new pair of keys.
type Cosign struct {
	Public string // file of the public key

	t    *testing.T
	path string
	dir  string
}

// NewCosign creates keys with the cosign at $COSIGN, or in $PATH. Without one it skips
// the test.
func NewCosign(t *testing.T) *Cosign {
	t.Helper()
	name := os.Getenv("COSIGN")
	if name == "" {
		name = "cosign"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no cosign (go install github.com/sigstore/cosign/v2/cmd/cosign@latest, or set COSIGN): %v", err)
	}
	c := &Cosign{t: t, path: path, dir: t.TempDir()}
	c.Public = filepath.Join(c.dir, "cosign.pub")
	c.Run(nil, "generate-key-pair")
	return c
}

// Run runs a command of cosign, with more variables of its environment. Commands that sign
// get the private key.
func (c *Cosign) Run(env []string, args ...string) {
	c.t.Helper()
	if out, err := c.Try(env, args...); err != nil {
		c.t.Fatalf("cosign %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// ErrNoFlag reports that this version of cosign does not have a flag.
var ErrNoFlag = errors.New("unknown flag")

// Try is Run with an error.
func (c *Cosign) Try(env []string, args ...string) (string, error) {
	switch args[0] {
	case "sign", "attest", "sign-blob":
		args = append([]string{args[0], "--key", filepath.Join(c.dir, "cosign.key"), "--tlog-upload=false", "--yes"}, args[1:]...)
	}
	cmd := exec.Command(c.path, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), append([]string{"COSIGN_PASSWORD=", "HOME=" + c.dir}, env...)...)
	out, err := cmd.CombinedOutput()
	if err != nil && strings.Contains(string(out), "unknown flag") {
		err = ErrNoFlag
	}
	return string(out), err
}

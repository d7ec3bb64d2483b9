//go:build unix

package contract

import (
	"bytes"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// How long a service may take to start, on a busy machine, and to stop.
const (
	startTimeout = 30 * time.Second
	stopTimeout  = 10 * time.Second
)

// Daemon starts a program for the length of a test and waits until ready has
// no more to complain about. The test is skipped where the program is not
// installed, or root is not who runs it; in CI (CI=true) that is a failure.
func Daemon(t *testing.T, ready func() error, program string, args ...string) {
	t.Helper()
	lacking := t.Skipf
	if os.Getenv("CI") == "true" {
		lacking = t.Fatalf
	}
	path, err := exec.LookPath(program)
	if err != nil {
		lacking("%s is not installed, its service is not tested", program)
	}
	if os.Getuid() != 0 {
		lacking("%s is tested by root only", program)
	}
	var log bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a daemon's own children end with it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(stopTimeout):
		}
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-ended
	})
	for deadline := time.Now().Add(startTimeout); ; {
		err := ready()
		if err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s ended: %s", program, log.Bytes())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not start: %v", program, err)
		}
	}
}

// ShortTempDir is a temporary directory with a path short enough for sockets in
// it. It is emptied as far as it can be: a daemon may leave mounts behind.
func ShortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "assay")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

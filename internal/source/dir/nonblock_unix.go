//go:build unix

package dir

import "syscall"

const nonblock = syscall.O_NONBLOCK

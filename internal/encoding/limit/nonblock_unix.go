//go:build unix

package limit

import "syscall"

const nonblock = syscall.O_NONBLOCK

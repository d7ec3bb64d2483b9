//go:build !unix

package limit

const nonblock = 0

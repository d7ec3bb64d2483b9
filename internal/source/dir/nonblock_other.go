//go:build !unix

package dir

const nonblock = 0

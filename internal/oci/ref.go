package oci

import (
	"os"
	"path/filepath"
	"strings"
)

// FullName completes a reference as Docker does: "alpine" is
// "docker.io/library/alpine:latest". It does not validate it.
// https://github.com/distribution/reference/blob/v0.6.0/normalize.go
func FullName(ref string) string {
	name, digest, hasDigest := strings.Cut(ref, "@")
	host, rest, ok := strings.Cut(name, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		host, rest = "docker.io", name
	}
	if host == "index.docker.io" {
		host = "docker.io"
	}
	if host == "docker.io" && !strings.Contains(rest, "/") {
		rest = "library/" + rest
	}
	if hasDigest {
		return host + "/" + rest + "@" + digest
	}
	if !strings.Contains(rest, ":") {
		rest += ":latest"
	}
	return host + "/" + rest
}

// SameName reports whether want names the image called name: in full, as Docker
// shortens it, or by its tag alone.
func SameName(name, want string) bool {
	if name == want || FullName(name) == FullName(want) {
		return true
	}
	i := strings.LastIndexByte(name, ':')
	return i > strings.LastIndexByte(name, '/') && name[i+1:] == want
}

// SplitPath splits a reference to a file or directory, PATH, PATH:TAG or PATH@DIGEST,
// into the longest existing path and the choice, which keeps its first character. ok is
// false where no path exists.
func SplitPath(ref string) (path, choice string, info os.FileInfo, ok bool) {
	for i := len(ref); i > 0; i = strings.LastIndexAny(ref[:i], ":@") {
		if info, err := os.Stat(ref[:i]); err == nil {
			return ref[:i], ref[i:], info, true
		}
	}
	return ref, "", nil, false
}

// HasHost reports whether a reference begins with the host of a registry, as Docker
// recognises one: a first part with a dot or a port, or localhost. A path that begins
// with a slash or a dot has none.
// https://github.com/distribution/reference/blob/v0.6.0/normalize.go
func HasHost(ref string) bool {
	host, rest, ok := strings.Cut(ref, "/")
	return ok && rest != "" && !strings.HasPrefix(host, ".") && !filepath.IsAbs(ref) && (host == "localhost" || strings.ContainsAny(host, ".:"))
}

package java

import (
	"bytes"
	"strings"
)

// manifest contains the main attributes of an archive's manifest that may identify the
// package. The sections after them are about single entries, such as a library that was
// packed into the archive.
//
// Format: https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html#jar-manifest
type manifest map[string]string

// attributes that are kept, in lower case.
var attributes = map[string]bool{
	"implementation-title": true, "implementation-version": true, "implementation-vendor-id": true,
	"specification-title": true, "specification-version": true,
	"bundle-symbolicname": true, "bundle-version": true, "bundle-license": true,
	"automatic-module-name": true, "extension-name": true,
	"group-id": true, "short-name": true, "plugin-version": true, // of Jenkins' plugins
}

// parseManifest reads a manifest as far as it can be read: attributes that are
// none are passed over.
func parseManifest(b []byte) manifest {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	m := manifest{}
	var last string // attribute that a line may continue, whose value is
	var whole []byte
	keep := func() {
		if last != "" {
			m[last] = string(whole)
		}
		last = ""
	}
	for len(b) > 0 {
		var line []byte
		if i := bytes.IndexAny(b, "\r\n"); i < 0 {
			line, b = b, nil
		} else if line = b[:i]; b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
			b = b[i+2:]
		} else {
			b = b[i+1:]
		}
		if len(line) == 0 {
			keep()
			continue
		}
		if line[0] == ' ' {
			if last != "" {
				whole = append(whole, line[1:]...)
			}
			continue
		}
		keep()
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok || len(name) > 40 {
			continue
		}
		key := strings.ToLower(string(name))
		if key == "name" { // which begins each section
			break
		}
		if attributes[key] {
			if _, known := m[key]; !known {
				last, whole = key, append(whole[:0], bytes.TrimPrefix(value, []byte(" "))...)
			}
		}
	}
	keep()
	for k, v := range m {
		m[k] = strings.TrimSpace(v)
	}
	return m
}

// symbolicName is the bundle's without its directives.
func (m manifest) symbolicName() string {
	name, _, _ := strings.Cut(m["bundle-symbolicname"], ";")
	return strings.TrimSpace(name)
}

// version is the version that the manifest tells, as Maven would write it; ""
// when it tells none. A specification's is that of what is implemented, so it
// is not asked.
func (m manifest) version() string {
	for _, key := range []string{"plugin-version", "implementation-version", "bundle-version"} {
		if v := m[key]; v != "" {
			if v, _, _ = strings.Cut(v, " "); isVersion(v) { // "5.6.0 (b0)", "1.3 2244 October 5 2005"
				return strings.TrimSuffix(v, ".qualifier") // which Eclipse replaces, or not
			}
		}
	}
	return ""
}

// licences are those of Bundle-License: names or addresses, each perhaps with
// attributes.
func (m manifest) licences() []string {
	if m["bundle-license"] == "" || m["bundle-license"] == "<<EXTERNAL>>" {
		return nil
	}
	var ls []string
	for l := range strings.SplitSeq(m["bundle-license"], ",") {
		l, _, _ = strings.Cut(l, ";")
		if l = strings.Trim(strings.TrimSpace(l), `"`); l != "" {
			ls = append(ls, l)
		}
	}
	return ls
}

package printable

import (
	"regexp"
	"strings"
)

// userinfo is what a URL has before its host. A password may contain "@", and may be
// written with a "/" that should be escaped: then what is before the "/" is no host with
// a port.
// https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1
var userinfo = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*:(?://|\\/\\/))(?:[^/?#\s"'<>\\]*@|[^/?#\s"'<>@\\]*:[^/?#\s"'<>@\\]*[^0-9/?#\s"'<>@\\][^/?#\s"'<>@\\]*[/?#][^\s"'<>\\]*@)`)

// NoCredentials returns s without the user names, passwords and tokens of its URLs.
// https://www.rfc-editor.org/rfc/rfc3986#section-7.5
func NoCredentials(s string) string {
	if !strings.Contains(s, "@") || !strings.Contains(s, "/") {
		return s
	}
	return userinfo.ReplaceAllString(s, "$1")
}

// SafeError is err with a text without credentials; nil for nil.
func SafeError(err error) error {
	if err == nil || NoCredentials(err.Error()) == err.Error() {
		return err
	}
	return safeError{err}
}

type safeError struct{ error }

func (e safeError) Error() string { return NoCredentials(e.error.Error()) }
func (e safeError) Unwrap() error { return e.error }

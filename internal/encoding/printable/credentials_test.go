package printable

import (
	"errors"
	"strings"
	"testing"
)

func TestNoCredentials(t *testing.T) {
	tests := []struct{ in, want string }{
		{"http://us:pw@host/x", "http://host/x"},
		{"http://us:p@ssw0rd@host:1/x", "http://host:1/x"},
		{"HTTP://us:pw@host/x", "HTTP://host/x"},
		{"https://token@host/x", "https://host/x"},
		{"https://us:top%73ecret@host/x", "https://host/x"},
		{"https://us:a/b@host/x", "https://host/x"},
		{"https://us:a?b#c@host/x", "https://host/x"},
		{"git+ssh://git:pw@host/x.git", "git+ssh://host/x.git"},
		{"socks5://us:pw@proxy:1080", "socks5://proxy:1080"},
		{`a "https://a:b@c/d" and 'https://e:f@g/h'`, `a "https://c/d" and 'https://g/h'`},
		{`{"url":"https:\/\/a:b@c\/d"}`, `{"url":"https:\/\/c\/d"}`},
		{"git: https://u:p@h/x: failed; fatal: http://q:r@h/", "git: https://h/x: failed; fatal: http://h/"},
		// What is no user.
		{"https://host/@scope/name", "https://host/@scope/name"},
		{"https://host:8080/@scope/name@1", "https://host:8080/@scope/name@1"},
		{"https://host/x?mail=a@b", "https://host/x?mail=a@b"},
		{"docker.io/app@sha256:00", "docker.io/app@sha256:00"},
		{"pkg:npm/%40scope/name@1.0", "pkg:npm/%40scope/name@1.0"},
		{"git@host:org/app.git", "git@host:org/app.git"},
		{"H <h@example.org> on https://host/", "H <h@example.org> on https://host/"},
		{"https://host/ by h@example.org", "https://host/ by h@example.org"},
	}
	for _, tt := range tests {
		if got := NoCredentials(tt.in); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.in, got, tt.want)
		}
	}
	cause := errors.New("http://us:pw@host: refused")
	if err := SafeError(cause); err.Error() != "http://host: refused" || !errors.Is(err, cause) || SafeError(nil) != nil {
		t.Error(err)
	}
}

func FuzzNoCredentials(f *testing.F) {
	f.Add("http", "us", "p@ss", "host")
	f.Fuzz(func(t *testing.T, scheme, user, password, host string) {
		s := "x " + scheme + "://" + user + ":" + password + "@" + host + " y"
		got := NoCredentials(s)
		if len(got) > len(s) || !strings.HasPrefix(got, "x ") || NoCredentials(got) != got && !strings.Contains(got, "@") {
			t.Errorf("%q: %q", s, got)
		}
	})
}

package registryclient

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// none answers everything with nothing.
type none struct{}

func (none) RoundTrip(*http.Request) (*http.Response, error) {
	return httptest.NewRecorder().Result(), nil
}

func TestGuard(t *testing.T) {
	for _, tt := range []struct {
		url      string
		insecure bool
		ok       bool
	}{
		{"https://example.org/", false, true},
		{"http://example.org/", false, false},
		{"http://example.org/", true, true},
		{"http://10.0.0.1:5000/", false, false},
		{"http://127.0.0.1:5000/", false, true},
		{"http://[::1]:5000/", false, true},
		{"http://localhost/", false, true},
		{"http://localhost.example.org/", false, false},
	} {
		_, err := guard{none{}, tt.insecure}.RoundTrip(httptest.NewRequest("GET", tt.url, nil))
		if (err == nil) != tt.ok {
			t.Errorf("%s, insecure %v: %v", tt.url, tt.insecure, err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	for in, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "99999999999": 0, "soon": 0,
		"Tue, 02 Jan 2024 03:04:15 GMT": 10 * time.Second,
		"Tue, 02 Jan 2024 03:04:00 GMT": -5 * time.Second,
	} {
		if got := retryAfter(in, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", in, got, want)
		}
	}
}

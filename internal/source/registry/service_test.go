//go:build unix

package registry

import (
	"crypto/tls"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

// service starts Docker's own registry with the settings, at a free port.
func service(t *testing.T, settings string) (host, dir string) {
	t.Helper()
	host, dir = contract.Registry(t, settings)
	noCredentials(t) // not before: the service takes $REGISTRY_… for settings
	return host, dir
}

func TestDockerRegistry(t *testing.T) {
	host, _ := service(t, "")
	m := contract.NewImage("app:1", "a", strings.Repeat("b", 100_000))
	digest := pushImage(t, http.DefaultClient, "http://"+host, "team/app", "1", m)
	repo := host + "/team/app"
	contract.Source(t, contract.SourceCase{Source: quick, Ref: repo + ":1", Unknown: host + "/none:1", Want: m})
	contract.Source(t, contract.SourceCase{Source: quick, Ref: repo + "@" + digest, Unknown: repo + ":2", Options: assay.SourceOptions{Verify: true}, Want: m})
}

func TestDockerRegistryWithTLSAndPassword(t *testing.T) {
	host, dir := service(t, contract.RegistryTLS+contract.RegistryPassword)
	m := contract.NewImage("app:1", "a", "b")
	c := &http.Client{Transport: alice{&http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}}
	pushImage(t, c, "https://"+host, "app", "1", m)
	o := assay.SourceOptions{Username: "alice", Password: "s3cret", CACert: filepath.Join(dir, "cert.pem")}
	contract.Source(t, contract.SourceCase{Source: quick, Ref: host + "/app:1", Unknown: host + "/app:2", Options: o, Want: m})
	for _, tt := range []struct {
		name string
		o    assay.SourceOptions
		err  error
		says string
	}{
		{"no certificate", assay.SourceOptions{Username: "alice", Password: "s3cret"}, nil, "--cacert"},
		{"no password", assay.SourceOptions{CACert: o.CACert}, assay.ErrUnauthorized, "docker login"},
		{"wrong password", assay.SourceOptions{CACert: o.CACert, Username: "alice", Password: "guess"}, assay.ErrUnauthorized, "check --username"},
	} {
		if _, err := quick.Open(t.Context(), host+"/app:1", tt.o); err == nil || tt.err != nil && !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %v that says %q", tt.name, err, tt.err, tt.says)
		}
	}
}

// alice signs every request.
type alice struct{ http.RoundTripper }

func (a alice) RoundTrip(r *http.Request) (*http.Response, error) {
	r.SetBasicAuth("alice", "s3cret")
	return a.RoundTripper.RoundTrip(r)
}

//go:build unix

package registry

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/contract"
)

// password is alice:s3cret, as `htpasswd -B` writes it.
const password = "alice:$2y$05$EmP/MXfvy64rOBPAENTg7.lrFdDitGRNfnpPsEzuZ4ZXdcR4NRJ/G\n"

// service starts Docker's own registry with the settings, at a free port.
func service(t *testing.T, settings string) (host, dir string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host = l.Addr().String()
	l.Close()
	dir = contract.ShortTempDir(t)
	conf := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp:\n  addr: %s\n", dir, host) + strings.ReplaceAll(settings, "DIR", dir)
	for name, content := range map[string]string{"config.yml": conf, "htpasswd": password} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	selfSigned(t, dir)
	contract.Daemon(t, func() error {
		c, err := net.Dial("tcp", host)
		if err == nil {
			c.Close()
		}
		return err
	}, "docker-registry", "serve", filepath.Join(dir, "config.yml"))
	noCredentials(t) // not before: the service takes $REGISTRY_… for settings
	return host, dir
}

// selfSigned writes cert.pem and key.pem for this machine.
func selfSigned(t *testing.T, dir string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
	host, dir := service(t, "  tls: {certificate: DIR/cert.pem, key: DIR/key.pem}\nauth: {htpasswd: {realm: test, path: DIR/htpasswd}}\n")
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

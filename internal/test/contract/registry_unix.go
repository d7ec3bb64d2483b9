//go:build unix

package contract

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Settings of Registry: an empty one is plain HTTP; DIR is its directory, which
// holds cert.pem (self-signed), key.pem and a password file.
const (
	RegistryTLS      = "  tls: {certificate: DIR/cert.pem, key: DIR/key.pem}\n"
	RegistryPassword = "auth: {htpasswd: {realm: test, path: DIR/htpasswd}}\n" // alice, s3cret
)

// password is alice:s3cret, as `htpasswd -B` writes it.
const password = "alice:$2y$05$EmP/MXfvy64rOBPAENTg7.lrFdDitGRNfnpPsEzuZ4ZXdcR4NRJ/G\n"

// Registry starts Docker's own registry with the settings, at a free port.
func Registry(t *testing.T, settings string) (host, dir string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host = l.Addr().String()
	l.Close()
	dir = ShortTempDir(t)
	conf := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp:\n  addr: %s\n", dir, host) + strings.ReplaceAll(settings, "DIR", dir)
	for name, content := range map[string]string{"config.yml": conf, "htpasswd": password} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	selfSigned(t, dir)
	Daemon(t, func() error {
		c, err := net.Dial("tcp", host)
		if err == nil {
			c.Close()
		}
		return err
	}, "docker-registry", "serve", filepath.Join(dir, "config.yml"))
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

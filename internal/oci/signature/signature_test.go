package signature

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/assaysec/assay"
)

// signers make a key of each kind, with how it signs.
func signers(t *testing.T) map[string]crypto.Signer {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"ecdsa": ec, "rsa": r, "ed25519": ed}
}

func sign(t *testing.T, s crypto.Signer, message []byte) []byte {
	t.Helper()
	sum, o := sha256.Sum256(message), crypto.SignerOpts(crypto.SHA256)
	what := sum[:]
	if _, ok := s.(ed25519.PrivateKey); ok {
		what, o = message, crypto.Hash(0)
	}
	sig, err := s.Sign(rand.Reader, what, o)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func keyFile(t *testing.T, kind string, content []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key.pub")
	if err := os.WriteFile(name, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestEnvelope(t *testing.T) {
	all := signers(t)
	other := map[string]string{"ecdsa": "rsa", "rsa": "ed25519", "ed25519": "ecdsa"}
	for name, s := range all {
		t.Run(name, func(t *testing.T) {
			der, err := x509.MarshalPKIXPublicKey(s.Public())
			if err != nil {
				t.Fatal(err)
			}
			k, err := LoadKey(keyFile(t, "PUBLIC KEY", der))
			if err != nil {
				t.Fatal(err)
			}
			if k.SignsMessage() != (name == "ed25519") {
				t.Error("signs something else")
			}
			message := []byte("DSSEv1 1 t 5 hello")
			if !k.VerifyMessage(message, base64.StdEncoding.EncodeToString(sign(t, s, message))+"\n") || k.VerifyMessage(message, "?") || k.VerifyMessage([]byte("x"), base64.StdEncoding.EncodeToString(sign(t, s, message))) {
				t.Error("messages")
			}
			envelope := func(kind, payload string, sigs ...[]byte) *Envelope {
				e := &Envelope{}
				text := fmt.Sprintf(`{"payloadType":%q,"payload":%q,"signatures":[`, kind, base64.StdEncoding.EncodeToString([]byte(payload)))
				for i, sig := range sigs {
					if i > 0 {
						text += ","
					}
					text += fmt.Sprintf(`{"sig":%q}`, base64.StdEncoding.EncodeToString(sig))
				}
				if err := json.Unmarshal([]byte(text+"]}"), e); err != nil {
					t.Fatal(err)
				}
				return e
			}
			right, wrong := sign(t, s, message), sign(t, all[other[name]], message)
			for _, tt := range []struct {
				name string
				e    *Envelope
				want bool
			}{
				{"signed", envelope("t", "hello", right), true},
				{"by two", envelope("t", "hello", wrong, right), true},
				{"by another", envelope("t", "hello", wrong), false},
				{"another payload", envelope("t", "hallo", right), false},
				{"another type", envelope("u", "hello", right), false},
				{"by nobody", envelope("t", "hello"), false},
			} {
				if got := tt.e.SignedBy(k); got != tt.want {
					t.Errorf("%s: %t", tt.name, got)
				}
			}
			many := make([][]byte, maxTries)
			if envelope("t", "hello", append(many, right)...).SignedBy(k) {
				t.Error("signatures are tried without end")
			}
		})
	}
}

func TestLoadKey(t *testing.T) {
	if _, err := LoadKey("absent.pub"); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	for _, file := range []string{keyFile(t, "CERTIFICATE", []byte("x")), keyFile(t, "PUBLIC KEY", []byte("x"))} {
		if _, err := LoadKey(file); !errors.Is(err, assay.ErrMalformed) {
			t.Error(err)
		}
	}
	if _, err := LoadKey(keyFile(t, "PUBLIC KEY", make([]byte, maxKey))); !errors.Is(err, assay.ErrTooLarge) {
		t.Error(err)
	}
}

// FuzzBundle reads bundles that nobody vouches for.
func FuzzBundle(f *testing.F) {
	f.Add([]byte(`{"dsseEnvelope":{"payloadType":"t","payload":"aGVsbG8=","signatures":[{"sig":"eA=="}]}}`))
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var bundle Bundle
		if json.Unmarshal(b, &bundle) == nil && bundle.Envelope.SignedBy(&Key{&k.PublicKey}) {
			t.Error("signed by a key that never signed")
		}
	})
}

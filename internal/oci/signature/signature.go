// Package signature verifies signatures as cosign makes them with a key: of
// messages, and of envelopes, which Sigstore's bundles may hold. Nothing is
// asked of a transparency log, and no certificates are judged.
//
// Specifications:
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
// https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
package signature

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

const maxKey = 64 << 10 // a key of 16,384 bits has 3 kB

// A Key is a public key as in cosign's cosign.pub: PEM with an ECDSA, RSA or Ed25519
// key.
type Key struct{ key crypto.PublicKey }

// LoadKey reads a public key from a file.
func LoadKey(path string) (*Key, error) {
	b, err := limit.ReadFile(path, maxKey)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("%s: no PEM block PUBLIC KEY: %w", path, assay.ErrMalformed)
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, err, assay.ErrMalformed)
	}
	switch k.(type) {
	case *ecdsa.PublicKey, *rsa.PublicKey, ed25519.PublicKey:
		return &Key{k}, nil
	}
	return nil, fmt.Errorf("%s: unsupported kind of key, use ECDSA, RSA or Ed25519: %w", path, assay.ErrUnsupported)
}

// Verify reports whether sig is the key's signature of a message with the digest.
// Ed25519 keys need the message itself.
func (k *Key) Verify(digest [sha256.Size]byte, message, sig []byte) bool {
	switch key := k.key.(type) {
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(key, digest[:], sig)
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], sig) == nil
	case ed25519.PublicKey:
		return message != nil && ed25519.Verify(key, message, sig)
	}
	return false
}

// VerifyMessage is Verify for a message with a signature in base64.
func (k *Key) VerifyMessage(message []byte, sig string) bool {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(sig))
	return err == nil && k.Verify(sha256.Sum256(message), message, raw)
}

// SignsMessage reports whether the key signs whole messages, not their digests.
func (k *Key) SignsMessage() bool {
	_, ok := k.key.(ed25519.PublicKey)
	return ok
}

// TypeBundle is the prefix of the media types of Sigstore's bundles.
const TypeBundle = "application/vnd.dev.sigstore.bundle"

// An Envelope is a signed payload (DSSE).
// https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
type Envelope struct {
	Payload    []byte `json:"payload"`
	Type       string `json:"payloadType"`
	Signatures []struct {
		Sig []byte `json:"sig"`
	} `json:"signatures"`
}

// maxTries bounds the signatures of an envelope that are checked; one is usual.
const maxTries = 20

// SignedBy reports whether the key made one of the signatures.
func (e *Envelope) SignedBy(k *Key) bool {
	pae := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(e.Type), e.Type, len(e.Payload), e.Payload)
	sum := sha256.Sum256(pae)
	for _, s := range e.Signatures[:min(len(e.Signatures), maxTries)] {
		if k.Verify(sum, pae, s.Sig) {
			return true
		}
	}
	return false
}

// A Bundle contains the fields of a Sigstore bundle that assay uses.
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
type Bundle struct {
	Message struct {
		Digest struct {
			Algorithm string `json:"algorithm"`
			Value     []byte `json:"digest"`
		} `json:"messageDigest"`
		Signature []byte `json:"signature"`
	} `json:"messageSignature"`
	Envelope Envelope `json:"dsseEnvelope"`
	Material struct {
		Certificate json.RawMessage `json:"certificate"`
		Chain       json.RawMessage `json:"x509CertificateChain"` // before version 0.3
	} `json:"verificationMaterial"`

	certificate bool // of the old form
}

// ParseBundle parses a Sigstore bundle, or the form that cosign 1 and 2 write for files
// without --new-bundle-format: a signature, with the entry of a transparency log.
// https://github.com/sigstore/cosign/blob/v2.4.0/pkg/cosign/bundle.go
func ParseBundle(raw []byte) (*Bundle, error) {
	var b struct {
		Bundle
		Signature   []byte `json:"base64Signature"`
		Certificate string `json:"cert"`
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return nil, fmt.Errorf("bundle: %w: %w", err, assay.ErrMalformed)
	}
	if b.Signature != nil {
		b.Message.Signature = b.Signature
		cert, _ := base64.StdEncoding.DecodeString(b.Certificate)
		b.certificate = strings.Contains(string(cert)+b.Certificate, "BEGIN CERTIFICATE") // else a public key
	}
	if b.Message.Signature == nil && b.Envelope.Payload == nil {
		return nil, fmt.Errorf("bundle: neither a signature nor an envelope: %w", assay.ErrUnsupported)
	}
	return &b.Bundle, nil
}

// HasCertificate reports whether a certificate names the signer instead of a key.
func (b *Bundle) HasCertificate() bool {
	return b.certificate || b.Material.Certificate != nil || b.Material.Chain != nil
}

// Signs reports whether the bundle has the key's signature of a message.
func (b *Bundle) Signs(k *Key, message []byte) bool {
	return b.signs(k, sha256.Sum256(message), message)
}

// SignsDigest is Signs for a message of which only the digest is known, which Ed25519 keys
// do not sign.
func (b *Bundle) SignsDigest(k *Key, sum [sha256.Size]byte) bool { return b.signs(k, sum, nil) }

func (b *Bundle) signs(k *Key, sum [sha256.Size]byte, message []byte) bool {
	d := b.Message.Digest.Value
	return b.Message.Signature != nil && (d == nil || bytes.Equal(d, sum[:])) && k.Verify(sum, message, b.Message.Signature)
}

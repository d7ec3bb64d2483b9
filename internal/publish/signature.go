package publish

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distribution"
	"github.com/assaysec/assay/internal/limit"
)

// Bounds of what is about signatures.
const (
	maxKey        = 64 << 10
	maxSignature  = 1 << 20  // a bundle or payload
	maxSignatures = 20       // of one database
	maxFile       = 16 << 30 // that is copied; another scanner's largest has 3 GB (2026)
)

// A Key is a public key, as cosign's cosign.pub: PEM with an ECDSA, RSA or
// Ed25519 key.
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
type Key struct{ key crypto.PublicKey }

// LoadKey reads a public key.
func LoadKey(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := limit.ReadAll(f, maxKey)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("%s: no PEM block PUBLIC KEY in it: %w", path, assay.ErrMalformed)
	}
	k, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, err, assay.ErrMalformed)
	}
	switch k.(type) {
	case *ecdsa.PublicKey, *rsa.PublicKey, ed25519.PublicKey:
		return &Key{k}, nil
	}
	return nil, fmt.Errorf("%s: key of type %T: %w", path, k, assay.ErrUnsupported)
}

// verify says whether sig is the key's signature of a message with the digest.
// Ed25519 needs the message itself.
func (k *Key) verify(digest [sha256.Size]byte, message, sig []byte) bool {
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

func (k *Key) verifyMessage(message []byte, sig string) bool {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(sig))
	return err == nil && k.verify(sha256.Sum256(message), message, raw)
}

// errUnsigned is why a database is not taken.
func errUnsigned(what string) error {
	return fmt.Errorf("%s has no signature by the key that --db-key names: %w", what, assay.ErrUnauthorized)
}

// forFiles says whether a file's signature by the key can be verified.
func (k *Key) forFiles() error {
	if _, ok := k.key.(ed25519.PublicKey); ok {
		return fmt.Errorf("signature of a file by an Ed25519 key, which signs the file itself and not its digest, so that all of it had to be in memory: %w; sign with ECDSA or RSA", assay.ErrUnsupported)
	}
	return nil
}

// CopyFile copies the file to a new one, of the same time, if a signature of
// what was copied lies beside the file; else there is no new one. So nobody who
// may write the file can change what was verified, if he may not write the copy.
func (k *Key) CopyFile(ctx context.Context, to, path string) (err error) {
	if err := k.forFiles(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(to)
		}
	}()
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), limit.Reader(&during{ctx, in}, maxFile))
	if e := out.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := k.beside(path, [sha256.Size]byte(h.Sum(nil))); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// during is a reader that ends with its context.
type during struct {
	ctx context.Context
	io.Reader
}

func (d *during) Read(p []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	return d.Reader.Read(p)
}

// beside looks for a signature of the file with the digest: FILE.sig, as
// `cosign sign-blob --output-signature` writes it, or FILE.sigstore.json, as
// its --bundle.
func (k *Key) beside(path string, sum [sha256.Size]byte) error {
	if sig, err := small(path + ".sig"); err == nil {
		if raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(sig))); err == nil && k.verify(sum, nil, raw) {
			return nil
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if raw, err := small(path + ".sigstore.json"); err == nil {
		var b bundle
		if json.Unmarshal(raw, &b) == nil && bytes.Equal(b.Message.Digest.Value, sum[:]) && k.verify(sum, nil, b.Message.Signature) {
			return nil
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return errUnsigned(path)
}

func small(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := limit.ReadAll(f, maxSignature)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// bundle is a Sigstore bundle as far as it matters here.
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
type bundle struct {
	Message struct {
		Digest struct {
			Value []byte `json:"digest"`
		} `json:"messageDigest"`
		Signature []byte `json:"signature"`
	} `json:"messageSignature"`
	Envelope struct {
		Payload    []byte `json:"payload"`
		Type       string `json:"payloadType"`
		Signatures []struct {
			Sig []byte `json:"sig"`
		} `json:"signatures"`
	} `json:"dsseEnvelope"`
}

// covers says whether the bundle's envelope is signed by the key and speaks of
// the digest. https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
func (b *bundle) covers(k *Key, digest string) bool {
	e := &b.Envelope
	pae := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(e.Type), e.Type, len(e.Payload), e.Payload)
	signed := false
	for _, s := range e.Signatures {
		signed = signed || k.verify(sha256.Sum256(pae), pae, s.Sig)
	}
	var statement struct {
		Subject []struct {
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
	}
	if !signed || json.Unmarshal(e.Payload, &statement) != nil {
		return false
	}
	for _, s := range statement.Subject {
		if "sha256:"+s.Digest["sha256"] == digest {
			return true
		}
	}
	return false
}

// Where cosign keeps signatures, and their media types.
const (
	typePayload  = "application/vnd.dev.cosign.simplesigning.v1+json"
	typeBundle   = "application/vnd.dev.sigstore.bundle"
	keySignature = "dev.cosignproject.cosign/signature"
)

// signed checks that the manifest is signed: by a tag that cosign derives from
// its digest, or by a bundle that refers to it.
func (p *Repository) signed(ctx context.Context, k *Key) error {
	raw, err := p.client.Manifest(ctx, strings.Replace(p.Digest, ":", "-", 1)+".sig")
	if err != nil && !distribution.Absent(err) {
		return err
	}
	if err == nil && p.payloads(ctx, raw, k) {
		return nil
	}
	raw, err = p.client.Referrers(ctx, p.Digest)
	if err != nil {
		return err
	}
	var list struct {
		Manifests []descriptor `json:"manifests"`
	}
	if raw != nil && json.Unmarshal(raw, &list) == nil {
		for _, d := range list.Manifests[:min(len(list.Manifests), maxSignatures)] {
			if p.bundled(ctx, d, k) {
				return nil
			}
		}
	}
	return errUnsigned(p.Digest)
}

// payloads looks for a signature among the layers of cosign's manifest.
func (p *Repository) payloads(ctx context.Context, raw []byte, k *Key) bool {
	var m manifest
	if json.Unmarshal(raw, &m) != nil {
		return false
	}
	for _, l := range m.Layers[:min(len(m.Layers), maxSignatures)] {
		b, err := p.blob(ctx, l, maxSignature)
		if err != nil || l.MediaType != typePayload || !k.verifyMessage(b, l.Annotations[keySignature]) {
			continue
		}
		var payload struct {
			Critical struct {
				Image struct {
					Digest string `json:"docker-manifest-digest"`
				} `json:"image"`
			} `json:"critical"`
		}
		if json.Unmarshal(b, &payload) == nil && payload.Critical.Image.Digest == p.Digest {
			return true
		}
	}
	return false
}

func (p *Repository) bundled(ctx context.Context, d descriptor, k *Key) bool {
	raw, err := p.client.Manifest(ctx, d.Digest)
	var m manifest
	if err != nil || json.Unmarshal(raw, &m) != nil {
		return false
	}
	for _, l := range m.Layers[:min(len(m.Layers), maxSignatures)] {
		if !strings.HasPrefix(l.MediaType, typeBundle) {
			continue
		}
		b, err := p.blob(ctx, l, maxSignature)
		var parsed bundle
		if err == nil && json.Unmarshal(b, &parsed) == nil && parsed.covers(k, p.Digest) {
			return true
		}
	}
	return false
}

// digestOf is the digest of a file from its beginning.
func digestOf(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

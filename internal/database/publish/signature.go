package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/oci/registryclient"
	"github.com/assaysec/assay/internal/oci/signature"
)

// Bounds of signatures.
const (
	maxSignature  = 1 << 20  // a bundle or payload
	maxSignatures = 20       // of one database
	maxFile       = 16 << 30 // that is copied; the largest database of another scanner has 3 GB (2026)
)

// errUnsigned reports a missing signature.
func errUnsigned(what string) error {
	return fmt.Errorf("%s has no signature by the key of --db-key: %w", what, assay.ErrUnauthorized)
}

// forFiles returns an error if signatures of files by the key cannot be
// verified.
func forFiles(k *signature.Key) error {
	if k.SignsMessage() {
		return fmt.Errorf("Ed25519 signatures of files are not supported, because they cover the whole file and not its digest: %w; sign with ECDSA or RSA", assay.ErrUnsupported)
	}
	return nil
}

// CopyFile copies the file to a new one with the same time, if a signature of
// the copied bytes is beside the file; else it creates no file. So a person who
// can write the file, but not the copy, cannot change the verified bytes.
func CopyFile(ctx context.Context, k *signature.Key, to, path string) (err error) {
	if err := forFiles(k); err != nil {
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
	if err := verifyBeside(k, path, [sha256.Size]byte(h.Sum(nil))); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// during is a reader that fails when its context ends.
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

// verifyBeside looks for a signature of the file with the digest: FILE.sig, as
// `cosign sign-blob --output-signature` writes it, or FILE.sigstore.json, as its
// --bundle.
func verifyBeside(k *signature.Key, path string, sum [sha256.Size]byte) error {
	if sig, err := limit.ReadRegular(path+".sig", maxSignature); err == nil {
		if raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(sig))); err == nil && k.Verify(sum, nil, raw) {
			return nil
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if raw, err := limit.ReadRegular(path+".sigstore.json", maxSignature); err == nil {
		var b signature.Bundle
		if json.Unmarshal(raw, &b) == nil && bytes.Equal(b.Message.Digest.Value, sum[:]) && k.Verify(sum, nil, b.Message.Signature) {
			return nil
		}
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return errUnsigned(path)
}

// covers reports whether the bundle's envelope is signed by the key and is about
// the digest.
func covers(b *signature.Bundle, k *signature.Key, digest string) bool {
	var statement struct {
		Subject []struct {
			Digest map[string]string `json:"digest"`
		} `json:"subject"`
	}
	if !b.Envelope.SignedBy(k) || json.Unmarshal(b.Envelope.Payload, &statement) != nil {
		return false
	}
	for _, s := range statement.Subject {
		if "sha256:"+s.Digest["sha256"] == digest {
			return true
		}
	}
	return false
}

// Locations of cosign's signatures, and their media types.
const (
	typePayload  = "application/vnd.dev.cosign.simplesigning.v1+json"
	keySignature = "dev.cosignproject.cosign/signature"
)

// signed checks that the manifest is signed: at a tag that cosign derives from
// its digest, or by a bundle that refers to it.
func (p *Repository) signed(ctx context.Context, k *signature.Key) error {
	raw, err := p.client.Manifest(ctx, strings.Replace(p.Digest, ":", "-", 1)+".sig")
	if err != nil && !registryclient.Absent(err) {
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
func (p *Repository) payloads(ctx context.Context, raw []byte, k *signature.Key) bool {
	var m manifest
	if json.Unmarshal(raw, &m) != nil {
		return false
	}
	for _, l := range m.Layers[:min(len(m.Layers), maxSignatures)] {
		b, err := p.blob(ctx, l, maxSignature)
		if err != nil || l.MediaType != typePayload || !k.VerifyMessage(b, l.Annotations[keySignature]) {
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

func (p *Repository) bundled(ctx context.Context, d descriptor, k *signature.Key) bool {
	raw, err := p.client.Manifest(ctx, d.Digest)
	var m manifest
	if err != nil || json.Unmarshal(raw, &m) != nil {
		return false
	}
	for _, l := range m.Layers[:min(len(m.Layers), maxSignatures)] {
		if !strings.HasPrefix(l.MediaType, signature.TypeBundle) {
			continue
		}
		b, err := p.blob(ctx, l, maxSignature)
		var parsed signature.Bundle
		if err == nil && json.Unmarshal(b, &parsed) == nil && covers(&parsed, k, p.Digest) {
			return true
		}
	}
	return false
}

// digestOf is the digest of a file from its start.
func digestOf(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/oci/signature"
)

// Bounds of signatures.
const (
	maxSignature = 1 << 20  // a bundle or payload
	maxFile      = 16 << 30 // that is copied; the largest database of another scanner has 3 GB (2026)
)

// keyFlag names the key.
const keyFlag = "--db-key"

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
// `cosign sign-blob --output-signature` writes it, or a bundle, as its --bundle, of the
// old or new form.
func verifyBeside(k *signature.Key, path string, sum [sha256.Size]byte) error {
	unsigned := &signature.UnsignedError{Subject: path, Flag: keyFlag}
	for _, ext := range []string{".sig", ".sigstore.json", ".bundle"} {
		raw, err := limit.ReadRegular(path+ext, maxSignature)
		if errors.Is(err, os.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if sig, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(raw))); err == nil {
			if k.Verify(sum, nil, sig) {
				return nil
			}
			unsigned.Others++
			continue
		}
		b, err := signature.ParseBundle(raw)
		switch {
		case err != nil:
			unsigned.Unread = append(unsigned.Unread, fmt.Sprintf("%s: %v", path+ext, err))
		case b.SignsDigest(k, sum):
			return nil
		case b.HasCertificate():
			unsigned.Unread = append(unsigned.Unread, path+ext+" has a certificate instead of a key")
		default:
			unsigned.Others++
		}
	}
	return unsigned
}

// signed checks that the manifest is signed: in the repository itself, or where cosign
// puts the signatures of several repositories.
func (p *Repository) signed(ctx context.Context, raw []byte, k *signature.Key) error {
	stores := []signature.Store{p.client}
	if p.signatures != nil {
		stores = append(stores, p.signatures)
	}
	return signature.Search(ctx, stores, raw, k, keyFlag)
}

// digestOf is the digest of a file from its start.
func digestOf(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil)), nil
}

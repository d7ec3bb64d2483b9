package oci

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/assaysec/assay"
)

// Digest returns the SHA-256 digest of raw.
func Digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// SplitDigest splits a digest into algorithm and hexadecimal digits. It accepts SHA-256
// and SHA-512 in lower case only, so that the digest is safe as part of a path.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md#digests
func SplitDigest(digest string) (algorithm, sum string, err error) {
	algorithm, sum, _ = strings.Cut(digest, ":")
	if n, ok := map[string]int{"sha256": 64, "sha512": 128}[algorithm]; !ok || len(sum) != n || strings.Trim(sum, "0123456789abcdef") != "" {
		return "", "", fmt.Errorf("digest %.150q: neither SHA-256 nor SHA-512: %w", digest, assay.ErrMalformed)
	}
	return algorithm, sum, nil
}

// Verify reports whether raw has the digest.
func Verify(raw []byte, digest string) error {
	h, err := newHash(digest)
	if err != nil {
		return err
	}
	h.Write(raw)
	return h.check()
}

// A digester computes a digest and compares it with the expected one.
type digester struct {
	hash.Hash
	want string
}

func newHash(digest string) (digester, error) {
	algorithm, _, err := SplitDigest(digest)
	if algorithm == "sha512" {
		return digester{sha512.New(), digest}, err
	}
	return digester{sha256.New(), digest}, err
}

func (d digester) check() error {
	algorithm, _, _ := strings.Cut(d.want, ":")
	if got := algorithm + ":" + hex.EncodeToString(d.Sum(nil)); got != d.want {
		return fmt.Errorf("content has digest %s: %w", got, assay.ErrMalformed)
	}
	return nil
}

func (d Descriptor) check() error {
	if d.Size < 0 {
		return fmt.Errorf("size %d: %w", d.Size, assay.ErrMalformed)
	}
	_, _, err := SplitDigest(d.Digest)
	return err
}

// verified reads a blob. At its end it fails, instead of returning io.EOF, when digest
// or size differ from those of the descriptor.
type verified struct {
	io.ReadCloser
	hash digester
	left int64
	err  error
}

func openVerified(ctx context.Context, b Blobs, d Descriptor) (*verified, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	h, err := newHash(d.Digest)
	if err != nil {
		return nil, err
	}
	r, err := b.Open(ctx, d)
	if err != nil {
		return nil, err
	}
	return &verified{ReadCloser: r, hash: h, left: d.Size}, nil
}

func (v *verified) Read(p []byte) (int, error) {
	if v.err != nil {
		return 0, v.err
	}
	n, err := v.ReadCloser.Read(p)
	v.hash.Write(p[:n])
	switch v.left -= int64(n); {
	case v.left < 0:
		err = fmt.Errorf("longer than its descriptor says: %w", assay.ErrMalformed)
	case err != io.EOF:
	case v.left > 0:
		err = fmt.Errorf("%d bytes shorter than its descriptor says: %w", v.left, assay.ErrMalformed)
	default:
		if e := v.hash.check(); e != nil {
			err = e
		}
	}
	v.err = err
	return n, err
}

// damaged reports whether err is about the content, not about reading it.
func damaged(err error) bool { return errors.Is(err, assay.ErrMalformed) }

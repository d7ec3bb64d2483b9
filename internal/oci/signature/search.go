package signature

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/registryclient"
)

// Bounds of a search.
const (
	maxSignatures = 20      // of one manifest, and layers of one of them
	maxReferrers  = 200     // that are looked at; a manifest may have SBOMs and attestations for each build
	maxSignature  = 4 << 20 // a bundle or payload
	maxUnread     = 5       // that a message lists
)

// Annotations and types of what cosign leaves.
const (
	TypePayload     = "application/vnd.dev.cosign.simplesigning.v1+json"
	NoteSignature   = "dev.cosignproject.cosign/signature" // of a layer with a payload
	NoteCertificate = "dev.sigstore.cosign/certificate"    // of one that was signed without a key

	typeCosign = "application/vnd.dev.cosign." // prefix of artifact types
)

// A Store has manifests and blobs: a repository of a registry, or a layout.
type Store interface {
	oci.Blobs
	Manifest(ctx context.Context, id string) ([]byte, error)
	Referrers(ctx context.Context, digest string) ([]byte, error)
}

// An UnsignedError reports that no signature by the key was found. It is
// assay.ErrUnauthorized.
type UnsignedError struct {
	Subject string   // the digest of a manifest, or a file
	Flag    string   // that names the key
	Others  int      // signatures that are not by the key, or of something else
	Unread  []string // signatures in other forms, and why they are not read
}

func (e *UnsignedError) Error() string {
	text := fmt.Sprintf("%s has no signature by the key of %s", e.Subject, e.Flag)
	switch {
	case e.Others == 1:
		text += ": its signature is by another key, or of something else"
	case e.Others > 1:
		text += fmt.Sprintf(": its %d signatures are by other keys, or of something else", e.Others)
	case len(e.Unread) > 0:
		text = fmt.Sprintf("%s is signed, but not in a form that can be verified with the key of %s", e.Subject, e.Flag)
	default:
		text += ": no signature was found"
	}
	if len(e.Unread) > 0 {
		text += ": " + strings.Join(e.Unread[:min(len(e.Unread), maxUnread)], "; ")
		if more := len(e.Unread) - maxUnread; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
	}
	return text
}

// Unwrap is assay.ErrUnauthorized.
func (e *UnsignedError) Unwrap() error { return assay.ErrUnauthorized }

// manifest has the needed fields of a manifest or an index.
type manifest struct {
	ArtifactType string               `json:"artifactType"`
	Layers       oci.List[descriptor] `json:"layers"`
	Manifests    oci.List[descriptor] `json:"manifests"`
}

type descriptor struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	Annotations  map[string]string `json:"annotations"`
}

// A search looks for a signature of one manifest.
type search struct {
	key    *Key
	raw    []byte // of the manifest that may be signed
	digest string
	UnsignedError
}

// Search looks for a signature by the key of the manifest raw, in each store: at the tag
// that cosign derives from its digest, and among the manifests that refer to it. Those
// may have cosign's payloads, or Sigstore's bundles. Without one the error is an
// *UnsignedError; flag is where the user named the key.
//
// Specifications:
// https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md
// https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md
func Search(ctx context.Context, stores []Store, raw []byte, key *Key, flag string) error {
	s := &search{key: key, raw: raw, digest: oci.Digest(raw)}
	s.Subject, s.Flag = s.digest, flag
	for _, store := range stores {
		ok, err := s.store(ctx, store)
		if ok || err != nil {
			return err
		}
	}
	return &s.UnsignedError
}

func (s *search) store(ctx context.Context, store Store) (bool, error) {
	raw, err := store.Manifest(ctx, strings.Replace(s.digest, ":", "-", 1)+".sig")
	if err != nil && !registryclient.Absent(err) {
		return false, err
	}
	if err == nil && s.layers(ctx, store, raw) {
		return true, nil
	}
	if raw, err = store.Referrers(ctx, s.digest); err != nil || raw == nil {
		return false, err
	}
	var list manifest
	if err := oci.Unmarshal(raw, &list); err != nil {
		return false, fmt.Errorf("referrers of %s: %w", s.digest, err)
	}
	for _, d := range list.Manifests[:min(len(list.Manifests), maxReferrers)] {
		if !maySign(d) {
			continue
		}
		raw, err := store.Manifest(ctx, d.Digest)
		if err == nil {
			err = oci.Verify(raw, d.Digest)
		}
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case err != nil:
			s.unread("%s: %v", d.Digest, err)
		case s.layers(ctx, store, raw):
			return true, nil
		}
	}
	return false, nil
}

// maySign reports whether a manifest that refers to another may have a signature of it.
// Registries may leave out the type, and old ones give the type of the configuration.
func maySign(d descriptor) bool {
	t := d.ArtifactType
	return t == "" || strings.HasPrefix(t, typeCosign) || strings.HasPrefix(t, TypeBundle) || strings.HasPrefix(t, "application/vnd.oci.") || strings.Contains(t, "signature")
}

func (s *search) unread(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(s.Unread, text) {
		s.Unread = append(s.Unread, text)
	}
}

// layers looks for a signature among the layers of a manifest.
func (s *search) layers(ctx context.Context, store Store, raw []byte) bool {
	var m manifest
	if err := oci.Unmarshal(raw, &m); err != nil {
		s.unread("%s: %v", oci.Digest(raw), err)
		return false
	}
	for _, l := range m.Layers[:min(len(m.Layers), maxSignatures)] {
		bundle := strings.HasPrefix(l.MediaType, TypeBundle)
		switch {
		case !bundle && l.MediaType != TypePayload:
			if strings.Contains(l.MediaType+m.ArtifactType, "signature") || strings.Contains(l.MediaType+m.ArtifactType, ".cosign.") {
				s.unread("%s has the type %s", oci.Digest(raw), firstOf(m.ArtifactType, l.MediaType))
			}
			continue
		}
		b, err := read(ctx, store, l)
		switch {
		case err != nil:
			s.unread("%s: %v", l.Digest, err)
		case bundle && s.bundle(l.Digest, b), !bundle && s.payload(l, b):
			return true
		}
	}
	return false
}

func firstOf(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func read(ctx context.Context, store Store, d descriptor) ([]byte, error) {
	body, err := store.Open(ctx, oci.Descriptor{Digest: d.Digest, Size: d.Size})
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := limit.ReadAll(body, maxSignature)
	if err != nil {
		return nil, err
	}
	return b, oci.Verify(b, d.Digest)
}

// payload verifies a layer with cosign's payload. Whether a transparency log has the
// signature, which its annotation dev.sigstore.cosign/bundle says, does not matter.
func (s *search) payload(l descriptor, b []byte) bool {
	var payload struct {
		Critical struct {
			Image struct {
				Digest string `json:"docker-manifest-digest"`
			} `json:"image"`
		} `json:"critical"`
	}
	switch err := oci.Unmarshal(b, &payload); {
	case err != nil:
		s.unread("%s: %v", l.Digest, err)
	case s.key.VerifyMessage(b, l.Annotations[NoteSignature]):
		if payload.Critical.Image.Digest == s.digest {
			return true
		}
		s.Others++
	case l.Annotations[NoteCertificate] != "":
		s.unread("%s has a certificate instead of a key", l.Digest)
	default:
		s.Others++
	}
	return false
}

// bundle verifies a Sigstore bundle: a signed statement about the manifest, or a
// signature of its bytes. A statement about something else than signing is none.
func (s *search) bundle(digest string, raw []byte) bool {
	b, err := ParseBundle(raw)
	switch {
	case err != nil:
		s.unread("%s: %v", digest, err)
	case b.Envelope.Payload != nil && b.Envelope.Type != typeStatement:
		s.unread("%s has an envelope of the type %q", digest, b.Envelope.Type)
	case b.covers(s.key, s.raw, s.digest):
		return true
	case b.HasCertificate():
		s.unread("%s has a certificate instead of a key", digest)
	default:
		s.Others++
	}
	return false
}

const typeStatement = "application/vnd.in-toto+json"

// covers reports whether the bundle has a signature by the key, of the manifest or of a
// statement about it.
func (b *Bundle) covers(k *Key, raw []byte, digest string) bool {
	if b.Envelope.Payload == nil {
		return b.Signs(k, raw)
	}
	var statement struct {
		Subject oci.List[struct {
			Digest map[string]string `json:"digest"`
		}] `json:"subject"`
	}
	if !b.Envelope.SignedBy(k) || oci.Unmarshal(b.Envelope.Payload, &statement) != nil {
		return false
	}
	for _, s := range statement.Subject {
		if "sha256:"+s.Digest["sha256"] == digest {
			return true
		}
	}
	return false
}

package attestation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/oci"
	"github.com/assaysec/assay/internal/oci/signature"
	"github.com/assaysec/assay/internal/suppress/vex"
)

// A manifest has the needed fields of an image manifest or an index.
type manifest struct {
	ArtifactType string               `json:"artifactType"`
	Config       descriptor           `json:"config"`
	Layers       oci.List[descriptor] `json:"layers"`
	Manifests    oci.List[descriptor] `json:"manifests"`
	Subject      *descriptor          `json:"subject"`
}

type descriptor struct {
	MediaType    string            `json:"mediaType"`
	ArtifactType string            `json:"artifactType"`
	Digest       string            `json:"digest"`
	Size         int64             `json:"size"`
	Platform     *oci.Platform     `json:"platform"`
	Annotations  map[string]string `json:"annotations"`
}

// Media types of layers.
const (
	typeEnvelope  = "application/vnd.dsse.envelope.v1+json"
	typeStatement = "application/vnd.in-toto+json"
)

// predicateNotes are the annotations with the type of a predicate: cosign's two
// and BuildKit's.
var predicateNotes = []string{"predicateType", "dev.sigstore.bundle.predicateType", "in-toto.io/predicate-type"}

// relevant reports whether a manifest or layer may be a VEX document, by its
// types.
func relevant(mediaType string, notes map[string]string) bool {
	for _, n := range predicateNotes {
		if t := notes[n]; t != "" {
			return predicate(t)
		}
	}
	t := strings.ToLower(mediaType)
	switch {
	case t == "", strings.HasPrefix(t, signature.TypeBundle), strings.HasPrefix(t, "application/vnd.oci."), strings.HasPrefix(t, "application/vnd.docker."):
		return true
	}
	for _, word := range []string{"vex", "csaf", "cyclonedx", "in-toto", "dsse", "attestation"} {
		if strings.Contains(t, word) {
			return true
		}
	}
	return false
}

// predicate reports whether a predicate may be a VEX document.
func predicate(kind string) bool {
	return strings.HasPrefix(kind, "https://openvex.dev/ns") || kind == "text/vex" || strings.Contains(kind, "csaf") || strings.HasPrefix(kind, "https://cyclonedx.org/")
}

// manifest reads a manifest that refers to the image.
func (l *lookup) manifest(ctx context.Context, digest string) {
	if l.seen[digest] || ctx.Err() != nil {
		return
	}
	l.seen[digest] = true
	if len(l.seen) > maxManifests {
		l.gap(l.repo, "over %d manifests refer to the image: %s was not read", maxManifests, digest)
		return
	}
	if _, _, err := oci.SplitDigest(digest); err != nil {
		l.gap(l.repo, "refers to the image: %v", err)
		return
	}
	raw, err := l.client.Manifest(ctx, digest)
	if err == nil {
		err = oci.Verify(raw, digest)
	}
	if err != nil {
		l.gap(l.repo+"@"+digest, "could not be read: %v", err)
		return
	}
	l.layers(ctx, digest, raw)
}

// layers reads the documents of a manifest.
func (l *lookup) layers(ctx context.Context, digest string, raw []byte) {
	name := l.repo + "@" + digest
	var m manifest
	if err := oci.Unmarshal(raw, &m); err != nil {
		l.gap(name, "%v", err)
		return
	}
	defer func() { l.raw = nil }()
	l.raw = raw
	for i, d := range m.Layers {
		if i == maxLayers {
			l.gap(name, "over %d layers: the other layers were not read", maxLayers)
			return
		}
		if !relevant(d.MediaType, d.Annotations) && !m.isBareDocument(d.MediaType) {
			continue
		}
		if l.left -= max(d.Size, 0); l.left < 0 {
			l.gap(name, "over %d bytes are attached to the image: the document was not read", int64(maxTotal))
			return
		}
		b, err := oci.Read(ctx, l.client, oci.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}, maxDocument)
		if err == nil {
			err = l.layer(ctx, name, d, &m, b)
		}
		if err != nil && ctx.Err() == nil {
			l.gap(name, "%v", err)
		}
	}
}

// layer reads one layer: a document, or an attestation with one.
func (l *lookup) layer(ctx context.Context, name string, d descriptor, m *manifest, b []byte) error {
	switch {
	case d.MediaType == typeEnvelope:
		var e signature.Envelope
		if err := oci.Unmarshal(b, &e); err != nil {
			return err
		}
		return l.envelope(name, &e, d.Annotations[signature.NoteCertificate] != "")
	case strings.HasPrefix(d.MediaType, signature.TypeBundle):
		bundle, err := signature.ParseBundle(b)
		if err != nil {
			return err
		}
		if bundle.Envelope.Payload == nil { // a signature
			return nil
		}
		return l.envelope(name, &bundle.Envelope, bundle.HasCertificate())
	case d.MediaType == typeStatement:
		return l.statement(name, b, l.refusal("it is not signed"))
	case !m.isBareDocument(d.MediaType):
		if isAttestation(d.MediaType) {
			return fmt.Errorf("an attestation of the type %.100q, which assay does not read: %w", d.MediaType, assay.ErrUnsupported)
		}
		return nil
	case m.Subject == nil || !l.subjects[m.Subject.Digest]:
		return fmt.Errorf("refused, because its subject is another image: %w", assay.ErrMalformed)
	}
	if l.options.Key == nil {
		return l.document(name, b, nil)
	}
	return l.document(name, b, signature.Search(ctx, []signature.Store{l.client}, l.raw, l.options.Key, keyFlag))
}

// keyFlag names the key.
const keyFlag = "--vex-key"

// refusal is why a document is refused; nil where no signature is needed.
func (l *lookup) refusal(format string, args ...any) error {
	if l.options.Key == nil {
		return nil
	}
	return fmt.Errorf("it has no signature by the key of %s: %s: %w", keyFlag, fmt.Sprintf(format, args...), assay.ErrUnauthorized)
}

// isAttestation reports whether a media type is that of attestations.
func isAttestation(mediaType string) bool {
	t := strings.ToLower(mediaType)
	return strings.Contains(t, "in-toto") || strings.Contains(t, "dsse") || strings.Contains(t, "attestation")
}

// isBareDocument reports whether a layer is a document without an attestation,
// by its media type or the type of the manifest.
func (m *manifest) isBareDocument(mediaType string) bool {
	for _, t := range []string{mediaType, m.ArtifactType, m.Config.MediaType} {
		if t = strings.ToLower(t); strings.Contains(t, "vex") || strings.Contains(t, "csaf") || strings.Contains(t, "cyclonedx") {
			return true
		}
	}
	return false
}

// envelope reads an envelope; keyless says that it was signed with a certificate.
func (l *lookup) envelope(name string, e *signature.Envelope, keyless bool) error {
	var refused error
	switch {
	case e.Type != typeStatement:
		return fmt.Errorf("an envelope with the payload type %.100q, which assay does not read: %w", e.Type, assay.ErrUnsupported)
	case l.options.Key != nil && e.SignedBy(l.options.Key):
	case keyless:
		refused = l.refusal("it is signed, but with a certificate instead of a key")
	case len(e.Signatures) == 0:
		refused = l.refusal("it is not signed")
	default:
		refused = l.refusal("it is signed by another key")
	}
	return l.statement(name, e.Payload, refused)
}

// statement reads an in-toto statement. Other predicates than VEX are ignored; a
// statement about another image is refused.
// Refused is why its signature does not count; nil where it does, or none is needed.
func (l *lookup) statement(name string, b []byte, refused error) error {
	var s struct {
		Kind    string `json:"predicateType"`
		Subject oci.List[struct {
			Digest map[string]string `json:"digest"`
		}] `json:"subject"`
		Predicate json.RawMessage `json:"predicate"`
	}
	if err := oci.Unmarshal(b, &s); err != nil {
		return err
	}
	if !predicate(s.Kind) {
		return nil
	}
	var others []string
	ours := false
	for _, subject := range s.Subject {
		for algorithm, sum := range subject.Digest {
			d := algorithm + ":" + strings.ToLower(sum)
			ours = ours || l.subjects[d]
			others = append(others, d)
		}
	}
	if !ours {
		slices.Sort(others)
		return fmt.Errorf("refused, because it is about %.300s, not about the image (%s): %w", strings.Join(others, ", "), strings.Join(sorted(l.subjects), ", "), assay.ErrMalformed)
	}
	return l.document(name, s.Predicate, refused)
}

// document reads a VEX document. An SBOM without vulnerabilities is not one.
func (l *lookup) document(name string, b []byte, refused error) error {
	if bytes.Contains(b, []byte(`"bomFormat"`)) && !bytes.Contains(b, []byte(`"vulnerabilities"`)) {
		return nil
	}
	if refused != nil {
		return fmt.Errorf("refused, because %w", refused)
	}
	d, faults, err := vex.Parse(b)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		l.gap(name, "unreadable parts (%d), the first: %v", len(faults), &faults[0])
	}
	l.docs = append(l.docs, Document{Document: d, Name: name, Verified: l.options.Key != nil})
	return nil
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

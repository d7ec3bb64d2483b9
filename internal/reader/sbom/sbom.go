// Package sbom reads SBOMs: CycloneDX in JSON and XML, SPDX 2 in
// JSON and tag-value form and SPDX 3 in JSON, Syft's own JSON, each perhaps
// inside an attestation, and plain lists of purls and CPE names.
//
// Specifications: https://cyclonedx.org/specification/overview/,
// https://spdx.github.io/spdx-spec/v2.3/, https://spdx.github.io/spdx-spec/v3.0.1/,
// https://github.com/in-toto/attestation/tree/main/spec/v1
package sbom

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
	"github.com/assaysec/assay/internal/encoding/stanza"
)

const (
	// maxSBOM: SBOMs of the largest images, with all their files, have 200 MB.
	maxSBOM = 256 << 20
	// maxEmbedded: those that publishers put into images tell of one product.
	maxEmbedded = 32 << 20
	// maxWraps bounds attestations in envelopes in bundles.
	maxWraps = 4
)

// Reader reads an SBOM that is the target.
type Reader struct{}

func (Reader) Name() string { return "sbom" }

func (Reader) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/*", Scope: assay.ScopeSBOM, MaxSize: maxSBOM}}
}

func (Reader) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxSBOM)
	if err != nil {
		return assay.Facts{}, err
	}
	return read(b)
}

// Embedded reads the SBOMs that publishers put into images. What
// they say of the system counts only where its own database says nothing.
type Embedded struct{}

func (Embedded) Name() string { return "sbom-embedded" }

func (Embedded) Wants() (ps []assay.Pattern) {
	for _, g := range []string{"**/*.spdx", "**/*.spdx.json", "**/*.cdx", "**/*.cdx.json", "**/*.cdx.xml", "**/*.bom.json", "**/*.sbom.json", "**/*.syft.json"} {
		ps = append(ps, assay.Pattern{Glob: g, Scope: assay.ScopeInstalled, MaxSize: maxEmbedded})
	}
	return ps
}

func (Embedded) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	b, err := limit.ReadAll(f.Reader(), maxEmbedded)
	if err != nil {
		return assay.Facts{}, err
	}
	facts, err := read(b)
	for i := range facts.Packages {
		p := &facts.Packages[i]
		p.Path, p.Layer, p.Owner = "", assay.LayerRef{}, "" // those of the file that says so
	}
	facts.Release, facts.Gaps, facts.DevLeftOut = nil, nil, 0
	return facts, err
}

// errNone is of what is no SBOM.
var errNone = fmt.Errorf("not an SBOM in a supported format (CycloneDX, SPDX, Syft's JSON, a list of purls or CPE names): %w", assay.ErrUnsupported)

// read reads an SBOM. Of several attestations, one a line as cosign prints them, it reads
// those of SBOMs; packages that an earlier one has are not listed again.
func read(b []byte) (assay.Facts, error) {
	all := attestations(b)
	if len(all) < 2 {
		return readOne(b)
	}
	var facts assay.Facts
	var errs stanza.Errors
	found, seen := false, map[string]bool{}
	for _, one := range all {
		f, err := readOne(one)
		if errors.Is(err, errNone) {
			continue // provenance, VEX
		}
		if err != nil {
			errs.Add(err)
		}
		if !found {
			facts, found = f, f.SBOM != ""
			for i := range f.Packages {
				seen[key(&f.Packages[i])] = true
			}
			continue
		}
		for i := range f.Packages {
			if k := key(&f.Packages[i]); !seen[k] && len(facts.Packages) < stanza.MaxPackages {
				seen[k] = true
				facts.Packages = append(facts.Packages, f.Packages[i])
			}
		}
	}
	if err := errs.Err(); err != nil || found {
		return facts, err
	}
	return assay.Facts{}, fmt.Errorf("none of %d attestations is of an SBOM: %w", len(all), errNone)
}

// key identifies a package among those of several SBOMs of one target.
func key(p *assay.Package) string { return p.Type + " " + p.Arch + " " + p.Ref() }

// maxAttestations bounds those of one file; an image has a few.
const maxAttestations = 1000

// attestations splits what is several documents of JSON, each an envelope or a
// statement; nil for all else.
func attestations(b []byte) (all []json.RawMessage) {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	if len(b) == 0 || b[0] != '{' || !bytes.Contains(b, []byte(`"payload"`)) && !bytes.Contains(b, []byte(`"predicate"`)) && !bytes.Contains(b, []byte(`"dsseEnvelope"`)) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	for len(all) < maxAttestations {
		var one json.RawMessage
		if d.Decode(&one) != nil {
			break
		}
		all = append(all, one)
	}
	if rest := b[d.InputOffset():]; len(all) > 0 && len(bytes.TrimSpace(rest)) > 0 {
		all = append(all, rest) // invalid, or too many: its error tells
	}
	return all
}

// readOne reads one SBOM, perhaps inside envelopes.
func readOne(b []byte) (assay.Facts, error) {
	for range maxWraps {
		inner, err := unwrap(b)
		if err != nil {
			return assay.Facts{}, err
		}
		if inner == nil {
			return bare(b)
		}
		b = inner
	}
	return assay.Facts{}, fmt.Errorf("more than %d nested envelopes: %w", maxWraps, assay.ErrTooLarge)
}

// envelope is what of attestations and bundles leads to the SBOM inside.
// https://github.com/secure-systems-lab/dsse/blob/master/envelope.md
// https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto
type envelope struct {
	PayloadType  string          `json:"payloadType"`
	Payload      string          `json:"payload"`
	DSSEEnvelope json.RawMessage `json:"dsseEnvelope"`
	Type         string          `json:"_type"`
	Predicate    json.RawMessage `json:"predicate"`
}

// unwrap returns what an attestation holds; nil when b is none.
func unwrap(b []byte) ([]byte, error) {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	if len(b) == 0 || b[0] != '{' || !bytes.Contains(b, []byte(`"payload"`)) && !bytes.Contains(b, []byte(`"predicate"`)) && !bytes.Contains(b, []byte(`"dsseEnvelope"`)) {
		return nil, nil
	}
	var e envelope
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&e); err != nil {
		return nil, malformed(err)
	}
	switch {
	case e.DSSEEnvelope != nil:
		return e.DSSEEnvelope, nil
	case e.Payload != "" && e.PayloadType != "":
		inner, err := base64.StdEncoding.DecodeString(e.Payload)
		if err != nil {
			return nil, fmt.Errorf("payload of the envelope: %w", malformed(err))
		}
		return inner, nil
	case e.Predicate != nil && strings.HasPrefix(e.Type, "https://in-toto.io/Statement"):
		return predicate(e.Predicate)
	}
	return nil, nil
}

// predicate is the SBOM of a statement; cosign has those in forms other than JSON as
// text, and in old ones as text in "Data".
func predicate(b json.RawMessage) ([]byte, error) {
	var whole string
	if json.Unmarshal(b, &whole) == nil {
		return []byte(whole), nil
	}
	var old struct{ Data json.RawMessage }
	if json.Unmarshal(b, &old) == nil && old.Data != nil {
		var text string
		if json.Unmarshal(old.Data, &text) == nil {
			return []byte(text), nil
		}
		return old.Data, nil
	}
	return b, nil
}

// bare reads an SBOM without envelopes, by what it begins with.
func bare(b []byte) (assay.Facts, error) {
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	switch {
	case len(b) == 0:
		return assay.Facts{}, fmt.Errorf("empty file: %w", errNone)
	case b[0] == '{':
		return object(b)
	case b[0] == '<':
		return fromXML(b)
	case bytes.HasPrefix(b, []byte("SPDXVersion:")) || bytes.Contains(b[:min(len(b), 4096)], []byte("\nSPDXVersion:")):
		return tagValue(b)
	case bytes.HasPrefix(b, []byte("pkg:")) || bytes.HasPrefix(b, []byte("cpe:")) || b[0] == '#':
		return list(b)
	}
	return assay.Facts{}, errNone
}

// object reads an SBOM in JSON, which says by its members which form it has.
func object(b []byte) (assay.Facts, error) {
	var form struct {
		BOMFormat   string          `json:"bomFormat"`
		SPDXVersion string          `json:"spdxVersion"`
		Context     json.RawMessage `json:"@context"`
		Graph       json.RawMessage `json:"@graph"`
		Artifacts   json.RawMessage `json:"artifacts"`
		Descriptor  json.RawMessage `json:"descriptor"`
		SBOM        json.RawMessage `json:"sbom"` // what GitHub exports has the document in this member
		cycloneParts
	}
	if err := json.Unmarshal(b, &form); err != nil {
		return assay.Facts{}, malformed(err)
	}
	switch {
	case form.BOMFormat == "CycloneDX":
		return fromJSON(form.cycloneParts)
	case form.SPDXVersion != "":
		return spdx2(b)
	case form.Graph != nil && bytes.Contains(form.Context, []byte("spdx")):
		return spdx3(b)
	case form.Artifacts != nil && form.Descriptor != nil:
		return syft(b)
	case bytes.Contains(form.SBOM, []byte(`"spdxVersion"`)):
		return spdx2(form.SBOM)
	}
	return assay.Facts{}, errNone
}

func malformed(err error) error {
	if errors.Is(err, assay.ErrMalformed) || errors.Is(err, assay.ErrTooLarge) {
		return err
	}
	return fmt.Errorf("%w: %w", err, assay.ErrMalformed)
}

// bounded notes that there are more packages than an SBOM may have.
func bounded(n int) error {
	if n > stanza.MaxPackages {
		return fmt.Errorf("%d packages, over the limit of %d: %w", n, stanza.MaxPackages, assay.ErrTooLarge)
	}
	return nil
}

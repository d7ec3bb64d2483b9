package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/rogpeppe/go-internal/testscript"
)

// pushArchive puts an archive's image into a registry: push ARCHIVE REFERENCE. The
// environment has its digest as $DIGEST then.
func pushArchive(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: push ARCHIVE REFERENCE")
	}
	img, err := tarball.ImageFromPath(ts.MkAbs(args[0]), nil)
	ts.Check(err)
	ref, err := name.ParseReference(args[1])
	ts.Check(err)
	ts.Check(remote.Write(ref, img))
	d, err := img.Digest()
	ts.Check(err)
	ts.Setenv("DIGEST", d.String())
}

// attest attaches a document to an image as cosign does, and writes the public
// key that verifies it: attest REFERENCE DOCUMENT KEY [DIGEST], where the digest
// is that of another image which the attestation is to be about.
func attest(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 && len(args) != 4 {
		ts.Fatalf("usage: attest REFERENCE DOCUMENT KEY [DIGEST]")
	}
	const kind = "application/vnd.in-toto+json"
	ref, err := name.ParseReference(args[0])
	ts.Check(err)
	d, err := remote.Head(ref)
	ts.Check(err)
	about := d.Digest.String()
	if len(args) == 4 {
		about = args[3]
	}
	payload := fmt.Sprintf(`{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://openvex.dev/ns","subject":[{"digest":{"sha256":%q}}],"predicate":%s}`,
		strings.TrimPrefix(about, "sha256:"), ts.ReadFile(args[1]))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600))
	sum := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(kind), kind, len(payload), payload))
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	ts.Check(err)
	envelope := fmt.Sprintf(`{"payloadType":%q,"payload":%q,"signatures":[{"sig":%q}]}`, kind, base64.StdEncoding.EncodeToString([]byte(payload)), base64.StdEncoding.EncodeToString(sig))
	img, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1), mutate.Addendum{
		Layer: static.NewLayer([]byte(envelope), "application/vnd.dsse.envelope.v1+json"), Annotations: map[string]string{"predicateType": "https://openvex.dev/ns"}})
	ts.Check(err)
	ts.Check(remote.Write(ref.Context().Tag(strings.Replace(d.Digest.String(), ":", "-", 1)+".att"), img))
}

// mkhub makes the archive of a VEX repository in which a document is about a
// package: mkhub OUT PURL DOCUMENT.
func mkhub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: mkhub OUT PURL DOCUMENT")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), contract.TarGz(contract.Member{Name: "hub/index.json", Content: fmt.Sprintf(`{"packages":[{"id":%q,"location":"a.json"}]}`, args[1])},
		contract.Member{Name: "hub/a.json", Content: ts.ReadFile(args[2])}), 0o644))
}

//go:build unix

package attestation

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

// TestRegistry asks Docker's own registry, which does not know of referrers.
func TestRegistry(t *testing.T) {
	host, _ := contract.Registry(t, "")
	s := newShelf(t, host)
	d := s.attach("", "application/vnd.openvex+json", "application/vnd.openvex+json", nil, document)
	s.refer(d, "application/vnd.openvex+json")
	if docs, gaps := s.find(Options{}); len(docs) != 1 || gaps != "" {
		t.Errorf("%d documents; gaps %q", len(docs), gaps)
	}
}

package tool

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestContract(t *testing.T) {
	contract.Feed(t, contract.FeedCase{Feed: Feed{}, Wanted: "conan", Documents: contract.Documents{Document: []byte(`[{"id": "CVE-2026-1", "package": "zlib", "fixed": "1.3"}]`)}})
}

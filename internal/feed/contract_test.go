package feed_test

import (
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/feed"
	"github.com/assaysec/assay/internal/test/contract"
)

func TestParts(t *testing.T) { contract.Parts(t, "Feed") }

// TestUse holds which feeds a scan may fetch by itself: none that is too large,
// or that is a guess.
func TestUse(t *testing.T) {
	for _, f := range feed.All() {
		if assay.UseOf(f) >= assay.UseRequest {
			t.Errorf("%s is fetched on request only, and is in the list", f.Name())
		}
	}
	for _, f := range feed.ForScans() {
		if assay.UseOf(f) != assay.UseAlways {
			t.Errorf("%s is no feed for scans", f.Name())
		}
	}
	if got, want := len(feed.All())-len(feed.ForScans()), 3; got != want {
		t.Errorf("%d feeds are too large for scans, want %d", got, want)
	}
	for _, f := range []assay.Feed{feed.MavenIndex(), feed.DebianChangelogs(nil)} {
		if assay.UseOf(f) != assay.UseRequest {
			t.Errorf("%s is fetched without a request", f.Name())
		}
	}
}

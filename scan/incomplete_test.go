package scan_test

import (
	"context"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/scan"
)

// npmFeed is a feed about npm with a name of its own.
func npmFeed(name string) assay.Feed {
	return otherFeed{oneFeed{[]assay.Stream{"npm"}}, name}
}

// TestMainFeedMissing: a registry's stream without its main feed is a gap with the reason,
// in later processes too, until the feed can be read.
func TestMainFeedMissing(t *testing.T) {
	dir := t.TempDir()
	docs := contract.Documents{"https://one.test/retirejs": []byte("x")}
	get := func() (assay.Getter, error) { return docs, context.Cause(t.Context()) }
	feeds := []assay.Feed{npmFeed("retirejs"), npmFeed("osv")}
	for _, tt := range []struct {
		name    string
		o       scan.DatabaseOptions
		has     bool
		because string
	}{
		{"not in the mirror", scan.DatabaseOptions{Getter: get}, false, "one.test/osv"},
		{"offline", scan.DatabaseOptions{Offline: true}, false, ""},
		{"no update", scan.DatabaseOptions{SkipUpdate: true}, false, ""},
		{"in the mirror at last", scan.DatabaseOptions{Getter: get}, true, ""},
		{"offline then", scan.DatabaseOptions{Offline: true}, true, ""},
	} {
		if tt.has {
			docs["https://one.test/osv"] = []byte("x")
		}
		tt.o.CacheDir, tt.o.Feeds = dir, feeds
		gaps, err := ensure(t, openDatabase(t, tt.o), "npm")
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if tt.has {
			if len(gaps) > 0 {
				t.Errorf("%s: %v", tt.name, gaps)
			}
			continue
		}
		if len(gaps) != 1 || gaps[0].Where != "advisories of npm" || !strings.Contains(gaps[0].What, "without feed osv") || !strings.Contains(gaps[0].What, tt.because) {
			t.Errorf("%s: %v", tt.name, gaps)
		}
	}
}

package scan_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/scan"
)

// otherFeed is a feed with a name, a stream and a document of its own.
type otherFeed struct {
	oneFeed
	name string
}

func (f otherFeed) Name() string { return f.name }
func (f otherFeed) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	r, err := g.Get(ctx, "https://one.test/"+f.name)
	if err != nil {
		return err
	}
	r.Close()
	for _, w := range wanted {
		if err := s.Advisory(row("CVE-2024-0001", w, "src", assay.SeverityLow)); err != nil {
			return err
		}
	}
	return nil
}

// TestFailureOfOtherFeed: a stream is not blamed for a feed that does not have it.
func TestFailureOfOtherFeed(t *testing.T) {
	d := openDatabase(t, scan.DatabaseOptions{CacheDir: t.TempDir(), Feeds: []assay.Feed{otherFeed{oneFeed{[]assay.Stream{"x"}}, "gone"}, silentFeed{}},
		Getter: func() (assay.Getter, error) { return contract.Documents{}, nil }})
	_, err := ensure(t, d, "x", "y")
	var text string
	for _, e := range err.(interface{ Unwrap() []error }).Unwrap() {
		text += e.Error() + "\n"
	}
	if !errors.Is(err, assay.ErrUnsupported) || !strings.Contains(text, "x: cannot be fetched: gone: ") || !strings.Contains(text, "y: the publisher has no advisories for it") {
		t.Errorf("%s", text)
	}
}

// silentFeed has no advisories about its stream.
type silentFeed struct{}

func (silentFeed) Name() string            { return "silent" }
func (silentFeed) Streams() []assay.Stream { return []assay.Stream{"y"} }
func (silentFeed) Fetch(context.Context, assay.Getter, []assay.Stream, assay.Sink) error {
	return nil
}

package db

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

// panicking is a feed that gets its document and panics.
type panicking struct{ lines }

func (f panicking) Fetch(ctx context.Context, g assay.Getter, wanted []assay.Stream, s assay.Sink) error {
	if err := f.lines.Fetch(ctx, g, wanted, s); err != nil {
		return err
	}
	panic("index out of range")
}

// panickingList is a feed that lists a directory and panics.
type panickingList struct{ lines }

func (panickingList) Fetch(ctx context.Context, g assay.Getter, _ []assay.Stream, _ assay.Sink) error {
	if _, err := g.(assay.Lister).List(ctx, "https://example.org/dir/"); err != nil && !errors.Is(err, assay.ErrUnsupported) {
		return err
	}
	panic("index out of range")
}

// TestPanic holds that a feed that panics is a feed that fails, with its name
// and its document, and that the others go on.
func TestPanic(t *testing.T) {
	var w web
	w.set("bad", "debian:12 bash CVE-1 1\n")
	w.set("good", "alpine:3 bash CVE-1 1\n")
	feeds := []assay.Feed{panicking{lines{name: "bad", streams: []assay.Stream{"debian:12"}}}, lines{name: "good", streams: []assay.Stream{"alpine:3"}}}
	res, err := (&Builder{}).Update(t.Context(), t.TempDir(), feeds, &w, nil)
	if err == nil || !strings.Contains(err.Error(), "bad: bad: internal error: index out of range") {
		t.Errorf("error %v", err)
	}
	if _, err := (&Builder{}).Update(t.Context(), t.TempDir(), []assay.Feed{panickingList{lines{name: "bad", streams: []assay.Stream{"debian:12"}}}}, &w, nil); err == nil || !strings.Contains(err.Error(), "bad: https://example.org/dir/: internal error: index out of range") {
		t.Errorf("after a list: error %v", err)
	}
	if len(res.Built) != 1 || res.Built[0] != "alpine:3" {
		t.Errorf("built %v", res.Built)
	}
}

package db

import (
	"context"
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
	if len(res.Built) != 1 || res.Built[0] != "alpine:3" {
		t.Errorf("built %v", res.Built)
	}
}

package report

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

// TestPanic holds that a format that panics is one that fails, by its name, and
// that options that a format does not take are refused.
func TestPanic(t *testing.T) {
	f := guard(assay.Format{Name: "bad", Check: func(assay.FormatOptions) error { panic("oops") }, Write: func(io.Writer, *assay.Report, assay.FormatOptions) error { panic("oops") }})
	r := &assay.Report{Image: assay.ImageInfo{Name: "app:1"}}
	if err := f.Write(io.Discard, r, assay.FormatOptions{}); err == nil || err.Error() != "format bad: the report on app:1: internal error: oops" {
		t.Errorf("write: %v", err)
	}
	if err := f.CheckOptions(assay.FormatOptions{}); err == nil || err.Error() != "format bad: its options: internal error: oops" {
		t.Errorf("check: %v", err)
	}
	if err := f.CheckOptions(assay.FormatOptions{Tree: true}); !errors.Is(err, assay.ErrUnsupported) || strings.Count(err.Error(), "format bad") != 1 {
		t.Errorf("check of an option that is not declared: %v", err)
	}
	if f := guard(assay.Format{Name: "all"}); f.Check != nil {
		t.Error("a format that takes all values has a Check")
	}
	for _, f := range All() {
		for option := assay.OptionWidth; option <= assay.OptionMaxChars; option <<= 1 {
			o := assay.FormatOptions{Width: 1, Color: true, ShowLayers: true, AllPkgs: true, Tree: true, Suppressed: true, Template: "x", MaxChars: 9000}
			only := assay.Format{Options: option}
			for _, err := range []error{f.Write(io.Discard, r, only.Keep(o)), f.CheckOptions(only.Keep(o))} {
				if refused := errors.Is(err, assay.ErrUnsupported) && strings.Contains(err.Error(), "option "+option.String()); refused == f.Takes(option) {
					t.Errorf("%s: option %s: %v", f.Name, option, err)
				}
			}
		}
	}
}

package distro_test

import (
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/distro"
)

func TestFromOSV(t *testing.T) {
	for _, tt := range []struct {
		release assay.Release
		want    assay.Stream
	}{
		{assay.Release{ID: "alpaquita", Version: "23"}, "alpaquita:23"},
		{assay.Release{ID: "alpaquita", Version: "23.1"}, "alpaquita:23"},
		{assay.Release{ID: "alpaquita", Version: "stream"}, "alpaquita:stream"},
		{assay.Release{ID: "alpaquita", Name: "BellSoft Alpaquita Linux Stream (musl)", Version: "20250101"}, "alpaquita:stream"},
		{assay.Release{ID: "bellsoft-hardened-containers", Version: "25"}, "bellsoft-hardened-containers:25"},
		{assay.Release{ID: "mageia", Version: "9"}, "mageia:9"},
		{assay.Release{ID: "echo", Version: "1"}, "echo"},
	} {
		f, ok := distro.Of(tt.release)
		if !ok || f.Stream(tt.release) != tt.want || !f.BySource {
			t.Errorf("%+v: %+v, want %s", tt.release, f, tt.want)
		}
	}
}

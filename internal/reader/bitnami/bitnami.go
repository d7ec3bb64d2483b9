// Package bitnami reads the list of components in Bitnami's older images; newer
// ones have an SBOM for each.
package bitnami

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxList: an image has some ten components.
const maxList = 4 << 20

// Components reads opt/bitnami/.bitnami_components.json. Versions have
// Bitnami's revision behind them, "4.4.11-2".
//
// Format: that of stacksmith, which Bitnami's images are made with; by the
// files of mongodb:4.4.11-debian-10-r0 (2022).
type Components struct{}

func (Components) Name() string { return "bitnami" }

func (Components) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "opt/bitnami/.bitnami_components.json", Scope: assay.ScopeInstalled, MaxSize: maxList}}
}

func (Components) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	var doc map[string]struct {
		Arch    string `json:"arch"`
		Version string `json:"version"`
	}
	l := listing.New(assay.TypeBitnami)
	l.Error(listing.Decode(f, maxList, json.Unmarshal, &doc))
	for _, name := range slices.Sorted(maps.Keys(doc)) {
		if i := l.Add(name, doc[name].Version); i >= 0 {
			l.Packages[i].Arch = doc[name].Arch
		}
	}
	return l.Facts()
}

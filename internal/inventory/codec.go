package inventory

import (
	"fmt"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/wire"
)

// Facts and inventories are cached in the format of package wire. Only the build that
// wrote them reads them, so fields may change.

func encode(l *layerFacts) []byte { return wire.Append(nil, l) }

func decode(b []byte) (*layerFacts, error) {
	l := &layerFacts{}
	return l, decodeAll(b, l)
}

// decodeAll decodes b as one value, without further bytes.
func decodeAll[T any](b []byte, v *T) error {
	rest, err := wire.Decode(b, v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("cached facts: %d extra bytes: %w", len(rest), assay.ErrMalformed)
	}
	return err
}

// encodeInventory encodes the squashed inventory of an image's layers. A package's
// layer is stored as its number only, because other images with the same layers may
// have created them by other instructions.
func encodeInventory(inv *assay.Inventory, layer func(int) assay.LayerRef, layers int) []byte {
	stored := *inv
	stored.Packages = slices.Clone(inv.Packages)
	for i := range stored.Packages {
		if ref := &stored.Packages[i].Layer; ref.Index >= 0 && ref.Index < layers && *ref == layer(ref.Index) {
			*ref = assay.LayerRef{Index: ref.Index}
		}
	}
	return wire.Append(nil, &stored)
}

func decodeInventory(b []byte, layer func(int) assay.LayerRef, layers int) (*assay.Inventory, error) {
	inv := &assay.Inventory{}
	if err := decodeAll(b, inv); err != nil {
		return nil, err
	}
	for i := range inv.Packages {
		if ref := &inv.Packages[i].Layer; *ref == (assay.LayerRef{Index: ref.Index}) && ref.Index >= 0 && ref.Index < layers {
			*ref = layer(ref.Index)
		}
	}
	return inv, nil
}

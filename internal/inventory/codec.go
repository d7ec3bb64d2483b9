package inventory

import (
	"fmt"
	"slices"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/wire"
)

// Facts and inventories are cached as package wire writes them. They are read by
// the build that wrote them only, so fields need not stay what they are.

func encode(l *layerFacts) []byte { return wire.Append(nil, l) }

func decode(b []byte) (*layerFacts, error) {
	l := &layerFacts{}
	return l, decodeAll(b, l)
}

// decodeAll decodes what b is from its beginning to its end.
func decodeAll[T any](b []byte, v *T) error {
	rest, err := wire.Decode(b, v)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("cached facts: %d bytes too many: %w", len(rest), assay.ErrMalformed)
	}
	return err
}

// encodeInventory writes what squash made of an image's layers. A package's layer is
// written by its number alone where it is one of the image's: other images with the
// same layers may have them from other instructions.
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

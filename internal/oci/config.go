package oci

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/assaysec/assay"
)

// configuration contains the fields of an image configuration that assay uses.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/config.md
type configuration struct {
	Created string `json:"created"`
	Platform
	RootFS struct {
		DiffIDs List[string] `json:"diff_ids"`
	} `json:"rootfs"`
	Config struct {
		Labels baseLabels `json:"Labels"`
	} `json:"config"`
	History List[struct {
		CreatedBy  string `json:"created_by"`
		EmptyLayer bool   `json:"empty_layer"`
	}] `json:"history"`
}

// baseLabels name the base image, in a manifest's annotations or in labels.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/annotations.md#pre-defined-annotation-keys
type baseLabels struct {
	Name   string `json:"org.opencontainers.image.base.name"`
	Digest string `json:"org.opencontainers.image.base.digest"`
}

// base returns the base image that labels name; nil where they name none. Labels do not
// say how many layers belong to it. The history does: a CMD or ENTRYPOINT that is not
// the last one ends the base image's part.
func (l baseLabels) base(configuration []byte, layers int) *assay.BaseImage {
	if l == (baseLabels{}) {
		return nil
	}
	b := &assay.BaseImage{Name: l.Name, Digest: l.Digest, By: "the image's label or annotation"}
	if n := baseLayers(configuration, layers); n > 0 {
		b.Layers, b.By = n, b.By+", and the last CMD or ENTRYPOINT in its history before other instructions"
	}
	return b
}

// baseLayers counts the layers up to the last CMD or ENTRYPOINT that is followed by
// further layers; 0 where the history has none.
func baseLayers(raw []byte, layers int) (base int) {
	var c configuration
	if Unmarshal(raw, &c) != nil {
		return 0
	}
	n, at := 0, 0
	for _, h := range c.History {
		switch {
		case !h.EmptyLayer:
			n++
			base = at
		case strings.Contains(h.CreatedBy, "CMD [") || strings.Contains(h.CreatedBy, "ENTRYPOINT ["):
			at = n
		}
	}
	if n != layers {
		return 0
	}
	return base
}

// Image builds an image from its configuration, which must list one diff ID for each
// layer. It sets those fields of the layers that the configuration contains. Where the
// history does not match the layers, the layers have no instruction and there is a gap.
func Image(raw []byte, layers int) (*assay.Image, error) {
	var c configuration
	if err := Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	if n := len(c.RootFS.DiffIDs); n != layers {
		return nil, fmt.Errorf("%d diff IDs for %d layers: %w", n, layers, assay.ErrMalformed)
	}
	img := &assay.Image{
		ID:       Digest(raw),
		Platform: assay.Platform(c.Platform),
		Config:   json.RawMessage(raw),
		Layers:   make([]assay.Layer, layers),
	}
	if t, err := time.Parse(time.RFC3339Nano, c.Created); err == nil {
		img.Created = t
	}
	for i, d := range c.RootFS.DiffIDs {
		if _, _, err := SplitDigest(d); err != nil {
			return nil, fmt.Errorf("diff ID of layer %d: %w", i, err)
		}
		img.Layers[i] = assay.Layer{DiffID: d, History: -1}
	}
	var made []int
	for i, h := range c.History {
		if !h.EmptyLayer {
			made = append(made, i)
		}
	}
	img.Base = c.Config.Labels.base(raw, layers)
	if len(c.History) == 0 {
		return img, nil // history is optional; several builders write none
	}
	if len(made) != layers {
		img.Gaps = append(img.Gaps, assay.Gap{Where: "image configuration", What: fmt.Sprintf("its history lists %d layers, but the image has %d: the instruction that created each layer is unknown", len(made), layers)})
		return img, nil
	}
	for i, h := range made {
		img.Layers[i].History, img.Layers[i].CreatedBy = h, c.History[h].CreatedBy
	}
	return img, nil
}

package oci

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/assaysec/assay"
)

// configuration is what is used of an image configuration.
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

// baseLabels tell of the base image, in a manifest's annotations or in labels.
// https://github.com/opencontainers/image-spec/blob/v1.1.0/annotations.md#pre-defined-annotation-keys
type baseLabels struct {
	Name   string `json:"org.opencontainers.image.base.name"`
	Digest string `json:"org.opencontainers.image.base.digest"`
}

// base is what labels say of the base image; nil where that is nothing. They do
// not tell which layers are its: the history of the configuration does, where
// another CMD or ENTRYPOINT than the last ends a part of it.
func (l baseLabels) base(configuration []byte, layers int) *assay.BaseImage {
	if l == (baseLabels{}) {
		return nil
	}
	b := &assay.BaseImage{Name: l.Name, Digest: l.Digest, By: "the image's label or annotation"}
	if n := baseLayers(configuration, layers); n > 0 {
		b.Layers, b.By = n, b.By+", and the CMD or ENTRYPOINT that ends a part of its history"
	}
	return b
}

// baseLayers counts the layers up to the last CMD or ENTRYPOINT above which there
// are more; 0 where the history does not tell.
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

// Image builds an image from its configuration, which must name as many diff
// IDs as there are layers. Of the layers only what the configuration knows is
// set. Where the history does not fit the layers, they have none and a gap
// says so.
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
		img.Gaps = append(img.Gaps, assay.Gap{Where: "image configuration", What: fmt.Sprintf("its history names %d layers but there are %d, so the instruction behind a layer cannot be told", len(made), layers)})
		return img, nil
	}
	for i, h := range made {
		img.Layers[i].History, img.Layers[i].CreatedBy = h, c.History[h].CreatedBy
	}
	return img, nil
}

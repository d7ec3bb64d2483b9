package oci

import (
	"encoding/json"
	"fmt"
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
	History List[struct {
		CreatedBy  string `json:"created_by"`
		EmptyLayer bool   `json:"empty_layer"`
	}] `json:"history"`
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

package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
)

// A step is a history entry of an image configuration.
type step struct {
	Created    string `json:"created,omitempty"`
	CreatedBy  string `json:"created_by,omitempty"`
	Comment    string `json:"comment,omitempty"`
	EmptyLayer bool   `json:"empty_layer,omitempty"`
	size       int64
}

// history reads the image's history, first step first. The daemon does not say which
// steps created a layer, so that follows from their sizes and instructions. Where their
// number differs from that of the layers there is a gap.
func (d *daemon) history(ctx context.Context, id string, layers int) ([]step, []assay.Gap) {
	got, err := d.ImageHistory(ctx, id)
	if err != nil {
		return nil, []assay.Gap{{Where: "image history", What: fmt.Sprintf("%v, so the instruction that created each layer is unknown", err)}}
	}
	steps := make([]step, 0, len(got.Items))
	for _, i := range slices.Backward(got.Items) {
		steps = append(steps, step{
			Created: time.Unix(i.Created, 0).UTC().Format(time.RFC3339), CreatedBy: i.CreatedBy, Comment: i.Comment, size: i.Size,
		})
	}
	for _, empty := range []func(step) bool{
		func(s step) bool { return s.size == 0 },
		func(s step) bool { return s.size == 0 && setsConfig(s.CreatedBy) },
		func(s step) bool { return setsConfig(s.CreatedBy) },
		func(step) bool { return false },
	} {
		made := 0
		for i := range steps {
			if steps[i].EmptyLayer = empty(steps[i]); !steps[i].EmptyLayer {
				made++
			}
		}
		if made == layers {
			return steps, nil
		}
	}
	return steps, []assay.Gap{{Where: "image history", What: fmt.Sprintf("its %d steps do not match the %d layers, so the instruction that created each layer is unknown", len(steps), layers)}}
}

// setsConfig reports whether an instruction, as written by the classic builder and
// BuildKit, changes only the configuration.
// https://docs.docker.com/reference/dockerfile/
func setsConfig(createdBy string) bool {
	s := strings.TrimSpace(createdBy)
	if _, after, ok := strings.Cut(s, "#(nop)"); ok {
		s = strings.TrimSpace(after)
	}
	word, _, _ := strings.Cut(s, " ")
	switch strings.ToUpper(word) {
	case "ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "ONBUILD", "SHELL", "STOPSIGNAL", "USER", "VOLUME":
		return true
	}
	return false
}

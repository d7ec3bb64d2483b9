package oci

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// TestBase: labels name the base image, the history tells its layers.
func TestBase(t *testing.T) {
	const label = `"org.opencontainers.image.base.name":"docker.io/library/debian:12"`
	layer, cmd, entry, env := `{"created_by":"RUN x"}`, `{"created_by":"CMD [\"bash\"]","empty_layer":true}`, `{"created_by":"/bin/sh -c #(nop)  ENTRYPOINT [\"a\"]","empty_layer":true}`, `{"created_by":"ENV A=b","empty_layer":true}`
	const named, ended = "the image's label or annotation", "the image's label or annotation, and the last CMD or ENTRYPOINT in its history before other instructions"
	for _, tt := range []struct {
		name, labels string
		history      []string
		layers       int
		want         *assay.BaseImage
	}{
		{"no label", "", []string{layer, cmd, layer, cmd}, 2, nil},
		{"label", label, []string{layer, cmd, env, layer, cmd}, 2, &assay.BaseImage{Name: "docker.io/library/debian:12", Layers: 1, By: ended}},
		{"the last that is below a layer", label, []string{layer, cmd, layer, entry, layer, layer, entry, cmd}, 4, &assay.BaseImage{Name: "docker.io/library/debian:12", Layers: 2, By: ended}},
		{"no part ends", label, []string{layer, layer, cmd}, 2, &assay.BaseImage{Name: "docker.io/library/debian:12", By: named}},
		{"no history", label, nil, 2, &assay.BaseImage{Name: "docker.io/library/debian:12", By: named}},
		{"a history of other layers", label, []string{layer, cmd, layer}, 1, &assay.BaseImage{Name: "docker.io/library/debian:12", By: named}},
		{"a digest", `"org.opencontainers.image.base.digest":"sha256:00"`, []string{layer}, 1, &assay.BaseImage{Digest: "sha256:00", By: named}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ids := make([]string, tt.layers)
			for i := range ids {
				ids[i] = fmt.Sprintf("%q", Digest([]byte{byte(i)}))
			}
			raw := fmt.Sprintf(`{"config":{"Labels":{%s}},"rootfs":{"diff_ids":[%s]},"history":[%s]}`, tt.labels, strings.Join(ids, ","), strings.Join(tt.history, ","))
			img, err := Image([]byte(raw), tt.layers)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, img.Base); d != "" {
				t.Error(d)
			}
		})
	}
}

package inventory

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/wire"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/testimage"
	"github.com/google/go-cmp/cmp"
)

// TestCodecKeepsAll: no field of what is cached is forgotten, whatever is added.
func TestCodecKeepsAll(t *testing.T) {
	n := 0
	want := &layerFacts{}
	contract.Fill(t, reflect.ValueOf(want).Elem(), &n)
	if len(want.Files) != 2 || want.Files[0].Facts.Gaps[1].What == "" || want.Files[1].Facts.DevLeftOut == 0 || want.Files[1].Facts.Packages[1].EOL == "" {
		t.Fatalf("not filled: %+v", want)
	}
	b := encode(want)
	got, err := decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(layerFacts{}, fileFacts{})); d != "" {
		t.Error(d)
	}
	for i := range b {
		if _, err := decode(b[:i]); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	inv := &assay.Inventory{}
	contract.Fill(t, reflect.ValueOf(inv).Elem(), &n)
	ref := func(i int) assay.LayerRef { return assay.LayerRef{Index: i, DiffID: fmt.Sprint("layer ", i)} }
	inv.Packages[0].Layer = ref(1)
	back, err := decodeInventory(encodeInventory(inv, ref, 2), ref, 2)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(inv, back); d != "" {
		t.Error(d)
	}
	p, q := &packed{}, &packed{}
	contract.Fill(t, reflect.ValueOf(p).Elem(), &n)
	if err := decodeAll(wire.Append(nil, p), q); err != nil || !cmp.Equal(p, q, cmp.AllowUnexported(packed{})) {
		t.Errorf("%+v, %v", q, err)
	}
}

// sbomLike is a reader whose facts have what only those of SBOMs have.
type sbomLike struct{}

func (sbomLike) Name() string { return "bill" }

func (sbomLike) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/bill", Scope: assay.ScopeInstalled}}
}

func (sbomLike) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	return assay.Facts{Gaps: []assay.Gap{{Where: f.Path, What: "a package without a name"}}, DevLeftOut: 3, SBOM: "spdx", Packages: []assay.Package{{Type: "npm", Name: "a", Version: "1"}}}, nil
}

// TestCacheKeepsAll: a cached scan tells what the first one told, by layers and by
// the whole image.
func TestCacheKeepsAll(t *testing.T) {
	c := &counting{entries: map[string][]byte{}}
	o := Options{Readers: []assay.Reader{sbomLike{}}, Cache: c}
	var want *assay.Inventory
	for i, text := range []string{"-- 1/bill --\nx\n", "-- 1/bill --\nx\n", "-- 1/bill --\nx\n-- 2/y --\n"} { // read; the image cached; its first layer cached
		inv, err := Build(t.Context(), testimage.Parse(t, text), o)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = inv
		}
		if inv.DevLeftOut != 3 || len(inv.Packages) != 1 || len(inv.Gaps) != 1 || inv.SBOM != "spdx" {
			t.Errorf("scan %d: %+v", i, inv)
		}
		if d := cmp.Diff(want, inv); d != "" {
			t.Errorf("scan %d: %s", i, d)
		}
	}
	if c.hits != 2 {
		t.Errorf("%d hits in the cache", c.hits)
	}
}

package bitnami

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

const (
	file   = "opt/bitnami/.bitnami_components.json"
	sample = `{"redis": {"arch": "amd64", "digest": "0f", "distro": "debian-11", "type": "NAMI", "version": "7.0.5-1"}, "bare": {}}`
)

func TestComponents(t *testing.T) {
	facts, err := contract.Read(t, Components{}, file, sample)
	if d := cmp.Diff([]assay.Package{{Type: "bitnami", Name: "redis", Version: "7.0.5-1", Arch: "amd64"}}, facts.Packages); d != "" || !errors.Is(err, assay.ErrUnsupported) {
		t.Error(d, err)
	}
	if _, err := contract.Read(t, Components{}, file, "bogus"); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
}

func TestConformance(t *testing.T) {
	for name, want := range map[string][]string{
		"mongodb":    {"gosu@1.14.0-1", "mongodb@4.4.11-2", "render-template@1.0.1-5", "wait-for-port@1.0.1-5", "yq@4.16.2-2"},
		"postgresql": {"postgresql@11.22.0-4"},
	} {
		facts, errs := contract.ReadDir(t, Components{}, corpus.Path(t, "conformance/syft/bitnami/components-json-"+name))
		var got []string
		for _, p := range facts[file].Packages {
			got = append(got, p.Ref())
		}
		if d := cmp.Diff(want, got); d != "" || errs[file] != nil {
			t.Error(d, errs)
		}
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Components{}, map[string]string{file: sample})
}

func FuzzComponents(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(t *testing.T, content string) { contract.Read(t, Components{}, file, content) })
}

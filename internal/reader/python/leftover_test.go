package python

import (
	"testing"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestLeftovers(t *testing.T) {
	for file, want := range map[string]int{
		"lib/site-packages/django-2.0.dist-info/METADATA": 1, "lib/site-packages/~jango-2.0.dist-info/METADATA": 0, "lib/site-packages/-jango-2.0.dist-info/METADATA": 0,
		"lib/site-packages/~jango.egg-info/PKG-INFO": 0, "lib/site-packages/~jango-2.0.egg/EGG-INFO/PKG-INFO": 0, "~home/lib/django-2.0.dist-info/METADATA": 1,
	} {
		facts, err := contract.Read(t, Installed{}, file, "Metadata-Version: 2.1\nName: Django\nVersion: 2.0\n")
		if len(facts.Packages) != want || err != nil {
			t.Errorf("%s: %v, %v", file, facts.Packages, err)
		}
	}
}

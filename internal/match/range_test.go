package match

import (
	"errors"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/version"
)

// TestSeveralFixes: a range for each fix, of which the earlier did not suffice.
func TestSeveralFixes(t *testing.T) {
	c := &comparer{scheme: version.Apk, keys: map[string]version.Key{}}
	in, err := c.place("1.0-r0")
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.find(&assay.Affected{Ranges: []assay.Range{{Fixed: "1.10-r0"}, {Fixed: "1.2-r0"}, {Fixed: "0.9-r0"}}}, in)
	if err != nil || r == nil || r.Fixed != "1.10-r0" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestDoubtfulFix: by apk's rule 4.10-1-r1 is below 4.10-r0, which is hardly
// what its author meant: that is a gap, not a clean package.
func TestDoubtfulFix(t *testing.T) {
	c := &comparer{scheme: version.Apk, keys: map[string]version.Key{}}
	in, err := c.place("4.10-r0")
	if err != nil {
		t.Fatal(err)
	}
	if r, err := c.find(&assay.Affected{Ranges: []assay.Range{{Fixed: "4.10-1-r1"}}}, in); r != nil || !errors.Is(err, assay.ErrMalformed) {
		t.Errorf("%v, %v", r, err)
	}
}

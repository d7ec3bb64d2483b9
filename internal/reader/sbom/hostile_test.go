package sbom

import (
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

// TestQuick holds that reading a file takes no more than its length demands:
// tenths of a second for these.
func TestQuick(t *testing.T) {
	for _, tt := range []struct {
		name   string
		reader assay.Reader
		path   string
		in     string
	}{
		{"notes on no package", Reader{}, "a.json", `{"@context":"spdx","@graph":[` + contract.Many(20_000, `{"type":"software_Package","spdxId":"S#","name":"a#","software_packageVersion":"1"},`) + contract.Many(20_000, `{"type":"Annotation","subject":"T#","statement":"assay:x: y"},`) + `{}]}`},
		{"one that depends on all", Reader{}, "a.json", `{"bomFormat":"CycloneDX","components":[` + contract.Many(30_000, `{"type":"library","name":"a#","version":"1","purl":"pkg:npm/a#@1","bom-ref":"r#"},`) + `{}],"dependencies":[{"ref":"r0","dependsOn":[` + contract.Many(30_000, `"r#",`) + `"x"]}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			contract.Quick(t, tt.reader, tt.path, tt.in)
		})
	}
}

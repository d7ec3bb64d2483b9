package cyclonedx

import (
	"bytes"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/assaysec/assay/internal/test/contract"
)

func TestFormat(t *testing.T) {
	check := func(form cdx.BOMFileFormat) func([]byte) error {
		return func(document []byte) error {
			return cdx.NewBOMDecoder(bytes.NewReader(document), form).Decode(new(cdx.BOM))
		}
	}
	t.Run("JSON", func(t *testing.T) {
		contract.Format(t, contract.FormatCase{Format: JSON, Check: check(cdx.BOMFileFormatJSON)})
	})
	t.Run("XML", func(t *testing.T) {
		contract.Format(t, contract.FormatCase{Format: XML, Check: check(cdx.BOMFileFormatXML)})
	})
}

package template

import (
	"encoding/json"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

func TestFormat(t *testing.T) {
	contract.Format(t, contract.FormatCase{Format: New(nil), Options: assay.FormatOptions{Template: "{{toJson .}}"},
		Check: func(document []byte) error { return json.Unmarshal(document, new(assay.Report)) }})
}

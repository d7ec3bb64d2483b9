package spdx

import (
	"bytes"
	"fmt"
	"regexp"
	"testing"

	spdxjson "github.com/spdx/tools-golang/json"

	"github.com/assaysec/assay/internal/test/contract"
)

// tagged is a line of the form: a tag and its value, a comment, or nothing.
var tagged = regexp.MustCompile(`^([A-Z][A-Za-z0-9]*: .*|#.*|)$`)

func TestFormat(t *testing.T) {
	t.Run("JSON", func(t *testing.T) {
		contract.Format(t, contract.FormatCase{Format: JSON, Check: func(document []byte) error {
			_, err := spdxjson.Read(bytes.NewReader(document))
			return err
		}})
	})
	t.Run("tags", func(t *testing.T) {
		contract.Format(t, contract.FormatCase{Format: TagValue, Check: func(document []byte) error {
			for line := range bytes.Lines(document) {
				if line = bytes.TrimRight(line, "\n"); !tagged.Match(line) {
					return fmt.Errorf("no tag in %q", line)
				}
			}
			return nil
		}})
	})
}

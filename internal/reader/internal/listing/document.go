package listing

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/limit"
)

// Unmarshal is json.Unmarshal, or that of another format.
type Unmarshal func([]byte, any) error

// Decode reads a document of max bytes at most into v. An error of a part may
// leave the rest in v. A document of nothing is none, and no error.
func Decode(f *assay.File, max int64, unmarshal Unmarshal, v any) error {
	b, err := limit.ReadAll(f.Reader(), max)
	if err != nil {
		return err
	}
	return DecodeBytes(b, unmarshal, v)
}

// Sibling is Decode for the file at name relative to f's directory; found is false
// when there is none.
func Sibling(f *assay.File, name string, max int64, unmarshal Unmarshal, v any) (found bool, err error) {
	b, err := f.Sibling(name, max)
	if errors.Is(err, assay.ErrNotFound) {
		return false, nil
	}
	if err == nil {
		err = DecodeBytes(b, unmarshal, v)
	}
	if err != nil {
		return true, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}

// DecodeBytes is Decode for a document that was read.
func DecodeBytes(b []byte, unmarshal Unmarshal, v any) error {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	if len(bytes.TrimSpace(b)) == 0 {
		return nil
	}
	return malformed(unmarshal(b, v))
}

// JSON decodes a document of JSON, which cannot be of nothing, into v.
func JSON(b []byte, v any) error {
	return malformed(json.Unmarshal(bytes.TrimPrefix(b, []byte("\ufeff")), v))
}

// malformed wraps what wraps no error of ours yet.
func malformed(err error) error {
	var syntax *json.SyntaxError
	switch {
	case err == nil, errors.Is(err, assay.ErrMalformed), errors.Is(err, assay.ErrTooLarge):
		return err
	case errors.As(err, &syntax):
		return fmt.Errorf("offset %d: %w: %w", syntax.Offset, err, assay.ErrMalformed)
	}
	return fmt.Errorf("%w: %w", err, assay.ErrMalformed)
}

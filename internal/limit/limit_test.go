package limit

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

func TestBounds(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		max      int64
		want     error
	}{
		{"under", "abc", 4, nil},
		{"exactly", "abcd", 4, nil},
		{"over", "abcde", 4, assay.ErrTooLarge},
		{"nothing allowed, nothing there", "", 0, nil},
		{"nothing allowed", "a", 0, assay.ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := ReadAll(strings.NewReader(tt.in), tt.max); !errors.Is(err, tt.want) {
				t.Errorf("ReadAll: %v, want %v", err, tt.want)
			}
			b, err := io.ReadAll(Reader(strings.NewReader(tt.in), tt.max))
			if !errors.Is(err, tt.want) || int64(len(b)) > tt.max {
				t.Errorf("Reader: %q, %v, want at most %d bytes and %v", b, err, tt.max, tt.want)
			}
		})
	}
}

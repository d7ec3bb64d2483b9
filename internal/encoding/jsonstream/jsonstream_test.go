package jsonstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

// walk reads {"list": [{"n": 1}, …]} and returns what it saw.
func walk(d *Decoder) (got []string, err error) {
	err = d.Object(func(key string) error {
		if key != "list" {
			got = append(got, "skip "+key)
			return d.Skip()
		}
		return d.Array(func() error {
			var v struct {
				N int `json:"n"`
			}
			ok, err := d.Value(&v)
			if err == nil {
				got = append(got, fmt.Sprint(v.N, ok))
			}
			return err
		})
	})
	if err == nil {
		err = d.End()
	}
	return got, err
}

func TestWalk(t *testing.T) {
	long := `{"list":[{"n":1,"x":"` + strings.Repeat("x", 300) + `"}]}`
	for _, tt := range []struct {
		name, in string
		want     []string
		err      error
	}{
		{"all", `{"a": [1, {"b": 2}], "list": [{"n": 1}, {"n": 2}], "c": null}` + "\n", []string{"skip a", "1 true", "2 true", "skip c"}, nil},
		{"wrong shapes", `{"list": [{"n": 1}, {"n": "x"}, [], 5, {"n": 3}]}`, []string{"1 true", "0 false", "0 false", "0 false", "3 true"}, nil},
		{"empty", ``, nil, io.ErrUnexpectedEOF},
		{"cut", `{"list": [{"n": 1}, {"n`, []string{"1 true"}, io.ErrUnexpectedEOF},
		{"cut after a value", `{"list": [{"n": 1}`, []string{"1 true"}, io.ErrUnexpectedEOF},
		{"cut at the end", `{"list": [{"n": 1}]`, []string{"1 true"}, io.ErrUnexpectedEOF},
		{"no JSON inside", `{"list": [{"n": 1}, {n: 2}]}`, []string{"1 true"}, assay.ErrMalformed},
		{"another kind", `["list"]`, nil, assay.ErrMalformed},
		{"something follows", `{"list": []} {}`, nil, assay.ErrMalformed},
		{"byte order mark", "\ufeff{}", nil, assay.ErrMalformed},
		{"a large value", long, nil, assay.ErrTooLarge},
		{"a large key", `{"` + strings.Repeat("k", 300) + `":1}`, nil, assay.ErrTooLarge},
		{"many small ones", `{"list": [` + strings.Repeat(`{"n": 7},`, 500) + `{"n": 8}]}`, append(repeat("7 true", 500), "8 true"), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := walk(NewDecoder(t.Context(), iotest.OneByteReader(strings.NewReader(tt.in)), 200))
			if !errors.Is(err, tt.err) {
				t.Errorf("error %v, want %v", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func repeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func TestErrorsOfTheReader(t *testing.T) {
	cut := errors.New("connection cut")
	_, err := walk(NewDecoder(t.Context(), io.MultiReader(strings.NewReader(`{"list": [`), iotest.ErrReader(cut)), 1000))
	if !errors.Is(err, cut) || errors.Is(err, assay.ErrMalformed) {
		t.Errorf("%v, want the reader's error alone", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = walk(NewDecoder(ctx, strings.NewReader(`{}`), 1000)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
}

func FuzzWalk(f *testing.F) {
	f.Add([]byte(`{"list": [{"n": 1}, {"n": "x"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		walk(NewDecoder(t.Context(), strings.NewReader(string(b)), 1000))
	})
}

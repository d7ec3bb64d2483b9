package document_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/record/document"
)

// getter has documents by URL, one of which a run before fetched in version "1".
type getter map[string]string

func (g getter) Get(_ context.Context, url string) (io.ReadCloser, error) {
	text, ok := g[url]
	if !ok {
		return nil, assay.ErrNotFound
	}
	return io.NopCloser(strings.NewReader(text)), nil
}

func (g getter) Cached(ctx context.Context, url string) (io.ReadCloser, error) {
	return g.Get(ctx, "cached "+url)
}

func (g getter) GetVersion(ctx context.Context, url, version string) (io.ReadCloser, error) {
	return g.Get(ctx, url+" "+version)
}

func (g getter) List(_ context.Context, url string) ([]string, error) {
	if url == "there/" {
		return []string{"a"}, nil
	}
	return nil, assay.ErrNotFound
}

func TestJSON(t *testing.T) {
	own := errors.New("own")
	for _, tt := range []struct {
		name, text string
		fail       error
		want       string // in the error
		is         error
	}{
		{"records", `[1, 2]`, nil, "", nil},
		{"none", `[]`, nil, "url: contains no records: malformed", assay.ErrMalformed},
		{"more behind it", `[1] x`, nil, "url: offset", assay.ErrMalformed},
		{"cut off", `[1,`, nil, "url: offset", assay.ErrMalformed},
		{"a value too large", `["` + strings.Repeat("x", 2000) + `"]`, nil, "url: offset", assay.ErrTooLarge},
		{"error of the reader", `[1]`, own, "url: own", own},
	} {
		err := document.JSON(t.Context(), getter{"url": tt.text}, "url", 100, func(d *jsonstream.Decoder) (found bool, err error) {
			err = d.Array(func() error {
				found = true
				if err := d.Skip(); err != nil {
					return err
				}
				return tt.fail
			})
			return found, err
		})
		if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) || !errors.Is(err, tt.is) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	err := document.JSON(t.Context(), getter{}, "url", 100, func(*jsonstream.Decoder) (bool, error) { panic("read without a document") })
	if !errors.Is(err, assay.ErrNotFound) {
		t.Errorf("no document: %v", err)
	}
}

func TestBytes(t *testing.T) {
	g := getter{"url": "today", "url 1": "then"}
	for version, want := range map[string]string{"": "today", "1": "then"} {
		if b, err := document.Bytes(t.Context(), document.OfVersion(g, version), "url", 5); err != nil || string(b) != want {
			t.Errorf("version %q: %q, %v", version, b, err)
		}
	}
	if _, err := document.Bytes(t.Context(), g, "url", 4); !errors.Is(err, assay.ErrTooLarge) || !strings.HasPrefix(err.Error(), "url: ") {
		t.Errorf("too large: %v", err)
	}
	plain := struct{ assay.Getter }{g}
	if _, ok := document.OfVersion(plain, "1").(assay.Keeper); ok {
		t.Error("a Getter that keeps nothing has versions")
	}
}

func TestWasFetched(t *testing.T) {
	g := getter{"cached a": "", "b": ""}
	if !document.WasFetched(t.Context(), g, "a") || document.WasFetched(t.Context(), g, "b") || document.WasFetched(t.Context(), struct{ assay.Getter }{g}, "a") {
		t.Error("not what was fetched before")
	}
}

func TestList(t *testing.T) {
	for _, tt := range []struct {
		g    assay.Getter
		url  string
		want int
	}{{getter{}, "there/", 1}, {getter{}, "not there/", 0}, {struct{ assay.Getter }{getter{}}, "there/", 0}} {
		if names, err := document.List(t.Context(), tt.g, tt.url); err != nil || len(names) != tt.want {
			t.Errorf("%s: %v, %v", tt.url, names, err)
		}
	}
}

package xmlstream

import (
	"context"
	"encoding/xml"
	"errors"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

var bounds = Bounds{Document: 1 << 20, Element: 8 << 10}

func names(t *testing.T, in string, depth int) (string, error) {
	t.Helper()
	var got []string
	err := Walk(t.Context(), strings.NewReader(in), bounds, "root", depth, func(d *xml.Decoder, path []string, e xml.StartElement) error {
		got = append(got, strings.Join(append(path, e.Name.Local), "/"))
		return d.Skip()
	})
	return strings.Join(got, " "), err
}

func TestWalk(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		depth    int
		want     string
		err      error
	}{
		{"below the root", `<root><a><x/></a><b/></root>`, 1, "root/a root/b", nil},
		{"deeper", `<root><a><x/><y/></a><b><z/></b></root>`, 2, "root/a/x root/a/y root/b/z", nil},
		{"ASCII", `<?xml version="1.0" encoding="US-ASCII"?><root><a/></root>`, 1, "root/a", nil},
		{"another set", `<?xml version="1.0" encoding="EBCDIC"?><root/>`, 1, "", assay.ErrUnsupported},
		{"another root", `<html/>`, 1, "", assay.ErrMalformed},
		{"nothing", ``, 1, "", assay.ErrMalformed},
		{"cut", `<root><a/><b`, 1, "root/a", assay.ErrMalformed},
		{"not closed", `<root><a/>`, 1, "root/a", assay.ErrMalformed},
		{"two roots", `<root/><root/>`, 1, "", assay.ErrMalformed},
		{"an entity", `<!DOCTYPE root [<!ENTITY e "eeee">]><root><a>&e;</a></root>`, 1, "root/a", assay.ErrMalformed},
		{"a huge element", `<root><a>` + strings.Repeat("x", 100_000) + `</a></root>`, 1, "root/a", assay.ErrTooLarge},
		{"many small ones", `<root>` + strings.Repeat("<a/>", 20_000) + `</root>`, 1, strings.TrimSpace(strings.Repeat("root/a ", 20_000)), nil},
		{"a huge document", `<root>` + strings.Repeat("<a/>", 1<<19) + `</root>`, 5, "", assay.ErrTooLarge},
	} {
		if got, err := names(t, tt.in, tt.depth); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %.80q, %v, want %.80q, %v", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func TestEnds(t *testing.T) {
	own := errors.New("enough")
	err := Walk(t.Context(), strings.NewReader(`<root><a/></root>`), bounds, "root", 1, func(*xml.Decoder, []string, xml.StartElement) error { return Stop(own) })
	if err != own {
		t.Errorf("%v, want the visitor's own", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Walk(ctx, strings.NewReader(`<root/>`), bounds, "root", 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want cancelled", err)
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(`<root><a><x/></a></root>`)
	f.Fuzz(func(t *testing.T, in string) { names(t, in, 2) })
}

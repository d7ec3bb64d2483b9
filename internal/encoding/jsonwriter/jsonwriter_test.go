package jsonwriter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

type small struct {
	A string `json:"a"`
	B *int   `json:"b,omitempty"`
}

type large struct {
	Name     string
	Time     time.Time       `json:"time,omitzero"`
	Raw      json.RawMessage `json:"raw,omitempty"`
	Bytes    []byte          `json:"bytes,omitempty"`
	Map      map[string]int  `json:"map,omitempty"`
	Any      any             `json:"any"`
	List     []small         `json:"list"`
	Pointers []*small        `json:"pointers,omitempty"`
	Deep     *large          `json:"deep,omitempty"`
	Zero     small           `json:"zero,omitzero"`
	Struct   struct{}        `json:"struct,omitempty"`
	Hidden   int             `json:"-"`
	Number   float64         `json:"number,omitempty"`
	Flag     bool            `json:"flag,omitempty"`
	Text     text            `json:"text,omitempty"`
	Texts    []text          `json:"texts,omitempty"`
	Array    [2]int          `json:"array,omitempty"`
}

type text int

func (t text) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "<%d>", t), nil }

type embedding struct {
	large
	More []int
}

func list(n int) (out []small) {
	for i := range n {
		out = append(out, small{A: strings.Repeat("<é\u2028\x01\"", i%3), B: &i})
	}
	return out
}

func TestWrite(t *testing.T) {
	pointers := make([]*small, streamed)
	pointers[3] = &small{}
	for i, v := range []any{
		nil, 1, "a", []int{}, []int(nil), make([]int, 200), list(streamed), map[string]any{"a": list(100)}, (*large)(nil),
		large{}, &large{List: list(1)}, large{List: list(streamed), Raw: json.RawMessage(`{"b":[1, 2]}`), Bytes: make([]byte, 100), Any: list(70)},
		large{Deep: &large{Pointers: pointers, Time: time.Unix(1, 0), Text: 3, Texts: make([]text, 80), Map: map[string]int{"b": 1, "a": 2}}, Number: 1.5, Flag: true, Any: large{List: list(90)}},
		[]large{{List: list(65)}, {}}, embedding{large: large{List: list(65)}, More: make([]int, 90)}, []any{nil, list(70), large{List: list(80)}},
	} {
		for _, indent := range []string{"  ", "\t"} {
			var want, got bytes.Buffer
			e := json.NewEncoder(&want)
			e.SetEscapeHTML(false)
			e.SetIndent("", indent)
			if err := e.Encode(v); err != nil {
				t.Fatal(err)
			}
			if err := Write(&got, v, indent); err != nil || got.String() != want.String() {
				t.Errorf("%d: %v\n%s\nwant\n%s", i, err, &got, &want)
			}
		}
	}
	if err := Write(&bytes.Buffer{}, large{Any: math.NaN(), List: list(70)}, " "); err == nil {
		t.Error("no error for what cannot be encoded")
	}
	if err := Write(full{}, large{List: list(70)}, " "); !errors.Is(err, errFull) {
		t.Error(err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

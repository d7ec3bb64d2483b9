package wire

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/assaysec/assay"
	"github.com/google/go-cmp/cmp"
)

type inner struct {
	Name string
	List []inner
}

type all struct {
	Bool    bool
	Int     int
	Int8    int8
	Uint    uint64
	Float   float64
	Text    string
	Bytes   []byte
	Strings []string
	Hashes  []uint32
	Long    []uint64
	Array   [3]uint8
	Map     map[string]inner
	Pointer *inner
	Time    time.Time
	Inner   inner
	LeftOut chan int `wire:"-"`
}

func TestRoundTrip(t *testing.T) {
	for name, want := range map[string]all{
		"zero":  {},
		"empty": {Bytes: []byte{}, Strings: []string{}, Hashes: []uint32{}, Map: map[string]inner{}, Pointer: &inner{}},
		"full": {true, -5, -128, 1 << 63, 0.1, "täxt", []byte{0, 255}, []string{"", "a"}, []uint32{0, 1 << 31}, []uint64{1 << 63}, [3]uint8{1, 0, 3},
			map[string]inner{"": {}, "k": {Name: "n", List: []inner{{Name: "m"}}}}, &inner{Name: "p"}, time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)), inner{List: []inner{{}, {Name: "x"}}}, nil},
	} {
		b := Append(nil, &want)
		var got all
		rest, err := Decode(append(b, "rest"...), &got)
		if err != nil || string(rest) != "rest" {
			t.Errorf("%s: rest %q, %v", name, rest, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if again := Append(nil, &got); string(again) != string(b) {
			t.Errorf("%s: not the same bytes twice", name)
		}
		for i := range b {
			var cut all
			if _, err := Decode(b[:i], &cut); !errors.Is(err, assay.ErrMalformed) {
				t.Errorf("%s cut at %d: %v", name, i, err)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	type hidden struct{ x int }
	type holds struct{ A []map[string]*hidden }
	for _, typ := range []reflect.Type{reflect.TypeFor[any](), reflect.TypeFor[hidden](), reflect.TypeFor[holds](), reflect.TypeFor[map[int]string](), reflect.TypeFor[func()]()} {
		if err := Check(typ); !errors.Is(err, assay.ErrUnsupported) {
			t.Errorf("%v: %v", typ, err)
		}
	}
	if err := Check(reflect.TypeFor[all]()); err != nil {
		t.Error(err)
	}
	_ = hidden{}.x
}

func TestFootprint(t *testing.T) {
	small, large := all{}, all{Text: string(make([]byte, 1000)), Hashes: make([]uint32, 1000), Inner: inner{List: make([]inner, 10)}}
	if a, b := Footprint(&small), Footprint(&large); b-a != 1000+4000+10*int64(reflect.TypeFor[inner]().Size()) {
		t.Errorf("%d, then %d", a, b)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Append(nil, &all{Text: "x", Pointer: &inner{}, Hashes: []uint32{1}, Map: map[string]inner{"a": {}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, again all
		if _, err := Decode(b, &v); err != nil {
			if !errors.Is(err, assay.ErrMalformed) {
				t.Error(err)
			}
			return
		}
		if _, err := Decode(Append(nil, &v), &again); err != nil || string(Append(nil, &again)) != string(Append(nil, &v)) {
			t.Errorf("not the same twice: %v", err)
		}
	})
}

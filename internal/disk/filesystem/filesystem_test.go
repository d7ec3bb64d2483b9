package filesystem

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/assaysec/assay"
)

func TestFile(t *testing.T) {
	volume := strings.NewReader("abcdefghijklmnopqrstuvwxyz")
	f := NewFile(volume, 26, 20)
	for _, r := range []Run{{2, 0, 3}, {5, 3, 2}, {10, 20, 4}, {18, 10, 10}, {28, 0, 5}} { // the second goes on where the first ends
		if err := f.Add(r); err != nil {
			t.Error(err)
		}
	}
	const want = "\x00\x00abcde\x00\x00\x00uvwx\x00\x00\x00\x00kl"
	if len(f.Runs()) != 3 || f.Size() != 20 {
		t.Error(f.Runs())
	}
	for from := range 22 {
		for to := from; to < 24; to++ {
			b := bytes.Repeat([]byte{'?'}, to-from)
			n, err := f.ReadAt(b, int64(from))
			if w := want[min(from, 20):min(to, 20)]; string(b[:n]) != w || err != nil && err != io.EOF || n < to-from && err == nil {
				t.Errorf("%d to %d: %q, %v", from, to, b[:n], err)
			}
		}
	}
	if _, err := f.ReadAt(make([]byte, 1), -1); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	for _, r := range []Run{{5, 0, 1}, {30, -1, 1}, {30, 0, 0}} {
		if err := f.Add(r); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%v: %v", r, err)
		}
	}
	for _, r := range []Run{{0, 27, 1}, {0, 25, 2}, {0, 0, 27}} {
		if err := NewFile(volume, 26, 100).Add(r); !errors.Is(err, assay.ErrMalformed) {
			t.Errorf("%v: %v", r, err)
		}
	}
	f = NewFile(volume, 100, 100)
	if err := f.Add(Run{0, 20, 50}); err != nil {
		t.Error(err)
	}
	if _, err := f.ReadAt(make([]byte, 10), 0); !errors.Is(err, assay.ErrMalformed) {
		t.Error(err)
	}
}

func TestPieces(t *testing.T) {
	f, err := NewFile(nil, 1<<60, 1<<60), error(nil)
	for i := int64(0); err == nil; i++ {
		err = f.Add(Run{At: i * 10, Offset: i * 20, Length: 10})
	}
	if !errors.Is(err, assay.ErrTooLarge) || len(f.Runs()) != maxRuns {
		t.Error(len(f.Runs()), err)
	}
}

func TestGood(t *testing.T) {
	for name, want := range map[string]bool{"a": true, "...": true, ".a": true, "ä b\n": true, "": false, ".": false, "..": false, "a/b": false, "a\x00": false} {
		if Good([]byte(name)) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func TestMode(t *testing.T) {
	for unix, want := range map[uint16]string{
		0o100644: "-rw-r--r--", 0o104755: "urwxr-xr-x", 0o102755: "grwxr-xr-x", 0o041777: "dtrwxrwxrwx", 0o120777: "Lrwxrwxrwx",
		0o010600: "prw-------", 0o020600: "Dcrw-------", 0o060600: "Drw-------", 0o140600: "Srw-------",
	} {
		if m, ok := Mode(unix); !ok || m.String() != want {
			t.Errorf("%o: %v", unix, m)
		}
	}
	if _, ok := Mode(0o644); ok {
		t.Error("of no kind")
	}
}

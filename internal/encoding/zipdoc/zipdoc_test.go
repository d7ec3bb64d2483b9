package zipdoc

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
)

func archive(t testing.TB, members ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for i := 0; i < len(members); i += 2 {
		f, err := w.CreateHeader(&zip.FileHeader{Name: members[i], Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, members[i+1])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func walk(ctx context.Context, r io.Reader) (got []string, err error) {
	err = Walk(ctx, r, func(n string) bool { return strings.HasSuffix(n, ".json") }, func(name string, b []byte, err error) error {
		if errors.Is(err, ErrMember) {
			b = []byte("unreadable")
		}
		got = append(got, name+"="+string(b))
		return nil
	})
	return got, err
}

func TestWalk(t *testing.T) {
	whole := archive(t, "b.json", "second", "README.md", "no", "d/ALSA-2023:0005.json", "first")
	want := []string{"b.json=second", "d/ALSA-2023:0005.json=first"}
	for name, r := range map[string]io.Reader{"file": bytes.NewReader(whole), "stream": io.MultiReader(bytes.NewReader(whole))} {
		got, err := walk(t.Context(), r)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	damaged := bytes.Replace(whole, []byte("second"), []byte("secund"), 1)
	got, err := walk(t.Context(), bytes.NewReader(damaged))
	if diff := cmp.Diff([]string{"b.json=unreadable", want[1]}, got); err != nil || diff != "" {
		t.Errorf("a damaged member: %v\n%s", err, diff)
	}
	if _, err := walk(t.Context(), bytes.NewReader(whole[:len(whole)-10])); !errors.Is(err, assay.ErrMalformed) {
		t.Errorf("cut off: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := walk(ctx, bytes.NewReader(whole)); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	stop := errors.New("stop")
	err = Walk(t.Context(), bytes.NewReader(whole), func(string) bool { return true }, func(string, []byte, error) error { return stop })
	if err != stop {
		t.Errorf("stopped: %v", err)
	}
}

func TestBomb(t *testing.T) {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	f, err := w.Create("a.json")
	if err != nil {
		t.Fatal(err)
	}
	zero := make([]byte, 1<<20)
	for range maxMember/len(zero) + 1 {
		f.Write(zero)
	}
	w.Close()
	got, err := walk(t.Context(), bytes.NewReader(buf.Bytes()))
	if diff := cmp.Diff([]string{"a.json=unreadable"}, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(archive(f, "a.json", "{}", "b.txt", "x"))
	f.Fuzz(func(t *testing.T, b []byte) { walk(t.Context(), bytes.NewReader(b)) })
}

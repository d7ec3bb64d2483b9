package inventory

import (
	"context"
	"io/fs"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/section/files"
)

// TestStreamWalk: streamers see what is walked as they see what is in a tar, and not
// what is skipped; a panic, or a file that cannot be opened, is a gap.
func TestStreamWalk(t *testing.T) {
	content := map[string]string{"a": "secret", "b.lines": "x\n", "p": "panic", "skipped/s": "secret", "z": "secret"}
	walk := func(_ context.Context, visit func(*assay.Entry) error) error {
		for _, e := range []*assay.Entry{
			{Path: "a", Mode: 0o644, UID: 5, GID: 6, HasOwner: true}, {Path: "b.lines", Mode: 0o644}, {Path: "dev", Mode: fs.ModeDevice}, {Path: "l", Mode: fs.ModeSymlink | 0o777, Link: "secret"},
			{Path: "locked", Mode: 0o600}, {Path: "p", Mode: 0o755 | fs.ModeSetuid}, {Path: "skipped", Mode: fs.ModeDir}, {Path: "skipped/s"}, {Path: "y", Err: fs.ErrInvalid}, {Path: "z", Mode: 0o644},
		} {
			e.Size = int64(len(content[e.Path]))
			e.Open = func() (assay.ReaderAtCloser, error) {
				if e.Path == "locked" {
					return nil, fs.ErrPermission
				}
				return closer{strings.NewReader(content[e.Path])}, nil
			}
			if err := visit(e); err != nil && err != fs.SkipDir {
				return err
			}
		}
		return nil
	}
	img := &assay.Image{Kind: assay.KindFilesystem, Layers: []assay.Layer{{Walk: walk}}}
	skip, err := NewSkip([]string{"skipped"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	inv, err := Build(t.Context(), img, Options{Kinds: []*assay.SectionKind{wordKind(), files.Kind}, Skip: skip})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := items(inv.Sections["words"]), "1 a secret, 1 b.lines x, 1 l link, 1 z secret"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var listed []string
	for i := range inv.Sections["files"].Items() {
		f := i.Value.(*files.File)
		listed = append(listed, strings.TrimSpace(i.Path+" "+f.ModeString()+" "+f.Owner()))
	}
	if got, want := strings.Join(listed, ", "), "a -rw-r--r-- 5:6, b.lines -rw-r--r--, dev s---------, l lrwxrwxrwx, locked -rw-------, p -rwsr-xr-x, z -rw-r--r--"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if g := gaps(inv); !strings.Contains(g, "p: words: the reader panicked (content)") || !strings.Contains(g, "locked: words: permission denied") || !strings.Contains(g, "y: invalid argument") || len(inv.Gaps) != 3 {
		t.Errorf("gaps %s", g)
	}
}

type closer struct{ *strings.Reader }

func (closer) Close() error { return nil }

package javadb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/assaysec/assay/internal/test/testsqlite"
)

// sink is Records, with artifacts.
type sink struct {
	contract.Records
	artifacts []assay.Artifact
	err       error
}

func (s *sink) Artifact(a assay.Artifact) error {
	s.artifacts = append(s.artifacts, a)
	return s.err
}

func sum(c string) string { return strings.Repeat(c, 20) }

var statements = []string{
	"CREATE TABLE artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT)",
	"CREATE TABLE indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT, foreign key (artifact_id) references artifacts(id))",
	"CREATE UNIQUE INDEX artifacts_idx ON artifacts(artifact_id, group_id)",
	"CREATE UNIQUE INDEX indices_sha1_idx ON indices(sha1)",
	"insert into artifacts values (1, 'org.x', 'core'), (2, 'org.x', 'web'), (3, '', 'odd')",
	"insert into indices values (1, '1.0', x'" + strings.Repeat("61", 20) + "', 'jar'), (2, '2.0', x'" + strings.Repeat("62", 20) + "', 'war'), (1, '1.1', x'" + strings.Repeat("63", 20) + "', 'jar')",
	"insert into indices values (9, '1', x'" + strings.Repeat("64", 20) + "', 'jar'), (3, '1', x'" + strings.Repeat("65", 20) + "', 'jar'), (1, '1', x'0102', 'jar'), (1, '', x'" + strings.Repeat("66", 20) + "', 'jar'), (null, '1', x'" + strings.Repeat("67", 20) + "', 'jar')",
}

var want = []assay.Artifact{
	{SHA1: [20]byte([]byte(sum("a"))), Name: "org.x:core", Version: "1.0"}, {SHA1: [20]byte([]byte(sum("b"))), Name: "org.x:web", Version: "2.0"}, {SHA1: [20]byte([]byte(sum("c"))), Name: "org.x:core", Version: "1.1"},
}

func TestOpen(t *testing.T) {
	raw := testsqlite.Make(t, statements...)
	meta := []byte(`{"Version":1,"UpdatedAt":"2025-01-02T03:04:05Z"}`)
	whole := contract.TarGz(contract.Member{Name: noteName, Content: string(meta)}, contract.Member{Name: fileName, Content: string(raw)})
	for _, tt := range []struct {
		name       string
		in         []byte
		err, fetch error
	}{
		{"file", raw, nil, nil},
		{"archive", whole, nil, nil},
		{"archive, cut off", whole[:len(whole)-1], assay.ErrMalformed, nil},
		{"archive of another schema", contract.TarGz(contract.Member{Name: fileName, Content: string(raw)}, contract.Member{Name: noteName, Content: `{"Version":2}`}), assay.ErrMalformed, nil},
		{"archive of something else", contract.TarGz(contract.Member{Name: "x", Content: string(raw)}), assay.ErrUnsupported, nil},
		{"other tables", testsqlite.Make(t, "create table x (y)"), assay.ErrUnsupported, nil},
		{"other columns", testsqlite.Make(t, "create table artifacts (id integer primary key, group_id)", "create table indices (x)"), assay.ErrUnsupported, nil},
		{"a page destroyed", append(bytes.Clone(raw[:2*4096]), bytes.Repeat([]byte("x"), len(raw)-2*4096)...), nil, assay.ErrMalformed},
		{"text", []byte("text"), assay.ErrUnsupported, nil},
		{"nothing", nil, assay.ErrUnsupported, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(file, tt.in, 0o600); err != nil {
				t.Fatal(err)
			}
			temp := t.TempDir()
			t.Setenv("TMPDIR", temp)
			d, err := Open(t.Context(), file)
			if !errors.Is(err, tt.err) {
				t.Errorf("%v, want %v", err, tt.err)
			}
			if err == nil {
				var s sink
				if err := d.Fetch(t.Context(), nil, nil, &s); !errors.Is(err, tt.fetch) {
					t.Errorf("fetch: %v, want %v", err, tt.fetch)
				}
				if tt.fetch == nil {
					if diff := cmp.Diff(want, s.artifacts); diff != "" {
						t.Error(diff)
					}
					if diff := cmp.Diff(map[string]int{whyDangling: 1, whyMalformed: 4}, s.Reasons()); diff != "" {
						t.Error(diff)
					}
				}
				if at := time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC); tt.name == "archive" && !d.Date().Equal(at) {
					t.Errorf("of %v", d.Date())
				}
				d.Close()
			}
			if left, _ := os.ReadDir(temp); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestFetchEnds(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), testsqlite.Make(t, statements...), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if s := (&sink{err: errors.New("full")}); d.Fetch(t.Context(), nil, nil, s) == nil || len(s.artifacts) != 1 {
		t.Errorf("%d artifacts after the sink's error", len(s.artifacts))
	}
	if err := d.Fetch(t.Context(), nil, nil, struct{ assay.Sink }{&contract.Records{}}); !errors.Is(err, assay.ErrUnsupported) {
		t.Errorf("the sink accepts no artifacts: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Fetch(ctx, nil, nil, &sink{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want cancelled", err)
	}
	if got := fmt.Sprint(d.Name(), d.Streams()); got != "trivy-java-db[maven-sha1]" {
		t.Error(got)
	}
}

// FuzzFetch reads files that are damaged somewhere.
func FuzzFetch(f *testing.F) {
	whole := testsqlite.Make(f, statements...)
	f.Add(uint32(5000), []byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, at uint32, with []byte) {
		raw := bytes.Clone(whole)
		copy(raw[int(at)%len(raw):], with)
		j, err := tables(bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			return
		}
		var s sink
		j.read(t.Context(), &s)
		for _, a := range s.artifacts {
			if a.Name == "" || a.Version == "" {
				t.Fatalf("%+v", a)
			}
		}
	})
}

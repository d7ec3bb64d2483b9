package importer

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
)

func sqlite(t *testing.T, statements ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	db.Close()
	return read(t, path)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// files are a database of each kind, by the name of its feed, under the name
// that it has where it is made.
func files(t *testing.T) map[string]map[string][]byte {
	return map[string]map[string][]byte{
		"trivy-db": {"trivy.db": read(t, contract.TrivyDB(t, []contract.Node{{Bucket: "debian 12", Pairs: []contract.Node{{Bucket: "bash", Pairs: []contract.Node{{Key: "CVE-2024-0001", Value: map[string]any{}}}}}}}))},
		"trivy-java-db": {"trivy-java.db": sqlite(t, "create table artifacts (id integer primary key, group_id text, artifact_id text)",
			"create table indices (artifact_id integer, version text, sha1 blob, archive_type text)")},
		"grype-db": {"vulnerability.db": sqlite(t, "create table blobs (id integer primary key, value text)", "create table vulnerability_handles (id integer primary key)",
			"create table db_metadata (build_timestamp datetime, model integer)", "insert into db_metadata values ('2025-01-02 03:04:05+00:00', 6)")},
		"osv-dump": {"GHSA-1.json": []byte(`{"id":"GHSA-1","modified":"2024-01-01T00:00:00Z"}`)},
	}
}

// TestOpen holds that each kind is recognised in each of its forms, whatever
// the file is called.
func TestOpen(t *testing.T) {
	all := files(t)
	if len(all) != len(All()) {
		t.Errorf("%d kinds, %d tested", len(All()), len(all))
	}
	for want, content := range all {
		name := slices.Collect(maps.Keys(content))[0]
		folder := t.TempDir()
		forms := map[string][]byte{filepath.Join(folder, name): content[name]}
		member := contract.Member{Name: name, Content: string(content[name])}
		if want == "osv-dump" {
			forms = map[string][]byte{filepath.Join(folder, name): content[name], filepath.Join(t.TempDir(), "x"): contract.Zip(member)}
		} else {
			forms[filepath.Join(t.TempDir(), "x")] = content[name]
			forms[filepath.Join(t.TempDir(), "x")] = contract.TarGz(member)
		}
		for path, b := range forms {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		paths := append(slices.Collect(maps.Keys(forms)), folder)
		for _, path := range paths {
			if want == "osv-dump" && path == filepath.Join(folder, name) {
				continue // one record is no dump
			}
			f, err := Open(t.Context(), path)
			if err != nil {
				t.Errorf("%s: %v", want, err)
				continue
			}
			if f.Name() != want || f.Date().IsZero() || len(f.Streams()) == 0 {
				t.Errorf("%s: taken for %s of %v", want, f.Name(), f.Date())
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestOther holds that what is of no kind is one error, which names them all.
func TestOther(t *testing.T) {
	folder := t.TempDir()
	for name, b := range map[string][]byte{
		"text": []byte("text"), "nothing": nil, "another database": sqlite(t, "create table x (y)"), "another archive": contract.TarGz(contract.Member{Name: "x", Content: "y"}), "another zip": contract.Zip(contract.Member{Name: "x", Content: "y"}),
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"text", "nothing", "another database", "another archive", "another zip", ""} {
		_, err := Open(t.Context(), filepath.Join(folder, name))
		if !errors.Is(err, assay.ErrUnsupported) || strings.Count(err.Error(), "unsupported") != 1 || !strings.Contains(err.Error(), Kinds()) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := Open(t.Context(), filepath.Join(folder, "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

// panics is a feed that panics when it is fetched.
type panics struct{ assay.ImportedFeed }

func (panics) Fetch(context.Context, assay.Getter, []assay.Stream, assay.Sink) error { panic("oops") }

// TestPanic holds that a panic of an importer is an error that names the file.
func TestPanic(t *testing.T) {
	opens := assay.Importer{About: "bad files", Open: func(context.Context, string) (assay.ImportedFeed, error) { panic("oops") }}
	_, err := openAny(t.Context(), []assay.Importer{opens}, "a.db")
	if err == nil || !strings.Contains(err.Error(), "a.db: importer of bad files: internal error: oops") {
		t.Errorf("open: %v", err)
	}
	fetches := assay.Importer{Open: func(context.Context, string) (assay.ImportedFeed, error) { return panics{}, nil }}
	f, err := openAny(t.Context(), []assay.Importer{fetches}, "a.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Fetch(t.Context(), nil, nil, &contract.Records{}); err == nil || err.Error() != "a.db: internal error: oops" {
		t.Errorf("fetch: %v", err)
	}
}

package scan_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	vuln "golang.org/x/vuln/scan"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/assaysec/assay/scan"
)

// TestGovulncheck compares which vulnerabilities of Go programs are linked with
// what Go's own tool says of those that are not stripped, of which alone it can
// tell. A stripped build of the same program must have the same.
func TestGovulncheck(t *testing.T) {
	db := vulndb(t, corpus.Path(t, "feeds/vuln.go.dev/vulndb.zip"))
	r, err := scan.Scan(context.Background(), scan.Request{Database: database(t, t.TempDir()), Image: open(t, corpus.Image(t, "go.docker.tar"))})
	if err != nil {
		t.Fatal(err)
	}
	for name, same := range map[string]string{"ginapp": "ginapp-stripped", "stdapp-go1.19": "stdapp-go1.19"} {
		want := linked(t, db, corpus.Image(t, ".cache/gobin/"+name))
		if d := cmp.Diff(want, reported(r, "usr/bin/"+name)); d != "" || len(want) == 0 {
			t.Errorf("%s (-govulncheck +ours): %s", name, d)
		}
		if d := cmp.Diff(want, reported(r, "usr/bin/"+same)); d != "" {
			t.Errorf("%s (-govulncheck +ours): %s", same, d)
		}
		t.Logf("%s: %v", name, want)
	}
}

// reported lists what is found in a program that Go's database knows.
func reported(r *assay.Report, path string) (out []string) {
	for _, f := range r.Findings {
		if r.Packages[f.Package].Path != path {
			continue
		}
		for _, id := range append([]string{f.ID}, f.Aliases...) {
			if strings.HasPrefix(id, "GO-") {
				out = append(out, id)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// linked asks Go's tool.
func linked(t *testing.T, db, file string) (out []string) {
	t.Helper()
	var b bytes.Buffer
	cmd := vuln.Command(t.Context(), "-mode=binary", "-format=json", "-db=file://"+filepath.ToSlash(db), file)
	cmd.Stdout = &b
	err := cmd.Start()
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(&b); ; {
		var m struct {
			Finding *struct {
				OSV   string
				Trace []struct{ Function string }
			}
		}
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if f := m.Finding; f != nil && len(f.Trace) > 0 && f.Trace[0].Function != "" {
			out = append(out, f.OSV)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// vulndb unpacks Go's database, with the index of modules that its archive does
// not have. https://go.dev/security/vuln/database#api
func vulndb(t *testing.T, archive string) string {
	t.Helper()
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := t.TempDir()
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	type entry struct {
		ID       string `json:"id"`
		Modified string `json:"modified"`
	}
	modules := map[string]map[string]entry{}
	files, err := fs.Glob(z, "ID/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		var v struct {
			ID, Modified, Withdrawn string
			Affected                []struct{ Package struct{ Name string } }
		}
		b, err := fs.ReadFile(z, f)
		if err == nil {
			err = json.Unmarshal(b, &v)
		}
		if err != nil {
			t.Fatal(f, err)
		}
		for _, a := range v.Affected {
			if m := a.Package.Name; v.Withdrawn == "" {
				if modules[m] == nil {
					modules[m] = map[string]entry{}
				}
				modules[m][v.ID] = entry{v.ID, v.Modified}
			}
		}
	}
	var index []any
	for m, vulns := range modules {
		var all []entry
		for _, e := range vulns {
			all = append(all, e)
		}
		index = append(index, map[string]any{"path": m, "vulns": all})
	}
	b, err := json.Marshal(index)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "index", "modules.json"), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

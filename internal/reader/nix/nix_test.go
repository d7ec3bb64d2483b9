package nix

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/contract"
	"github.com/google/go-cmp/cmp"
)

const file = "nix/var/nix/db/db.sqlite"

func TestCut(t *testing.T) {
	const dir = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-"
	for path, want := range map[string]string{
		"openssl-3.0.12":                   "openssl@3.0.12",
		"openssl-3.0.12-bin":               "openssl@3.0.12",
		"glibc-2.38-27":                    "glibc@2.38-27",
		"gcc-12.3.0-lib":                   "gcc@12.3.0",
		"python3.11-requests-2.31.0":       "python3.11-requests@2.31.0",
		"perl5.38.0-HTTP-Daemon-6.16":      "perl5.38.0-HTTP-Daemon@6.16",
		"bash-5.2-p15-man":                 "bash@5.2-p15",
		"openssl-3.0.12.drv":               "",
		"openssl-3.0.12.tar.gz":            "",
		"CVE-2023-0001.patch":              "",
		"gh-2.0.0-go-modules":              "",
		"source":                           "",
		"stdenv-linux":                     "",
		"0001-fix.patch?id=1":              "",
		"unit-systemd-fsck-.service":       "",
		"etc-os-release":                   "",
		"hook/bin/with-2.0-within-a-store": "",
	} {
		name, version := cut(dir + path)
		if got := name + "@" + version; version == "" && want != "" || version != "" && got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// database makes a store's database with SQLite's own program, as Nix would.
func database(t testing.TB) string {
	t.Helper()
	program, err := exec.LookPath("sqlite3")
	if err != nil {
		t.Skip("no sqlite3")
	}
	db := filepath.Join(t.TempDir(), "db.sqlite")
	const dir = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-"
	sql := `PRAGMA page_size=512;
create table ValidPaths (id integer primary key autoincrement not null, path text unique not null, hash text not null, registrationTime integer not null, deriver text, narSize integer, ultimate integer, sigs text, ca text);
create table Refs (referrer integer not null, reference integer not null, primary key (referrer, reference), foreign key (referrer) references ValidPaths(id) on delete cascade, foreign key (reference) references ValidPaths(id) on delete restrict);
insert into ValidPaths(path, hash, registrationTime) values ('` + dir + `glibc-2.38-27','x',1),('` + dir + `openssl-3.0.12-bin','x',1),('` + dir + `openssl-3.0.12','x',1),('` + dir + `openssl-3.0.12.drv','x',1),('` + dir + `source','x',1);
insert into Refs values (3,1),(2,3),(3,3),(4,1);`
	if out, err := exec.Command(program, db, sql).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	b, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStore(t *testing.T) {
	facts, err := contract.Read(t, Store{}, file, database(t))
	want := []assay.Package{
		{Type: "nix", Name: "glibc", Version: "2.38-27"},
		{Type: "nix", Name: "openssl", Version: "3.0.12", DependsOn: []string{"glibc@2.38-27"}},
	}
	if d := cmp.Diff(want, facts.Packages); d != "" || err != nil {
		t.Error(d, err)
	}
}

func TestBad(t *testing.T) {
	if _, err := contract.Read(t, Store{}, file, "bogus"); !errors.Is(err, assay.ErrUnsupported) {
		t.Error(err)
	}
	wal := &assay.File{Path: file + "-wal", Size: 1, ReaderAt: strings.NewReader("x")}
	_, err := Store{}.Read(t.Context(), &assay.File{Path: file, ReaderAt: strings.NewReader(""), With: map[string]*assay.File{"-wal": wal}})
	if err == nil || !strings.Contains(err.Error(), "latest changes") {
		t.Error(err)
	}
}

func TestContract(t *testing.T) {
	contract.Reader(t, Store{}, map[string]string{file: database(t)})
}

func FuzzStore(f *testing.F) {
	f.Add([]byte("SQLite format 3\x00"))
	if _, err := exec.LookPath("sqlite3"); err == nil {
		f.Add([]byte(database(f)))
	}
	f.Fuzz(func(t *testing.T, content []byte) { contract.Read(t, Store{}, file, string(content)) })
}

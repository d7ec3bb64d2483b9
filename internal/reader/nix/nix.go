// Package nix reads what a Nix store holds.
package nix

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/sqlitefile"
	"github.com/assaysec/assay/internal/reader/internal/listing"
)

// maxDatabase: a store of a hundred thousand paths has some 100 MB.
const maxDatabase = 2 << 30

// Store reads the database of valid paths. A store's path is "hash-name-version-
// output"; the outputs of a package are one. What has no version is none: files
// of configuration, scripts; nor are sources and build recipes packages. Images
// that were put together without Nix inside have no database.
//
// Format: https://nix.dev/manual/nix/latest/store/store-path; a name is cut as
// by builtins.parseDrvName.
type Store struct{}

func (Store) Name() string { return "nix" }

func (Store) Wants() []assay.Pattern {
	return []assay.Pattern{{Glob: "**/nix/var/nix/db/db.sqlite", Scope: assay.ScopeInstalled, MaxSize: maxDatabase, With: []string{"-wal"}}}
}

func (Store) Read(_ context.Context, f *assay.File) (assay.Facts, error) {
	l := listing.New(assay.TypeNix)
	if wal := f.With["-wal"]; wal != nil && wal.Size > 0 {
		l.Error(fmt.Errorf("the latest changes, in db.sqlite-wal, are not read: %w", assay.ErrUnsupported))
	}
	db, err := sqlitefile.Open(f, f.Size)
	if err != nil {
		l.Error(err)
		return l.Facts()
	}
	paths, err := db.Table("ValidPaths")
	if err != nil {
		l.Error(err)
		return l.Facts()
	}
	at := map[int64]int{} // packages by the number of a path
	column := paths.Column("path")
	for row, err := range paths.Rows() {
		if err != nil {
			l.Error(fmt.Errorf("table ValidPaths: %w", err))
			continue
		}
		if name, version := cut(row.Text(column)); version != "" {
			at[row.ID] = l.Add(name, version)
		}
	}
	l.Error(link(db, l, at))
	return l.Facts()
}

// link sets what packages need: what they refer to when they run.
func link(db *sqlitefile.File, l *listing.List, at map[int64]int) error {
	refs, err := db.Table("Refs")
	if errors.Is(err, assay.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	from, to := refs.Column("referrer"), refs.Column("reference")
	for row, err := range refs.Rows() {
		if err != nil {
			return fmt.Errorf("table Refs: %w", err)
		}
		a, _ := row.Int(from)
		b, _ := row.Int(to)
		i, ok := at[a]
		j, known := at[b]
		if ok && known {
			l.Need(i, j)
		}
	}
	return nil
}

var (
	// storePath is "/nix/store/hash-name".
	storePath = regexp.MustCompile(`/[0-9a-z]{32}-([^/]+)$`)

	// output is which part of a package a path is; the main one has none.
	output = regexp.MustCompile(`-(?:bin|data|debug|dev|devdoc|devman|dist|doc|getent|info|lib|libgcc|locale|man|modules|out|static|terminfo|tools|xgcc)$`)

	// other is what is no package's output: recipes, sources, patches, files.
	other = regexp.MustCompile(`(?:\.(?:drv|patch|diff|tar|gz|tgz|bz2|xz|zst|lz|zip|jar|crate|gem|whl|deb|rpm|lock|json|toml|ya?ml|xml|conf|cfg|ini|txt|nix|sh|py|pl|rb|el|c|h|service|socket|target|timer|mount|rules|pem|crt|key|sig|asc)|-(?:source|src|vendor|go-modules|cargo-deps|npm-deps|vendor-staging))(?:\?.*)?$`)
)

// cut cuts a store's path into a package's name and version; "" where it is of
// none. A version begins after the first "-" that no letter follows.
func cut(path string) (name, version string) {
	m := storePath.FindStringSubmatch(path)
	if m == nil || other.MatchString(m[1]) {
		return "", ""
	}
	s := output.ReplaceAllString(m[1], "")
	for i := 0; i+1 < len(s); i++ {
		if c := s[i+1]; s[i] == '-' && c >= '0' && c <= '9' {
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

package scan_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/test/testimage"
	"github.com/assaysec/assay/scan"
)

// incomplete is a database that reports each stream that cannot be asked.
type incomplete struct{ published }

func (d *incomplete) Session() scan.Session { return d }

func (d *incomplete) Ensure(ctx context.Context, streams []assay.Stream) (gaps []assay.Gap, err error) {
	var errs []error
	for _, s := range streams {
		if e := d.refused[s]; e != nil {
			errs = append(errs, &scan.StreamError{Stream: s, Err: e})
		}
	}
	return nil, errors.Join(errs...)
}

// TestMissingStreams: a stream that cannot be asked is a gap, and costs nothing but the
// packages that it is about.
func TestMissingStreams(t *testing.T) {
	img := testimage.Parse(t, `
-- 1/etc/os-release --
ID=debian
VERSION_ID=12
-- 1/var/lib/dpkg/status --
Package: src
Status: install ok installed
Architecture: amd64
Version: 1.0-1

-- 1/app/node_modules/left/package.json --
{"name":"left","version":"1.0.0"}
`)
	const deb, npm assay.Stream = "debian:12", "npm"
	rows := map[assay.Stream][]assay.Advisory{
		deb: {row("CVE-2024-0001", deb, "src", assay.SeverityLow)}, npm: {row("CVE-2024-0002", npm, "left", assay.SeverityLow)}, assay.StreamEOL: nil}
	unreachable := errors.New("cannot be fetched: connection refused")
	none := fmt.Errorf("the publisher has no advisories for it: %w", assay.ErrUnsupported)
	for _, tt := range []struct {
		name    string
		refused map[assay.Stream]error
		want    []string
		err     string
	}{
		{"all there", nil, []string{"left CVE-2024-0002 LOW test", "src CVE-2024-0001 LOW test"}, ""},
		{"no distribution", map[assay.Stream]error{deb: assay.ErrNotFound},
			[]string{"left CVE-2024-0002 LOW test", "gap: distribution debian 12: no advisories (debian:12: not found); its packages are listed, not matched"}, ""},
		{"no registry", map[assay.Stream]error{npm: unreachable},
			[]string{"src CVE-2024-0001 LOW test", "gap: packages of npm: no advisories (npm: cannot be fetched: connection refused); its packages are listed, not matched"}, ""},
		{"one unreachable, one unpublished", map[assay.Stream]error{deb: none, npm: unreachable}, nil, "connection refused"},
		{"both unpublished", map[assay.Stream]error{deb: none, npm: none}, []string{
			"gap: distribution debian 12: no advisories (debian:12: the publisher has no advisories for it); its packages are listed, not matched",
			"gap: packages of npm: no advisories (npm: the publisher has no advisories for it); its packages are listed, not matched"}, ""},
		{"an invalid option", map[assay.Stream]error{npm: &scan.OptionError{Option: "mirror", Err: errors.New("no such directory")}}, nil, "--mirror: no such directory"},
		{"none", map[assay.Stream]error{deb: unreachable, npm: unreachable}, nil, "advisories for debian:12, npm: cannot be fetched"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := scan.Scan(t.Context(), scan.Request{Database: &incomplete{published{rows: rows, refused: tt.refused}}, Image: img})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("%v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, result(r)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

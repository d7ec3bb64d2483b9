package scan_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/cache"
	"github.com/assaysec/assay/internal/test/testimage"
	"github.com/assaysec/assay/scan"
)

const lowest = `
-- 1/etc/os-release --
ID=alpine
VERSION_ID=3.20.1
-- 1/lib/apk/db/installed --
P:musl
V:1.2.5-r0

`

const above = lowest + `-- 2/lib/apk/db/installed --
P:musl
V:1.2.5-r0

P:curl
V:8.0-r0

`

// TestBase: packages of the base image are distinguished from those of the layers on top.
func TestBase(t *testing.T) {
	base := func() *assay.Image {
		img := testimage.Parse(t, lowest)
		img.Name, img.RepoTags, img.Digest = "base.tar", []string{"alpine:3.20"}, "sha256:aa"
		return img
	}
	app := func() *assay.Image {
		img := testimage.Parse(t, above)
		img.Name = "app:1"
		return img
	}
	db := func() *published {
		return &published{rows: map[assay.Stream][]assay.Advisory{assay.StreamEOL: nil, "alpine:3.20": {
			row("CVE-2024-0001", "alpine:3.20", "musl", assay.SeverityHigh), row("CVE-2024-0002", "alpine:3.20", "curl", assay.SeverityHigh)}}}
	}
	other := testimage.Parse(t, strings.ReplaceAll(lowest, "1.2.5", "1.2.4"))
	other.Name = "other"
	for _, tt := range []struct {
		name   string
		s      scan.Request
		before *assay.Image // scanned before
		label  *assay.BaseImage
		want   []string
	}{
		{"not known", scan.Request{}, nil, nil, []string{"CVE-2024-0001", "CVE-2024-0002"}},
		{"scanned before", scan.Request{}, base(), nil, []string{"base alpine:3.20 sha256:aa 1: its layers are those of an image that was scanned before", "CVE-2024-0001 base", "CVE-2024-0002"}},
		{"another was scanned before", scan.Request{}, other, nil, []string{"CVE-2024-0001", "CVE-2024-0002"}},
		{"itself was scanned before", scan.Request{}, app(), nil, []string{"CVE-2024-0001", "CVE-2024-0002"}},
		{"named", scan.Request{Base: scan.BaseOf(base())}, nil, nil, []string{"base base.tar sha256:aa 1: --base-image", "CVE-2024-0001 base", "CVE-2024-0002"}},
		{"named, but another", scan.Request{Base: scan.BaseOf(other)}, nil, nil, []string{"CVE-2024-0001", "CVE-2024-0002",
			"gap: base image other: the image is not built on it: only the first 0 of its 1 layers are in the image; no package counts as from the base image"}},
		{"labelled", scan.Request{}, nil, &assay.BaseImage{Name: "docker.io/library/alpine:3.20", Layers: 1, By: "label"}, []string{"base docker.io/library/alpine:3.20  1: label", "CVE-2024-0001 base", "CVE-2024-0002"}},
		{"labelled without layers", scan.Request{}, nil, &assay.BaseImage{Name: "docker.io/library/alpine:3.20"}, []string{"CVE-2024-0001", "CVE-2024-0002"}},
		{"labelled, and scanned before", scan.Request{}, base(), &assay.BaseImage{Name: "mirror/alpine:3.20"},
			[]string{"base mirror/alpine:3.20 sha256:aa 1: its layers are those of an image that was scanned before", "CVE-2024-0001 base", "CVE-2024-0002"}},
		{"left out", scan.Request{Base: scan.BaseOf(base()), Filter: scan.Filter{IgnoreBase: true}}, nil, nil, []string{"base base.tar sha256:aa 1: --base-image", "CVE-2024-0002"}},
		{"to be left out, but not known", scan.Request{Filter: scan.Filter{IgnoreBase: true}}, nil, nil, []string{"CVE-2024-0001", "CVE-2024-0002",
			"gap: base image: unknown, so --ignore-base left nothing out: name the base image with --base-image, or scan it once"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.s
			s.Filter.Order = "vulnerability"
			s.Cache, s.Database = &cache.Dir{Path: t.TempDir()}, db()
			if tt.before != nil {
				s.Image = tt.before
				if _, err := scan.Scan(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			img := app()
			img.Base = tt.label
			s.Image = img
			r, err := scan.Scan(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if b := r.Image.Base; b != nil {
				got = append(got, fmt.Sprintf("base %s %s %d: %s", b.Name, b.Digest, b.Layers, b.By))
			}
			for _, f := range r.Findings {
				line := f.ID
				if r.FromBase(&r.Packages[f.Package]) {
					line += " base"
				}
				got = append(got, line)
			}
			for _, g := range r.Gaps {
				if strings.HasPrefix(g.Where, "base image") {
					got = append(got, "gap: "+g.String())
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestRuntimesEnd: support of what no distribution looks after ends, too.
func TestRuntimesEnd(t *testing.T) {
	node := ends("nodejs", "16", "2023-09-11")
	img := testimage.Parse(t, "-- 1/usr/local/bin/node* --\n\x7fELF\x02\x01\x01 node.js/v16.20.2 \n-- 1/usr/local/include/node/node_version.h --\n")
	for _, tt := range []struct {
		name string
		rows []assay.Advisory
		want string
	}{
		{"ended", []assay.Advisory{node}, "2023-09-11"},
		{"goes on", []assay.Advisory{ends("nodejs", "16", "false")}, ""},
		{"not listed", []assay.Advisory{ends("nodejs", "18", "true")}, ""},
		{"not in the database", nil, "gap: runtimes: their ends of life are unknown: eol: not found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := &published{rows: map[assay.Stream][]assay.Advisory{assay.StreamCPE: nil}}
			if tt.rows != nil {
				db.rows[assay.StreamEOL] = tt.rows
			}
			r, err := scan.Scan(t.Context(), scan.Request{Database: db, Image: img})
			if err != nil || len(r.Packages) != 1 {
				t.Fatal(r, err)
			}
			got := r.Packages[0].EOL
			for _, g := range r.Gaps {
				if g.Where == "runtimes" {
					got = "gap: " + g.String()
				}
			}
			if got != tt.want || r.EndOfLife() != strings.HasPrefix(tt.want, "2023") {
				t.Errorf("%q, %v, want %q", got, r.EndOfLife(), tt.want)
			}
		})
	}
}

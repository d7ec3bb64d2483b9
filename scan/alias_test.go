package scan_test

import (
	"context"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/ecosystem"
	"github.com/assaysec/assay/internal/match"
)

// notMirrored are the streams of language packages that the mirror does not have.
var notMirrored = []assay.Stream{"cocoapods", "conan"}

// TestOneFindingOfAVulnerability holds for every package that an advisory names: two
// findings of it share a name only if they are of different CVEs. Publishers have notices
// of several CVEs, and a few wrong names, but one vulnerability under several names, of
// whichever feeds, is one finding.
func TestOneFindingOfAVulnerability(t *testing.T) {
	s := database(t, t.TempDir()).Session()
	defer s.Close()
	for _, e := range ecosystem.All() {
		if e.Type != "" && !slices.Contains(notMirrored, e.Stream) {
			t.Run(string(e.Stream), func(t *testing.T) { oneFinding(t, s, e.Stream, assay.Release{}, e.Type) })
		}
	}
	for stream, r := range map[assay.Stream]assay.Release{
		"debian:12": {ID: "debian", Version: "12"}, "ubuntu:22.04": {ID: "ubuntu", Version: "22.04"}, "echo": {ID: "echo", Version: "1"},
		"alpine:3.20": {ID: "alpine", Version: "3.20.1"}, "wolfi": {ID: "wolfi"}, "chainguard": {ID: "chainguard"}, "minimos": {ID: "minimos"},
		"rhel:9": {ID: "rhel", Version: "9.4"}, "almalinux:8": {ID: "almalinux", Version: "8.9"}, "oracle:8": {ID: "ol", Version: "8.9"},
		"arch": {ID: "arch"}, "azurelinux:3.0": {ID: "azurelinux", Version: "3.0"},
	} {
		kind := assay.TypeRPM
		switch stream.Family() {
		case "debian", "ubuntu", "echo":
			kind = assay.TypeDeb
		case "alpine", "wolfi", "chainguard", "minimos":
			kind = assay.TypeApk
		case "arch":
			kind = "alpm"
		}
		t.Run(string(stream), func(t *testing.T) { oneFinding(t, s, stream, r, kind) })
	}
}

// oneFinding matches the packages of a stream in the versions that its advisories name.
func oneFinding(t *testing.T, s session, stream assay.Stream, r assay.Release, kind string) {
	t.Helper()
	if _, err := s.Ensure(t.Context(), []assay.Stream{stream}); err != nil {
		t.Fatal(err)
	}
	lister := s.(interface {
		Names(ctx context.Context, s assay.Stream) iter.Seq2[string, error]
	})
	inv := &assay.Inventory{Release: r}
	for name, err := range lister.Names(t.Context(), stream) {
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range namedVersions(t, s, stream, name) {
			inv.Packages = append(inv.Packages, assay.Package{Type: kind, Name: name, Version: v})
		}
	}
	res, err := match.Packages(t.Context(), inv, s, match.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pairs, byPackage := 0, map[int][]*assay.Finding{}
	for i := range res.Findings {
		f := &res.Findings[i]
		for _, other := range byPackage[f.Package] {
			pairs++
			if name := sharedName(f, other); name != "" && (f.ID == other.ID || !strings.HasPrefix(f.ID, "CVE-") || !strings.HasPrefix(other.ID, "CVE-")) {
				t.Errorf("%s %s: %s is a name of two findings, %s %q and %s %q", inv.Packages[f.Package].Name, inv.Packages[f.Package].Version, name, other.ID, other.Aliases, f.ID, f.Aliases)
			}
		}
		byPackage[f.Package] = append(byPackage[f.Package], f)
	}
	if len(inv.Packages) == 0 {
		t.Error("no packages: nothing was compared")
	}
	t.Logf("%d packages, %d findings, %d pairs", len(inv.Packages), len(res.Findings), pairs)
}

// namedVersions lists versions in the ranges of a name's advisories.
func namedVersions(t *testing.T, s session, stream assay.Stream, name string) (all []string) {
	add := func(v string) {
		if v != "" && len(all) < 8 && !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	for a, err := range s.Lookup(t.Context(), stream, name) {
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range a.Affected {
			add("0.0.1")
			for _, r := range row.Ranges {
				add(r.Introduced)
				add(r.LastAffected)
			}
			if n := len(row.Versions); n > 0 {
				add(row.Versions[0])
				add(row.Versions[n-1])
			}
		}
	}
	return all
}

// sharedName returns a name of both findings; "" if there is none.
func sharedName(f, g *assay.Finding) string {
	names := append([]string{g.ID}, g.Aliases...)
	for _, n := range append([]string{f.ID}, f.Aliases...) {
		if slices.Contains(names, n) {
			return n
		}
	}
	return ""
}

package scan_test

import (
	"archive/zip"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/match"
	"github.com/assaysec/assay/internal/test/corpus"
	"github.com/google/go-cmp/cmp"
)

// erratum is what this test reads of AlmaLinux's records, by itself.
type erratum struct {
	ID       string
	Summary  string
	Related  []string
	Affected []struct {
		Package struct{ Ecosystem, Name string }
		Ranges  []struct {
			Events []struct{ Introduced, Fixed string }
		}
	}
}

// TestAlmaLinux takes packages out of genuine errata: the version before the
// fix has every CVE of its erratum, the fixed one none of them, and a module's
// package none that is not its module's.
func TestAlmaLinux(t *testing.T) {
	z, err := zip.OpenReader(corpus.Path(t, "feeds/osv-vulnerabilities.storage.googleapis.com/AlmaLinux/all.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	advisories := database(t, t.TempDir()).Session()
	defer advisories.Close()
	if _, err := advisories.Ensure(context.Background(), []assay.Stream{"almalinux:9"}); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, f := range z.File {
		if !strings.HasPrefix(f.Name, "ALSA-2023") || checked == 100 {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var e erratum
		err = json.NewDecoder(r).Decode(&e)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		var cves []string
		for _, id := range e.Related {
			if strings.HasPrefix(id, "CVE-") {
				cves = append(cves, id)
			}
		}
		slices.Sort(cves)
		if len(e.Affected) == 0 || e.Affected[0].Package.Ecosystem != "AlmaLinux:9" || len(cves) == 0 {
			continue
		}
		a := e.Affected[0]
		fixed := a.Ranges[0].Events[len(a.Ranges[0].Events)-1].Fixed
		if fixed == "" || strings.Contains(fixed, ".module") {
			continue
		}
		checked++
		inv := func(version, module string) *assay.Inventory {
			return &assay.Inventory{Release: assay.Release{ID: "almalinux", Version: "9.4"},
				Packages: []assay.Package{{Type: "rpm", Name: a.Package.Name, Version: version, Arch: "x86_64", Module: module, Vendor: "AlmaLinux"}}}
		}
		if missing := missingStreams(cves, found(t, advisories, inv("0:0-0.el9", ""))); len(missing) > 0 {
			t.Errorf("%s: %s below %s: %v not found", e.ID, a.Package.Name, fixed, missing)
		}
		if d := cmp.Diff([]string(nil), same(t, advisories, inv(fixed, ""), e.ID)); d != "" {
			t.Errorf("%s: %s %s is fixed: %s", e.ID, a.Package.Name, fixed, d)
		}
		if got := found(t, advisories, inv("0:0-0.module_el9.1.0+1+abc", "other:1:1:abc:x86_64")); len(missingStreams(cves, got)) == 0 {
			t.Errorf("%s: a module's %s has all of %v", e.ID, a.Package.Name, cves)
		}
	}
	if checked < 50 {
		t.Errorf("only %d errata checked", checked)
	}
}

// found lists the vulnerabilities of the inventory.
func found(t *testing.T, a assay.Advisories, inv *assay.Inventory) []string {
	t.Helper()
	res, err := match.Packages(context.Background(), inv, a, match.Options{})
	findings, gaps := res.Findings, res.Gaps
	if err != nil || len(gaps) > 0 {
		t.Fatal(err, gaps)
	}
	var ids []string
	for _, f := range findings {
		ids = append(ids, f.ID)
	}
	return ids
}

// same lists the findings that are due to an erratum.
func same(t *testing.T, a assay.Advisories, inv *assay.Inventory, erratum string) (out []string) {
	t.Helper()
	res, err := match.Packages(context.Background(), inv, a, match.Options{})
	findings := res.Findings
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if slices.Contains(f.VendorIDs, erratum) {
			out = append(out, fmt.Sprint(f.ID, " ", f.Because))
		}
	}
	return out
}

func missingStreams(ids, those []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(those, id) })
}

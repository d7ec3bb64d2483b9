// Package secdb reads the security databases of distributions with apk: for each
// source package, the versions with fixes and the identifiers of the fixed
// vulnerabilities.
//
// The format has no specification;
// https://gitlab.alpinelinux.org/alpine/infra/docker/secdb writes it.
package secdb

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/jsonstream"
	"github.com/assaysec/assay/internal/record/document"
)

// maxPackage bounds one package of a document; the largest is 60 kB (xen, 2024).
const maxPackage = 16 << 20

// A Publisher describes a database.
type Publisher struct {
	Feed   string       // name of the feed
	Stream assay.Stream // the stream of the document
	Page   string       // URL of the publisher's page about an identifier, without the identifier
}

// item is a package in the document.
type item struct {
	Pkg struct {
		Name     string `json:"name"`
		Secfixes fixes  `json:"secfixes"`
	} `json:"pkg"`
}

// fixes are identifiers by fixed version.
type fixes map[string][]string

// finding is the data on one vulnerability in a package's entries.
type finding struct {
	aliases, vendor []string
	versions        []string // the fixed versions, as written
	not             bool     // the version was "0": the package never had it
}

// Read hands the document's records to s, one for each package and identifier.
//
// A version "0" means that the package is not affected. If a package has an
// identifier at several versions, the earlier fixes were incomplete: there is a
// range for each. A string may have several identifiers ("CVE-2016-9932
// XSA-200"). Identifiers other than CVEs name the same vulnerabilities as the
// CVEs of the string; they become records only if the string has no CVE. Wolfi
// and Chainguard list the CVE and the GHSA of a vulnerability separately. If a
// version has no more GHSAs than CVEs, the GHSAs are aliases of the CVEs; else
// all become records. Versions are kept as they are, valid or not: whoever
// compares them must report invalid ones.
func Read(ctx context.Context, r io.Reader, p Publisher, s assay.Sink) error {
	d := jsonstream.NewDecoder(ctx, r, maxPackage)
	packages := false
	err := d.Object(func(key string) error {
		if key != "packages" {
			return d.Skip()
		}
		packages = true
		return d.Array(func() error {
			var i item
			ok, err := d.Value(&i)
			switch {
			case err != nil:
				return err
			case !ok || i.Pkg.Name == "":
				s.Skip(i.Pkg.Name, "malformed package")
				return nil
			}
			return p.emit(i, s)
		})
	})
	if err == nil {
		err = d.End()
	}
	if err == nil && !packages {
		err = fmt.Errorf("contains no packages: %w", assay.ErrMalformed)
	}
	return err
}

func (p Publisher) emit(i item, s assay.Sink) error {
	found := map[string]*finding{}
	for _, version := range slices.Sorted(maps.Keys(i.Pkg.Secfixes)) {
		var all []names
		for _, text := range i.Pkg.Secfixes[version] {
			all = append(all, split(text))
		}
		for _, n := range pair(version, all) {
			if len(n.ids) == 0 || version == "" {
				s.Skip(i.Pkg.Name+" "+n.text, "malformed identifier or version")
			}
			for _, id := range n.ids {
				f := found[id]
				if f == nil {
					f = &finding{}
					found[id] = f
				}
				f.aliases, f.vendor = append(f.aliases, n.aliases...), append(f.vendor, n.vendor...)
				switch {
				case version == "0":
					f.not = true
				case version != "":
					f.versions = append(f.versions, version)
				}
			}
		}
	}
	for _, id := range slices.Sorted(maps.Keys(found)) {
		f := found[id]
		if !f.not && len(f.versions) == 0 {
			continue // had no version, and was counted
		}
		if err := s.Advisory(p.advisory(i.Pkg.Name, id, f)); err != nil {
			return err
		}
	}
	return nil
}

// names are the identifiers in one string.
type names struct {
	ids, aliases, vendor []string
	text                 string
}

// pair makes the GHSAs of a version aliases of its CVEs: aliases of the only
// CVE, or related identifiers of several.
func pair(version string, all []names) []names {
	isGHSA := func(n names) bool { return len(n.ids) == 1 && strings.HasPrefix(n.ids[0], "GHSA-") }
	var ghsas []string
	cves := 0
	for _, n := range all {
		if isGHSA(n) {
			ghsas = append(ghsas, n.ids[0])
		} else if len(n.ids) > 0 && strings.HasPrefix(n.ids[0], "CVE-") {
			cves++
		}
	}
	if version == "0" || len(ghsas) == 0 || len(ghsas) > cves {
		return all
	}
	all = slices.DeleteFunc(all, isGHSA)
	for i := range all {
		switch n := &all[i]; {
		case len(n.ids) == 0 || !strings.HasPrefix(n.ids[0], "CVE-"):
		case cves == 1:
			n.aliases = append(n.aliases, ghsas...)
		default: // the pairs are unknown
			n.vendor = append(n.vendor, ghsas...)
		}
	}
	return all
}

func (p Publisher) advisory(name, id string, f *finding) assay.Advisory {
	a := assay.Affected{Stream: p.Stream, Name: name, Status: assay.StatusNotAffected, Ranges: []assay.Range{{}}}
	if len(f.versions) > 0 { // a fix outweighs "not affected": it was affected once
		a.Status, a.Ranges = assay.StatusAffected, nil
		for _, v := range slices.Compact(f.versions) { // sorted by emit
			a.Ranges = append(a.Ranges, assay.Range{Fixed: v})
		}
	}
	return assay.Advisory{
		ID: id, Aliases: set(f.aliases), VendorIDs: set(f.vendor), Feed: p.Feed,
		URL: p.Page + id, Affected: []assay.Affected{a},
	}
}

// split separates a string into identifiers: the IDs of records, and for each of
// them aliases and other publishers' notices. It corrects misspelt CVEs
// ("CVE_2019-2426", "cve-2017-2616").
func split(text string) names {
	var ids, aliases, vendor []string
	for _, id := range strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == ',' || r == ';' || r == 0xa0 }) {
		if up := strings.ToUpper(id); strings.HasPrefix(up, "CVE_") || strings.HasPrefix(up, "CVE-") {
			id = "CVE-" + up[4:]
		}
		switch {
		case len(id) > maxID || strings.ContainsAny(id, "<>\"'\\"):
		case strings.HasPrefix(id, "CVE-"): // letters stay, as in CVE-2019-XXXX
			ids = append(ids, id)
		case strings.HasPrefix(id, "GHSA-"):
			aliases = append(aliases, id)
		case !strings.ContainsAny(id, "0123456789"): // "N/A"
		default:
			vendor = append(vendor, id)
		}
	}
	if len(ids) == 0 {
		ids, aliases = aliases, nil
	}
	if len(ids) == 0 {
		ids, vendor = vendor, nil
	}
	return names{ids, aliases, vendor, text}
}

const maxID = 100 // the longest identifier of any publisher has 30 characters

func set(s []string) []string {
	slices.Sort(s)
	return slices.Clip(slices.Compact(s))
}

// Fetch gets the document at url and reads it.
func Fetch(ctx context.Context, g assay.Getter, url string, p Publisher, s assay.Sink) error {
	return document.Read(ctx, g, url, func(body io.Reader) error { return Read(ctx, body, p, s) })
}

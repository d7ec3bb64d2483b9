package suse

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/record/oval"
)

// A table collects what the criteria of a definition state about packages.
type table struct {
	place   *place
	rows    map[key][]row
	foreign bool // they were about streams of other places
}

type key struct {
	stream assay.Stream
	name   string
}

// A row is the statement about a package in one product.
type row struct {
	status assay.Status
	fixed  string
	arches string
}

// criteria reads criteria within which one of products is installed. They are
// nested: in a conjunction some are about products, or alternatives of products,
// and the others about packages.
func (t *table) criteria(c *oval.Criteria, products []string) {
	if c.Negate == "true" {
		return
	}
	if c.Operator == "" || c.Operator == "AND" {
		var here []string
		for i := range c.Criterion {
			here = append(here, product(&c.Criterion[i])...)
		}
		for i := range c.Criteria {
			if sub := &c.Criteria[i]; alternatives(sub) {
				for j := range sub.Criterion {
					here = append(here, product(&sub.Criterion[j])...)
				}
			}
		}
		if len(here) > 0 {
			products = here
		}
	}
	for i := range c.Criterion {
		t.criterion(&c.Criterion[i], products)
	}
	for i := range c.Criteria {
		t.criteria(&c.Criteria[i], products)
	}
}

// alternatives reports whether criteria are products, one of which must be
// installed.
func alternatives(c *oval.Criteria) bool {
	return len(c.Criterion) > 0 && len(c.Criteria) == 0 && c.Negate != "true" &&
		!slices.ContainsFunc(c.Criterion, func(cr oval.Criterion) bool { return product(&cr) == nil })
}

// product is the name of the product in a criterion; nil for other criteria.
// Names of products have spaces, names of packages have none.
func product(c *oval.Criterion) []string {
	name, ok := strings.CutSuffix(c.Comment, " is installed")
	if !ok || c.Negate == "true" || !strings.Contains(name, " ") {
		return nil
	}
	return []string{name}
}

// criterion adds what a criterion states about a package.
func (t *table) criterion(c *oval.Criterion, products []string) {
	if c.Test == nil || c.Negate == "true" || c.Test.Kind != "rpminfo" || len(c.Test.Names) != 1 || product(c) != nil {
		return
	}
	var r row
	switch evr, _ := c.Test.Field("evr"); {
	case evr.Operation == "less than":
		r.status, r.fixed = assay.StatusAffected, strings.TrimPrefix(evr.Value, "0:")
		if arch, ok := c.Test.Field("arch"); ok {
			arches := oval.Arches(arch.Value)
			slices.Sort(arches)
			r.arches = strings.Join(arches, " ")
		}
	case strings.HasSuffix(c.Comment, " is not affected"):
		r.status = assay.StatusNotAffected
	case strings.HasSuffix(c.Comment, " is affected"):
		r.status = assay.StatusAffected
	default: // signatures, and the packages that identify a product
		return
	}
	var all []assay.Stream
	for _, p := range products {
		all = append(all, streams(p)...)
	}
	if len(products) == 0 && !t.place.major { // documents up to 2012 have one product and do not name it here
		all = []assay.Stream{t.place.streams}
	}
	for _, s := range all {
		k := key{s, c.Test.Names[0]}
		switch {
		case !t.place.contains(s):
			t.foreign = true
		case !slices.Contains(t.rows[k], r):
			t.rows[k] = append(t.rows[k], r)
		}
	}
}

// affected returns the rows by stream and name.
func (t *table) affected() (out []assay.Affected) {
	keys := slices.SortedFunc(maps.Keys(t.rows), func(a, b key) int {
		return slices.Compare([]string{string(a.stream), a.name}, []string{string(b.stream), b.name})
	})
	for _, k := range keys {
		rows := best(t.rows[k])
		slices.SortFunc(rows, func(a, b row) int {
			return slices.Compare([]string{a.arches, a.fixed}, []string{b.arches, b.fixed})
		})
		for i, r := range rows {
			if i > 0 && rows[i-1].arches == r.arches { // several fixes of one package: a range each
				last := &out[len(out)-1]
				last.Ranges = append(last.Ranges, assay.Range{Fixed: r.fixed})
				continue
			}
			a := assay.Affected{Stream: k.stream, Name: k.name, Status: r.status, Ranges: []assay.Range{{Fixed: r.fixed}}}
			if r.arches != "" {
				a.Qualifiers.Arches = strings.Fields(r.arches)
			}
			if r.fixed == "" {
				a.Reason = strings.ReplaceAll(string(r.status), "_", " ")
			}
			out = append(out, a)
		}
	}
	return out
}

// best keeps the rows about fixes or, if there are none, those about affected
// versions.
func best(rows []row) []row {
	for _, better := range []func(row) bool{
		func(r row) bool { return r.fixed != "" },
		func(r row) bool { return r.status == assay.StatusAffected },
	} {
		if slices.ContainsFunc(rows, better) {
			return slices.DeleteFunc(rows, func(r row) bool { return !better(r) })
		}
	}
	return rows
}

var (
	leap       = regexp.MustCompile(`^openSUSE (?:Leap )?(\d+\.\d+)(?: .*)?$`)
	micro      = regexp.MustCompile(`^SUSE Linux (?:Enterprise )?Micro (?:for Rancher )?(\d+\.\d+)`)
	enterprise = regexp.MustCompile(`^SUSE Linux Enterprise (\D*)(\d\d)(?:\.(\d+))?(?: SP(\d+))?(?:[- ][A-Za-z].*)?$`)
)

// streams are the streams of a product: "SUSE Linux Enterprise Module for
// Basesystem 15 SP4" is in sles:15.4.
func streams(product string) []assay.Stream {
	if product == "openSUSE Tumbleweed" {
		return []assay.Stream{"opensuse-tumbleweed"}
	}
	if m := leap.FindStringSubmatch(product); m != nil {
		return []assay.Stream{assay.Stream("opensuse-leap:" + m[1])}
	}
	if m := micro.FindStringSubmatch(product); m != nil {
		return []assay.Stream{assay.Stream("sle-micro:" + m[1])}
	}
	m := enterprise.FindStringSubmatch(product)
	switch {
	case m == nil:
		return nil
	case m[2] == "12" && m[4] == "" && strings.HasPrefix(m[1], "Module "):
		return []assay.Stream{"sles:12", "sles:12.1", "sles:12.2", "sles:12.3", "sles:12.4", "sles:12.5"}
	}
	release := m[2]
	if minor := m[3] + m[4]; minor != "" {
		release += "." + minor
	}
	return []assay.Stream{assay.Stream("sles:" + release)}
}

package main

import (
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/feed"
	"github.com/assaysec/assay/scan"
	"github.com/spf13/pflag"
)

// filterOptions are the flags that choose, rate and sort findings.
type filterOptions struct {
	rules           ruleOptions
	severity        []string
	severitySources []string
	ignoreUnfixed   bool
	onlyFixed       bool
	onlyUnfixed     bool
	ignoreStatus    []string
	ignoreBase      bool
	asOf            string
	sortBy          string
	vex             vexOptions
}

// statuses are what --ignore-status takes.
var statuses = []assay.Status{assay.StatusUnknown, assay.StatusNotAffected, assay.StatusAffected, assay.StatusFixed, assay.StatusUnderInvestigation,
	assay.StatusWillNotFix, assay.StatusFixDeferred, assay.StatusEndOfLife}

func (o *filterOptions) flags(f *pflag.FlagSet) {
	o.rules.flags(f)
	f.StringSliceVarP(&o.severity, "severity", "s", nil, "report only these: UNKNOWN, NEGLIGIBLE, LOW, MEDIUM, HIGH, CRITICAL (default all)")
	f.StringSliceVar(&o.severitySources, "vuln-severity-source", []string{scan.SeverityAuto}, "sources of severities, in order; the first with a severity counts: auto, nvd, ghsa, debian and others")
	f.BoolVar(&o.ignoreUnfixed, "ignore-unfixed", false, "leave out findings without a fix")
	f.BoolVar(&o.onlyFixed, "only-fixed", false, "the same as --ignore-unfixed")
	f.BoolVar(&o.onlyUnfixed, "only-notfixed", false, "leave out findings that have a fix")
	f.StringSliceVar(&o.ignoreStatus, "ignore-status", nil, "leave out findings with these statuses: "+words(statuses))
	f.BoolVar(&o.ignoreBase, "ignore-base", false, "leave out findings from the base image")
	f.StringVar(&o.asOf, "as-of", "", "use only what was published by the end of this `DATE` (YYYY-MM-DD, UTC)")
	f.StringVar(&o.sortBy, "sort-by", scan.Orders()[0], "sort findings by: "+strings.Join(scan.Orders(), ", "))
	o.vex.flags(f)
}

func words[S ~string](all []S) string {
	var out []string
	for _, s := range all {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}

// set reports whether findings are to be filtered.
func (o *filterOptions) set() bool {
	return len(o.severity)+len(o.ignoreStatus) > 0 || o.ignoreUnfixed || o.onlyFixed || o.onlyUnfixed || o.ignoreBase || o.asOf != "" || o.rules.set() || len(o.vex.sources) > 0
}

// load builds the filter and reads the suppressors that the flags name, or returns
// which flag is invalid.
func (o *filterOptions) load() (f scan.Filter, _ []assay.Suppressor, err error) {
	f = scan.Filter{IgnoreUnfixed: o.ignoreUnfixed || o.onlyFixed, IgnoreFixed: o.onlyUnfixed, IgnoreBase: o.ignoreBase, Order: o.sortBy}
	if f.IgnoreUnfixed && f.IgnoreFixed {
		return f, nil, usagef("--only-notfixed contradicts --only-fixed and --ignore-unfixed: no finding would be left")
	}
	if !slices.Contains(scan.Orders(), f.Order) {
		return f, nil, usagef("--sort-by %q: want one of %s", o.sortBy, strings.Join(scan.Orders(), ", "))
	}
	if f.AsOf, err = parseAsOf(o.asOf, time.Now()); err != nil {
		return f, nil, err
	}
	for _, s := range o.severity {
		v, ok := assay.ParseSeverity(s)
		if !ok || s == "" {
			return f, nil, usagef("--severity %q: want one of UNKNOWN, NEGLIGIBLE, LOW, MEDIUM, HIGH, CRITICAL", s)
		}
		f.Severities = append(f.Severities, v)
	}
	for _, s := range o.ignoreStatus {
		v := assay.Status(strings.ToLower(strings.TrimSpace(s)))
		if !slices.Contains(statuses, v) {
			return f, nil, usagef("--ignore-status %q: want one of %s", s, words(statuses))
		}
		f.IgnoreStatuses = append(f.IgnoreStatuses, v)
	}
	if f.SeveritySources, err = parseSources(o.severitySources); err != nil {
		return f, nil, err
	}
	suppressors, err := o.rules.load()
	return f, suppressors, err
}

// parseAsOf is the last second of a day; zero for "".
func parseAsOf(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return time.Time{}, usagef("--as-of %q: want a date such as 2026-01-31", s)
	}
	end := day.Add(24*time.Hour - time.Second)
	if day.After(now) {
		return time.Time{}, usagef("--as-of %s is in the future", s)
	}
	return end, nil
}

// parseSources reads --vuln-severity-source.
func parseSources(names []string) (out []string, _ error) {
	for _, s := range names {
		if s = strings.ToLower(strings.TrimSpace(s)); s == "" {
			return nil, usagef("--vuln-severity-source contains an empty name")
		}
		isFeed := func(f assay.Feed) bool { return f.Name() == s }
		if !slices.Contains(scan.SeveritySources(), s) && !strings.Contains(s, "@") && !slices.ContainsFunc(feed.All(), isFeed) { // CNAs go by their address
			return nil, usagef("--vuln-severity-source %q: want one of %s, or the name of a feed (see assay db providers)", s, strings.Join(scan.SeveritySources(), ", "))
		}
		out = append(out, s)
	}
	return out, nil
}

package main

import (
	"slices"
	"strings"
	"time"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/feed"
	"github.com/assaysec/assay/internal/triage"
	"github.com/spf13/pflag"
)

// filterOptions are the flags about which findings are reported, and how they
// are judged.
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
	f.StringSliceVarP(&o.severity, "severity", "s", nil, "severities to report: UNKNOWN, NEGLIGIBLE, LOW, MEDIUM, HIGH, CRITICAL (default all)")
	f.StringSliceVar(&o.severitySources, "vuln-severity-source", []string{triage.Auto}, "whose severity counts, the first that has one: auto, nvd, ghsa, debian, redhat, ...")
	f.BoolVar(&o.ignoreUnfixed, "ignore-unfixed", false, "leave out what has no fix")
	f.BoolVar(&o.onlyFixed, "only-fixed", false, "the same as --ignore-unfixed")
	f.BoolVar(&o.onlyUnfixed, "only-notfixed", false, "leave out what has a fix")
	f.StringSliceVar(&o.ignoreStatus, "ignore-status", nil, "leave out findings of these statuses: "+words(statuses))
	f.BoolVar(&o.ignoreBase, "ignore-base", false, "leave out what the base image brought")
	f.StringVar(&o.asOf, "as-of", "", "judge by what had been published by the end of this `DATE` (YYYY-MM-DD, UTC), as far as that is known")
	f.StringVar(&o.sortBy, "sort-by", string(triage.Orders[0]), "what comes first: "+words(triage.Orders))
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

// options refuses what cannot be meant.
func (o *filterOptions) options() (triage.Options, error) {
	t := triage.Options{IgnoreUnfixed: o.ignoreUnfixed || o.onlyFixed, IgnoreFixed: o.onlyUnfixed, IgnoreBase: o.ignoreBase, Order: triage.Order(o.sortBy)}
	if t.IgnoreUnfixed && t.IgnoreFixed {
		return t, usagef("--only-notfixed goes with neither --only-fixed nor --ignore-unfixed: nothing would be left")
	}
	if !slices.Contains(triage.Orders, t.Order) {
		return t, usagef("--sort-by %q is none of %s", o.sortBy, words(triage.Orders))
	}
	var err error
	if t.Suppressors, err = o.rules.suppressors(); err != nil {
		return t, err
	}
	if o.asOf != "" {
		day, err := time.Parse(time.DateOnly, o.asOf)
		if err != nil {
			return t, usagef("--as-of %q is not a date such as 2026-01-31", o.asOf)
		}
		if t.AsOf = day.Add(24*time.Hour - time.Second); day.After(time.Now()) {
			return t, usagef("--as-of %s has not come yet", o.asOf)
		}
	}
	for _, s := range o.severity {
		v, ok := assay.ParseSeverity(s)
		if !ok || s == "" {
			return t, usagef("--severity %q is none of UNKNOWN, NEGLIGIBLE, LOW, MEDIUM, HIGH, CRITICAL", s)
		}
		t.Severities = append(t.Severities, v)
	}
	for _, s := range o.ignoreStatus {
		v := assay.Status(strings.ToLower(strings.TrimSpace(s)))
		if !slices.Contains(statuses, v) {
			return t, usagef("--ignore-status %q is none of %s", s, words(statuses))
		}
		t.IgnoreStatuses = append(t.IgnoreStatuses, v)
	}
	for _, s := range o.severitySources {
		if s = strings.ToLower(strings.TrimSpace(s)); s == "" {
			return t, usagef("--vuln-severity-source has an empty name in it")
		}
		if !slices.Contains(triage.Sources(), s) && !strings.Contains(s, "@") && !slices.ContainsFunc(feed.All(), func(f assay.Feed) bool { return f.Name() == s }) { // CNAs go by their address
			return t, usagef("--vuln-severity-source %q is none of %s, nor a feed's name (assay db providers)", s, strings.Join(triage.Sources(), ", "))
		}
		t.SeveritySources = append(t.SeveritySources, s)
	}
	if suppressor, err := o.vex.load(); err != nil {
		return t, err
	} else if suppressor != nil {
		t.Suppressors = append(t.Suppressors, suppressor)
	}
	t.Suppressors = o.rules.watched(t.Suppressors)
	return t, nil
}

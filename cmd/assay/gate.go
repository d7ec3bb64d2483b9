package main

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/assaysec/assay"
	"github.com/assaysec/assay/internal/encoding/printable"
	"github.com/assaysec/assay/internal/triage"
	"github.com/spf13/pflag"
)

// gateOptions are the flags that set the exit code.
type gateOptions struct {
	exitCode   int
	exitOnEOL  int
	failOn     []string
	threshold  string
	failOnGaps bool

	gate  triage.Gate
	given func(flag string) bool // whether the user set the flag
}

func (o *gateOptions) flags(f *pflag.FlagSet) {
	o.given = f.Changed
	f.IntVar(&o.exitCode, "exit-code", 0, "exit code when there are findings; with --fail-on, when one matches it; 0 for never")
	f.IntVar(&o.exitOnEOL, "exit-on-eol", 0, "exit code when the distribution or a runtime has reached its end of life (EOL)")
	f.StringSliceVar(&o.failOn, "fail-on", nil, "exit with 1, or --exit-code, when a finding matches: SEVERITY (or worse), risk=N (or more), kev, fixable, own (not from the base image), unrated (no severity is known); + means and: high+fixable")
	f.StringVar(&o.threshold, "threshold", "", "the same as --fail-on SEVERITY (clair-scanner's name)")
	f.BoolVar(&o.failOnGaps, "fail-on-gaps", false, fmt.Sprintf("exit with %d when something could not be read or judged", exitGaps))
}

func (o *gateOptions) set() bool {
	return o.exitCode != 0 || o.exitOnEOL != 0 || len(o.failOn) > 0 || o.threshold != "" || o.failOnGaps
}

// check returns an error for flags that are invalid or contradict each other.
func (o *gateOptions) check() error {
	for _, c := range []struct {
		flag string
		code int
	}{{"--exit-code", o.exitCode}, {"--exit-on-eol", o.exitOnEOL}} {
		if c.code < 0 || c.code > 255 {
			return usagef("%s %d: want an exit code from 0 to 255", c.flag, c.code)
		}
	}
	var err error
	if o.gate, err = triage.ParseGate(o.failOn); err != nil {
		return usagef("--fail-on: %w", err)
	}
	if o.threshold == "" {
		return nil
	}
	if s, ok := assay.ParseSeverity(o.threshold); !ok {
		return usagef("--threshold %q: want one of UNKNOWN, NEGLIGIBLE, LOW, MEDIUM, HIGH, CRITICAL", o.threshold)
	} else if o.gate, err = triage.ParseGate(append(o.failOn, "severity="+s.String())); err != nil {
		return usagef("--threshold: %w", err)
	}
	return nil
}

// conditions joins the values of --fail-on and --threshold.
func (o *gateOptions) conditions() string {
	all := o.failOn
	if o.threshold != "" {
		all = append(all[:len(all):len(all)], o.threshold)
	}
	return strings.Join(all, ",")
}

// warnUnrated counts the findings that no gate on severities could judge: nobody rated
// them.
func (o *gateOptions) warnUnrated(r *assay.Report, gated bool) {
	if n := o.gate.CountUnrated(r); n > 0 {
		slog.Warn(fmt.Sprintf("--fail-on %s cannot judge %s without a severity; add unrated to fail on them", o.conditions(), printable.Count(n, "finding", "findings")))
	}
	for _, gap := range r.Gaps {
		if gap.Where == triage.GapUnrated && (gated || o.exitCode != 0) {
			slog.Warn(gap.String())
		}
	}
}

// verdict is the exit code of a report, as an exitCode; nil for 0.
func (o *gateOptions) verdict(g *global, r *assay.Report) error {
	gated := len(o.failOn) > 0 || o.threshold != ""
	o.warnUnrated(r, gated)
	switch matching := o.gate.CountFailing(r); {
	case o.exitOnEOL != 0 && r.EndOfLife():
		return exitCode(o.exitOnEOL)
	case gated && matching > 0 && o.exitCode == 0 && o.given("exit-code"):
		g.notify("%d of %d findings match --fail-on: exit code 0, as --exit-code says", matching, len(r.Findings))
	case gated && matching > 0:
		code := max(o.exitCode, exitFindings)
		g.notify("%d of %d findings match --fail-on %s: exit code %d", matching, len(r.Findings), o.conditions(), code)
		return exitCode(code)
	case !gated && o.exitCode != 0 && len(r.Findings)+r.Gating() > 0:
		return exitCode(o.exitCode)
	case o.failOnGaps && len(r.Gaps) > 0:
		g.notify("%s could not be read or judged (--fail-on-gaps): exit code %d", printable.Count(len(r.Gaps), "thing", "things"), exitGaps)
		return exitCode(exitGaps)
	}
	return nil
}

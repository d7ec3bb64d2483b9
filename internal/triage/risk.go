package triage

import (
	"math"

	"github.com/assaysec/assay"
)

const (
	// noEPSS is the probability of exploitation without an EPSS score. It is
	// about the mean of all scores (2025), so that new vulnerabilities, and
	// those without a CVE, rank among the others by severity and not below all
	// of them.
	noEPSS = 0.01
	// spread is the exponent of the probability. Most probabilities are far
	// below 1 %, so that without it nearly all risks would be 0; with it 0.1 %
	// counts as a tenth, 10 % as a half.
	spread = 1. / 3
	// Factors for known exploitation.
	exploited  = 1.05
	ransomware = 1.1
)

// weights are the severities on the scale of CVSS.
var weights = map[assay.Severity]float64{
	assay.SeverityNegligible: 0.5, assay.SeverityLow: 3, assay.SeverityMedium: 5, assay.SeverityHigh: 7.5, assay.SeverityCritical: 9, assay.SeverityUnknown: 5,
}

// Risk rates a finding from 0 to 100. It multiplies the severity, the likelihood
// of exploitation, and a factor for known exploitation:
//
//	min(100, 100 × severity/10 × probability^⅓ × known)
//
// severity is the mean of the severity's weight and of the base scores.
// probability is EPSS's score, 1 if CISA lists the vulnerability as exploited,
// 0.01 without an EPSS score. known is 1.05 if CISA lists the vulnerability, 1.1
// with use in ransomware. docs/risk.md gives examples.
func Risk(f *assay.Finding) float64 {
	severity := weights[f.Severity]
	var sum, n float64
	for _, c := range f.Detail.CVSS {
		if c.Score > 0 {
			sum, n = sum+c.Score, n+1
		}
	}
	if n > 0 {
		severity = (severity + sum/n) / 2
	}
	probability, known := noEPSS, 1.
	if e := f.Detail.EPSS; e != nil {
		probability = min(1, max(0, e.Score))
	}
	if k := f.Detail.KEV; k != nil {
		if probability, known = 1, exploited; k.Ransomware {
			known = ransomware
		}
	}
	risk := min(100, 10*severity*math.Pow(probability, spread)*known)
	return math.Round(risk*10) / 10
}

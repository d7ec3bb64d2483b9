// Package cvss reads vectors of the Common Vulnerability Scoring System,
// versions 2.0, 3.0, 3.1 and 4.0, and computes their scores.
//
// Specifications: https://www.first.org/cvss/v2/guide,
// https://www.first.org/cvss/v3.0/specification-document,
// https://www.first.org/cvss/v3.1/specification-document,
// https://www.first.org/cvss/v4.0/specification-document
package cvss

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/assaysec/assay"
)

// maxVector bounds a vector in bytes: one of version 4.0 with every metric has
// 198.
const maxVector = 512

// Parse reads a vector and computes the score that its publisher shows beside
// it. Up to version 3.1 that is the base score, even if temporal and
// environmental metrics follow. Version 4.0 has one score, that of all metrics
// in the vector. The specification asks for it, and GitHub's scores in NVD's
// feed of November 2026 agree (8.9 beside "…/E:P", for which the base metrics
// alone give 9.3; VulDB sometimes shows the base score).
//
// The result's Vector is the given one without the text that publishers add:
// parentheses (version 2.0), the score and a slash before (Red Hat), a slash
// after. Deviations from the specification are ErrMalformed: a metric that is
// unknown, duplicate, missing or out of order, and an incomplete group whose
// metrics belong together. The base metrics of version 4.0 may have any order,
// because advisories of 2024 use another one; version 3 defines no order.
func Parse(source, vector string) (assay.CVSS, error) {
	s, text, v, err := parse(vector)
	if err != nil {
		return assay.CVSS{}, err
	}
	return assay.CVSS{Source: source, Version: s.version, Vector: text, Score: s.published(&v)}, nil
}

// A standard is a version of CVSS.
type standard struct {
	version   string
	prefix    string // of its vectors
	undefined string // the value of an optional metric that is not defined
	metrics   []metric
	base      int                     // the number of mandatory metrics, which come first
	free      int                     // metrics before this index may have any order, the others the order of the table
	groups    [][2]int                // ranges of metrics that must be given together or not at all
	published func(v *values) float64 // see Parse
	score     func(v *values) float64 // of all metrics given
}

// A metric has values, and weights if an equation uses it; the first weight is
// that of an undefined metric.
type metric struct {
	name    string
	values  string // separated by spaces
	weights []float64
}

// values has the index of each metric's value in the table, from 1; 0 means not
// defined.
type values [maxMetrics]uint8

const maxMetrics = 32 // version 4.0 has them all

// parse finds the version of a vector by its prefix and reads its metrics.
func parse(vector string) (_ *standard, text string, v values, _ error) {
	if len(vector) > maxVector {
		return nil, "", v, fmt.Errorf("CVSS vector %.40q… is over %d bytes: %w", vector, maxVector, assay.ErrMalformed)
	}
	text = trimVector(vector)
	s := &v2
	switch {
	case strings.HasPrefix(text, v31.prefix):
		s = &v31
	case strings.HasPrefix(text, v4.prefix):
		s = &v4
	case strings.HasPrefix(text, v30.prefix):
		s = &v30
	case !strings.HasPrefix(text, "AV:"):
		return nil, "", v, bad(vector, "unknown version")
	}
	if why := s.read(text[len(s.prefix):], &v); why != "" {
		return nil, "", v, bad(vector, why)
	}
	return s, text, v, nil
}

// trimVector is the vector without the text around it.
func trimVector(vector string) string {
	if strings.HasPrefix(vector, "(AV:") && strings.HasSuffix(vector, ")") {
		return vector[1 : len(vector)-1]
	}
	if score, rest, ok := strings.Cut(vector, "/"); ok && strings.HasPrefix(rest, "CVSS:") {
		if _, err := strconv.ParseFloat(score, 64); err == nil {
			vector = rest
		}
	}
	return strings.TrimSuffix(vector, "/")
}

// read reads the metrics of a vector; why is the defect of an invalid one.
func (s *standard) read(list string, v *values) (why string) {
	var given [maxMetrics]bool
	last := -1
	for item := range strings.SplitSeq(list, "/") {
		name, value, ok := strings.Cut(item, ":")
		i := s.find(name)
		switch {
		case !ok:
			return "no colon in " + item
		case i < 0:
			return "unknown metric " + name
		case given[i]:
			return "metric " + name + " twice"
		case max(i, s.free) < max(last, s.free):
			return "metric " + name + " out of order"
		}
		given[i], last = true, i
		if v[i] = indexOf(s.metrics[i].values, value); v[i] == 0 && (i < s.base || value != s.undefined) {
			return "unknown value " + item
		}
	}
	for i := range s.base {
		if !given[i] {
			return "no metric " + s.metrics[i].name
		}
	}
	for _, g := range s.groups {
		for i := g[0]; i < g[1]; i++ {
			if given[i] != given[g[0]] {
				return "only some metrics of a group"
			}
		}
	}
	return ""
}

func (s *standard) find(name string) int {
	for i := range s.metrics {
		if s.metrics[i].name == name {
			return i
		}
	}
	return -1
}

// indexOf is the index of value in list, from 1; 0 if it is missing.
func indexOf(list, value string) uint8 {
	n := uint8(1)
	for word := range strings.SplitSeq(list, " ") {
		if word == value {
			return n
		}
		n++
	}
	return 0
}

func bad(vector, why string) error {
	return fmt.Errorf("CVSS vector %.240q: %s: %w", vector, why, assay.ErrMalformed)
}
